/* A lane for tests: a loop, a store on a private redis-server, and turns until something is so.
 * It owns all of them. It never waits longer than ten seconds. */
#ifndef LANE_H
#define LANE_H

#include <check.h>

#include "base/clock.h"
#include "callers/store.h"
#include "scripts_caller.h"

struct lane {
    struct scripts_caller redis; /* the server, and a connection beside the lane's */
    struct loop *loop;
    struct store *store;
    struct timer beat; /* keeps turns short */
    unsigned ups;
    void (*note_up)(void *owner);
    void (*note_down)(void *owner);
    void *owner;
};

static inline void lane_note_up(void *owner)
{
    struct lane *lane = owner;
    ++lane->ups;
    if (lane->note_up != NULL)
        lane->note_up(lane->owner);
}

static inline void lane_note_down(void *owner)
{
    struct lane *lane = owner;
    if (lane->note_down != NULL)
        lane->note_down(lane->owner);
}

static inline void lane_note_beat(void *owner)
{
    struct lane *lane = owner;
    timer_set(&lane->beat, loop_now(lane->loop) + 5);
}

static inline void lane_open_store(struct lane *lane)
{
    static const struct redis_events events = {lane_note_up, lane_note_down, NULL};
    struct fleet_options options = {.seed_count = 1, .server = {.connect_ms_max = 2000}};
    char where[128], error[256];
    snprintf(where, sizeof(where), "unix:%s", lane->redis.server.path);
    ck_assert_msg(address_parse(&options.seeds[0], span_text(where), error, sizeof(error)), "%s",
                  error);
    lane->store = store_open(lane->loop, &options, &events, lane);
}

static inline void lane_open(struct lane *lane)
{
    *lane = (struct lane){0};
    caller_start(&lane->redis);
    lane->loop = loop_new();
    timer_init(&lane->beat, lane->loop, lane_note_beat, lane);
    timer_set(&lane->beat, loop_now(lane->loop) + 5);
    lane_open_store(lane);
}

static inline void lane_close(struct lane *lane)
{
    timer_fini(&lane->beat);
    loop_free(lane->loop);
    caller_stop(&lane->redis);
}

/* Turns until `cond`; fails the test after ten seconds. */
#define lane_until(lane, cond)                                                            \
    do {                                                                                  \
        uint64_t lane_end = clock_monotonic_ms() + 10000;                                 \
        while (!(cond)) {                                                                 \
            ck_assert_msg(clock_monotonic_ms() < lane_end, "never came true: %s", #cond); \
            loop_turn((lane)->loop);                                                      \
        }                                                                                 \
    } while (0)

static inline void lane_turn_for(struct lane *lane, uint64_t ms)
{
    uint64_t end = clock_monotonic_ms() + ms;
    while (clock_monotonic_ms() < end)
        loop_turn(lane->loop);
}

#endif
