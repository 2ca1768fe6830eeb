#include "base/buf.h"

#include <malloc.h>
#include <stdlib.h>

#include "unit/checks.h"

static char byte_at(size_t at)
{
    return (char)((at * 31 + at / 251) & 0xff);
}

static void put(struct buf *buf, size_t from, size_t count)
{
    char *bytes = malloc(count + 1);
    for (size_t i = 0; i < count; ++i)
        bytes[i] = byte_at(from + i);
    ck_assert(buf_append(buf, bytes, count));
    free(bytes);
}

static void expect(struct buf *buf, size_t from, size_t count)
{
    char *bytes = malloc(count + 1);
    ck_assert_uint_eq(buf_read(buf, bytes, count), count);
    for (size_t i = 0; i < count; ++i)
        ck_assert_msg(bytes[i] == byte_at(from + i), "byte %zu", from + i);
    free(bytes);
}

START_TEST(a_buffer_takes_its_maximum_and_all_or_nothing)
{
    struct buf buf;
    buf_init(&buf, 10);
    put(&buf, 0, 9);
    ck_assert(!buf_append(&buf, "xx", 2));
    ck_assert_uint_eq(buf.bytes, 9);
    put(&buf, 9, 1);
    ck_assert_uint_eq(buf_room(&buf), 0);
    ck_assert(!buf_append(&buf, "x", 1));
    ck_assert(buf_append(&buf, NULL, 0));
    expect(&buf, 0, 10);
    ck_assert_uint_eq(buf_room(&buf), 10);
    buf_fini(&buf);
}
END_TEST

START_TEST(an_empty_buffer_owns_nothing_and_shows_nothing)
{
    struct buf buf;
    struct span pieces[2];
    char byte;
    buf_init(&buf, 100000);
    ck_assert_uint_eq(buf_front(&buf).len, 0);
    ck_assert_uint_eq(buf_spans(&buf, pieces, 2), 0);
    ck_assert_uint_eq(buf_read(&buf, &byte, 1), 0);
    put(&buf, 0, 50000);
    buf_drop(&buf, 50000);
    ck_assert_ptr_null(buf.first);
    ck_assert_ptr_null(buf.last);
    ck_assert_uint_eq(buf.bytes, 0);
    put(&buf, 0, 10);
    expect(&buf, 0, 10);
    buf_fini(&buf);
}
END_TEST

START_TEST(bytes_come_out_as_they_went_in_across_the_edges_of_chunks)
{
    static const size_t steps[] = {1, 1023, 1024, 1025, 16383, 16384, 16385, 40000, 7};
    struct buf buf;
    size_t in = 0, out = 0;
    buf_init(&buf, 1 << 20);
    for (unsigned round = 0; round < 5; ++round)
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); ++i) {
            put(&buf, in, steps[i]);
            in += steps[i];
            size_t count =
                steps[(i * 4 + round) % 9] < in - out ? steps[(i * 4 + round) % 9] : in - out;
            expect(&buf, out, count);
            out += count;
            ck_assert_uint_eq(buf.bytes, in - out);
        }
    expect(&buf, out, in - out);
    buf_fini(&buf);
}
END_TEST

START_TEST(the_pieces_are_the_whole_in_order)
{
    struct buf buf;
    struct span pieces[64];
    size_t total = 0;
    buf_init(&buf, 1 << 20);
    for (size_t i = 0; i < 100; ++i)
        put(&buf, i * 700, 700);
    buf_drop(&buf, 300);
    size_t count = buf_spans(&buf, pieces, 64);
    ck_assert_uint_lt(count, 64);
    ck_assert(span_is(pieces[0], buf_front(&buf)));
    for (size_t i = 0; i < count; ++i)
        for (size_t at = 0; at < pieces[i].len; ++at, ++total)
            ck_assert_int_eq(pieces[i].ptr[at], byte_at(300 + total));
    ck_assert_uint_eq(total, buf.bytes);
    ck_assert_uint_eq(buf_spans(&buf, pieces, 2), 2);
    buf_fini(&buf);
}
END_TEST

START_TEST(many_small_pieces_become_few_chunks)
{
    struct buf buf;
    struct span pieces[64];
    buf_init(&buf, 1 << 20);
    for (size_t i = 0; i < 65536; i += 64)
        put(&buf, i, 64);
    ck_assert_uint_le(buf_spans(&buf, pieces, 64), 8);
    buf_fini(&buf);
}
END_TEST

START_TEST(moving_keeps_order_and_stops_at_count_room_and_end)
{
    static const size_t counts[] = {0, 1, 500, 1024, 1025, 5000, 20000, 50000, 99999};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); ++i)
        for (size_t room = 100; room < 100000; room += 33300) {
            struct buf to, from;
            buf_init(&to, room);
            buf_init(&from, 1 << 20);
            put(&to, 0, 100);
            put(&from, 100, 700); /* several chunks, the first ones small */
            put(&from, 800, 5000);
            put(&from, 5800, 40000);
            size_t expected = counts[i] < 45700 ? counts[i] : 45700;
            if (expected > room - 100)
                expected = room - 100;
            ck_assert_uint_eq(buf_move(&to, &from, counts[i]), expected);
            ck_assert_uint_eq(to.bytes, 100 + expected);
            ck_assert_uint_eq(from.bytes, 45700 - expected);
            put(&from, 45800, 10); /* both still take more at their ends */
            expect(&to, 0, 100 + expected);
            expect(&from, 100 + expected, 45710 - expected);
            buf_fini(&to);
            buf_fini(&from);
        }
}
END_TEST

START_TEST(whole_chunks_change_hands_without_a_copy)
{
    struct buf to, from;
    buf_init(&to, 1 << 20);
    buf_init(&from, 1 << 20);
    put(&from, 0, 16384);
    const char *before = buf_front(&from).ptr;
    ck_assert_uint_eq(buf_move(&to, &from, SIZE_MAX), 16384);
    ck_assert_ptr_eq(buf_front(&to).ptr, before);
    ck_assert_ptr_null(from.first);
    buf_fini(&to);
    buf_fini(&from);
}
END_TEST

START_TEST(bytes_moved_one_by_one_do_not_cost_a_chunk_each)
{
    struct buf to, from;
    buf_init(&to, 65536);
    buf_init(&from, 65536);
    size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < 65536; ++i) {
        put(&from, i, 1);
        ck_assert_uint_eq(buf_move(&to, &from, 1), 1);
    }
    size_t after = mallinfo2().uordblks;
    ck_assert_uint_eq(to.bytes, 65536);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    ck_assert_uint_lt(after - before, 4 * 65536);
#else
    (void)before, (void)after;
#endif
    struct span pieces[64];
    ck_assert_uint_lt(buf_spans(&to, pieces, 64), 64);
    expect(&to, 0, 65536);
    buf_fini(&to);
    buf_fini(&from);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_buffer_takes_its_maximum_and_all_or_nothing,
                                  an_empty_buffer_owns_nothing_and_shows_nothing,
                                  bytes_come_out_as_they_went_in_across_the_edges_of_chunks,
                                  the_pieces_are_the_whole_in_order,
                                  many_small_pieces_become_few_chunks,
                                  moving_keeps_order_and_stops_at_count_room_and_end,
                                  whole_chunks_change_hands_without_a_copy,
                                  bytes_moved_one_by_one_do_not_cost_a_chunk_each,
                                  NULL};
    return checks_run("buf", tests);
}
