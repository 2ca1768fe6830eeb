/* The strict reader against well-formed, long-winded and broken items. */
#include "bytes/cbor.h"

#include "bytes/hex.h"

#include "../checks.h"

#include <string.h>

static struct cursor decode(const char *hex, uint8_t *room)
{
    size_t len = strlen(hex) / 2;
    ck_assert(av_hex_decode(hex, 2 * len, room, len));
    return av_cursor_over((struct attest_bytes){.ptr = room, .len = len});
}

START_TEST(heads_are_read_in_their_shortest_form_only)
{
    static const struct {
        const char *hex;
        bool good;
        uint64_t value;
    } rows[] = {{"00", true, 0},
                {"17", true, 23},
                {"1818", true, 24},
                {"1817", false, 0},
                {"18ff", true, 255},
                {"190100", true, 256},
                {"1900ff", false, 0},
                {"1a00010000", true, 65536},
                {"1a0000ffff", false, 0},
                {"1b0000000100000000", true, 4294967296},
                {"1b00000000ffffffff", false, 0},
                {"1bffffffffffffffff", true, UINT64_MAX},
                {"1c", false, 0},
                {"1f", false, 0},
                {"19ff", false, 0},
                {"20", false, 0},
                {"", false, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        uint8_t room[16];
        uint64_t value;
        struct cursor cursor = decode(rows[i].hex, room);
        ck_assert(av_cbor_head(&cursor, CBOR_UINT, &value) == rows[i].good);
        if (rows[i].good)
            ck_assert_uint_eq(value, rows[i].value);
    }
}
END_TEST

START_TEST(strings_end_within_the_bytes)
{
    uint8_t room[16];
    struct attest_bytes out;
    struct cursor cursor = decode("42aabb", room);
    ck_assert(av_cbor_string(&cursor, CBOR_BYTES, &out) && out.len == 2 && out.ptr[1] == 0xbb);
    cursor = decode("43aabb", room);
    ck_assert(!av_cbor_string(&cursor, CBOR_BYTES, &out));
    ck_assert_uint_eq(cursor.left, 3);
    cursor = decode("5bffffffffffffffff", room);
    ck_assert(!av_cbor_string(&cursor, CBOR_BYTES, &out));
    cursor = decode("5f42aabbff", room);
    ck_assert(!av_cbor_string(&cursor, CBOR_BYTES, &out));
    cursor = decode("6161", room);
    ck_assert(!av_cbor_string(&cursor, CBOR_BYTES, &out));
    ck_assert(av_cbor_string(&cursor, CBOR_TEXT, &out));
}
END_TEST

START_TEST(skipping_passes_one_item_of_any_kind)
{
    static const struct {
        const char *hex;
        bool good;
        size_t left;
    } rows[] = {{"0000", true, 1},
                {"8201024141", true, 2},
                {"a16161820102", true, 0},
                {"c1826161f5f6", true, 1},
                {"f5", true, 0},
                {"f820", true, 0},
                {"f81f", false, 0},
                {"fb3ff0000000000000", true, 0},
                {"8201", false, 0},
                {"a161", false, 0},
                {"9fff", false, 0},
                {"9bffffffffffffffff", false, 0},
                {"bbffffffffffffffff", false, 0},
                {"bb8000000000000000", false, 0},
                {"ff", false, 0},
                {"", false, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        uint8_t room[16];
        struct cursor cursor = decode(rows[i].hex, room);
        ck_assert(av_cbor_skip(&cursor) == rows[i].good);
        if (rows[i].good)
            ck_assert_uint_eq(cursor.left, rows[i].left);
    }
}
END_TEST

START_TEST(nesting_ends_at_its_limit)
{
    uint8_t nested[CBOR_DEPTH_MAX + 2];
    memset(nested, 0x81, sizeof nested);
    nested[CBOR_DEPTH_MAX] = 0;
    struct cursor cursor =
        av_cursor_over((struct attest_bytes){.ptr = nested, .len = CBOR_DEPTH_MAX + 1});
    ck_assert(av_cbor_skip(&cursor));
    nested[CBOR_DEPTH_MAX] = 0x81;
    nested[CBOR_DEPTH_MAX + 1] = 0;
    cursor = av_cursor_over((struct attest_bytes){.ptr = nested, .len = CBOR_DEPTH_MAX + 2});
    ck_assert(!av_cbor_skip(&cursor));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        heads_are_read_in_their_shortest_form_only, strings_end_within_the_bytes,
        skipping_passes_one_item_of_any_kind, nesting_ends_at_its_limit, NULL};
    return checks_run("cbor", tests);
}
