#include "bytes/cbor.h"

enum { CBOR_SIMPLE = 7, INFO_ONE_BYTE = 24, INFO_EIGHT_BYTES = 27 };

/* RFC 8949 3: three bits of major type, five of length; 4.2.1: the shortest form only. */
static bool take_head(struct cursor *cursor, unsigned *major, uint64_t *argument)
{
    uint8_t first;
    if (!av_cursor_u8(cursor, &first))
        return false;
    unsigned info = first & 0x1f;
    *major = first >> 5;
    *argument = info;
    if (info < INFO_ONE_BYTE)
        return true;
    if (info > INFO_EIGHT_BYTES)
        return false;
    size_t octets = (size_t)1 << (info - INFO_ONE_BYTE);
    *argument = 0;
    for (size_t i = 0; i < octets; ++i) {
        uint8_t octet;
        if (!av_cursor_u8(cursor, &octet))
            return false;
        *argument = *argument << 8 | octet;
    }
    if (*major == CBOR_SIMPLE)
        return info != INFO_ONE_BYTE || *argument >= 32;
    uint64_t shorter_max = octets == 1 ? INFO_ONE_BYTE - 1 : ((uint64_t)1 << (octets * 4)) - 1;
    return *argument > shorter_max;
}

bool av_cbor_head(struct cursor *cursor, enum cbor_major major, uint64_t *argument)
{
    struct cursor trial = *cursor;
    unsigned found;
    if (!take_head(&trial, &found, argument) || found != (unsigned)major)
        return false;
    *cursor = trial;
    return true;
}

bool av_cbor_string(struct cursor *cursor, enum cbor_major major, struct attest_bytes *out)
{
    struct cursor trial = *cursor;
    uint64_t len;
    if (!av_cbor_head(&trial, major, &len) || len > trial.left ||
        !av_cursor_take(&trial, (size_t)len, out))
        return false;
    *cursor = trial;
    return true;
}

static bool skip_item(struct cursor *cursor, int depth);

static bool skip_items(struct cursor *cursor, uint64_t count, int depth)
{
    if (depth >= CBOR_DEPTH_MAX || count > cursor->left)
        return false;
    for (uint64_t i = 0; i < count; ++i)
        if (!skip_item(cursor, depth + 1))
            return false;
    return true;
}

static bool skip_item(struct cursor *cursor, int depth)
{
    unsigned major;
    uint64_t argument;
    struct attest_bytes skipped;
    if (!take_head(cursor, &major, &argument))
        return false;
    switch (major) {
    case CBOR_BYTES:
    case CBOR_TEXT:
        return argument <= cursor->left && av_cursor_take(cursor, (size_t)argument, &skipped);
    case CBOR_ARRAY:
        return skip_items(cursor, argument, depth);
    case CBOR_MAP:
        return argument <= cursor->left && skip_items(cursor, 2 * argument, depth);
    case CBOR_TAG:
        return skip_items(cursor, 1, depth);
    default:
        return true;
    }
}

bool av_cbor_skip(struct cursor *cursor)
{
    return skip_item(cursor, 0);
}
