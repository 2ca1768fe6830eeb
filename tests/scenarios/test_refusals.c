/* What is refused before any worker is asked. */
#include <stdio.h>

#include "scenarios/hall.h"

#define AGENT "/ipfs/" HALL_CID

struct row {
    const char *method;
    const char *path;
    const char *fields;
    enum fault auth;
    int status;
    const char *code;
    unsigned checks; /* of the credential */
};

static const struct row rows[] = {
    {"GET", "/ipfs/nothing", NULL, FAULT_NONE, 400, "bad-path", 0},
    {"GET", "/elsewhere", NULL, FAULT_NONE, 404, "not-found", 0},
    {"TRACE", AGENT, NULL, FAULT_NONE, 405, "method-not-allowed", 0},
    {"CONNECT", AGENT, NULL, FAULT_NONE, 405, "method-not-allowed", 0},
    {"POST", "/v1/account", NULL, FAULT_NONE, 405, "method-not-allowed", 0},
    {"GET", AGENT, "service-worker: script", FAULT_NONE, 400, "bad-request", 0},
    {"GET", AGENT, "authorization: Basic eDp5", FAULT_NONE, 401, "unauthenticated", 0},
    {"GET", AGENT, "authorization: Bearer ", FAULT_NONE, 401, "unauthenticated", 0},
    {"GET", AGENT, "authorization: Bearer a\nauthorization: Bearer a", FAULT_NONE, 400,
     "bad-request", 0},
    {"GET", AGENT, "authorization: Bearer tgk_1_a_b\nagent-key: tgk_1_a_c", FAULT_NONE, 400,
     "bad-request", 0},
    {"GET", AGENT, NULL, FAULT_UNAUTHENTICATED, 401, "unauthenticated", 1},
    {"GET", AGENT, NULL, FAULT_AGENT_NOT_ALLOWED, 403, "agent-not-allowed", 1},
    {"GET", AGENT, NULL, FAULT_METERING_UNAVAILABLE, 503, "metering-unavailable", 1},
    {"GET", "/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG", NULL, FAULT_NONE, 404,
     "no-such-agent", 1},
    {"GET", "/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG", NULL, FAULT_UNAUTHENTICATED,
     401, "unauthenticated", 1},
    {"GET", AGENT, "agent-max-cost: 1.5", FAULT_NONE, 400, "bad-budget", 1},
    {"GET", AGENT, "agent-max-cost: -1", FAULT_NONE, 400, "bad-budget", 1},
    {"GET", AGENT, "agent-max-cost: 1000000000000000", FAULT_NONE, 400, "bad-budget", 1},
    {"GET", AGENT, "agent-max-cost: 50\nagent-max-cost: 50", FAULT_NONE, 400, "bad-budget", 1},
    {"GET", AGENT, "agent-max-units: tokens", FAULT_NONE, 400, "bad-budget", 1},
};

START_TEST(what_is_wrong_is_told_and_costs_nothing)
{
    const struct row *row = &rows[_i];
    struct hall hall;
    hall_open(&hall);
    hall.auth->fault = row->auth;
    hall_ask(&hall, row->method, row->path, row->fields, false);
    hall_run(&hall);
    char code[64];
    snprintf(code, sizeof(code), "\"code\":\"%s\"", row->code);
    struct span body = fake_stream_got(hall.caller);
    ck_assert_int_eq(hall_status(&hall), row->status);
    ck_assert_msg(strstr(body.ptr, code) != NULL, "%s", body.ptr);
    ck_assert_uint_eq(hall.auth->checks, row->checks);
    ck_assert_uint_eq(hall.meter->asked + hall.pools->count, 0);
    ck_assert_str_ne(hall_field(&hall, "agent-invocation-id"), "");
    ck_assert_uint_eq(row->status == 405, hall_field(&hall, "allow")[0] != '\0');
    ck_assert_uint_eq(row->status == 401, hall_field(&hall, "www-authenticate")[0] != '\0');
    hall_close(&hall);
}
END_TEST

START_TEST(a_path_that_is_no_cid_is_shown_without_its_query)
{
    struct hall hall;
    hall_open(&hall);
    hall_ask(&hall, "GET", "/ipfs/nothing?key=secret", NULL, false);
    hall_run(&hall);
    struct span body = fake_stream_got(hall.caller);
    ck_assert_ptr_nonnull(strstr(body.ptr, "invalid path \\\"/ipfs/nothing\\\""));
    ck_assert_ptr_null(strstr(body.ptr, "secret"));
    hall_close(&hall);
}
END_TEST

START_TEST(a_browser_gets_a_page_and_a_script_the_cors_fields)
{
    struct hall hall;
    hall_open(&hall);
    hall.auth->fault = FAULT_UNAUTHENTICATED;
    hall_ask(&hall, "GET", AGENT, "accept: text/html,*/*;q=0.8\norigin: https://a.example", false);
    hall_run(&hall);
    ck_assert_str_eq(hall_field(&hall, "content-type"), "text/html; charset=utf-8");
    ck_assert_str_eq(hall_field(&hall, "access-control-allow-origin"), "*");
    ck_assert(span_starts(fake_stream_got(hall.caller), SPAN_OF("<!doctype html>")));
    hall_close(&hall);
}
END_TEST

START_TEST(with_agent_key_the_agent_gets_authorization)
{
    static const struct {
        const char *fields;
        bool passes;
    } cases[] = {{"agent-key: tgk_1_a_b\nauthorization: Bearer theirs", true},
                 {"agent-key: tgk_1_a_b\nauthorization: Basic eDp5", true},
                 {"agent-key: tgk_1_a_b\nauthorization: Bearer tgk_1_a_b", false}};
    for (size_t i = 0; i < 3; ++i) {
        struct hall hall;
        hall_open(&hall);
        hall_ask(&hall, "GET", AGENT, cases[i].fields, false);
        hall_run(&hall);
        const struct head *request = hall.pools->tries[0].request;
        const struct field *field = head_find(request, SPAN_OF("authorization"));
        ck_assert_uint_eq(field != NULL, cases[i].passes);
        if (field != NULL)
            ck_assert(field->sensitive);
        ck_assert_ptr_null(head_find(request, SPAN_OF("agent-key")));
        ck_assert_str_eq(hall.auth->credential, "tgk_1_a_b");
        hall_answer(&hall, 0, 200, "", "");
        hall_close(&hall);
    }
}
END_TEST

START_TEST(live_calls_have_a_maximum)
{
    for (uint32_t max = 1; max < 3; ++max) {
        struct hall hall;
        hall_open(&hall);
        hall.site.options.exchanges_max = max;
        hall_post(&hall);
        hall_run(&hall);
        hall_post(&hall);
        hall_run(&hall);
        ck_assert_int_eq(hall_status(&hall), max == 1 ? 503 : 0);
        hall_answer(&hall, 0, 200, "", "");
        hall_run(&hall);
        if (max == 2)
            hall_answer(&hall, 1, 200, "", "");
        hall_close(&hall);
    }
}
END_TEST

START_TEST(even_refusals_have_a_maximum)
{
    struct hall hall;
    hall_open(&hall);
    hall.site.options.exchanges_max = 0;
    for (unsigned i = 0; i < 256; ++i)
        hall_post(&hall);
    struct stream *last = hall.caller;
    hall_post(&hall);
    ck_assert(hall.caller->is_reset && hall.caller->reset == RESET_REFUSED);
    hall_run(&hall);
    ck_assert_int_eq(last->out_head->status, 503);
    hall.log_text[0] = '\0';
    ck_assert_uint_eq(stats_read(&hall.stats.faults[FAULT_OVERLOADED]), 257);
    hall.asked = 0;
    for (const char *c = hall_log(&hall); *c != '\0'; ++c)
        hall.asked += *c == '\n'; /* more than the checker reads */
    hall_close(&hall);
}
END_TEST

START_TEST(a_table_of_agents_outlives_its_reload)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    struct agents_ref *old = hall.site.agents;
    hall.site.agents = agents_ref_new(2);
    agents_ref_give(old);
    hall_answer(&hall, 0, 200, "", "still paid by the old price");
    hall_run(&hall);
    ck_assert_uint_eq(hall.meter->settlement.cost_ucr, 12);
    hall_post(&hall);
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 404);
    hall_close(&hall);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refusals");
    TCase *tcase = tcase_create("refusals");
    tcase_add_loop_test(tcase, what_is_wrong_is_told_and_costs_nothing, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tcase, a_path_that_is_no_cid_is_shown_without_its_query);
    tcase_add_test(tcase, a_browser_gets_a_page_and_a_script_the_cors_fields);
    tcase_add_test(tcase, with_agent_key_the_agent_gets_authorization);
    tcase_add_test(tcase, live_calls_have_a_maximum);
    tcase_add_test(tcase, even_refusals_have_a_maximum);
    tcase_add_test(tcase, a_table_of_agents_outlives_its_reload);
    suite_add_tcase(suite, tcase);
    return hall_run_suite(suite);
}
