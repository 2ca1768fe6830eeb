/* What a server must be to hold money, and slots of keys; failovers and slots that move need real
 * servers: tests/integration/test_redis.py. */
#include "io/fleet.h"

#include "redis_hall.h"
#include "unit/checks.h"

START_TEST(slots_are_those_of_the_cluster_specification)
{
    ck_assert_uint_eq(fleet_slot(SPAN_OF("123456789")), 0x31c3); /* its appendix A */
    ck_assert_uint_eq(fleet_slot(SPAN_OF("")), 0);
    ck_assert_uint_eq(fleet_slot(SPAN_OF("foo")), 12182); /* what CLUSTER KEYSLOT says */
}
END_TEST

START_TEST(what_stands_in_the_first_braces_alone_decides)
{
    unsigned user = fleet_slot(SPAN_OF("user1000"));
    ck_assert_uint_eq(fleet_slot(SPAN_OF("{user1000}.following")), user);
    ck_assert_uint_eq(fleet_slot(SPAN_OF("a{user1000}{b}")), user);
    ck_assert_uint_eq(fleet_slot(SPAN_OF("foo{{bar}}zap")), fleet_slot(SPAN_OF("{bar")));
    /* Empty, or not closed: the whole key. */
    ck_assert_uint_ne(fleet_slot(SPAN_OF("foo{}{bar}")), fleet_slot(SPAN_OF("bar")));
    ck_assert_uint_ne(fleet_slot(SPAN_OF("foo{bar")), fleet_slot(SPAN_OF("bar")));
    ck_assert_uint_eq(fleet_slot(SPAN_OF("tg:{b007}:a:ann")), fleet_slot(SPAN_OF("b007")));
}
END_TEST

START_TEST(five_commands_in_a_row_without_an_answer_make_a_new_connection)
{
    struct store store;
    script_start(&store);
    script_greets(&store);
    for (unsigned i = 0; i < 4; ++i)
        ck_assert(ask_by(&store, "PING", i, 30));
    HALL_UNTIL(&store.hall, store.answers == 4);
    script_says(&store, SPAN_OF("+PONG\r\n")); /* late, but it lives: they are counted anew */
    hall_turn(&store.hall, 20);
    for (unsigned i = 0; i < 4; ++i)
        ck_assert(ask_by(&store, "PING", i, 30));
    HALL_UNTIL(&store.hall, store.answers == 8);
    ck_assert_uint_eq(store.downs, 0);
    ck_assert(ask_by(&store, "PING", 9, 30));
    HALL_UNTIL(&store.hall, store.downs == 1);
    ck_assert_uint_eq(store.answers, 9);
    ck_assert_ptr_nonnull(strstr(redis_why_down(store.redis), "five commands"));
    script_greets(&store);
    store_fini(&store);
}
END_TEST

/* What a server that is to hold money is asked behind PING. */
static void script_tells(struct store *store, const char *role, const char *info)
{
    char text[512];
    HALL_UNTIL(&store->hall, script_takes(store));
    HALL_UNTIL(&store->hall, script_hears(store, "*1\r\n$4\r\nINFO\r\n"));
    snprintf(text, sizeof(text),
             "+OK\r\n+PONG\r\n*1\r\n$%zu\r\n%s\r\n-NOPERM no time\r\n$%zu\r\n%s\r\n", strlen(role),
             role, strlen(info), info);
    script_says(store, span_text(text));
}

START_TEST(a_server_that_may_not_hold_money_is_not_up_and_says_why)
{
    static const struct {
        const char *role, *info, *why;
    } rows[] = {
        {"slave", "maxmemory_policy:noeviction\r\n", "its role is slave"},
        {"sentinel", "", "its role is sentinel"},
        {"master", "maxmemory_policy:volatile-ttl\r\n", "volatile-ttl, which deletes money"},
        {"master", "redis_version:5.0.14\r\naof_enabled:1\r\n", "its version is 5.0.14"},
        {"master", "redis_version:7.0.15\r\naof_enabled:0\r\n", "append-only file is off"},
    };
    struct store store;
    char error[256];
    store_init(&store);
    store.options.inspect = store.options.needs_aof = true;
    store.door = socket_listen(&store.options.address, false, error, sizeof(error));
    store_open(&store);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        script_tells(&store, rows[i].role, rows[i].info);
        HALL_UNTIL(&store.hall, strstr(redis_why_down(store.redis), rows[i].why) != NULL);
        ck_assert_uint_eq(store.ups, 0);
    }
    script_tells(&store, "master",
                 "redis_version:7.0.15\r\nrun_id:abc\r\nmaster_replid:def\r\naof_enabled:1\r\n");
    HALL_UNTIL(&store.hall, redis_is_up(store.redis));
    ck_assert_str_eq(redis_facts(store.redis)->identity, "abc def");
    ck_assert_int_eq(redis_facts(store.redis)->skew_ms, 0);
    ask(&store, "SET key value");
    script_says(&store, SPAN_OF("-READONLY You can't write against a read only replica.\r\n"));
    HALL_UNTIL(&store.hall, store.downs == 1);
    ck_assert_ptr_nonnull(strstr(store.story, "READONLY"));
    store_fini(&store);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {slots_are_those_of_the_cluster_specification,
                            what_stands_in_the_first_braces_alone_decides,
                            five_commands_in_a_row_without_an_answer_make_a_new_connection,
                            a_server_that_may_not_hold_money_is_not_up_and_says_why, NULL};
    return checks_run("fleet", tests);
}
