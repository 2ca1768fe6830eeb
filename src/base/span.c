#include "base/span.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool span_is_nocase(struct span span, struct span other)
{
    if (span.len != other.len)
        return false;
    for (size_t i = 0; i < span.len; ++i)
        if (lower(span.ptr[i]) != lower(other.ptr[i]))
            return false;
    return true;
}

size_t span_find(struct span span, char byte)
{
    const char *at = span.len > 0 ? memchr(span.ptr, byte, span.len) : NULL;
    return at == NULL ? span.len : (size_t)(at - span.ptr);
}

struct span span_trim(struct span span)
{
    while (span.len > 0 && (span.ptr[0] == ' ' || span.ptr[0] == '\t'))
        span = span_of(span.ptr + 1, span.len - 1);
    while (span.len > 0 && (span.ptr[span.len - 1] == ' ' || span.ptr[span.len - 1] == '\t'))
        --span.len;
    return span;
}

bool span_to_u64(struct span span, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;
    if (span.len == 0)
        return false;
    for (size_t i = 0; i < span.len; ++i) {
        if (span.ptr[i] < '0' || span.ptr[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(span.ptr[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > most)
        return false;
    *out = value;
    return true;
}

bool span_is_secret(struct span span, struct span other)
{
    if (span.len != other.len)
        return false;
    volatile unsigned char differs = 0;
    for (size_t i = 0; i < span.len; ++i)
        differs = (unsigned char)(differs | (span.ptr[i] ^ other.ptr[i]));
    return differs == 0;
}
