/* Lives in which everything happens in any order: whatever does, the hall's closing check holds.
 * The seeds are fixed, so a failure comes back. */
#include <stdio.h>

#include "scenarios/hall.h"
#include "unit/checks.h"

enum { SEEDS = 10000, ACTIONS = 30, BIG = 70000 };

static char bytes[BIG];

static uint32_t next(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % below;
}

static void plan(struct hall *hall, uint32_t *seed)
{
    static const enum fault lends[] = {FAULT_NONE,           FAULT_NONE,      FAULT_UNTRUSTED,
                                       FAULT_CONNECT_FAILED, FAULT_NO_WORKER, FAULT_OVERLOADED};
    static const enum fault holds[] = {FAULT_NONE, FAULT_NONE, FAULT_NONE, FAULT_NONE,
                                       FAULT_QUOTA_EXCEEDED};
    hall->protocol = next(seed, 2) ? "HTTP/2" : "HTTP/1.1";
    hall->agent->metered = next(seed, 5) > 0;
    hall->agent->response_bytes_max = next(seed, 2) ? 1 << 20 : 50000;
    hall->agent->request_bytes_max = next(seed, 2) ? 1 << 20 : 50000;
    hall->meter->hold_fault = holds[next(seed, 5)];
    hall->meter->settle = (enum fake_settle)next(seed, 4);
    hall->auth->hangs = next(seed, 30) == 0;
    hall->meter->hold_hangs = next(seed, 30) == 0;
    for (unsigned i = 0; i < FAKE_TRIES_MAX; ++i) {
        hall->pools->tries[i].fault = lends[next(seed, 6)];
        hall->pools->tries[i].hangs = next(seed, 20) == 0;
        hall->pools->tries[i].window = 1 + next(seed, BIG);
    }
}

/* The worker that is at it now, or NULL. */
static struct stream *worker_now(struct hall *hall)
{
    for (unsigned i = hall->pools->count; i-- > 0;) {
        struct stream *stream = hall->pools->tries[i].stream;
        if (stream != NULL)
            return stream->released ? NULL : stream;
    }
    return NULL;
}

static void answer(struct stream *worker, uint32_t *seed)
{
    static const char *const heads[] = {"", "content-type: text/event-stream", "content-length: 9",
                                        "content-length: 0", "agent-usage: tokens=150"};
    uint32_t which = next(seed, 5);
    if (worker->head != NULL)
        return;
    fake_stream_head(worker, hall_head(next(seed, 4) ? 200 : 500, heads[which]));
    if (which == 2)
        fake_stream_feed(worker, SPAN_OF("nine byte"));
    if (which == 2 || which == 3)
        fake_stream_feed_end(worker, NULL);
}

static void act_worker(struct stream *worker, uint32_t *seed)
{
    static const enum stream_end fates[] = {STREAM_REFUSED, STREAM_RESET, STREAM_LOST,
                                            STREAM_INVALID, STREAM_TOO_LARGE};
    switch (next(seed, 6)) {
    case 0:
    case 1:
        answer(worker, seed);
        break;
    case 2:
    case 3:
        if (worker->head != NULL && !worker->wire_ended)
            fake_stream_feed(worker, span_of(bytes, next(seed, BIG)));
        break;
    case 4:
        if (worker->head != NULL && !worker->wire_ended)
            fake_stream_feed_end(worker, next(seed, 2) ? hall_head(0, "x-t: 1") : NULL);
        break;
    default:
        if (next(seed, 4) == 0)
            fake_stream_fail(worker, fates[next(seed, 5)]);
        else
            worker->sip = next(seed, 2) ? 0 : 1 + next(seed, BIG);
    }
}

static void act_caller(struct stream *caller, uint32_t *seed)
{
    if (caller->released)
        return;
    switch (next(seed, 4)) {
    case 0:
        if (!caller->wire_ended)
            fake_stream_feed(caller, span_of(bytes, next(seed, BIG)));
        break;
    case 1:
        if (!caller->wire_ended)
            fake_stream_feed_end(caller, NULL);
        break;
    case 2:
        caller->sip = next(seed, 2) ? 0 : 1 + next(seed, BIG);
        break;
    default:
        if (next(seed, 8) == 0)
            fake_stream_fail(caller, next(seed, 2) ? STREAM_RESET : STREAM_INVALID);
    }
}

static void live(uint32_t seed)
{
    static const char *const methods[] = {"GET", "POST", "HEAD", "POST"};
    static const char *const fields[] = {NULL, NULL, "agent-max-cost: 40", "agent-max-cost: 11"};
    struct hall hall;
    hall_open(&hall);
    plan(&hall, &seed);
    uint32_t which = next(&seed, 4);
    hall_ask(&hall, methods[which], "/ipfs/" HALL_CID, fields[next(&seed, 4)], which % 2 == 1);
    hall.caller->takes_trailers = next(&seed, 2);
    for (unsigned i = 0; i < ACTIONS; ++i) {
        struct stream *worker = worker_now(&hall);
        uint32_t what = next(&seed, 8);
        if (what < 3)
            hall_run(&hall);
        else if (what == 3)
            hall_pass(&hall, 1 + next(&seed, 3000));
        else if (what < 6 && worker != NULL)
            act_worker(worker, &seed);
        else
            act_caller(hall.caller, &seed);
    }
    hall_run(&hall);
    if (!hall.caller->released && next(&seed, 2))
        fake_stream_fail(hall.caller, STREAM_LOST);
    hall_pass(&hall, 110000); /* whoever is left runs into one maximum after another */
    hall_close(&hall);
}

START_TEST(whatever_happens_nothing_is_owed_at_the_end)
{
    for (uint32_t seed = (uint32_t)_i; seed < SEEDS; seed += 10)
        live(seed * 2654435761u + 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("storm");
    TCase *tcase = tcase_create("storm");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, whatever_happens_nothing_is_owed_at_the_end, 0, 10);
    suite_add_tcase(suite, tcase);
    return hall_run_suite(suite);
}
