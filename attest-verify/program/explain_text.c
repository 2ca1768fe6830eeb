#include "program/explain_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MOMENT_DIGITS = 10 }; /* unix seconds from 2001 to 2286 */

/* What is no printable character would move the reader's cursor: details quote foreign texts. */
static void put_plain(const char *text)
{
    for (; *text != '\0'; ++text)
        putchar(isprint((unsigned char)*text) ? *text : '?');
}

static void put_moment(long long at)
{
    time_t seconds = (time_t)at;
    struct tm utc;
    char text[sizeof "YYYY-MM-DD hh:mm:ss UTC"];
    if (gmtime_r(&seconds, &utc) != NULL &&
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc) > 0)
        fputs(text, stdout);
    else
        printf("%lld", at);
}

/* Times in details are unix seconds after "at ", "since " or "ended at "; people read dates. */
static void put_detail(const char *text)
{
    while (*text != '\0') {
        size_t digits = strspn(text, "0123456789");
        if (digits == 0) {
            char one[2] = {*text++, '\0'};
            put_plain(one);
            continue;
        }
        long long number = 0;
        bool is_moment = digits == MOMENT_DIGITS && text[digits] != '.' && !isxdigit(text[digits]);
        for (size_t i = 0; is_moment && i < digits; ++i)
            number = number * 10 + (text[i] - '0');
        if (is_moment)
            put_moment(number);
        else
            fwrite(text, 1, digits, stdout);
        text += digits;
    }
}

static void put_check(enum attest_check check, const struct attest_check_result *row)
{
    const char *word = row->result == ATTEST_CHECK_PASSED   ? "passed"
                       : row->result == ATTEST_CHECK_FAILED ? "FAILED"
                                                            : "-";
    printf("%-7s %-19s ", word, attest_check_word(check));
    if (row->result == ATTEST_CHECK_NOT_REACHED)
        fputs("not reached", stdout);
    else
        put_detail(row->detail[0] != '\0' ? row->detail : attest_check_sentence(check));
    putchar('\n');
}

bool av_explain_print(const char *file, const struct attest_verdict *verdict,
                      const struct attest_explanation *explanation)
{
    for (int i = 0; i < ATTEST_CHECK_COUNT; ++i)
        if (explanation->checks[i].result != ATTEST_CHECK_NOT_APPLICABLE)
            put_check((enum attest_check)i, &explanation->checks[i]);
    put_plain(file);
    printf(": %s", attest_is_trusted(verdict) ? "trusted" : "refused");
    if (!attest_is_trusted(verdict)) {
        printf(", %s: %s (", attest_reason_word(verdict->reason),
               attest_reason_sentence(verdict->reason));
        put_detail(verdict->detail);
        putchar(')');
    } else if (verdict->expires != 0) {
        fputs(" until ", stdout);
        put_moment(verdict->expires);
    }
    putchar('\n');
    return fflush(stdout) == 0 && !ferror(stdout);
}
