/* Answers kept in Redis for callers who ask again with the same Idempotency-Key: sealed texts by
 * invocation, for as long as the call itself is remembered.
 * It owns the waits in flight. It never knows what is in a text, and never lets them crowd out the
 * commands that move money: beyond its maximum under way an answer is not kept. */
#ifndef CALLERS_ANSWERS_H
#define CALLERS_ANSWERS_H

#include "callers/store.h"

enum { ANSWERS_LIFE_S = 86400, ANSWERS_BYTES_MAX = 262144 };

struct answers;

struct answers_wait {
    void (*answer)(struct answers_wait *wait);
    char *text; /* fetched; the asker frees it. NULL: there is none, or nobody knows */
    size_t text_len;
    uint64_t id; /* its own; 0: nothing is waited for */
};

struct answers *answers_new(struct loop *loop, struct store *store);
void answers_free(struct answers *answers); /* after store_close() */

/* Both answer later, never before they return; false: not asked, and never answered. */
MUST_USE bool answers_keep(struct answers *answers, uint16_t bucket, struct span invocation,
                           struct span text, struct answers_wait *wait);
MUST_USE bool answers_fetch(struct answers *answers, uint16_t bucket, struct span invocation,
                            struct answers_wait *wait);
void answers_cancel(struct answers *answers, struct answers_wait *wait);

#endif
