/* Who pays for what: the charging table (metering.md 4.5), each outcome and its charge. The hall's
 * agent costs 10 a call, 1 a second, 1 a KiB of request and 2 a KiB of answer. */
#include <stdio.h>

#include "scenarios/hall.h"

enum { NOTHING_HELD = -2, RELEASED = -1 };

static void run_to_worker(struct hall *hall)
{
    hall_post(hall);
    hall_run(hall);
}

static void answer(struct hall *hall, int status)
{
    run_to_worker(hall);
    hall_answer(hall, 0, status, "", "body");
    hall_run(hall);
}

static void agent_answers(struct hall *hall)
{
    answer(hall, 200);
}

static void agent_refuses(struct hall *hall)
{
    answer(hall, 404);
}

static void agent_fails(struct hall *hall)
{
    answer(hall, 503);
}

static void agent_fails_and_is_free_then(struct hall *hall)
{
    hall->agent->free_on = FREE_ON_5XX;
    answer(hall, 500);
}

static void agent_refuses_where_failures_are_free(struct hall *hall)
{
    hall->agent->free_on = FREE_ON_5XX;
    answer(hall, 499);
}

/* What is free on 5xx is an answer; one that broke off is not answered. */
static void agent_fails_and_breaks_off(struct hall *hall)
{
    hall->agent->free_on = FREE_ON_5XX;
    run_to_worker(hall);
    hall_answer(hall, 0, 500, "", NULL);
    hall_run(hall);
    fake_stream_fail(hall_worker(hall, 0), STREAM_LOST);
    hall_run(hall);
}

static void tries_fail(struct hall *hall, enum fault fault)
{
    for (int i = 0; i < FAKE_TRIES_MAX; ++i)
        hall->pools->tries[i].fault = fault;
    run_to_worker(hall);
}

static void nobody_is_there(struct hall *hall)
{
    tries_fail(hall, FAULT_NO_WORKER);
}

static void nobody_is_trusted(struct hall *hall)
{
    tries_fail(hall, FAULT_UNTRUSTED);
}

static void nobody_can_be_connected_to(struct hall *hall)
{
    tries_fail(hall, FAULT_CONNECT_FAILED);
}

static void worker_breaks_before_it_answers(struct hall *hall)
{
    run_to_worker(hall);
    hall_pass(hall, 2000);
    fake_stream_fail(hall_worker(hall, 0), STREAM_LOST);
    hall_run(hall);
}

static void worker_breaks_amid_its_answer(struct hall *hall)
{
    run_to_worker(hall);
    hall_answer(hall, 0, 200, "", NULL);
    fake_stream_feed(hall_worker(hall, 0), SPAN_OF("x"));
    hall_pass(hall, 2000);
    fake_stream_fail(hall_worker(hall, 0), STREAM_LOST);
    hall_run(hall);
}

static void time_ends(struct hall *hall)
{
    hall->agent->first_byte_ms_max = 0;
    run_to_worker(hall);
    hall_pass(hall, 60000);
}

static void worker_is_too_slow(struct hall *hall)
{
    run_to_worker(hall);
    hall_pass(hall, 10000);
}

static void answer_is_too_large(struct hall *hall)
{
    hall->agent->response_bytes_max = 2048;
    run_to_worker(hall);
    hall_answer(hall, 0, 200, "", NULL);
    char bytes[2049] = {0};
    hall_run(hall);
    fake_stream_feed(hall_worker(hall, 0), span_of(bytes, sizeof(bytes)));
    hall_run(hall);
}

static void budget_ends(struct hall *hall)
{
    hall_ask(hall, "POST", "/ipfs/" HALL_CID, "agent-max-cost: 14", false);
    hall_run(hall);
    hall_answer(hall, 0, 200, "", NULL);
    hall_pass(hall, 5000);
}

static void caller_leaves_before_anybody_is_asked(struct hall *hall)
{
    hall->pools->tries[0].hangs = true;
    run_to_worker(hall);
    fake_stream_fail(hall->caller, STREAM_RESET);
    hall_run(hall);
}

static void caller_leaves_before_the_hold(struct hall *hall)
{
    hall->meter->hold_hangs = true;
    run_to_worker(hall);
    fake_stream_fail(hall->caller, STREAM_RESET);
    hall_run(hall);
}

static void caller_leaves_the_running_agent(struct hall *hall)
{
    run_to_worker(hall);
    hall_pass(hall, 3000);
    fake_stream_fail(hall->caller, STREAM_RESET);
    hall_run(hall);
}

static void caller_leaves_amid_the_answer(struct hall *hall)
{
    run_to_worker(hall);
    hall_answer(hall, 0, 200, "", NULL);
    fake_stream_feed(hall_worker(hall, 0), SPAN_OF("x"));
    hall_pass(hall, 3000);
    fake_stream_fail(hall->caller, STREAM_RESET);
    hall_run(hall);
}

static void journal_is_full(struct hall *hall)
{
    hall->meter->settle = SETTLE_REFUSED;
    answer(hall, 200);
}

static const struct {
    const char *name;
    void (*happen)(struct hall *hall);
    const char *outcome;
    int64_t cost;
} rows[] = {
    {"answers", agent_answers, "ok", 12},
    {"4xx", agent_refuses, "ok", 12},
    {"5xx", agent_fails, "agent-error", 12},
    {"5xx, free", agent_fails_and_is_free_then, "agent-error", 0},
    {"4xx, free on 5xx", agent_refuses_where_failures_are_free, "ok", 12},
    {"5xx cut, free on 5xx", agent_fails_and_breaks_off, "cut-short", 10},
    {"no worker", nobody_is_there, "no-worker", RELEASED},
    {"untrusted", nobody_is_trusted, "untrusted", RELEASED},
    {"connect failed", nobody_can_be_connected_to, "connect-failed", RELEASED},
    {"worker broke", worker_breaks_before_it_answers, "worker-broke", RELEASED},
    {"cut short", worker_breaks_amid_its_answer, "cut-short", 14},
    {"deadline", time_ends, "deadline", 70},
    {"too slow", worker_is_too_slow, "too-slow", 20},
    {"answer too large", answer_is_too_large, "answer-too-large", 14},
    {"budget", budget_ends, "budget", 14},
    {"left, not held", caller_leaves_before_the_hold, "caller-left", NOTHING_HELD},
    {"left, nobody asked", caller_leaves_before_anybody_is_asked, "caller-left", RELEASED},
    {"left, running", caller_leaves_the_running_agent, "caller-left", 13},
    {"left, amid the answer", caller_leaves_amid_the_answer, "caller-left", 15},
    {"journal full", journal_is_full, "metering-unavailable", NOTHING_HELD},
};

/* How each ends is in its row; that money is closed once, hall_close() checks. */
START_TEST(each_outcome_has_its_charge)
{
    const typeof(rows[0]) *row = &rows[_i];
    char outcome[64];
    struct hall hall;
    hall_open(&hall);
    row->happen(&hall);
    hall_pass(&hall, 100);
    const struct meter *meter = hall.meter;
    snprintf(outcome, sizeof(outcome), "\"outcome\":\"%s\"", row->outcome);
    ck_assert_msg(strstr(hall_log(&hall), outcome) != NULL, "%s: %s", row->name, hall_log(&hall));
    ck_assert_msg(meter->releases == (row->cost == RELEASED), "%s: released %u times", row->name,
                  meter->releases);
    ck_assert_msg(meter->settles == (row->cost >= 0), "%s: settled %u times", row->name,
                  meter->settles);
    if (row->cost >= 0) {
        ck_assert_msg(meter->settlement.cost_ucr == (uint64_t)row->cost, "%s: charged %llu",
                      row->name, (unsigned long long)meter->settlement.cost_ucr);
        ck_assert_uint_le(meter->settlement.cost_ucr, meter->hold.ceiling_ucr);
        ck_assert_str_eq(meter->settlement.outcome, row->outcome);
    }
    hall_close(&hall);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("charging");
    TCase *tcase = tcase_create("charging");
    tcase_add_loop_test(tcase, each_outcome_has_its_charge, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    suite_add_tcase(suite, tcase);
    return hall_run_suite(suite);
}
