/* The caller leaves, at each step of a life. */
#include "scenarios/hall.h"

enum stop {
    AT_OPEN,
    AT_IDENTIFY,
    AT_OWN,
    AT_HOLD,
    AT_LINK,
    AT_HEAD,
    AT_WHOLE,
    AT_STREAM,
    AT_FINISH,
    AT_END
};

struct row {
    const char *step; /* where it stands, as the admin sees it */
    unsigned auth_cancels;
    unsigned hold_cancels;
    unsigned releases;
    unsigned settles;
    bool lend_cancelled;
    enum fault returned; /* how the worker's stream was given back; COUNT: there was none */
};

static const struct row rows[] = {
    [AT_OPEN] = {"open", 0, 0, 0, 0, false, FAULT_COUNT},
    [AT_IDENTIFY] = {"identify", 1, 0, 0, 0, false, FAULT_COUNT},
    [AT_OWN] = {"own", 0, 0, 0, 0, false, FAULT_COUNT},
    [AT_HOLD] = {"admit", 0, 1, 0, 0, false, FAULT_COUNT},
    [AT_LINK] = {"attempt", 0, 0, 1, 0, true, FAULT_COUNT},
    [AT_HEAD] = {"attempt", 0, 0, 0, 1, false, FAULT_CALLER_LEFT},
    [AT_WHOLE] = {"answer", 0, 0, 0, 1, false, FAULT_CALLER_LEFT},
    [AT_STREAM] = {"stream", 0, 0, 0, 1, false, FAULT_CALLER_LEFT},
    [AT_FINISH] = {"finish", 0, 0, 0, 1, false, FAULT_NONE},
    [AT_END] = {"end", 0, 0, 0, 1, false, FAULT_NONE},
};

/* Plans the hall so that a life stands still there, and lets it live up to that point. */
static void live_up_to(struct hall *hall, enum stop stop)
{
    hall->auth->hangs = stop == AT_IDENTIFY;
    hall->accounts->hangs = stop == AT_OWN;
    hall->meter->hold_hangs = stop == AT_HOLD;
    hall->pools->tries[0].hangs = stop == AT_LINK;
    if (stop == AT_FINISH)
        hall->meter->settle = SETTLE_SILENT;
    if (stop == AT_OWN)
        hall_ask(hall, "GET", "/v1/account", NULL, false);
    else
        hall_ask(hall, stop == AT_WHOLE ? "HEAD" : "GET", "/ipfs/" HALL_CID, NULL, false);
    if (stop == AT_OPEN)
        return;
    hall_run(hall);
    if (stop < AT_WHOLE)
        return;
    if (stop == AT_END)
        hall->caller->sip = 0;
    hall_answer(hall, 0, 200, "content-type: text/plain", stop < AT_FINISH ? NULL : "hello");
    hall_run(hall);
}

static void see(void *arg, const struct exchange_view *view)
{
    *(const char **)arg = view->step;
}

static void check_left(struct hall *hall, enum stop stop)
{
    const struct row *row = &rows[stop];
    const struct fake_try *try = &hall->pools->tries[0];
    ck_assert_uint_eq(hall->auth->cancels, row->auth_cancels);
    ck_assert_uint_eq(hall->meter->hold_cancels, row->hold_cancels);
    ck_assert_uint_eq(hall->meter->releases, row->releases);
    ck_assert_uint_eq(hall->meter->settles, row->settles);
    ck_assert_uint_eq(try->cancelled, row->lend_cancelled);
    ck_assert_uint_eq(try->returned, row->returned != FAULT_COUNT);
    if (try->returned)
        ck_assert_uint_eq(try->returned_fault, row->returned);
    ck_assert_ptr_nonnull(strstr(hall_log(hall), "\"outcome\":\"caller-left\""));
}

START_TEST(a_caller_may_leave_at_any_step)
{
    struct hall hall;
    enum stop stop = (enum stop)_i;
    hall_open(&hall);
    live_up_to(&hall, stop);
    const char *step = "none";
    exchange_visit(&hall.site, see, &step);
    ck_assert_str_eq(step, rows[stop].step);
    fake_stream_fail(hall.caller, STREAM_RESET);
    hall_run(&hall);
    hall_pass(&hall, 100);
    check_left(&hall, stop);
    hall_close(&hall);
}
END_TEST

START_TEST(an_operator_may_end_all_at_any_step)
{
    struct hall hall;
    enum stop stop = (enum stop)_i;
    hall_open(&hall);
    live_up_to(&hall, stop);
    exchange_end_all(&hall.site);
    hall_run(&hall);
    hall_pass(&hall, 100);
    check_left(&hall, stop);
    hall_close(&hall);
}
END_TEST

START_TEST(what_accounts_answers_too_late_finds_nobody)
{
    struct hall hall;
    hall_open(&hall);
    live_up_to(&hall, AT_OWN);
    fake_stream_fail(hall.caller, STREAM_LOST);
    hall_run(&hall);
    fake_accounts_answer(hall.accounts);
    hall_close(&hall);
}
END_TEST

START_TEST(a_caller_who_leaves_is_charged_what_ran_until_then)
{
    struct hall hall;
    hall_open(&hall);
    live_up_to(&hall, AT_HEAD);
    hall_pass(&hall, 3000);
    fake_stream_fail(hall.caller, STREAM_RESET);
    hall_run(&hall);
    ck_assert_uint_eq(hall.meter->settlement.usage.ms, 3000);
    ck_assert_uint_eq(hall.meter->settlement.cost_ucr, 13);
    ck_assert_str_eq(hall.meter->settlement.outcome, "caller-left");
    ck_assert_int_eq(hall.meter->settlement.status, 0);
    hall_close(&hall);
}
END_TEST

START_TEST(a_hold_answered_in_the_turn_the_caller_leaves_is_released)
{
    struct hall hall;
    hall_open(&hall);
    live_up_to(&hall, AT_HOLD);
    hall.meter->hold_hangs = false;
    loop_wake(hall.loop, &hall.meter->wake); /* before the exchange, which finds both news */
    fake_stream_fail(hall.caller, STREAM_RESET);
    hall_run(&hall);
    ck_assert_uint_eq(hall.meter->placed, 1);
    ck_assert_uint_eq(hall.meter->hold_cancels, 0);
    ck_assert_uint_eq(hall.meter->releases, 1);
    ck_assert_ptr_nonnull(strstr(hall_log(&hall), "\"outcome\":\"caller-left\""));
    hall_close(&hall);
}
END_TEST

START_TEST(a_request_body_that_breaks_the_protocol_is_called_so)
{
    struct hall hall;
    hall_open(&hall);
    hall_ask(&hall, "POST", "/ipfs/" HALL_CID, NULL, true);
    hall_run(&hall);
    fake_stream_fail(hall.caller, STREAM_INVALID);
    hall_run(&hall);
    ck_assert_ptr_nonnull(strstr(hall_log(&hall), "\"outcome\":\"body-cut\""));
    ck_assert_uint_eq(hall.pools->tries[0].returned_fault, FAULT_BODY_CUT);
    hall_close(&hall);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("leaving");
    TCase *tcase = tcase_create("leaving");
    tcase_add_loop_test(tcase, a_caller_may_leave_at_any_step, 0, AT_END + 1);
    tcase_add_loop_test(tcase, an_operator_may_end_all_at_any_step, 0, AT_END + 1);
    tcase_add_test(tcase, what_accounts_answers_too_late_finds_nobody);
    tcase_add_test(tcase, a_caller_who_leaves_is_charged_what_ran_until_then);
    tcase_add_test(tcase, a_hold_answered_in_the_turn_the_caller_leaves_is_released);
    tcase_add_test(tcase, a_request_body_that_breaks_the_protocol_is_called_so);
    suite_add_tcase(suite, tcase);
    return hall_run_suite(suite);
}
