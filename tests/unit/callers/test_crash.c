/* A gateway killed with -9 under load, again and again, and now and then Redis with it. Whatever
 * reached the journal is charged, exactly and once; nothing stays held.
 * TEEGATE_CRASHES asks for more. */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include "callers/meter.h"
#include "lane.h"
#include "unit/checks.h"

enum { CALLS_LIVE = 24, CHARGES_MAX = 200000 };

struct charge { /* said by a child once meter_settle() was true; one write(2), so whole */
    char invocation[INVOCATION_TEXT_MAX];
    uint64_t cost_ucr;
};

struct call {
    struct hold hold;
    struct meter_wait wait;
    unsigned turns; /* until it is ended */
    bool asking, held;
};

static struct lane lane;
static struct meter *meter;
static struct stats stats;
static char dir[64];
static struct charge charges[CHARGES_MAX];
static size_t charge_count;

static void note_up(void *owner)
{
    meter_note_up(meter);
}

static void note_down(void *owner)
{
    meter_note_down(meter);
}

static struct journal *run_begin(void)
{
    static const struct meter_options options = {.reaps = true};
    char error[256];
    struct journal *journal = journal_open(dir, 0, error, sizeof(error));
    must(journal != NULL);
    lane.loop = loop_new();
    timer_init(&lane.beat, lane.loop, lane_note_beat, &lane);
    timer_set(&lane.beat, loop_now(lane.loop) + 5);
    lane_open_store(&lane);
    meter = meter_new(lane.loop, lane.store, journal, &options, &stats);
    lane.note_up = note_up;
    lane.note_down = note_down;
    return journal;
}

/* ------------------------------------------------------------------ the one that dies */

static void note_held(struct meter_wait *wait)
{
    struct call *call = container_of(wait, struct call, wait);
    call->asking = false;
    call->held = wait->fault == FAULT_NONE;
}

static void call_begin(struct call *call, unsigned number)
{
    *call = (struct call){.asking = true, .turns = number % 7, .wait = {.answer = note_held}};
    invocation_make(&call->hold.id);
    snprintf(call->hold.caller.account, sizeof(call->hold.caller.account), "ann");
    call->hold.caller.bucket = 7;
    call->hold.ceiling_ucr = 100;
    call->hold.ttl_ms = 60000;
    meter_hold(meter, &call->hold, &call->wait);
}

static void call_go_on(struct call *call, unsigned number, int out)
{
    if (call->asking)
        return;
    if (!call->held || number % 11 == 0) {
        if (call->held)
            meter_release(meter, &call->hold);
        call_begin(call, number);
    } else if (call->turns > 0) {
        --call->turns;
        meter_checkpoint(meter, &call->hold, 10);
    } else {
        struct settlement settlement = {.cost_ucr = 20 + number % 80, .outcome = "ok"};
        struct charge charge = {.cost_ucr = settlement.cost_ucr};
        memcpy(charge.invocation, call->hold.id.text, sizeof(charge.invocation));
        if (meter_settle(meter, &call->hold, &settlement, NULL))
            must(write(out, &charge, sizeof(charge)) == sizeof(charge));
        call_begin(call, number);
    }
}

_Noreturn static void live_until_killed(int out)
{
    static struct call calls[CALLS_LIVE];
    unsigned number = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    run_begin();
    while (!store_is_up(lane.store))
        loop_turn(lane.loop);
    for (;;) {
        for (int i = 0; i < CALLS_LIVE; ++i)
            call_go_on(&calls[i], ++number, out);
        loop_turn(lane.loop);
    }
}

/* ------------------------------------------------------------------ the one that looks */

static void read_charges(int in)
{
    ssize_t got;
    while ((got = read(in, &charges[charge_count], sizeof(struct charge))) > 0) {
        ck_assert_int_eq(got, sizeof(struct charge));
        ck_assert_uint_lt(++charge_count, CHARGES_MAX);
    }
}

static void one_life(unsigned number)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
    redisFree(lane.redis.redis);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        live_until_killed(ends[1]);
    close(ends[1]);
    redis_server_pause_ms(40 + number * 37 % 50);
    if (number % 4 == 3) { /* Redis goes first; settles pile up in the journal */
        redis_server_kill(&lane.redis.server);
        redis_server_pause_ms(20);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (number % 4 == 3)
        redis_server_run(&lane.redis.server);
    lane.redis.redis = redis_server_connect(&lane.redis.server);
    read_charges(ends[0]);
    close(ends[0]);
}

static int by_invocation(const void *a, const void *b)
{
    return strcmp(((const struct charge *)a)->invocation, ((const struct charge *)b)->invocation);
}

static int64_t field(const char *name)
{
    return strtoll(caller_say(&lane.redis, "HGET " TAG "a:ann %s", name)->str, NULL, 10);
}

static const char *word_of(const redisReply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < fields->elements; i += 2)
        if (strcmp(fields->element[i]->str, name) == 0)
            return fields->element[i + 1]->str;
    return "";
}

/* Every charge that was promised stands in the ledger, as promised, and no invocation twice. */
static void check_ledger(void)
{
    static struct charge seen[CHARGES_MAX];
    size_t seen_count = 0, promised = 0;
    int64_t sum = 0;
    redisReply *lines = caller_say(&lane.redis, "XRANGE " TAG "L - +");
    for (size_t i = 0; i < lines->elements; ++i) {
        const redisReply *fields = lines->element[i]->element[1];
        int64_t value = strtoll(word_of(fields, "v"), NULL, 10);
        sum += value;
        ck_assert_int_eq(strtoll(word_of(fields, "s"), NULL, 10), (int64_t)i + 1);
        if (strcmp(word_of(fields, "k"), "chg") != 0)
            continue;
        ck_assert_uint_lt(seen_count, CHARGES_MAX);
        snprintf(seen[seen_count].invocation, INVOCATION_TEXT_MAX, "%s", word_of(fields, "i"));
        seen[seen_count++].cost_ucr = (uint64_t)-value;
        if (strcmp(word_of(fields, "o"), "orphan") == 0)
            ck_assert(value == 0 || value == -10); /* its last checkpoint */
    }
    qsort(seen, seen_count, sizeof(*seen), by_invocation);
    qsort(charges, charge_count, sizeof(*charges), by_invocation);
    for (size_t i = 1; i < seen_count; ++i)
        ck_assert_int_ne(by_invocation(&seen[i - 1], &seen[i]), 0);
    for (size_t i = 0; i < seen_count && promised < charge_count; ++i)
        if (by_invocation(&seen[i], &charges[promised]) == 0)
            ck_assert_uint_eq(seen[i].cost_ucr, charges[promised++].cost_ucr);
    ck_assert_uint_eq(promised, charge_count);
    ck_assert_int_eq(sum, field("bal") + field("held"));
}

START_TEST(a_gateway_killed_again_and_again_charges_what_it_promised_and_no_more)
{
    static const char *const names[] = {"lock", "gateway-id", "epoch", "journal"};
    const char *text = getenv("TEEGATE_CRASHES");
    unsigned lives = text != NULL ? (unsigned)strtoul(text, NULL, 10) : 12;
    char path[128];
    snprintf(dir, sizeof(dir), P_tmpdir "/teegate-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    caller_start(&lane.redis);
    ck_assert_str_eq(caller_word(say_account(&lane.redis, "create", "ann", NULL), 0), "OK");
    ck_assert_str_eq(caller_word(say_credit(&lane.redis, "ann", "+", "1000000000000", "r"), 0),
                     "OK");
    for (unsigned i = 0; i < lives; ++i)
        one_life(i);
    struct journal *journal = run_begin();
    lane_until(&lane, store_is_up(lane.store));
    lane_until(&lane, journal_pending(journal) == 0 && meter_pending(meter) == 0);
    lane_until(&lane, caller_say(&lane.redis, "ZCARD " TAG "x")->integer == 0);
    ck_assert_uint_gt(charge_count, lives * 10); /* else nothing was shown */
    ck_assert_int_eq(field("held"), 0);
    ck_assert_int_eq(field("inf"), 0);
    ck_assert_int_eq(field("bal") + field("spent"), field("tup"));
    check_ledger();
    store_close(lane.store);
    meter_free(meter);
    journal_close(journal);
    lane_close(&lane);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {a_gateway_killed_again_and_again_charges_what_it_promised_and_no_more,
                            NULL};
    return checks_run("crash", tests);
}
