/* One thread's turn: events, then what was woken, then one write per connection, then burials.
 * It owns the event base, the run and flush queues and the graveyard of its thread. It never runs
 * anything of another thread; mailboxes bring that in as notes. */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct loop;
struct event_base;

/* Something to be run once, later in this turn or in the next. Embedded in its owner. */
struct wake {
    struct list node;
    void (*run)(void *owner);
    void *owner;
};

/* Memory that goes at the end of the turn. Embedded; `bury` usually frees the owner. */
struct grave {
    struct list node;
    void (*bury)(void *owner);
    void *owner;
};

/* A point in lane time at which `fire` notes something. Embedded; one shot. */
struct timer {
    struct loop *loop;
    void *event; /* the library's; NULL until first set */
    uint64_t at; /* lane ms, 0 when not set */
    void (*fire)(void *owner);
    void *owner;
};

struct loop *loop_new(void);
void loop_free(struct loop *loop); /* buries the dead first; timers must have been stopped */

/* Lane time in ms: monotonic, above 0, the same during one pass of a turn. */
uint64_t loop_now(const struct loop *loop);

/* One turn; waits for an event only when nothing is woken. Passes of run and flush repeat while
 * they make work, at most 8 times; then events are polled without waiting. */
void loop_turn(struct loop *loop);
/* Turns until loop_stop(). loop_stop may be called by what a turn runs. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

void wake_init(struct wake *wake, void (*run)(void *owner), void *owner);
/* Queues `wake` for the run phase; queued already: nothing. */
void loop_wake(struct loop *loop, struct wake *wake);
/* Queues `wake` for the flush phase, after all run work of this pass. */
void loop_flush(struct loop *loop, struct wake *wake);
/* Takes `wake` out of whichever queue it is in. */
void wake_cancel(struct wake *wake);

void loop_bury(struct loop *loop, struct grave *grave, void (*bury)(void *owner), void *owner);

void timer_init(struct timer *timer, struct loop *loop, void (*fire)(void *owner), void *owner);
void timer_set(struct timer *timer, uint64_t at); /* moves it when set already */
void timer_stop(struct timer *timer);
void timer_fini(struct timer *timer);

/* For io/ alone. */
struct event_base *loop_base(struct loop *loop);

#endif
