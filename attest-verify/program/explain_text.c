#include "program/explain_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MOMENT_DIGITS = 10 }; /* unix seconds from 2001 to 2286 */

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

/* Details quote foreign texts, whose control characters would move the reader's cursor. A number by
 * itself and of so many digits is a time: people read dates. Digits within hexadecimal
 * strings and dotted versions are left alone. */
static size_t moment_at(const char *text, char before)
{
    size_t digits = strspn(text, "0123456789");
    bool alone = !isalnum((unsigned char)before) && before != '.' && text[digits] != '.' &&
                 !isalnum((unsigned char)text[digits]);
    return digits == MOMENT_DIGITS && alone ? digits : 0;
}

static void put_detail(const char *text)
{
    for (char before = ' '; *text != '\0'; before = *text++) {
        size_t digits = moment_at(text, before);
        if (digits == 0) {
            putchar(isprint((unsigned char)*text) ? *text : '?');
            continue;
        }
        long long at = 0;
        for (size_t i = 0; i < digits; ++i)
            at = at * 10 + (text[i] - '0');
        put_moment(at);
        text += digits - 1;
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
    printf("%s: %s", file, attest_is_trusted(verdict) ? "trusted" : "refused");
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
