/* A meter on a lane for tests: a run of the gateway with its state folder, calls that are held and
 * settled, a Redis that goes and comes back. It owns all of them, one set for the test's program.
 * It never waits longer than lane.h does. */
#ifndef METER_LANE_H
#define METER_LANE_H

#include "callers/meter.h"
#include "lane.h"

static struct lane lane;
static struct stats stats;
static struct journal *journal;
static struct meter *meter;
static struct meter_options options;
static char dir[64];

struct waiting { /* what a test asked for and was told */
    struct hold hold;
    struct meter_wait wait;
    struct settle_wait settle;
    bool answered, settled;
};

static inline void note_answer(struct meter_wait *wait)
{
    container_of(wait, struct waiting, wait)->answered = true;
}

static inline void note_settled(struct settle_wait *wait)
{
    container_of(wait, struct waiting, settle)->settled = true;
}

static inline void meter_up(void *owner)
{
    if (meter != NULL)
        meter_note_up(meter);
}

static inline void meter_down(void *owner)
{
    if (meter != NULL)
        meter_note_down(meter);
}

/* A run of the gateway: the state folder's lock, a meter, a connection that is up. */
static inline void run_begin(void)
{
    char error[256];
    journal = journal_open(dir, options.waits_max == 7 ? 4096 : 0, error, sizeof(error));
    ck_assert_msg(journal != NULL, "%s", error);
    meter = meter_new(lane.loop, lane.store, journal, &options, &stats);
    lane.note_up = meter_up;
    lane.note_down = meter_down;
    if (store_is_up(lane.store))
        meter_note_up(meter);
    lane_until(&lane, store_is_up(lane.store));
}

static inline void run_end(void)
{
    store_close(lane.store);
    meter_free(meter);
    meter = NULL;
    journal_close(journal);
}

static inline void make(const char *account, const char *money, const char *const *pairs)
{
    ck_assert_str_eq(caller_word(say_account(&lane.redis, "create", account, pairs), 0), "OK");
    if (money != NULL)
        ck_assert_str_eq(caller_word(say_credit(&lane.redis, account, "+", money, account), 0),
                         "OK");
}

static inline void begin(void)
{
    stats = (struct stats){0};

    snprintf(dir, sizeof(dir), P_tmpdir "/teegate-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    lane_open(&lane);
    run_begin();
    make("ann", "1000", NULL);
}

static inline void finish(void)
{
    static const char *const names[] = {"lock", "gateway-id", "epoch", "journal"};
    char path[128];
    run_end();
    options = (struct meter_options){0};
    lane_close(&lane);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(dir), 0);
}

static inline int64_t field(const char *account, const char *name)
{
    redisReply *reply = caller_say(&lane.redis, "HGET " TAG "a:%s %s", account, name);
    ck_assert_int_eq(reply->type, REDIS_REPLY_STRING);
    return strtoll(reply->str, NULL, 10);
}

static inline int64_t live_holds(void)
{
    return caller_say(&lane.redis, "ZCARD " TAG "x")->integer;
}

static inline void ask(struct waiting *waiting, const char *account, uint64_t ceiling)
{
    *waiting = (struct waiting){0};
    invocation_make(&waiting->hold.id);
    snprintf(waiting->hold.caller.account, sizeof(waiting->hold.caller.account), "%s", account);
    snprintf(waiting->hold.caller.key_id, sizeof(waiting->hold.caller.key_id), "key1");
    waiting->hold.caller.bucket = 7;
    snprintf(waiting->hold.cid, sizeof(waiting->hold.cid), "bafyagent");
    waiting->hold.ceiling_ucr = ceiling;
    waiting->hold.ttl_ms = 20000;
    waiting->wait.answer = note_answer;
    waiting->settle.answer = note_settled;
    meter_hold(meter, &waiting->hold, &waiting->wait);
    ck_assert(!waiting->answered);
}

static inline void hold(struct waiting *waiting, const char *account, uint64_t ceiling)
{
    ask(waiting, account, ceiling);
    lane_until(&lane, waiting->answered);
    ck_assert_int_eq(waiting->wait.fault, FAULT_NONE);
}

/* What Redis answered is in its file: it writes before it replies. */
static inline void redis_goes(void)
{
    redisFree(lane.redis.redis);
    lane.redis.redis = NULL;
    redis_server_kill(&lane.redis.server);
    lane_until(&lane, !store_is_up(lane.store));
}

static inline void redis_comes_back(void)
{
    redis_server_run(&lane.redis.server);
    lane.redis.redis = redis_server_connect(&lane.redis.server);
}

static inline bool settle(struct waiting *waiting, uint64_t cost)
{
    struct settlement settlement = {.cost_ucr = cost,
                                    .usage = {.ms = 12, .bytes_in = 34, .units = {0, 9}},
                                    .outcome = "ok",
                                    .status = 200,
                                    .worker = "a worker|with odd name"};
    return meter_settle(meter, &waiting->hold, &settlement, &waiting->settle);
}

static inline void copy_files(const char *from, const char *to)
{
    char from_path[128], to_path[128];
    snprintf(from_path, sizeof(from_path), "%s/%s", lane.redis.server.dir, from);
    snprintf(to_path, sizeof(to_path), "%s/%s", lane.redis.server.dir, to);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("cp", "cp", "-rT", from_path, to_path, (char *)NULL);
        _exit(127);
    }
    int status;
    waitpid(pid, &status, 0);
    ck_assert_int_eq(status, 0);
}

#endif
