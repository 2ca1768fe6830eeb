/* A loop whose time stands still until the test moves it; implements io/loop.h whole.
 * It owns its queues. It never waits: a turn runs what is due and what is woken, then returns. */
#ifndef FAKE_LOOP_H
#define FAKE_LOOP_H

#include "io/loop.h"

/* Moves time on; timers that come due fire in the next turn. */
void fake_loop_advance(struct loop *loop, uint64_t ms);
/* Turns until nothing is woken; a bug when it never ends. */
void fake_loop_settle(struct loop *loop);
/* Whether something is queued for run or flush. */
bool fake_loop_is_busy(const struct loop *loop);

#endif
