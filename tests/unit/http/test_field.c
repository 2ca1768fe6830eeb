/* The characters and names of RFC 9110, each byte tried. */
#include "base/arena.h"
#include "http/field.h"
#include "http/head_check.h"
#include "unit/checks.h"

static bool is_alnum(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

START_TEST(each_byte_is_what_the_grammar_says)
{
    for (int c = 0; c < 256; ++c) {
        const char byte = (char)c;
        const char inside[] = {'a', byte, 'a'};
        struct span one = span_of(&byte, 1);
        bool token = is_alnum(c) || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
        bool vchar = c > ' ' && c != 0x7f;
        ck_assert_int_eq(field_is_token(one), token);
        ck_assert_int_eq(field_is_name(one), token && !(c >= 'A' && c <= 'Z'));
        ck_assert_int_eq(field_is_value(one), vchar);
        ck_assert_int_eq(field_is_value(span_of(inside, 3)), vchar || c == ' ' || c == '\t');
        ck_assert_int_eq(field_is_target(one), vchar && c < 0x80 && c != '#' && c != '\\');
        ck_assert_int_eq(field_is_authority(one),
                         is_alnum(c) || (c != 0 && strchr("-._~", c) != NULL));
    }
    ck_assert(!field_is_token(SPAN_OF("")));
    ck_assert(!field_is_target(SPAN_OF("")));
    ck_assert(field_is_value(SPAN_OF("")));
}
END_TEST

START_TEST(an_authority_is_a_host_and_perhaps_a_port)
{
    static const char *const good[] = {
        "a",     "a.example",         "a.example:1",      "a:65535", "127.0.0.1:80",
        "[::1]", "[2001:db8::1]:443", "[::ffff:1.2.3.4]", "x_y"};
    static const char *const bad[] = {
        "",       ":80",    "a:",    "a:65536",      "a:123456", "a:b",  "a b", "a/b",
        "a?b",    "a#b",    "me@a",  "a,b",          "a\\b",     "[::1", "::1", "[]",
        "[::1]x", "[::1]:", "[a.b]", "[::1%25eth0]", "a:1:2",    "%61"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); ++i)
        ck_assert_msg(field_is_authority(span_text(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); ++i)
        ck_assert_msg(!field_is_authority(span_text(bad[i])), "%s", bad[i]);
}
END_TEST

START_TEST(a_length_is_digits_without_a_leading_zero)
{
    static const char *const bad[] = {"",
                                      "00",
                                      "01",
                                      "+1",
                                      "-1",
                                      "1 ",
                                      " 1",
                                      "1a",
                                      "0x1",
                                      "1,1",
                                      "4611686018427387905",
                                      "99999999999999999999"};
    int64_t length = -1;
    ck_assert(field_is_length(SPAN_OF("0"), &length) && length == 0);
    ck_assert(field_is_length(SPAN_OF("10"), &length) && length == 10);
    ck_assert(field_is_length(SPAN_OF("4611686018427387904"), &length));
    ck_assert_int_eq(length, INT64_C(1) << 62);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); ++i)
        ck_assert_msg(!field_is_length(span_text(bad[i]), &length), "%s", bad[i]);
}
END_TEST

START_TEST(a_list_is_searched_member_by_member)
{
    ck_assert(field_list_has(SPAN_OF("close"), SPAN_OF("close")));
    ck_assert(field_list_has(SPAN_OF("x, , CLOSE ;q=1,y"), SPAN_OF("close")));
    ck_assert(!field_list_has(SPAN_OF("closed, xclose, \"close\""), SPAN_OF("close")));
    ck_assert(!field_list_has(SPAN_OF(""), SPAN_OF("close")));
}
END_TEST

static struct head *head_with(const char *const *fields)
{
    struct head *head = head_new(4096, 20);
    for (; *fields != NULL; fields += 2)
        ck_assert(head_add(head, span_text(fields[0]), span_text(fields[1])));
    return head;
}

START_TEST(what_connection_names_goes_with_it_but_never_the_framing)
{
    static const char *const fields[] = {"connection",
                                         "X-Secret, content-length, host, close",
                                         "x-secret",
                                         "1",
                                         "x-other",
                                         "2",
                                         "content-length",
                                         "3",
                                         "keep-alive",
                                         "1",
                                         "upgrade",
                                         "h2c",
                                         "te",
                                         "gzip",
                                         "transfer-encoding",
                                         "chunked",
                                         "proxy-connection",
                                         "close",
                                         "host",
                                         "a",
                                         "connection",
                                         "x-other2",
                                         "x-other2",
                                         "1",
                                         NULL};
    struct head *head = head_with(fields);
    head_drop_hops(head);
    ck_assert_uint_eq(head->field_count, 3);
    ck_assert_ptr_nonnull(head_find(head, SPAN_OF("x-other")));
    ck_assert_ptr_nonnull(head_find(head, SPAN_OF("content-length")));
    ck_assert_ptr_nonnull(head_find(head, SPAN_OF("host")));
    head_free(head);
}
END_TEST

START_TEST(a_head_is_held_to_its_limits)
{
    struct head *head = head_new(100, 2);
    ck_assert(head_add(head, SPAN_OF("a"), SPAN_OF("b"))); /* 34 */
    ck_assert(!head_add(head, SPAN_OF("0123456789"), SPAN_OF("0123456789012345678901234")));
    ck_assert(head_add(head, SPAN_OF("0123456789"), SPAN_OF("012345678901234567890123")));
    ck_assert_uint_eq(head->bytes, 100);
    ck_assert(!head_set_text(head, &head->method, SPAN_OF("")));
    head_free(head);

    head = head_new(10000, 2);
    ck_assert(head_add(head, SPAN_OF("a"), SPAN_OF("1")));
    ck_assert(head_add(head, SPAN_OF("a"), SPAN_OF("2")));
    ck_assert(!head_add(head, SPAN_OF("a"), SPAN_OF("3")));
    ck_assert_uint_eq(head_count(head, SPAN_OF("a")), 2);
    ck_assert(span_is(head_find(head, SPAN_OF("a"))->value, SPAN_OF("1")));
    head_drop(head, SPAN_OF("a"));
    ck_assert_ptr_null(head_find(head, SPAN_OF("a")));
    head_free(head);
}
END_TEST

START_TEST(the_credentials_of_trailers_are_dropped)
{
    static const char *const fields[] = {"authorization", "x", "set-cookie", "x", "agent-cost", "1",
                                         "grpc-status",   "0", "trailer",    "x", NULL};
    struct head *head = head_with(fields);
    head_check_trailers(head);
    ck_assert_uint_eq(head->field_count, 2);
    head_free(head);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_byte_is_what_the_grammar_says,
        an_authority_is_a_host_and_perhaps_a_port,
        a_length_is_digits_without_a_leading_zero,
        a_list_is_searched_member_by_member,
        what_connection_names_goes_with_it_but_never_the_framing,
        a_head_is_held_to_its_limits,
        the_credentials_of_trailers_are_dropped,
        NULL,
    };
    return checks_run("field", tests);
}
