/* The strict reader of MessagePack against every kind of item, maps, depth and bombs. */
#include "bytes/msgpack.h"

#include "bytes/hex.h"

#include "../checks.h"

#include <string.h>

static struct cursor decode(const char *hex, uint8_t *room)
{
    size_t len = strlen(hex) / 2;
    ck_assert(av_hex_decode(hex, 2 * len, room, len));
    return av_cursor_over((struct attest_bytes){.ptr = room, .len = len});
}

START_TEST(every_item_is_skipped_whole_or_refused)
{
    static const struct {
        const char *hex;
        bool good;
    } rows[] = {{"00", true},
                {"7f", true},
                {"e0", true},
                {"c0", true},
                {"c1", false}, /* never used */
                {"c2", true},
                {"c3", true},
                {"ccff", true},
                {"cc", false},
                {"cdffff", true},
                {"ceffffffff", true},
                {"cfffffffffffffffff", true},
                {"cfffffffffffffff", false},
                {"d080", true},
                {"d18000", true},
                {"d280000000", true},
                {"d38000000000000000", true},
                {"d300", false},
                {"ca00000000", true},
                {"cb0000000000000000", true},
                {"a161", true},
                {"a1", false},
                {"d90161", true},
                {"da000161", true},
                {"db0000000161", true},
                {"dbffffffff61", false},
                {"c40161", true},
                {"c5000161", true},
                {"c60000000161", true},
                {"c6ffffffff", false},
                {"90", true},
                {"9100", true},
                {"91", false},
                {"dc000100", true},
                {"dd0000000100", true},
                {"ddffffffff", false},
                {"80", true},
                {"810000", true},
                {"8100", false},
                {"de00010000", true},
                {"df000000010000", true},
                {"dfffffffff", false},
                {"c7010000", false}, /* an extension */
                {"d40000", false},
                {"", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        uint8_t room[16];
        struct cursor cursor = decode(rows[i].hex, room);
        bool good = av_msgpack_skip(&cursor);
        ck_assert_msg(good == rows[i].good, "%s", rows[i].hex);
        if (good)
            ck_assert_uint_eq(cursor.left, 0);
    }
}
END_TEST

START_TEST(nesting_ends_at_its_depth)
{
    for (int depth = MSGPACK_DEPTH_MAX - 1; depth <= MSGPACK_DEPTH_MAX + 1; ++depth) {
        uint8_t room[MSGPACK_DEPTH_MAX + 2];
        memset(room, 0x91, sizeof room);
        room[depth] = 0x00;
        struct cursor cursor =
            av_cursor_over((struct attest_bytes){.ptr = room, .len = (size_t)depth + 1});
        ck_assert(av_msgpack_skip(&cursor) == (depth <= MSGPACK_DEPTH_MAX));
    }
}
END_TEST

START_TEST(a_map_holds_known_keys_each_once)
{
    static const char *const names[] = {"a", "bc"};
    static const struct {
        const char *hex;
        bool good;
    } rows[] = {{"80", true},
                {"81a16101", true},
                {"82a16101a2626302", true},
                {"82a2626302a16101", true},
                {"82a16101a16101", false},   /* twice */
                {"82a16101d9016102", false}, /* twice, spelled otherwise */
                {"81a17a01", false},         /* unknown */
                {"82a16101a17a01", false},
                {"83a16101a2626302a17a03", false}, /* more than there are names */
                {"81a161", false},
                {"810101", false}, /* a key that is no text */
                {"91a161", false},
                {"dfffffffff", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        uint8_t room[32];
        struct attest_bytes values[2];
        struct cursor cursor = decode(rows[i].hex, room);
        ck_assert_msg(av_msgpack_map(&cursor, names, 2, values) == rows[i].good, "%s", rows[i].hex);
    }
}
END_TEST

START_TEST(values_of_a_map_come_by_name)
{
    static const char *const names[] = {"a", "bc"};
    uint8_t room[32];
    struct attest_bytes values[2];
    struct cursor cursor = decode("82a26263cd0100a16101", room);
    ck_assert(av_msgpack_map(&cursor, names, 2, values));
    ck_assert_uint_eq(values[0].len, 1);
    ck_assert_uint_eq(values[1].len, 3);
    uint64_t number;
    cursor = av_cursor_over(values[1]);
    ck_assert(av_msgpack_uint(&cursor, 256, &number) && number == 256);
    cursor = av_cursor_over(values[1]);
    ck_assert(!av_msgpack_uint(&cursor, 255, &number));
}
END_TEST

START_TEST(bytes_are_binary_or_numbers_below_256)
{
    static const struct {
        const char *hex;
        bool good;
    } rows[] = {{"c403010280", true}, {"930102cc80", true},    {"9301 02cd0080", true},
                {"93010202", false},  {"930102cd0100", false}, {"9301 02e0", false},
                {"a3010280", false},  {"dcffff01", false},     {"94010203cc80", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        char hex[32], *to = hex;
        for (const char *from = rows[i].hex; *from != '\0'; ++from)
            if (*from != ' ')
                *to++ = *from;
        *to = '\0';
        uint8_t bytes[16], octets[3];
        struct msgpack_room room = {.at = octets, .left = sizeof octets};
        struct attest_bytes out = {NULL, 0};
        struct cursor cursor = decode(hex, bytes);
        bool good = av_msgpack_octets(&cursor, &room, &out) && out.len == 3 &&
                    memcmp(out.ptr, "\x01\x02\x80", 3) == 0;
        ck_assert_msg(good == rows[i].good, "%s", rows[i].hex);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_item_is_skipped_whole_or_refused, nesting_ends_at_its_depth,
        a_map_holds_known_keys_each_once,       values_of_a_map_come_by_name,
        bytes_are_binary_or_numbers_below_256,  NULL};
    return checks_run("msgpack", tests);
}
