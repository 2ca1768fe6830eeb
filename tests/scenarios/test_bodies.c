/* Bodies both ways: whole, in order, through small windows, and never past their limits. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "scenarios/hall.h"
#include "unit/checks.h"

enum { MIB = 1 << 20, BODY = 10 * MIB };

/* Bytes that do not repeat with any buffer's size. */
static char *pattern(size_t count, uint32_t seed)
{
    char *bytes = alloc_zeroed(count + 1);
    for (size_t i = 0; i < count; ++i) {
        seed = seed * 1664525 + 1013904223;
        bytes[i] = (char)(seed >> 24);
    }
    return bytes;
}

START_TEST(ten_mebibytes_go_both_ways_at_once_through_small_windows)
{
    char *up = pattern(BODY, 1);
    char *down = pattern(BODY, 2);
    struct hall hall;
    hall_open(&hall);
    hall.agent->request_bytes_max = hall.agent->response_bytes_max = BODY; /* at the limit */
    hall.pools->tries[0].window = 5000;
    hall_ask(&hall, "POST", "/ipfs/" HALL_CID, NULL, true);
    hall.caller->window = 7001;
    hall.caller->sip = 3001;
    fake_stream_feed(hall.caller, span_of(up, BODY));
    fake_loop_settle(hall.loop);
    struct stream *worker = hall_worker(&hall, 0);
    worker->sip = 4003;
    fake_stream_head(worker, hall_head(200, "")); /* before the request is whole */
    fake_stream_feed(worker, span_of(down, BODY));
    hall_run(&hall);
    ck_assert_uint_eq(hall.meter->settles, 0);
    fake_stream_feed_end(hall.caller, NULL);
    hall_run(&hall);
    ck_assert(worker->out_ended);
    fake_stream_feed_end(worker, NULL);
    hall_run(&hall);
    ck_assert(span_is(fake_stream_got(worker), span_of(up, BODY)));
    ck_assert(span_is(fake_stream_got(hall.caller), span_of(down, BODY)));
    ck_assert_uint_eq(hall.meter->settlement.usage.bytes_in, BODY);
    ck_assert_uint_eq(hall.meter->settlement.usage.bytes_out, BODY);
    hall_close(&hall);
    free(up);
    free(down);
}
END_TEST

START_TEST(an_answer_that_ends_early_ends_the_call)
{
    struct hall hall;
    hall_open(&hall);
    hall_ask(&hall, "POST", "/ipfs/" HALL_CID, NULL, true);
    fake_stream_feed(hall.caller, SPAN_OF("half of it"));
    hall_run(&hall);
    hall_answer(&hall, 0, 403, "", "no need");
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 403);
    ck_assert_str_eq(fake_stream_got(hall.caller).ptr, "no need");
    ck_assert_uint_eq(hall.pools->tries[0].returned_fault, FAULT_NONE);
    hall_close(&hall);
}
END_TEST

/* --- limits ----------------------------------------------------------------------------------- */

START_TEST(a_declared_request_is_judged_before_the_hold)
{
    static const char *const fields[] = {"content-length: 99", "content-length: 100",
                                         "content-length: 101"};
    for (int i = 0; i < 3; ++i) {
        struct hall hall;
        hall_open(&hall);
        hall.agent->request_bytes_max = 100;
        hall_ask(&hall, "POST", "/ipfs/" HALL_CID, fields[i], true);
        hall_run(&hall);
        ck_assert_int_eq(hall_status(&hall), i == 2 ? 413 : 0);
        ck_assert_uint_eq(hall.meter->asked, i == 2 ? 0 : 1);
        if (i < 2)
            fake_stream_fail(hall.caller, STREAM_LOST);
        hall_close(&hall);
    }
}
END_TEST

START_TEST(an_undeclared_request_is_stopped_at_its_limit)
{
    for (size_t i = 0; i < 3; ++i) {
        char body[101] = {0};
        struct hall hall;
        hall_open(&hall);
        hall.agent->request_bytes_max = 100;
        hall_ask(&hall, "POST", "/ipfs/" HALL_CID, NULL, true);
        hall_run(&hall);
        fake_stream_feed(hall.caller, span_of(body, 99 + i));
        hall_run(&hall);
        ck_assert_int_eq(hall_status(&hall), i == 2 ? 413 : 0);
        ck_assert_uint_le(fake_stream_got(hall_worker(&hall, 0)).len, 100);
        if (i == 2)
            ck_assert_uint_eq(hall.meter->settles, 1); /* it ran */
        else
            hall_answer(&hall, 0, 200, "", "");
        hall_close(&hall);
    }
}
END_TEST

START_TEST(a_request_too_large_behind_the_commit_point_breaks_the_answer)
{
    char body[101] = {0};
    struct hall hall;
    hall_open(&hall);
    hall.agent->request_bytes_max = 100;
    hall_ask(&hall, "POST", "/ipfs/" HALL_CID, NULL, true);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "", NULL);
    hall_run(&hall);
    fake_stream_feed(hall.caller, span_of(body, 101));
    hall_run(&hall);
    ck_assert(hall.caller->is_reset);
    hall_close(&hall);
}
END_TEST

START_TEST(an_answer_is_stopped_at_its_limit)
{
    for (size_t i = 0; i < 3; ++i) {
        char body[101] = {0};
        struct hall hall;
        hall_open(&hall);
        hall.agent->response_bytes_max = 100;
        hall_post(&hall);
        hall_run(&hall);
        hall_answer(&hall, 0, 200, "", NULL);
        hall_run(&hall);
        fake_stream_feed(hall_worker(&hall, 0), span_of(body, 99 + i));
        fake_stream_feed_end(hall_worker(&hall, 0), NULL);
        hall_run(&hall);
        ck_assert_uint_eq(hall.caller->is_reset, i == 2);
        ck_assert_uint_eq(hall.complete, i < 2);
        ck_assert_str_eq(hall.meter->settlement.outcome, i == 2 ? "answer-too-large" : "ok");
        hall_close(&hall);
    }
}
END_TEST

START_TEST(an_answer_that_says_it_is_too_large_is_refused_before_its_head)
{
    static const char *const fields[] = {"content-length: 100", "content-length: 101"};
    for (int i = 0; i < 2; ++i) {
        char body[100] = {0};
        struct hall hall;
        hall_open(&hall);
        hall.agent->response_bytes_max = 100;
        hall_post(&hall);
        hall_run(&hall);
        hall_answer(&hall, 0, 200, fields[i], NULL);
        hall_run(&hall);
        ck_assert_int_eq(hall_status(&hall), i == 0 ? 200 : 502);
        if (i == 0) {
            fake_stream_feed(hall_worker(&hall, 0), span_of(body, 100));
            fake_stream_feed_end(hall_worker(&hall, 0), NULL);
            hall_run(&hall);
            ck_assert(hall.complete);
        }
        ck_assert_uint_eq(hall.meter->settles, 1);
        hall_close(&hall);
    }
}
END_TEST

START_TEST(a_whole_answer_goes_into_fields_up_to_16_kib)
{
    for (size_t i = 0; i < 3; ++i) {
        char *body = pattern(16385, 3);
        struct hall hall;
        hall_open(&hall);
        hall.protocol = "HTTP/1.1";
        hall_post(&hall);
        hall.caller->takes_trailers = false;
        hall_run(&hall);
        fake_stream_feed(hall_worker(&hall, 0), span_of(body, 16383 + i));
        fake_stream_feed_end(hall_worker(&hall, 0), NULL);
        (void)fake_streams_pump();
        fake_stream_head(hall_worker(&hall, 0), hall_head(200, ""));
        hall_run(&hall);
        ck_assert_str_eq(hall_field(&hall, "agent-cost"), i < 2 ? "42" : "");
        ck_assert(span_is(fake_stream_got(hall.caller), span_of(body, 16383 + i)));
        hall_close(&hall);
        free(body);
    }
}
END_TEST

/* --- event streams ---------------------------------------------------------------------------- */

START_TEST(a_broken_event_stream_is_told_why_in_an_event_of_its_own)
{
    static const char *const sent[] = {"", "data: a\n\n", "data: a\n", "data: hal"};
    static const char *const gaps[] = {"", "", "\n", "\n\n"};
    for (int i = 0; i < 4; ++i) {
        char expected[128];
        struct hall hall;
        hall_open(&hall);
        hall_post(&hall);
        hall_run(&hall);
        hall_answer(&hall, 0, 200, "content-type: text/event-stream; charset=utf-8", NULL);
        fake_stream_feed(hall_worker(&hall, 0), span_text(sent[i]));
        hall_run(&hall);
        fake_stream_fail(hall_worker(&hall, 0), STREAM_LOST);
        hall_run(&hall);
        hall_pass(&hall, 10);
        snprintf(expected, sizeof(expected), "%s%sevent: error\ndata: {\"type\"", sent[i], gaps[i]);
        struct span got = fake_stream_got(hall.caller);
        ck_assert_msg(span_starts(got, span_text(expected)), "%s", got.ptr);
        ck_assert(span_is(span_from(got, got.len - 3), SPAN_OF("}\n\n")));
        ck_assert_ptr_nonnull(strstr(got.ptr, "\"code\":\"cut-short\""));
        ck_assert(hall.caller->is_reset); /* but only behind the event */
        ck_assert(!hall.complete);
        hall_close(&hall);
    }
}
END_TEST

/* The event must not be the bytes that were missing: then what broke would look whole. */
START_TEST(an_event_stream_of_known_length_breaks_without_an_event)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "content-type: text/event-stream\ncontent-length: 2000", NULL);
    fake_stream_feed(hall_worker(&hall, 0), SPAN_OF("data: 1\n\n"));
    hall_run(&hall);
    fake_stream_fail(hall_worker(&hall, 0), STREAM_LOST);
    hall_run(&hall);
    ck_assert(hall.caller->is_reset && !hall.complete);
    ck_assert_str_eq(fake_stream_got(hall.caller).ptr, "data: 1\n\n");
    hall_close(&hall);
}
END_TEST

START_TEST(a_caller_who_takes_no_event_is_reset_within_a_second)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "content-type: text/event-stream", NULL);
    hall_run(&hall);
    hall.caller->sip = 0;
    fake_stream_fail(hall_worker(&hall, 0), STREAM_LOST);
    hall_run(&hall);
    hall_pass(&hall, 950);
    ck_assert(!hall.caller->is_reset);
    hall_pass(&hall, 50);
    ck_assert(hall.caller->is_reset);
    hall_close(&hall);
}
END_TEST

START_TEST(a_whole_event_stream_still_goes_as_a_stream)
{
    struct hall hall;
    hall_open(&hall);
    hall.protocol = "HTTP/1.1";
    hall_post(&hall);
    hall.caller->takes_trailers = false;
    hall_run(&hall);
    fake_stream_feed(hall_worker(&hall, 0), SPAN_OF("data: x\n\n"));
    fake_stream_feed_end(hall_worker(&hall, 0), NULL);
    (void)fake_streams_pump();
    fake_stream_head(hall_worker(&hall, 0), hall_head(200, "content-type: text/event-stream"));
    hall_run(&hall);
    ck_assert_str_eq(hall_field(&hall, "agent-cost"), "");
    ck_assert_str_eq(fake_stream_got(hall.caller).ptr, "data: x\n\n");
    hall_close(&hall);
}
END_TEST

START_TEST(an_event_leaves_as_soon_as_it_came)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "content-type: text/event-stream", NULL);
    for (int i = 0; i < 3; ++i) {
        fake_stream_feed(hall_worker(&hall, 0), SPAN_OF("data: x\n\n"));
        hall_run(&hall);
        ck_assert_str_eq(fake_stream_got(hall.caller).ptr, "data: x\n\n");
    }
    fake_stream_feed_end(hall_worker(&hall, 0), NULL);
    hall_close(&hall);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        ten_mebibytes_go_both_ways_at_once_through_small_windows,
        an_answer_that_ends_early_ends_the_call,
        a_declared_request_is_judged_before_the_hold,
        an_undeclared_request_is_stopped_at_its_limit,
        a_request_too_large_behind_the_commit_point_breaks_the_answer,
        an_answer_is_stopped_at_its_limit,
        an_answer_that_says_it_is_too_large_is_refused_before_its_head,
        a_whole_answer_goes_into_fields_up_to_16_kib,
        a_broken_event_stream_is_told_why_in_an_event_of_its_own,
        an_event_stream_of_known_length_breaks_without_an_event,
        a_caller_who_takes_no_event_is_reset_within_a_second,
        a_whole_event_stream_still_goes_as_a_stream,
        an_event_leaves_as_soon_as_it_came,
        NULL,
    };
    return checks_run("bodies", tests);
}
