#include "fakes/fake_loop.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/must.h"

enum { PASSES_MAX = 8, SETTLE_TURNS_MAX = 1000000 };

/* What timer.event points to. */
struct fake_timer {
    struct list node;
    struct timer *timer;
};

struct loop {
    struct list run;
    struct list flush;
    struct list graves;
    struct list timers;
    uint64_t now;
    bool stopped;
};

struct loop *loop_new(void)
{
    struct loop *loop = alloc_zeroed(sizeof(*loop));
    list_init(&loop->run);
    list_init(&loop->flush);
    list_init(&loop->graves);
    list_init(&loop->timers);
    loop->now = 1000;
    return loop;
}

static void bury_all(struct loop *loop)
{
    struct list *node;
    while ((node = list_take(&loop->graves)) != NULL) {
        struct grave *grave = container_of(node, struct grave, node);
        grave->bury(grave->owner);
    }
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    bury_all(loop);
    must(list_is_empty(&loop->timers));
    free(loop);
}

uint64_t loop_now(const struct loop *loop)
{
    return loop->now;
}

static void run_queue(struct list *queue)
{
    struct list now;
    struct list *node;
    list_init(&now);
    list_move_all(&now, queue);
    while ((node = list_take(&now)) != NULL) {
        struct wake *wake = container_of(node, struct wake, node);
        wake->run(wake->owner);
    }
}

/* The due timers, earliest first, each once. */
static void fire_timers(struct loop *loop)
{
    for (;;) {
        struct fake_timer *due = NULL;
        struct list *node;
        list_each (node, &loop->timers) {
            struct fake_timer *one = container_of(node, struct fake_timer, node);
            if (one->timer->at <= loop->now && (due == NULL || one->timer->at < due->timer->at))
                due = one;
        }
        if (due == NULL)
            return;
        struct timer *timer = due->timer;
        timer_stop(timer);
        timer->fire(timer->owner);
    }
}

void loop_turn(struct loop *loop)
{
    fire_timers(loop);
    for (int pass = 0; pass < PASSES_MAX && fake_loop_is_busy(loop); ++pass) {
        run_queue(&loop->run);
        run_queue(&loop->flush);
    }
    bury_all(loop);
}

void loop_run(struct loop *loop)
{
    loop->stopped = false;
    while (!loop->stopped)
        loop_turn(loop);
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

void wake_init(struct wake *wake, void (*run)(void *owner), void *owner)
{
    list_init(&wake->node);
    wake->run = run;
    wake->owner = owner;
}

void loop_wake(struct loop *loop, struct wake *wake)
{
    if (!list_is_linked(&wake->node))
        list_append(&loop->run, &wake->node);
}

void loop_flush(struct loop *loop, struct wake *wake)
{
    if (!list_is_linked(&wake->node))
        list_append(&loop->flush, &wake->node);
}

void wake_cancel(struct wake *wake)
{
    list_remove(&wake->node);
}

void loop_bury(struct loop *loop, struct grave *grave, void (*bury)(void *owner), void *owner)
{
    grave->bury = bury;
    grave->owner = owner;
    list_append(&loop->graves, &grave->node);
}

void timer_init(struct timer *timer, struct loop *loop, void (*fire)(void *owner), void *owner)
{
    *timer = (struct timer){.loop = loop, .fire = fire, .owner = owner};
}

void timer_set(struct timer *timer, uint64_t at)
{
    must(at > 0);
    if (timer->event == NULL) {
        struct fake_timer *made = alloc_zeroed(sizeof(*made));
        made->timer = timer;
        list_init(&made->node);
        timer->event = made;
    }
    struct fake_timer *fake = timer->event;
    timer->at = at;
    if (!list_is_linked(&fake->node))
        list_append(&timer->loop->timers, &fake->node);
}

void timer_stop(struct timer *timer)
{
    struct fake_timer *fake = timer->event;
    if (fake != NULL)
        list_remove(&fake->node);
    timer->at = 0;
}

void timer_fini(struct timer *timer)
{
    timer_stop(timer);
    free(timer->event);
    timer->event = NULL;
}

struct event_base *loop_base(struct loop *loop)
{
    (void)loop;
    must(!"a fake loop has no event base");
    return NULL;
}

void fake_loop_advance(struct loop *loop, uint64_t ms)
{
    loop->now += ms;
}

bool fake_loop_is_busy(const struct loop *loop)
{
    return !list_is_empty(&loop->run) || !list_is_empty(&loop->flush);
}

void fake_loop_settle(struct loop *loop)
{
    loop_turn(loop);
    for (int turn = 0; fake_loop_is_busy(loop); ++turn) {
        must(turn < SETTLE_TURNS_MAX);
        loop_turn(loop);
    }
}
