/* Amounts and dates, there and back. */
#include "ctl/amount.h"
#include "ctl/moment.h"
#include "unit/checks.h"

START_TEST(amounts_are_credits_with_six_decimals_or_micro_credits)
{
    static const struct {
        const char *text;
        int64_t ucr;
    } cases[] = {
        {"0", 0},
        {"10", 10000000},
        {"0.25", 250000},
        {"0.000001", 1},
        {"-3.5", -3500000},
        {"007", 7000000},
        {"250000ucr", 250000},
        {"-1ucr", -1},
        {"9007199254.740991", AMOUNT_MOST},
        {"9007199254740991ucr", AMOUNT_MOST},
        {"-9007199254740991ucr", -AMOUNT_MOST},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        int64_t ucr;
        ck_assert_msg(amount_parse(cases[i].text, &ucr), "%s", cases[i].text);
        ck_assert_int_eq(ucr, cases[i].ucr);
    }
}
END_TEST

START_TEST(what_is_no_amount_is_refused)
{
    static const char *const cases[] = {"",
                                        "-",
                                        "--1",
                                        "+1",
                                        ".",
                                        ".5",
                                        "1.",
                                        "1.0000000",
                                        "0.0000001",
                                        "1e3",
                                        "0x10",
                                        " 1",
                                        "1 ",
                                        "1,5",
                                        "1.5ucr",
                                        "ucr",
                                        "1 ucr",
                                        "1UCR",
                                        "1ucrs",
                                        "nan",
                                        "inf",
                                        "1.-5",
                                        "1..5",
                                        "9007199254.740992",
                                        "9007199254740992ucr",
                                        "9007199255",
                                        "99999999999999999999",
                                        "18446744073709551617ucr"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        int64_t ucr;
        ck_assert_msg(!amount_parse(cases[i], &ucr), "%s", cases[i]);
    }
}
END_TEST

START_TEST(amounts_are_shown_with_all_their_decimals)
{
    char text[AMOUNT_TEXT_MAX];
    ck_assert_str_eq(amount_text(0, text), "0.000000");
    ck_assert_str_eq(amount_text(1, text), "0.000001");
    ck_assert_str_eq(amount_text(-250000, text), "-0.250000");
    ck_assert_str_eq(amount_text(10000000, text), "10.000000");
    ck_assert_str_eq(amount_text(AMOUNT_MOST, text), "9007199254.740991");
    ck_assert_str_eq(amount_text(INT64_MIN, text), "-9223372036854.775808");
}
END_TEST

START_TEST(what_is_shown_reads_back_the_same)
{
    static const int64_t cases[] = {0, 1, -1, 999999, 1000000, 1000001, AMOUNT_MOST, -AMOUNT_MOST};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        char text[AMOUNT_TEXT_MAX];
        int64_t back;
        ck_assert(amount_parse(amount_text(cases[i], text), &back));
        ck_assert_int_eq(back, cases[i]);
    }
}
END_TEST

START_TEST(dates_are_days_or_seconds_in_utc_to_their_last_millisecond)
{
    int64_t from;
    int64_t to;
    ck_assert(moment_parse("1970-01-01", &from, &to));
    ck_assert_int_eq(from, 0);
    ck_assert_int_eq(to, 86399999);
    ck_assert(moment_parse("2024-02-29T23:59:59Z", &from, &to));
    ck_assert_int_eq(from, INT64_C(1709251199000));
    ck_assert_int_eq(to, INT64_C(1709251199999));
    ck_assert(moment_parse("9999-12-31", &from, &to));
}
END_TEST

START_TEST(what_is_no_date_is_refused)
{
    static const char *const cases[] = {"",
                                        "2026",
                                        "2026-11",
                                        "2026-11-2",
                                        "2026-11-200",
                                        "2026-02-29",
                                        "2026-13-01",
                                        "2026-00-01",
                                        "2026-01-00",
                                        "1969-12-31",
                                        "2026/11/20",
                                        "2026-11-20T10:30:00",
                                        "2026-11-20T24:00:00Z",
                                        "2026-11-20T10:60:00Z",
                                        "2026-11-20T10:30:00+01:00",
                                        " 2026-11-20",
                                        "-026-11-20"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        int64_t from;
        int64_t to;
        ck_assert_msg(!moment_parse(cases[i], &from, &to), "%s", cases[i]);
    }
}
END_TEST

START_TEST(moments_are_shown_in_utc)
{
    char text[MOMENT_TEXT_MAX];
    ck_assert_str_eq(moment_text(1709251199, text), "2024-02-29 23:59:59Z");
    ck_assert_str_eq(moment_text(-1, text), "-");
    ck_assert_str_eq(moment_text(INT64_MAX, text), "-");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {amounts_are_credits_with_six_decimals_or_micro_credits,
                                  what_is_no_amount_is_refused,
                                  amounts_are_shown_with_all_their_decimals,
                                  what_is_shown_reads_back_the_same,
                                  dates_are_days_or_seconds_in_utc_to_their_last_millisecond,
                                  what_is_no_date_is_refused,
                                  moments_are_shown_in_utc,
                                  NULL};
    return checks_run("amount", tests);
}
