/* What a loop gives to the other files of io/, and to nobody above.
 * It owns nothing of its own. Never included outside io/. */
#ifndef IO_LOOP_PARTS_H
#define IO_LOOP_PARTS_H

#include "io/loop.h"

enum { LOOP_SCRATCH_BYTES = 65536 };

/* Memory for one read or one record, for the length of one callback: nobody keeps bytes in it. */
char *loop_scratch(struct loop *loop);
/* For what has no owner any more but still has something to do: buried when the loop goes, unless
 * list_remove()d (and loop_bury()ed) before. */
void loop_keep(struct loop *loop, struct grave *grave, void (*bury)(void *owner), void *owner);

#endif
