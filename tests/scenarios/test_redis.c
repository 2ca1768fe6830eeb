/* Redis, or the journal, away at each step. */
#include <stdio.h>

#include "callers/reply.h"
#include "scenarios/hall.h"
#include "unit/checks.h"

START_TEST(a_hold_that_is_refused_is_told_and_nobody_is_asked)
{
    static const struct {
        enum fault fault;
        int status;
        const char *word;
    } rows[] = {
        {FAULT_METERING_UNAVAILABLE, 503, "\"retryable\":true"},
        {FAULT_INSUFFICIENT_CREDIT, 402, "\"available\":7"},
        {FAULT_QUOTA_EXCEEDED, 429, "\"violated-policies\":[\"rate\"]"},
        {FAULT_ACCOUNT_SUSPENDED, 403, "\"whose\":\"caller\""},
        {FAULT_UNAUTHENTICATED, 401, "\"code\":\"unauthenticated\""},
        {FAULT_IDEMPOTENCY_IN_PROGRESS, 409, "\"code\":\"idempotency-in-progress\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct hall hall;
        hall_open(&hall);
        hall.meter->hold_fault = rows[i].fault;
        hall.meter->facts = (struct meter_facts){
            .available_ucr = 7, .retry_after_ms = 2100, .violated = "rate", .rate_limit = 1};
        hall_ask(&hall, "POST", "/ipfs/" HALL_CID, "content-length: 3", true);
        hall.caller->expects_continue = true;
        hall_run(&hall);
        ck_assert_int_eq(hall_status(&hall), rows[i].status);
        struct span body = fake_stream_got(hall.caller);
        ck_assert_msg(strstr(body.ptr, rows[i].word) != NULL, "%s", body.ptr);
        ck_assert_str_eq(hall_field(&hall, "content-type"), "application/problem+json");
        ck_assert_str_ne(hall_field(&hall, "agent-invocation-id"), "");
        ck_assert_str_eq(hall_field(&hall, "ratelimit"), "\"rate\";r=0");
        if (rows[i].status == 429)
            ck_assert_str_eq(hall_field(&hall, "retry-after"), "3"); /* rounded up */
        ck_assert(!hall.caller->continued);
        ck_assert_uint_eq(hall.pools->count, 0);
        hall_close(&hall);
    }
}
END_TEST

START_TEST(a_settle_without_an_answer_is_told_as_pending_after_50_ms)
{
    struct hall hall;
    hall_open(&hall);
    hall.meter->settle = SETTLE_SILENT;
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "", "hello");
    hall_run(&hall);
    ck_assert_str_eq(fake_stream_got(hall.caller).ptr, "hello"); /* the body does not wait */
    fake_loop_advance(hall.loop, 49);
    loop_turn(hall.loop);
    hall_run(&hall);
    ck_assert(!hall.caller->out_ended);
    fake_loop_advance(hall.loop, 1);
    loop_turn(hall.loop);
    hall_run(&hall);
    ck_assert(hall.caller->out_ended);
    ck_assert_str_eq(hall_trailer(&hall, "agent-cost"), "12;status=pending");
    ck_assert_ptr_nonnull(strstr(hall_log(&hall), "\"charged\":false"));
    hall_close(&hall);
}
END_TEST

START_TEST(a_settle_that_is_unknown_for_now_is_told_as_such)
{
    struct hall hall;
    hall_open(&hall);
    hall.meter->settle = SETTLE_UNKNOWN;
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "", "hello");
    hall_run(&hall);
    ck_assert_str_eq(hall_trailer(&hall, "agent-cost"), "12;status=pending");
    hall_close(&hall);
}
END_TEST

START_TEST(fields_wait_for_the_settle_as_trailers_do)
{
    struct hall hall;
    hall_open(&hall);
    hall.protocol = "HTTP/1.1";
    hall.meter->settle = SETTLE_SILENT;
    hall_ask(&hall, "HEAD", "/ipfs/" HALL_CID, NULL, false);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "", "");
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 0);
    hall_pass(&hall, 50);
    ck_assert_str_eq(hall_field(&hall, "agent-cost"), "10;status=pending");
    hall_close(&hall);
}
END_TEST

START_TEST(a_journal_that_refuses_never_lets_an_answer_look_whole)
{
    static const char *const fields[] = {"", "content-length: 5"};
    for (int i = 0; i < 2; ++i) {
        struct hall hall;
        hall_open(&hall);
        hall.meter->settle = SETTLE_REFUSED;
        hall_post(&hall);
        hall_run(&hall);
        hall_answer(&hall, 0, 200, fields[i], "hello");
        hall_run(&hall);
        ck_assert(!hall.complete);
        ck_assert(hall.caller->is_reset);
        ck_assert_int_eq(hall.caller->reset, RESET_INTERNAL);
        ck_assert_uint_eq(hall.meter->refused, 1);
        ck_assert_uint_eq(hall.meter->releases, 0); /* the reaper ends it */
        hall_close(&hall);
    }
}
END_TEST

START_TEST(without_the_journal_an_answer_ends_only_once_redis_has_its_charge)
{
    static const char *const fields[] = {"", "content-length: 5"};
    static const enum fake_settle fates[] = {SETTLE_ANSWERED, SETTLE_UNKNOWN};
    for (int i = 0; i < 4; ++i) {
        struct hall hall;
        hall_open(&hall);
        hall.meter->unwritten = true;
        hall.meter->settle = SETTLE_SILENT;
        hall_post(&hall);
        hall_run(&hall);
        hall_answer(&hall, 0, 200, fields[i % 2], "hello");
        hall_run(&hall);
        hall_pass(&hall, 1000); /* far beyond what a trailer waits for a cost in the journal */
        ck_assert(!hall.caller->out_ended && !hall.caller->is_reset);
        hall.meter->settle = fates[i / 2];
        loop_wake(hall.loop, &hall.meter->wake);
        hall_run(&hall);
        ck_assert(hall.complete == (fates[i / 2] == SETTLE_ANSWERED));
        ck_assert(hall.caller->is_reset == (fates[i / 2] == SETTLE_UNKNOWN));
        hall_close(&hall);
    }
}
END_TEST

START_TEST(a_journal_that_refuses_before_the_head_is_a_503)
{
    struct hall hall;
    hall_open(&hall);
    hall.meter->settle = SETTLE_REFUSED;
    hall_ask(&hall, "HEAD", "/ipfs/" HALL_CID, NULL, false);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "", "");
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 503);
    /* The reaper will charge the last checkpoint, not what was refused. */
    ck_assert_str_eq(hall_field(&hall, "agent-cost"), "0;status=pending");
    hall_close(&hall);
}
END_TEST

START_TEST(accounts_that_are_away_or_know_nothing_are_told_as_problems)
{
    static const struct {
        int accounts;
        int status;
        const char *word;
    } rows[] = {
        {404, 404, "not-found"}, {503, 503, "metering-unavailable"}, {500, 500, "internal"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct hall hall;
        hall_open(&hall);
        hall.accounts->status = rows[i].accounts;
        hall_ask(&hall, "GET", "/v1/invocations/abc", NULL, false);
        hall_run(&hall);
        ck_assert_int_eq(hall_status(&hall), rows[i].status);
        ck_assert_ptr_nonnull(strstr(fake_stream_got(hall.caller).ptr, rows[i].word));
        hall_close(&hall);
    }
}
END_TEST

START_TEST(nobody_waits_for_the_store_for_ever)
{
    for (int own = 0; own < 2; ++own) {
        struct hall hall;
        hall_open(&hall);
        hall.auth->hangs = !own;
        hall.accounts->hangs = own;
        hall_ask(&hall, "GET", "/v1/account", NULL, false);
        hall_run(&hall);
        hall_pass(&hall, 9950);
        ck_assert_int_eq(hall_status(&hall), 0);
        hall_pass(&hall, 50);
        ck_assert_int_eq(hall_status(&hall), 503);
        hall_close(&hall);
    }
}
END_TEST

START_TEST(an_account_larger_than_a_reply_is_a_fault_not_a_cut)
{
    static char json[REPLY_BODY_MAX + 2];
    memset(json, 'x', sizeof(json) - 1);
    for (int over = 0; over < 2; ++over) {
        struct hall hall;
        hall_open(&hall);
        json[REPLY_BODY_MAX] = over ? 'x' : '\0';
        hall.accounts->json = json;
        hall_ask(&hall, "GET", "/v1/account", NULL, false);
        hall_run(&hall);
        ck_assert_int_eq(hall_status(&hall), over ? 500 : 200);
        if (!over)
            ck_assert_uint_eq(fake_stream_got(hall.caller).len, REPLY_BODY_MAX);
        hall_close(&hall);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_hold_that_is_refused_is_told_and_nobody_is_asked,
        a_settle_without_an_answer_is_told_as_pending_after_50_ms,
        a_settle_that_is_unknown_for_now_is_told_as_such,
        fields_wait_for_the_settle_as_trailers_do,
        a_journal_that_refuses_never_lets_an_answer_look_whole,
        without_the_journal_an_answer_ends_only_once_redis_has_its_charge,
        a_journal_that_refuses_before_the_head_is_a_503,
        accounts_that_are_away_or_know_nothing_are_told_as_problems,
        nobody_waits_for_the_store_for_ever,
        an_account_larger_than_a_reply_is_a_fault_not_a_cut,
        NULL,
    };
    return checks_run("redis", tests);
}
