#include "io/loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/must.h"
#include "io/loop_parts.h"

/* PASSES_MAX: work that keeps making work must not starve the descriptors.
 * SLEEP_MS_MAX: a timer set further away is looked at again then; keeps sums far from overflow. */
enum { PASSES_MAX = 8, SLEEP_MS_MAX = 3600 * 1000 };

struct loop {
    struct event_base *base;
    uint64_t now; /* 0: not read yet in this pass */
    bool stopping;
    struct list run;
    struct list flush;
    struct list graves;
    struct list kept;
    char *scratch;
};

/* What stands behind timer->event. */
struct alarm {
    struct event event;
    uint64_t at; /* when the library will call; at or before the timer's own time; 0: not armed */
};

struct loop *loop_new(void)
{
    struct loop *loop = alloc_zeroed(sizeof(*loop));
    struct event_config *config = event_config_new();
    must(config != NULL);
    /* One thread per loop: no locks. Precise, or timers run on a clock of 4 ms steps. */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_PRECISE_TIMER);
    loop->base = event_base_new_with_config(config);
    must(loop->base != NULL);
    event_config_free(config);
    list_init(&loop->run);
    list_init(&loop->flush);
    list_init(&loop->graves);
    list_init(&loop->kept);
    loop->scratch = alloc_zeroed(LOOP_SCRATCH_BYTES);
    return loop;
}

static void bury_all(struct list *graves)
{
    struct list *node;
    while ((node = list_take(graves)) != NULL) {
        struct grave *grave = container_of(node, struct grave, node);
        grave->bury(grave->owner);
    }
}

/* A wake that outlives its loop stays one that can be cancelled. */
static void forget_all(struct list *wakes)
{
    while (list_take(wakes) != NULL)
        ;
}

void loop_free(struct loop *loop)
{
    bury_all(&loop->kept);
    bury_all(&loop->graves);
    forget_all(&loop->run);
    forget_all(&loop->flush);
    event_base_free(loop->base);
    free(loop->scratch);
    free(loop);
}

uint64_t loop_now(const struct loop *loop)
{
    /* Read when first asked for: what the library calls after a long wait must not see the time
     * from before it, and it offers no hook between the two. */
    if (loop->now == 0)
        ((struct loop *)loop)->now = clock_monotonic_ms();
    must(loop->now > 0);
    return loop->now;
}

static bool has_work(const struct loop *loop)
{
    return !list_is_empty(&loop->run) || !list_is_empty(&loop->flush);
}

/* What is woken while these run waits for the next pass. */
static void run_woken(struct list *queue)
{
    struct list woken;
    struct list *node;
    list_init(&woken);
    list_move_all(&woken, queue);
    while ((node = list_take(&woken)) != NULL) {
        struct wake *wake = container_of(node, struct wake, node);
        wake->run(wake->owner);
    }
}

void loop_turn(struct loop *loop)
{
    loop->now = 0;
    int failed = event_base_loop(loop->base, EVLOOP_ONCE | (has_work(loop) ? EVLOOP_NONBLOCK : 0));
    must(failed >= 0);
    for (unsigned pass = 0; pass < PASSES_MAX && has_work(loop); ++pass) {
        loop->now = 0;
        run_woken(&loop->run);
        run_woken(&loop->flush);
    }
    bury_all(&loop->graves);
    loop->now = 0;
}

void loop_run(struct loop *loop)
{
    loop->stopping = false;
    while (!loop->stopping)
        loop_turn(loop);
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

void wake_init(struct wake *wake, void (*run)(void *owner), void *owner)
{
    *wake = (struct wake){.run = run, .owner = owner};
    list_init(&wake->node);
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
    if (list_is_linked(&wake->node))
        list_remove(&wake->node);
}

void loop_bury(struct loop *loop, struct grave *grave, void (*bury)(void *owner), void *owner)
{
    grave->bury = bury;
    grave->owner = owner;
    list_append(&loop->graves, &grave->node);
}

void loop_keep(struct loop *loop, struct grave *grave, void (*bury)(void *owner), void *owner)
{
    grave->bury = bury;
    grave->owner = owner;
    list_append(&loop->kept, &grave->node);
}

char *loop_scratch(struct loop *loop)
{
    return loop->scratch;
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

void timer_init(struct timer *timer, struct loop *loop, void (*fire)(void *owner), void *owner)
{
    *timer = (struct timer){.loop = loop, .fire = fire, .owner = owner};
}

static void arm(struct timer *timer)
{
    struct alarm *alarm = timer->event;
    /* The real now, not the pass's: the library counts from its own. */
    uint64_t now = clock_monotonic_ms();
    uint64_t wait_ms = timer->at > now ? timer->at - now : 0;
    if (wait_ms > SLEEP_MS_MAX)
        wait_ms = SLEEP_MS_MAX;
    struct timeval wait = {.tv_sec = (time_t)(wait_ms / 1000),
                           .tv_usec = (suseconds_t)(wait_ms % 1000 * 1000)};
    alarm->at = now + wait_ms;
    must(evtimer_add(&alarm->event, &wait) == 0);
}

static void note_alarm(evutil_socket_t fd, short what, void *arg)
{
    struct timer *timer = arg;
    struct alarm *alarm = timer->event;
    alarm->at = 0;
    if (timer->at > clock_monotonic_ms()) {
        arm(timer); /* moved to later meanwhile, or the library was early */
        return;
    }
    if (timer->at > loop_now(timer->loop))
        timer->loop->now = 0; /* it was read earlier in this pass, a moment before `at` */
    timer->at = 0;
    timer->fire(timer->owner);
}

void timer_set(struct timer *timer, uint64_t at)
{
    must(at > 0);
    if (timer->event == NULL) {
        struct alarm *alarm = alloc_zeroed(sizeof(*alarm));
        must(evtimer_assign(&alarm->event, timer->loop->base, note_alarm, timer) == 0);
        timer->event = alarm;
    }
    struct alarm *alarm = timer->event;
    timer->at = at;
    /* Most timers are moved to later again and again and never fire: that costs nothing. */
    if (alarm->at == 0 || at < alarm->at)
        arm(timer);
}

void timer_stop(struct timer *timer)
{
    struct alarm *alarm = timer->event;
    timer->at = 0;
    if (alarm == NULL || alarm->at == 0)
        return;
    alarm->at = 0;
    evtimer_del(&alarm->event);
}

void timer_fini(struct timer *timer)
{
    timer_stop(timer);
    free(timer->event);
    timer->event = NULL;
}
