#include "callers/reply.h"

#include <stdio.h>

#include "fakes/fake_stream.h"
#include "unit/checks.h"

static const char *field(const struct head *head, const char *name)
{
    const struct field *found = head_find(head, span_text(name));
    return found == NULL ? "" : found->value.ptr;
}

static const struct reply_form plain = {.html = false};

START_TEST(every_fault_is_a_whole_problem_with_its_rows_status)
{
    for (int fault = 1; fault < FAULT_COUNT; ++fault) {
        struct reply reply = {0};
        struct problem problem = {.fault = (enum fault)fault, .invocation = "inv"};
        const struct fault_row *row = fault_row(problem.fault);
        char expected[256];
        reply_fault(&reply, &problem, &plain);
        ck_assert_int_eq(reply.head->status, row->status);
        snprintf(expected, sizeof(expected),
                 "\"title\":\"%s\",\"status\":%d,\"code\":\"%s\",\"whose\":\"%s\"", row->title,
                 row->status, row->word, fault_whose_word(row->whose));
        ck_assert_msg(strstr(reply.body, expected) != NULL, "%s", reply.body);
        ck_assert_ptr_nonnull(strstr(reply.body, "\"invocation\":\"inv\""));
        ck_assert_ptr_nonnull(strstr(reply.body, "\"detail\":\""));
        ck_assert_str_eq(field(reply.head, "content-type"), "application/problem+json");
        ck_assert_str_eq(field(reply.head, "agent-invocation-id"), "inv");
        bool waits = row->status == 429 || row->status == 503;
        ck_assert_int_eq(field(reply.head, "retry-after")[0] != '\0', waits);
        ck_assert_int_eq(field(reply.head, "www-authenticate")[0] != '\0', row->status == 401);
        reply_fini(&reply);
    }
}
END_TEST

START_TEST(a_long_detail_is_cut_and_the_problem_stays_whole)
{
    static char detail[10000];
    memset(detail, '"', sizeof(detail) - 1);
    struct reply reply = {0};
    struct problem problem = {.fault = FAULT_BAD_PATH, .detail = detail, .invocation = "inv"};
    reply_fault(&reply, &problem, &plain);
    ck_assert_uint_le(reply.body_len, REPLY_PROBLEM_MAX);
    ck_assert_int_eq(reply.body[reply.body_len - 1], '}');
    reply_fini(&reply);
}
END_TEST

START_TEST(a_page_escapes_what_it_shows_and_stays_whole)
{
    static char detail[10000];
    memset(detail, '<', sizeof(detail) - 1);
    struct reply reply = {0};
    struct reply_form form = {.html = true};
    struct problem problem = {.fault = FAULT_BAD_PATH, .detail = detail, .invocation = "inv"};
    reply_fault(&reply, &problem, &form);
    struct span body = span_of(reply.body, reply.body_len);
    ck_assert_uint_lt(body.len, REPLY_PROBLEM_MAX);
    ck_assert(span_is(span_from(body, body.len - 5), SPAN_OF("</p>\n")));
    ck_assert_ptr_nonnull(strstr(reply.body, "&lt;&lt;"));
    ck_assert_ptr_null(strstr(reply.body, "<<"));
    ck_assert_ptr_nonnull(strstr(reply.body, "<code>inv</code>"));
    ck_assert_str_eq(field(reply.head, "content-type"), "text/html; charset=utf-8");
    ck_assert_str_ne(field(reply.head, "content-security-policy"), "");
    reply_fini(&reply);
}
END_TEST

START_TEST(accept_decides_who_gets_a_page)
{
    static const struct {
        const char *accept;
        bool html;
    } rows[] = {
        {NULL, false},
        {"*/*", false},
        {"application/json", false},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true},
        {"text/html;q=0", false},
        {"text/html;q=0.5, application/json", false},
        {"text/html;q=0.5, application/json;q=0.4", true},
        {"application/problem+json, text/html;q=0.9", false},
        {"application/json, text/html", false},
        {"TEXT/HTML ; Q=0.001", true},
        {"text/html;q=x", false},
        {"text/htm", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct head *head = head_new(8192, 10);
        if (rows[i].accept != NULL)
            must(head_add(head, SPAN_OF("accept"), span_text(rows[i].accept)));
        ck_assert_msg(reply_wants_html(head) == rows[i].html, "%s", rows[i].accept);
        head_free(head);
    }
}
END_TEST

START_TEST(waits_are_rounded_up_and_callers_are_spread)
{
    static const struct {
        uint64_t ms;
        const char *seconds;
    } rows[] = {{1, "1"}, {1000, "1"}, {1001, "2"}, {60000, "60"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct reply reply = {0};
        struct problem problem = {.fault = FAULT_QUOTA_EXCEEDED, .retry_after_ms = rows[i].ms};
        reply_fault(&reply, &problem, &plain);
        ck_assert_str_eq(field(reply.head, "retry-after"), rows[i].seconds);
        reply_fini(&reply);
    }
    char seen[6] = {0};
    for (char c = 'a'; c < 'k'; ++c) {
        char invocation[2] = {c, '\0'};
        struct reply reply = {0};
        struct problem problem = {.fault = FAULT_METERING_UNAVAILABLE, .invocation = invocation};
        reply_fault(&reply, &problem, &plain);
        int seconds = field(reply.head, "retry-after")[0] - '0';
        ck_assert(seconds >= 1 && seconds <= 5);
        seen[seconds] = 1;
        reply_fini(&reply);
    }
    ck_assert_int_eq(seen[1] + seen[2] + seen[3] + seen[4] + seen[5], 5);
}
END_TEST

START_TEST(a_preflight_repeats_only_names_of_fields)
{
    static const struct {
        const char *asked;
        const char *allowed;
    } rows[] = {
        {"authorization, content-type", "authorization, content-type"}, {"x\"y", ""}, {"", ""}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct head *request = head_new(8192, 10);
        struct reply reply = {0};
        must(
            head_add(request, SPAN_OF("access-control-request-headers"), span_text(rows[i].asked)));
        reply_preflight(&reply, request, "inv");
        ck_assert_int_eq(reply.head->status, 204);
        ck_assert_str_eq(field(reply.head, "access-control-allow-headers"), rows[i].allowed);
        ck_assert_str_eq(field(reply.head, "access-control-allow-origin"), "*");
        ck_assert(reply.head_only);
        reply_fini(&reply);
        head_free(request);
    }
}
END_TEST

START_TEST(a_reply_larger_than_the_room_goes_in_parts)
{
    static char json[REPLY_BODY_MAX];
    memset(json, 'x', sizeof(json));
    struct reply reply = {0};
    struct stream *stream = fake_stream_new();
    reply_json(&reply, 200, span_of(json, sizeof(json)), "inv", &plain);
    ck_assert(!reply_push(&reply, stream));
    ck_assert(!reply_push(&reply, stream)); /* no room, no harm */
    (void)fake_streams_pump();
    ck_assert(reply_push(&reply, stream));
    (void)fake_streams_pump();
    ck_assert(reply_push(&reply, stream)); /* once done, always done */
    ck_assert(span_is(fake_stream_got(stream), span_of(json, sizeof(json))));
    ck_assert_str_eq(field(stream->out_head, "content-length"), "65536");
    reply_fini(&reply);
    fake_streams_free();
}
END_TEST

START_TEST(the_answer_to_head_has_a_length_and_no_body)
{
    struct reply reply = {0};
    struct reply_form form = {.head_only = true, .cors = true};
    struct stream *stream = fake_stream_new();
    reply_well_known(&reply, NULL, 0, "inv", &form);
    ck_assert(reply_push(&reply, stream));
    ck_assert(stream->out_ended);
    ck_assert_uint_eq(stream->given, 0);
    ck_assert_str_ne(field(stream->out_head, "content-length"), "0");
    ck_assert_str_ne(field(stream->out_head, "access-control-expose-headers"), "");
    reply_fini(&reply);
    fake_streams_free();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_fault_is_a_whole_problem_with_its_rows_status,
        a_long_detail_is_cut_and_the_problem_stays_whole,
        a_page_escapes_what_it_shows_and_stays_whole,
        accept_decides_who_gets_a_page,
        waits_are_rounded_up_and_callers_are_spread,
        a_preflight_repeats_only_names_of_fields,
        a_reply_larger_than_the_room_goes_in_parts,
        the_answer_to_head_has_a_length_and_no_body,
        NULL,
    };
    return checks_run("reply", tests);
}
