#include "exchange/heads.h"

#include "unit/checks.h"

static struct head *head_of(const char *const *fields)
{
    struct head *head = head_new(65536, 100);
    must(head_set_text(head, &head->method, SPAN_OF("POST")));
    head->status = 200;
    for (; fields != NULL && *fields != NULL; fields += 2)
        must(head_add(head, span_text(fields[0]), span_text(fields[1])));
    return head;
}

#define HEAD(...) head_of((const char *const[]){__VA_ARGS__, NULL})

static const char *value(const struct head *head, const char *name)
{
    const struct field *field = head_find(head, span_text(name));
    return field == NULL ? "" : field->value.ptr;
}

/* --- credentials ------------------------------------------------------------------------------ */

START_TEST(a_key_comes_as_bearer_in_any_case_or_as_agent_key)
{
    static const struct {
        const char *authorization;
        const char *agent_key;
        const char *key;
        bool drops;
        enum fault fault;
    } rows[] = {
        {"Bearer k", NULL, "k", true, FAULT_NONE},
        {"bEARER  k ", NULL, "k", true, FAULT_NONE},
        {"Bearer", NULL, "", true, FAULT_NONE},
        {"Basic k", NULL, "", true, FAULT_NONE},
        {"Agent", NULL, "", true, FAULT_NONE},
        {"aGENT  token ", NULL, "token", true, FAULT_NONE},
        {"Agent theirs", "k", "k", false, FAULT_NONE},
        {"Agent tgt1.a.b.c", "k", "k", false, FAULT_BAD_REQUEST},
        {"Bearer tgt1.a.b.c", "k", "k", false, FAULT_BAD_REQUEST},
        {NULL, "k", "k", false, FAULT_NONE},
        {"Bearer theirs", "k", "k", false, FAULT_NONE},
        {"Bearer tgk_a", "tgk_a", "tgk_a", true, FAULT_NONE},
        {"Bearer tgk_a", "tgk_b", "tgk_b", true, FAULT_BAD_REQUEST},
        {NULL, NULL, "", true, FAULT_NONE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct head *head = head_of(NULL);
        struct credential credential;
        if (rows[i].authorization != NULL)
            must(head_add(head, SPAN_OF("authorization"), span_text(rows[i].authorization)));
        if (rows[i].agent_key != NULL)
            must(head_add(head, SPAN_OF("agent-key"), span_text(rows[i].agent_key)));
        ck_assert_int_eq(heads_credential(head, &credential), rows[i].fault);
        ck_assert(span_is(credential.key, span_text(rows[i].key)));
        ck_assert_int_eq(credential.drops_authorization, rows[i].drops);
        ck_assert_int_eq(credential.is_token, strcmp(rows[i].key, "token") == 0);
        head_free(head);
    }
}
END_TEST

START_TEST(a_budget_is_a_whole_number_of_at_most_15_digits)
{
    static const struct {
        const char *text;
        bool fine;
        uint64_t value;
    } rows[] = {{"0", true, 0},
                {" 12 ", true, 12},
                {"999999999999999", true, UINT64_C(999999999999999)},
                {"1000000000000000", false, 0},
                {"", false, 0},
                {"-1", false, 0},
                {"+1", false, 0},
                {"1.0", false, 0},
                {"0x10", false, 0},
                {"1e3", false, 0},
                {"5, 6", false, 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct head *head = HEAD("agent-max-cost", rows[i].text);
        uint64_t out = 77;
        ck_assert_int_eq(heads_max_cost(head, &out), rows[i].fine ? FAULT_NONE : FAULT_BAD_BUDGET);
        if (rows[i].fine)
            ck_assert_uint_eq(out, rows[i].value);
        head_free(head);
        head = HEAD("agent-sub-budget", rows[i].text);
        bool given = false;
        ck_assert_int_eq(heads_sub_budget(head, &out, &given),
                         rows[i].fine ? FAULT_NONE : FAULT_BAD_BUDGET);
        ck_assert(given);
        head_free(head);
    }
    struct head *none = head_of(NULL);
    uint64_t out = 77;
    bool given = true;
    ck_assert_int_eq(heads_sub_budget(none, &out, &given), FAULT_NONE);
    ck_assert(!given && out == 77);
    head_free(none);
}
END_TEST

/* --- to the worker ---------------------------------------------------------------------------- */

static struct head *request_of(const struct head *caller, const struct target *target,
                               const char *path_template)
{
    struct worker_request from = {.caller = caller,
                                  .target = target,
                                  .cid = "bafy",
                                  .path_template = path_template,
                                  .invocation = "inv",
                                  .peer = "192.0.2.7",
                                  .secure = true,
                                  .drops_authorization = true,
                                  .left_ms = 59999,
                                  .length = 12};
    return heads_for_worker(&from);
}

START_TEST(what_tells_of_the_caller_or_is_ours_stays_behind)
{
    struct target target = {.rest = SPAN_OF("/a")};
    struct head *caller =
        HEAD("authorization", "Bearer k", "agent-key", "k", "agent-invocation-id", "forged",
             "agent-usage", "tokens=1", "x-forwarded-for", "10.0.0.1", "x-forwarded-host", "h",
             "x-real-ip", "10.0.0.1", "forwarded", "for=10.0.0.1", "cookie", "a=b", "te", "gzip",
             "connection", "x", "proxy-authorization", "p", "upgrade", "h2c", "expect",
             "100-continue", "content-length", "99", "host", "elsewhere", "accept", "text/plain",
             "traceparent", "00-1-2-01", "idempotency-key", "i", "range", "bytes=0-1");
    struct head *head = request_of(caller, &target, HEADS_PATH_TEMPLATE);
    static const char *const kept[] = {"accept", "traceparent", "idempotency-key", "range"};
    static const char *const gone[] = {"authorization", "agent-key",       "agent-usage",
                                       "cookie",        "x-forwarded-for", "x-forwarded-host",
                                       "x-real-ip",     "connection",      "proxy-authorization",
                                       "upgrade",       "expect",          "host"};
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); ++i)
        ck_assert_str_ne(value(head, kept[i]), "");
    for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); ++i)
        ck_assert_msg(value(head, gone[i])[0] == '\0', "%s passed", gone[i]);
    ck_assert_str_eq(value(head, "agent-invocation-id"), "inv");
    ck_assert_uint_eq(head_count(head, SPAN_OF("agent-invocation-id")), 1);
    ck_assert_str_eq(value(head, "agent-deadline"), "59999");
    ck_assert_str_eq(value(head, "forwarded"), "for=192.0.2.7;proto=https");
    ck_assert_uint_eq(head_count(head, SPAN_OF("forwarded")), 1);
    ck_assert_str_eq(value(head, "te"), "trailers");
    ck_assert_str_eq(value(head, "content-length"), "12");
    ck_assert_uint_eq(head_count(head, SPAN_OF("content-length")), 1);
    ck_assert(span_is(head->method, SPAN_OF("POST")));
    head_free(head);
    head_free(caller);
}
END_TEST

START_TEST(what_cgi_would_read_as_ours_stays_behind)
{
    static const char *const gone[] = {
        "agent_invocation_id", "agent_caller",       "x_forwarded_for",
        "x-forwarded_for",     "x_real_ip",          "proxy",
        "proxy_authorization", "proxy-features",     "content_length",
        "transfer_encoding",   "agent-invocation_id"};
    struct target target = {.rest = SPAN_NONE};
    struct head *caller = HEAD("my_field", "m", "agents", "a", "agen_t", "x");
    for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); ++i)
        ck_assert(head_add(caller, span_text(gone[i]), SPAN_OF("forged")));
    char name[300];
    memset(name, '_', sizeof(name));
    ck_assert(head_add(caller, span_of(name, sizeof(name)), SPAN_OF("long")));
    struct head *head = request_of(caller, &target, HEADS_PATH_TEMPLATE);
    for (uint32_t i = 0; i < head->field_count; ++i)
        ck_assert_msg(!span_is(head->fields[i].value, SPAN_OF("forged")), "%s passed",
                      head->fields[i].name.ptr);
    ck_assert_str_eq(value(head, "my_field"), "m");
    ck_assert_str_eq(value(head, "agents"), "a");
    ck_assert_str_eq(value(head, "agen_t"), "x");
    ck_assert_ptr_nonnull(head_find(head, span_of(name, sizeof(name))));
    head_free(head);
    head_free(caller);
}
END_TEST

START_TEST(a_sensitive_field_stays_sensitive)
{
    struct target target = {.rest = SPAN_NONE};
    struct head *caller = HEAD("x-token", "t", "x-other", "o");
    caller->fields[0].sensitive = true;
    struct head *head = request_of(caller, &target, HEADS_PATH_TEMPLATE);
    ck_assert(head_find(head, SPAN_OF("x-token"))->sensitive);
    ck_assert(!head_find(head, SPAN_OF("x-other"))->sensitive);
    head_free(head);
    head_free(caller);
}
END_TEST

START_TEST(the_path_is_the_templates_with_the_query_behind)
{
    static const struct {
        const char *path_template;
        const char *rest;
        const char *query;
        const char *path;
    } rows[] = {{HEADS_PATH_TEMPLATE, "/a%20b/", "x=1&y", "/ipfs/bafy/a%20b/?x=1&y"},
                {HEADS_PATH_TEMPLATE, "", NULL, "/ipfs/bafy"},
                {HEADS_PATH_TEMPLATE, "", "", "/ipfs/bafy?"},
                {"/run{rest}", "/a", NULL, "/run/a"},
                {"/x/{cid}/{cid}{nothing}", "/a", NULL, "/x/bafy/bafy{nothing}"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct target target = {.rest = span_text(rows[i].rest),
                                .query = span_text(rows[i].query),
                                .has_query = rows[i].query != NULL};
        struct head *caller = head_of(NULL);
        struct head *head = request_of(caller, &target, rows[i].path_template);
        ck_assert_msg(span_is(head->path, span_text(rows[i].path)), "%s", head->path.ptr);
        head_free(head);
        head_free(caller);
    }
}
END_TEST

START_TEST(a_path_too_long_for_any_worker_is_no_head)
{
    static char rest[32768];
    memset(rest, 'a', sizeof(rest));
    struct target target = {.rest = span_of(rest, sizeof(rest))};
    struct head *caller = head_of(NULL);
    ck_assert_ptr_null(request_of(caller, &target, HEADS_PATH_TEMPLATE));
    head_free(caller);
}
END_TEST

START_TEST(forwarded_quotes_addresses_of_ipv6)
{
    static const char *const rows[][2] = {{"2001:db8::1", "for=\"[2001:db8::1]\";proto=http"},
                                          {"[2001:db8::1]", "for=\"[2001:db8::1]\";proto=http"},
                                          {"192.0.2.7", "for=192.0.2.7;proto=http"},
                                          {"unix:/run/x", "for=unknown;proto=http"},
                                          {"", "for=unknown;proto=http"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct target target = {.rest = SPAN_NONE};
        struct head *caller = head_of(NULL);
        struct worker_request from = {.caller = caller,
                                      .target = &target,
                                      .cid = "c",
                                      .path_template = "/",
                                      .invocation = "i",
                                      .peer = rows[i][0],
                                      .length = -1};
        struct head *head = heads_for_worker(&from);
        ck_assert_str_eq(value(head, "forwarded"), rows[i][1]);
        ck_assert_str_eq(value(head, "agent-deadline"), "");
        ck_assert_str_eq(value(head, "content-length"), "");
        head_free(head);
        head_free(caller);
    }
}
END_TEST

/* --- to the caller ---------------------------------------------------------------------------- */

static struct head *answer_of(const struct head *worker, bool cors, const struct ending *ending)
{
    struct caller_answer from = {.worker = worker,
                                 .invocation = "inv",
                                 .worker_id = "w",
                                 .measurement = "",
                                 .cors = cors,
                                 .ending = ending};
    return heads_for_caller(&from);
}

START_TEST(a_worker_forges_nothing_and_sets_no_cookie)
{
    struct head *worker =
        HEAD("agent-cost", "0", "agent-worker", "me", "agent-receipt", "r", "set-cookie", "a=b",
             "ratelimit", "x", "connection", "close", "content-length", "5", "etag", "\"e\"",
             "cache-control", "public", "x-content-type-options", "other");
    struct head *head = answer_of(worker, false, NULL);
    ck_assert_int_eq(head->status, 200);
    ck_assert_str_eq(value(head, "agent-cost"), "");
    ck_assert_str_eq(value(head, "agent-receipt"), "");
    ck_assert_str_eq(value(head, "set-cookie"), "");
    ck_assert_str_eq(value(head, "ratelimit"), "");
    ck_assert_str_eq(value(head, "connection"), "");
    ck_assert_str_eq(value(head, "agent-measurement"), "");
    ck_assert_uint_eq(head_count(head, SPAN_OF("agent-worker")), 1);
    ck_assert_str_eq(value(head, "agent-worker"), "w");
    ck_assert_str_eq(value(head, "content-length"), "5");
    ck_assert_str_eq(value(head, "etag"), "\"e\"");
    ck_assert_str_eq(value(head, "cache-control"), "public");
    ck_assert_str_eq(value(head, "x-content-type-options"), "nosniff");
    head_free(head);
    head_free(worker);
}
END_TEST

START_TEST(an_agent_says_nothing_for_the_whole_origin)
{
    struct head *worker =
        HEAD("alt-svc", "h2=\"elsewhere:443\"", "clear-site-data", "\"*\"", "nel", "{}",
             "report-to", "{}", "reporting-endpoints", "a=\"b\"", "service-worker-allowed", "/",
             "strict-transport-security", "max-age=0", "content-type", "text/plain");
    struct head *head = answer_of(worker, false, NULL);
    for (uint32_t i = 0; i + 1 < worker->field_count; ++i)
        ck_assert_msg(head_find(head, worker->fields[i].name) == NULL, "%s passed",
                      worker->fields[i].name.ptr);
    ck_assert_str_eq(value(head, "content-type"), "text/plain");
    head_free(head);
    head_free(worker);
}
END_TEST

START_TEST(pages_are_sandboxed_and_other_types_are_not)
{
    static const struct {
        const char *type;
        bool sandboxed;
    } rows[] = {{"text/html", true},
                {"Text/HTML; charset=utf-8", true},
                {"application/xhtml+xml", true},
                {"image/svg+xml", true},
                {"application/xml", true},
                {"Text/XML", true},
                {"application/rss+xml; charset=utf-8", true},
                {"text/plain, text/html", true},
                {"text/plain;a=b,text/html", true},
                {"html", true},
                {"", true},
                {"text/htmlx", false},
                {"application/json", false},
                {"text/event-stream; charset=utf-8", false},
                {"text/plain", false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct head *worker = HEAD("content-type", rows[i].type);
        struct head *head = answer_of(worker, false, NULL);
        ck_assert_str_eq(value(head, "content-security-policy"),
                         rows[i].sandboxed ? "sandbox allow-scripts allow-forms" : "");
        head_free(head);
        head_free(worker);
    }
}
END_TEST

START_TEST(a_type_that_browsers_choose_themselves_is_sandboxed)
{
    struct head *both = HEAD("content-type", "text/plain", "content-type", "text/html");
    struct head *none = HEAD("etag", "x");
    struct head *of_both = answer_of(both, false, NULL);
    struct head *of_none = answer_of(none, false, NULL);
    ck_assert_str_ne(value(of_both, "content-security-policy"), "");
    ck_assert_str_ne(value(of_none, "content-security-policy"), "");
    head_free(of_both);
    head_free(of_none);
    head_free(both);
    head_free(none);
}
END_TEST

START_TEST(cors_fields_are_ours_when_the_gateway_answers_for_them)
{
    struct head *worker = HEAD("access-control-allow-origin", "https://only.example");
    struct head *with = answer_of(worker, true, NULL);
    struct head *without = answer_of(worker, false, NULL);
    ck_assert_str_eq(value(with, "access-control-allow-origin"), "*");
    ck_assert_uint_eq(head_count(with, SPAN_OF("access-control-allow-origin")), 1);
    ck_assert_str_eq(value(without, "access-control-allow-origin"), "https://only.example");
    head_free(with);
    head_free(without);
    head_free(worker);
}
END_TEST

START_TEST(a_head_too_full_for_ours_is_none)
{
    struct head *worker = head_new(1 << 20, 1000);
    for (int i = 0; i < 256; ++i)
        must(head_add(worker, SPAN_OF("x-a"), SPAN_OF("b")));
    ck_assert_ptr_null(answer_of(worker, false, NULL));
    head_free(worker);
}
END_TEST

START_TEST(the_end_is_told_in_three_fields_and_a_cost_may_be_pending)
{
    struct usage usage = {.ms = 187, .bytes_in = 512, .bytes_out = 20480, .units = {42, 7}};
    struct price price = {.unit_count = 2, .units = {{"tokens", 1, 100}, {"cpu_ms", 1, 100}}};
    struct ending ending = {.priced = true,
                            .pending = true,
                            .cost_ucr = 9007199254740991,
                            .usage = &usage,
                            .price = &price,
                            .outcome = "ok"};
    struct head *head = heads_answer_trailers(NULL);
    ck_assert(heads_add_ending(head, &ending));
    ck_assert_str_eq(value(head, "agent-cost"), "9007199254740991;status=pending");
    ck_assert_str_eq(value(head, "agent-usage"), "ms=187, in=512, out=20480, tokens=42, cpu_ms=7");
    ck_assert_str_eq(value(head, "agent-outcome"), "ok");
    head_free(head);
    ending.priced = ending.pending = false;
    head = heads_answer_trailers(NULL);
    ck_assert(heads_add_ending(head, &ending));
    ck_assert_str_eq(value(head, "agent-cost"), "");
    head_free(head);
}
END_TEST

START_TEST(limits_are_told_where_there_are_any)
{
    static const struct {
        struct meter_facts facts;
        const char *policy;
        const char *now;
    } rows[] = {
        {{.rate_limit = 0}, "", ""},
        {{.rate_limit = 60, .rate_window_s = 60, .rate_remaining = 2},
         "\"rate\";q=60;w=60",
         "\"rate\";r=2"},
        {{.concurrency_limit = 4, .concurrency_live = 5},
         "\"concurrency\";q=4;qu=\"concurrent-requests\"",
         "\"concurrency\";r=0"},
        {{.rate_limit = 1, .rate_window_s = 1, .concurrency_limit = 4, .concurrency_live = 1},
         "\"rate\";q=1;w=1, \"concurrency\";q=4;qu=\"concurrent-requests\"",
         "\"rate\";r=0, \"concurrency\";r=3"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct head *head = head_of(NULL);
        ck_assert(heads_add_limits(head, &rows[i].facts));
        ck_assert_str_eq(value(head, "ratelimit-policy"), rows[i].policy);
        ck_assert_str_eq(value(head, "ratelimit"), rows[i].now);
        head_free(head);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_key_comes_as_bearer_in_any_case_or_as_agent_key,
        a_budget_is_a_whole_number_of_at_most_15_digits,
        what_tells_of_the_caller_or_is_ours_stays_behind,
        what_cgi_would_read_as_ours_stays_behind,
        a_sensitive_field_stays_sensitive,
        the_path_is_the_templates_with_the_query_behind,
        a_path_too_long_for_any_worker_is_no_head,
        forwarded_quotes_addresses_of_ipv6,
        a_worker_forges_nothing_and_sets_no_cookie,
        an_agent_says_nothing_for_the_whole_origin,
        pages_are_sandboxed_and_other_types_are_not,
        a_type_that_browsers_choose_themselves_is_sandboxed,
        cors_fields_are_ours_when_the_gateway_answers_for_them,
        a_head_too_full_for_ours_is_none,
        the_end_is_told_in_three_fields_and_a_cost_may_be_pending,
        limits_are_told_where_there_are_any,
        NULL,
    };
    return checks_run("heads", tests);
}
