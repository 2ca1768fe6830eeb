/* Requests with an Idempotency-Key: what is waited for, what is held, what is said. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#include "scenarios/hall.h"
#include "unit/checks.h"

#define HELLO "hello"
/* By coreutils: printf hello | sha256sum | xxd -r -p | base64 */
#define HELLO_SHA256 "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"

static void ask(struct hall *hall, const char *fields)
{
    hall_ask(hall, "POST", "/ipfs/" HALL_CID, fields, true);
    hall_run(hall);
}

static void feed(struct hall *hall, size_t bytes)
{
    char *body = malloc(bytes);
    memset(body, 'b', bytes);
    fake_stream_feed(hall->caller, span_of(body, bytes));
    free(body);
    hall_run(hall);
}

static void end(struct hall *hall)
{
    fake_stream_feed_end(hall->caller, NULL);
    hall_run(hall);
}

static bool says(struct hall *hall, const char *text)
{
    struct span got = fake_stream_got(hall->caller);
    return memmem(got.ptr, got.len, text, strlen(text)) != NULL;
}

START_TEST(the_body_is_waited_for_before_anything_is_held)
{
    struct hall hall;
    hall_open(&hall);
    ask(&hall, "idempotency-key: k\nexpect: 100-continue");
    feed(&hall, 1000);
    hall_pass(&hall, 1000);
    ck_assert_uint_eq(hall.meter->asked, 0);
    feed(&hall, 24);
    end(&hall);
    ck_assert_uint_eq(hall.meter->asked, 1);
    ck_assert_uint_eq(strlen(hall.meter->hold.fingerprint), 32);
    ck_assert_str_ne(hall.meter->hold.id.text, "abcdefghijklmnopqrstuvwxyz");
    struct span got = fake_stream_got(hall_worker(&hall, 0));
    ck_assert_uint_eq(got.len, 1024);
    ck_assert(hall_worker(&hall, 0)->out_ended);
    hall_answer(&hall, 0, 200, "", "x");
    hall_run(&hall);
    ck_assert_str_eq(hall_field(&hall, "agent-invocation-id"), hall.meter->hold.id.text);
    ck_assert_uint_eq(hall.meter->settlement.usage.bytes_in, 1024);
    hall_close(&hall);
}
END_TEST

START_TEST(without_a_key_nothing_waits_and_nothing_is_derived)
{
    struct hall hall;
    hall_open(&hall);
    ask(&hall, "content-digest: nonsense");
    ck_assert_uint_eq(hall.meter->asked, 1);
    ck_assert_str_eq(hall.meter->hold.fingerprint, "");
    ck_assert_str_eq(hall.meter->hold.id.text, "abcdefghijklmnopqrstuvwxyz");
    end(&hall);
    hall_answer(&hall, 0, 200, "", "x");
    hall_close(&hall);
}
END_TEST

START_TEST(an_unmetered_agent_gets_the_key_and_the_gateway_does_nothing_with_it)
{
    struct hall hall;
    hall_open(&hall);
    hall.agent->metered = false;
    ask(&hall, "idempotency-key: a b");
    ck_assert_uint_eq(hall.meter->asked, 0);
    ck_assert_ptr_nonnull(head_find(hall.pools->tries[0].request, SPAN_OF("idempotency-key")));
    end(&hall);
    hall_answer(&hall, 0, 200, "", "x");
    hall_close(&hall);
}
END_TEST

START_TEST(a_caller_who_leaves_or_dawdles_while_its_body_is_waited_for_owes_nothing)
{
    for (int dawdles = 0; dawdles < 2; ++dawdles) {
        struct hall hall;
        hall_open(&hall);
        hall.site.options.upload_idle_ms_max = 1000;
        hall.agent->total_ms_max = 0;
        ask(&hall, "idempotency-key: k");
        feed(&hall, 100);
        ck_assert_uint_gt(hall.site.replay_bytes, 0);
        if (dawdles) {
            hall_pass(&hall, 950);
            feed(&hall, 1);
            hall_pass(&hall, 950);
            ck_assert_int_eq(hall_status(&hall), 0);
            hall_pass(&hall, 100);
            ck_assert_int_eq(hall_status(&hall), 408);
        } else {
            fake_stream_fail(hall.caller, STREAM_RESET);
        }
        hall_run(&hall);
        ck_assert_uint_eq(hall.meter->asked, 0);
        ck_assert_uint_eq(hall.pools->count, 0);
        hall_close(&hall);
    }
}
END_TEST

/* At the limit, a byte above it, and where all calls together have no room. */
START_TEST(a_body_beyond_what_is_kept_needs_a_digest)
{
    static const struct {
        size_t bytes;
        uint64_t total_max;
        int status;
    } rows[] = {{65536, 1 << 20, 0}, {65537, 1 << 20, 400}, {8192, 8192, 0}, {8193, 8192, 400}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        struct hall hall;
        hall_open(&hall);
        hall.site.options.replay_total_max = rows[i].total_max;
        ask(&hall, "idempotency-key: k");
        feed(&hall, rows[i].bytes);
        end(&hall);
        ck_assert_int_eq(hall_status(&hall), rows[i].status);
        if (rows[i].status == 0) {
            ck_assert_uint_eq(fake_stream_got(hall_worker(&hall, 0)).len, rows[i].bytes);
            hall_answer(&hall, 0, 200, "", "x");
        } else {
            ck_assert(says(&hall, "content-digest-needed"));
            ck_assert_uint_eq(hall.meter->asked, 0);
        }
        hall_close(&hall);
    }
}
END_TEST

START_TEST(a_body_larger_than_the_agent_takes_is_refused_before_it_is_held)
{
    for (int declared = 0; declared < 2; ++declared) {
        struct hall hall;
        hall_open(&hall);
        hall.agent->request_bytes_max = 1000;
        ask(&hall, declared ? "idempotency-key: k\ncontent-length: 1001" : "idempotency-key: k");
        if (!declared)
            feed(&hall, 1001);
        ck_assert_int_eq(hall_status(&hall), 413);
        ck_assert_uint_eq(hall.meter->asked, 0);
        hall_close(&hall);
    }
}
END_TEST

START_TEST(a_small_body_that_is_not_its_digest_is_refused_before_it_is_held)
{
    static const char *const bodies[] = {HELLO, "hellO", ""};
    for (int i = 0; i < 3; ++i) {
        struct hall hall;
        hall_open(&hall);
        ask(&hall, "idempotency-key: k\ncontent-digest: " HELLO_SHA256);
        fake_stream_feed(hall.caller, span_text(bodies[i]));
        end(&hall);
        ck_assert_uint_eq(hall.meter->asked, i == 0);
        ck_assert_int_eq(hall_status(&hall), i == 0 ? 0 : 400);
        if (i == 0)
            hall_answer(&hall, 0, 200, "", "x");
        hall_close(&hall);
    }
}
END_TEST

START_TEST(a_large_body_that_is_not_its_digest_never_ends_for_the_worker)
{
    for (int begun = 0; begun < 2; ++begun) {
        struct hall hall;
        hall_open(&hall);
        ask(&hall, "idempotency-key: k\ncontent-digest: " HELLO_SHA256);
        feed(&hall, 70000);
        ck_assert_uint_eq(hall.meter->asked, 1);
        if (begun)
            hall_answer(&hall, 0, 200, "", NULL);
        hall_run(&hall);
        feed(&hall, 70000);
        end(&hall);
        ck_assert(!hall_worker(&hall, 0)->out_ended);
        ck_assert_ptr_nonnull(strstr(hall_log(&hall), "\"content-digest-mismatch\""));
        ck_assert_uint_eq(hall.meter->settles, 1); /* it ran */
        ck_assert_uint_eq(hall.meter->settlement.usage.bytes_in, 140000);
        if (begun)
            ck_assert(hall.caller->is_reset);
        else
            ck_assert_int_eq(hall_status(&hall), 400);
        hall_close(&hall);
    }
}
END_TEST

START_TEST(a_refusal_says_what_became_of_the_first)
{
    struct hall hall;
    hall_open(&hall);
    hall.meter->hold_fault = FAULT_IDEMPOTENCY_RESULT_NOT_STORED;
    hall.meter->facts = (struct meter_facts){
        .first_cost_ucr = 42, .first_status = 201, .first_outcome = "too-slow"};
    ask(&hall, "idempotency-key: k");
    end(&hall);
    ck_assert_int_eq(hall_status(&hall), 409);
    ck_assert(says(&hall, "\"original-status\":201,\"original-cost\":42,"
                          "\"original-outcome\":\"too-slow\""));
    ck_assert_str_eq(hall_field(&hall, "retry-after"), "");
    hall_close(&hall);

    hall_open(&hall);
    hall.meter->hold_fault = FAULT_IDEMPOTENCY_IN_PROGRESS;
    ask(&hall, "idempotency-key: k");
    end(&hall);
    ck_assert_int_eq(hall_status(&hall), 409);
    ck_assert_str_eq(hall_field(&hall, "retry-after"), "1");
    ck_assert(!says(&hall, "original-"));
    hall_close(&hall);
}
END_TEST

/* The second worker's window is narrow, and its answer comes ahead of the body that was kept. */
START_TEST(what_was_kept_arrives_whole_though_the_answer_came_first)
{
    struct hall hall;
    hall_open(&hall);
    hall.pools->tries[0].fault = FAULT_CONNECT_FAILED;
    ask(&hall, "idempotency-key: k");
    feed(&hall, 50000);
    fake_stream_feed_end(hall.caller, NULL);
    for (int i = 0; i < 20 && hall.pools->tries[1].stream == NULL; ++i) {
        (void)fake_streams_pump();
        fake_loop_settle(hall.loop);
    }
    struct stream *worker = hall_worker(&hall, 1);
    worker->sip = 0;
    fake_loop_settle(hall.loop);
    hall_answer(&hall, 1, 200, "", NULL);
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 200);
    ck_assert_uint_lt(fake_stream_got(worker).len + worker->out.bytes, 50000);
    worker->sip = 1000;
    hall_run(&hall);
    ck_assert_uint_eq(fake_stream_got(worker).len, 50000);
    ck_assert(worker->out_ended);
    ck_assert_uint_eq(hall.site.replay_bytes, 0);
    fake_stream_feed(worker, SPAN_OF("x"));
    fake_stream_feed_end(worker, NULL);
    hall_run(&hall);
    ck_assert(hall.complete);
    hall_close(&hall);
}
END_TEST

/* --- answers that are kept ---------------------------------------------------------------------
 */

static struct token_keys keys = {.answers = {{{"kid", {7}}}, 1}};

static void open_keeping(struct hall *hall, uint64_t most)
{
    hall_open(hall);
    hall->site.keys = &keys;
    hall->agent->store_answers_max = most;
}

static void ask_whole(struct hall *hall)
{
    hall_ask(hall, "POST", "/ipfs/" HALL_CID, "idempotency-key: k", false);
    hall_run(hall);
}

/* The same request once more, as the store answers it then. */
static void ask_again(struct hall *hall)
{
    hall->meter->hold_fault = FAULT_IDEMPOTENCY_RESULT_NOT_STORED;
    hall->meter->facts =
        (struct meter_facts){.first_cost_ucr = 12, .first_status = 200, .first_outcome = "ok"};
    hall->complete = false;
    ask_whole(hall);
}

START_TEST(an_answer_is_kept_by_the_time_its_end_is_sent)
{
    struct hall hall;
    open_keeping(&hall, 4096);
    hall.answers->silent = true;
    ask_whole(&hall);
    hall_answer(&hall, 0, 200, "x-a: b", "body");
    hall_run(&hall);
    ck_assert_uint_eq(hall.answers->kept, 1);
    ck_assert(!hall.complete);
    hall.answers->silent = false;
    loop_wake(hall.loop, &hall.answers->wake);
    hall_run(&hall);
    ck_assert(hall.complete);
    ck_assert_uint_eq(hall.site.replay_bytes, 0);

    unsigned tries = hall.pools->count;
    ask_again(&hall);
    ck_assert_int_eq(hall_status(&hall), 200);
    ck_assert_str_eq(hall_field(&hall, "x-a"), "b");
    ck_assert_str_eq(hall_field(&hall, "idempotent-replayed"), "true");
    ck_assert_str_eq(hall_field(&hall, "agent-cost"), "12");
    ck_assert(says(&hall, "body"));
    ck_assert_uint_eq(hall.pools->count, tries);
    hall.complete = false;
    hall_close(&hall);
}
END_TEST

START_TEST(a_store_that_is_slow_to_keep_does_not_hold_up_the_end)
{
    struct hall hall;
    open_keeping(&hall, 4096);
    hall.answers->silent = true;
    ask_whole(&hall);
    hall_answer(&hall, 0, 200, "", "body");
    hall_run(&hall);
    ck_assert(!hall.complete);
    hall_pass(&hall, 50);
    ck_assert(hall.complete);
    hall_close(&hall);
}
END_TEST

START_TEST(what_broke_off_or_was_not_journalled_is_not_kept)
{
    for (int i = 0; i < 3; ++i) {
        struct hall hall;
        open_keeping(&hall, 4096);
        if (i == 0)
            hall.meter->settle = SETTLE_REFUSED;
        ask_whole(&hall);
        hall_answer(&hall, 0, 200, "", i == 0 ? "body" : NULL);
        hall_run(&hall);
        if (i == 1)
            fake_stream_fail(hall_worker(&hall, 0), STREAM_LOST);
        if (i == 2)
            fake_stream_fail(hall.caller, STREAM_RESET);
        hall_run(&hall);
        ck_assert_uint_eq(hall.answers->kept, 0);
        hall.complete = false;
        hall_close(&hall);
    }
}
END_TEST

START_TEST(an_answer_is_kept_up_to_its_maximum)
{
    size_t least = 0;
    for (size_t most = 150; most < 1200 && least == 0; ++most) {
        struct hall hall;
        open_keeping(&hall, most);
        ask_whole(&hall);
        char body[513] = "";
        memset(body, 'b', 512);
        hall_answer(&hall, 0, 200, "", body);
        hall_run(&hall);
        if (hall.answers->kept > 0) {
            least = most;
            ck_assert_uint_le(hall.answers->text_len, most);
        }
        hall_close(&hall);
    }
    ck_assert_uint_gt(least, 512);
}
END_TEST

START_TEST(a_kept_answer_that_does_not_come_is_said_to_be_gone)
{
    for (int i = 0; i < 4; ++i) {
        struct hall hall;
        open_keeping(&hall, 4096);
        ask_whole(&hall);
        hall_answer(&hall, 0, 200, "", "body");
        hall_run(&hall);
        hall.answers->refuses = i == 0;
        hall.answers->silent = i == 1;
        if (i == 2)
            hall.answers->text[hall.answers->text_len - 1] ^= 1;
        if (i == 3)
            hall.answers->text_len = 0;
        ask_again(&hall);
        hall_pass(&hall, i == 1 ? 10000 : 0);
        ck_assert_int_eq(hall_status(&hall), i == 1 ? 503 : 409);
        ck_assert(!says(&hall, "body"));
        hall.complete = false;
        hall_close(&hall);
    }
}
END_TEST

START_TEST(a_caller_may_leave_while_its_kept_answer_is_asked_for)
{
    struct hall hall;
    open_keeping(&hall, 4096);
    hall.answers->silent = true;
    ask_again(&hall);
    ck_assert_uint_eq(hall.answers->fetched, 1);
    fake_stream_fail(hall.caller, STREAM_RESET);
    hall_run(&hall);
    hall_close(&hall);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_body_is_waited_for_before_anything_is_held,
        without_a_key_nothing_waits_and_nothing_is_derived,
        an_unmetered_agent_gets_the_key_and_the_gateway_does_nothing_with_it,
        a_caller_who_leaves_or_dawdles_while_its_body_is_waited_for_owes_nothing,
        a_body_beyond_what_is_kept_needs_a_digest,
        a_body_larger_than_the_agent_takes_is_refused_before_it_is_held,
        a_small_body_that_is_not_its_digest_is_refused_before_it_is_held,
        a_large_body_that_is_not_its_digest_never_ends_for_the_worker,
        a_refusal_says_what_became_of_the_first,
        what_was_kept_arrives_whole_though_the_answer_came_first,
        an_answer_is_kept_by_the_time_its_end_is_sent,
        a_store_that_is_slow_to_keep_does_not_hold_up_the_end,
        what_broke_off_or_was_not_journalled_is_not_kept,
        an_answer_is_kept_up_to_its_maximum,
        a_kept_answer_that_does_not_come_is_said_to_be_gone,
        a_caller_may_leave_while_its_kept_answer_is_asked_for,
        NULL,
    };
    return checks_run("again", tests);
}
