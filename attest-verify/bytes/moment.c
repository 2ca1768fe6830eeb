#include "bytes/moment.h"

#include <string.h>
#include <time.h>

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Not timegm(): the C library's looks for a time zone, in the environment and in files, before it
 * finds that it needs none. Years from 1. */
static int64_t seconds_since_1970(const struct tm *tm)
{
    int64_t year = tm->tm_year + 1900, before = year - 1, days = tm->tm_mday - 1;
    days += 365 * before + before / 4 - before / 100 + before / 400 - 719162; /* to 1970 */
    for (int month = 1; month <= tm->tm_mon; ++month)
        days += days_in_month((int)year, month);
    return days * 86400 + tm->tm_hour * 3600 + tm->tm_min * 60 + tm->tm_sec;
}

static bool take_number(const char **text, int digits, int least, int most, int *out)
{
    int value = 0;
    for (int i = 0; i < digits; ++i, ++*text) {
        if (**text < '0' || **text > '9')
            return false;
        value = value * 10 + (**text - '0');
    }
    *out = value;
    return value >= least && value <= most;
}

static bool take_char(const char **text, char wanted)
{
    return *(*text)++ == wanted;
}

bool av_moment_parse(const char *text, int64_t *out)
{
    int year, month, day, hour, minute, second;
    if (strlen(text) != strlen("YYYY-MM-DDThh:mm:ssZ"))
        return false;
    if (!take_number(&text, 4, 1970, 9999, &year) || !take_char(&text, '-') ||
        !take_number(&text, 2, 1, 12, &month) || !take_char(&text, '-') ||
        !take_number(&text, 2, 1, days_in_month(year, month), &day) || !take_char(&text, 'T') ||
        !take_number(&text, 2, 0, 23, &hour) || !take_char(&text, ':') ||
        !take_number(&text, 2, 0, 59, &minute) || !take_char(&text, ':') ||
        !take_number(&text, 2, 0, 59, &second) || !take_char(&text, 'Z'))
        return false;
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute,
                    .tm_sec = second};
    *out = seconds_since_1970(&tm);
    return true;
}

bool av_moment_from_asn1(const ASN1_TIME *time, int64_t *out)
{
    struct tm tm;
    if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1 || tm.tm_year <= -1900)
        return false;
    *out = seconds_since_1970(&tm);
    return true;
}
