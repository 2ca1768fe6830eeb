#include "unit/workers/lanes.h"

#include <stdio.h>

START_TEST(answers_never_come_from_within_the_question)
{
    /* ask() itself looks that nothing was answered before pools_lend() returned. */
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    bring_up(&lane, 10);
    ask(&lane, &askers[1]);
    settle(&lane);
    ck_assert(has_stream(&askers[1]));
}
END_TEST

START_TEST(no_pool_and_an_empty_pool_have_no_worker)
{
    ask(&lane, &askers[0]);
    settle(&lane);
    ck_assert(has_fault(&askers[0], FAULT_NO_WORKER));
    ck_assert_str_eq(askers[0].wait.worker, "");
    lanes_begin(0);
    ask(&lane, &askers[1]);
    settle(&lane);
    ck_assert(has_fault(&askers[1], FAULT_NO_WORKER));
    ck_assert_ptr_nonnull(pools_budget(lane.pools, "main"));
    ck_assert_ptr_null(pools_budget(lane.pools, "other"));
}
END_TEST

START_TEST(before_settings_one_stream_goes_and_the_others_follow_in_order)
{
    lanes_begin(1);
    for (int i = 0; i < 5; ++i)
        ask(&lane, &askers[i]);
    settle(&lane);
    struct conn *conn = come_up(&lane, ALPN_H2);
    struct http *http = admit(&lane);
    ck_assert_uint_eq(fake_http_requests(http), 1);
    fake_http_settings(http, 3);
    settle(&lane);
    ck_assert_uint_eq(fake_http_requests(http), 3);
    for (unsigned i = 0; i < 3; ++i) {
        ck_assert(has_stream(&askers[i]));
        ck_assert_uint_eq(askers[i].order, i + 1);
    }
    /* What does not fit goes on to another link: this one is full for good. */
    ck_assert_uint_eq(askers[3].answers, 0);
    ck_assert_ptr_ne(fake_conn_last(), conn);
    bring_up(&lane, 3);
    ck_assert_uint_eq(askers[3].order, 4);
    ck_assert_uint_eq(askers[4].order, 5);
}
END_TEST

START_TEST(a_worker_that_sends_no_settings_keeps_waiters_for_half_a_second)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    ask(&lane, &askers[1]);
    settle(&lane);
    struct conn *first = come_up(&lane, ALPN_H2);
    admit(&lane);
    pass_ms(&lane, 499);
    ck_assert_ptr_eq(fake_conn_last(), first);
    pass_ms(&lane, 1);
    ck_assert_ptr_ne(fake_conn_last(), first);
    bring_up(&lane, 3);
    ck_assert(has_stream(&askers[1]));
}
END_TEST

START_TEST(links_open_up_to_their_number_and_then_all_are_full)
{
    struct registry *registry = lanes_registry(1, 0, "{}", NULL);
    lanes_pool(registry)->links_per_worker = 2;
    lanes_pool(registry)->streams_per_link = 2;
    lane_apply(&lane, registry);
    for (int i = 0; i < 4; ++i) {
        ask(&lane, &askers[i]);
        settle(&lane);
        if (i % 2 == 0)
            bring_up(&lane, 100);
        ck_assert(has_stream(&askers[i]));
    }
    ck_assert_uint_eq(fake_http_made(), 2);
    struct conn *last = fake_conn_last();
    ask(&lane, &askers[4]);
    ask(&lane, &askers[5]);
    settle(&lane);
    ck_assert_ptr_eq(fake_conn_last(), last);
    ck_assert_uint_eq(view_of(&lane, "w1").links, 2);
    ck_assert_uint_eq(view_of(&lane, "w1").streams, 4);
    ck_assert_uint_eq(askers[4].answers + askers[5].answers, 0);
    /* Room comes: the first who waits has it. */
    give_back(&lane, &askers[1], FAULT_NONE, 100);
    settle(&lane);
    ck_assert(has_stream(&askers[4]));
    ck_assert_uint_eq(askers[5].answers, 0);
    give_back(&lane, &askers[2], FAULT_NONE, 100);
    settle(&lane);
    ck_assert(has_stream(&askers[5]));
}
END_TEST

START_TEST(streams_go_to_the_emptier_link)
{
    struct registry *registry = lanes_registry(1, 0, "{}", NULL);
    lanes_pool(registry)->streams_per_link = 2;
    lane_apply(&lane, registry);
    for (int i = 0; i < 3; ++i) {
        ask(&lane, &askers[i]);
        settle(&lane);
        if (i != 1)
            bring_up(&lane, 100);
    }
    give_back(&lane, &askers[0], FAULT_NONE, 100);
    give_back(&lane, &askers[1], FAULT_NONE, 100);
    settle(&lane);
    ask(&lane, &askers[3]);
    settle(&lane);
    ck_assert_uint_eq(fake_http_requests(fake_http_at(0)), 3);
    ck_assert_uint_eq(fake_http_requests(fake_http_at(1)), 1);
}
END_TEST

START_TEST(a_worker_of_http_1_gets_one_stream_a_link_and_more_links)
{
    struct registry *registry = lanes_registry(1, 0, "{}", NULL);
    lanes_pool(registry)->links_per_worker = 1;
    lanes_pool(registry)->streams_per_link = 3;
    lane_apply(&lane, registry);
    for (int i = 0; i < 3; ++i) {
        ask(&lane, &askers[i]);
        settle(&lane);
        come_up(&lane, ALPN_HTTP11);
        admit(&lane);
        ck_assert(has_stream(&askers[i]));
    }
    struct conn *last = fake_conn_last();
    ask(&lane, &askers[3]);
    settle(&lane);
    ck_assert_uint_eq(askers[3].answers, 0);
    ck_assert_ptr_eq(fake_conn_last(), last);
}
END_TEST

START_TEST(a_link_whose_worker_says_goaway_makes_room_for_a_new_one)
{
    struct registry *registry = lanes_registry(1, 0, "{}", NULL);
    lanes_pool(registry)->links_per_worker = 1;
    lane_apply(&lane, registry);
    ask(&lane, &askers[0]);
    settle(&lane);
    struct http *http = bring_up(&lane, 10);
    fake_http_goaway(http);
    ask(&lane, &askers[1]);
    settle(&lane);
    bring_up(&lane, 10);
    ck_assert(has_stream(&askers[1]));
    ck_assert_uint_eq(stream_fate(askers[0].wait.lease.stream), STREAM_WHOLE);
}
END_TEST

START_TEST(a_capacity_of_one_is_exact_over_two_lanes)
{
    struct lane other;
    struct registry *registry = lanes_registry(1, 1, "{}", NULL);
    lane_open(&other);
    pools_apply(other.pools, registry);
    const struct worker *worker = &lanes_pool(registry)->workers[0];
    lane_apply(&lane, registry);
    ask(&lane, &askers[0]);
    settle(&lane);
    bring_up(&lane, 10);
    ck_assert(has_stream(&askers[0]));
    ask(&other, &askers[32]);
    ask(&lane, &askers[1]);
    settle(&other);
    settle(&lane);
    ck_assert_uint_eq(askers[32].answers, 0);
    ck_assert_uint_eq(askers[1].answers, 0);
    ck_assert_uint_eq(atomic_load(&worker->load->live), 1);

    /* The place this lane frees is seen by the other, by looking again; then it is full here. */
    pools_cancel(lane.pools, &askers[1].wait);
    give_back(&lane, &askers[0], FAULT_NONE, 100);
    settle(&lane);
    ck_assert_uint_eq(atomic_load(&worker->load->live), 0);
    pass_ms(&other, 10);
    bring_up(&other, 10);
    ck_assert(has_stream(&askers[32]));
    ck_assert_uint_eq(atomic_load(&worker->load->live), 1);
    ask(&lane, &askers[2]);
    pass_ms(&lane, 10);
    ck_assert_uint_eq(askers[2].answers, 0);
    give_back(&other, &askers[32], FAULT_NONE, 100);
    settle(&other);
    pass_ms(&lane, 10);
    ck_assert(has_stream(&askers[2]));
    ck_assert_uint_eq(atomic_load(&worker->load->live), 1);
    lane_close(&other);
}
END_TEST

START_TEST(a_capacity_that_is_gone_when_the_link_comes_up_is_waited_for)
{
    struct registry *registry = lanes_registry(1, 1, "{}", NULL);
    struct worker_load *load = lanes_pool(registry)->workers[0].load;
    lane_apply(&lane, registry);
    ask(&lane, &askers[0]);
    settle(&lane);
    ck_assert(worker_load_take(load, 1));
    struct http *http = bring_up(&lane, 10);
    ck_assert_uint_eq(askers[0].answers, 0);
    ck_assert_uint_eq(fake_http_requests(http), 0);
    worker_load_give(load);
    pass_ms(&lane, 10);
    ck_assert(has_stream(&askers[0]));
}
END_TEST

START_TEST(those_who_wait_are_served_in_the_order_they_came)
{
    lane_apply(&lane, lanes_registry(1, 1, "{}", NULL));
    ask(&lane, &askers[0]);
    settle(&lane);
    bring_up(&lane, 10);
    for (int i = 1; i <= 5; ++i) {
        ask(&lane, &askers[i]);
        if (i % 2 == 0)
            settle(&lane);
    }
    for (unsigned i = 0; i < 5; ++i) {
        give_back(&lane, &askers[i], FAULT_NONE, 100);
        settle(&lane);
        ck_assert(has_stream(&askers[i + 1]));
        ck_assert_uint_eq(askers[i + 1].order, i + 2);
    }
}
END_TEST

START_TEST(one_who_waits_in_the_queue_is_overloaded_at_its_deadline)
{
    lane_apply(&lane, lanes_registry(1, 1, "{}", NULL));
    ask(&lane, &askers[0]);
    settle(&lane);
    bring_up(&lane, 10);
    ask_until(&lane, &askers[1], 1000);
    ask_until(&lane, &askers[2], 3000);
    pass_ms(&lane, 999);
    ck_assert_uint_eq(askers[1].answers, 0);
    pass_ms(&lane, 1);
    ck_assert(has_fault(&askers[1], FAULT_OVERLOADED));
    ck_assert_uint_eq(askers[2].answers, 0);
    give_back(&lane, &askers[0], FAULT_NONE, 100);
    settle(&lane);
    ck_assert(has_stream(&askers[2]));
    pass_ms(&lane, 5000);
    ck_assert_uint_eq(askers[2].answers, 1);
}
END_TEST

START_TEST(one_who_waits_for_a_connection_is_told_at_its_deadline_and_the_link_comes_up)
{
    lanes_begin(1);
    ask_until(&lane, &askers[0], 1000);
    settle(&lane);
    pass_ms(&lane, 1000);
    ck_assert(has_fault(&askers[0], FAULT_CONNECT_FAILED));
    ck_assert_str_eq(askers[0].wait.worker, "w1");
    bring_up(&lane, 10);
    ask(&lane, &askers[1]);
    settle(&lane);
    ck_assert(has_stream(&askers[1]));
    ck_assert_uint_eq(askers[0].answers, 1);
}
END_TEST

START_TEST(no_more_wait_than_may)
{
    struct registry *registry = lanes_registry(1, 0, "{}", NULL);
    lanes_pool(registry)->waits_max = 3;
    lane_apply(&lane, registry);
    for (int i = 0; i < 4; ++i)
        ask(&lane, &askers[i]);
    settle(&lane);
    ck_assert(has_fault(&askers[3], FAULT_OVERLOADED));
    ck_assert_uint_eq(askers[0].answers + askers[1].answers + askers[2].answers, 0);
    pools_cancel(lane.pools, &askers[1].wait);
    ask(&lane, &askers[4]);
    ask(&lane, &askers[5]);
    settle(&lane);
    ck_assert_uint_eq(askers[4].answers, 0);
    ck_assert(has_fault(&askers[5], FAULT_OVERLOADED));
    bring_up(&lane, 10);
    ck_assert(has_stream(&askers[0]) && has_stream(&askers[2]) && has_stream(&askers[4]));
    /* Who is served at once does not wait. */
    for (int i = 6; i < 12; ++i)
        ask(&lane, &askers[i]);
    settle(&lane);
    for (int i = 6; i < 12; ++i)
        ck_assert(has_stream(&askers[i]));
}
END_TEST

START_TEST(the_less_loaded_worker_is_asked)
{
    lanes_begin(2);
    unsigned made[2] = {0, 0};
    for (int i = 0; i < 20; ++i) {
        unsigned https = fake_http_made();
        ask(&lane, &askers[i]);
        settle(&lane);
        if (askers[i].answers == 0)
            bring_up(&lane, 100);
        ck_assert(has_stream(&askers[i]));
        ck_assert_uint_le(fake_http_made(), https + 1);
        ++made[askers[i].wait.lease.worker->id[1] - '1'];
    }
    /* With two workers both are always compared, so neither is ever two ahead. */
    ck_assert_uint_eq(made[0], 10);
    ck_assert_uint_eq(made[1], 10);
}
END_TEST

static void tried(struct asker *asker, const char *id)
{
    snprintf(asker->wait.tried[asker->wait.tried_count++], WORKER_ID_MAX, "%s", id);
}

START_TEST(a_worker_that_was_tried_is_not_asked_again)
{
    lanes_begin(2);
    for (int i = 0; i < 8; ++i) {
        tried(&askers[i], "w1");
        ask(&lane, &askers[i]);
    }
    settle(&lane);
    bring_up(&lane, 100);
    for (int i = 0; i < 8; ++i)
        ck_assert_str_eq(askers[i].wait.lease.worker->id, "w2");
    tried(&askers[8], "w1");
    tried(&askers[8], "w2");
    ask(&lane, &askers[8]);
    settle(&lane);
    ck_assert(has_fault(&askers[8], FAULT_NO_WORKER));
    ck_assert_str_eq(askers[8].wait.worker, "");
}
END_TEST

START_TEST(all_that_are_left_being_refused_is_untrusted)
{
    lanes_begin(2);
    for (int i = 0; i < 2; ++i) {
        tried(&askers[i], i == 0 ? "w2" : "w1");
        ask(&lane, &askers[i]);
        settle(&lane);
        come_up(&lane, ALPN_H2);
        refuse_last(&lane, "no-evidence", "none");
        ck_assert(has_fault(&askers[i], FAULT_UNTRUSTED));
    }
    ask(&lane, &askers[2]);
    settle(&lane);
    ck_assert(has_fault(&askers[2], FAULT_UNTRUSTED));
    ck_assert_str_eq(askers[2].wait.detail, "no-evidence: none");
}
END_TEST

START_TEST(five_failures_in_a_row_rest_a_worker_unless_it_is_the_last)
{
    lanes_begin(2);
    for (int i = 0; i < 5; ++i) {
        tried(&askers[i], "w2");
        ask(&lane, &askers[i]);
        settle(&lane);
        fake_conn_end(fake_conn_last(), CONN_CONNECT_FAILED);
        settle(&lane);
        ck_assert(has_fault(&askers[i], FAULT_CONNECT_FAILED));
    }
    ck_assert_str_eq(view_of(&lane, "w1").state, "resting");
    tried(&askers[5], "w2");
    ask(&lane, &askers[5]);
    settle(&lane);
    ck_assert(has_fault(&askers[5], FAULT_NO_WORKER));
    for (int i = 6; i < 16; ++i) {
        ask(&lane, &askers[i]);
        settle(&lane);
        fake_conn_end(fake_conn_last(), CONN_CONNECT_FAILED);
        settle(&lane);
        ck_assert(has_fault(&askers[i], FAULT_CONNECT_FAILED));
        ck_assert_str_eq(askers[i].wait.worker, "w2");
    }
    ck_assert_str_eq(view_of(&lane, "w2").state, "idle");

    /* After its rest one probe goes; while it is out, nobody else. */
    pass_ms(&lane, 30000);
    tried(&askers[16], "w2");
    tried(&askers[17], "w2");
    ask(&lane, &askers[16]);
    settle(&lane);
    ask(&lane, &askers[17]);
    settle(&lane);
    ck_assert(has_fault(&askers[17], FAULT_NO_WORKER));
    bring_up(&lane, 10);
    ck_assert(has_stream(&askers[16]));
    give_back(&lane, &askers[16], FAULT_NONE, 2000);
    settle(&lane);
    ck_assert_str_eq(view_of(&lane, "w1").state, "ready");
    ck_assert_uint_eq(view_of(&lane, "w1").ttfb_us, 2000);
}
END_TEST

START_TEST(a_probe_that_was_cancelled_lets_the_next_one_go)
{
    lanes_begin(2);
    for (int i = 0; i < 5; ++i) {
        tried(&askers[i], "w2");
        ask(&lane, &askers[i]);
        settle(&lane);
        fake_conn_end(fake_conn_last(), CONN_CONNECT_FAILED);
        settle(&lane);
    }
    pass_ms(&lane, 30000);
    tried(&askers[5], "w2");
    ask(&lane, &askers[5]);
    settle(&lane);
    pools_cancel(lane.pools, &askers[5].wait);
    tried(&askers[6], "w2");
    ask(&lane, &askers[6]);
    settle(&lane);
    bring_up(&lane, 10);
    ck_assert(has_stream(&askers[6]));
    ck_assert_uint_eq(askers[5].answers, 0);
}
END_TEST

START_TEST(a_head_without_room_for_the_authority_is_told_and_takes_no_place)
{
    struct registry *registry = lanes_registry(1, 1, "{}", NULL);
    struct worker_load *load = lanes_pool(registry)->workers[0].load;
    lane_apply(&lane, registry);
    ask(&lane, &askers[0]);
    settle(&lane);
    askers[0].wait.request->arena.bytes_max = askers[0].wait.request->arena.used;
    bring_up(&lane, 10);
    ck_assert(has_fault(&askers[0], FAULT_OVERLOADED));
    ck_assert_uint_eq(atomic_load(&load->live), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        answers_never_come_from_within_the_question,
        no_pool_and_an_empty_pool_have_no_worker,
        before_settings_one_stream_goes_and_the_others_follow_in_order,
        a_worker_that_sends_no_settings_keeps_waiters_for_half_a_second,
        links_open_up_to_their_number_and_then_all_are_full,
        streams_go_to_the_emptier_link,
        a_worker_of_http_1_gets_one_stream_a_link_and_more_links,
        a_link_whose_worker_says_goaway_makes_room_for_a_new_one,
        a_capacity_of_one_is_exact_over_two_lanes,
        a_capacity_that_is_gone_when_the_link_comes_up_is_waited_for,
        those_who_wait_are_served_in_the_order_they_came,
        one_who_waits_in_the_queue_is_overloaded_at_its_deadline,
        one_who_waits_for_a_connection_is_told_at_its_deadline_and_the_link_comes_up,
        no_more_wait_than_may,
        the_less_loaded_worker_is_asked,
        a_worker_that_was_tried_is_not_asked_again,
        all_that_are_left_being_refused_is_untrusted,
        five_failures_in_a_row_rest_a_worker_unless_it_is_the_last,
        a_probe_that_was_cancelled_lets_the_next_one_go,
        a_head_without_room_for_the_authority_is_told_and_takes_no_place,
        NULL};
    return parts_run("workers/pools", tests, lanes_set_up, lanes_tear_down);
}
