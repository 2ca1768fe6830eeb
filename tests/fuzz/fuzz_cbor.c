/* Any bytes as CBOR. What is skipped as one item is also what its head and its parts say, and an
 * item cut short by a byte is none. */
#include "bytes/cbor.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The item at the cursor, by its parts: a second reader, made of the first one's smaller words. */
static bool walk(struct cursor *cursor, int depth)
{
    if (cursor->left == 0)
        return false;
    enum cbor_major major = *cursor->at >> 5;
    struct attest_bytes text;
    uint64_t count;
    if (major == CBOR_BYTES || major == CBOR_TEXT)
        return av_cbor_string(cursor, major, &text);
    if (major > CBOR_TAG)
        return av_cbor_skip(cursor);
    if (!av_cbor_head(cursor, major, &count))
        return false;
    if (major < CBOR_BYTES)
        return true;
    if (depth >= CBOR_DEPTH_MAX)
        return false;
    if (major == CBOR_TAG)
        return walk(cursor, depth + 1);
    if (count > cursor->left)
        return false;
    for (uint64_t i = 0; i < count * (major == CBOR_MAP ? 2 : 1); ++i)
        if (!walk(cursor, depth + 1))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor cursor = av_cursor_over((struct attest_bytes){.ptr = data, .len = size});
    while (cursor.left > 0) {
        struct cursor before = cursor, again = cursor;
        if (!av_cbor_skip(&cursor))
            break;
        size_t taken = before.left - cursor.left;
        if (!walk(&again, 0) || again.left != cursor.left)
            abort();
        before.left = taken - 1;
        if (av_cbor_skip(&before))
            abort();
    }
    return 0;
}
