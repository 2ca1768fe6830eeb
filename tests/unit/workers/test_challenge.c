/* A link whose pool wants a challenge: what goes to the worker, and what each way of not answering
 * comes to. */
#include <stdio.h>
#include <stdlib.h>

#include "attest_verify.h"
#include "unit/workers/lanes.h"
#include "workers/challenge.h"

static void begin(unsigned workers)
{
    struct registry *registry = lanes_registry(workers, 0, "{}", NULL);
    lanes_pool(registry)->challenge = CHALLENGE_REQUIRED;
    lane_apply(&lane, registry);
}

/* One who asks, a connection, and a certificate that is trusted for an hour. */
static struct http *be_challenged(enum conn_alpn alpn)
{
    begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    come_up(&lane, alpn);
    struct http *http = admit(&lane);
    ck_assert_uint_eq(fake_http_requests(http), 1);
    ck_assert_str_eq(view_of(&lane, "w1").state, "challenging");
    return http;
}

static const struct fake_question *last_question(void)
{
    return fake_attester_question(lane.attester, fake_attester_asked(lane.attester) - 1);
}

/* The worker answers with `text`, whole. */
static void answer(struct http *http, const char *text)
{
    struct stream *stream = fake_http_stream(http, 0);
    fake_stream_answer(stream, 200, -1);
    fake_stream_feed(stream, span_text(text));
    fake_stream_end(stream, STREAM_WHOLE);
    settle(&lane);
}

static void check_refused(const char *reason, const char *says)
{
    char expected[64];
    snprintf(expected, sizeof(expected), "%s: ", reason);
    ck_assert(has_fault(&askers[0], FAULT_UNTRUSTED));
    ck_assert_str_eq(askers[0].wait.worker, "w1");
    ck_assert_msg(strncmp(askers[0].wait.detail, expected, strlen(expected)) == 0, "%s",
                  askers[0].wait.detail);
    ck_assert_msg(strstr(askers[0].wait.detail, says) != NULL, "%s", askers[0].wait.detail);
    struct worker_view view = view_of(&lane, "w1");
    ck_assert_str_eq(view.state, "refused");
    ck_assert_str_eq(view.proof->reason, reason);
    ck_assert(!view.proof->trusted);
    ck_assert_uint_eq(stats_read(&lane.stats.challenges_refused), 1);
    ck_assert_uint_eq(stats_read(&lane.stats.challenges_trusted), 0);
    ck_assert_uint_eq(stats_read(&lane.stats.links_ready), 0);
    ck_assert(fake_conn_is_closed(fake_conn_last()));
}

START_TEST(a_callers_request_goes_only_after_a_trusted_answer)
{
    const enum conn_alpn alpns[] = {ALPN_H2, ALPN_HTTP11};
    struct http *http = be_challenged(alpns[_i]);
    ck_assert_uint_eq(askers[0].answers, 0);
    answer(http, "{\"tee\":\"tdx\"}");
    ck_assert(last_question()->is_answer);
    ck_assert_uint_eq(askers[0].answers, 0);
    ck_assert_uint_eq(fake_http_requests(http), 1);
    ck_assert_str_eq(view_of(&lane, "w1").state, "challenging");

    fake_attester_trust(lane.attester, 1, 3600 * 1000);
    settle(&lane);
    ck_assert(has_stream(&askers[0]));
    ck_assert_uint_eq(fake_http_requests(http), 2);
    ck_assert(span_is(fake_http_request(http, 1)->path, SPAN_OF("/ipfs/x")));
    ck_assert_str_eq(view_of(&lane, "w1").state, "ready");
    ck_assert_uint_eq(stats_read(&lane.stats.challenges_trusted), 1);
    ck_assert_uint_eq(stats_read(&lane.stats.links_ready), 1);
}
END_TEST

START_TEST(the_challenge_is_a_post_of_32_random_bytes)
{
    char nonces[2][64] = {"", ""};
    for (unsigned i = 0; i < 2; ++i) {
        if (i > 0)
            lanes_tear_down(), lanes_set_up();
        struct http *http = be_challenged(ALPN_H2);
        const struct head *head = fake_http_request(http, 0);
        struct span body = fake_stream_sent(fake_http_stream(http, 0));
        ck_assert(span_is(head->method, SPAN_OF("POST")));
        ck_assert(span_is(head->scheme, SPAN_OF("https")));
        ck_assert(span_is(head->authority, SPAN_OF("10.0.0.1:8443")));
        ck_assert(span_is(head->path, SPAN_OF("/.well-known/attest")));
        ck_assert(
            span_is(head_find(head, SPAN_OF("content-type"))->value, SPAN_OF("application/json")));
        ck_assert(span_is(head_find(head, SPAN_OF("content-length"))->value, SPAN_OF("55")));
        ck_assert_uint_eq(body.len, 55);
        ck_assert(span_starts(body, SPAN_OF("{\"nonce\":\"")));
        memcpy(nonces[i], body.ptr + 10, 43);
        ck_assert_uint_eq(strspn(nonces[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                            "0123456789-_"),
                          43);
        ck_assert(stream_is_sent(fake_http_stream(http, 0)));
    }
    ck_assert_str_ne(nonces[0], nonces[1]);
}
END_TEST

static unsigned sextet(char c)
{
    return (
        unsigned)(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", c) -
                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}

START_TEST(the_attester_is_asked_about_this_certificate_connection_and_nonce)
{
    struct http *http = be_challenged(ALPN_H2);
    uint8_t exporter[ATTESTER_TERM_BYTES];
    char nonce[44] = "";
    memcpy(nonce, fake_stream_sent(fake_http_stream(http, 0)).ptr + 10, 43);
    ck_assert(conn_export(fake_conn_last(), ATTEST_EXPORTER_LABEL, exporter, sizeof(exporter)));
    answer(http, "{\"tee\":\"tdx\"}");
    const struct fake_question *question = last_question();
    ck_assert_uint_eq(question->certificate_bytes, 11);
    ck_assert(memcmp(question->certificate, "certificate", 11) == 0);
    ck_assert(memcmp(question->exporter, exporter, sizeof(exporter)) == 0);
    ck_assert_uint_eq(question->answer_bytes, 13);
    ck_assert(memcmp(question->said, "{\"tee\":\"tdx\"}", 13) == 0);
    /* The nonce that was sent is the nonce that is judged: the strict decoder agrees. */
    for (unsigned i = 0; i < 42; i += 4) {
        unsigned bits = 0;
        unsigned most = i + 4 <= 43 ? 4 : 43 - i;
        for (unsigned n = 0; n < 4; ++n)
            bits = bits << 6 | (n < most ? sextet(nonce[i + n]) : 0);
        for (unsigned n = 0; n < most - 1; ++n)
            ck_assert_uint_eq(question->nonce[i / 4 * 3 + n], bits >> (16 - 8 * n) & 0xff);
    }
    fake_attester_trust(lane.attester, 1, 1000);
    settle(&lane);
}
END_TEST

START_TEST(an_answer_that_is_not_trusted_is_refused_by_the_verdicts_word)
{
    struct http *http = be_challenged(ALPN_H2);
    answer(http, "{}");
    refuse_last(&lane, "answer-not-bound", "another connection");
    check_refused("answer-not-bound", "another connection");
    ck_assert_uint_eq(fake_http_requests(http), 1);
    /* The certificate's own verdict stands in the counters as it was. */
    ck_assert_uint_eq(stats_read(&lane.stats.verdicts_trusted), 1);
    ck_assert_uint_eq(stats_read(&lane.stats.verdicts_refused), 0);
}
END_TEST

START_TEST(without_an_exporter_nothing_is_asked_and_nobody_is_trusted)
{
    begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    fake_conn_deny_export(come_up(&lane, ALPN_H2));
    fake_attester_trust(lane.attester, 0, 3600 * 1000);
    settle(&lane);
    check_refused("challenge-no-exporter", "exporter");
    ck_assert_uint_eq(fake_http_made(), 0);
}
END_TEST

START_TEST(a_worker_that_does_not_know_the_path_is_refused_with_what_to_do)
{
    const int statuses[] = {404, 405, 501};
    struct http *http = be_challenged(ALPN_H2);
    fake_stream_answer(fake_http_stream(http, 0), statuses[_i], -1);
    settle(&lane);
    check_refused("challenge-unknown", "attestation.challenge: off");
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 1);
}
END_TEST

START_TEST(any_other_status_than_200_is_no_answer)
{
    const int statuses[] = {204, 201, 302, 400, 500, 503};
    char says[16];
    struct http *http = be_challenged(ALPN_H2);
    fake_stream_answer(fake_http_stream(http, 0), statuses[_i], -1);
    settle(&lane);
    snprintf(says, sizeof(says), "status %d", statuses[_i]);
    check_refused("challenge-status", says);
}
END_TEST

START_TEST(an_answer_is_late_at_five_seconds_and_not_before)
{
    struct http *http = be_challenged(ALPN_H2);
    if (_i == 1) { /* half of it is there */
        fake_stream_answer(fake_http_stream(http, 0), 200, 100);
        fake_stream_feed(fake_http_stream(http, 0), SPAN_OF("{\"tee\":"));
    }
    pass_ms(&lane, CHALLENGE_MS_MAX - 1);
    ck_assert_uint_eq(askers[0].answers, 0);
    pass_ms(&lane, 1);
    check_refused("challenge-late", "within 5000 ms");
}
END_TEST

START_TEST(an_answer_whole_at_the_last_millisecond_is_in_time_and_its_verdict_may_take_its_own)
{
    struct http *http = be_challenged(ALPN_H2);
    pass_ms(&lane, CHALLENGE_MS_MAX - 1);
    answer(http, "{}");
    pass_ms(&lane, 4999);
    ck_assert_uint_eq(askers[0].answers, 0);
    fake_attester_trust(lane.attester, 1, 3600 * 1000);
    settle(&lane);
    ck_assert(has_stream(&askers[0]));
}
END_TEST

START_TEST(a_verdict_on_the_answer_that_does_not_come_is_not_the_workers_fault)
{
    struct http *http = be_challenged(ALPN_H2);
    answer(http, "{}");
    pass_ms(&lane, 5000);
    ck_assert(has_fault(&askers[0], FAULT_CONNECT_FAILED));
    ck_assert_ptr_nonnull(strstr(askers[0].wait.detail, "no verdict on the answer"));
    ck_assert_str_eq(view_of(&lane, "w1").state, "idle");
    /* It comes too late for anybody. */
    fake_attester_trust(lane.attester, 1, 3600 * 1000);
    settle(&lane);
    ck_assert_uint_eq(stats_read(&lane.stats.links_ready), 0);
}
END_TEST

static void feed(struct stream *stream, size_t count)
{
    char piece[1024];
    memset(piece, ' ', sizeof(piece));
    while (count > 0) {
        size_t step = count < sizeof(piece) ? count : sizeof(piece);
        fake_stream_feed(stream, span_of(piece, step));
        settle(&lane);
        count -= step;
    }
}

START_TEST(an_answer_of_64_KiB_is_judged_and_one_byte_more_is_refused)
{
    struct http *http = be_challenged(ALPN_H2);
    struct stream *stream = fake_http_stream(http, 0);
    fake_stream_answer(stream, 200, -1);
    feed(stream, ATTEST_ANSWER_BYTES_MAX);
    ck_assert_uint_eq(askers[0].answers, 0);
    if (_i == 0) {
        fake_stream_end(stream, STREAM_WHOLE);
        settle(&lane);
        ck_assert_uint_eq(last_question()->answer_bytes, ATTEST_ANSWER_BYTES_MAX);
        return;
    }
    fake_stream_feed(stream, SPAN_OF("x"));
    settle(&lane);
    check_refused("challenge-too-large", "65536");
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 1);
}
END_TEST

START_TEST(an_answer_that_says_it_will_be_too_large_is_refused_at_once)
{
    struct http *http = be_challenged(ALPN_H2);
    fake_stream_answer(fake_http_stream(http, 0), 200, ATTEST_ANSWER_BYTES_MAX + 1);
    settle(&lane);
    check_refused("challenge-too-large", "65536");
}
END_TEST

START_TEST(half_an_answer_is_none)
{
    const enum stream_end fates[] = {STREAM_RESET, STREAM_REFUSED, STREAM_INVALID, STREAM_LOST,
                                     STREAM_TOO_LARGE};
    struct http *http = be_challenged(ALPN_H2);
    struct stream *stream = fake_http_stream(http, 0);
    fake_stream_answer(stream, 200, 100);
    fake_stream_feed(stream, SPAN_OF("{\"tee\":"));
    fake_stream_end(stream, fates[_i]);
    settle(&lane);
    check_refused("challenge-cut-short", "7 bytes");
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 1);
}
END_TEST

START_TEST(a_connection_that_ends_within_the_answer_is_half_an_answer)
{
    struct http *http = be_challenged(ALPN_HTTP11);
    fake_stream_answer(fake_http_stream(http, 0), 200, 100);
    fake_stream_feed(fake_http_stream(http, 0), SPAN_OF("{\"tee\":"));
    fake_http_end(http, CONN_EOF);
    settle(&lane);
    check_refused("challenge-cut-short", "7 bytes");
}
END_TEST

START_TEST(a_connection_that_ends_before_the_answer_is_no_connection)
{
    struct http *http = be_challenged(ALPN_H2);
    fake_http_end(http, CONN_RESET);
    settle(&lane);
    ck_assert(has_fault(&askers[0], FAULT_CONNECT_FAILED));
    ck_assert_ptr_nonnull(strstr(askers[0].wait.detail, "while challenging"));
    ck_assert_uint_eq(stats_read(&lane.stats.challenges_refused), 0);
}
END_TEST

START_TEST(an_attester_without_room_for_the_answer_is_overloaded)
{
    struct http *http = be_challenged(ALPN_H2);
    fake_attester_fill(lane.attester, true);
    answer(http, "{}");
    ck_assert(has_fault(&askers[0], FAULT_OVERLOADED));
    ck_assert(fake_http_is_closed(http));
}
END_TEST

START_TEST(the_trust_ends_with_the_first_of_both_verdicts)
{
    struct http *http = be_challenged(ALPN_H2);
    answer(http, "{}");
    fake_attester_trust(lane.attester, 1, 60000); /* the certificate's: an hour */
    settle(&lane);
    ck_assert(has_stream(&askers[0]));
    pass_ms(&lane, 59999);
    ck_assert(!fake_http_is_draining(http));
    pass_ms(&lane, 1);
    ck_assert(fake_http_is_draining(http));
}
END_TEST

START_TEST(a_later_verdict_on_the_certificate_does_not_outlast_the_answers)
{
    struct http *http = be_challenged(ALPN_H2);
    answer(http, "{}");
    fake_attester_trust(lane.attester, 1, 600000);
    settle(&lane);
    ck_assert(has_stream(&askers[0]));
    fake_attester_renew(lane.attester);
    pass_ms(&lane, 1000);
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 3);
    fake_attester_trust(lane.attester, 2, 3600 * 1000);
    settle(&lane);
    ck_assert(!fake_http_is_draining(http));
    pass_ms(&lane, 598999);
    ck_assert(!fake_http_is_draining(http));
    pass_ms(&lane, 1);
    ck_assert(fake_http_is_draining(http));
}
END_TEST

START_TEST(an_answer_trusted_for_no_time_is_refused)
{
    struct http *http = be_challenged(ALPN_H2);
    answer(http, "{}");
    fake_attester_trust(lane.attester, 1, 0);
    settle(&lane);
    ck_assert(has_fault(&askers[0], FAULT_UNTRUSTED));
    ck_assert_uint_eq(fake_http_requests(http), 1);
}
END_TEST

START_TEST(links_that_are_ready_are_not_disturbed_by_a_challenge)
{
    struct http *first = be_challenged(ALPN_H2);
    answer(first, "{}");
    fake_attester_trust(lane.attester, 1, 3600 * 1000);
    fake_http_settings(first, 1);
    settle(&lane);
    ck_assert(has_stream(&askers[0]));
    /* A second link, for one stream more than the first takes; its challenge fails. */
    pass_ms(&lane, 600);
    ask(&lane, &askers[1]);
    settle(&lane);
    come_up(&lane, ALPN_H2);
    struct http *second = admit(&lane);
    ck_assert_ptr_ne(first, second);
    fake_stream_answer(fake_http_stream(second, 0), 500, -1);
    settle(&lane);
    ck_assert(has_fault(&askers[1], FAULT_UNTRUSTED));
    ck_assert(!fake_http_is_closed(first));
    ck_assert(!fake_http_is_draining(first));
    ck_assert_uint_eq(stream_fate(askers[0].wait.lease.stream), STREAM_WHOLE);
    ck_assert_uint_eq(stats_read(&lane.stats.links_ready), 1);
}
END_TEST

START_TEST(links_admitted_without_a_challenge_drain_when_it_becomes_required)
{
    lanes_begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    struct http *unchallenged = bring_up(&lane, 10);
    ck_assert(has_stream(&askers[0]));
    begin(1);
    settle(&lane);
    ck_assert(fake_http_is_draining(unchallenged));
    /* And the other way round nobody is. */
    ask(&lane, &askers[1]);
    settle(&lane);
    come_up(&lane, ALPN_H2);
    struct http *challenged = admit(&lane);
    answer(challenged, "{}");
    fake_attester_trust(lane.attester, 2, 3600 * 1000);
    settle(&lane);
    ck_assert(has_stream(&askers[1]));
    lanes_begin(1);
    settle(&lane);
    ck_assert(!fake_http_is_draining(challenged));
}
END_TEST

START_TEST(another_policy_while_a_worker_is_challenged_has_it_begin_anew)
{
    struct http *http = be_challenged(ALPN_H2);
    answer(http, "{}");
    struct registry *registry = lanes_registry(1, 0, "{ }", NULL);
    lanes_pool(registry)->challenge = CHALLENGE_REQUIRED;
    lane_apply(&lane, registry);
    settle(&lane);
    fake_attester_trust(lane.attester, 1, 3600 * 1000); /* by the old policy: too late */
    settle(&lane);
    ck_assert(fake_http_is_closed(http));
    ck_assert_uint_eq(askers[0].answers, 0);
    come_up(&lane, ALPN_H2);
    struct http *second = admit(&lane);
    ck_assert_ptr_ne(last_question()->trust, fake_attester_question(lane.attester, 0)->trust);
    answer(second, "{}");
    fake_attester_trust(lane.attester, fake_attester_asked(lane.attester) - 1, 3600 * 1000);
    settle(&lane);
    ck_assert(has_stream(&askers[0]));
}
END_TEST

/* A verdict and a reload in one turn: the verdict is of the old policy, and the one that follows it
 * is the certificate's, not the answer's. */
START_TEST(a_verdict_that_a_reload_overtakes_neither_counts_nor_stands_in_for_the_answers)
{
    begin(1);
    ask(&lane, &askers[0]);
    settle(&lane);
    come_up(&lane, ALPN_H2);
    fake_attester_trust(lane.attester, 0, 3600 * 1000);
    struct registry *registry = lanes_registry(1, 0, "{ }", NULL);
    lanes_pool(registry)->challenge = CHALLENGE_REQUIRED;
    lane_apply(&lane, registry);
    settle(&lane);
    ck_assert_str_eq(view_of(&lane, "w1").state, "attesting");
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 2);
    struct http *http = admit(&lane);
    ck_assert_str_eq(view_of(&lane, "w1").state, "challenging");
    ck_assert_uint_eq(askers[0].answers, 0);
    answer(http, "{}");
    ck_assert(last_question()->is_answer);
    fake_attester_trust(lane.attester, 2, 3600 * 1000);
    settle(&lane);
    ck_assert(has_stream(&askers[0]));
}
END_TEST

START_TEST(collateral_that_changes_while_a_worker_is_challenged_has_it_judged_once_it_is_ready)
{
    struct http *http = be_challenged(ALPN_H2);
    fake_attester_renew(lane.attester);
    pass_ms(&lane, 1000);
    ck_assert_str_eq(view_of(&lane, "w1").state, "challenging");
    answer(http, "{}");
    fake_attester_trust(lane.attester, 1, 3600 * 1000);
    settle(&lane);
    pass_ms(&lane, 1);
    ck_assert(has_stream(&askers[0]));
    ck_assert_uint_eq(fake_attester_asked(lane.attester), 3);
    ck_assert(!last_question()->is_answer);
    refuse_last(&lane, "revoked", "the platform's certificate");
    ck_assert(fake_http_is_draining(http));
}
END_TEST

START_TEST(a_pool_that_goes_while_a_worker_is_challenged_ends_it)
{
    struct http *http = be_challenged(ALPN_H2);
    if (_i == 1)
        answer(http, "{}");
    struct registry *none = registry_new();
    pools_apply(lane.pools, none);
    registry_give(none);
    settle(&lane);
    ck_assert(has_fault(&askers[0], FAULT_NO_WORKER));
    ck_assert(fake_http_is_closed(http));
    if (_i == 1)
        fake_attester_trust(lane.attester, 1, 1000);
    settle(&lane);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("workers/challenge");
    TCase *tcase = tcase_create("workers/challenge");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, lanes_set_up, lanes_tear_down);
    tcase_add_loop_test(tcase, a_callers_request_goes_only_after_a_trusted_answer, 0, 2);
    tcase_add_test(tcase, the_challenge_is_a_post_of_32_random_bytes);
    tcase_add_test(tcase, the_attester_is_asked_about_this_certificate_connection_and_nonce);
    tcase_add_test(tcase, an_answer_that_is_not_trusted_is_refused_by_the_verdicts_word);
    tcase_add_test(tcase, without_an_exporter_nothing_is_asked_and_nobody_is_trusted);
    tcase_add_loop_test(tcase, a_worker_that_does_not_know_the_path_is_refused_with_what_to_do, 0,
                        3);
    tcase_add_loop_test(tcase, any_other_status_than_200_is_no_answer, 0, 6);
    tcase_add_loop_test(tcase, an_answer_is_late_at_five_seconds_and_not_before, 0, 2);
    tcase_add_test(
        tcase, an_answer_whole_at_the_last_millisecond_is_in_time_and_its_verdict_may_take_its_own);
    tcase_add_test(tcase, a_verdict_on_the_answer_that_does_not_come_is_not_the_workers_fault);
    tcase_add_loop_test(tcase, an_answer_of_64_KiB_is_judged_and_one_byte_more_is_refused, 0, 2);
    tcase_add_test(tcase, an_answer_that_says_it_will_be_too_large_is_refused_at_once);
    tcase_add_loop_test(tcase, half_an_answer_is_none, 0, 5);
    tcase_add_test(tcase, a_connection_that_ends_within_the_answer_is_half_an_answer);
    tcase_add_test(tcase, a_connection_that_ends_before_the_answer_is_no_connection);
    tcase_add_test(tcase, an_attester_without_room_for_the_answer_is_overloaded);
    tcase_add_test(tcase, the_trust_ends_with_the_first_of_both_verdicts);
    tcase_add_test(tcase, a_later_verdict_on_the_certificate_does_not_outlast_the_answers);
    tcase_add_test(tcase, an_answer_trusted_for_no_time_is_refused);
    tcase_add_test(tcase, links_that_are_ready_are_not_disturbed_by_a_challenge);
    tcase_add_test(tcase, links_admitted_without_a_challenge_drain_when_it_becomes_required);
    tcase_add_test(tcase, another_policy_while_a_worker_is_challenged_has_it_begin_anew);
    tcase_add_test(
        tcase, collateral_that_changes_while_a_worker_is_challenged_has_it_judged_once_it_is_ready);
    tcase_add_test(tcase,
                   a_verdict_that_a_reload_overtakes_neither_counts_nor_stands_in_for_the_answers);
    tcase_add_loop_test(tcase, a_pool_that_goes_while_a_worker_is_challenged_ends_it, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(make_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
