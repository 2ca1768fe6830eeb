/* A meter whose journal's disk is full, with a real redis-server that is not: what runs is charged
 * all the same, and nothing new begins. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callers/meter.h"
#include "lane.h"
#include "unit/checks.h"

enum { CALLS = 4 };

struct call {
    struct hold hold;
    struct meter_wait wait;
    struct settle_wait settle;
    bool answered, settled;
};

static struct lane lane;
static struct stats stats;
static struct journal *journal;
static struct meter *meter;
static char dir[64];
static struct call calls[CALLS];

static void note_up(void *owner)
{
    if (meter != NULL)
        meter_note_up(meter);
}

static void note_down(void *owner)
{
    if (meter != NULL)
        meter_note_down(meter);
}

static void note_answer(struct meter_wait *wait)
{
    container_of(wait, struct call, wait)->answered = true;
}

static void note_settled(struct settle_wait *wait)
{
    container_of(wait, struct call, settle)->settled = true;
}

static enum fault hold(struct call *call)
{
    *call = (struct call){.wait = {.answer = note_answer}, .settle = {.answer = note_settled}};
    invocation_make(&call->hold.id);
    snprintf(call->hold.caller.account, sizeof(call->hold.caller.account), "ann");
    snprintf(call->hold.caller.key_id, sizeof(call->hold.caller.key_id), "key1");
    snprintf(call->hold.cid, sizeof(call->hold.cid), "bafyagent");
    call->hold.caller.bucket = 7;
    call->hold.ceiling_ucr = 10;
    call->hold.ttl_ms = 20000;
    meter_hold(meter, &call->hold, &call->wait);
    lane_until(&lane, call->answered);
    return call->wait.fault;
}

static bool settle(struct call *call, uint64_t cost)
{
    struct settlement settlement = {
        .cost_ucr = cost, .outcome = "ok", .status = 200, .worker = "worker"};
    return meter_settle(meter, &call->hold, &settlement, &call->settle);
}

static void begin(void)
{
    static const struct meter_options options = {.settle_ms_max = 200};
    char error[256];
    stats = (struct stats){0};
    snprintf(dir, sizeof(dir), P_tmpdir "/teegate-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    signal(SIGXFSZ, SIG_IGN);
    lane_open(&lane);
    journal = journal_open(dir, 0, error, sizeof(error));
    ck_assert_msg(journal != NULL, "%s", error);
    meter = meter_new(lane.loop, lane.store, journal, &options, &stats);
    lane.note_up = note_up;
    lane.note_down = note_down;
    if (store_is_up(lane.store))
        meter_note_up(meter);
    lane_until(&lane, store_is_up(lane.store));
    ck_assert_str_eq(say_account(&lane.redis, "create", "ann", NULL)->element[0]->str, "OK");
    ck_assert_str_eq(say_credit(&lane.redis, "ann", "+", "1000", "first")->element[0]->str, "OK");
    for (int i = 0; i < CALLS; ++i)
        ck_assert_int_eq(hold(&calls[i]), FAULT_NONE);
}

static void finish(void)
{
    static const char *const names[] = {"lock", "gateway-id", "epoch", "journal"};
    char path[128];
    store_close(lane.store);
    meter_free(meter);
    meter = NULL;
    journal_close(journal);
    lane_close(&lane);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(dir), 0);
}

static void set_room(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void fill_disk(void)
{
    char path[128];
    struct stat file;
    snprintf(path, sizeof(path), "%s/journal", dir);
    ck_assert_int_eq(stat(path, &file), 0);
    set_room((rlim_t)file.st_size + 5);
}

static int64_t field(const char *name)
{
    redisReply *reply = caller_say(&lane.redis, "HGET " TAG "a:ann %s", name);
    ck_assert_int_eq(reply->type, REDIS_REPLY_STRING);
    return strtoll(reply->str, NULL, 10);
}

START_TEST(what_runs_is_charged_and_nothing_begins_until_there_is_room)
{
    begin();
    fill_disk();
    for (uint64_t i = 0; i < CALLS; ++i) {
        ck_assert(settle(&calls[i], i));
        ck_assert(calls[i].settle.unwritten);
        lane_until(&lane, calls[i].settled);
        ck_assert(calls[i].settle.settled);
        ck_assert_uint_eq(calls[i].settle.charged_ucr, i);
    }
    ck_assert_uint_eq(stats.settles_unwritten, CALLS);
    ck_assert_uint_eq(stats.settles, CALLS);
    ck_assert_uint_eq(journal_pending(journal), 0);
    ck_assert_int_eq(field("held"), 0);
    ck_assert_int_eq(field("spent"), 0 + 1 + 2 + 3);
    ck_assert_int_eq(hold(&calls[0]), FAULT_METERING_UNAVAILABLE);
    ck_assert_int_eq(field("held"), 0);
    set_room(RLIM_INFINITY);
    lane_until(&lane, hold(&calls[0]) == FAULT_NONE);
    ck_assert(settle(&calls[0], 10));
    ck_assert(!calls[0].settle.unwritten);
    lane_until(&lane, calls[0].settled);
    ck_assert_int_eq(field("spent"), 16);
    finish();
}
END_TEST

START_TEST(a_charge_that_only_this_process_knows_is_told_as_unknown_and_still_comes)
{
    begin();
    fill_disk();
    kill(lane.redis.server.pid, SIGSTOP);
    ck_assert(settle(&calls[0], 7));
    lane_until(&lane, calls[0].settled);
    ck_assert(calls[0].settle.unwritten && !calls[0].settle.settled);
    kill(lane.redis.server.pid, SIGCONT);
    lane_until(&lane, meter_pending(meter) == 0);
    ck_assert_int_eq(field("spent"), 7);
    ck_assert_uint_eq(stats.settles, 1);
    set_room(RLIM_INFINITY);
    finish();
}
END_TEST

START_TEST(with_neither_journal_nor_redis_nothing_is_taken)
{
    begin();
    fill_disk();
    redis_server_kill(&lane.redis.server);
    lane_until(&lane, !store_is_up(lane.store));
    ck_assert(!settle(&calls[0], 7));
    ck_assert_uint_eq(meter_pending(meter), 0);
    set_room(RLIM_INFINITY);
    finish();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_runs_is_charged_and_nothing_begins_until_there_is_room,
        a_charge_that_only_this_process_knows_is_told_as_unknown_and_still_comes,
        with_neither_journal_nor_redis_nothing_is_taken,
        NULL,
    };
    return checks_run("full_disk", tests);
}
