/* Each kind of call, answered in each bad way: a clear fault, and never a lost or doubled charge.
 */
#define _GNU_SOURCE /* memmem */
#include "callers/accounts.h"
#include "callers/auth.h"
#include "callers/scripts.h"
#include "liar.h"
#include "meter_lane.h"
#include "unit/checks.h"

static struct liar liar;
static struct redis_script known[4];
static struct accounts *accounts;
static struct auth *auth;
static char api_key[256];

struct told {
    int status;
    char json[4096];
    bool done;
};

static void note_told(void *owner, uint64_t id, int status, struct span json)
{
    struct told *told = owner;
    told->status = status;
    snprintf(told->json, sizeof(told->json), "%.*s", (int)json.len, json.ptr);
    told->done = true;
}

static void mint(void)
{
    struct told told = {0};
    struct key_rules rules = {0};
    accounts_key_mint(accounts, SPAN_OF("eve"), &rules, note_told, &told, 0);
    lane_until(&lane, told.done);
    ck_assert_msg(told.status == 201, "%s", told.json);
    const char *at = strstr(told.json, "\"key\":\"") + 7;
    snprintf(api_key, sizeof(api_key), "%.*s", (int)strcspn(at, "\""), at);
}

/* The lane speaks to the liar, the test to the real server. */
static void lies_begin(void)
{
    redis_script_init(&known[0], "hold", script_hold);
    redis_script_init(&known[1], "settle", script_settle);
    redis_script_init(&known[2], "checkpoint", script_checkpoint);
    redis_script_init(&known[3], "credit", script_credit);
    options.hold_ms_max = 80;
    options.settle_ms_max = 80;
    begin();
    run_end();
    liar_start(&liar, &lane.redis.server);
    struct redis_server other = lane.redis.server;
    snprintf(lane.redis.server.path, sizeof(lane.redis.server.path), "%s", liar.path);
    lane_open_store(&lane);
    lane.redis.server = other;
    run_begin();
    accounts = accounts_new(lane.loop, lane.store);
    auth = auth_new(lane.loop, lane.store);
    struct told told = {0};
    accounts_create(accounts, SPAN_OF("eve"), NULL, note_told, &told, 0);
    lane_until(&lane, told.done);
    ck_assert_int_eq(told.status, 201);
    mint();
}

static void lies_finish(void)
{
    store_close(lane.store);
    lane.store = NULL;
    accounts_free(accounts);
    auth_free(auth);
    meter_free(meter);
    meter = NULL;
    journal_close(journal);
    liar_stop(&liar);
    lane_open_store(&lane);
    options = (struct meter_options){0};
    run_begin();
    finish();
}

/* What the lie is about was said, all is quiet again, and the store is there. */
static void lie_is_over(unsigned lie)
{
    lane_until(&lane, atomic_load(&liar.told) == lie + 1);
    lane_until(&lane, store_is_up(lane.store) && meter_pending(meter) == 0 &&
                          journal_pending(journal) == 0);
}

static void check_lie(unsigned lie, int64_t spent)
{
    const char *name = lies[lie].name;
    ck_assert_msg(field("ann", "held") == 0 && live_holds() == 0, "%s: held %ld", name,
                  (long)field("ann", "held"));
    ck_assert_msg(field("ann", "spent") == spent, "%s: spent %ld of %ld", name,
                  (long)field("ann", "spent"), (long)spent);
    ck_assert_int_eq(field("ann", "bal") + spent, field("ann", "tup"));
}

static void hold_surely(struct waiting *w, uint64_t ceiling)
{
    do {
        ask(w, "ann", ceiling);
        lane_until(&lane, w->answered);
    } while (w->wait.fault == FAULT_METERING_UNAVAILABLE);
    ck_assert_int_eq(w->wait.fault, FAULT_NONE);
}

START_TEST(a_hold_that_is_answered_badly_is_an_outage_and_holds_nothing)
{
    lies_begin();
    for (unsigned lie = 0; lie < LIES; ++lie) {
        struct waiting w;
        liar_will(&liar, lie, known[0].sha1);
        ask(&w, "ann", 300);
        lane_until(&lane, w.answered);
        bool placed = strcmp(lies[lie].name, "no script") == 0;
        ck_assert_msg(w.wait.fault == (placed ? FAULT_NONE : FAULT_METERING_UNAVAILABLE), "%s: %d",
                      lies[lie].name, w.wait.fault);
        if (placed)
            meter_release(meter, &w.hold);
        lie_is_over(lie);
        lane_until(&lane, live_holds() == 0);
        check_lie(lie, 0);
    }
    lies_finish();
}
END_TEST

START_TEST(a_settle_that_is_answered_badly_charges_once)
{
    int64_t spent = 0;
    lies_begin();
    for (unsigned lie = 0; lie < LIES; ++lie) {
        struct waiting w;
        hold_surely(&w, 300);
        liar_will(&liar, lie, known[1].sha1);
        ck_assert(settle(&w, 1 + lie));
        lane_until(&lane, w.settled);
        lie_is_over(lie);
        check_lie(lie, spent += 1 + lie);
        ck_assert_int_eq(caller_say(&lane.redis, "XLEN " TAG "L")->integer, 2 + lie);
    }
    ck_assert_uint_eq(stats_read(&stats.settles), LIES);
    ck_assert_uint_eq(stats_read(&stats.settles_unheld), 0);
    ck_assert_int_eq((int64_t)stats_read(&stats.credits_charged_ucr), spent);
    lies_finish();
}
END_TEST

START_TEST(a_checkpoint_that_is_answered_badly_harms_nothing)
{
    int64_t spent = 0;
    lies_begin();
    for (unsigned lie = 0; lie < LIES; ++lie) {
        struct waiting w;
        hold_surely(&w, 300);
        liar_will(&liar, lie, known[2].sha1);
        meter_checkpoint(meter, &w.hold, 5);
        lane_until(&lane, atomic_load(&liar.told) == lie + 1);
        ck_assert(settle(&w, 20));
        lie_is_over(lie);
        check_lie(lie, spent += 20);
    }
    lies_finish();
}
END_TEST

START_TEST(a_release_that_is_answered_badly_releases)
{
    lies_begin();
    for (unsigned lie = 0; lie < LIES; ++lie) {
        struct waiting w;
        hold_surely(&w, 300);
        liar_will(&liar, lie, known[1].sha1);
        meter_release(meter, &w.hold);
        lie_is_over(lie);
        check_lie(lie, 0);
    }
    lies_finish();
}
END_TEST

START_TEST(a_credit_that_is_answered_badly_is_not_known_and_asked_again_given_once)
{
    char reference[32];
    lies_begin();
    for (unsigned lie = 0; lie < LIES; ++lie) {
        struct told told = {0};
        snprintf(reference, sizeof(reference), "pay-%u", lie);
        liar_will(&liar, lie, known[3].sha1);
        accounts_credit(accounts, SPAN_OF("eve"), 7, span_text(reference), SPAN_OF(""), note_told,
                        &told, 0);
        lane_until(&lane, told.done);
        bool given = strcmp(lies[lie].name, "no script") == 0 || lies[lie].how == LIE_LATE;
        ck_assert_msg(told.status == (given ? 200 : 503), "%s: %d %s", lies[lie].name, told.status,
                      told.json);
        lie_is_over(lie);
        for (unsigned again = 0; told.status != 200; ++again) {
            ck_assert_uint_lt(again, 1000);
            told = (struct told){0};
            accounts_credit(accounts, SPAN_OF("eve"), 7, span_text(reference), SPAN_OF(""),
                            note_told, &told, 0);
            lane_until(&lane, told.done);
        }
        const char *balance =
            caller_say(&lane.redis, "HGET tg:{b%03u}:a:eve bal", store_bucket(SPAN_OF("eve")))->str;
        ck_assert_int_eq(strtol(balance, NULL, 10), 7 * (lie + 1));
    }
    lies_finish();
}
END_TEST

struct checking {
    struct auth_wait wait;
    bool answered;
};

static void note_checked(struct auth_wait *wait)
{
    container_of(wait, struct checking, wait)->answered = true;
}

static enum fault check_key(void)
{
    struct checking checking = {.wait = {.answer = note_checked}};
    auth_check(auth, span_text(api_key), NULL, &checking.wait);
    lane_until(&lane, checking.answered);
    return checking.wait.fault;
}

START_TEST(a_key_that_is_looked_up_badly_is_no_wrong_key)
{
    lies_begin();
    for (unsigned lie = 0; lie < LIES; ++lie) {
        liar_will(&liar, lie, "HMGET");
        enum fault fault = check_key();
        ck_assert_msg(fault == FAULT_METERING_UNAVAILABLE || lies[lie].how == LIE_LATE, "%s: %d",
                      lies[lie].name, fault);
        lie_is_over(lie);
        while (fault == FAULT_METERING_UNAVAILABLE)
            fault = check_key();
        ck_assert_int_eq(fault, FAULT_NONE);
        auth_free(auth); /* with what it remembers of the key */
        auth = auth_new(lane.loop, lane.store);
    }
    lies_finish();
}
END_TEST

int main(void)
{
    const TTest *tests[] = {a_hold_that_is_answered_badly_is_an_outage_and_holds_nothing,
                            a_settle_that_is_answered_badly_charges_once,
                            a_checkpoint_that_is_answered_badly_harms_nothing,
                            a_release_that_is_answered_badly_releases,
                            a_credit_that_is_answered_badly_is_not_known_and_asked_again_given_once,
                            a_key_that_is_looked_up_badly_is_no_wrong_key,
                            NULL};
    return checks_run("bad_replies", tests);
}
