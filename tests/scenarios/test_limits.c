/* Time and money run out, each just before, at and behind its limit. */
#include <stdio.h>

#include "scenarios/hall.h"
#include "unit/checks.h"

static bool was(struct hall *hall, const char *outcome)
{
    char word[64];
    snprintf(word, sizeof(word), "\"outcome\":\"%s\"", outcome);
    return strstr(hall_log(hall), word) != NULL;
}

static void begin_stream(struct hall *hall)
{
    hall_open(hall);
    hall_post(hall);
    hall_run(hall);
    hall_answer(hall, 0, 200, "", NULL);
    hall_run(hall);
}

/* --- time ------------------------------------------------------------------------------------- */

START_TEST(a_worker_has_its_time_to_first_byte)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    hall_pass(&hall, 9950);
    ck_assert_int_eq(hall_status(&hall), 0);
    hall_pass(&hall, 50);
    ck_assert_int_eq(hall_status(&hall), 504);
    ck_assert(was(&hall, "too-slow"));
    ck_assert_uint_eq(hall.meter->settlement.usage.ms, 10000); /* it ran */
    ck_assert_str_eq(hall_field(&hall, "agent-cost"), "20");
    ck_assert_uint_eq(hall.pools->tries[0].returned_fault, FAULT_TOO_SLOW);
    hall_close(&hall);
}
END_TEST

START_TEST(a_worker_is_not_blamed_for_a_caller_who_dawdles)
{
    struct hall hall;
    hall_open(&hall);
    hall_ask(&hall, "POST", "/ipfs/" HALL_CID, NULL, true);
    hall_run(&hall);
    hall_pass(&hall, 6000);
    fake_stream_feed(hall.caller, SPAN_OF("x"));
    hall_pass(&hall, 4000);
    ck_assert_int_eq(hall_status(&hall), 408);
    ck_assert_uint_eq(hall.pools->tries[0].returned_fault, FAULT_REQUEST_TIMEOUT);
    hall_close(&hall);
}
END_TEST

START_TEST(the_whole_call_has_its_time)
{
    struct hall hall;
    hall_open(&hall);
    hall.agent->first_byte_ms_max = 0;
    hall_post(&hall);
    hall_run(&hall);
    ck_assert_ptr_nonnull(head_find(hall.pools->tries[0].request, SPAN_OF("agent-deadline")));
    hall_pass(&hall, 59950);
    ck_assert_int_eq(hall_status(&hall), 0);
    hall_pass(&hall, 50);
    ck_assert_int_eq(hall_status(&hall), 504);
    ck_assert(was(&hall, "deadline"));
    ck_assert_uint_eq(hall.meter->settlement.usage.ms, 60000);
    hall_close(&hall);
}
END_TEST

START_TEST(a_stream_that_lives_past_the_deadline_is_reset)
{
    struct hall hall;
    begin_stream(&hall);
    for (int i = 0; i < 11; ++i) {
        fake_stream_feed(hall_worker(&hall, 0), SPAN_OF("x"));
        hall_pass(&hall, 5000);
    }
    ck_assert(!hall.caller->is_reset);
    fake_stream_feed(hall_worker(&hall, 0), SPAN_OF("x"));
    hall_pass(&hall, 5000);
    ck_assert(hall.caller->is_reset && was(&hall, "deadline"));
    hall_close(&hall);
}
END_TEST

START_TEST(a_wait_for_a_link_ends_with_the_call)
{
    struct hall hall;
    hall_open(&hall);
    hall.pools->tries[0].hangs = true;
    hall_post(&hall);
    hall_run(&hall);
    ck_assert_uint_eq(hall.pools->tries[0].deadline_at, loop_now(hall.loop) + 10000);
    hall_pass(&hall, 60000);
    ck_assert_int_eq(hall_status(&hall), 504);
    ck_assert_uint_eq(hall.meter->releases, 1);
    ck_assert_uint_gt(hall.meter->checkpoints, 0); /* the hold was kept alive meanwhile */
    ck_assert_uint_eq(hall.meter->checkpoint_ucr, 0);
    hall_close(&hall);
}
END_TEST

START_TEST(a_worker_may_not_idle_amid_its_answer)
{
    struct hall hall;
    begin_stream(&hall);
    hall_pass(&hall, 6000);
    fake_stream_feed(hall_worker(&hall, 0), SPAN_OF("x"));
    hall_pass(&hall, 9900);
    ck_assert(!hall.caller->is_reset);
    hall_pass(&hall, 150);
    ck_assert(hall.caller->is_reset && was(&hall, "too-slow"));
    hall_close(&hall);
}
END_TEST

/* Its last byte waits for the end that the journal waits for: it must not hide that none comes. */
START_TEST(a_worker_that_gave_its_whole_length_must_end_too)
{
    struct hall hall;
    hall_open(&hall);
    hall.agent->total_ms_max = 0;
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "content-length: 5", NULL);
    fake_stream_feed(hall_worker(&hall, 0), SPAN_OF("hello"));
    hall_run(&hall);
    hall_pass(&hall, 9900);
    ck_assert(!hall.caller->is_reset);
    hall_pass(&hall, 150);
    ck_assert(hall.caller->is_reset && was(&hall, "too-slow"));
    ck_assert(!hall.complete);
    hall_close(&hall);
}
END_TEST

START_TEST(a_caller_may_not_stall_but_the_worker_is_not_blamed)
{
    static char body[128 << 10];
    struct hall hall;
    begin_stream(&hall);
    hall.agent->stall_ms_max = 15000; /* longer than the worker may idle */
    hall.caller->sip = 0;
    fake_stream_feed(hall_worker(&hall, 0), span_of(body, sizeof(body)));
    hall_run(&hall);
    hall_pass(&hall, 14900);
    ck_assert(!hall.caller->is_reset);
    hall_pass(&hall, 150);
    ck_assert(hall.caller->is_reset && was(&hall, "caller-stalled"));
    hall_close(&hall);
}
END_TEST

START_TEST(a_caller_who_takes_a_byte_now_and_then_does_not_stall)
{
    static char body[64 << 10];
    struct hall hall;
    begin_stream(&hall);
    hall.agent->idle_ms_max = 0;
    hall.caller->sip = 0;
    fake_stream_feed(hall_worker(&hall, 0), span_of(body, sizeof(body)));
    for (int i = 0; i < 5; ++i) {
        hall_pass(&hall, 4000);
        hall.caller->sip = 1;
        (void)fake_streams_pump();
        hall.caller->sip = 0;
        hall_run(&hall);
    }
    ck_assert(!hall.caller->is_reset);
    hall_pass(&hall, 4900);
    ck_assert(!hall.caller->is_reset);
    hall_pass(&hall, 1500); /* it was looked at a quarter of the time too late at most */
    ck_assert(hall.caller->is_reset);
    hall_close(&hall);
}
END_TEST

START_TEST(a_caller_who_does_not_take_the_rest_is_given_up)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    hall.caller->sip = 0;
    hall_answer(&hall, 0, 200, "", "hello");
    hall_run(&hall);
    ck_assert_uint_eq(hall.meter->settles, 1);
    ck_assert(hall.pools->tries[0].returned); /* the worker is free already */
    hall_pass(&hall, 29900);
    ck_assert(!hall_is_over(&hall));
    hall_pass(&hall, 150);
    ck_assert(hall_is_over(&hall) && was(&hall, "caller-stalled"));
    hall_close(&hall);
}
END_TEST

START_TEST(a_caller_may_not_idle_amid_its_upload)
{
    struct hall hall;
    hall_open(&hall);
    hall.agent->first_byte_ms_max = 0;
    hall.agent->total_ms_max = 0;
    hall.agent->price.ms_pcr = 0;
    hall_ask(&hall, "POST", "/ipfs/" HALL_CID, NULL, true);
    hall_run(&hall);
    hall_pass(&hall, 30000);
    fake_stream_feed(hall.caller, SPAN_OF("x"));
    hall_pass(&hall, 59900);
    ck_assert_int_eq(hall_status(&hall), 0);
    hall_pass(&hall, 150);
    ck_assert_int_eq(hall_status(&hall), 408);
    hall_close(&hall);
}
END_TEST

START_TEST(a_worker_that_takes_nothing_is_not_the_callers_fault)
{
    static char body[200 << 10];
    struct hall hall;
    hall_open(&hall);
    hall.site.options.upload_idle_ms_max = 1000;
    hall_ask(&hall, "POST", "/ipfs/" HALL_CID, NULL, true);
    fake_loop_settle(hall.loop);
    hall_worker(&hall, 0)->sip = 0;
    fake_stream_feed(hall.caller, span_of(body, sizeof(body)));
    hall_pass(&hall, 9000);
    ck_assert_int_eq(hall_status(&hall), 0);
    hall_pass(&hall, 1100);
    ck_assert(was(&hall, "too-slow"));
    hall_close(&hall);
}
END_TEST

/* --- money ------------------------------------------------------------------------------------ */

START_TEST(a_ceiling_below_the_least_cost_is_refused_before_the_hold)
{
    static const char *const fields[] = {"agent-max-cost: 10", "agent-max-cost: 11",
                                         "agent-max-cost: 12"};
    /* 10 a call, and a part of one for the first millisecond. */
    for (int i = 0; i < 3; ++i) {
        struct hall hall;
        hall_open(&hall);
        hall_ask(&hall, "GET", "/ipfs/" HALL_CID, fields[i], false);
        hall_run(&hall);
        ck_assert_int_eq(hall_status(&hall), i == 0 ? 400 : 0);
        ck_assert_uint_eq(hall.meter->asked, i == 0 ? 0 : 1);
        if (i > 0) {
            ck_assert_uint_eq(hall.meter->hold.ceiling_ucr, 10 + (uint64_t)i);
            hall_answer(&hall, 0, 200, "", "");
        }
        hall_close(&hall);
    }
}
END_TEST

START_TEST(a_stream_stops_before_its_bytes_pass_the_callers_ceiling)
{
    for (size_t i = 0; i < 3; ++i) {
        static char body[4 * 1024 + 1];
        struct hall hall;
        hall_open(&hall);
        hall_ask(&hall, "GET", "/ipfs/" HALL_CID, "agent-max-cost: 18", false); /* 10 + 4 KiB */
        hall_run(&hall);
        hall_answer(&hall, 0, 200, "", NULL);
        hall_run(&hall);
        fake_stream_feed(hall_worker(&hall, 0), span_of(body, sizeof(body) - 2 + i));
        fake_stream_feed_end(hall_worker(&hall, 0), NULL);
        hall_run(&hall);
        ck_assert_uint_eq(hall.caller->is_reset, i == 2);
        ck_assert_str_eq(hall.meter->settlement.outcome, i == 2 ? "budget" : "ok");
        ck_assert_uint_eq(hall.meter->settlement.cost_ucr, 18);
        hall_close(&hall);
    }
}
END_TEST

START_TEST(a_call_stops_before_its_time_passes_the_callers_ceiling)
{
    struct hall hall;
    hall_open(&hall);
    hall_ask(&hall, "GET", "/ipfs/" HALL_CID, "agent-max-cost: 13", false); /* 10 + 3 s */
    hall_run(&hall);
    hall_pass(&hall, 2950);
    ck_assert_int_eq(hall_status(&hall), 0);
    hall_pass(&hall, 50);
    ck_assert_int_eq(hall_status(&hall), 502);
    ck_assert_ptr_nonnull(strstr(fake_stream_got(hall.caller).ptr, "\"code\":\"budget\""));
    ck_assert_uint_eq(hall.meter->settlement.cost_ucr, 13);
    hall_close(&hall);
}
END_TEST

START_TEST(an_upload_stops_before_it_passes_the_callers_ceiling)
{
    static char body[4096];
    struct hall hall;
    hall_open(&hall);
    hall_ask(&hall, "POST", "/ipfs/" HALL_CID, "agent-max-cost: 12", true); /* 10 + 2 KiB */
    hall_run(&hall);
    fake_stream_feed(hall.caller, span_of(body, sizeof(body)));
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 502);
    ck_assert_uint_eq(fake_stream_got(hall_worker(&hall, 0)).len, 2048);
    ck_assert_str_eq(hall.meter->settlement.outcome, "budget");
    hall_close(&hall);
}
END_TEST

START_TEST(a_length_the_ceiling_does_not_cover_is_refused_before_its_head)
{
    struct hall hall;
    hall_open(&hall);
    hall_ask(&hall, "GET", "/ipfs/" HALL_CID, "agent-max-cost: 18", false);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "content-length: 4097", NULL);
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 502);
    ck_assert(was(&hall, "budget"));
    hall_close(&hall);
}
END_TEST

START_TEST(units_beyond_the_ceiling_are_not_charged)
{
    struct hall hall;
    hall_open(&hall);
    hall_ask(&hall, "GET", "/ipfs/" HALL_CID, "agent-max-cost: 20", false);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "agent-usage: tokens=90", "x");
    hall_run(&hall);
    ck_assert_uint_eq(hall.meter->settlement.cost_ucr, 20);
    hall_close(&hall);
}
END_TEST

START_TEST(a_caller_may_lower_the_units_it_pays_for)
{
    struct hall hall;
    hall_open(&hall);
    hall_ask(&hall, "GET", "/ipfs/" HALL_CID, "agent-max-units: tokens=5", false);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "agent-usage: tokens=90", "");
    hall_run(&hall);
    ck_assert_uint_eq(hall.meter->settlement.cost_ucr, 25);
    hall_close(&hall);
}
END_TEST

START_TEST(checkpoints_come_with_time_and_with_a_tenth_of_the_ceiling)
{
    static char body[512];
    struct hall hall;
    hall_open(&hall);
    hall.agent->response_bytes_max = 1 << 20; /* 2048 of a ceiling of 2418 */
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "", NULL);
    hall_run(&hall);
    hall_pass(&hall, 4900);
    ck_assert_uint_eq(hall.meter->checkpoints, 0);
    hall_pass(&hall, 100);
    ck_assert_uint_eq(hall.meter->checkpoints, 1);
    ck_assert_uint_eq(hall.meter->checkpoint_ucr, 15);
    for (int i = 0; i < 227; ++i) /* 113.5 KiB: 228 of the 241 that make a tenth */
        fake_stream_feed(hall_worker(&hall, 0), span_of(body, sizeof(body)));
    hall_run(&hall);
    ck_assert_uint_eq(hall.meter->checkpoints, 1);
    for (int i = 0; i < 20; ++i)
        fake_stream_feed(hall_worker(&hall, 0), span_of(body, sizeof(body)));
    hall_run(&hall);
    ck_assert_uint_eq(hall.meter->checkpoints, 2);
    fake_stream_feed_end(hall_worker(&hall, 0), NULL);
    hall_close(&hall);
}
END_TEST

/* --- a hold that rolls: the hall's agent costs 10 a call and 1 a second here --------------------
 */

static void begin_rolling(struct hall *hall, uint64_t available_ucr)
{
    hall_open(hall);
    hall->agent->price.kib_in_pcr = hall->agent->price.kib_out_pcr = 0;
    hall->agent->price.units[0].pcr = 0;
    hall->agent->hold = HOLD_ROLLING;
    hall->agent->step_ms = 10000;
    hall->agent->total_ms_max = 0;
    hall->agent->idle_ms_max = hall->agent->first_byte_ms_max = 0;
    hall->meter->available_ucr = available_ucr;
    hall_post(hall);
    hall_run(hall);
    hall_answer(hall, 0, 200, "", NULL);
    hall_run(hall);
}

START_TEST(a_rolling_hold_covers_the_next_step_only_and_is_extended_in_time)
{
    struct hall hall;
    begin_rolling(&hall, 1000000);
    ck_assert_uint_eq(hall.meter->hold.ceiling_ucr, 21); /* 10, and a step of 10 s and a ms */
    hall_pass(&hall, 4900);
    ck_assert_uint_eq(hall.meter->extends, 0);
    hall_pass(&hall, 600000);
    ck_assert(!hall.caller->is_reset);
    ck_assert_uint_ge(hall.meter->extends, 60);
    ck_assert_uint_le(hall.meter->extends, 130);
    fake_stream_feed(hall_worker(&hall, 0), SPAN_OF("x"));
    fake_stream_feed_end(hall_worker(&hall, 0), NULL);
    hall_run(&hall);
    ck_assert(hall.complete && was(&hall, "ok"));
    ck_assert_uint_ge(hall.meter->settlement.cost_ucr, 10 + 604);
    ck_assert_uint_le(hall.meter->settlement.cost_ucr, 10 + 606);
    hall_close(&hall);
}
END_TEST

START_TEST(a_stream_whose_money_ends_is_charged_exactly_what_was_held)
{
    struct hall hall;
    begin_rolling(&hall, 30);
    hall_pass(&hall, 25000);
    ck_assert(!hall.caller->is_reset);
    hall_pass(&hall, 20000);
    ck_assert(hall.caller->is_reset && was(&hall, "budget"));
    uint64_t held = hall.meter->settlement.cost_ucr;
    ck_assert_uint_eq(held, 21 + 30 - hall.meter->available_ucr);
    ck_assert_uint_lt(hall.meter->available_ucr, 11); /* less than a step was left */
    hall_close(&hall);
}
END_TEST

START_TEST(what_the_caller_allows_ends_a_rolling_hold_too)
{
    struct hall hall;
    hall_open(&hall);
    hall.agent->price = (struct price){.call_pcr = 10000000, .ms_pcr = 1000};
    hall.agent->hold = HOLD_ROLLING;
    hall.agent->step_ms = 10000;
    hall.agent->total_ms_max = hall.agent->idle_ms_max = hall.agent->first_byte_ms_max = 0;
    hall.meter->available_ucr = 1000000;
    hall_ask(&hall, "POST", "/ipfs/" HALL_CID, "agent-max-cost: 35", false);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "", NULL);
    hall_pass(&hall, 24000);
    ck_assert(!hall.caller->is_reset);
    hall_pass(&hall, 2000);
    ck_assert(hall.caller->is_reset && was(&hall, "budget"));
    ck_assert_uint_eq(hall.meter->settlement.cost_ucr, 35);
    hall_close(&hall);
}
END_TEST

START_TEST(a_store_that_is_away_for_a_while_does_not_end_a_rolling_hold)
{
    struct hall hall;
    begin_rolling(&hall, 1000000);
    hall.meter->extend_fault = FAULT_METERING_UNAVAILABLE;
    hall_pass(&hall, 8000);
    ck_assert(!hall.caller->is_reset);
    ck_assert_uint_le(hall.meter->extends, 4); /* asked again, but not all the time */
    hall.meter->extend_fault = FAULT_NONE;
    hall_pass(&hall, 20000);
    ck_assert(!hall.caller->is_reset);
    /* Away for longer than what is held lasts it does. */
    hall.meter->extend_fault = FAULT_METERING_UNAVAILABLE;
    hall_pass(&hall, 12000);
    ck_assert(hall.caller->is_reset && was(&hall, "budget"));
    hall_close(&hall);
}
END_TEST

START_TEST(a_caller_may_leave_while_more_is_asked_for)
{
    struct hall hall;
    begin_rolling(&hall, 1000000);
    hall.meter->extend_hangs = true;
    hall_pass(&hall, 8000);
    ck_assert_uint_eq(hall.meter->extends, 1);
    fake_stream_fail(hall.caller, STREAM_RESET);
    hall_run(&hall);
    ck_assert_uint_eq(hall.meter->settlement.cost_ucr, 18);
    hall_close(&hall);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_rolling_hold_covers_the_next_step_only_and_is_extended_in_time,
        a_stream_whose_money_ends_is_charged_exactly_what_was_held,
        what_the_caller_allows_ends_a_rolling_hold_too,
        a_store_that_is_away_for_a_while_does_not_end_a_rolling_hold,
        a_caller_may_leave_while_more_is_asked_for,

        a_worker_has_its_time_to_first_byte,
        a_worker_is_not_blamed_for_a_caller_who_dawdles,
        the_whole_call_has_its_time,
        a_stream_that_lives_past_the_deadline_is_reset,
        a_wait_for_a_link_ends_with_the_call,
        a_worker_may_not_idle_amid_its_answer,
        a_worker_that_gave_its_whole_length_must_end_too,
        a_caller_may_not_stall_but_the_worker_is_not_blamed,
        a_caller_who_takes_a_byte_now_and_then_does_not_stall,
        a_caller_who_does_not_take_the_rest_is_given_up,
        a_caller_may_not_idle_amid_its_upload,
        a_worker_that_takes_nothing_is_not_the_callers_fault,
        a_ceiling_below_the_least_cost_is_refused_before_the_hold,
        a_stream_stops_before_its_bytes_pass_the_callers_ceiling,
        a_call_stops_before_its_time_passes_the_callers_ceiling,
        an_upload_stops_before_it_passes_the_callers_ceiling,
        a_length_the_ceiling_does_not_cover_is_refused_before_its_head,
        units_beyond_the_ceiling_are_not_charged,
        a_caller_may_lower_the_units_it_pays_for,
        checkpoints_come_with_time_and_with_a_tenth_of_the_ceiling,
        NULL,
    };
    return checks_run("limits", tests);
}
