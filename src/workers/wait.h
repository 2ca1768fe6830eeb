/* The stages of a pool_wait: fresh, queued, picked, answered, over.
 * It owns nothing: a wait is its asker's, its head the pools' until a stream has it. It never calls
 * `answer` itself: that is the last thing of a run. */
#ifndef WORKERS_WAIT_H
#define WORKERS_WAIT_H

#include "workers/pool.h"

/* OVER is the value of a wait nobody has asked with yet. */
enum wait_stage { WAIT_OVER, WAIT_FRESH, WAIT_QUEUED, WAIT_PICKED, WAIT_ANSWERED };

/* Before anything else. */
void wait_init(struct pools *pools, struct pool_wait *wait);
/* Begins, as FRESH in `asked`. */
void wait_begin(struct pool_wait *wait, struct pool *asked);
/* Into the pool's queue or among the waits of `member`, until its deadline. False, and answered
 * OVERLOADED, when the pool has all it may. */
MUST_USE bool wait_queue(struct pool_wait *wait);
MUST_USE bool wait_pick(struct pool_wait *wait, struct member *member);
/* From a member back to the front of the queue. */
void wait_put_back(struct pool_wait *wait);
/* Answers with a fault, at the end of this run; `worker` may be NULL. */
void wait_fail(struct pools *pools, struct pool_wait *wait, enum fault fault,
               const struct worker *worker, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Answers with a stream of `link`, whose place at `worker` has been taken. */
void wait_lend(struct pool_wait *wait, struct link *link, const struct worker *worker);
/* Out of wherever it is, unanswered. */
void wait_leave(struct pool_wait *wait);

#endif
