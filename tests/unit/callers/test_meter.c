/* The meter against a real redis-server, which is stopped, killed and started again. */
#include "callers/meter.h"

#include "callers/owed.h"
#include "meter_lane.h"
#include "unit/checks.h"

START_TEST(a_call_is_held_checkpointed_and_settled)
{
    struct waiting w;
    begin();
    hold(&w, "ann", 300);
    ck_assert(w.hold.placed);
    ck_assert_uint_eq(w.wait.facts.available_ucr, 700);
    ck_assert_uint_eq(w.wait.facts.concurrency_live, 1);
    meter_checkpoint(meter, &w.hold, 50);
    ck_assert(settle(&w, 120));
    ck_assert(!w.settled);
    ck_assert_uint_eq(journal_pending(journal), 1);
    lane_until(&lane, w.settled);
    ck_assert(w.settle.settled);
    ck_assert_uint_eq(w.settle.charged_ucr, 120);
    ck_assert_uint_eq(journal_pending(journal), 0);
    ck_assert_uint_eq(meter_pending(meter), 0);
    ck_assert_int_eq(field("ann", "bal"), 880);
    ck_assert_int_eq(field("ann", "held"), 0);
    redisReply *line = caller_say(&lane.redis, "XREVRANGE " TAG "L + - COUNT 1");
    char all[1024] = "";
    for (size_t i = 0; i < line->element[0]->element[1]->elements; ++i) {
        strncat(all, line->element[0]->element[1]->element[i]->str, 200);
        strncat(all, " ", 2);
    }
    ck_assert_msg(strstr(all, "u ms=12,in=34,out=0,u1=9 w a_worker_with_odd_name") != NULL, "%s",
                  all);
    ck_assert_uint_eq(stats_read(&stats.holds), 1);
    ck_assert_uint_eq(stats_read(&stats.settles), 1);
    ck_assert_uint_eq(stats_read(&stats.credits_charged_ucr), 120);
    finish();
}
END_TEST

START_TEST(a_released_call_costs_nothing)
{
    struct waiting w;
    begin();
    hold(&w, "ann", 300);
    meter_release(meter, &w.hold);
    lane_until(&lane, meter_pending(meter) == 0);
    ck_assert_int_eq(field("ann", "bal"), 1000);
    ck_assert_int_eq(live_holds(), 0);
    finish();
}
END_TEST

START_TEST(each_refusal_is_its_own_fault_and_says_what_is_left)
{
    struct waiting w, live;
    begin();
    make("conc", "100", (const char *[]){"conc", "1", NULL});
    make("rate", "100", (const char *[]){"rpm", "1", "burst", "1", NULL});
    make("day", "100", (const char *[]){"dM", "10", NULL});
    make("month", "100", (const char *[]){"mM", "10", NULL});
    make("most", "100", (const char *[]){"maxc", "10", NULL});
    make("off", "100", (const char *[]){"st", "S", NULL});
    hold(&live, "conc", 1);
    hold(&w, "rate", 1);
    ck_assert_uint_eq(w.wait.facts.rate_limit, 1);
    ck_assert_uint_eq(w.wait.facts.rate_window_s, 60);
    ck_assert_uint_eq(w.wait.facts.rate_remaining, 0);
    static const struct {
        const char *account;
        enum fault fault;
        const char *violated;
        bool again;
    } cases[] = {
        {"ann", FAULT_INSUFFICIENT_CREDIT, "", false},
        {"conc", FAULT_QUOTA_EXCEEDED, "concurrency", true},
        {"rate", FAULT_QUOTA_EXCEEDED, "rate", true},
        {"day", FAULT_QUOTA_EXCEEDED, "spend-day", true},
        {"month", FAULT_QUOTA_EXCEEDED, "spend-month", true},
        {"off", FAULT_ACCOUNT_SUSPENDED, "", false},
        {"nobody", FAULT_UNAUTHENTICATED, "", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); ++i) {
        ask(&w, cases[i].account, 1001);
        lane_until(&lane, w.answered);
        ck_assert_int_eq(w.wait.fault, cases[i].fault);
        ck_assert_str_eq(w.wait.facts.violated, cases[i].violated);
        ck_assert_int_eq(w.wait.facts.retry_after_ms > 0, cases[i].again);
    }
    ask(&w, "most", 11);
    lane_until(&lane, w.answered);
    ck_assert_int_eq(w.wait.fault, FAULT_INSUFFICIENT_CREDIT);
    ck_assert_str_eq(w.wait.facts.violated, "spend-call");
    ck_assert_uint_eq(w.wait.facts.available_ucr, 100);
    ask(&w, "ann", PRICE_UCR_MAX + 1);
    lane_until(&lane, w.answered);
    ck_assert_int_eq(w.wait.fault, FAULT_INSUFFICIENT_CREDIT);
    ck_assert(!w.hold.placed);
    ck_assert_int_eq(field("ann", "bal"), 1000);
    ck_assert_uint_eq(stats_read(&stats.redis_errors), 0);
    finish();
}
END_TEST

START_TEST(one_invocation_is_never_held_twice)
{
    struct waiting w, twin;
    begin();
    hold(&w, "ann", 10);
    twin = w;
    twin.answered = false;
    meter_hold(meter, &twin.hold, &twin.wait);
    lane_until(&lane, twin.answered);
    ck_assert_int_eq(twin.wait.fault, FAULT_INVOCATION_EXISTS);
    /* The refused twin's release, should anybody send it, is not the first one's. */
    meter_release(meter, &twin.hold);
    lane_until(&lane, meter_pending(meter) == 0);
    ck_assert_int_eq(field("ann", "held"), 10);
    finish();
}
END_TEST

START_TEST(a_silent_redis_is_an_answer_after_a_quarter_of_a_second_and_leaves_no_hold)
{
    struct waiting w;
    begin();
    kill(lane.redis.server.pid, SIGSTOP);
    uint64_t from = clock_monotonic_ms();
    ask(&w, "ann", 300);
    lane_until(&lane, w.answered);
    uint64_t took = clock_monotonic_ms() - from;
    ck_assert_int_eq(w.wait.fault, FAULT_METERING_UNAVAILABLE);
    ck_assert_uint_ge(took, 245);
    ck_assert_uint_lt(took, 1000);
    ck_assert_uint_ne(meter_pending(meter), 0); /* the release */
    kill(lane.redis.server.pid, SIGCONT);
    lane_until(&lane, meter_pending(meter) == 0);
    ck_assert_int_eq(live_holds(), 0);
    ck_assert_int_eq(field("ann", "bal"), 1000);
    ck_assert_int_eq(field("ann", "inf"), 0);
    finish();
}
END_TEST

START_TEST(a_hold_nobody_waits_for_is_released)
{
    struct waiting w;
    begin();
    ask(&w, "ann", 300);
    meter_hold_cancel(meter, &w.wait);
    lane_until(&lane, meter_pending(meter) == 0);
    ck_assert(!w.answered);
    ck_assert_int_eq(live_holds(), 0);
    ck_assert_int_eq(field("ann", "bal"), 1000);
    ck_assert_int_ne(caller_say(&lane.redis, "EXISTS " TAG "h:%s", w.hold.id.text)->integer, 0);
    /* One refused without Redis can be cancelled as well. */
    ask(&w, "ann", PRICE_UCR_MAX + 1);
    meter_hold_cancel(meter, &w.wait);
    lane_turn_for(&lane, 20);
    ck_assert(!w.answered);
    finish();
}
END_TEST

START_TEST(redis_killed_between_hold_and_settle_is_charged_once_it_is_back)
{
    struct waiting w, refused;
    begin();
    hold(&w, "ann", 300);
    redis_goes();
    ck_assert(settle(&w, 120));
    lane_until(&lane, w.settled);
    ck_assert(!w.settle.settled);
    ck_assert_uint_eq(journal_pending(journal), 1);
    ask(&refused, "ann", 1);
    lane_until(&lane, refused.answered);
    ck_assert_int_eq(refused.wait.fault, FAULT_METERING_UNAVAILABLE);
    ck_assert(!refused.hold.placed);
    redis_comes_back();
    lane_until(&lane, meter_pending(meter) == 0);
    ck_assert_uint_eq(journal_pending(journal), 0);
    ck_assert_int_eq(field("ann", "spent"), 120);
    ck_assert_int_eq(field("ann", "held"), 0);
    finish();
}
END_TEST

START_TEST(redis_silent_at_the_settle_charges_once_however_often_it_is_sent)
{
    struct waiting w;
    options.settle_ms_max = 100;
    begin();
    hold(&w, "ann", 300);
    kill(lane.redis.server.pid, SIGSTOP);
    ck_assert(settle(&w, 120));
    lane_until(&lane, w.settled);
    ck_assert(!w.settle.settled);
    lane_turn_for(&lane, 600); /* several times by now */
    kill(lane.redis.server.pid, SIGCONT);
    lane_until(&lane, meter_pending(meter) == 0);
    ck_assert_int_eq(field("ann", "spent"), 120);
    ck_assert_int_eq(caller_say(&lane.redis, "XLEN " TAG "L")->integer, 2);
    finish();
}
END_TEST

START_TEST(a_settle_wait_that_goes_is_not_answered_and_the_settle_goes_on)
{
    struct waiting w;
    begin();
    hold(&w, "ann", 300);
    ck_assert(settle(&w, 120));
    meter_settle_cancel(meter, &w.settle);
    lane_until(&lane, meter_pending(meter) == 0);
    ck_assert(!w.settled);
    ck_assert_int_eq(field("ann", "spent"), 120);
    finish();
}
END_TEST

START_TEST(a_run_that_died_is_settled_and_its_other_holds_are_reaped_at_once)
{
    struct waiting settled, running, foreign;
    options.reaps = true;
    begin();
    hold(&settled, "ann", 300);
    hold(&running, "ann", 200);
    hold(&foreign, "ann", 100);
    meter_checkpoint(meter, &running.hold, 70);
    lane_turn_for(&lane, 50);
    /* The settle reaches the journal alone: Redis is gone, then so is the process. */
    redis_goes();
    ck_assert(settle(&settled, 250));
    run_end();
    redis_comes_back();
    /* One hold belongs to another gateway. */
    char key[64], record[512];
    snprintf(key, sizeof(key), "h:%s", foreign.hold.id.text);
    snprintf(record, sizeof(record), "%s", caller_say(&lane.redis, "GET " TAG "%s", key)->str);
    char *gateway = strstr(record, ":1|");
    ck_assert_ptr_nonnull(gateway);
    gateway[-1] = gateway[-1] == 'a' ? 'b' : 'a';
    caller_say(&lane.redis, "SET " TAG "%s %s", key, record);

    lane_open_store(&lane);
    run_begin();
    lane_until(&lane, stats_read(&stats.holds_reaped) == 1);
    lane_turn_for(&lane, 100); /* time to do too much */
    ck_assert_uint_eq(stats_read(&stats.settles_replayed), 1);
    ck_assert_uint_eq(stats_read(&stats.holds_reaped), 1);
    ck_assert_int_eq(field("ann", "inf"), 1);
    ck_assert_int_eq(field("ann", "spent"), 250 + 70);
    ck_assert_int_eq(field("ann", "held"), 100);
    lane_until(&lane,
               caller_say(&lane.redis, "EXISTS tg:gw:%s", journal_gateway_id(journal))->integer ==
                   1);
    finish();
}
END_TEST

START_TEST(a_dead_run_with_many_holds_leaves_none)
{
    static struct waiting many[130]; /* more than two pages of one bucket, foreign ones between */
    char key[64], record[512];
    options.reaps = true;
    begin();
    for (int i = 0; i < 130; ++i)
        hold(&many[i], "ann", 1);
    for (int i = 0; i < 130; i += 3) {
        snprintf(key, sizeof(key), "h:%s", many[i].hold.id.text);
        snprintf(record, sizeof(record), "%s", caller_say(&lane.redis, "GET " TAG "%s", key)->str);
        char *gateway = strstr(record, ":1|");
        gateway[-1] = gateway[-1] == 'a' ? 'b' : 'a';
        caller_say(&lane.redis, "SET " TAG "%s %s", key, record);
    }
    run_end();
    lane_open_store(&lane);
    run_begin();
    lane_until(&lane, stats_read(&stats.holds_reaped) == 86);
    lane_turn_for(&lane, 100);
    ck_assert_uint_eq(stats_read(&stats.holds_reaped), 86);
    ck_assert_int_eq(live_holds(), 44);
    finish();
}
END_TEST

START_TEST(an_entry_whose_acknowledgement_was_lost_moves_no_money_twice)
{
    struct waiting w;
    char path[128], copy[1024];
    options.reaps = true;
    begin();
    hold(&w, "ann", 300);
    ck_assert(settle(&w, 250));
    lane_until(&lane, w.settled);
    snprintf(path, sizeof(path), "%s/journal", dir);
    FILE *file = fopen(path, "r");
    size_t bytes = fread(copy, 1, sizeof(copy), file);
    fclose(file);
    run_end();
    file = fopen(path, "w");
    fwrite(copy, 1, bytes, file);
    fclose(file);
    lane_open_store(&lane);
    run_begin();
    ck_assert_uint_eq(journal_pending(journal), 1);
    lane_until(&lane, journal_pending(journal) == 0);
    ck_assert_uint_eq(stats_read(&stats.settles_replayed), 1);
    ck_assert_int_eq(field("ann", "spent"), 250);
    ck_assert_int_eq(caller_say(&lane.redis, "XLEN " TAG "L")->integer, 2);
    finish();
}
END_TEST

START_TEST(only_what_is_overdue_by_the_grace_is_reaped_and_not_right_after_connecting)
{
    struct waiting w, young;
    options.reaps = true;
    options.reap_every_ms = 160;
    options.reap_quiet_ms = 400;
    options.reap_grace_ms = 60000;
    begin();
    uint64_t from = clock_monotonic_ms();
    hold(&w, "ann", 300);
    hold(&young, "ann", 300);
    meter_checkpoint(meter, &w.hold, 40);
    lane_turn_for(&lane, 50);
    int64_t now = clock_unix_ms();
    caller_say(&lane.redis, "ZADD " TAG "x %" PRId64 " %s", now - 61000, w.hold.id.text);
    caller_say(&lane.redis, "ZADD " TAG "x %" PRId64 " %s", now - 50000, young.hold.id.text);
    lane_until(&lane, live_holds() == 1);
    ck_assert_uint_ge(clock_monotonic_ms() - from, 300);
    lane_turn_for(&lane, 400);
    ck_assert_int_eq(live_holds(), 1);
    ck_assert_int_eq(field("ann", "spent"), 40);
    /* The call was alive after all: its settle finds what was charged. */
    ck_assert(settle(&w, 100));
    lane_until(&lane, w.settled);
    ck_assert_uint_eq(w.settle.charged_ucr, 40);
    finish();
}
END_TEST

START_TEST(with_money_for_ten_two_hundred_callers_run_exactly_ten)
{
    static struct waiting many[200];
    unsigned placed = 0, refused = 0;
    begin();
    for (int i = 0; i < 200; ++i)
        ask(&many[i], "ann", 100);
    for (int i = 0; i < 200; ++i) {
        lane_until(&lane, many[i].answered);
        placed += many[i].wait.fault == FAULT_NONE;
        refused += many[i].wait.fault == FAULT_INSUFFICIENT_CREDIT;
    }
    ck_assert_uint_eq(placed, 10);
    ck_assert_uint_eq(refused, 190);
    finish();
}
END_TEST

START_TEST(more_waits_than_its_maximum_are_refused)
{
    struct waiting w[3];
    options.waits_max = 2;
    begin();
    for (int i = 0; i < 3; ++i)
        ask(&w[i], "ann", 1);
    for (int i = 0; i < 3; ++i)
        lane_until(&lane, w[i].answered);
    ck_assert_int_eq(w[1].wait.fault, FAULT_NONE);
    ck_assert_int_eq(w[2].wait.fault, FAULT_METERING_UNAVAILABLE);
    finish();
}
END_TEST

START_TEST(settles_beyond_memory_come_from_the_journal)
{
    struct waiting w[5];
    options.waits_max = 2;
    begin();
    for (int i = 0; i < 5; ++i)
        hold(&w[i], "ann", 10);
    kill(lane.redis.server.pid, SIGSTOP);
    for (int i = 0; i < 5; ++i)
        ck_assert(settle(&w[i], 5));
    lane_until(&lane, w[4].settled);
    ck_assert(!w[4].settle.settled);
    kill(lane.redis.server.pid, SIGCONT);
    lane_until(&lane, meter_pending(meter) == 0);
    ck_assert_int_eq(field("ann", "spent"), 25);
    ck_assert_uint_eq(journal_pending(journal), 0);
    finish();
}
END_TEST

START_TEST(a_full_journal_ends_admission_before_it_loses_a_settle)
{
    static struct waiting w[40];
    options.waits_max = 7; /* and a journal of 4 KiB, see run_begin() */
    begin();
    for (int i = 0; i < 40; ++i) {
        hold(&w[i], "ann", 1);
    }
    kill(lane.redis.server.pid, SIGSTOP);
    int written = 0;
    while (written < 40 && settle(&w[written], 1))
        ++written;
    ck_assert_int_gt(written, 10);
    ck_assert_int_lt(written, 40);
    struct waiting refused;
    ask(&refused, "ann", 1);
    lane_until(&lane, refused.answered);
    ck_assert_int_eq(refused.wait.fault, FAULT_METERING_UNAVAILABLE);
    ck_assert(!refused.hold.placed);
    kill(lane.redis.server.pid, SIGCONT);
    lane_until(&lane, meter_pending(meter) == 0);
    ck_assert_int_eq(field("ann", "spent"), written);
    finish();
}
END_TEST

START_TEST(a_text_that_is_not_wholly_understood_is_not_owed)
{
    struct hold held = {.ceiling_ucr = 5, .attempt = 77};
    struct settlement settlement = {.cost_ucr = 5, .over_ucr = UINT64_MAX, .outcome = "ok"};
    struct owed owed;
    char text[OWED_TEXT_MAX];
    invocation_make(&held.id);
    snprintf(held.caller.account, sizeof(held.caller.account), "ann");
    size_t len = owed_write(text, &held, &settlement);
    ck_assert(owed_read(span_of(text, len), &owed));
    ck_assert(span_is(owed.cost, SPAN_OF("5")));
    ck_assert(span_is(owed.over, SPAN_OF("9007199254740991")));
    ck_assert(!owed_read(SPAN_OF(""), &owed));
    ck_assert(!owed_read(SPAN_OF("3\nX\n7\ni\na\nt"), &owed));
    ck_assert(!owed_read(SPAN_OF("2\nX\n7\ni\na\nt"), &owed));
    ck_assert(!owed_read(SPAN_OF("2\nX\n7\ni\na\nt\np"), &owed));
    ck_assert(!owed_read(SPAN_OF("2\nX\n7\ni\na\nt\n\nr"), &owed));
    ck_assert(!owed_read(SPAN_OF("2\nX\n7\ni\na\nt\np\nr\nx"), &owed));
    ck_assert(!owed_read(SPAN_OF("1\nX\n7\ni\na\nt\np\nr"), &owed));
    ck_assert(owed_read(SPAN_OF("2\nX\n7\ni\na\nt\np\nr"), &owed));
    ck_assert(span_is(owed.parent, SPAN_OF("p")) && span_is(owed.root, SPAN_OF("r")));
    ck_assert(!owed_read(SPAN_OF("1\nY\n7\ni\na\nt"), &owed));
    ck_assert(!owed_read(SPAN_OF("1\nX\n256\ni\na\nt"), &owed));
    ck_assert(!owed_read(SPAN_OF("1\nX\n7\n\na\nt"), &owed));
    ck_assert(!owed_read(SPAN_OF("1\nX\n7\ni\na"), &owed));
    ck_assert(!owed_read(SPAN_OF("1\nX\n7\ni\na\nt\n5"), &owed));
    ck_assert(!owed_read(SPAN_OF("1\nS\n7\ni\na\nt"), &owed));
    ck_assert(owed_read(SPAN_OF("1\nX\n7\ni\na\nt"), &owed));
    text[len] = '\n';
    ck_assert(!owed_read(span_of(text, len + 1), &owed));
    snprintf(held.parent, sizeof(held.parent), "aparent");
    snprintf(held.root, sizeof(held.root), "aroot");
    len = owed_write(text, &held, &settlement);
    ck_assert(owed_read(span_of(text, len), &owed));
    ck_assert(span_is(owed.parent, SPAN_OF("aparent")) && span_is(owed.root, SPAN_OF("aroot")));
    ck_assert(span_is(owed.cost, SPAN_OF("5")));
    text[len] = '\n';
    ck_assert(!owed_read(span_of(text, len + 1), &owed));
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_call_is_held_checkpointed_and_settled,
        a_released_call_costs_nothing,
        each_refusal_is_its_own_fault_and_says_what_is_left,
        one_invocation_is_never_held_twice,
        a_silent_redis_is_an_answer_after_a_quarter_of_a_second_and_leaves_no_hold,
        a_hold_nobody_waits_for_is_released,
        redis_killed_between_hold_and_settle_is_charged_once_it_is_back,
        redis_silent_at_the_settle_charges_once_however_often_it_is_sent,
        a_settle_wait_that_goes_is_not_answered_and_the_settle_goes_on,
        a_run_that_died_is_settled_and_its_other_holds_are_reaped_at_once,
        a_dead_run_with_many_holds_leaves_none,
        an_entry_whose_acknowledgement_was_lost_moves_no_money_twice,
        only_what_is_overdue_by_the_grace_is_reaped_and_not_right_after_connecting,
        with_money_for_ten_two_hundred_callers_run_exactly_ten,
        more_waits_than_its_maximum_are_refused,
        settles_beyond_memory_come_from_the_journal,
        a_full_journal_ends_admission_before_it_loses_a_settle,
        a_text_that_is_not_wholly_understood_is_not_owed,
        NULL,
    };
    return checks_run("meter", tests);
}
