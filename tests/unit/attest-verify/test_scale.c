/* Compact lengths: each of their sizes at its limits, and those that nothing backs. */
#include "bytes/scale.h"

#include "../checks.h"

#include <string.h>

static uint8_t room[1 << 15];

static bool length_of(const uint8_t *head, size_t head_len, size_t behind, size_t *out)
{
    if (head_len > 0)
        memcpy(room, head, head_len);
    struct cursor cursor =
        av_cursor_over((struct attest_bytes){.ptr = room, .len = head_len + behind});
    bool ok = av_scale_length(&cursor, out);
    ck_assert_uint_eq(cursor.left, ok ? behind : head_len + behind);
    return ok;
}

START_TEST(a_length_is_read_in_its_shortest_form_only)
{
    static const struct {
        uint8_t head[4];
        size_t head_len;
        bool good;
        size_t value;
    } rows[] = {{{0x00}, 1, true, 0},
                {{0xfc}, 1, true, 63},
                {{0x01, 0x01}, 2, true, 64},
                {{0xfd, 0x00}, 2, false, 0}, /* 63 */
                {{0x01, 0x00}, 2, false, 0}, /* 0 */
                {{0xfd, 0xff}, 2, true, 16383},
                {{0x02, 0x00, 0x01, 0x00}, 4, true, 16384},
                {{0xfe, 0xff, 0x00, 0x00}, 4, false, 0}, /* 16383 */
                {{0xfe, 0xff, 0xff, 0xff}, 4, false, 0}, /* 2^30 - 1: a bomb */
                {{0x03, 0x00, 0x00, 0x40}, 4, false, 0}, /* 2^30 and more */
                {{0x01}, 1, false, 0},
                {{0x02, 0x00, 0x01}, 3, false, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        size_t value = 0, behind = rows[i].head_len < 2 && !rows[i].good ? 0 : 20000;
        if (rows[i].head_len == 3)
            behind = 0;
        ck_assert_msg(length_of(rows[i].head, rows[i].head_len, behind, &value) == rows[i].good,
                      "row %zu", i);
        ck_assert_uint_eq(value, rows[i].good ? rows[i].value : 0);
    }
}
END_TEST

START_TEST(a_length_beyond_what_follows_is_refused)
{
    size_t value;
    ck_assert(length_of((const uint8_t[]){10 << 2}, 1, 10, &value));
    ck_assert(length_of((const uint8_t[]){10 << 2}, 1, 11, &value));
    ck_assert(!length_of((const uint8_t[]){10 << 2}, 1, 9, &value));
    ck_assert(!length_of(NULL, 0, 0, &value));
}
END_TEST

START_TEST(bytes_are_taken_whole_or_not_at_all)
{
    static const uint8_t two[] = {2 << 2, 'a', 'b', 2 << 2, 'c'};
    struct cursor cursor = av_cursor_over((struct attest_bytes){.ptr = two, .len = sizeof two});
    struct attest_bytes out;
    ck_assert(av_scale_bytes(&cursor, &out));
    ck_assert_uint_eq(out.len, 2);
    ck_assert_mem_eq(out.ptr, "ab", 2);
    ck_assert(!av_scale_bytes(&cursor, &out));
    ck_assert_uint_eq(cursor.left, 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_length_is_read_in_its_shortest_form_only,
                                  a_length_beyond_what_follows_is_refused,
                                  bytes_are_taken_whole_or_not_at_all, NULL};
    return checks_run("scale", tests);
}
