#define _GNU_SOURCE /* timegm() */
#include "ctl/moment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* `count` digits at `at`; -1 for anything else. */
static int digits(const char *at, int count)
{
    int value = 0;
    for (int i = 0; i < count; ++i) {
        if (at[i] < '0' || at[i] > '9')
            return -1;
        value = value * 10 + (at[i] - '0');
    }
    return value;
}

/* The form is compared first, so that no digit is looked for behind the end. */
static bool has_form(const char *text, const char *form)
{
    for (; *form != '\0'; ++text, ++form) {
        bool digit = *text >= '0' && *text <= '9';
        if (*form == '0' ? !digit : *text != *form)
            return false;
    }
    return *text == '\0';
}

bool moment_parse(const char *text, int64_t *from_ms, int64_t *to_ms)
{
    bool is_day = has_form(text, "0000-00-00");
    if (!is_day && !has_form(text, "0000-00-00T00:00:00Z"))
        return false;
    struct tm tm = {.tm_year = digits(text, 4) - 1900,
                    .tm_mon = digits(text + 5, 2) - 1,
                    .tm_mday = digits(text + 8, 2)};
    if (!is_day) {
        tm.tm_hour = digits(text + 11, 2);
        tm.tm_min = digits(text + 14, 2);
        tm.tm_sec = digits(text + 17, 2);
    }
    struct tm back = tm;
    time_t at = timegm(&back);
    /* What timegm() had to move is no date: 30 February, 25 o'clock. */
    if (tm.tm_year < 70 || back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday ||
        back.tm_hour != tm.tm_hour || back.tm_min != tm.tm_min || back.tm_sec != tm.tm_sec)
        return false;
    *from_ms = (int64_t)at * 1000;
    *to_ms = *from_ms + (is_day ? 86400000 : 1000) - 1;
    return true;
}

const char *moment_text(int64_t unix_s, char *out)
{
    time_t at = (time_t)unix_s;
    struct tm tm;
    if (unix_s < 0 || gmtime_r(&at, &tm) == NULL || tm.tm_year > 8099)
        snprintf(out, MOMENT_TEXT_MAX, "-");
    else
        strftime(out, MOMENT_TEXT_MAX, "%Y-%m-%d %H:%M:%SZ", &tm);
    return out;
}
