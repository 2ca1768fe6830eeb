#include "callers/reaper.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/slots.h"
#include "callers/answer.h"
#include "callers/meter.h"
#include "callers/owed.h"

enum {
    SLICES = 16, /* steps of one walk over all buckets, so that they come as a trickle */
    PAGE = 50,   /* holds of a bucket looked at in one step */
    SUSPECTS_MAX = PAGE * STORE_BUCKETS / SLICES,
    CALL_MS_MAX = 2000,
    HEARTBEAT_S = 15
};

/* A hold that may be dead, while Redis is asked about it. */
struct suspect {
    char invocation[INVOCATION_TEXT_MAX * 2];
    uint16_t bucket;
    bool former; /* looked at because it may be a former run's */
};

struct reaper {
    struct loop *loop;
    struct store *store;
    struct stats *stats;
    struct reaper_options options;
    struct timer tick;
    struct slots suspects;
    uint64_t quiet_until;
    uint32_t bucket; /* of the walk over the overdue */

    /* The one walk over all holds for those of former runs. */
    bool may_take_former;
    bool former_over;
    bool former_failed; /* a call of this walk did not answer: from the start again */
    bool page_full;     /* the bucket has more behind this page */
    uint32_t former_bucket;
    uint32_t former_rank;
    uint32_t former_waits; /* calls of this step still out */
};

static void walk_former(struct reaper *reaper);

static uint64_t deadline(const struct reaper *reaper)
{
    return loop_now(reaper->loop) + CALL_MS_MAX;
}

/* ------------------------------------------------------------------ one suspect */

static void suspect_end(struct reaper *reaper, uint64_t id)
{
    struct suspect *suspect = slots_find(&reaper->suspects, id);
    bool former = suspect->former;
    slots_give(&reaper->suspects, id);
    free(suspect);
    must(!former || reaper->former_waits > 0);
    if (former && --reaper->former_waits == 0)
        walk_former(reaper);
}

static void suspect_failed(struct reaper *reaper, uint64_t id)
{
    const struct suspect *suspect = slots_find(&reaper->suspects, id);
    stats_add(&reaper->stats->redis_errors, 1);
    if (suspect->former)
        reaper->former_failed = true;
    suspect_end(reaper, id);
}

static void note_reaped(void *owner, uint64_t id, const struct redisReply *reply)
{
    struct reaper *reaper = owner;
    const struct suspect *suspect = slots_find(&reaper->suspects, id);
    if (answer_count(reply) == 0) {
        suspect_failed(reaper, id);
        return;
    }
    if (span_is(answer_word(reply, 0), SPAN_OF("OK"))) {
        stats_add(&reaper->stats->holds_reaped, 1);
        stats_add(&reaper->stats->credits_charged_ucr, answer_number(reply, 1));
        if (suspect->former && reaper->former_rank > 0)
            --reaper->former_rank; /* those behind it moved up */
    }
    suspect_end(reaper, id);
}

static bool is_former_run(const struct reaper *reaper, struct span gateway)
{
    struct span id = span_text(reaper->options.gateway_id);
    uint64_t epoch;
    return span_starts(gateway, id) && gateway.len > id.len && gateway.ptr[id.len] == ':' &&
           span_to_u64(span_from(gateway, id.len + 1), UINT64_MAX, &epoch) &&
           epoch < reaper->options.epoch;
}

static bool reap(struct reaper *reaper, uint64_t id, const struct redisReply *record,
                 struct span gateway)
{
    const struct suspect *suspect = slots_find(&reaper->suspects, id);
    struct span invocation = span_text(suspect->invocation);
    struct span account = answer_field(record, "acct");
    struct words keys, args;
    owed_keys(&keys, suspect->bucket, account, invocation, answer_field(record, "par"),
              answer_field(record, "root"));
    words_init(&args);
    words_add_text(&args, "R");
    words_add(&args, invocation);
    words_add(&args, account);
    words_add(&args, gateway);
    words_add_u64(&args, reaper->options.grace_ms);
    return store_run(reaper->store, STORE_SETTLE, &keys, &args, deadline(reaper), note_reaped,
                     reaper, id);
}

/* Keys are made of these: no record of ours is longer. */
static bool has_good_place(const struct redisReply *record)
{
    return answer_field(record, "par").len < INVOCATION_TEXT_MAX &&
           answer_field(record, "root").len < INVOCATION_TEXT_MAX;
}

static void note_peeked(void *owner, uint64_t id, const struct redisReply *reply)
{
    struct reaper *reaper = owner;
    const struct suspect *suspect = slots_find(&reaper->suspects, id);
    struct span account = answer_field(reply, "acct");
    struct span gateway = answer_field(reply, "gw");
    if (!answer_is_array(reply)) {
        suspect_failed(reaper, id);
        return;
    }
    bool live = span_is(answer_field(reply, "st"), SPAN_OF("H"));
    bool former = live && is_former_run(reaper, gateway);
    bool good = account.len > 0 && account.len <= ACCOUNT_NAME_MAX && has_good_place(reply);
    if (!live || !good || (suspect->former && !former))
        suspect_end(reaper, id);
    else if (!reap(reaper, id, reply, suspect->former ? gateway : SPAN_NONE))
        suspect_failed(reaper, id);
}

static void look_at(struct reaper *reaper, uint16_t bucket, struct span invocation, bool former)
{
    struct suspect *suspect;
    if (invocation.len == 0 || invocation.len >= sizeof(suspect->invocation))
        return;
    suspect = alloc_zeroed(sizeof(*suspect));
    memcpy(suspect->invocation, invocation.ptr, invocation.len);
    suspect->bucket = bucket;
    suspect->former = former;
    uint64_t id = slots_take(&reaper->suspects, suspect);
    if (id == 0) {
        free(suspect); /* the next walk finds it again */
        reaper->former_failed |= former;
        return;
    }
    reaper->former_waits += former;
    struct words keys, args;
    words_init(&keys);
    words_add_key(&keys, bucket, "h", invocation);
    words_add_key(&keys, bucket, "x", SPAN_NONE);
    words_init(&args);
    words_add(&args, invocation);
    if (!store_run(reaper->store, STORE_PEEK, &keys, &args, deadline(reaper), note_peeked, reaper,
                   id))
        suspect_failed(reaper, id);
}

/* ------------------------------------------------------------------ former runs */

static void note_former_page(void *owner, uint64_t bucket, const struct redisReply *reply)
{
    struct reaper *reaper = owner;
    size_t count = answer_count(reply);
    reaper->former_failed |= !answer_is_array(reply);
    reaper->page_full = count == PAGE;
    reaper->former_rank += (uint32_t)count;
    for (size_t i = 0; i < count; ++i)
        look_at(reaper, (uint16_t)bucket, answer_word(reply, i), true);
    if (--reaper->former_waits == 0) /* this call's own */
        walk_former(reaper);
}

/* The next page; one bucket after the other, once in a run's life. */
static void walk_former(struct reaper *reaper)
{
    if (reaper->former_over || reaper->former_waits > 0 || !store_is_up(reaper->store))
        return;
    if (reaper->former_failed)
        return; /* the tick begins it anew */
    if (!reaper->page_full) {
        if (++reaper->former_bucket > STORE_BUCKETS) {
            reaper->former_over = true;
            return;
        }
        reaper->former_rank = 0;
    }
    struct words words;
    uint16_t bucket = (uint16_t)(reaper->former_bucket - 1);
    words_init(&words);
    words_add_text(&words, "ZRANGE");
    words_add_key(&words, bucket, "x", SPAN_NONE);
    words_add_u64(&words, reaper->former_rank);
    words_add_u64(&words, reaper->former_rank + PAGE - 1);
    ++reaper->former_waits;
    if (store_call(reaper->store, &words, deadline(reaper), note_former_page, reaper, bucket))
        return;
    --reaper->former_waits;
    reaper->former_failed = true;
}

static void begin_former(struct reaper *reaper)
{
    if (!reaper->may_take_former || reaper->former_over || reaper->former_waits > 0)
        return;
    reaper->former_failed = false;
    reaper->page_full = false;
    reaper->former_bucket = 0;
    reaper->former_rank = 0;
    walk_former(reaper);
}

void reaper_take_former(struct reaper *reaper)
{
    reaper->may_take_former = true;
    begin_former(reaper);
}

/* ------------------------------------------------------------------ the overdue */

static void note_overdue(void *owner, uint64_t bucket, const struct redisReply *reply)
{
    for (size_t i = 0; i < answer_count(reply); ++i)
        look_at(owner, (uint16_t)bucket, answer_word(reply, i), false);
}

static void ask_overdue(struct reaper *reaper, uint16_t bucket)
{
    /* This clock only picks whom to look at; a wrong one costs looks, not holds. */
    int64_t before = clock_unix_ms() - reaper->options.grace_ms;
    struct words words;
    words_init(&words);
    words_add_text(&words, "ZRANGEBYSCORE");
    words_add_key(&words, bucket, "x", SPAN_NONE);
    words_add_text(&words, "-inf");
    words_add_u64(&words, before > 0 ? (uint64_t)before : 0);
    words_add_text(&words, "LIMIT");
    words_add_text(&words, "0");
    words_add_u64(&words, PAGE);
    if (!store_call(reaper->store, &words, deadline(reaper), note_overdue, reaper, bucket))
        stats_add(&reaper->stats->redis_errors, 1);
}

static void note_beat(void *owner, uint64_t id, const struct redisReply *reply)
{
    /* The next one is soon. */
}

static void beat(struct reaper *reaper)
{
    char key[96];
    struct words words;
    snprintf(key, sizeof(key), "tg:gw:%s", reaper->options.gateway_id);
    words_init(&words);
    words_add_text(&words, "SET");
    words_add_text(&words, key);
    words_add_u64(&words, reaper->options.epoch);
    words_add_text(&words, "EX");
    words_add_u64(&words, HEARTBEAT_S);
    if (!store_call(reaper->store, &words, deadline(reaper), note_beat, reaper, 0))
        stats_add(&reaper->stats->redis_errors, 1);
}

static void set_tick(struct reaper *reaper)
{
    uint32_t step = reaper->options.every_ms / SLICES + 1;
    uint32_t random = 0;
    ssize_t got = getrandom(&random, sizeof(random), GRND_NONBLOCK);
    (void)got; /* without it gateways look in step: no more than that */
    timer_set(&reaper->tick, loop_now(reaper->loop) + step / 2 + random % (step + 1));
}

static void note_tick(void *owner)
{
    struct reaper *reaper = owner;
    set_tick(reaper);
    if (!store_is_up(reaper->store))
        return;
    if (reaper->bucket == 0)
        beat(reaper);
    begin_former(reaper);
    bool quiet = loop_now(reaper->loop) < reaper->quiet_until;
    for (unsigned i = 0; i < STORE_BUCKETS / SLICES; ++i) {
        if (!quiet)
            ask_overdue(reaper, (uint16_t)reaper->bucket);
        reaper->bucket = (reaper->bucket + 1) % STORE_BUCKETS;
    }
}

/* ------------------------------------------------------------------ its life */

void reaper_note_up(struct reaper *reaper)
{
    reaper->quiet_until = loop_now(reaper->loop) + reaper->options.quiet_ms;
    beat(reaper);
    set_tick(reaper);
}

void reaper_note_down(struct reaper *reaper)
{
    timer_stop(&reaper->tick);
}

struct reaper *reaper_new(struct loop *loop, struct store *store,
                          const struct reaper_options *options, struct stats *stats)
{
    struct reaper *reaper = alloc_zeroed(sizeof(*reaper));
    reaper->loop = loop;
    reaper->store = store;
    reaper->stats = stats;
    reaper->options = *options;
    slots_init(&reaper->suspects, SUSPECTS_MAX);
    timer_init(&reaper->tick, loop, note_tick, reaper);
    return reaper;
}

void reaper_free(struct reaper *reaper)
{
    must(reaper->suspects.used == 0);
    slots_fini(&reaper->suspects);
    timer_fini(&reaper->tick);
    free(reaper);
}
