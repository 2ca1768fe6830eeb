/* Lives that go well. */
#include <stdio.h>

#include "scenarios/hall.h"
#include "unit/checks.h"

static const char *const plain = "content-type: text/plain\nagent-usage: tokens=4";

START_TEST(an_answer_reaches_the_caller_and_its_cost_the_journal)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, plain, "hello");
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 200);
    ck_assert_str_eq(fake_stream_got(hall.caller).ptr, "hello");
    ck_assert_str_eq(hall_trailer(&hall, "agent-cost"), "24"); /* 10 + 2 + 4 x 3 */
    ck_assert_str_eq(hall_trailer(&hall, "agent-usage"), "ms=0, in=0, out=5, tokens=4");
    ck_assert_str_eq(hall_trailer(&hall, "agent-outcome"), "ok");
    ck_assert_uint_eq(hall.meter->settles, 1);
    ck_assert_uint_eq(hall.meter->settlement.cost_ucr, 24);
    ck_assert_str_eq(hall.meter->settlement.outcome, "ok");
    ck_assert_str_eq(hall.meter->settlement.worker, "w1");
    ck_assert_uint_eq(hall.pools->tries[0].returned_fault, FAULT_NONE);
    ck_assert_uint_gt(hall.pools->tries[0].ttfb_us, 0);
    ck_assert(hall.complete && hall.complete_journalled);
    hall_close(&hall);
}
END_TEST

START_TEST(the_head_of_an_answer_says_who_answered_and_what_it_may_cost)
{
    struct hall hall;
    hall_open(&hall);
    hall.meter->facts.rate_limit = 60;
    hall.meter->facts.rate_window_s = 60;
    hall.meter->facts.rate_remaining = 59;
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, plain, "hello");
    hall_run(&hall);
    ck_assert_str_eq(hall_field(&hall, "agent-invocation-id"), "abcdefghijklmnopqrstuvwxyz");
    ck_assert_str_eq(hall_field(&hall, "agent-worker"), "w1");
    ck_assert_str_eq(hall_field(&hall, "agent-measurement"), "c0ffee");
    char ceiling[24]; /* 10 a call, 60 s, 16 MiB out, 100 tokens; no body comes in */
    snprintf(ceiling, sizeof(ceiling), "%d", 10 + 60 + 16384 * 2 + 300);
    ck_assert_str_eq(hall_field(&hall, "agent-cost-ceiling"), ceiling);
    ck_assert_str_eq(hall_field(&hall, "ratelimit-policy"), "\"rate\";q=60;w=60");
    ck_assert_str_eq(hall_field(&hall, "ratelimit"), "\"rate\";r=59");
    ck_assert_str_eq(hall_field(&hall, "cache-control"), "private, no-store");
    ck_assert_str_eq(hall_field(&hall, "agent-usage"), "");
    hall_close(&hall);
}
END_TEST

START_TEST(the_worker_is_asked_by_canonical_cid_without_the_credential)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    const struct head *request = hall.pools->tries[0].request;
    ck_assert(span_is(request->path, SPAN_OF("/ipfs/" HALL_CID "/run?x=1")));
    ck_assert(span_is(request->method, SPAN_OF("POST")));
    ck_assert_ptr_null(head_find(request, SPAN_OF("authorization")));
    ck_assert_ptr_nonnull(head_find(request, SPAN_OF("agent-invocation-id")));
    ck_assert(hall.pools->tries[0].ended);
    ck_assert_str_eq(hall.auth->credential, "tgk_001_k1_secret");
    hall_answer(&hall, 0, 200, plain, "");
    hall_close(&hall);
}
END_TEST

START_TEST(a_pool_may_have_a_path_of_its_own)
{
    struct hall hall;
    hall_open(&hall);
    snprintf(hall.pools->facts.path_template, sizeof(hall.pools->facts.path_template),
             "/run{rest}");
    hall_post(&hall);
    hall_run(&hall);
    ck_assert(span_is(hall.pools->tries[0].request->path, SPAN_OF("/run/run?x=1")));
    hall_answer(&hall, 0, 200, plain, "");
    hall_close(&hall);
}
END_TEST

START_TEST(a_caller_without_trailers_gets_a_whole_small_answers_cost_as_fields)
{
    struct hall hall;
    hall_open(&hall);
    hall.protocol = "HTTP/1.1";
    hall_post(&hall);
    hall.caller->takes_trailers = false;
    hall_run(&hall);
    struct stream *worker = hall_worker(&hall, 0);
    fake_stream_feed(worker, SPAN_OF("hello"));
    fake_stream_feed_end(worker, NULL);
    (void)fake_streams_pump(); /* head and body come in one turn */
    fake_stream_head(worker, hall_head(200, plain));
    hall_run(&hall);
    ck_assert_str_eq(hall_field(&hall, "agent-cost"), "24");
    ck_assert_str_eq(hall_field(&hall, "agent-outcome"), "ok");
    ck_assert_str_eq(fake_stream_got(hall.caller).ptr, "hello");
    ck_assert_ptr_null(hall.caller->out_trailers);
    hall_close(&hall);
}
END_TEST

START_TEST(a_caller_without_trailers_never_waits_for_the_rest_of_an_answer)
{
    struct hall hall;
    hall_open(&hall);
    hall.protocol = "HTTP/1.1";
    hall_post(&hall);
    hall.caller->takes_trailers = false;
    hall_run(&hall);
    hall_answer(&hall, 0, 200, plain, NULL);
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 200); /* before there is any body */
    fake_stream_feed(hall_worker(&hall, 0), SPAN_OF("hello"));
    fake_stream_feed_end(hall_worker(&hall, 0), NULL);
    hall_run(&hall);
    ck_assert_str_eq(hall_field(&hall, "agent-cost"), "");
    ck_assert_str_eq(fake_stream_got(hall.caller).ptr, "hello");
    ck_assert_ptr_null(hall.caller->out_trailers);
    hall_close(&hall);
}
END_TEST

START_TEST(chunked_answers_over_h1_have_trailers_but_lengths_have_none)
{
    static const struct {
        const char *fields;
        const char *cost;
    } rows[] = {{"content-type: text/plain", "12"}, {"content-length: 5", ""}};
    for (size_t i = 0; i < 2; ++i) {
        struct hall hall;
        hall_open(&hall);
        hall.protocol = "HTTP/1.1";
        hall_post(&hall);
        hall_run(&hall);
        hall_answer(&hall, 0, 200, rows[i].fields, NULL);
        hall_run(&hall);
        fake_stream_feed(hall_worker(&hall, 0), SPAN_OF("hello"));
        fake_stream_feed_end(hall_worker(&hall, 0), NULL);
        hall_run(&hall);
        ck_assert_str_eq(hall_trailer(&hall, "agent-cost"), rows[i].cost);
        ck_assert_str_eq(fake_stream_got(hall.caller).ptr, "hello");
        hall_close(&hall);
    }
}
END_TEST

START_TEST(the_last_byte_of_a_known_length_waits_for_the_worker_and_the_journal)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "content-length: 5", NULL);
    struct stream *worker = hall_worker(&hall, 0);
    fake_stream_feed(worker, SPAN_OF("hello"));
    hall_run(&hall);
    ck_assert_str_eq(fake_stream_got(hall.caller).ptr, "hell");
    ck_assert(!hall.complete);
    ck_assert_uint_eq(hall.meter->settles, 0);
    fake_stream_feed_end(worker, NULL);
    hall_run(&hall);
    ck_assert_str_eq(fake_stream_got(hall.caller).ptr, "o");
    ck_assert(hall.complete && hall.complete_journalled);
    ck_assert_uint_eq(hall.meter->settlement.usage.bytes_out, 5);
    hall_close(&hall);
}
END_TEST

START_TEST(an_answer_without_a_body_ends_with_its_head_and_after_the_journal)
{
    static const struct {
        const char *method;
        int status;
        const char *fields;
    } rows[] = {{"HEAD", 200, "content-length: 500"},
                {"GET", 204, ""},
                {"GET", 304, "etag: x"},
                {"GET", 200, "content-length: 0"},
                {"HEAD", 200, "content-type: text/event-stream"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct hall hall;
        hall_open(&hall);
        hall_ask(&hall, rows[i].method, "/ipfs/" HALL_CID, NULL, false);
        hall_run(&hall);
        hall_answer(&hall, 0, rows[i].status, rows[i].fields, NULL);
        hall_run(&hall);
        ck_assert_int_eq(hall_status(&hall),
                         0); /* it would be the end, and the worker's is not in */
        fake_stream_feed_end(hall_worker(&hall, 0), NULL);
        hall_run(&hall);
        ck_assert_int_eq(hall_status(&hall), rows[i].status);
        ck_assert(hall.caller->out_ended && hall.complete_journalled);
        ck_assert_ptr_null(hall.caller->out_trailers);
        hall_close(&hall);
    }
}
END_TEST

START_TEST(the_workers_trailers_pass_but_not_those_that_are_ours)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "content-type: text/plain", NULL);
    fake_stream_feed(hall_worker(&hall, 0), SPAN_OF("x"));
    fake_stream_feed_end(hall_worker(&hall, 0),
                         hall_head(0, "x-sum: 7\nagent-cost: 0\nagent-usage: tokens=200"));
    hall_run(&hall);
    ck_assert_str_eq(hall_trailer(&hall, "x-sum"), "7");
    ck_assert_str_eq(hall_trailer(&hall, "agent-cost"), "312"); /* tokens stop at their cap, 100 */
    ck_assert_uint_eq(hall.meter->settlement.over_ucr, 300);
    hall_close(&hall);
}
END_TEST

START_TEST(an_agents_own_error_is_paid_and_called_so)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 500, "content-type: text/plain", "oops");
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 500);
    ck_assert_str_eq(hall_trailer(&hall, "agent-outcome"), "agent-error");
    ck_assert_uint_eq(hall.meter->settles, 1);
    hall_close(&hall);
}
END_TEST

START_TEST(an_unmetered_agent_runs_without_the_meter)
{
    struct hall hall;
    hall_open(&hall);
    hall.agent->metered = false;
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, plain, "hello");
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 200);
    ck_assert_uint_eq(hall.meter->asked, 0);
    ck_assert_str_eq(hall_trailer(&hall, "agent-cost"), "");
    ck_assert_str_eq(hall_trailer(&hall, "agent-outcome"), "ok");
    hall_close(&hall);
}
END_TEST

START_TEST(a_caller_is_told_to_continue_only_when_a_worker_is_there)
{
    struct hall hall;
    hall_open(&hall);
    hall.pools->tries[0].hangs = true;
    hall_ask(&hall, "POST", "/ipfs/" HALL_CID, "content-length: 2", true);
    hall.caller->expects_continue = true;
    hall_run(&hall);
    ck_assert(!hall.caller->continued);
    hall.pools->tries[0].hangs = false;
    loop_wake(hall.loop, &hall.pools->wake);
    hall_run(&hall);
    ck_assert(hall.caller->continued);
    fake_stream_feed(hall.caller, SPAN_OF("ab"));
    fake_stream_feed_end(hall.caller, NULL);
    hall_answer(&hall, 0, 200, plain, "hello");
    hall_run(&hall);
    ck_assert_str_eq(fake_stream_got(hall_worker(&hall, 0)).ptr, "ab");
    hall_close(&hall);
}
END_TEST

START_TEST(what_the_gateway_knows_itself_needs_no_worker)
{
    static const struct {
        const char *path;
        const char *name;
        const char *body;
        unsigned checks;
    } rows[] = {{"/.well-known/teegate", "", "{\"name\":\"teegate\"", 0},
                {"/v1/account", "alice", "{\"balance\":5}", 1},
                {"/v1/invocations/abc", "alice", "{\"balance\":5}", 1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct hall hall;
        hall_open(&hall);
        hall_ask(&hall, "GET", rows[i].path, NULL, false);
        hall_run(&hall);
        ck_assert_int_eq(hall_status(&hall), 200);
        ck_assert(span_starts(fake_stream_got(hall.caller), span_text(rows[i].body)));
        ck_assert_str_eq(hall.accounts->name, rows[i].name);
        ck_assert_uint_eq(hall.auth->checks, rows[i].checks);
        ck_assert(!hall.auth->for_agent);
        ck_assert_uint_eq(hall.pools->count + hall.meter->asked, 0);
        hall_close(&hall);
    }
}
END_TEST

static void ask_evidence(struct hall *hall)
{
    hall_ask(hall, "GET", "/v1/workers/w%201/evidence", NULL, false);
    hall_run(hall);
    ck_assert_str_eq(hall->pools->evidence_of, "w 1");
}

static void tell_evidence(struct hall *hall, struct span json)
{
    hall->pools->evidence(hall->pools->evidence_owner, hall->pools->evidence_id, json);
    hall_run(hall);
}

START_TEST(a_workers_evidence_is_shown_to_whoever_has_a_key)
{
    struct hall hall;
    hall_open(&hall);
    ask_evidence(&hall);
    ck_assert_int_eq(hall_status(&hall), 0);
    tell_evidence(&hall, SPAN_OF("{\"worker\":\"w 1\"}"));
    ck_assert_int_eq(hall_status(&hall), 200);
    ck_assert(span_is(fake_stream_got(hall.caller), SPAN_OF("{\"worker\":\"w 1\"}")));
    ck_assert_uint_eq(hall.auth->checks, 1);
    ck_assert_uint_eq(hall.meter->asked, 0);
    ask_evidence(&hall);
    tell_evidence(&hall, SPAN_NONE);
    ck_assert_int_eq(hall_status(&hall), 404);
    hall_close(&hall);
    ck_assert_uint_eq(hall.site.evidence_live, 0);
}
END_TEST

START_TEST(evidence_that_does_not_come_ends_in_overloaded_and_comes_to_nobody_later)
{
    struct hall hall;
    hall_open(&hall);
    ask_evidence(&hall);
    hall_pass(&hall, 10000);
    ck_assert_int_eq(hall_status(&hall), 503);
    tell_evidence(&hall, SPAN_OF("{}"));
    hall.pools->evidence_full = true;
    hall_ask(&hall, "GET", "/v1/workers/w1/evidence", NULL, false);
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 503);
    hall_close(&hall);
    ck_assert_uint_eq(hall.site.evidence_live, 0);
}
END_TEST

START_TEST(a_caller_may_leave_before_the_evidence_comes)
{
    struct hall hall;
    hall_open(&hall);
    ask_evidence(&hall);
    fake_stream_fail(hall.caller, STREAM_RESET);
    hall_run(&hall);
    tell_evidence(&hall, SPAN_OF("{}"));
    hall_close(&hall);
    ck_assert_uint_eq(hall.site.evidence_live, 0);
}
END_TEST

START_TEST(of_33_who_ask_for_evidence_at_once_one_is_told_to_come_back)
{
    struct hall hall;
    hall_open(&hall);
    struct stream *first = NULL;
    for (int i = 0; i < 32; ++i) {
        ask_evidence(&hall);
        first = first == NULL ? hall.caller : first;
    }
    hall_ask(&hall, "GET", "/v1/workers/w1/evidence", NULL, false);
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 503);
    fake_stream_fail(first, STREAM_RESET);
    hall_run(&hall);
    ask_evidence(&hall);
    tell_evidence(&hall, SPAN_OF("{}"));
    ck_assert_int_eq(hall_status(&hall), 200);
    hall_pass(&hall, 10000);
    hall_close(&hall);
}
END_TEST

START_TEST(a_preflight_is_answered_free_and_without_credential)
{
    struct hall hall;
    hall_open(&hall);
    hall_ask(&hall, "OPTIONS", "/ipfs/" HALL_CID,
             "origin: https://a.example\naccess-control-request-method: POST\n"
             "access-control-request-headers: authorization",
             false);
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 204);
    ck_assert_str_eq(hall_field(&hall, "access-control-allow-headers"), "authorization");
    ck_assert_uint_eq(hall.auth->checks + hall.meter->asked + hall.pools->count, 0);
    hall_close(&hall);
}
END_TEST

START_TEST(every_word_of_the_log_line_is_there_and_no_secret)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, plain, "hello");
    hall_run(&hall);
    const char *log = hall_log(&hall);
    static const char *const words[] = {"\"account\":\"alice\"", "\"status\":200",
                                        "\"outcome\":\"ok\"",    "\"cid\":\"" HALL_CID "\"",
                                        "\"worker\":\"w1\"",     "\"cost_ucr\":24",
                                        "\"charged\":true",      "\"peer\":\"192.0.2.7\"",
                                        "\"method\":\"POST\"",   "\"protocol\":\"HTTP/2\""};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); ++i)
        ck_assert_msg(strstr(log, words[i]) != NULL, "%s is not in %s", words[i], log);
    ck_assert_ptr_null(strstr(log, "secret"));
    ck_assert_uint_eq(stats_read(&hall.stats.caller_bytes_out), 5);
    ck_assert_uint_eq(stats_read(&hall.stats.requests), 1);
    ck_assert_ptr_null(strstr(log, "x=1"));
    hall_close(&hall);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_answer_reaches_the_caller_and_its_cost_the_journal,
        the_head_of_an_answer_says_who_answered_and_what_it_may_cost,
        the_worker_is_asked_by_canonical_cid_without_the_credential,
        a_pool_may_have_a_path_of_its_own,
        a_caller_without_trailers_gets_a_whole_small_answers_cost_as_fields,
        a_caller_without_trailers_never_waits_for_the_rest_of_an_answer,
        chunked_answers_over_h1_have_trailers_but_lengths_have_none,
        the_last_byte_of_a_known_length_waits_for_the_worker_and_the_journal,
        an_answer_without_a_body_ends_with_its_head_and_after_the_journal,
        the_workers_trailers_pass_but_not_those_that_are_ours,
        an_agents_own_error_is_paid_and_called_so,
        an_unmetered_agent_runs_without_the_meter,
        a_caller_is_told_to_continue_only_when_a_worker_is_there,
        what_the_gateway_knows_itself_needs_no_worker,
        a_workers_evidence_is_shown_to_whoever_has_a_key,
        evidence_that_does_not_come_ends_in_overloaded_and_comes_to_nobody_later,
        a_caller_may_leave_before_the_evidence_comes,
        of_33_who_ask_for_evidence_at_once_one_is_told_to_come_back,
        a_preflight_is_answered_free_and_without_credential,
        every_word_of_the_log_line_is_there_and_no_secret,
        NULL,
    };
    return checks_run("success", tests);
}
