#include "bytes/msgpack.h"

#include <string.h>

enum kind { KIND_PLAIN, KIND_UINT, KIND_TEXT, KIND_BINARY, KIND_ARRAY, KIND_MAP };

/* What the first byte of an item says (MessagePack specification, "Formats"). */
struct head {
    enum kind kind;
    uint64_t value; /* the number, or how many bytes, items or pairs follow */
    size_t more;    /* bytes of a plain value, which nobody asks for */
};

static bool take_be(struct cursor *cursor, size_t octets, uint64_t *out)
{
    struct attest_bytes raw;
    if (!av_cursor_take(cursor, octets, &raw))
        return false;
    *out = 0;
    for (size_t i = 0; i < octets; ++i)
        *out = *out << 8 | raw.ptr[i];
    return true;
}

/* 0x80 to 0xbf hold a count in the byte itself. */
static bool take_fixed(uint8_t first, struct head *head)
{
    if (first < 0x80)
        *head = (struct head){.kind = KIND_UINT, .value = first};
    else if (first < 0x90)
        *head = (struct head){.kind = KIND_MAP, .value = first & 0x0f};
    else if (first < 0xa0)
        *head = (struct head){.kind = KIND_ARRAY, .value = first & 0x0f};
    else if (first < 0xc0)
        *head = (struct head){.kind = KIND_TEXT, .value = first & 0x1f};
    else
        return false;
    return true;
}

/* The others: a kind, and how many bytes of big-endian number follow. Extensions (0xc7 to 0xc9 and
 * 0xd4 to 0xd8) and the unused 0xc1 are nobody's. */
static bool take_head(struct cursor *cursor, struct head *head)
{
    static const struct {
        enum kind kind;
        uint8_t octets, more;
        bool known;
    } rows[0x20] = {
        [0x00] = {KIND_PLAIN, 0, 0, true}, /* nil */
        [0x02] = {KIND_PLAIN, 0, 0, true}, /* false */
        [0x03] = {KIND_PLAIN, 0, 0, true}, /* true */
        [0x04] = {KIND_BINARY, 1, 0, true}, [0x05] = {KIND_BINARY, 2, 0, true},
        [0x06] = {KIND_BINARY, 4, 0, true}, [0x0a] = {KIND_PLAIN, 0, 4, true}, /* float 32 */
        [0x0b] = {KIND_PLAIN, 0, 8, true},                                     /* float 64 */
        [0x0c] = {KIND_UINT, 1, 0, true},   [0x0d] = {KIND_UINT, 2, 0, true},
        [0x0e] = {KIND_UINT, 4, 0, true},   [0x0f] = {KIND_UINT, 8, 0, true},
        [0x10] = {KIND_PLAIN, 0, 1, true},  [0x11] = {KIND_PLAIN, 0, 2, true}, /* signed */
        [0x12] = {KIND_PLAIN, 0, 4, true},  [0x13] = {KIND_PLAIN, 0, 8, true},
        [0x19] = {KIND_TEXT, 1, 0, true},   [0x1a] = {KIND_TEXT, 2, 0, true},
        [0x1b] = {KIND_TEXT, 4, 0, true},   [0x1c] = {KIND_ARRAY, 2, 0, true},
        [0x1d] = {KIND_ARRAY, 4, 0, true},  [0x1e] = {KIND_MAP, 2, 0, true},
        [0x1f] = {KIND_MAP, 4, 0, true},
    };
    uint8_t first;
    if (!av_cursor_u8(cursor, &first))
        return false;
    if (first >= 0xe0) { /* negative */
        *head = (struct head){.kind = KIND_PLAIN};
        return true;
    }
    if (take_fixed(first, head))
        return true;
    size_t row = first - 0xc0;
    *head = (struct head){.kind = rows[row].kind, .more = rows[row].more};
    return rows[row].known && take_be(cursor, rows[row].octets, &head->value);
}

static bool take_of_kind(struct cursor *cursor, enum kind kind, uint64_t *value)
{
    struct cursor trial = *cursor;
    struct head head;
    if (!take_head(&trial, &head) || head.kind != kind)
        return false;
    *value = head.value;
    *cursor = trial;
    return true;
}

bool av_msgpack_uint(struct cursor *cursor, uint64_t max, uint64_t *out)
{
    return take_of_kind(cursor, KIND_UINT, out) && *out <= max;
}

static bool take_string(struct cursor *cursor, enum kind kind, struct attest_bytes *out)
{
    uint64_t len;
    return take_of_kind(cursor, kind, &len) && len <= cursor->left &&
           av_cursor_take(cursor, (size_t)len, out);
}

bool av_msgpack_text(struct cursor *cursor, struct attest_bytes *out)
{
    return take_string(cursor, KIND_TEXT, out);
}

bool av_msgpack_array(struct cursor *cursor, size_t *count)
{
    uint64_t found;
    if (!take_of_kind(cursor, KIND_ARRAY, &found) || found > cursor->left)
        return false;
    *count = (size_t)found;
    return true;
}

bool av_msgpack_octets(struct cursor *cursor, struct msgpack_room *room, struct attest_bytes *out)
{
    struct cursor trial = *cursor;
    size_t count;
    uint64_t octet;
    if (take_string(cursor, KIND_BINARY, out))
        return true;
    *cursor = trial;
    if (!av_msgpack_array(cursor, &count) || count > room->left)
        return false;
    *out = (struct attest_bytes){.ptr = room->at, .len = count};
    for (size_t i = 0; i < count; ++i) {
        if (!av_msgpack_uint(cursor, UINT8_MAX, &octet))
            return false;
        *room->at++ = (uint8_t)octet;
        --room->left;
    }
    return true;
}

static bool skip_item(struct cursor *cursor, int depth)
{
    struct head head;
    struct attest_bytes skipped;
    if (depth > MSGPACK_DEPTH_MAX || !take_head(cursor, &head))
        return false;
    if (head.kind == KIND_TEXT || head.kind == KIND_BINARY)
        return head.value <= cursor->left && av_cursor_take(cursor, (size_t)head.value, &skipped);
    if (head.kind == KIND_PLAIN)
        return av_cursor_take(cursor, head.more, &skipped);
    if (head.kind == KIND_UINT)
        return true;
    if (head.value > cursor->left)
        return false;
    uint64_t items = head.kind == KIND_MAP ? 2 * head.value : head.value;
    for (uint64_t i = 0; i < items; ++i)
        if (!skip_item(cursor, depth + 1))
            return false;
    return true;
}

bool av_msgpack_skip(struct cursor *cursor)
{
    return skip_item(cursor, 0);
}

static size_t find_name(const char *const *names, size_t count, struct attest_bytes key)
{
    size_t i = 0;
    while (i < count && (strlen(names[i]) != key.len || memcmp(names[i], key.ptr, key.len) != 0))
        ++i;
    return i;
}

bool av_msgpack_map(struct cursor *cursor, const char *const *names, size_t count,
                    struct attest_bytes *values)
{
    uint64_t pairs;
    struct attest_bytes key;
    for (size_t i = 0; i < count; ++i)
        values[i] = (struct attest_bytes){NULL, 0};
    if (!take_of_kind(cursor, KIND_MAP, &pairs) || pairs > count)
        return false;
    for (uint64_t i = 0; i < pairs; ++i) {
        if (!av_msgpack_text(cursor, &key))
            return false;
        size_t name = find_name(names, count, key);
        struct cursor begin = *cursor;
        if (name == count || values[name].ptr != NULL || !av_msgpack_skip(cursor))
            return false;
        values[name] = (struct attest_bytes){.ptr = begin.at, .len = begin.left - cursor->left};
    }
    return true;
}
