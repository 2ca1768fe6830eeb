/* Asks Redis for the call a token belongs to: whether it still runs, and who pays for it.
 * It owns what is asked and not answered. It never reads a token: it is given a lineage that was
 * judged, and fills in what the token does not say. */
#ifndef CALLERS_PARENTS_H
#define CALLERS_PARENTS_H

#include "callers/auth.h"
#include "callers/store.h"

struct parents;

struct parents *parents_new(struct loop *loop, struct store *store);
void parents_free(struct parents *parents); /* after store_close() */

/* Answers `wait` later: NONE with its caller and the root of its lineage, PARENT_NOT_RUNNING or
 * METERING_UNAVAILABLE. False: it cannot be asked, and there will be no answer. */
MUST_USE bool parents_ask(struct parents *parents, uint16_t bucket, struct auth_wait *wait);
/* The waiter goes; fine when it was answered. */
void parents_cancel(struct parents *parents, struct auth_wait *wait);

#endif
