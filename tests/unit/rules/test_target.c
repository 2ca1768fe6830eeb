#include <stdio.h>

#include "rules/target.h"
#include "unit/checks.h"

#define CID "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"

static enum fault parse(const char *path, struct target *out)
{
    return target_parse(span_text(path), out);
}

START_TEST(rest_and_query_are_passed_as_they_are)
{
    struct target target;
    ck_assert_int_eq(parse("/ipfs/" CID "/a%20b/c?x=1&y=%2F", &target), FAULT_NONE);
    ck_assert_int_eq(target.kind, TARGET_AGENT);
    ck_assert(span_is(target.rest, SPAN_OF("/a%20b/c")));
    ck_assert(target.has_query && span_is(target.query, SPAN_OF("x=1&y=%2F")));
    ck_assert_int_eq(parse("/ipfs/" CID, &target), FAULT_NONE);
    ck_assert(target.rest.len == 0 && !target.has_query);
    ck_assert_int_eq(parse("/ipfs/" CID "?", &target), FAULT_NONE);
    ck_assert(target.has_query && target.query.len == 0);
    ck_assert_int_eq(parse("/ipfs/" CID "?/../x", &target), FAULT_NONE);
}
END_TEST

START_TEST(a_cid_may_be_percent_encoded_once)
{
    struct target target;
    ck_assert_int_eq(
        parse("/ipfs/%62afkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie/x", &target),
        FAULT_NONE);
    ck_assert_int_eq(
        parse("/ipfs/%2562afkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie", &target),
        FAULT_BAD_PATH);
}
END_TEST

START_TEST(whatever_might_climb_out_of_its_cid_is_refused)
{
    static const char *const rests[] = {
        "/..",
        "/../x",
        "/./x",
        "/a/..",
        "/%2e%2e/x",
        "/.%2E/x",
        "/%2e",
        "/..%2fx",
        "/a%2f..%2fx",
        "/..\\x",
        "/a\\..\\x",
        "/%5c..%5cx",
        "/..;/x",
        "/..;a=b/x",
        "/%2e%2e;/x",
        "/%252e%252e",
        "/a%252f..",
        "/.;",
        "/x%00y",
        "/x%",
        "/x%2",
        "/x%zz",
        "/%25%32%65%2e/x",
        "/%25zz/%252e%252e/x",
        "/%252e%252e/%25",
    };
    for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); ++i) {
        char path[256];
        struct target target;
        snprintf(path, sizeof(path), "/ipfs/" CID "%s", rests[i]);
        ck_assert_msg(parse(path, &target) == FAULT_BAD_PATH, "%s", path);
    }
}
END_TEST

START_TEST(dots_that_are_not_a_segment_pass)
{
    static const char *const rests[] = {"/...",   "/a..b",   "/.a",         "/a.",
                                        "/..a/x", "/100%25", "/100%25zz/x", "/a;b"};
    for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); ++i) {
        char path[256];
        struct target target;
        snprintf(path, sizeof(path), "/ipfs/" CID "%s", rests[i]);
        ck_assert_msg(parse(path, &target) == FAULT_NONE, "%s", path);
    }
}
END_TEST

#define W63 "worker-000000000-000000000-000000000-000000000-000000000-000000"

START_TEST(other_paths_lead_to_the_gateway_itself_or_nowhere)
{
    struct target target;
    ck_assert_int_eq(parse("/v1/account", &target), FAULT_NONE);
    ck_assert_int_eq(target.kind, TARGET_ACCOUNT);
    ck_assert_int_eq(parse("/v1/invocations/abc234", &target), FAULT_NONE);
    ck_assert_int_eq(target.kind, TARGET_INVOCATION);
    ck_assert(span_is(target.name, SPAN_OF("abc234")));
    ck_assert_int_eq(parse("/v1/workers/w1/evidence", &target), FAULT_NONE);
    ck_assert_int_eq(target.kind, TARGET_EVIDENCE);
    ck_assert_str_eq(target.worker, "w1");
    ck_assert_int_eq(parse("/v1/workers/%5B::1%5D:9443/evidence?x", &target), FAULT_NONE);
    ck_assert_str_eq(target.worker, "[::1]:9443");
    ck_assert_int_eq(parse("/v1/workers/" W63 "/evidence", &target), FAULT_NONE);
    ck_assert_str_eq(target.worker, W63);
    ck_assert_int_eq(parse("/v1/workers/" W63 "w/evidence", &target), FAULT_NOT_FOUND);
    ck_assert_int_eq(parse("/v1/workers/w1", &target), FAULT_NOT_FOUND);
    ck_assert_int_eq(parse("/v1/workers//evidence", &target), FAULT_NOT_FOUND);
    ck_assert_int_eq(parse("/v1/workers/w1/evidence/", &target), FAULT_NOT_FOUND);
    ck_assert_int_eq(parse("/v1/workers/w%001/evidence", &target), FAULT_NOT_FOUND);
    ck_assert_int_eq(parse("/v1/workers/w%1/evidence", &target), FAULT_NOT_FOUND);
    ck_assert_int_eq(parse("/.well-known/teegate", &target), FAULT_NONE);
    ck_assert_int_eq(target.kind, TARGET_WELL_KNOWN);
    ck_assert_int_eq(parse("/v1/invocations/", &target), FAULT_NOT_FOUND);
    ck_assert_int_eq(parse("/v1/invocations/../account", &target), FAULT_NOT_FOUND);
    ck_assert_int_eq(parse("/IPFS/" CID, &target), FAULT_NOT_FOUND);
    ck_assert_int_eq(parse("/", &target), FAULT_NOT_FOUND);
    ck_assert_int_eq(parse("*", &target), FAULT_NOT_FOUND);
    ck_assert_int_eq(parse("", &target), FAULT_NOT_FOUND);
    ck_assert_int_eq(parse("/ipfs", &target), FAULT_BAD_PATH);
    ck_assert_int_eq(parse("/ipfs/", &target), FAULT_BAD_PATH);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        rest_and_query_are_passed_as_they_are,
        a_cid_may_be_percent_encoded_once,
        whatever_might_climb_out_of_its_cid_is_refused,
        dots_that_are_not_a_segment_pass,
        other_paths_lead_to_the_gateway_itself_or_nowhere,
        NULL,
    };
    return checks_run("target", tests);
}
