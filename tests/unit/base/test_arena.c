#include "base/arena.h"

#include <stdalign.h>

#include "unit/checks.h"

START_TEST(an_arena_gives_its_maximum_and_not_a_byte_more)
{
    for (size_t most = 1; most < 70; ++most) {
        struct arena arena;
        arena_init(&arena, most);
        ck_assert_ptr_null(arena_take(&arena, most + 1));
        ck_assert_ptr_nonnull(arena_take(&arena, most));
        ck_assert_ptr_null(arena_take(&arena, 1));
        arena_fini(&arena);
    }
}
END_TEST

START_TEST(a_refused_piece_costs_nothing)
{
    struct arena arena;
    arena_init(&arena, 64);
    ck_assert_ptr_nonnull(arena_take(&arena, 32));
    ck_assert_ptr_null(arena_take(&arena, 33));
    ck_assert_uint_eq(arena.used, 32);
    ck_assert_ptr_nonnull(arena_take(&arena, 32));
    arena_fini(&arena);
    ck_assert_uint_eq(arena.used, 0);
    ck_assert_ptr_nonnull(arena_take(&arena, 64)); /* and it can be used again */
    arena_fini(&arena);
}
END_TEST

START_TEST(absurd_sizes_are_refused_and_do_not_wrap)
{
    struct arena arena;
    struct span out;
    arena_init(&arena, SIZE_MAX);
    ck_assert_ptr_null(arena_take(&arena, SIZE_MAX));
    ck_assert_ptr_null(arena_take(&arena, SIZE_MAX - 3));
    ck_assert(!arena_copy(&arena, span_of("x", SIZE_MAX), &out));
    arena_fini(&arena);
}
END_TEST

START_TEST(pieces_are_aligned_apart_and_stay_where_they_are)
{
    struct arena arena;
    unsigned char *pieces[200];
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < 200; ++i) {
        size_t len = 1 + i * 37 % 3000; /* within a block, and larger than one */
        pieces[i] = arena_take(&arena, len);
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert_uint_eq((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], (int)i, len);
    }
    for (size_t i = 0; i < 200; ++i)
        for (size_t at = 0; at < 1 + i * 37 % 3000; ++at)
            ck_assert_uint_eq(pieces[i][at], i);
    arena_fini(&arena);
}
END_TEST

START_TEST(a_copy_ends_with_a_nul_that_is_not_spanned)
{
    struct arena arena;
    struct span out;
    arena_init(&arena, 16 + 16);
    ck_assert(arena_copy(&arena, SPAN_OF("hello"), &out));
    ck_assert(span_is(out, SPAN_OF("hello")));
    ck_assert_int_eq(out.ptr[5], '\0');
    ck_assert(!arena_copy(&arena, SPAN_OF("0123456789abcdef"), &out)); /* 17 with its NUL */
    ck_assert(span_is(out, SPAN_OF("hello")));
    ck_assert(arena_copy(&arena, SPAN_OF("0123456789abcde"), &out));
    arena_fini(&arena);
    ck_assert(arena_copy(&arena, SPAN_NONE, &out));
    ck_assert_uint_eq(out.len, 0);
    ck_assert_int_eq(out.ptr[0], '\0');
    arena_fini(&arena);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {an_arena_gives_its_maximum_and_not_a_byte_more,
                                  a_refused_piece_costs_nothing,
                                  absurd_sizes_are_refused_and_do_not_wrap,
                                  pieces_are_aligned_apart_and_stay_where_they_are,
                                  a_copy_ends_with_a_nul_that_is_not_spanned,
                                  NULL};
    return checks_run("arena", tests);
}
