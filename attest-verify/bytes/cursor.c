#include "bytes/cursor.h"

#include <string.h>

struct cursor av_cursor_over(struct attest_bytes bytes)
{
    return (struct cursor){.at = bytes.ptr, .left = bytes.len};
}

bool av_cursor_take(struct cursor *cursor, size_t count, struct attest_bytes *out)
{
    if (count > cursor->left)
        return false;
    *out = (struct attest_bytes){.ptr = cursor->at, .len = count};
    if (count > 0)
        cursor->at += count;
    cursor->left -= count;
    return true;
}

bool av_cursor_u8(struct cursor *cursor, uint8_t *out)
{
    struct attest_bytes raw;
    if (!av_cursor_take(cursor, 1, &raw))
        return false;
    *out = raw.ptr[0];
    return true;
}

bool av_cursor_u16le(struct cursor *cursor, uint16_t *out)
{
    struct attest_bytes raw;
    if (!av_cursor_take(cursor, 2, &raw))
        return false;
    *out = (uint16_t)(raw.ptr[0] | raw.ptr[1] << 8);
    return true;
}

bool av_cursor_u32le(struct cursor *cursor, uint32_t *out)
{
    uint16_t low, high;
    struct cursor trial = *cursor;
    if (!av_cursor_u16le(&trial, &low) || !av_cursor_u16le(&trial, &high))
        return false;
    *cursor = trial;
    *out = low | (uint32_t)high << 16;
    return true;
}

/* X.690 8.1.3 and 10.1: short form below 128, else the fewest octets that hold the length. */
static bool take_der_length(struct cursor *cursor, size_t *out)
{
    uint8_t first;
    if (!av_cursor_u8(cursor, &first))
        return false;
    if (first < 0x80) {
        *out = first;
        return true;
    }
    size_t octets = first & 0x7f;
    if (octets == 0 || octets > 4)
        return false;
    size_t length = 0;
    for (size_t i = 0; i < octets; ++i) {
        uint8_t octet;
        if (!av_cursor_u8(cursor, &octet) || (i == 0 && octet == 0))
            return false;
        length = length << 8 | octet;
    }
    *out = length;
    return length >= 0x80;
}

bool av_cursor_der(struct cursor *cursor, uint8_t tag, struct attest_bytes *inner)
{
    struct cursor trial = *cursor;
    uint8_t found;
    size_t length;
    if (!av_cursor_u8(&trial, &found) || found != tag || !take_der_length(&trial, &length) ||
        !av_cursor_take(&trial, length, inner))
        return false;
    *cursor = trial;
    return true;
}

/* X.690 8.3: the shortest form. */
bool av_cursor_der_uint(struct cursor *cursor, uint8_t tag, unsigned max, unsigned *out)
{
    struct attest_bytes value;
    if (!av_cursor_der(cursor, tag, &value) || value.len == 0 || value.len > 4 ||
        (value.ptr[0] & 0x80) || (value.len > 1 && value.ptr[0] == 0 && !(value.ptr[1] & 0x80)))
        return false;
    *out = 0;
    for (size_t i = 0; i < value.len; ++i)
        *out = *out << 8 | value.ptr[i];
    return *out <= max;
}

bool av_bytes_equal(struct attest_bytes a, struct attest_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool av_bytes_are_zero(struct attest_bytes bytes)
{
    uint8_t seen = 0;
    for (size_t i = 0; i < bytes.len; ++i)
        seen |= bytes.ptr[i];
    return seen == 0;
}
