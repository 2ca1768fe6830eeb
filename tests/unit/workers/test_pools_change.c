#include "unit/workers/lanes.h"

#include <stdio.h>

START_TEST(the_same_worker_under_the_same_trust_keeps_its_link_over_a_reload)
{
    lanes_begin(2);
    ask(&lane, &askers[0]);
    settle(&lane);
    struct http *http = bring_up(&lane, 10);
    char id[WORKER_ID_MAX];
    snprintf(id, sizeof(id), "%s", askers[0].wait.lease.worker->id);
    /* Other facts, same policy text: another object of the same digest. */
    struct registry *registry = lanes_registry(2, 0, "{}", NULL);
    snprintf(lanes_pool(registry)->path_template, sizeof(lanes_pool(registry)->path_template),
             "/app/{rest}");
    lane_apply(&lane, registry);
    settle(&lane);
    ck_assert(!fake_http_is_draining(http));
    ck_assert_str_eq(view_of(&lane, id).state, "ready");
    ck_assert_ptr_nonnull(view_of(&lane, id).proof);
    /* What was lent keeps the facts it was lent with; what is lent now has the new ones. */
    ck_assert_str_eq(askers[0].wait.lease.pool->path_template, "/ipfs/{cid}{rest}");
    snprintf(askers[1].wait.tried[0], WORKER_ID_MAX, "%s", strcmp(id, "w1") == 0 ? "w2" : "w1");
    askers[1].wait.tried_count = 1;
    ask(&lane, &askers[1]);
    settle(&lane);
    ck_assert(has_stream(&askers[1]));
    ck_assert_str_eq(askers[1].wait.lease.pool->path_template, "/app/{rest}");
    ck_assert_uint_eq(fake_http_requests(http), 2);
}
END_TEST

START_TEST(a_worker_that_is_gone_drains_and_its_stream_goes_on)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    struct http *http = bring_up(&lane, 10);
    lane_apply(&lane, lanes_registry(0, 0, "{}", NULL));
    settle(&lane);
    ck_assert(fake_http_is_draining(http));
    ck_assert(!fake_http_is_closed(http));
    ck_assert_uint_eq(stream_fate(askers[0].wait.lease.stream), STREAM_WHOLE);
    ck_assert_str_eq(askers[0].wait.lease.worker->id, "w1");
    ask(&lane, &askers[1]);
    settle(&lane);
    ck_assert(has_fault(&askers[1], FAULT_NO_WORKER));
    fake_stream_end(askers[0].wait.lease.stream, STREAM_WHOLE);
    give_back(&lane, &askers[0], FAULT_NONE, 100);
    settle(&lane);
    ck_assert(fake_http_is_closed(http));
}
END_TEST

/* A link that is READY under the policy "{}", its stream given back. */
static struct http *ready_link(void)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    struct http *http = bring_up(&lane, 10);
    give_back(&lane, &askers[0], FAULT_NONE, 100);
    settle(&lane);
    return http;
}

static unsigned last_question(void)
{
    return fake_attester_asked(lane.attester) - 1;
}

START_TEST(another_policy_has_the_same_certificate_judged_again_on_the_same_link)
{
    struct http *http = ready_link();
    lane_apply(&lane, lanes_registry(1, 0, "{ }", NULL));
    settle(&lane);
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 2);
    const struct fake_question *question = fake_attester_question(lane.attester, 1);
    ck_assert_uint_eq(question->certificate_bytes, strlen("certificate"));
    ck_assert_int_eq(memcmp(question->certificate, "certificate", strlen("certificate")), 0);
    ck_assert_ptr_ne(question->trust, fake_attester_question(lane.attester, 0)->trust);
    fake_attester_trust(lane.attester, 1, 1000000);
    settle(&lane);
    ck_assert(!fake_http_is_draining(http));
    ask(&lane, &askers[1]);
    settle(&lane);
    ck_assert(has_stream(&askers[1]));
    ck_assert_uint_eq(fake_http_requests(http), 2);
    ck_assert_uint_eq(stats_read(&lane.stats.verdicts_again), 1);
    ck_assert_uint_eq(stats_read(&lane.stats.verdicts_turned), 0);
}
END_TEST

START_TEST(a_verdict_that_turns_drains_the_link_and_shows_why)
{
    struct http *http = ready_link();
    ask(&lane, &askers[1]);
    settle(&lane);
    ck_assert(has_stream(&askers[1]));
    lane_apply(&lane, lanes_registry(1, 0, "{ }", NULL));
    settle(&lane);
    refuse_last(&lane, "measurement", "not in the policy");
    ck_assert(fake_http_is_draining(http));
    ck_assert(!fake_http_is_closed(http)); /* a stream finishes under the verdict it began with */
    ck_assert(askers[1].wait.lease.proof->trusted);
    ck_assert_str_eq(view_of(&lane, "w1").state, "refused");
    ck_assert_str_eq(view_of(&lane, "w1").proof->reason, "measurement");
    ck_assert_uint_eq(stats_read(&lane.stats.verdicts_turned), 1);
    ask(&lane, &askers[2]);
    settle(&lane);
    ck_assert(has_fault(&askers[2], FAULT_UNTRUSTED));
    ck_assert_uint_eq(fake_http_requests(http), 2);
    fake_stream_end(askers[1].wait.lease.stream, STREAM_WHOLE);
    give_back(&lane, &askers[1], FAULT_NONE, 100);
    pass_ms(&lane, 6000);
    ck_assert(fake_http_is_closed(http));
    /* Nobody asks, nothing changes: it stays shown as refused. */
    ck_assert_str_eq(view_of(&lane, "w1").state, "refused");
}
END_TEST

START_TEST(a_verdict_under_the_old_policy_admits_nothing_under_the_new)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    struct conn *conn = come_up(&lane, ALPN_H2);
    lane_apply(&lane, lanes_registry(1, 0, "{ }", NULL));
    settle(&lane);
    ck_assert(!fake_conn_is_closed(conn));
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 2);
    fake_attester_trust(lane.attester, 0, 1000000);
    settle(&lane);
    ck_assert_uint_eq(fake_http_made(), 0);
    ck_assert_uint_eq(askers[0].answers, 0);
    fake_attester_trust(lane.attester, 1, 1000000);
    settle(&lane);
    ck_assert(has_stream(&askers[0]));
}
END_TEST

START_TEST(a_verdict_of_before_two_reloads_turns_nothing)
{
    struct http *http = ready_link();
    lane_apply(&lane, lanes_registry(1, 0, "{ }", NULL));
    settle(&lane);
    lane_apply(&lane, lanes_registry(1, 0, "{}", NULL));
    settle(&lane);
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 3);
    fake_attester_refuse(lane.attester, 1, "measurement", "of the policy between");
    settle(&lane);
    ck_assert(!fake_http_is_draining(http));
    fake_attester_trust(lane.attester, 2, 1000000);
    settle(&lane);
    ck_assert_str_eq(view_of(&lane, "w1").state, "ready");
}
END_TEST

START_TEST(a_policy_that_trusts_a_refused_worker_again_is_tried_at_once)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    come_up(&lane, ALPN_H2);
    refuse_last(&lane, "measurement", "not listed");
    ck_assert(has_fault(&askers[0], FAULT_UNTRUSTED));
    lane_apply(&lane, lanes_registry(1, 0, "{ }", NULL));
    ask(&lane, &askers[1]);
    settle(&lane);
    bring_up(&lane, 10);
    ck_assert(has_stream(&askers[1]));
}
END_TEST

START_TEST(fetched_collateral_has_every_ready_link_judged_again_within_a_second)
{
    struct http *http = ready_link();
    pass_ms(&lane, 10000);
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 1);
    fake_attester_renew(lane.attester);
    pass_ms(&lane, 1000);
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 2);
    refuse_last(&lane, "revoked", "the platform's certificate");
    ck_assert(fake_http_is_draining(http));
    ck_assert_str_eq(view_of(&lane, "w1").proof->reason, "revoked");
    pass_ms(&lane, 1000);
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 2);
}
END_TEST

START_TEST(a_verdict_is_renewed_before_it_runs_out_and_the_link_lives_on)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    come_up(&lane, ALPN_H2);
    fake_attester_trust(lane.attester, 0, 200000);
    settle(&lane);
    struct http *http = fake_http_at(0);
    fake_http_settings(http, 10);
    pass_ms(&lane, 139999);
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 1);
    pass_ms(&lane, 1);
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 2);
    fake_attester_trust(lane.attester, 1, 60000); /* nothing fresh has come */
    settle(&lane);
    pass_ms(&lane, 30000);
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 3);
    fake_attester_trust(lane.attester, 2, 100000000);
    settle(&lane);
    pass_ms(&lane, 100000);
    ck_assert(!fake_http_is_draining(http));
    /* Once an hour it is judged anyway. */
    pass_ms(&lane, 3600000);
    ck_assert_uint_eq(last_question(), 3);
}
END_TEST

START_TEST(an_attester_that_takes_no_question_is_asked_again_a_moment_later)
{
    struct http *http = ready_link();
    fake_attester_fill(lane.attester, true);
    lane_apply(&lane, lanes_registry(1, 0, "{ }", NULL));
    settle(&lane);
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 1);
    fake_attester_fill(lane.attester, false);
    pass_ms(&lane, 100);
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 2);
    refuse_last(&lane, "measurement", "not in the policy");
    ck_assert(fake_http_is_draining(http));
}
END_TEST

/* --- collateral that is missing ------------------------------------------------------------- */

START_TEST(missing_collateral_is_said_and_is_no_mark_against_the_worker)
{
    lanes_begin(1);
    for (unsigned i = 0; i < 8; ++i) {
        ask(&lane, &askers[i]);
        settle(&lane);
        come_up(&lane, ALPN_H2);
        fake_attester_cannot(lane.attester, last_question(), "nobody answers");
        settle(&lane);
        ck_assert(has_fault(&askers[i], FAULT_NOT_YET_VERIFIED));
        ck_assert_str_eq(askers[i].wait.detail, "collateral-missing: nobody answers");
        ck_assert_str_eq(view_of(&lane, "w1").state, "attesting");
        /* Meanwhile others are told at once. */
        pass_ms(&lane, 4999);
        ask(&lane, &askers[20 + i]);
        settle(&lane);
        ck_assert(has_fault(&askers[20 + i], FAULT_NOT_YET_VERIFIED));
        pass_ms(&lane, 1);
    }
    ask(&lane, &askers[10]);
    settle(&lane);
    bring_up(&lane, 10);
    ck_assert(has_stream(&askers[10]));
}
END_TEST

START_TEST(another_worker_is_asked_while_one_waits_for_its_collateral)
{
    lanes_begin(2);
    ask(&lane, &askers[0]);
    settle(&lane);
    come_up(&lane, ALPN_H2);
    fake_attester_cannot(lane.attester, 0, "nobody answers");
    settle(&lane);
    ck_assert(has_fault(&askers[0], FAULT_NOT_YET_VERIFIED));
    ask(&lane, &askers[1]);
    settle(&lane);
    bring_up(&lane, 10);
    ck_assert(has_stream(&askers[1]));
    ck_assert_str_ne(askers[1].wait.worker, askers[0].wait.worker);
}
END_TEST

START_TEST(a_deadline_that_passes_while_a_verdict_is_awaited_says_so)
{
    lanes_begin(1);
    ask_until(&lane, &askers[0], 1000);
    settle(&lane);
    come_up(&lane, ALPN_H2);
    pass_ms(&lane, 1000);
    ck_assert(has_fault(&askers[0], FAULT_NOT_YET_VERIFIED));
}
END_TEST

START_TEST(collateral_that_is_missing_under_new_roots_drains_the_link)
{
    struct http *http = ready_link();
    lane_apply(&lane, lanes_registry(1, 0, "{ }", NULL));
    settle(&lane);
    fake_attester_cannot(lane.attester, last_question(), "nobody answers");
    settle(&lane);
    ck_assert(fake_http_is_draining(http));
    ck_assert_str_eq(view_of(&lane, "w1").state, "attesting");
}
END_TEST

START_TEST(a_pool_that_is_gone_answers_those_who_wait_in_it)
{
    lane_apply(&lane, lanes_registry(1, 1, "{}", NULL));
    ask(&lane, &askers[0]);
    settle(&lane);
    ask(&lane, &askers[1]);
    bring_up(&lane, 10);
    ask(&lane, &askers[2]);
    settle(&lane);
    ask(&lane, &askers[3]);
    struct registry *empty = registry_new();
    lane_apply(&lane, empty);
    ck_assert_uint_eq(askers[2].answers, 0);
    settle(&lane);
    ck_assert(has_stream(&askers[0]));
    for (int i = 1; i <= 3; ++i)
        ck_assert(has_fault(&askers[i], FAULT_NO_WORKER));
    ck_assert_ptr_null(pools_budget(lane.pools, "main"));
}
END_TEST

START_TEST(a_reload_keeps_the_retry_budget_and_the_order_of_those_who_wait)
{
    lane_apply(&lane, lanes_registry(1, 1, "{}", NULL));
    pools_budget(lane.pools, "main")->thousandths = 777;
    for (int i = 0; i < 3; ++i)
        ask(&lane, &askers[i]);
    settle(&lane);
    lane_apply(&lane, lanes_registry(1, 1, "{ }", NULL));
    settle(&lane);
    ck_assert_uint_eq(pools_budget(lane.pools, "main")->thousandths, 777);
    bring_up(&lane, 10);
    for (unsigned i = 0; i < 3; ++i) {
        ck_assert(has_stream(&askers[i]));
        ck_assert_uint_eq(askers[i].order, i + 1);
        give_back(&lane, &askers[i], FAULT_NONE, 100);
        settle(&lane);
    }
}
END_TEST

START_TEST(draining_lets_streams_finish_and_opens_nothing)
{
    lane_apply(&lane, lanes_registry(1, 1, "{}", NULL));
    ask(&lane, &askers[0]);
    settle(&lane);
    struct http *http = bring_up(&lane, 10);
    ask(&lane, &askers[1]);
    settle(&lane);
    struct conn *last = fake_conn_last();
    pools_drain(lane.pools);
    ask(&lane, &askers[2]);
    settle(&lane);
    ck_assert(has_fault(&askers[1], FAULT_NO_WORKER));
    ck_assert(has_fault(&askers[2], FAULT_NO_WORKER));
    ck_assert(fake_http_is_draining(http));
    ck_assert_uint_eq(stream_fate(askers[0].wait.lease.stream), STREAM_WHOLE);
    ck_assert_ptr_eq(fake_conn_last(), last);
    fake_stream_end(askers[0].wait.lease.stream, STREAM_WHOLE);
    settle(&lane);
    ck_assert(fake_http_is_closed(http));
}
END_TEST

START_TEST(draining_closes_what_is_not_verified_yet)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    struct conn *conn = come_up(&lane, ALPN_H2);
    pools_drain(lane.pools);
    settle(&lane);
    ck_assert(has_fault(&askers[0], FAULT_NO_WORKER));
    ck_assert(fake_conn_is_closed(conn));
}
END_TEST

START_TEST(a_drained_link_that_does_not_end_is_cut_off_five_seconds_after_its_last_stream)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    struct http *http = bring_up(&lane, 10);
    fake_http_hang(http);
    pools_drain(lane.pools);
    pass_ms(&lane, 100000);
    ck_assert(!fake_http_is_closed(http));
    give_back(&lane, &askers[0], FAULT_NONE, 100);
    pass_ms(&lane, 4999);
    ck_assert(!fake_http_is_closed(http));
    pass_ms(&lane, 1);
    ck_assert(fake_http_is_closed(http));
}
END_TEST

/* --- the asker leaves at each stage --------------------------------------------------------- */

START_TEST(who_leaves_before_the_first_run_is_forgotten)
{
    lanes_begin(1);
    struct conn *before = fake_conn_last();
    ask(&lane, &askers[0]);
    pools_cancel(lane.pools, &askers[0].wait);
    ck_assert_ptr_null(askers[0].wait.request);
    pass_ms(&lane, 20000);
    ck_assert_uint_eq(askers[0].answers, 0);
    ck_assert_ptr_eq(fake_conn_last(), before);
}
END_TEST

START_TEST(who_leaves_while_the_link_comes_up_is_not_answered)
{
    lanes_begin(1);
    for (int i = 0; i < 4; ++i)
        ask(&lane, &askers[i]);
    settle(&lane);
    pools_cancel(lane.pools, &askers[0].wait);
    settle(&lane);
    come_up(&lane, ALPN_H2);
    pools_cancel(lane.pools, &askers[1].wait);
    settle(&lane);
    struct http *http = admit(&lane);
    ck_assert(has_stream(&askers[2]));
    pools_cancel(lane.pools, &askers[3].wait);
    fake_http_settings(http, 10);
    pass_ms(&lane, 20000);
    ck_assert_uint_eq(fake_http_requests(http), 1);
    ck_assert_uint_eq(askers[0].answers + askers[1].answers + askers[3].answers, 0);
    ck_assert_uint_eq(askers[2].answers, 1);
}
END_TEST

START_TEST(who_leaves_the_queue_makes_way)
{
    lane_apply(&lane, lanes_registry(1, 1, "{}", NULL));
    ask(&lane, &askers[0]);
    settle(&lane);
    bring_up(&lane, 10);
    ask(&lane, &askers[1]);
    ask(&lane, &askers[2]);
    settle(&lane);
    pools_cancel(lane.pools, &askers[1].wait);
    give_back(&lane, &askers[0], FAULT_NONE, 100);
    settle(&lane);
    ck_assert(has_stream(&askers[2]));
    ck_assert_uint_eq(askers[1].answers, 0);
}
END_TEST

static void cancel_next(struct pool_wait *wait)
{
    struct asker *asker = container_of(wait, struct asker, wait);
    ++asker->answers;
    pools_cancel(lane.pools, &(asker + 1)->wait);
}

START_TEST(who_leaves_between_lending_and_answer_gives_the_stream_back)
{
    lane_apply(&lane, lanes_registry(1, 2, "{}", NULL));
    ask(&lane, &askers[0]);
    settle(&lane);
    bring_up(&lane, 10);
    give_back(&lane, &askers[0], FAULT_NONE, 100);
    ask(&lane, &askers[1]);
    ask(&lane, &askers[2]);
    /* Both are lent in one run; the first to hear of it has the other leave. */
    askers[1].wait.answer = cancel_next;
    settle(&lane);
    ck_assert(has_stream(&askers[1]));
    ck_assert_uint_eq(askers[2].answers, 0);
    ck_assert_uint_eq(fake_streams_held(), 1);
    ck_assert_uint_eq(atomic_load(&askers[1].wait.lease.worker->load->live), 1);
}
END_TEST

START_TEST(leaving_after_the_answer_changes_nothing)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    bring_up(&lane, 10);
    pools_cancel(lane.pools, &askers[0].wait);
    ck_assert(has_stream(&askers[0]));
    ck_assert_uint_eq(fake_streams_held(), 1);
}
END_TEST

START_TEST(freeing_answers_all_who_wait_at_every_stage)
{
    struct lane other;
    lane_open(&other);
    struct registry *registry = lanes_registry(1, 2, "{}", NULL);
    lane_apply(&other, registry);
    ask(&other, &askers[32]); /* picked: its link is on its way */
    ask(&other, &askers[33]);
    ask(&other, &askers[34]); /* queued: the worker takes two */
    settle(&other);
    ask(&other, &askers[35]); /* fresh */
    lane_close(&other);
    for (int i = 32; i < 36; ++i)
        ck_assert(has_fault(&askers[i], FAULT_NO_WORKER));
    ck_assert(fake_conn_is_closed(fake_conn_last()));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_same_worker_under_the_same_trust_keeps_its_link_over_a_reload,
        a_worker_that_is_gone_drains_and_its_stream_goes_on,
        another_policy_has_the_same_certificate_judged_again_on_the_same_link,
        a_verdict_that_turns_drains_the_link_and_shows_why,
        a_verdict_under_the_old_policy_admits_nothing_under_the_new,
        a_verdict_of_before_two_reloads_turns_nothing,
        a_policy_that_trusts_a_refused_worker_again_is_tried_at_once,
        fetched_collateral_has_every_ready_link_judged_again_within_a_second,
        a_verdict_is_renewed_before_it_runs_out_and_the_link_lives_on,
        an_attester_that_takes_no_question_is_asked_again_a_moment_later,
        missing_collateral_is_said_and_is_no_mark_against_the_worker,
        another_worker_is_asked_while_one_waits_for_its_collateral,
        a_deadline_that_passes_while_a_verdict_is_awaited_says_so,
        collateral_that_is_missing_under_new_roots_drains_the_link,
        a_pool_that_is_gone_answers_those_who_wait_in_it,
        a_reload_keeps_the_retry_budget_and_the_order_of_those_who_wait,
        draining_lets_streams_finish_and_opens_nothing,
        draining_closes_what_is_not_verified_yet,
        a_drained_link_that_does_not_end_is_cut_off_five_seconds_after_its_last_stream,
        who_leaves_before_the_first_run_is_forgotten,
        who_leaves_while_the_link_comes_up_is_not_answered,
        who_leaves_the_queue_makes_way,
        who_leaves_between_lending_and_answer_gives_the_stream_back,
        leaving_after_the_answer_changes_nothing,
        freeing_answers_all_who_wait_at_every_stage,
        NULL};
    return parts_run("workers/pools-change", tests, lanes_set_up, lanes_tear_down);
}
