/* The Lua scripts one by one, against a real redis-server. */
#include "scripts_caller.h"
#include "unit/checks.h"

static struct scripts_caller c;

static const char *account_field(const char *account, const char *field)
{
    redisReply *reply = caller_say(&c, "HGET " TAG "a:%s %s", account, field);
    return reply->type == REDIS_REPLY_STRING ? reply->str : "(none)";
}

static void make(const char *account, const char *money, const char *const *pairs)
{
    ck_assert_str_eq(caller_word(say_account(&c, "create", account, pairs), 0), "OK");
    if (money != NULL)
        ck_assert_str_eq(caller_word(say_credit(&c, account, "+", money, account), 0), "OK");
}

static void is_word(const redisReply *reply, const char *word)
{
    ck_assert_str_eq(caller_word(reply, 0), word);
}

static bool is_bad(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "BADARG") != NULL;
}

START_TEST(a_hold_takes_its_ceiling_and_a_settle_gives_the_rest_back)
{
    caller_start(&c);
    make("ann", "1000", NULL);
    redisReply *reply = say_hold(&c, "ann", "i1", "t1", "", "300", "50", "60000");
    is_word(reply, "OK");
    ck_assert_int_eq(caller_number(reply, 1), 650);
    ck_assert_int_eq(caller_number(reply, 6), 1);
    ck_assert_str_eq(account_field("ann", "held"), "350");
    reply = say_settle(&c, "ann", "i1", "t1", "120");
    is_word(reply, "OK");
    ck_assert_int_eq(caller_number(reply, 1), 120);
    ck_assert_int_eq(caller_number(reply, 2), 2);
    ck_assert_str_eq(account_field("ann", "bal"), "880");
    ck_assert_str_eq(account_field("ann", "held"), "0");
    ck_assert_str_eq(account_field("ann", "spent"), "120");
    ck_assert_str_eq(account_field("ann", "inf"), "0");
    ck_assert_str_eq(account_field("ann", "dU"), "120");
    caller_stop(&c);
}
END_TEST

START_TEST(a_settle_sent_twice_is_charged_once)
{
    caller_start(&c);
    make("ann", "1000", NULL);
    is_word(say_hold(&c, "ann", "i1", "t1", "", "300", "0", "60000"), "OK");
    is_word(say_settle(&c, "ann", "i1", "t1", "120"), "OK");
    redisReply *reply = say_settle(&c, "ann", "i1", "t1", "299");
    is_word(reply, "DUP");
    ck_assert_int_eq(caller_number(reply, 1), 120);
    is_word(say_release(&c, "ann", "i1", "t1"), "DUP");
    is_word(say_hold(&c, "ann", "i1", "t1", "", "300", "0", "60000"), "DONE");
    ck_assert_str_eq(account_field("ann", "spent"), "120");
    ck_assert_int_eq(caller_say(&c, "XLEN " TAG "L")->integer, 2);
    ck_assert_int_gt(caller_say(&c, "TTL " TAG "h:i1")->integer, 590);
    caller_stop(&c);
}
END_TEST

START_TEST(a_cost_above_the_ceiling_is_cut_to_it_and_noted)
{
    caller_start(&c);
    make("ann", "1000", NULL);
    is_word(say_hold(&c, "ann", "i1", "t1", "", "300", "0", "60000"), "OK");
    redisReply *reply = say_settle(&c, "ann", "i1", "t1", "301");
    ck_assert_int_eq(caller_number(reply, 1), 300);
    reply = caller_say(&c, "XREVRANGE " TAG "L + - COUNT 1");
    redisReply *fields = reply->element[0]->element[1];
    bool seen = false;
    for (size_t i = 0; i + 1 < fields->elements; i += 2)
        if (strcmp(fields->element[i]->str, "ov") == 0)
            seen = strcmp(fields->element[i + 1]->str, "1") == 0;
    ck_assert(seen);
    caller_stop(&c);
}
END_TEST

START_TEST(a_hold_that_comes_after_its_own_release_does_not_land)
{
    caller_start(&c);
    make("ann", "1000", NULL);
    is_word(say_release(&c, "ann", "i1", "t1"), "NOHOLD");
    is_word(say_hold(&c, "ann", "i1", "t1", "", "300", "0", "60000"), "VOID");
    ck_assert_str_eq(account_field("ann", "held"), "0");
    /* Another try of the same invocation may run, and the first one's release is not its own. */
    is_word(say_hold(&c, "ann", "i1", "t2", "", "300", "0", "60000"), "OK");
    is_word(say_release(&c, "ann", "i1", "t1"), "NOHOLD");
    is_word(say_settle(&c, "ann", "i1", "t1", "5"), "NOHOLD");
    is_word(say_checkpoint(&c, "i1", "t1", "5", "1000"), "NOHOLD");
    ck_assert_str_eq(account_field("ann", "held"), "300");
    is_word(say_release(&c, "ann", "i1", "t2"), "OK");
    ck_assert_str_eq(account_field("ann", "bal"), "1000");
    is_word(say_settle(&c, "ann", "i1", "t2", "5"), "NOHOLD");
    caller_stop(&c);
}
END_TEST

START_TEST(a_fingerprint_parts_two_calls_under_one_id)
{
    caller_start(&c);
    make("ann", "1000", NULL);
    is_word(say_hold(&c, "ann", "i1", "t1", "f1", "300", "0", "60000"), "OK");
    is_word(say_hold(&c, "ann", "i1", "t2", "f2", "300", "0", "60000"), "MISMATCH");
    is_word(say_hold(&c, "ann", "i1", "t2", "f1", "300", "0", "60000"), "LIVE");
    is_word(say_settle(&c, "ann", "i1", "t1", "1"), "OK");
    is_word(say_hold(&c, "ann", "i1", "t2", "f2", "300", "0", "60000"), "MISMATCH");
    caller_stop(&c);
}
END_TEST

START_TEST(each_limit_refuses_in_its_turn)
{
    caller_start(&c);
    /* One account that breaks every limit; they are lifted one by one, in the order of checks. */
    make("ann", "10",
         (const char *[]){"conc", "1", "rpm", "60", "burst", "1", "dM", "12", "mM", "13", NULL});
    say_account(&c, "edit", "ann", (const char *[]){"maxc", "8", "st", "A", NULL});
    is_word(say_hold(&c, "ann", "i0", "t", "", "1", "0", "60000"), "OK");
    say_account(&c, "edit", "ann", (const char *[]){"st", "S", NULL});
    is_word(say_hold(&c, "ann", "i1", "t", "", "20", "0", "60000"), "SUSPENDED");
    say_account(&c, "edit", "ann", (const char *[]){"st", "A", NULL});
    redisReply *reply = say_hold(&c, "ann", "i1", "t", "", "20", "0", "60000");
    is_word(reply, "RATE");
    ck_assert_int_gt(caller_number(reply, 2), 0);
    ck_assert_int_le(caller_number(reply, 2), 1000);
    ck_assert_int_eq(caller_number(reply, 3), 60);
    ck_assert_int_eq(caller_number(reply, 4), 0);
    say_account(&c, "edit", "ann", (const char *[]){"rpm", "0", NULL});
    is_word(say_hold(&c, "ann", "i1", "t", "", "20", "0", "60000"), "CONC");
    say_account(&c, "edit", "ann", (const char *[]){"conc", "2", NULL});
    reply = say_hold(&c, "ann", "i1", "t", "", "20", "0", "60000");
    is_word(reply, "DAY");
    ck_assert_int_gt(caller_number(reply, 2), 0);
    ck_assert_int_le(caller_number(reply, 2), 86400000);
    say_account(&c, "edit", "ann", (const char *[]){"dM", "0", NULL});
    reply = say_hold(&c, "ann", "i1", "t", "", "20", "0", "60000");
    is_word(reply, "MONTH");
    ck_assert_int_le(caller_number(reply, 2), INT64_C(31) * 86400000);
    say_account(&c, "edit", "ann", (const char *[]){"mM", "0", NULL});
    is_word(say_hold(&c, "ann", "i1", "t", "", "20", "0", "60000"), "FUNDS");
    ck_assert_str_eq(caller_word(say_hold(&c, "ann", "i1", "t", "", "20", "0", "60000"), 1), "9");
    is_word(say_hold(&c, "ann", "i1", "t", "", "9", "0", "60000"), "CALLMAX");
    is_word(say_hold(&c, "ann", "i1", "t", "", "8", "0", "60000"), "OK");
    is_word(say_hold(&c, "nobody", "i2", "t", "", "1", "0", "60000"), "NOACCT");
    ck_assert_str_eq(account_field("ann", "dU"), "9");
    caller_stop(&c);
}
END_TEST

START_TEST(a_window_takes_exactly_its_limit)
{
    caller_start(&c);
    make("ann", "1000", (const char *[]){"dM", "100", NULL});
    is_word(say_hold(&c, "ann", "i1", "t", "", "60", "0", "60000"), "OK");
    is_word(say_hold(&c, "ann", "i2", "t", "", "41", "0", "60000"), "DAY");
    is_word(say_hold(&c, "ann", "i2", "t", "", "40", "0", "60000"), "OK");
    is_word(say_settle(&c, "ann", "i1", "t", "10"), "OK");
    is_word(say_hold(&c, "ann", "i3", "t", "", "51", "0", "60000"), "DAY");
    is_word(say_hold(&c, "ann", "i3", "t", "", "50", "0", "60000"), "OK");
    caller_stop(&c);
}
END_TEST

START_TEST(a_new_day_and_month_begin_at_nothing_and_old_calls_do_not_touch_them)
{
    caller_start(&c);
    make("ann", "1000", (const char *[]){"dM", "100", "mM", "100", NULL});
    is_word(say_hold(&c, "ann", "i1", "t", "", "90", "0", "60000"), "OK");
    /* Put the account and its hold into yesterday, and last month. */
    int64_t day = strtoll(account_field("ann", "dN"), NULL, 10);
    int64_t month = strtoll(account_field("ann", "mN"), NULL, 10);
    char held[512], old[64], was[64];
    snprintf(held, sizeof(held), "%s", caller_say(&c, "GET " TAG "h:i1")->str);
    snprintf(was, sizeof(was), "|%" PRId64 "|%" PRId64 "|", day, month);
    snprintf(old, sizeof(old), "|%" PRId64 "|%" PRId64 "|", day - 1, month - 1);
    char *at = strstr(held, was);
    ck_assert_ptr_nonnull(at);
    ck_assert_uint_eq(strlen(was), strlen(old));
    memcpy(at, old, strlen(old));
    caller_say(&c, "SET " TAG "h:i1 %s", held);
    caller_say(&c, "HSET " TAG "a:ann dN %" PRId64 " mN %" PRId64, day - 1, month - 1);
    is_word(say_hold(&c, "ann", "i2", "t", "", "100", "0", "60000"), "OK");
    is_word(say_settle(&c, "ann", "i1", "t", "10"), "OK");
    ck_assert_str_eq(account_field("ann", "dU"), "100");
    ck_assert_str_eq(account_field("ann", "mU"), "100");
    is_word(say_hold(&c, "ann", "i3", "t", "", "1", "0", "60000"), "DAY");
    caller_stop(&c);
}
END_TEST

START_TEST(the_month_is_the_civil_one)
{
    caller_start(&c);
    make("ann", "1000", NULL);
    is_word(say_hold(&c, "ann", "i1", "t", "", "1", "0", "60000"), "OK");
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    int64_t month = strtoll(account_field("ann", "mN"), NULL, 10);
    ck_assert_int_eq(month, (utc.tm_year + 1900) * 12 + utc.tm_mon);
    /* Every day from 1970 to 2100, by the script's own function against the C library's. */
    char script[16384];
    const char *end = strstr(script_hold, "local function ledger_add");
    snprintf(script, sizeof(script),
             "%.*s local out = {} for day = 0, 47500 do "
             "local m, n = month_of(day) out[#out + 1] = m * 100000 + n end return out",
             (int)(end - script_hold), script_hold);
    redisReply *reply = caller_command(&c, 3, (const char *[]){"EVAL", script, "0"});
    ck_assert_int_eq(reply->type, REDIS_REPLY_ARRAY);
    for (int day = 0; day <= 47500; ++day) {
        time_t at = (time_t)day * 86400;
        gmtime_r(&at, &utc);
        struct tm next = {.tm_year = utc.tm_year, .tm_mon = utc.tm_mon + 1, .tm_mday = 1};
        int64_t expected =
            INT64_C(100000) * ((utc.tm_year + 1900) * 12 + utc.tm_mon) + timegm(&next) / 86400;
        ck_assert_int_eq(reply->element[day]->integer, expected);
    }
    caller_stop(&c);
}
END_TEST

START_TEST(a_rate_lets_a_burst_through_and_then_one_at_a_time)
{
    caller_start(&c);
    make("ann", "1000", (const char *[]){"rpm", "600", "burst", "5", NULL});
    char inv[16];
    for (int i = 0; i < 5; ++i) {
        snprintf(inv, sizeof(inv), "i%d", i);
        redisReply *reply = say_hold(&c, "ann", inv, "t", "", "1", "0", "60000");
        is_word(reply, "OK");
        ck_assert_int_le(caller_number(reply, 4), 5 - i); /* time passes: one may have come back */
        ck_assert_int_ge(caller_number(reply, 4), 4 - i);
    }
    int64_t tat = strtoll(account_field("ann", "tat"), NULL, 10);
    redisReply *reply = say_hold(&c, "ann", "late", "t", "", "1", "0", "60000");
    if (strcmp(caller_word(reply, 0), "RATE") == 0) { /* else the machine was slow: 100 ms passed */
        ck_assert_int_le(caller_number(reply, 2), 100);
        ck_assert_int_eq(strtoll(account_field("ann", "tat"), NULL, 10), tat);
        redis_server_pause_ms(101);
        is_word(say_hold(&c, "ann", "late", "t", "", "1", "0", "60000"), "OK");
    }
    caller_stop(&c);
}
END_TEST

START_TEST(a_rate_that_was_raised_or_a_clock_set_back_does_not_refuse_for_long)
{
    caller_start(&c);
    make("ann", "1000", (const char *[]){"rpm", "1", "burst", "5", NULL});
    char inv[16];
    for (int i = 0; i < 5; ++i) {
        snprintf(inv, sizeof(inv), "i%d", i);
        is_word(say_hold(&c, "ann", inv, "t", "", "1", "0", "60000"), "OK");
    }
    is_word(say_hold(&c, "ann", "late", "t", "", "1", "0", "60000"), "RATE");
    say_account(&c, "edit", "ann", (const char *[]){"rpm", "6000", "burst", "1", NULL});
    is_word(say_hold(&c, "ann", "late", "t", "", "1", "0", "60000"), "OK");
    /* As if it had been written by a clock an hour ahead. */
    int64_t ahead = ((int64_t)time(NULL) + 3600) * 1000000;
    caller_say(&c, "HSET " TAG "a:ann tat %lld", (long long)ahead);
    is_word(say_hold(&c, "ann", "i6", "t", "", "1", "0", "60000"), "OK");
    redisReply *reply = say_hold(&c, "ann", "i7", "t", "", "1", "0", "60000");
    if (strcmp(caller_word(reply, 0), "RATE") == 0) /* else the machine was slow: 10 ms passed */
        ck_assert_int_le(caller_number(reply, 2), 10);
    caller_stop(&c);
}
END_TEST

START_TEST(with_money_for_ten_two_hundred_holds_run_exactly_ten)
{
    caller_start(&c);
    make("ann", "1009", NULL);
    char inv[200][16];
    for (int i = 0; i < 200; ++i) {
        snprintf(inv[i], sizeof(inv[i]), "i%d", i);
        const char *words[] = {"EVAL", script_hold, "3", TAG "a:ann", NULL, TAG "x", inv[i],
                               "t",    "ann",       "",  "100",       "0",  "60000", "gw:1",
                               "",     "0",         "0", "",          "",   ""};
        char key[64];
        snprintf(key, sizeof(key), TAG "h:i%d", i);
        words[4] = key;
        redisAppendCommandArgv(c.redis, sizeof(words) / sizeof(*words), words, NULL);
    }
    int placed = 0, refused = 0;
    for (int i = 0; i < 200; ++i) {
        redisReply *reply;
        ck_assert_int_eq(redisGetReply(c.redis, (void **)&reply), REDIS_OK);
        placed += strcmp(caller_word(reply, 0), "OK") == 0;
        refused += strcmp(caller_word(reply, 0), "FUNDS") == 0;
        freeReplyObject(reply);
    }
    ck_assert_int_eq(placed, 10);
    ck_assert_int_eq(refused, 190);
    ck_assert_str_eq(account_field("ann", "bal"), "9");
    caller_stop(&c);
}
END_TEST

START_TEST(what_is_not_a_whole_number_below_2_53_is_refused_everywhere)
{
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      "1.5",
                                      "0x10",
                                      " 12 ",
                                      "1e3",
                                      "nan",
                                      "inf",
                                      "12 ",
                                      "1\n",
                                      "9007199254740992",
                                      "10000000000000000",
                                      "99999999999999999999"};
    caller_start(&c);
    make("ann", "1000", NULL);
    is_word(say_hold(&c, "ann", "live", "t", "", "10", "0", "60000"), "OK");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); ++i) {
        ck_assert_msg(is_bad(say_hold(&c, "ann", "n", "t", "", bad[i], "0", "60000")), "%s",
                      bad[i]);
        ck_assert(is_bad(say_hold(&c, "ann", "n", "t", "", "1", bad[i], "60000")));
        ck_assert(is_bad(say_hold(&c, "ann", "n", "t", "", "1", "0", bad[i])));
        ck_assert(is_bad(say_settle(&c, "ann", "live", "t", bad[i])));
        ck_assert(is_bad(say_checkpoint(&c, "live", "t", bad[i], "1000")));
        ck_assert(is_bad(say_checkpoint(&c, "live", "t", "1", bad[i])));
        ck_assert(is_bad(say_credit(&c, "ann", "+", bad[i], "ref")));
        ck_assert(is_bad(say_reap(&c, "ann", "live", "", bad[i])));
        ck_assert(is_bad(say_account(&c, "edit", "ann", (const char *[]){"dM", bad[i], NULL})));
    }
    ck_assert(is_bad(say_credit(&c, "ann", "+", "0", "ref")));
    ck_assert(is_bad(say_credit(&c, "ann", "", "1", "ref")));
    ck_assert(is_bad(say_hold(&c, "ann", "n|H", "t", "", "1", "0", "60000")));
    ck_assert(is_bad(say_account(&c, "edit", "ann", (const char *[]){"bal", "5", NULL})));
    ck_assert(is_bad(
        say_hold(&c, "ann", "n", "t", "", "9007199254740991", "1", "60000"))); /* together above */
    ck_assert_str_eq(account_field("ann", "bal"), "990");
    ck_assert_str_eq(account_field("ann", "held"), "10");
    ck_assert_int_eq(caller_say(&c, "EXISTS " TAG "h:n " TAG "r:ref")->integer, 0);
    caller_stop(&c);
}
END_TEST

START_TEST(amounts_of_sixteen_digits_stay_exact)
{
    caller_start(&c);
    make("ann", "9007199254740991", NULL);
    is_word(say_credit(&c, "ann", "+", "1", "more"), "RANGE");
    is_word(say_hold(&c, "ann", "i1", "t", "", "9007199254740990", "0", "60000"), "OK");
    ck_assert_str_eq(account_field("ann", "bal"), "1");
    ck_assert_str_eq(account_field("ann", "held"), "9007199254740990");
    is_word(say_checkpoint(&c, "i1", "t", "1234567890123457", "60000"), "OK");
    redisReply *reply = say_settle(&c, "ann", "i1", "t", "1234567890123457");
    ck_assert_str_eq(caller_word(reply, 1), "1234567890123457");
    ck_assert_str_eq(account_field("ann", "spent"), "1234567890123457");
    ck_assert_str_eq(account_field("ann", "bal"), "7772631364617534");
    /* A credit line on top of it must not carry sums past 2^53. */
    say_account(&c, "edit", "ann", (const char *[]){"cred", "9007199254740991", NULL});
    is_word(say_hold(&c, "ann", "i2", "t", "", "7772631364617535", "0", "60000"), "FUNDS");
    is_word(say_hold(&c, "ann", "i2", "t", "", "7772631364617534", "0", "60000"), "OK");
    caller_stop(&c);
}
END_TEST

START_TEST(a_credit_line_is_spent_to_its_end_and_no_further)
{
    caller_start(&c);
    make("ann", "100", (const char *[]){"cred", "50", NULL});
    is_word(say_hold(&c, "ann", "i1", "t", "", "151", "0", "60000"), "FUNDS");
    redisReply *reply = say_hold(&c, "ann", "i1", "t", "", "150", "0", "60000");
    is_word(reply, "OK");
    ck_assert_int_eq(caller_number(reply, 1), 0);
    ck_assert_str_eq(account_field("ann", "bal"), "-50");
    is_word(say_hold(&c, "ann", "i2", "t", "", "1", "0", "60000"), "FUNDS");
    is_word(say_hold(&c, "ann", "i2", "t", "", "0", "0", "60000"), "OK"); /* free ones run */
    is_word(say_settle(&c, "ann", "i1", "t", "150"), "OK");
    ck_assert_str_eq(account_field("ann", "bal"), "-50");
    caller_stop(&c);
}
END_TEST

START_TEST(a_credit_counts_once_for_each_reference)
{
    caller_start(&c);
    make("ann", NULL, NULL);
    is_word(say_credit(&c, "ann", "+", "500", "pay-1"), "OK");
    redisReply *reply = say_credit(&c, "ann", "+", "500", "pay-1");
    is_word(reply, "DUP");
    ck_assert_int_eq(caller_number(reply, 1), 500);
    is_word(say_credit(&c, "ann", "+", "501", "pay-1"), "MISMATCH");
    is_word(say_credit(&c, "ann", "-", "500", "pay-1"), "MISMATCH");
    is_word(say_credit(&c, "ann", "-", "501", "take-1"), "FUNDS");
    is_word(say_credit(&c, "ann", "-", "500", "take-1"), "OK");
    is_word(say_credit(&c, "nobody", "+", "1", "pay-2"), "NOACCT");
    ck_assert_str_eq(account_field("ann", "bal"), "0");
    ck_assert_str_eq(account_field("ann", "seq"), "2");
    caller_stop(&c);
}
END_TEST

START_TEST(the_reaper_takes_only_the_dead_and_charges_the_last_checkpoint)
{
    caller_start(&c);
    make("ann", "1000", NULL);
    is_word(say_hold(&c, "ann", "i1", "t", "", "100", "0", "60000"), "OK");
    is_word(say_hold(&c, "ann", "i2", "t", "", "100", "0", "60000"), "OK");
    is_word(say_checkpoint(&c, "i1", "t", "40", "60000"), "OK");
    is_word(say_checkpoint(&c, "i1", "t", "30", "60000"), "OK"); /* never falls */
    is_word(say_reap(&c, "ann", "i1", "", "0"), "LIVE");
    is_word(say_reap(&c, "ann", "i1", "gw1:2", "0"), "LIVE");
    redisReply *reply = say_reap(&c, "ann", "i1", "gw1:1", "0");
    is_word(reply, "OK");
    ck_assert_int_eq(caller_number(reply, 1), 40);
    is_word(say_reap(&c, "ann", "i1", "gw1:1", "0"), "DUP");
    caller_say(&c, "ZADD " TAG "x 1000 i2");
    is_word(say_reap(&c, "ann", "i2", "", "9000000000000"), "LIVE");
    reply = say_reap(&c, "ann", "i2", "", "60000");
    is_word(reply, "OK");
    ck_assert_int_eq(caller_number(reply, 1), 0);
    ck_assert_int_eq(caller_say(&c, "ZCARD " TAG "x")->integer, 0);
    ck_assert_str_eq(account_field("ann", "spent"), "40");
    caller_stop(&c);
}
END_TEST

START_TEST(accounts_are_made_once_and_changed_only_when_they_stand)
{
    caller_start(&c);
    is_word(say_account(&c, "edit", "ann", (const char *[]){"dM", "5", NULL}), "NOACCT");
    ck_assert_int_eq(caller_say(&c, "EXISTS " TAG "a:ann")->integer, 0);
    make("ann", "1000", NULL);
    is_word(say_account(&c, "create", "ann", NULL), "EXISTS");
    ck_assert_str_eq(account_field("ann", "bal"), "1000");
    is_word(say_account(&c, "edit", "ann", (const char *[]){"rpm", "120", "burst", "3", NULL}),
            "OK");
    ck_assert_str_eq(account_field("ann", "rT"), "500000");
    ck_assert_str_eq(account_field("ann", "rB"), "1000000");
    ck_assert_str_eq(account_field("ann", "bal"), "1000");
    ck_assert_int_eq(caller_say(&c, "SISMEMBER " TAG "accounts ann")->integer, 1);
    caller_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_hold_takes_its_ceiling_and_a_settle_gives_the_rest_back,
        a_settle_sent_twice_is_charged_once,
        a_cost_above_the_ceiling_is_cut_to_it_and_noted,
        a_hold_that_comes_after_its_own_release_does_not_land,
        a_fingerprint_parts_two_calls_under_one_id,
        each_limit_refuses_in_its_turn,
        a_window_takes_exactly_its_limit,
        a_new_day_and_month_begin_at_nothing_and_old_calls_do_not_touch_them,
        the_month_is_the_civil_one,
        a_rate_lets_a_burst_through_and_then_one_at_a_time,
        a_rate_that_was_raised_or_a_clock_set_back_does_not_refuse_for_long,
        with_money_for_ten_two_hundred_holds_run_exactly_ten,
        what_is_not_a_whole_number_below_2_53_is_refused_everywhere,
        amounts_of_sixteen_digits_stay_exact,
        a_credit_line_is_spent_to_its_end_and_no_further,
        a_credit_counts_once_for_each_reference,
        the_reaper_takes_only_the_dead_and_charges_the_last_checkpoint,
        accounts_are_made_once_and_changed_only_when_they_stand,
        NULL,
    };
    return checks_run("scripts", tests);
}
