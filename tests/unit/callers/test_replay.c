/* A redis-server that comes back with less than it had answered, and how the sums come out. */
#include "callers/replay.h"

#include "callers/ring.h"
#include "meter_lane.h"
#include "unit/checks.h"

/* Everything since `copy_files("appendonlydir", "before")` is lost. */
static void redis_loses_it(void)
{
    redis_goes();
    copy_files("before", "appendonlydir");
    redis_comes_back();
    lane_until(&lane, store_is_up(lane.store));
}

static void check_sums(int64_t spent, int64_t held)
{
    ck_assert_int_eq(field("ann", "spent"), spent);
    ck_assert_int_eq(field("ann", "held"), held);
    ck_assert_int_eq(field("ann", "bal") + field("ann", "held") + field("ann", "spent"),
                     field("ann", "tup"));
}

START_TEST(what_a_restarted_redis_has_forgotten_is_told_again)
{
    struct waiting w, kept;
    begin();
    hold(&kept, "ann", 100);
    hold(&w, "ann", 300);
    ck_assert(settle(&kept, 30));
    lane_until(&lane, kept.settled);
    copy_files("appendonlydir", "before");
    ck_assert(settle(&w, 120));
    lane_until(&lane, w.settled);
    check_sums(150, 0);
    ck_assert_uint_eq(journal_pending(journal), 0);
    redis_loses_it();
    lane_until(&lane, stats_read(&stats.replays) == 4); /* two holds, two settles */
    lane_until(&lane, field("ann", "held") == 0);
    check_sums(150, 0);
    ck_assert_int_eq(caller_say(&lane.redis, "XLEN " TAG "L")->integer, 3);
    ck_assert_uint_eq(stats_read(&stats.settles), 2);
    ck_assert_uint_eq(stats_read(&stats.credits_charged_ucr), 150);
    finish();
}
END_TEST

START_TEST(a_hold_that_was_lost_is_placed_again_before_its_settle_comes)
{
    struct waiting w;
    begin();
    copy_files("appendonlydir", "before");
    hold(&w, "ann", 300);
    meter_checkpoint(meter, &w.hold, 40);
    lane_turn_for(&lane, 50);
    redis_goes();
    ck_assert(settle(&w, 120)); /* while it is away: it stays in the journal */
    copy_files("before", "appendonlydir");
    redis_comes_back();
    lane_until(&lane, meter_pending(meter) == 0 && journal_pending(journal) == 0);
    check_sums(120, 0);
    ck_assert_uint_eq(stats_read(&stats.settles_unheld), 0);
    ck_assert_uint_eq(stats_read(&stats.settles), 1);
    finish();
}
END_TEST

START_TEST(a_running_call_whose_hold_was_lost_goes_on_and_is_charged_at_its_end)
{
    struct waiting w;
    begin();
    copy_files("appendonlydir", "before");
    hold(&w, "ann", 300);
    meter_checkpoint(meter, &w.hold, 40);
    lane_turn_for(&lane, 50);
    redis_loses_it();
    lane_until(&lane, live_holds() == 1);
    lane_until(&lane, stats_read(&stats.replays) == 2);
    check_sums(0, 300);
    ck_assert(settle(&w, 120));
    lane_until(&lane, meter_pending(meter) == 0);
    check_sums(120, 0);
    ck_assert_uint_eq(stats_read(&stats.settles_unheld), 0);
    finish();
}
END_TEST

START_TEST(a_lost_release_is_released_again)
{
    struct waiting w;
    begin();
    hold(&w, "ann", 300);
    copy_files("appendonlydir", "before");
    meter_release(meter, &w.hold);
    lane_until(&lane, meter_pending(meter) == 0);
    redis_loses_it();
    lane_until(&lane, live_holds() == 0);
    check_sums(0, 0);
    finish();
}
END_TEST

START_TEST(a_replayed_hold_asks_no_limit_and_may_take_the_balance_below_nothing)
{
    struct waiting w, other;
    begin();
    copy_files("appendonlydir", "before");
    hold(&w, "ann", 900);
    redis_goes();
    copy_files("before", "appendonlydir");
    redis_comes_back();
    /* Another gateway is quicker, and the account is suspended by now. */
    caller_say(&lane.redis, "HSET " TAG "a:ann bal 100 tup 100 st S");
    lane_until(&lane, live_holds() == 1);
    ck_assert_int_eq(field("ann", "bal"), -800);
    do { /* while it replays, none is taken */
        ask(&other, "ann", 1);
        lane_until(&lane, other.answered);
    } while (other.wait.fault == FAULT_METERING_UNAVAILABLE);
    ck_assert_int_eq(other.wait.fault, FAULT_ACCOUNT_SUSPENDED);
    ck_assert(settle(&w, 70));
    lane_until(&lane, meter_pending(meter) == 0);
    check_sums(70, 0);
    finish();
}
END_TEST

START_TEST(a_tree_that_was_lost_is_there_again_with_its_bill)
{
    struct waiting root, child;
    begin();
    copy_files("appendonlydir", "before");
    root = (struct waiting){0};
    ask(&root, "ann", 1); /* fills it in; its own answer is not looked at */
    lane_until(&lane, root.answered);
    meter_release(meter, &root.hold);
    lane_until(&lane, meter_pending(meter) == 0);
    invocation_make(&root.hold.id);
    root.answered = false;
    root.hold.ceiling_ucr = 100;
    root.hold.sub_ucr = 500;
    meter_hold(meter, &root.hold, &root.wait);
    lane_until(&lane, root.answered);
    ck_assert_int_eq(root.wait.fault, FAULT_NONE);
    child = root;
    child.answered = child.settled = false;
    invocation_make(&child.hold.id);
    snprintf(child.hold.parent, sizeof(child.hold.parent), "%s", root.hold.id.text);
    snprintf(child.hold.root, sizeof(child.hold.root), "%s", root.hold.id.text);
    child.hold.depth_max = 4;
    child.hold.children_max = 16;
    child.hold.sub_ucr = 0;
    child.hold.ceiling_ucr = 200;
    meter_hold(meter, &child.hold, &child.wait);
    lane_until(&lane, child.answered);
    ck_assert_int_eq(child.wait.fault, FAULT_NONE);
    redis_loses_it();
    lane_until(&lane, live_holds() == 2);
    check_sums(0, 600);
    ck_assert(settle(&child, 150));
    lane_until(&lane, meter_pending(meter) == 0);
    check_sums(150, 450);
    ck_assert(settle(&root, 30));
    lane_until(&lane, root.settled);
    check_sums(180, 0);
    finish();
}
END_TEST

START_TEST(a_connection_that_broke_replays_nothing)
{
    struct waiting w;
    begin();
    hold(&w, "ann", 300);
    ck_assert(settle(&w, 120));
    lane_until(&lane, w.settled);
    unsigned ups = lane.ups;
    caller_say(&lane.redis, "CLIENT KILL TYPE normal SKIPME yes");
    lane_until(&lane, lane.ups > ups);
    lane_turn_for(&lane, 100);
    ck_assert_uint_eq(stats_read(&stats.replays), 0);
    ck_assert_uint_eq(stats_read(&stats.settles_replayed), 0);
    finish();
}
END_TEST

static unsigned gone_back;

static void note_gone_back(void *owner, uint16_t bucket)
{
    ck_assert_uint_eq(bucket, 7);
    ++gone_back;
}

/* So many calls that the first are beyond the ring: it keeps 20 ms, in pieces of 64 KiB. */
static void call_many(unsigned count)
{
    for (unsigned i = 0; i < count; ++i) {
        struct waiting w;
        hold(&w, "ann", 1);
        ck_assert(settle(&w, 0));
        lane_until(&lane, w.settled);
    }
}

START_TEST(an_old_backup_is_refused_until_an_operator_says_that_it_is_good)
{
    struct waiting w;
    gone_back = 0;
    options.replay_ms = 20;
    options.note_gone_back = note_gone_back;
    begin();
    copy_files("appendonlydir", "before");
    call_many(600);
    redis_loses_it();
    lane_until(&lane, gone_back > 0);
    ck_assert(journal_distrusts_store(journal));
    ask(&w, "ann", 1);
    lane_until(&lane, w.answered);
    ck_assert_int_eq(w.wait.fault, FAULT_METERING_UNAVAILABLE);
    ck_assert_int_eq(caller_say(&lane.redis, "XLEN " TAG "L")->integer, 1); /* nothing replayed */

    /* A restart of the gateway forgets it as little. */
    run_end();
    lane_open_store(&lane);
    options.note_gone_back = NULL;
    run_begin();
    ask(&w, "ann", 1);
    lane_until(&lane, w.answered);
    ck_assert_int_eq(w.wait.fault, FAULT_METERING_UNAVAILABLE);

    ck_assert(journal_distrust_store(journal, false));
    hold(&w, "ann", 1);
    ck_assert(settle(&w, 1));
    lane_until(&lane, w.settled);
    finish();
}
END_TEST

START_TEST(an_accepted_backup_is_gone_on_with_by_the_run_that_found_it)
{
    struct waiting w;
    gone_back = 0;
    options.replay_ms = 20;
    options.note_gone_back = note_gone_back;
    begin();
    copy_files("appendonlydir", "before");
    call_many(600);
    redis_loses_it();
    lane_until(&lane, gone_back == 1);
    ck_assert(journal_distrust_store(journal, false));
    for (w.answered = false, w.wait.fault = FAULT_COUNT; w.wait.fault != FAULT_NONE;) {
        ask(&w, "ann", 1);
        lane_until(&lane, w.answered);
    }
    ck_assert(settle(&w, 1));
    lane_until(&lane, w.settled);
    ck_assert(w.settle.settled);
    ck_assert_uint_eq(gone_back, 1);
    finish();
}
END_TEST

/* ------------------------------------------------------------------ the ring */

static unsigned dropped;

static void count_dropped(void *owner, const struct ring_entry *entry)
{
    ++dropped;
}

START_TEST(a_ring_gives_back_what_it_was_given_in_order_and_drops_the_oldest)
{
    static char text[4096];
    struct ring ring;
    struct ring_entry entry;
    unsigned count = 0;
    uint64_t last = 0;
    dropped = 0;
    memset(text, 'x', sizeof(text));
    ring_init(&ring, 256 * 1024, count_dropped, NULL);
    ring_rewind(&ring);
    ck_assert(!ring_next(&ring, &entry));
    for (uint64_t i = 1; i <= 1000; ++i)
        ring_add(&ring, &(struct ring_entry){.at = i,
                                             .bucket = (uint16_t)(i % 256),
                                             .ledger = {i, i + 1},
                                             .text = span_of(text, i * 37 % sizeof(text))});
    ring_rewind(&ring);
    while (ring_next(&ring, &entry)) {
        ck_assert(last == 0 || entry.at == last + 1);
        last = entry.at;
        ck_assert_uint_eq(entry.text.len, last * 37 % sizeof(text));
        ck_assert_uint_eq(entry.bucket, last % 256);
        ck_assert(entry.ledger.ms == last && entry.ledger.n == last + 1);
        ++count;
    }
    ck_assert_uint_eq(last, 1000);
    ck_assert_uint_eq(dropped + count, 1000);
    ck_assert_uint_gt(dropped, 500);
    ring_add(&ring, &(struct ring_entry){.at = 1001, .text = SPAN_OF("late")});
    ck_assert(ring_next(&ring, &entry)); /* the walk goes on to what came behind it */
    ck_assert(span_is(entry.text, SPAN_OF("late")));
    ring_rewind(&ring);
    ring_drop_before(&ring, 1001);
    ck_assert(ring_next(&ring, &entry)); /* its piece was dropped under it */
    ring_drop_before(&ring, 2000);
    ck_assert(ring_is_empty(&ring));
    ck_assert(!ring_next(&ring, &entry));
    ring_fini(&ring);
}
END_TEST

START_TEST(ledger_ids_are_ordered_by_time_then_number)
{
    struct ledger_id a = ledger_id_read(SPAN_OF("1700000000000-9"));
    struct ledger_id b = ledger_id_read(SPAN_OF("1700000000000-10"));
    struct ledger_id none = ledger_id_read(SPAN_OF("1700000000000"));
    ck_assert(ledger_id_is_before(a, b) && !ledger_id_is_before(b, a));
    ck_assert(!ledger_id_is_before(a, a));
    ck_assert(none.ms == 0 && none.n == 0);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {what_a_restarted_redis_has_forgotten_is_told_again,
                            a_hold_that_was_lost_is_placed_again_before_its_settle_comes,
                            a_running_call_whose_hold_was_lost_goes_on_and_is_charged_at_its_end,
                            a_lost_release_is_released_again,
                            a_replayed_hold_asks_no_limit_and_may_take_the_balance_below_nothing,
                            a_tree_that_was_lost_is_there_again_with_its_bill,
                            a_connection_that_broke_replays_nothing,
                            an_old_backup_is_refused_until_an_operator_says_that_it_is_good,
                            an_accepted_backup_is_gone_on_with_by_the_run_that_found_it,
                            a_ring_gives_back_what_it_was_given_in_order_and_drops_the_oldest,
                            ledger_ids_are_ordered_by_time_then_number,
                            NULL};
    return checks_run("replay", tests);
}
