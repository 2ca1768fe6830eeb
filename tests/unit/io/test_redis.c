/* One connection to one server, real and scripted. */
#include "redis_hall.h"
#include "unit/checks.h"

START_TEST(a_client_comes_up_names_itself_and_is_answered_in_order)
{
    struct store store;
    store_start(&store);
    ck_assert_uint_eq(store.ups, 1);
    ck_assert_str_eq(redis_why_down(store.redis), "");
    ask(&store, "CLIENT GETNAME");
    ask(&store, "PING");
    ask(&store, "SET key value");
    ask(&store, "GET key");
    ask(&store, "GET nothing");
    ask(&store, "INCR key");
    ask(&store, "LPUSH list a b c");
    ask(&store, "LRANGE list 0 -1");
    ck_assert_uint_eq(store.answers, 0); /* never before it returns */
    wait_answers(&store, 8);
    ck_assert_str_eq(store.story, "teegate PONG OK value nil "
                                  "ERR value is not an integer or out of range 3 [3]");
    store_fini(&store);
}
END_TEST

START_TEST(words_may_hold_any_byte)
{
    struct store store;
    store_start(&store);
    struct span set[] = {SPAN_OF("SET"), SPAN_OF("\0\r\n$"), SPAN_NONE};
    struct span len[] = {SPAN_OF("STRLEN"), SPAN_OF("\0\r\n$")};
    struct span exists[] = {SPAN_OF("EXISTS"), SPAN_OF("\0\r\n$")};
    uint64_t at = loop_now(store.hall.loop) + 5000;
    ck_assert(redis_call(store.redis, set, 3, at, note_answer, &store, 1));
    ck_assert(redis_call(store.redis, len, 2, at, note_answer, &store, 2));
    ck_assert(redis_call(store.redis, exists, 2, at, note_answer, &store, 3));
    wait_answers(&store, 3);
    ck_assert_str_eq(store.story, "OK 0 1");
    ck_assert_uint_eq(store.last_id, 3);
    store_fini(&store);
}
END_TEST

static void note_count(void *owner, uint64_t id, const struct redisReply *reply)
{
    struct store *store = owner;
    ck_assert_ptr_nonnull(reply);
    ck_assert_int_eq(reply->integer, (long long)id);
    ++store->answers;
}

START_TEST(thousands_of_calls_of_one_turn_are_answered_each_with_its_own)
{
    enum { CALLS = 20000 };
    struct store store;
    store_start(&store);
    static const struct span words[] = {{"INCR", 4}, {"counter", 7}};
    for (uint64_t i = 1; i <= CALLS; ++i)
        ck_assert(redis_call(store.redis, words, 2, loop_now(store.hall.loop) + 8000, note_count,
                             &store, i));
    HALL_UNTIL(&store.hall, store.answers == CALLS);
    store_fini(&store);
}
END_TEST

START_TEST(more_calls_than_agreed_are_refused_until_one_is_answered)
{
    struct store store;
    store_init(&store);
    store.options.calls_max = 3;
    server_start(&store, "");
    store_open(&store);
    HALL_UNTIL(&store.hall, redis_is_up(store.redis));
    for (unsigned i = 0; i < 3; ++i)
        ask(&store, "PING");
    ck_assert(!ask_by(&store, "PING", 0, 1000));
    wait_answers(&store, 3);
    ask(&store, "PING");
    wait_answers(&store, 4);
    store_fini(&store);
}
END_TEST

START_TEST(more_than_4_mib_unsent_is_refused)
{
    enum { BIG = 1 << 20 };
    struct store store;
    store_start(&store);
    char *big = alloc_zeroed(BIG);
    struct span words[] = {SPAN_OF("SET"), SPAN_OF("big"), span_of(big, BIG)};
    uint64_t at = loop_now(store.hall.loop) + 5000;
    for (unsigned i = 0; i < 3; ++i)
        ck_assert(redis_call(store.redis, words, 3, at, note_answer, &store, i));
    ck_assert(!redis_call(store.redis, words, 3, at, note_answer, &store, 9));
    ask(&store, "PING");
    wait_answers(&store, 4);
    ck_assert_str_eq(store.story, "OK OK OK PONG");
    free(big);
    store_fini(&store);
}
END_TEST

START_TEST(a_client_that_is_not_up_refuses_calls)
{
    struct store store;
    store_init(&store);
    store_open(&store); /* nobody is there */
    ck_assert(!ask_by(&store, "PING", 0, 1000));
    for (unsigned i = 0; i < 5; ++i)
        hall_turn(&store.hall, 20);
    ck_assert(!redis_is_up(store.redis));
    ck_assert_ptr_nonnull(strstr(redis_why_down(store.redis), "nobody takes"));
    ck_assert_uint_eq(store.downs, 0); /* it was never up */
    server_start(&store, "");
    HALL_UNTIL(&store.hall, redis_is_up(store.redis));
    ask(&store, "PING");
    wait_answers(&store, 1);
    ck_assert_str_eq(store.story, "PONG");
    store_fini(&store);
}
END_TEST

START_TEST(a_wrong_password_is_told_and_a_right_one_lets_in)
{
    struct store store;
    store_init(&store);
    server_start(&store, "secret");
    store_open(&store);
    HALL_UNTIL(&store.hall, strstr(redis_why_down(store.redis), "wants a password") != NULL);
    redis_close(store.redis);

    snprintf(store.options.password, sizeof(store.options.password), "guess");
    store_open(&store);
    HALL_UNTIL(&store.hall, strstr(redis_why_down(store.redis), "refused the password") != NULL);
    ck_assert_uint_eq(store.ups, 0);
    redis_close(store.redis);

    snprintf(store.options.password, sizeof(store.options.password), "secret");
    store_open(&store);
    HALL_UNTIL(&store.hall, redis_is_up(store.redis));
    ask(&store, "ACL SETUSER gate on >door ~* +@all -client");
    wait_answers(&store, 1);
    redis_close(store.redis);

    /* A user that may not even name its connection is served. */
    snprintf(store.options.user, sizeof(store.options.user), "gate");
    snprintf(store.options.password, sizeof(store.options.password), "door");
    store_open(&store);
    HALL_UNTIL(&store.hall, redis_is_up(store.redis));
    ask(&store, "ACL WHOAMI");
    wait_answers(&store, 2);
    ck_assert_str_eq(store.story, "OK gate");
    store_fini(&store);
}
END_TEST

START_TEST(a_killed_server_answers_unknown_and_the_client_comes_back)
{
    struct store store;
    store_start(&store);
    ask(&store, "DEBUG SLEEP 30");
    ask(&store, "PING");
    ask(&store, "PING");
    hall_turn(&store.hall, 50);
    ck_assert_uint_eq(store.answers, 0);
    server_kill(&store);
    HALL_UNTIL(&store.hall, store.downs == 1);
    ck_assert_str_eq(store.story, "NULL NULL NULL");
    ck_assert(!ask_by(&store, "PING", 0, 1000));
    ck_assert_str_ne(redis_why_down(store.redis), "");
    server_start(&store, "");
    HALL_UNTIL(&store.hall, store.ups == 2);
    ask(&store, "PING");
    wait_answers(&store, 4);
    ck_assert_str_eq(store.story, "NULL NULL NULL PONG");
    store_fini(&store);
}
END_TEST

START_TEST(a_late_reply_is_thrown_away_and_the_next_gets_its_own)
{
    struct store store;
    store_start(&store);
    uint64_t start = loop_now(store.hall.loop);
    ck_assert(ask_by(&store, "DEBUG SLEEP 0.4", 1, 5000));
    ck_assert(ask_by(&store, "ECHO late", 2, 60));
    ck_assert(ask_by(&store, "ECHO mine", 3, 5000));
    HALL_UNTIL(&store.hall, store.answers == 1);
    ck_assert_str_eq(store.story, "NULL");
    ck_assert_uint_eq(store.last_id, 2);
    ck_assert_uint_ge(clock_monotonic_ms(), start + 60);
    ck_assert_uint_lt(clock_monotonic_ms(), start + 390);
    wait_answers(&store, 3);
    ck_assert_str_eq(store.story, "NULL OK mine");
    ck_assert_uint_eq(store.downs, 0);
    store_fini(&store);
}
END_TEST

static const char counting[] = "return redis.call('INCRBY', KEYS[1], ARGV[1])";

static bool eval(struct store *store, const struct redis_script *script, uint64_t wait_ms)
{
    struct span keys[] = {SPAN_OF("sum")};
    struct span args[] = {SPAN_OF("5")};
    return redis_eval(store->redis, script, keys, 1, args, 1, loop_now(store->hall.loop) + wait_ms,
                      note_answer, store, 7);
}

START_TEST(a_script_the_server_lost_is_sent_again_and_run_once)
{
    struct store store;
    struct redis_script script, empty;
    redis_script_init(&empty, "empty", "");
    ck_assert_str_eq(empty.sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    redis_script_init(&script, "counting", counting);
    store_start(&store);
    ck_assert(eval(&store, &script, 5000)); /* three at once, none known yet */
    ck_assert(eval(&store, &script, 5000));
    ck_assert(eval(&store, &script, 5000));
    wait_answers(&store, 3);
    ck_assert(eval(&store, &script, 5000));
    wait_answers(&store, 4);
    ask(&store, "SCRIPT FLUSH");
    ck_assert(eval(&store, &script, 5000));
    wait_answers(&store, 6);
    ck_assert_str_eq(store.story, "5 10 15 20 OK 25");
    ck_assert_uint_eq(store.last_id, 7);
    store_fini(&store);
}
END_TEST

START_TEST(a_script_is_not_sent_again_when_its_deadline_has_passed)
{
    struct store store;
    struct redis_script script;
    redis_script_init(&script, "counting", counting);
    store_start(&store);
    ask(&store, "DEBUG SLEEP 0.3");
    ck_assert(eval(&store, &script, 30));
    wait_answers(&store, 2);
    ask(&store, "GET sum");
    wait_answers(&store, 3);
    ck_assert_str_eq(store.story, "NULL OK nil");
    store_fini(&store);
}
END_TEST

START_TEST(an_error_of_a_script_is_an_answer)
{
    struct store store;
    struct redis_script script;
    redis_script_init(&script, "failing", "return redis.error_reply('NOSCRIPT of its own')");
    store_start(&store);
    ck_assert(eval(&store, &script, 5000)); /* EVAL is not repeated, whatever it says */
    wait_answers(&store, 1);
    ck_assert_str_eq(store.story, "NOSCRIPT of its own");
    store_fini(&store);
}
END_TEST

START_TEST(closing_answers_unknown_also_from_within_an_answer)
{
    struct store store;
    store_start(&store);
    ask(&store, "DEBUG SLEEP 30");
    ask(&store, "PING");
    redis_close(store.redis);
    store.redis = NULL;
    ck_assert_str_eq(store.story, "NULL NULL");
    server_kill(&store);

    server_start(&store, "");
    store_open(&store);
    HALL_UNTIL(&store.hall, redis_is_up(store.redis));
    store.close_at_answer = true;
    ask(&store, "ECHO first");
    ask(&store, "ECHO second");
    ask(&store, "ECHO third");
    wait_answers(&store, 5);
    ck_assert_str_eq(store.story, "NULL NULL NULL NULL first");

    store.close_at_answer = false;
    store_open(&store);
    HALL_UNTIL(&store.hall, redis_is_up(store.redis));
    store.close_at_answer = true;
    ask(&store, "DEBUG SLEEP 30");
    ck_assert(ask_by(&store, "PING", 0, 20)); /* closes when its deadline passes */
    ck_assert(ask_by(&store, "PING", 0, 20));
    wait_answers(&store, 8);
    ck_assert_uint_eq(store.downs, 0);
    store_fini(&store);
}
END_TEST

START_TEST(a_reply_of_15_mib_is_taken_and_one_of_17_is_not)
{
    struct store store;
    store_start(&store);
    ask(&store, "SETRANGE fits 15728639 x");
    ask(&store, "STRLEN fits");
    ask(&store, "GETRANGE fits 15728639 -1");
    ask(&store, "GET fits");
    ask(&store, "GET fits"); /* each for itself, not all together */
    wait_answers(&store, 5);
    ck_assert_uint_eq(store.downs, 0);
    ask(&store, "SETRANGE large 17825791 x");
    ask(&store, "GET large");
    ask(&store, "PING");
    wait_answers(&store, 8);
    ck_assert_uint_eq(store.downs, 1);
    ck_assert_ptr_nonnull(strstr(redis_why_down(store.redis), "too large"));
    ck_assert_ptr_nonnull(strstr(store.story, "17825792 NULL NULL"));
    HALL_UNTIL(&store.hall, store.ups == 2);
    store_fini(&store);
}
END_TEST

START_TEST(what_is_no_reply_ends_the_connection)
{
    static const struct span rows[] = {
        SPAN_OF("HTTP/1.1 400 Bad Request\r\n\r\n"),
        SPAN_OF("*2000000000\r\n"),
        SPAN_OF("*1048577\r\n"),
        SPAN_OF("*9999999999999999999\r\n"),
        SPAN_OF("$-5\r\n"),
        SPAN_OF("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"),
        SPAN_OF("\0\0\0\0"),
    };
    struct store store;
    script_start(&store);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        script_greets(&store);
        store.story[0] = '\0';
        ask(&store, "PING");
        ask(&store, "PING");
        script_says(&store, rows[i]);
        HALL_UNTIL(&store.hall, store.downs == i + 1);
        ck_assert_str_eq(store.story, "NULL NULL");
        ck_assert_msg(strstr(redis_why_down(store.redis), "no reply") != NULL, "row %zu: %s", i,
                      redis_why_down(store.redis));
    }
    store_fini(&store);
}
END_TEST

START_TEST(a_reply_that_never_ends_is_not_collected_for_ever)
{
    struct store store;
    static char more[65536];
    script_start(&store);
    script_greets(&store);
    ask(&store, "PING");
    script_says(&store, SPAN_OF("$500000000\r\n"));
    size_t said = 0;
    uint64_t give_up_at = clock_monotonic_ms() + 4000; /* before the deadline would end it */
    while (store.downs == 0) {
        ssize_t put = send(store.peer, more, sizeof(more), MSG_NOSIGNAL | MSG_DONTWAIT);
        said += put > 0 ? (size_t)put : 0;
        hall_turn(&store.hall, 1);
        ck_assert_uint_lt(clock_monotonic_ms(), give_up_at);
    }
    ck_assert_uint_ge(said, 16 << 20);
    ck_assert_uint_lt(said, 20 << 20);
    store_fini(&store);
}
END_TEST

START_TEST(replies_may_come_in_halves_and_be_nested_seven_deep)
{
    struct store store;
    script_start(&store);
    script_greets(&store);
    ask(&store, "PING");
    ask(&store, "PING");
    static const char text[] =
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*2\r\n$3\r\nabc\r\n:7\r\n+OK\r\n";
    for (size_t i = 0; i < sizeof(text) - 1; ++i) {
        script_says(&store, span_of(text + i, 1));
        hall_turn(&store.hall, 1);
    }
    wait_answers(&store, 2);
    ck_assert_str_eq(store.story, "[1] OK");
    ck_assert_uint_eq(store.downs, 0);
    store_fini(&store);
}
END_TEST

START_TEST(a_reply_nobody_asked_for_ends_the_connection)
{
    struct store store;
    script_start(&store);
    script_greets(&store);
    script_says(&store, SPAN_OF("+OK\r\n"));
    HALL_UNTIL(&store.hall, store.downs == 1);
    ck_assert_ptr_nonnull(strstr(redis_why_down(store.redis), "nobody asked"));
    script_greets(&store);
    ck_assert_uint_eq(store.ups, 2);
    store_fini(&store);
}
END_TEST

START_TEST(states_of_the_server_are_answers)
{
    struct store store;
    script_start(&store);
    script_greets(&store);
    for (unsigned i = 0; i < 4; ++i)
        ask(&store, "PING");
    script_says(&store, SPAN_OF("-LOADING a\r\n-READONLY b\r\n-OOM c\r\n-MASTERDOWN d\r\n"));
    wait_answers(&store, 4);
    ck_assert_str_eq(store.story, "LOADING a READONLY b OOM c MASTERDOWN d");
    ck_assert(redis_is_up(store.redis));
    store_fini(&store);
}
END_TEST

START_TEST(a_server_that_does_not_greet_is_left_and_tried_again)
{
    struct store store;
    store_init(&store);
    store.options.connect_ms_max = 50;
    char error[256];
    store.door = socket_listen(&store.options.address, false, error, sizeof(error));
    store_open(&store);
    HALL_UNTIL(&store.hall, script_takes(&store));
    HALL_UNTIL(&store.hall, strstr(redis_why_down(store.redis), "in time") != NULL);
    uint64_t start = clock_monotonic_ms();
    script_greets(&store);
    ck_assert_uint_ge(clock_monotonic_ms(), start + 90); /* it held off a little */
    ck_assert_uint_eq(store.ups, 1);
    store_fini(&store);
}
END_TEST

START_TEST(a_server_that_still_loads_its_file_is_not_up_yet)
{
    struct store store;
    script_start(&store);
    for (int i = 0; i < 2; ++i) {
        HALL_UNTIL(&store.hall, script_takes(&store));
        HALL_UNTIL(&store.hall, script_hears(&store, GREETING));
        script_says(&store, SPAN_OF("+OK\r\n-LOADING Redis is loading the dataset in memory\r\n"));
        HALL_UNTIL(&store.hall, strstr(redis_why_down(store.redis), "LOADING") != NULL);
        ck_assert_uint_eq(store.ups, 0);
    }
    script_greets(&store);
    ck_assert_uint_eq(store.ups, 1);
    ck_assert_uint_eq(store.downs, 0);
    store_fini(&store);
}
END_TEST

START_TEST(a_user_that_may_neither_name_itself_nor_ping_is_served)
{
    struct store store;
    script_start(&store);
    HALL_UNTIL(&store.hall, script_takes(&store));
    HALL_UNTIL(&store.hall, script_hears(&store, GREETING));
    script_says(&store, SPAN_OF("-NOPERM no client\r\n-NOPERM no ping\r\n"));
    HALL_UNTIL(&store.hall, redis_is_up(store.redis));
    store_fini(&store);
}
END_TEST

START_TEST(a_command_unanswered_five_seconds_past_its_deadline_makes_a_new_connection)
{
    struct store store;
    script_start(&store);
    script_greets(&store);
    uint64_t start = loop_now(store.hall.loop);
    ck_assert(ask_by(&store, "PING", 1, 30));
    ck_assert(ask_by(&store, "PING", 2, 60000));
    HALL_UNTIL(&store.hall, store.answers == 1);
    ck_assert_uint_lt(clock_monotonic_ms(), start + 3000);
    HALL_UNTIL(&store.hall, store.downs == 1);
    ck_assert_uint_ge(clock_monotonic_ms(), start + 5030);
    ck_assert_uint_eq(store.answers, 2);
    ck_assert_str_eq(store.story, "NULL NULL");
    script_greets(&store);
    store_fini(&store);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_client_comes_up_names_itself_and_is_answered_in_order,
        words_may_hold_any_byte,
        thousands_of_calls_of_one_turn_are_answered_each_with_its_own,
        more_calls_than_agreed_are_refused_until_one_is_answered,
        more_than_4_mib_unsent_is_refused,
        a_client_that_is_not_up_refuses_calls,
        a_wrong_password_is_told_and_a_right_one_lets_in,
        a_killed_server_answers_unknown_and_the_client_comes_back,
        a_late_reply_is_thrown_away_and_the_next_gets_its_own,
        a_script_the_server_lost_is_sent_again_and_run_once,
        a_script_is_not_sent_again_when_its_deadline_has_passed,
        an_error_of_a_script_is_an_answer,
        closing_answers_unknown_also_from_within_an_answer,
        a_reply_of_15_mib_is_taken_and_one_of_17_is_not,
        what_is_no_reply_ends_the_connection,
        a_reply_that_never_ends_is_not_collected_for_ever,
        replies_may_come_in_halves_and_be_nested_seven_deep,
        a_reply_nobody_asked_for_ends_the_connection,
        states_of_the_server_are_answers,
        a_server_that_does_not_greet_is_left_and_tried_again,
        a_server_that_still_loads_its_file_is_not_up_yet,
        a_user_that_may_neither_name_itself_nor_ping_is_served,
        a_command_unanswered_five_seconds_past_its_deadline_makes_a_new_connection,
        NULL};
    return checks_run("redis", tests);
}
