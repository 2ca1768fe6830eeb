/* What a hold and its settle cost: the gateway's CPU and Redis' CPU for each pair, 64 in flight,
 * over a UNIX socket, with journal and append-only file as in production. */
#define _GNU_SOURCE        /* RUSAGE_THREAD */
#define REDIS_SERVER_FSYNC "everysec"
#include <sys/resource.h>

#include "base/clock.h"
#include "callers/meter.h"
#include "unit/callers/redis_server.h"

enum { DEPTH = 64, ACCOUNTS = 1000, PAIRS = 60000, WARM = 5000 };

struct call {
    struct hold hold;
    struct meter_wait wait;
    struct settle_wait settle;
    unsigned number;
};

static struct meter *meter;
static struct store *store;
static struct loop *loop;
static struct call calls[DEPTH];
static unsigned begun, ended, refused, most;

static void begin(struct call *call);

static void note_settled(struct settle_wait *wait)
{
    ++ended;
    begin(container_of(wait, struct call, settle));
}

static void note_held(struct meter_wait *wait)
{
    struct call *call = container_of(wait, struct call, wait);
    struct settlement settlement = {.cost_ucr = 120,
                                    .usage = {.ms = 187, .bytes_in = 512, .bytes_out = 20480},
                                    .outcome = "ok",
                                    .status = 200,
                                    .worker = "10.0.0.7:8443"};
    if (wait->fault == FAULT_NONE && meter_settle(meter, &call->hold, &settlement, &call->settle))
        return;
    ++refused;
    begin(call);
}

static void begin(struct call *call)
{
    if (begun == most)
        return;
    unsigned account = begun++ % ACCOUNTS;
    struct hold *hold = &call->hold;
    *hold = (struct hold){.ceiling_ucr = 300, .ttl_ms = 60000};
    invocation_make(&hold->id);
    snprintf(hold->caller.account, sizeof(hold->caller.account), "account-%u", account);
    snprintf(hold->caller.key_id, sizeof(hold->caller.key_id), "k2f5w7");
    hold->caller.bucket = store_bucket(span_text(hold->caller.account));
    snprintf(hold->cid, sizeof(hold->cid), "%s",
             "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie");
    call->wait.answer = note_held;
    call->settle.answer = note_settled;
    meter_hold(meter, hold, &call->wait);
}

static void run(unsigned pairs)
{
    begun = ended = refused = 0;
    most = pairs;
    for (unsigned i = 0; i < DEPTH; ++i)
        begin(&calls[i]);
    while (ended + refused < pairs)
        loop_turn(loop);
}

static double cpu_of_thread(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Without the kernel's share, which grows when Redis is slow and replies come one by one. */
static double own_cpu_of_thread(void)
{
    struct rusage usage;
    must(getrusage(RUSAGE_THREAD, &usage) == 0);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
}

/* A number of INFO. */
static double info(redisContext *redis, const char *name)
{
    redisReply *reply = redisCommand(redis, "INFO all");
    const char *at = reply != NULL && reply->str != NULL ? strstr(reply->str, name) : NULL;
    double value = at != NULL ? strtod(at + strlen(name) + 1, NULL) : 0;
    freeReplyObject(reply);
    return value;
}

static double cpu_of_redis(redisContext *redis)
{
    return info(redis, "used_cpu_sys_main_thread") + info(redis, "used_cpu_user_main_thread");
}

static double evals(redisContext *redis)
{
    return info(redis, "cmdstat_evalsha:calls");
}

static void make_accounts(redisContext *redis)
{
    for (unsigned i = 0; i < ACCOUNTS; ++i) {
        char name[64], key[256];
        snprintf(name, sizeof(name), "account-%u", i);
        (void)store_key(key, store_bucket(span_text(name)), "a", span_text(name));
        freeReplyObject(
            redisCommand(redis, "HSET %s st A bal 1000000000000 tup 1000000000000", key));
    }
}

static void note_up(void *owner)
{
    if (meter != NULL)
        meter_note_up(meter);
}

static void note_down(void *owner)
{
}

int main(void)
{
    static const struct redis_events events = {note_up, note_down, NULL};
    static const struct meter_options options = {.hold_ms_max = 5000, .settle_ms_max = 5000};
    static struct redis_server server;
    static struct stats stats;
    struct fleet_options fleet = {.seed_count = 1};
    char dir[] = P_tmpdir "/teegate-bench-XXXXXX", text[128], error[256];
    redis_server_start(&server);
    redisContext *redis = redis_server_connect(&server);
    make_accounts(redis);
    must(mkdtemp(dir) != NULL);
    struct journal *journal = journal_open(dir, 0, error, sizeof(error));
    must(journal != NULL);
    snprintf(text, sizeof(text), "unix:%s", server.path);
    must(address_parse(&fleet.seeds[0], span_text(text), error, sizeof(error)));
    loop = loop_new();
    store = store_open(loop, &fleet, &events, NULL);
    meter = meter_new(loop, store, journal, &options, &stats);
    while (!store_is_up(store))
        loop_turn(loop);
    run(WARM);
    uint64_t began = clock_monotonic_ms();
    double own = own_cpu_of_thread();
    double ours = cpu_of_thread(), its = cpu_of_redis(redis), calls_before = evals(redis);
    run(PAIRS);
    ours = cpu_of_thread() - ours;
    own = own_cpu_of_thread() - own;
    its = cpu_of_redis(redis) - its;
    printf("hold and settle, %d in flight, UNIX socket, AOF everysec: %u pairs, %u refused\n",
           DEPTH, ended, refused);
    printf("  gateway CPU a pair        %.2f us, %.2f of them outside the kernel\n",
           ours * 1e6 / PAIRS, own * 1e6 / PAIRS);
    printf("  Redis CPU a pair          %.2f us\n", its * 1e6 / PAIRS);
    printf("  round trips a pair        %.2f\n", (evals(redis) - calls_before) / PAIRS);
    printf("  pairs a second            %.0f\n",
           PAIRS * 1000.0 / (double)(clock_monotonic_ms() - began + 1));
    store_close(store);
    meter_free(meter);
    journal_close(journal);
    loop_free(loop);
    redisFree(redis);
    redis_server_stop(&server);
    static const char *const names[] = {"lock", "gateway-id", "epoch", "journal"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
        snprintf(text, sizeof(text), "%s/%s", dir, names[i]);
        unlink(text);
    }
    rmdir(dir);
    return 0;
}
