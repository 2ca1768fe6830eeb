/* Calls below calls: the scripts' budget algebra (metering.md 6) one rule at a time, against a real
 * redis-server. */
#include "scripts_caller.h"
#include "unit/checks.h"

static struct scripts_caller c;

static const char *account_field(const char *field)
{
    redisReply *reply = caller_say(&c, "HGET " TAG "a:ann %s", field);
    return reply->type == REDIS_REPLY_STRING ? reply->str : "(none)";
}

static void is_word(const redisReply *reply, const char *word)
{
    ck_assert_str_eq(caller_word(reply, 0), word);
}

/* A field of an invocation's record. */
static int64_t record_number(const char *inv, const char *field)
{
    redisReply *reply = caller_eval(
        &c, script_peek, 2, (const char *[]){caller_key(&c, 1, "h", inv), TAG "x", inv, NULL});
    for (size_t i = 0; i + 1 < reply->elements; i += 2)
        if (strcmp(caller_word(reply, i), field) == 0)
            return caller_number(reply, i + 1);
    ck_abort_msg("the record of %s has no %s", inv, field);
}

static const struct caller_place under_root = {"root", "root", "4", "16"};
static const struct caller_place under_child = {"child", "root", "4", "16"};

/* "ann" has 1000 and a call "root" of 100 with a sub-budget of 500. */
static void open_tree(void)
{
    caller_start(&c);
    is_word(say_account(&c, "create", "ann", NULL), "OK");
    is_word(say_credit(&c, "ann", "+", "1000", "first"), "OK");
    is_word(say_hold(&c, "ann", "root", "t", "", "100", "500", "60000"), "OK");
}

static redisReply *hold_below(const struct caller_place *place, const char *inv,
                              const char *ceiling, const char *sub)
{
    return say_hold_below(&c, place, "ann", inv, "t", "", ceiling, sub, "60000");
}

static redisReply *settle_below(const struct caller_place *place, const char *inv, const char *cost)
{
    return say_settle_below(&c, place, "ann", inv, "t", cost);
}

/* What must be so whatever happened: I1, and a window that counts held and spent. */
static void balances(int64_t bal, int64_t held, int64_t spent)
{
    NUMBER(bal_text, bal);
    NUMBER(held_text, held);
    NUMBER(spent_text, spent);
    NUMBER(day_text, held + spent);
    ck_assert_int_eq(bal + held + spent, 1000);
    ck_assert_str_eq(account_field("bal"), bal_text);
    ck_assert_str_eq(account_field("held"), held_text);
    ck_assert_str_eq(account_field("spent"), spent_text);
    ck_assert_str_eq(account_field("dU"), day_text);
    ck_assert_str_eq(account_field("mU"), day_text);
}

START_TEST(a_childs_hold_comes_out_of_its_parents_sub_budget_and_nothing_else_moves)
{
    open_tree();
    redisReply *reply = hold_below(&under_root, "child", "200", "100");
    is_word(reply, "OK");
    ck_assert_int_eq(caller_number(reply, 1), 200); /* left of the sub-budget, not the balance */
    balances(400, 600, 0);
    ck_assert_str_eq(account_field("inf"), "1");
    ck_assert_int_eq(record_number("root", "sb"), 200);
    ck_assert_int_eq(record_number("root", "kids"), 1);
    ck_assert_int_eq(record_number("child", "dep"), 1);
    is_word(settle_below(&under_root, "child", "150"), "OK");
    balances(400, 450, 150);
    ck_assert_int_eq(record_number("root", "sb"), 350);
    ck_assert_int_eq(record_number("root", "kids"), 0);
    is_word(say_settle(&c, "ann", "root", "t", "40"), "OK");
    balances(810, 0, 190);
    ck_assert_str_eq(account_field("inf"), "0");
    caller_stop(&c);
}
END_TEST

START_TEST(a_child_that_outlives_its_parent_gives_its_rest_to_the_balance)
{
    open_tree();
    is_word(hold_below(&under_root, "child", "200", "100"), "OK");
    is_word(say_settle(&c, "ann", "root", "t", "100"), "OK");
    balances(600, 300, 100);
    is_word(settle_below(&under_root, "child", "150"), "OK");
    balances(750, 0, 250);
    caller_stop(&c);
}
END_TEST

START_TEST(a_released_child_gives_all_back_to_its_parent)
{
    open_tree();
    is_word(hold_below(&under_root, "child", "200", "100"), "OK");
    is_word(say_release_below(&c, &under_root, "ann", "child", "t"), "OK");
    balances(400, 600, 0);
    ck_assert_int_eq(record_number("root", "sb"), 500);
    ck_assert_int_eq(record_number("root", "kids"), 0);
    is_word(say_release_below(&c, &under_root, "ann", "child", "t"), "NOHOLD");
    ck_assert_int_eq(record_number("root", "sb"), 500);
    caller_stop(&c);
}
END_TEST

START_TEST(a_reaped_child_pays_its_checkpoint_and_gives_the_rest_to_its_parent)
{
    open_tree();
    is_word(hold_below(&under_root, "child", "200", "0"), "OK");
    is_word(say_checkpoint(&c, "child", "t", "60", "60000"), "OK");
    redisReply *reply = say_reap_below(&c, &under_root, "ann", "child", "gw1:1", "0");
    is_word(reply, "OK");
    ck_assert_int_eq(caller_number(reply, 1), 60);
    balances(400, 540, 60);
    ck_assert_int_eq(record_number("root", "sb"), 440);
    caller_stop(&c);
}
END_TEST

START_TEST(the_budget_is_spent_to_its_end_and_no_further)
{
    open_tree();
    redisReply *reply = hold_below(&under_root, "child", "300", "201");
    is_word(reply, "SUBFUNDS");
    ck_assert_int_eq(caller_number(reply, 1), 500);
    ck_assert_int_eq(caller_number(reply, 7), 201);
    is_word(hold_below(&under_root, "child", "300", "200"), "OK");
    is_word(hold_below(&under_root, "c2", "1", "0"), "SUBFUNDS");
    is_word(hold_below(&under_root, "c2", "0", "0"), "OK"); /* free ones run */
    balances(400, 600, 0);
    caller_stop(&c);
}
END_TEST

START_TEST(a_parent_that_is_over_unknown_or_anothers_lets_no_child_begin)
{
    open_tree();
    static const struct caller_place under_nobody = {"nobody", "nobody", "4", "16"};
    is_word(say_account(&c, "create", "ben", NULL), "OK");
    is_word(say_credit(&c, "ben", "+", "1000", "ben"), "OK");
    is_word(say_hold_below(&c, &under_root, "ben", "child", "t", "", "1", "0", "60000"),
            "NOPARENT");
    is_word(hold_below(&under_nobody, "child", "1", "0"), "NOPARENT");
    is_word(say_settle(&c, "ann", "root", "t", "1"), "OK");
    is_word(hold_below(&under_root, "child", "1", "0"), "NOPARENT");
    is_word(say_hold(&c, "ann", "r2", "t", "", "1", "5", "60000"), "OK");
    is_word(say_release(&c, "ann", "r2", "t"), "OK");
    static const struct caller_place under_r2 = {"r2", "r2", "4", "16"};
    is_word(hold_below(&under_r2, "child", "1", "0"), "NOPARENT");
    balances(999, 0, 1);
    caller_stop(&c);
}
END_TEST

START_TEST(a_child_never_gives_money_to_another_try_of_its_parent)
{
    open_tree();
    is_word(hold_below(&under_root, "child", "200", "0"), "OK");
    is_word(say_release(&c, "ann", "root", "t"), "OK");
    is_word(say_hold(&c, "ann", "root", "t2", "", "10", "20", "60000"), "OK");
    is_word(settle_below(&under_root, "child", "50"), "OK");
    ck_assert_int_eq(record_number("root", "sb"), 20);
    ck_assert_int_eq(record_number("root", "kids"), 0);
    balances(920, 30, 50);
    caller_stop(&c);
}
END_TEST

START_TEST(a_call_takes_the_depth_and_the_children_it_may_and_not_one_more)
{
    open_tree();
    static const struct caller_place two_deep = {"child", "root", "2", "2"};
    static const struct caller_place one_deep = {"child", "root", "1", "2"};
    static const struct caller_place two_kids = {"root", "root", "4", "2"};
    is_word(hold_below(&two_kids, "child", "10", "100"), "OK");
    is_word(hold_below(&two_kids, "c2", "10", "0"), "OK");
    is_word(hold_below(&two_kids, "c3", "10", "0"), "KIDS");
    is_word(settle_below(&two_kids, "c2", "1"), "OK");
    is_word(hold_below(&two_kids, "c3", "10", "0"), "OK");
    is_word(hold_below(&one_deep, "g1", "10", "0"), "DEPTH");
    is_word(hold_below(&two_deep, "g1", "10", "0"), "OK");
    ck_assert_int_eq(record_number("g1", "dep"), 2);
    caller_stop(&c);
}
END_TEST

START_TEST(children_take_no_slot_and_no_rate_but_a_suspended_account_begins_none)
{
    open_tree();
    const char *limits[] = {"conc", "1", "rpm", "1", "burst", "1", "maxc", "1", NULL};
    is_word(say_account(&c, "edit", "ann", limits), "OK");
    const char *dates[] = {"dM", "1", "mM", "1", NULL};
    is_word(say_account(&c, "edit", "ann", dates), "OK");
    is_word(hold_below(&under_root, "child", "100", "50"), "OK");
    is_word(hold_below(&under_child, "g1", "20", "0"), "OK");
    is_word(hold_below(&under_root, "c2", "100", "0"), "OK");
    is_word(say_account(&c, "edit", "ann", (const char *[]){"st", "S", NULL}), "OK");
    is_word(hold_below(&under_root, "c3", "1", "0"), "SUSPENDED");
    is_word(settle_below(&under_child, "g1", "20"), "OK");
    is_word(settle_below(&under_root, "child", "3"), "OK");
    balances(400, 577, 23);
    caller_stop(&c);
}
END_TEST

START_TEST(the_bill_of_a_tree_is_on_its_root_however_it_ended)
{
    open_tree();
    is_word(hold_below(&under_root, "child", "100", "200"), "OK");
    is_word(hold_below(&under_child, "g1", "50", "0"), "OK");
    is_word(hold_below(&under_child, "g2", "50", "0"), "OK");
    is_word(hold_below(&under_child, "g3", "50", "0"), "OK");
    is_word(settle_below(&under_child, "g1", "5"), "OK");
    ck_assert_int_eq(record_number("child", "subs"), 5);
    ck_assert_int_eq(record_number("root", "subs"), 0); /* handed up when the child ends */
    is_word(settle_below(&under_root, "child", "70"), "OK");
    ck_assert_int_eq(record_number("root", "subs"), 75);
    is_word(settle_below(&under_child, "g2", "6"), "OK"); /* its parent is over */
    ck_assert_int_eq(record_number("child", "subs"), 11);
    ck_assert_int_eq(record_number("root", "subs"), 81);
    is_word(say_settle(&c, "ann", "root", "t", "9"), "OK");
    is_word(settle_below(&under_child, "g3", "7"), "OK"); /* so is its root */
    ck_assert_int_eq(record_number("child", "subs"), 18);
    ck_assert_int_eq(record_number("root", "subs"), 88);
    ck_assert_int_gt(caller_say(&c, "TTL " TAG "h:root")->integer, 590);
    balances(903, 0, 97);
    caller_stop(&c);
}
END_TEST

START_TEST(a_released_call_hands_up_what_was_charged_below_it)
{
    open_tree();
    is_word(hold_below(&under_root, "child", "100", "200"), "OK");
    is_word(hold_below(&under_child, "g1", "50", "0"), "OK");
    is_word(settle_below(&under_child, "g1", "5"), "OK");
    is_word(say_release_below(&c, &under_root, "ann", "child", "t"), "OK");
    ck_assert_int_eq(record_number("root", "subs"), 5);
    ck_assert_int_eq(record_number("root", "sb"), 495);
    is_word(say_release(&c, "ann", "root", "t"), "OK");
    ck_assert_int_eq(record_number("root", "subs"), 5);
    balances(995, 0, 5);
    caller_stop(&c);
}
END_TEST

START_TEST(after_midnight_a_child_gives_back_to_no_window_but_its_roots)
{
    open_tree();
    is_word(hold_below(&under_root, "child", "200", "0"), "OK");
    /* The root began yesterday, and so the child's money was counted then. */
    int64_t day = record_number("root", "day");
    ck_assert_int_eq(record_number("child", "day"), day);
    caller_say(&c, "HSET " TAG "a:ann dN %" PRId64 " dU 7", day + 1);
    is_word(say_settle(&c, "ann", "root", "t", "100"), "OK");
    is_word(settle_below(&under_root, "child", "50"), "OK");
    ck_assert_str_eq(account_field("dU"), "7");
    ck_assert_str_eq(account_field("mU"), "150");
    caller_stop(&c);
}
END_TEST

START_TEST(a_call_that_names_no_sub_budget_gets_its_accounts_and_a_child_none)
{
    open_tree();
    is_word(say_account(&c, "edit", "ann", (const char *[]){"subd", "120", NULL}), "OK");
    redisReply *reply = say_hold(&c, "ann", "r2", "t", "", "10", "-", "60000");
    is_word(reply, "OK");
    ck_assert_int_eq(caller_number(reply, 7), 120);
    ck_assert_int_eq(record_number("r2", "sb"), 120);
    is_word(say_hold(&c, "ann", "r3", "t", "", "10", "0", "60000"), "OK");
    ck_assert_int_eq(record_number("r3", "sb"), 0);
    is_word(say_hold(&c, "ann", "r4", "t", "", "200", "-", "60000"), "FUNDS");
    is_word(hold_below(&under_root, "child", "10", "-"), "OK");
    ck_assert_int_eq(record_number("child", "sb"), 0);
    caller_stop(&c);
}
END_TEST

START_TEST(the_ledger_tells_who_called_whom)
{
    open_tree();
    is_word(hold_below(&under_root, "child", "100", "0"), "OK");
    is_word(settle_below(&under_root, "child", "5"), "OK");
    redisReply *reply = caller_say(&c, "XREVRANGE " TAG "L + - COUNT 1");
    redisReply *fields = reply->element[0]->element[1];
    unsigned seen = 0;
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        const char *name = fields->element[i]->str, *value = fields->element[i + 1]->str;
        seen += strcmp(name, "par") == 0 && strcmp(value, "root") == 0;
        seen += strcmp(name, "root") == 0 && strcmp(value, "root") == 0;
        seen += strcmp(name, "key") == 0 && strcmp(value, "key1") == 0; /* the root's */
    }
    ck_assert_uint_eq(seen, 3);
    caller_stop(&c);
}
END_TEST

/* The keys a script may touch are declared (Redis Cluster), so they must be the record's own. */
START_TEST(a_gateway_that_names_other_keys_than_the_record_is_told_and_nothing_moves)
{
    open_tree();
    is_word(hold_below(&under_root, "child", "100", "0"), "OK");
    static const struct caller_place wrong = {"other", "root", "4", "16"};
    ck_assert_ptr_nonnull(strstr(caller_word(settle_below(&wrong, "child", "5"), 0), "BADARG"));
    ck_assert_ptr_nonnull(
        strstr(caller_word(say_settle(&c, "ann", "child", "t", "5"), 0), "BADARG"));
    is_word(hold_below(&under_root, "c2", "100", "50"), "OK");
    static const struct caller_place under_c2 = {"c2", "root", "4", "16"};
    static const struct caller_place wrong_root = {"c2", "other", "4", "16"};
    is_word(hold_below(&under_c2, "g1", "20", "0"), "OK");
    ck_assert_ptr_nonnull(strstr(caller_word(settle_below(&wrong_root, "g1", "5"), 0), "BADARG"));
    is_word(settle_below(&under_root, "c2", "0"), "OK");
    ck_assert_ptr_nonnull(strstr(caller_word(settle_below(&wrong_root, "g1", "5"), 0), "BADARG"));
    ck_assert_int_eq(record_number("c2", "subs"), 0);
    balances(400, 600, 0);
    caller_stop(&c);
}
END_TEST

START_TEST(children_at_once_on_a_budget_for_ten_run_exactly_ten)
{
    open_tree();
    static const struct caller_place wide = {"root", "root", "4", "1000"};
    unsigned ran = 0;
    for (int i = 0; i < 200; ++i) {
        char inv[16];
        snprintf(inv, sizeof(inv), "c%d", i);
        ran += strcmp(caller_word(hold_below(&wide, inv, "50", "0"), 0), "OK") == 0;
    }
    ck_assert_uint_eq(ran, 10);
    balances(400, 600, 0);
    caller_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_childs_hold_comes_out_of_its_parents_sub_budget_and_nothing_else_moves,
        a_child_that_outlives_its_parent_gives_its_rest_to_the_balance,
        a_released_child_gives_all_back_to_its_parent,
        a_reaped_child_pays_its_checkpoint_and_gives_the_rest_to_its_parent,
        the_budget_is_spent_to_its_end_and_no_further,
        a_parent_that_is_over_unknown_or_anothers_lets_no_child_begin,
        a_child_never_gives_money_to_another_try_of_its_parent,
        a_call_takes_the_depth_and_the_children_it_may_and_not_one_more,
        children_take_no_slot_and_no_rate_but_a_suspended_account_begins_none,
        the_bill_of_a_tree_is_on_its_root_however_it_ended,
        a_released_call_hands_up_what_was_charged_below_it,
        after_midnight_a_child_gives_back_to_no_window_but_its_roots,
        a_call_that_names_no_sub_budget_gets_its_accounts_and_a_child_none,
        the_ledger_tells_who_called_whom,
        a_gateway_that_names_other_keys_than_the_record_is_told_and_nothing_moves,
        children_at_once_on_a_budget_for_ten_run_exactly_ten,
        NULL,
    };
    return checks_run("trees", tests);
}
