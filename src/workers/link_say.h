/* What a link says of itself: its lines in the process log, and the sentence of its end.
 * It owns nothing. It never changes a link but for `link->detail`. For link.c alone. */
#ifndef WORKERS_LINK_SAY_H
#define WORKERS_LINK_SAY_H

#include "workers/link.h"

/* It failed; `link->detail` says why. */
void link_say_failed(const struct link *link);
/* The verdict in link->judged, on its certificate or on its answer; both are counted. */
void link_say_verdict(const struct link *link);
void link_say_challenge(const struct link *link);
/* How its connection ended, into `link->detail`. */
void link_explain_end(struct link *link);

#endif
