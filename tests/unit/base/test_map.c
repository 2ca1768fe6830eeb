#include "base/map.h"

#include <stdio.h>

#include "unit/checks.h"

static struct span key_of(unsigned number, char *memory)
{
    return span_of(memory, (size_t)snprintf(memory, 16, "key-%u", number));
}

START_TEST(what_was_added_is_found_until_it_is_removed)
{
    struct map map;
    int a, b;
    map_init(&map, 10, 1);
    ck_assert_ptr_null(map_find(&map, SPAN_OF("x")));
    ck_assert(map_add(&map, SPAN_OF("x"), &a));
    ck_assert(map_add(&map, SPAN_OF(""), &b));
    ck_assert_ptr_eq(map_find(&map, SPAN_OF("x")), &a);
    ck_assert_ptr_eq(map_find(&map, SPAN_NONE), &b);
    ck_assert_ptr_null(map_find(&map, span_of("x\0", 2)));
    ck_assert_ptr_eq(map_remove(&map, SPAN_OF("x")), &a);
    ck_assert_ptr_null(map_remove(&map, SPAN_OF("x")));
    ck_assert_ptr_null(map_find(&map, SPAN_OF("x")));
    ck_assert_uint_eq(map.count, 1);
    map_fini(&map);
}
END_TEST

START_TEST(a_key_stands_once_and_keeps_its_first_value)
{
    struct map map;
    int a, b;
    map_init(&map, 10, 1);
    ck_assert(map_add(&map, SPAN_OF("x"), &a));
    ck_assert(!map_add(&map, SPAN_OF("x"), &b));
    ck_assert_ptr_eq(map_find(&map, SPAN_OF("x")), &a);
    ck_assert_uint_eq(map.count, 1);
    map_fini(&map);
}
END_TEST

START_TEST(keys_are_copied)
{
    struct map map;
    char key[] = "mine";
    int a;
    map_init(&map, 10, 1);
    ck_assert(map_add(&map, span_text(key), &a));
    key[0] = 'f';
    ck_assert_ptr_eq(map_find(&map, SPAN_OF("mine")), &a);
    ck_assert_ptr_null(map_find(&map, SPAN_OF("fine")));
    map_fini(&map);
}
END_TEST

START_TEST(a_full_map_refuses_until_one_is_removed)
{
    static const size_t mosts[] = {1, 15, 16, 17, 1000};
    for (size_t i = 0; i < sizeof(mosts) / sizeof(mosts[0]); ++i) {
        struct map map;
        char memory[16];
        static int values[1001];
        map_init(&map, mosts[i], 99);
        for (unsigned n = 0; n < mosts[i]; ++n)
            ck_assert(map_add(&map, key_of(n, memory), &values[n]));
        ck_assert(!map_add(&map, SPAN_OF("more"), &values[0]));
        for (unsigned n = 0; n < mosts[i]; ++n)
            ck_assert_ptr_eq(map_find(&map, key_of(n, memory)), &values[n]);
        ck_assert_ptr_eq(map_remove(&map, key_of(0, memory)), &values[0]);
        ck_assert(map_add(&map, SPAN_OF("more"), &values[1000]));
        ck_assert(!map_add(&map, SPAN_OF("and more"), &values[0]));
        map_fini(&map);
    }
}
END_TEST

static void note_entry(void *arg, struct span key, void *value)
{
    unsigned *sums = arg;
    uint64_t number;
    ck_assert(span_to_u64(span_from(key, 4), 1000, &number));
    ck_assert_uint_eq(*(unsigned *)value, number);
    sums[0] += 1;
    sums[1] += (unsigned)number;
}

START_TEST(a_visit_sees_each_entry_once)
{
    struct map map;
    static unsigned values[100];
    unsigned sums[2] = {0, 0};
    char memory[16];
    map_init(&map, 100, 7);
    for (unsigned n = 0; n < 100; ++n) {
        values[n] = n;
        ck_assert(map_add(&map, key_of(n, memory), &values[n]));
    }
    map_visit(&map, note_entry, sums);
    ck_assert_uint_eq(sums[0], 100);
    ck_assert_uint_eq(sums[1], 99 * 100 / 2);
    map_fini(&map);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_was_added_is_found_until_it_is_removed,
                                  a_key_stands_once_and_keeps_its_first_value,
                                  keys_are_copied,
                                  a_full_map_refuses_until_one_is_removed,
                                  a_visit_sees_each_entry_once,
                                  NULL};
    return checks_run("map", tests);
}
