#include "base/list.h"

#include <string.h>

#include "unit/checks.h"

struct item {
    char letter;
    struct list node;
};

static struct item items[6];

static void items_init(void)
{
    for (unsigned i = 0; i < 6; ++i) {
        items[i].letter = (char)('a' + i);
        list_init(&items[i].node);
    }
}

static const char *letters_of(const struct list *list)
{
    static char text[8];
    const struct list *node;
    size_t len = 0;
    list_each (node, list)
        text[len++] = container_of(node, struct item, node)->letter;
    text[len] = '\0';
    return text;
}

START_TEST(nodes_keep_the_order_they_were_put_in)
{
    struct list list;
    items_init();
    list_init(&list);
    ck_assert(list_is_empty(&list));
    list_append(&list, &items[1].node);
    list_append(&list, &items[2].node);
    list_prepend(&list, &items[0].node);
    ck_assert_str_eq(letters_of(&list), "abc");
    ck_assert(!list_is_empty(&list));
    ck_assert(list_is_linked(&items[1].node));
    list_remove(&items[1].node);
    ck_assert(!list_is_linked(&items[1].node));
    ck_assert_str_eq(letters_of(&list), "ac");
    list_remove(&items[1].node); /* again is nothing */
    ck_assert_str_eq(letters_of(&list), "ac");
}
END_TEST

START_TEST(taking_empties_from_the_front)
{
    struct list list;
    items_init();
    list_init(&list);
    ck_assert_ptr_null(list_take(&list));
    list_append(&list, &items[0].node);
    list_append(&list, &items[1].node);
    ck_assert_ptr_eq(list_take(&list), &items[0].node);
    ck_assert(!list_is_linked(&items[0].node));
    ck_assert_ptr_eq(list_take(&list), &items[1].node);
    ck_assert_ptr_null(list_take(&list));
}
END_TEST

START_TEST(moving_all_puts_them_behind_and_leaves_nothing)
{
    struct list to, from;
    items_init();
    list_init(&to);
    list_init(&from);
    list_move_all(&to, &from); /* nothing to nothing */
    ck_assert(list_is_empty(&to));
    list_append(&from, &items[2].node);
    list_append(&from, &items[3].node);
    list_move_all(&to, &from);
    ck_assert(list_is_empty(&from));
    ck_assert_str_eq(letters_of(&to), "cd");
    list_append(&from, &items[4].node);
    list_move_all(&to, &from);
    list_move_all(&to, &from);
    ck_assert_str_eq(letters_of(&to), "cde");
    list_remove(&items[4].node);
    list_append(&to, &items[5].node);
    ck_assert_str_eq(letters_of(&to), "cdf");
}
END_TEST

START_TEST(a_walk_may_remove_what_it_stands_on)
{
    struct list list, *node, *after;
    items_init();
    list_init(&list);
    for (unsigned i = 0; i < 6; ++i)
        list_append(&list, &items[i].node);
    list_each_safe (node, after, &list) {
        if (container_of(node, struct item, node)->letter % 2 == 0)
            list_remove(node);
    }
    ck_assert_str_eq(letters_of(&list), "ace");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nodes_keep_the_order_they_were_put_in, taking_empties_from_the_front,
        moving_all_puts_them_behind_and_leaves_nothing, a_walk_may_remove_what_it_stands_on, NULL};
    return checks_run("list", tests);
}
