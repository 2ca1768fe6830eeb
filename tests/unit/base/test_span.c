#include "base/span.h"

#include "unit/checks.h"

START_TEST(spans_are_equal_by_bytes_and_length)
{
    ck_assert(span_is(SPAN_OF("ab"), SPAN_OF("ab")));
    ck_assert(!span_is(SPAN_OF("ab"), SPAN_OF("abc")));
    ck_assert(!span_is(SPAN_OF("ab"), SPAN_OF("aB")));
    ck_assert(span_is(SPAN_NONE, SPAN_OF("")));
    ck_assert(!span_is(span_of("a\0b", 3), span_of("a\0c", 3)));
    ck_assert(span_is(span_text(NULL), SPAN_NONE));
}
END_TEST

START_TEST(a_span_starts_with_its_prefix_and_with_nothing)
{
    ck_assert(span_starts(SPAN_OF("abc"), SPAN_OF("ab")));
    ck_assert(span_starts(SPAN_OF("abc"), SPAN_OF("abc")));
    ck_assert(span_starts(SPAN_OF("abc"), SPAN_NONE));
    ck_assert(span_starts(SPAN_NONE, SPAN_NONE));
    ck_assert(!span_starts(SPAN_OF("ab"), SPAN_OF("abc")));
    ck_assert(!span_starts(SPAN_OF("abc"), SPAN_OF("b")));
}
END_TEST

START_TEST(the_rest_of_a_span_ends_where_it_ends)
{
    ck_assert(span_is(span_from(SPAN_OF("abc"), 0), SPAN_OF("abc")));
    ck_assert(span_is(span_from(SPAN_OF("abc"), 2), SPAN_OF("c")));
    ck_assert_uint_eq(span_from(SPAN_OF("abc"), 3).len, 0);
    ck_assert_uint_eq(span_from(SPAN_OF("abc"), SIZE_MAX).len, 0);
}
END_TEST

START_TEST(case_is_ignored_for_ascii_letters_alone)
{
    ck_assert(span_is_nocase(SPAN_OF("Content-TYPE"), SPAN_OF("content-type")));
    ck_assert(!span_is_nocase(SPAN_OF("a"), SPAN_OF("ab")));
    ck_assert(!span_is_nocase(SPAN_OF("@"), SPAN_OF("`")));
    ck_assert(!span_is_nocase(SPAN_OF("["), SPAN_OF("{")));
    ck_assert(!span_is_nocase(SPAN_OF("\xc4"), SPAN_OF("\xe4")));
}
END_TEST

START_TEST(the_first_byte_is_found_or_the_length_is_told)
{
    ck_assert_uint_eq(span_find(SPAN_OF("a:b:c"), ':'), 1);
    ck_assert_uint_eq(span_find(SPAN_OF("abc"), ':'), 3);
    ck_assert_uint_eq(span_find(SPAN_NONE, ':'), 0);
    ck_assert_uint_eq(span_find(span_of("ab\0", 3), '\0'), 2);
}
END_TEST

START_TEST(spaces_and_tabs_are_trimmed_and_nothing_else)
{
    ck_assert(span_is(span_trim(SPAN_OF(" \t a b\t ")), SPAN_OF("a b")));
    ck_assert(span_is(span_trim(SPAN_OF("\r\na\n")), SPAN_OF("\r\na\n")));
    ck_assert_uint_eq(span_trim(SPAN_OF(" \t ")).len, 0);
    ck_assert_uint_eq(span_trim(SPAN_NONE).len, 0);
}
END_TEST

START_TEST(numbers_are_digits_up_to_a_maximum)
{
    static const struct {
        struct span text;
        uint64_t most;
        bool valid;
        uint64_t value;
    } rows[] = {
        {SPAN_OF("0"), 0, true, 0},
        {SPAN_OF("99"), 100, true, 99},
        {SPAN_OF("100"), 100, true, 100},
        {SPAN_OF("101"), 100, false, 0},
        {SPAN_OF("007"), 100, true, 7},
        {SPAN_OF("18446744073709551615"), UINT64_MAX, true, UINT64_MAX},
        {SPAN_OF("18446744073709551616"), UINT64_MAX, false, 0},
        {SPAN_OF("28446744073709551615"), UINT64_MAX, false, 0},
        {SPAN_OF("99999999999999999999999"), UINT64_MAX, false, 0},
        {SPAN_OF(""), 100, false, 0},
        {SPAN_OF("-1"), 100, false, 0},
        {SPAN_OF("+1"), 100, false, 0},
        {SPAN_OF(" 1"), 100, false, 0},
        {SPAN_OF("1 "), 100, false, 0},
        {SPAN_OF("1_0"), 100, false, 0},
        {SPAN_OF("0x1"), 100, false, 0},
        {{"1\0", 2}, 100, false, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        uint64_t value = 12345;
        ck_assert_msg(span_to_u64(rows[i].text, rows[i].most, &value) == rows[i].valid, "%s",
                      rows[i].text.ptr);
        ck_assert_uint_eq(value, rows[i].valid ? rows[i].value : 12345);
    }
}
END_TEST

START_TEST(secrets_are_compared_whole)
{
    ck_assert(span_is_secret(SPAN_OF("secret"), SPAN_OF("secret")));
    ck_assert(!span_is_secret(SPAN_OF("secret"), SPAN_OF("Secret")));
    ck_assert(!span_is_secret(SPAN_OF("secret"), SPAN_OF("secreT")));
    ck_assert(!span_is_secret(SPAN_OF("secret"), SPAN_OF("secrets")));
    ck_assert(!span_is_secret(span_of("\x80", 1), span_of("\0", 1)));
    ck_assert(span_is_secret(SPAN_NONE, SPAN_NONE));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {spans_are_equal_by_bytes_and_length,
                                  a_span_starts_with_its_prefix_and_with_nothing,
                                  the_rest_of_a_span_ends_where_it_ends,
                                  case_is_ignored_for_ascii_letters_alone,
                                  the_first_byte_is_found_or_the_length_is_told,
                                  spaces_and_tabs_are_trimmed_and_nothing_else,
                                  numbers_are_digits_up_to_a_maximum,
                                  secrets_are_compared_whole,
                                  NULL};
    return checks_run("span", tests);
}
