/* Workers that fail, and who is asked then. */
#include <stdio.h>

#include "scenarios/hall.h"

/* --- a worker breaks -------------------------------------------------------------------------- */

enum when { BEFORE_HEAD, BEHIND_HEAD, AMID_BODY, WITH_HEAD };

struct row {
    enum when when;
    enum stream_end fate;
    int status; /* what the caller saw */
    const char *outcome;
    unsigned settles; /* 0: released */
    unsigned tries;
};

static const struct row rows[] = {
    {BEFORE_HEAD, STREAM_REFUSED, 200, "ok", 1, 2},
    {BEFORE_HEAD, STREAM_RESET, 502, "worker-broke", 0, 1},
    {BEFORE_HEAD, STREAM_LOST, 502, "worker-broke", 0, 1},
    {BEFORE_HEAD, STREAM_INVALID, 502, "worker-invalid", 0, 1},
    {BEFORE_HEAD, STREAM_TOO_LARGE, 502, "worker-invalid", 0, 1},
    {BEHIND_HEAD, STREAM_REFUSED, 200, "cut-short", 1, 1},
    {BEHIND_HEAD, STREAM_RESET, 200, "cut-short", 1, 1},
    {BEHIND_HEAD, STREAM_INVALID, 200, "cut-short", 1, 1},
    {AMID_BODY, STREAM_RESET, 200, "cut-short", 1, 1},
    {AMID_BODY, STREAM_LOST, 200, "cut-short", 1, 1},
    {AMID_BODY, STREAM_TOO_LARGE, 200, "cut-short", 1, 1},
    {WITH_HEAD, STREAM_RESET, 502, "cut-short", 1, 1},
};

static void answer_second(struct hall *hall, unsigned tries)
{
    if (tries < 2)
        return;
    hall_answer(hall, 1, 200, "", "second");
    hall_run(hall);
}

START_TEST(a_worker_may_break_at_any_step)
{
    const struct row *row = &rows[_i];
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    if (row->when != BEFORE_HEAD)
        hall_answer(&hall, 0, 200, "content-type: text/plain", NULL);
    if (row->when == AMID_BODY)
        fake_stream_feed(hall_worker(&hall, 0), SPAN_OF("hel"));
    if (row->when != WITH_HEAD)
        hall_run(&hall);
    fake_stream_fail(hall_worker(&hall, 0), row->fate);
    hall_run(&hall);
    answer_second(&hall, row->tries);
    ck_assert_int_eq(hall_status(&hall), row->status);
    ck_assert_uint_eq(hall.meter->settles, row->settles);
    ck_assert_uint_eq(hall.meter->releases, 1 - row->settles);
    ck_assert_uint_eq(hall.pools->count, row->tries);
    char word[64];
    snprintf(word, sizeof(word), "\"outcome\":\"%s\"", row->outcome);
    ck_assert_msg(strstr(hall_log(&hall), word) != NULL, "%s", hall_log(&hall));
    bool broken = row->status == 200 && row->tries == 1;
    ck_assert_uint_eq(hall.caller->is_reset, broken);
    if (broken) {
        ck_assert_int_eq(hall.caller->reset, RESET_INTERNAL);
        ck_assert(!hall.complete);
    }
    hall_close(&hall);
}
END_TEST

START_TEST(a_reset_behind_a_whole_answer_spoils_nothing)
{
    struct hall hall;
    hall_open(&hall);
    hall_ask(&hall, "POST", "/ipfs/" HALL_CID, NULL, true); /* its body never ends */
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "content-type: text/plain", "hello");
    (void)fake_streams_pump();
    fake_stream_fail(hall_worker(&hall, 0), STREAM_RESET);
    hall_run(&hall);
    ck_assert_str_eq(fake_stream_got(hall.caller).ptr, "hello");
    ck_assert(hall.complete);
    hall_close(&hall);
}
END_TEST

/* --- another is asked ------------------------------------------------------------------------- */

START_TEST(the_second_worker_answers_when_the_first_refuses)
{
    static const enum fault faults[] = {FAULT_CONNECT_FAILED, FAULT_UNTRUSTED, FAULT_REFUSED};
    struct hall hall;
    hall_open(&hall);
    hall.pools->tries[0].fault = faults[_i];
    hall.pools->tries[0].detail = "tcb-out-of-date";
    hall_post(&hall);
    hall_run(&hall);
    answer_second(&hall, 2);
    ck_assert_int_eq(hall_status(&hall), 200);
    ck_assert_str_eq(hall_field(&hall, "agent-worker"), "w2");
    ck_assert_uint_eq(hall.meter->settles, 1);
    ck_assert_uint_eq(hall.meter->asked, 1); /* one hold for both */
    ck_assert_uint_eq(hall.pools->tries[1].tried_count, 1);
    ck_assert_str_eq(hall.pools->tries[1].tried[0], "w1");
    ck_assert_uint_eq(stats_read(&hall.stats.tries_again), 1);
    ck_assert_uint_eq(stats_read(&hall.stats.attempts), 2);
    ck_assert_ptr_nonnull(strstr(hall_log(&hall), "tcb-out-of-date"));
    hall_close(&hall);
}
END_TEST

START_TEST(no_more_than_three_are_asked_and_the_last_ones_fault_is_told)
{
    struct hall hall;
    hall_open(&hall);
    for (unsigned i = 0; i < FAKE_TRIES_MAX; ++i)
        hall.pools->tries[i].fault = FAULT_UNTRUSTED;
    hall_post(&hall);
    hall_run(&hall);
    ck_assert_uint_eq(hall.pools->count, RETRY_ATTEMPTS_MAX);
    ck_assert_int_eq(hall_status(&hall), 502);
    ck_assert_ptr_nonnull(strstr(fake_stream_got(hall.caller).ptr, "\"code\":\"untrusted\""));
    ck_assert_uint_eq(hall.meter->releases, 1);
    hall_close(&hall);
}
END_TEST

START_TEST(when_nobody_else_is_there_the_first_ones_fault_is_told)
{
    struct hall hall;
    hall_open(&hall);
    hall.pools->tries[0].fault = FAULT_UNTRUSTED;
    hall.pools->tries[1].fault = FAULT_NO_WORKER;
    hall_post(&hall);
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 502);
    ck_assert_ptr_nonnull(strstr(hall_log(&hall), "\"outcome\":\"untrusted\""));
    hall_close(&hall);
}
END_TEST

START_TEST(without_a_budget_or_with_the_rule_never_there_is_one_try)
{
    for (int never = 0; never < 2; ++never) {
        struct hall hall;
        hall_open(&hall);
        hall.pools->tries[0].fault = FAULT_REFUSED;
        if (never)
            hall.agent->retry = RETRY_NEVER;
        else
            hall.pools->budget.thousandths = 0;
        hall_post(&hall);
        hall_run(&hall);
        ck_assert_uint_eq(hall.pools->count, 1);
        ck_assert_int_eq(hall_status(&hall), 502);
        hall_close(&hall);
    }
}
END_TEST

START_TEST(no_worker_is_asked_for_a_second_time)
{
    struct hall hall;
    hall_open(&hall);
    hall.pools->tries[0].fault = FAULT_NO_WORKER;
    hall_post(&hall);
    hall_run(&hall);
    ck_assert_uint_eq(hall.pools->count, 1);
    ck_assert_int_eq(hall_status(&hall), 503);
    ck_assert_str_ne(hall_field(&hall, "retry-after"), "");
    ck_assert_uint_eq(hall.meter->releases, 1);
    hall_close(&hall);
}
END_TEST

static void refuse_amid_upload(struct hall *hall, size_t bytes, bool ended)
{
    static char body[256 << 10];
    memset(body, 'b', sizeof(body));
    hall_ask(hall, "POST", "/ipfs/" HALL_CID, NULL, true);
    fake_stream_feed(hall->caller, span_of(body, bytes));
    if (ended)
        fake_stream_feed_end(hall->caller, hall_head(0, "x-sum: 9\nagent-x: 1"));
    hall_run(hall);
    fake_stream_fail(hall_worker(hall, 0), STREAM_REFUSED);
    hall_run(hall);
}

START_TEST(a_body_sent_in_part_is_sent_again_from_what_was_kept)
{
    struct hall hall;
    hall_open(&hall);
    refuse_amid_upload(&hall, 65536, true);
    ck_assert_uint_eq(hall.pools->count, 2);
    ck_assert_uint_gt(hall.site.replay_bytes, 0);
    struct stream *second = hall_worker(&hall, 1);
    ck_assert_uint_eq(fake_stream_got(second).len, 65536);
    ck_assert(second->out_ended);
    ck_assert_ptr_nonnull(head_find(second->out_trailers, SPAN_OF("x-sum")));
    ck_assert_ptr_null(head_find(second->out_trailers, SPAN_OF("agent-x")));
    answer_second(&hall, 2);
    ck_assert_uint_eq(hall.meter->settlement.usage.bytes_in, 65536); /* once */
    hall_close(&hall);
}
END_TEST

START_TEST(a_body_that_grows_while_the_second_is_asked_arrives_whole)
{
    struct hall hall;
    hall_open(&hall);
    refuse_amid_upload(&hall, 1000, false);
    fake_stream_feed(hall.caller, SPAN_OF("tail"));
    fake_stream_feed_end(hall.caller, NULL);
    hall_run(&hall);
    struct span got = fake_stream_got(hall_worker(&hall, 1));
    ck_assert_uint_eq(got.len, 1004);
    ck_assert(span_is(span_from(got, 1000), SPAN_OF("tail")));
    answer_second(&hall, 2);
    hall_close(&hall);
}
END_TEST

START_TEST(a_body_past_the_replay_buffer_is_not_tried_again)
{
    struct hall hall;
    hall_open(&hall);
    refuse_amid_upload(&hall, 65537, false);
    ck_assert_uint_eq(hall.pools->count, 1);
    ck_assert_int_eq(hall_status(&hall), 502);
    ck_assert_uint_eq(hall.meter->releases, 1);
    hall_close(&hall);
}
END_TEST

START_TEST(what_all_calls_keep_together_has_a_maximum)
{
    struct hall hall;
    hall_open(&hall);
    hall.site.options.replay_total_max = 8192;
    refuse_amid_upload(&hall, 8193, false);
    ck_assert_uint_eq(hall.pools->count, 1);
    hall_close(&hall);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("workers");
    TCase *tcase = tcase_create("workers");
    tcase_add_loop_test(tcase, a_worker_may_break_at_any_step, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tcase, a_reset_behind_a_whole_answer_spoils_nothing);
    tcase_add_loop_test(tcase, the_second_worker_answers_when_the_first_refuses, 0, 3);
    tcase_add_test(tcase, no_more_than_three_are_asked_and_the_last_ones_fault_is_told);
    tcase_add_test(tcase, when_nobody_else_is_there_the_first_ones_fault_is_told);
    tcase_add_test(tcase, without_a_budget_or_with_the_rule_never_there_is_one_try);
    tcase_add_test(tcase, no_worker_is_asked_for_a_second_time);
    tcase_add_test(tcase, a_body_sent_in_part_is_sent_again_from_what_was_kept);
    tcase_add_test(tcase, a_body_that_grows_while_the_second_is_asked_arrives_whole);
    tcase_add_test(tcase, a_body_past_the_replay_buffer_is_not_tried_again);
    tcase_add_test(tcase, what_all_calls_keep_together_has_a_maximum);
    suite_add_tcase(suite, tcase);
    return hall_run_suite(suite);
}
