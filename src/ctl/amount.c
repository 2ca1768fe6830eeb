#include "ctl/amount.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DECIMALS = 6, UCR_PER_CREDIT = 1000000 };

/* Adds a digit; false when it would pass the most. */
static bool add_digit(int64_t *value, char c)
{
    if (c < '0' || c > '9' || *value > (AMOUNT_MOST - (c - '0')) / 10)
        return false;
    *value = *value * 10 + (c - '0');
    return true;
}

/* Digits; NULL when their value is too much. */
static const char *digits(const char *at, int64_t *value, unsigned *count)
{
    for (*count = 0; *at >= '0' && *at <= '9'; ++at, ++*count)
        if (!add_digit(value, *at))
            return NULL;
    return at;
}

static bool parse_unsigned(const char *at, int64_t *out)
{
    unsigned whole;
    unsigned decimals = 0;
    int64_t value = 0;
    at = digits(at, &value, &whole);
    if (at == NULL || whole == 0)
        return false;
    if (strcmp(at, "ucr") == 0) {
        *out = value;
        return true;
    }
    if (*at == '.') {
        at = digits(at + 1, &value, &decimals);
        if (at == NULL || decimals == 0 || decimals > DECIMALS)
            return false;
    }
    if (*at != '\0')
        return false;
    for (; decimals < DECIMALS; ++decimals)
        if (!add_digit(&value, '0'))
            return false;
    *out = value;
    return true;
}

bool amount_parse(const char *text, int64_t *out)
{
    bool negative = text[0] == '-';
    if (!parse_unsigned(text + negative, out))
        return false;
    if (negative)
        *out = -*out;
    return true;
}

const char *amount_text(int64_t ucr, char *out)
{
    uint64_t size = ucr < 0 ? 0 - (uint64_t)ucr : (uint64_t)ucr;
    snprintf(out, AMOUNT_TEXT_MAX, "%s%" PRIu64 ".%06" PRIu64, ucr < 0 ? "-" : "",
             size / UCR_PER_CREDIT, size % UCR_PER_CREDIT);
    return out;
}
