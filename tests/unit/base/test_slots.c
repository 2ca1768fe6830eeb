#include "base/slots.h"

#include "unit/checks.h"

START_TEST(an_id_finds_its_object_until_it_is_given_back)
{
    struct slots slots;
    int a, b;
    slots_init(&slots, 10);
    ck_assert_ptr_null(slots_find(&slots, 0));
    uint64_t id = slots_take(&slots, &a);
    ck_assert_uint_ne(id, 0);
    ck_assert_ptr_eq(slots_find(&slots, id), &a);
    slots_give(&slots, id);
    ck_assert_ptr_null(slots_find(&slots, id));
    uint64_t next = slots_take(&slots, &b); /* the same place, another generation */
    ck_assert_uint_eq((uint32_t)next, (uint32_t)id);
    ck_assert_uint_ne(next, id);
    ck_assert_ptr_null(slots_find(&slots, id));
    ck_assert_ptr_eq(slots_find(&slots, next), &b);
    slots_fini(&slots);
}
END_TEST

START_TEST(ids_nobody_was_given_find_nothing)
{
    struct slots slots;
    int a;
    slots_init(&slots, 100);
    uint64_t id = slots_take(&slots, &a);
    ck_assert_ptr_null(slots_find(&slots, 0));
    ck_assert_ptr_null(slots_find(&slots, id + 1));            /* free, of generation 1 */
    ck_assert_ptr_null(slots_find(&slots, id + (1ULL << 32))); /* a later generation */
    ck_assert_ptr_null(slots_find(&slots, id | 0xffffffff));   /* beyond the table */
    ck_assert_ptr_null(slots_find(&slots, UINT64_MAX));
    slots_fini(&slots);
}
END_TEST

START_TEST(a_full_table_refuses_until_one_leaves)
{
    static const uint32_t mosts[] = {0, 1, 63, 64, 65, 200};
    for (size_t i = 0; i < sizeof(mosts) / sizeof(mosts[0]); ++i) {
        struct slots slots;
        uint64_t ids[200];
        int object;
        slots_init(&slots, mosts[i]);
        for (uint32_t n = 0; n < mosts[i]; ++n) {
            ids[n] = slots_take(&slots, &object);
            ck_assert_uint_ne(ids[n], 0);
            for (uint32_t m = 0; m < n; ++m)
                ck_assert_uint_ne(ids[m], ids[n]);
        }
        ck_assert_uint_eq(slots_take(&slots, &object), 0);
        ck_assert_uint_eq(slots.used, mosts[i]);
        if (mosts[i] > 0) {
            slots_give(&slots, ids[mosts[i] / 2]);
            ck_assert_uint_ne(slots_take(&slots, &object), 0);
            ck_assert_uint_eq(slots_take(&slots, &object), 0);
        }
        slots_fini(&slots);
    }
}
END_TEST

START_TEST(a_generation_that_wraps_skips_zero)
{
    struct slots slots;
    int a;
    slots_init(&slots, 1);
    uint64_t id = slots_take(&slots, &a);
    slots_give(&slots, id);
    slots.slots[0].generation = UINT32_MAX;
    id = slots_take(&slots, &a);
    ck_assert_uint_eq(id >> 32, UINT32_MAX);
    slots_give(&slots, id);
    id = slots_take(&slots, &a);
    ck_assert_uint_eq(id >> 32, 1);
    ck_assert_uint_ne(id, 0);
    slots_fini(&slots);
}
END_TEST

START_TEST(walking_sees_what_is_there_and_only_that)
{
    struct slots slots;
    int objects[3];
    unsigned seen = 0;
    slots_init(&slots, 10);
    slots_take(&slots, &objects[0]);
    uint64_t second = slots_take(&slots, &objects[1]);
    slots_take(&slots, &objects[2]);
    slots_give(&slots, second);
    for (uint32_t i = 0; i < slots.count; ++i)
        if (slots_at(&slots, i) != NULL)
            ++seen;
    ck_assert_uint_eq(seen, 2);
    ck_assert_ptr_null(slots_at(&slots, slots.count));
    slots_fini(&slots);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_id_finds_its_object_until_it_is_given_back, ids_nobody_was_given_find_nothing,
        a_full_table_refuses_until_one_leaves,         a_generation_that_wraps_skips_zero,
        walking_sees_what_is_there_and_only_that,      NULL};
    return checks_run("slots", tests);
}
