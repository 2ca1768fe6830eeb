#include "bytes/cursor.h"

#include "bytes/hex.h"
#include "bytes/moment.h"

#include "../checks.h"

#include <string.h>

static struct cursor over(const void *bytes, size_t len)
{
    return av_cursor_over((struct attest_bytes){.ptr = bytes, .len = len});
}

START_TEST(a_cursor_gives_what_is_left_and_not_one_byte_more)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5};
    struct cursor cursor = over(bytes, sizeof bytes);
    struct attest_bytes out;
    ck_assert(!av_cursor_take(&cursor, 6, &out));
    ck_assert(av_cursor_take(&cursor, 5, &out));
    ck_assert_uint_eq(out.len, 5);
    ck_assert(!av_cursor_take(&cursor, 1, &out));
    ck_assert(!av_cursor_take(&cursor, SIZE_MAX, &out));
    ck_assert(av_cursor_take(&cursor, 0, &out));
}
END_TEST

START_TEST(numbers_are_little_endian_and_taken_whole_or_not_at_all)
{
    static const uint8_t bytes[] = {0x12, 0x01, 0x02, 0x01, 0x02, 0x03, 0x84};
    struct cursor cursor = over(bytes, sizeof bytes);
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    ck_assert(av_cursor_u8(&cursor, &u8) && u8 == 0x12);
    ck_assert(av_cursor_u16le(&cursor, &u16) && u16 == 0x0201);
    struct cursor three = {.at = cursor.at, .left = 3};
    ck_assert(!av_cursor_u32le(&three, &u32));
    ck_assert_uint_eq(three.left, 3);
    ck_assert(av_cursor_u32le(&cursor, &u32) && u32 == 0x84030201);
    ck_assert(!av_cursor_u8(&cursor, &u8));
}
END_TEST

START_TEST(der_lengths_must_be_definite_shortest_and_within)
{
    static const struct {
        const char *hex;
        bool good;
        size_t len;
    } rows[] = {{"0400", true, 0},        {"040101", true, 1},
                {"0401", false, 0},       {"0480", false, 0},
                {"04810101", false, 0},   {"0481", false, 0},
                {"04820001aa", false, 0}, {"0485000000000100", false, 0},
                {"02020101", false, 0},   {"04847fffffff00", false, 0},
                {"", false, 0},           {"04", false, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        uint8_t bytes[32];
        size_t len = strlen(rows[i].hex) / 2;
        ck_assert(av_hex_decode(rows[i].hex, 2 * len, bytes, len));
        struct cursor cursor = over(bytes, len);
        struct attest_bytes inner;
        ck_assert(av_cursor_der(&cursor, 4, &inner) == rows[i].good);
        if (rows[i].good)
            ck_assert_uint_eq(inner.len, rows[i].len);
        else
            ck_assert_uint_eq(cursor.left, len);
    }
    uint8_t longer[131] = {4, 0x81, 128};
    struct cursor cursor = over(longer, sizeof longer);
    struct attest_bytes inner;
    ck_assert(av_cursor_der(&cursor, 4, &inner) && inner.len == 128);
}
END_TEST

START_TEST(hex_is_pairs_of_digits_of_the_length_asked_for)
{
    uint8_t bytes[2];
    char text[5];
    ck_assert(av_hex_decode("aAf0", 4, bytes, 2));
    av_hex_encode(bytes, 2, text);
    ck_assert_str_eq(text, "aaf0");
    static const char *const bad[] = {"aAf", "aAf00", "aAf000", "aAg0", " Af0", "0xf0", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
        ck_assert(!av_hex_decode(bad[i], strlen(bad[i]), bytes, 2));
}
END_TEST

START_TEST(moments_are_spelled_in_one_way_and_exist)
{
    static const struct {
        const char *text;
        int64_t at; /* -1: refused */
    } rows[] = {{"1970-01-01T00:00:00Z", 0},
                {"2025-02-13T03:39:00Z", 1739417940},
                {"2024-02-29T23:59:59Z", 1709251199},
                {"2000-02-29T00:00:00Z", 951782400},
                {"2023-02-29T00:00:00Z", -1},
                {"2100-02-29T00:00:00Z", -1},
                {"2025-13-01T00:00:00Z", -1},
                {"2025-00-01T00:00:00Z", -1},
                {"2025-01-32T00:00:00Z", -1},
                {"2025-01-01T24:00:00Z", -1},
                {"2025-01-01T00:60:00Z", -1},
                {"2025-01-01T00:00:60Z", -1},
                {"2025-01-01T00:00:00", -1},
                {"2025-01-01T00:00:00+", -1},
                {"2025-01-01 00:00:00Z", -1},
                {"2025-01-01T00:00:00.0Z", -1},
                {"1969-12-31T23:59:59Z", -1},
                {"+025-01-01T00:00:00Z", -1},
                {"", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        int64_t at = -1;
        ck_assert(av_moment_parse(rows[i].text, &at) == (rows[i].at >= 0));
        if (rows[i].at >= 0)
            ck_assert_int_eq(at, rows[i].at);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_cursor_gives_what_is_left_and_not_one_byte_more,
                                  numbers_are_little_endian_and_taken_whole_or_not_at_all,
                                  der_lengths_must_be_definite_shortest_and_within,
                                  hex_is_pairs_of_digits_of_the_length_asked_for,
                                  moments_are_spelled_in_one_way_and_exist,
                                  NULL};
    return checks_run("cursor", tests);
}
