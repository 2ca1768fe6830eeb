#include "unit/workers/lanes.h"

static const struct field *field_of(const struct head *head, const char *name)
{
    return head_find(head, span_text(name));
}

START_TEST(no_byte_of_http_goes_before_a_trusting_verdict)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    ck_assert_str_eq(view_of(&lane, "w1").state, "connecting");
    struct conn *conn = come_up(&lane, ALPN_H2);
    ck_assert_str_eq(view_of(&lane, "w1").state, "attesting");
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 1);
    ck_assert_uint_eq(fake_attester_question(lane.attester, 0)->certificate_bytes, 11);
    fake_conn_feed(conn, SPAN_OF("a worker that speaks too soon"));
    pass_ms(&lane, 100);
    ck_assert_uint_eq(fake_http_made(), 0);
    ck_assert_uint_eq(fake_conn_wrote(conn).len, 0);
    ck_assert_uint_eq(fake_conn_untaken(conn), 29);
    ck_assert_uint_eq(askers[0].answers, 0);

    struct http *http = admit(&lane);
    ck_assert(has_stream(&askers[0]));
    ck_assert_str_eq(view_of(&lane, "w1").state, "ready");
    ck_assert_uint_eq(fake_http_requests(http), 1);
    ck_assert_uint_eq(stats_read(&lane.stats.verdicts_trusted), 1);
    ck_assert_uint_eq(stats_read(&lane.stats.links_ready), 1);
}
END_TEST

START_TEST(the_head_gets_scheme_and_authority_of_the_worker)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    const struct head *head = fake_http_request(bring_up(&lane, 10), 0);
    ck_assert(span_is(head->scheme, SPAN_OF("https")));
    ck_assert(span_is(head->authority, SPAN_OF("10.0.0.1:8443")));
    ck_assert(span_is(head->path, SPAN_OF("/ipfs/x")));
    ck_assert_ptr_null(field_of(head, "host"));
    ck_assert_str_eq(askers[0].wait.lease.worker->id, "w1");
    ck_assert_str_eq(askers[0].wait.lease.pool->name, "main");
    ck_assert(askers[0].wait.lease.proof->trusted);
}
END_TEST

START_TEST(a_refused_worker_is_named_with_the_check_and_gets_no_request)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    ask(&lane, &askers[1]);
    settle(&lane);
    struct conn *conn = come_up(&lane, ALPN_H2);
    refuse_last(&lane, "debug", "the enclave can be debugged");
    for (int i = 0; i < 2; ++i) {
        ck_assert(has_fault(&askers[i], FAULT_UNTRUSTED));
        ck_assert_str_eq(askers[i].wait.worker, "w1");
        ck_assert_str_eq(askers[i].wait.detail, "debug: the enclave can be debugged");
    }
    ck_assert_uint_eq(fake_http_made(), 0);
    ck_assert_uint_eq(fake_conn_wrote(conn).len, 0);
    ck_assert(fake_conn_is_closed(conn));
    ck_assert_uint_eq(stats_read(&lane.stats.verdicts_refused), 1);
    struct worker_view view = view_of(&lane, "w1");
    ck_assert_str_eq(view.state, "refused");
    ck_assert_str_eq(view.proof->reason, "debug");
}
END_TEST

START_TEST(a_refused_worker_is_left_alone_for_five_seconds_and_then_tried_again)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    struct conn *first = come_up(&lane, ALPN_H2);
    refuse_last(&lane, "tcb-not-accepted", "OutOfDate");
    pass_ms(&lane, 4999);
    ask(&lane, &askers[1]);
    settle(&lane);
    ck_assert(has_fault(&askers[1], FAULT_UNTRUSTED));
    ck_assert_str_eq(askers[1].wait.detail, "tcb-not-accepted: OutOfDate");
    ck_assert_str_eq(askers[1].wait.worker, "w1");
    ck_assert_ptr_eq(fake_conn_last(), first);
    pass_ms(&lane, 1);
    ask(&lane, &askers[2]);
    settle(&lane);
    ck_assert_ptr_ne(fake_conn_last(), first);
    bring_up(&lane, 10);
    ck_assert(has_stream(&askers[2]));
}
END_TEST

START_TEST(a_verdict_that_trusts_for_no_time_is_a_refusal)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    come_up(&lane, ALPN_H2);
    fake_attester_trust(lane.attester, 0, 0);
    settle(&lane);
    ck_assert(has_fault(&askers[0], FAULT_UNTRUSTED));
    ck_assert_uint_eq(fake_http_made(), 0);
}
END_TEST

START_TEST(a_worker_without_a_certificate_is_for_the_attester_to_refuse)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    fake_conn_open(fake_conn_last(), ALPN_H2);
    settle(&lane);
    ck_assert_uint_eq(fake_attester_question(lane.attester, 0)->certificate_bytes, 0);
    ck_assert_uint_eq(fake_http_made(), 0);
}
END_TEST

START_TEST(an_attester_with_too_many_questions_answers_overloaded)
{
    lanes_begin(1);
    fake_attester_fill(lane.attester, true);
    ask(&lane, &askers[0]);
    settle(&lane);
    struct conn *conn = come_up(&lane, ALPN_H2);
    ck_assert(has_fault(&askers[0], FAULT_OVERLOADED));
    ck_assert(fake_conn_is_closed(conn));
    ck_assert_uint_eq(fake_http_made(), 0);
}
END_TEST

START_TEST(connect_tls_and_verdict_have_one_term)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    pass_ms(&lane, 3000);
    struct conn *conn = come_up(&lane, ALPN_H2);
    pass_ms(&lane, 1999);
    ck_assert_uint_eq(askers[0].answers, 0);
    pass_ms(&lane, 1);
    ck_assert(has_fault(&askers[0], FAULT_NOT_YET_VERIFIED));
    ck_assert_ptr_nonnull(strstr(askers[0].wait.detail, "no verdict"));
    ck_assert(fake_conn_is_closed(conn));
    /* The verdict comes too late for anybody. */
    fake_attester_trust(lane.attester, 0, 1000000);
    settle(&lane);
    ck_assert_uint_eq(fake_http_made(), 0);
    ck_assert_uint_eq(askers[0].answers, 1);
}
END_TEST

START_TEST(an_end_while_connecting_is_answered_once_and_says_why)
{
    static const struct {
        enum conn_end end;
        const char *says;
    } rows[] = {
        {CONN_CONNECT_FAILED, "10.0.0.1:8443 cannot be reached by TCP"},
        {CONN_TLS_FAILED, "TLS 1.3"},
        {CONN_TIMED_OUT, "in time"},
        {CONN_RESET, "broke"},
        {CONN_EOF, "closed"},
    };
    lanes_begin(1);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        ask(&lane, &askers[i]);
        settle(&lane);
        fake_conn_end(fake_conn_last(), rows[i].end);
        settle(&lane);
        ck_assert(has_fault(&askers[i], FAULT_CONNECT_FAILED));
        ck_assert_str_eq(askers[i].wait.worker, "w1");
        ck_assert_msg(strstr(askers[i].wait.detail, rows[i].says) != NULL, "%s",
                      askers[i].wait.detail);
        ck_assert(fake_conn_is_closed(fake_conn_last()));
    }
}
END_TEST

START_TEST(a_verdict_that_runs_out_drains_the_link_and_a_new_one_is_verified)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    struct conn *first = come_up(&lane, ALPN_H2);
    fake_attester_trust(lane.attester, 0, 60000);
    settle(&lane);
    struct http *http = fake_http_at(0);
    fake_http_settings(http, 10);
    settle(&lane);
    ck_assert(has_stream(&askers[0]));
    pass_ms(&lane, 59999);
    ck_assert(!fake_http_is_draining(http));
    pass_ms(&lane, 1);
    ck_assert(fake_http_is_draining(http));
    ck_assert(!fake_http_is_closed(http));
    ck_assert_uint_eq(stats_read(&lane.stats.links_ready), 0);
    ck_assert_ptr_ne(fake_conn_last(), first);

    /* Nobody is lent a stream of the old one; the stream there goes on to its end. */
    ask(&lane, &askers[1]);
    settle(&lane);
    ck_assert_uint_eq(askers[1].answers, 0);
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 2); /* once more, in vain */
    bring_up(&lane, 10);
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 3);
    ck_assert(has_stream(&askers[1]));
    ck_assert_uint_eq(fake_http_requests(http), 1);
    ck_assert_uint_eq(stream_fate(askers[0].wait.lease.stream), STREAM_WHOLE);
    fake_stream_end(askers[0].wait.lease.stream, STREAM_WHOLE);
    give_back(&lane, &askers[0], FAULT_NONE, 1000);
    settle(&lane);
    ck_assert(fake_http_is_closed(http));
}
END_TEST

START_TEST(an_idle_link_is_closed_after_five_minutes)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    struct http *http = bring_up(&lane, 10);
    pass_ms(&lane, 400000);
    ck_assert(!fake_http_is_draining(http));
    give_back(&lane, &askers[0], FAULT_NONE, 1000);
    pass_ms(&lane, 299999);
    ck_assert(!fake_http_is_draining(http));
    pass_ms(&lane, 1);
    ck_assert(fake_http_is_closed(http));
    ck_assert_str_eq(view_of(&lane, "w1").state, "idle");
}
END_TEST

START_TEST(a_link_that_breaks_under_streams_is_told_by_their_fate)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    struct http *http = bring_up(&lane, 10);
    fake_http_end(http, CONN_RESET);
    ck_assert_uint_eq(askers[0].notes, 1);
    settle(&lane);
    ck_assert(fake_http_is_closed(http));
    ck_assert_uint_eq(stream_fate(askers[0].wait.lease.stream), STREAM_LOST);
    /* Facts of the lease stay until it is returned. */
    ck_assert_str_eq(askers[0].wait.lease.worker->id, "w1");
    ck_assert_str_eq(askers[0].wait.lease.proof->tee, "tdx");
    pass_ms(&lane, 1000);
    give_back(&lane, &askers[0], FAULT_WORKER_BROKE, 0);
    ck_assert_ptr_null(askers[0].wait.lease.stream);
    settle(&lane);
    ck_assert_uint_eq(askers[0].answers, 1);
}
END_TEST

START_TEST(a_link_that_breaks_before_its_settings_answers_those_who_wait)
{
    lanes_begin(1);
    for (int i = 0; i < 3; ++i)
        ask(&lane, &askers[i]);
    settle(&lane);
    come_up(&lane, ALPN_H2);
    struct http *http = admit(&lane);
    ck_assert(has_stream(&askers[0]));
    ck_assert_uint_eq(askers[1].answers, 0);
    fake_http_end(http, CONN_RESET);
    settle(&lane);
    for (int i = 1; i < 3; ++i) {
        ck_assert(has_fault(&askers[i], FAULT_CONNECT_FAILED));
        ck_assert_str_eq(askers[i].wait.worker, "w1");
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        no_byte_of_http_goes_before_a_trusting_verdict,
        the_head_gets_scheme_and_authority_of_the_worker,
        a_refused_worker_is_named_with_the_check_and_gets_no_request,
        a_refused_worker_is_left_alone_for_five_seconds_and_then_tried_again,
        a_verdict_that_trusts_for_no_time_is_a_refusal,
        a_worker_without_a_certificate_is_for_the_attester_to_refuse,
        an_attester_with_too_many_questions_answers_overloaded,
        connect_tls_and_verdict_have_one_term,
        an_end_while_connecting_is_answered_once_and_says_why,
        a_verdict_that_runs_out_drains_the_link_and_a_new_one_is_verified,
        an_idle_link_is_closed_after_five_minutes,
        a_link_that_breaks_under_streams_is_told_by_their_fate,
        a_link_that_breaks_before_its_settings_answers_those_who_wait,
        NULL};
    return parts_run("workers/link", tests, lanes_set_up, lanes_tear_down);
}
