/* Memory that is given back all at once, with a maximum set when it is made.
 * It owns its blocks. It never moves or frees a single piece. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/span.h"

struct arena_block;
struct arena {
    struct arena_block *block;
    size_t used;      /* bytes handed out in all, rounded up to the alignment */
    size_t bytes_max; /* more than this is refused */
};

void arena_init(struct arena *arena, size_t bytes_max);
void arena_fini(struct arena *arena);
/* Aligned for any type; NULL when the maximum would be passed. */
void *arena_take(struct arena *arena, size_t bytes);
/* A NUL-ended copy; `out` spans it without the NUL. False when the maximum would be passed. */
bool arena_copy(struct arena *arena, struct span from, struct span *out);

#endif
