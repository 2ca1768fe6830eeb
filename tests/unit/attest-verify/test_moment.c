/* Points in time against the C library's calendar, which the verifier does not ask (moment.c). */
#include "bytes/moment.h"

#include "../checks.h"

#include <stdio.h>
#include <time.h>

static void expect_text(time_t at)
{
    char text[32];
    struct tm tm;
    int64_t found = -1;
    ck_assert_ptr_nonnull(gmtime_r(&at, &tm));
    ck_assert_uint_gt(strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm), 0);
    ck_assert_msg(av_moment_parse(text, &found) && found == at, "%s is %lld", text,
                  (long long)found);
}

START_TEST(every_day_until_2500_is_the_calendars)
{
    for (time_t day = 0; day < 530 * 366; ++day) {
        expect_text(day * 86400);
        expect_text(day * 86400 + 86399);
    }
    expect_text(253402300799); /* 9999-12-31T23:59:59Z */
}
END_TEST

START_TEST(days_that_do_not_exist_are_refused)
{
    static const char *const texts[] = {"2023-02-29T00:00:00Z",
                                        "2100-02-29T00:00:00Z",
                                        "2024-02-30T00:00:00Z",
                                        "2024-04-31T00:00:00Z",
                                        "2024-13-01T00:00:00Z",
                                        "2024-00-01T00:00:00Z",
                                        "2024-01-00T00:00:00Z",
                                        "2024-01-01T24:00:00Z",
                                        "2024-01-01T00:60:00Z",
                                        "2024-01-01T00:00:60Z",
                                        "1969-12-31T23:59:59Z",
                                        "2024-01-01 00:00:00Z",
                                        "2024-01-01T00:00:00z",
                                        "2024-01-01T00:00:00",
                                        "2024-01-01T00:00:00Z ",
                                        "+024-01-01T00:00:00Z",
                                        ""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        int64_t at;
        ck_assert_msg(!av_moment_parse(texts[i], &at), "%s", texts[i]);
    }
}
END_TEST

/* Certificates may begin before 1970, and end when nobody will ask. */
START_TEST(certificates_dates_are_the_calendars_from_year_one_on)
{
    static const struct {
        const char *text;
        int64_t at; /* INT64_MIN: refused */
    } rows[] = {{"19500101000000Z", -631152000},
                {"19691231235959Z", -1},
                {"19700101000000Z", 0},
                {"20000229120000Z", 951825600},
                {"99991231235959Z", 253402300799},
                {"00010101000000Z", -62135596800},
                {"00000101000000Z", INT64_MIN}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        int64_t at = INT64_MIN;
        ASN1_TIME *time = ASN1_TIME_new();
        ck_assert_int_eq(ASN1_TIME_set_string(time, rows[i].text), 1);
        ck_assert(av_moment_from_asn1(time, &at) == (rows[i].at != INT64_MIN));
        ck_assert_int_eq(at, rows[i].at);
        ASN1_TIME_free(time);
    }
    int64_t at;
    ASN1_TIME *empty = ASN1_TIME_new();
    ck_assert(!av_moment_from_asn1(empty, &at));
    ck_assert(!av_moment_from_asn1(NULL, &at));
    ASN1_TIME_free(empty);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_day_until_2500_is_the_calendars,
                                  days_that_do_not_exist_are_refused,
                                  certificates_dates_are_the_calendars_from_year_one_on, NULL};
    return checks_run("moment", tests);
}
