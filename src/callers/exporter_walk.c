/* One walk over the buckets, a group of them at once: lease, page, disk, cursor, trim. */
#include <stdio.h>

#include "base/clock.h"
#include "callers/exporter_parts.h"

enum {
    CALL_MS_MAX = 10000,
    GROUP_TURNS_MAX = 64, /* of one group, before the next has its turn */
    TRIM_STEP = 10000     /* export.lua's */
};

static uint64_t deadline(const struct exporter *exporter)
{
    return loop_now(exporter->loop) + CALL_MS_MAX;
}

static void run_group(struct exporter *exporter);

/* ------------------------------------------------------------------ export.lua */

static void begin_words(const struct exporter *exporter, uint16_t bucket, const char *op,
                        struct words *keys, struct words *args)
{
    words_init(keys);
    words_add_key(keys, bucket, "xp", SPAN_NONE);
    words_add_key(keys, bucket, "L", SPAN_NONE);
    words_init(args);
    words_add_text(args, op);
    words_add_text(args, exporter->gateway);
    words_add_u64(args, exporter->options.epoch);
}

static bool run_script(struct exporter *exporter, uint16_t bucket, const struct words *keys,
                       const struct words *args, redis_answer *answer)
{
    if (store_run(exporter->store, STORE_EXPORT, keys, args, deadline(exporter), answer, exporter,
                  bucket))
        return true;
    stats_add(&exporter->stats.redis_errors, 1);
    return false;
}

/* Another's fence stands: what it exports is its own from here on. */
static bool is_lost(struct exporter *exporter, struct bucket *bucket,
                    const struct redisReply *reply)
{
    bool lost = span_is(answer_word(reply, 0), SPAN_OF("LOST"));
    if (lost)
        bucket->held = false;
    if (!lost && !span_is(answer_word(reply, 0), SPAN_OF("OK")))
        stats_add(&exporter->stats.redis_errors, 1);
    return lost;
}

static void note_saved(void *owner, uint64_t number, const struct redisReply *reply)
{
    struct exporter *exporter = owner;
    (void)is_lost(exporter, &exporter->buckets[number], reply);
}

static void save(struct exporter *exporter, uint16_t number)
{
    const struct bucket *bucket = &exporter->buckets[number];
    struct words keys, args;
    begin_words(exporter, number, "save", &keys, &args);
    words_add_u64(&args, bucket->fence);
    words_add_u64(&args, exporter->options.lease_ms);
    words_add_u64(&args, bucket->at.ms);
    words_add_u64(&args, bucket->at.count);
    /* Lost, it is said again with the next entries; until then a little is kept for longer. */
    (void)run_script(exporter, number, &keys, &args, note_saved);
}

static void note_trimmed(void *owner, uint64_t number, const struct redisReply *reply)
{
    struct exporter *exporter = owner;
    struct bucket *bucket = &exporter->buckets[number];
    bucket->trims = false;
    if (is_lost(exporter, bucket, reply))
        return;
    uint64_t gone = answer_number(reply, 1);
    stats_add(&exporter->stats.ledger_trimmed, gone);
    if (gone > TRIM_STEP / 2)
        bucket->trim_at = 0;
}

static void trim(struct exporter *exporter, uint16_t number)
{
    struct bucket *bucket = &exporter->buckets[number];
    struct words keys, args;
    if (!bucket->held || bucket->trims || loop_now(exporter->loop) < bucket->trim_at)
        return;
    bucket->trim_at = loop_now(exporter->loop) + exporter->options.trim_every_ms;
    begin_words(exporter, number, "trim", &keys, &args);
    words_add_u64(&args, bucket->fence);
    words_add_u64(&args, exporter->options.margin_ms);
    bucket->trims = run_script(exporter, number, &keys, &args, note_trimmed);
}

/* ------------------------------------------------------------------ the batch */

/* False: there is no room. What was exported already is left out. */
static bool add_entry(struct exporter *exporter, uint16_t number, const struct redisReply *entry)
{
    const struct redisReply *fields = answer_at(entry, 1);
    struct seen_mark mark =
        seen_mark(answer_field(fields, "a"), answer_field(fields, "k"), answer_field(fields, "i"),
                  entry_count(answer_field(fields, "s")));
    if (exporter->batch_bytes + ENTRY_LINE_MAX > BATCH_BYTES_MAX)
        return false;
    if (seen_has(exporter->seen, mark))
        return true;
    size_t len = entry_write_line(entry, number, exporter->batch + exporter->batch_bytes);
    if (len == 0) { /* nobody but the scripts writes this stream */
        stats_add(&exporter->stats.ledger_foreign, 1);
        return true;
    }
    must(exporter->mark_count < GROUP * PAGE);
    exporter->marks[exporter->mark_count++] = mark;
    exporter->batch_bytes += len;
    return true;
}

static void say_broken(struct exporter *exporter, const char *why)
{
    stats_add(&exporter->stats.ledger_write_errors, 1);
    if (!exporter->broken)
        log_say(exporter->options.log, LOG_ERROR, "ledger-stopped",
                "ledger.export: %s %s; the ledger stays in the store until it can be written",
                exporter->options.dir, why);
    exporter->broken = true;
}

static void say_whole(struct exporter *exporter)
{
    if (exporter->broken)
        log_say(exporter->options.log, LOG_NOTICE, "ledger-goes-on",
                "ledger.export: %s can be written again", exporter->options.dir);
    exporter->broken = false;
}

/* False: nothing of the batch is on the disk. */
static bool write_batch(struct exporter *exporter)
{
    char why[256];
    if (exporter->batch_bytes == 0)
        return true;
    if (!segments_write(exporter->segments, span_of(exporter->batch, exporter->batch_bytes),
                        clock_unix_ms(), why, sizeof(why))) {
        say_broken(exporter, why);
        return false;
    }
    say_whole(exporter);
    for (size_t i = 0; i < exporter->mark_count; ++i)
        seen_add(exporter->seen, exporter->marks[i]);
    stats_add(&exporter->stats.ledger_exported, exporter->mark_count);
    exporter_gauge(&exporter->stats.ledger_segments, segments_number(exporter->segments));
    return true;
}

/* ------------------------------------------------------------------ a group of buckets */

static void end_walk(struct exporter *exporter)
{
    int64_t age_ms = clock_unix_ms() - (int64_t)exporter->oldest_ms;
    bool waited = exporter->oldest_ms > 0 && age_ms > 0;
    exporter->walking = false;
    exporter_gauge(&exporter->stats.ledger_lag_entries, exporter->found);
    exporter_gauge(&exporter->stats.ledger_lag_seconds, waited ? (uint64_t)age_ms / 1000 : 0);
    timer_set(&exporter->tick, loop_now(exporter->loop) + exporter->options.every_ms);
}

/* All pages of the group are in: the disk, then the cursors, then what may go. */
static void end_group(struct exporter *exporter)
{
    bool more = false;
    bool written = write_batch(exporter);
    for (unsigned i = exporter->first; i < exporter->first + GROUP; ++i) {
        struct bucket *bucket = &exporter->buckets[i];
        if (written && entry_place_is_before(&bucket->at, &bucket->next)) {
            bucket->at = bucket->next;
            save(exporter, (uint16_t)i);
        }
        more = more || (bucket->more && !bucket->failed);
        if (!exporter->broken)
            trim(exporter, (uint16_t)i);
    }
    bool again = more && written && ++exporter->turns < GROUP_TURNS_MAX;
    if (!again) {
        exporter->first += GROUP;
        exporter->turns = 0;
    }
    if (exporter->first < STORE_BUCKETS && store_is_up(exporter->store))
        run_group(exporter);
    else
        end_walk(exporter);
}

static void one_is_in(struct exporter *exporter)
{
    must(exporter->waits > 0);
    if (--exporter->waits == 0 && !exporter->stopping)
        end_group(exporter);
}

static void note_page(void *owner, uint64_t number, const struct redisReply *page)
{
    struct exporter *exporter = owner;
    struct bucket *bucket = &exporter->buckets[number];
    size_t count = answer_count(page);
    bucket->failed = !answer_is_array(page);
    bucket->more = count == PAGE;
    for (size_t i = 0; i < count; ++i) {
        const struct redisReply *entry = answer_at(page, i);
        struct entry_place place;
        if (!entry_place_parse(answer_word(entry, 0), &place))
            break;
        if (exporter->oldest_ms == 0 || place.ms < exporter->oldest_ms)
            exporter->oldest_ms = place.ms;
        if (!add_entry(exporter, (uint16_t)number, entry)) {
            bucket->more = true;
            break;
        }
        bucket->next = place;
        ++exporter->found;
    }
    if (bucket->failed)
        stats_add(&exporter->stats.redis_errors, 1);
    one_is_in(exporter);
}

static bool ask_page(struct exporter *exporter, uint16_t number)
{
    struct bucket *bucket = &exporter->buckets[number];
    struct words words;
    char from[48];
    snprintf(from, sizeof(from), "(%llu-%llu", (unsigned long long)bucket->at.ms,
             (unsigned long long)bucket->at.count);
    words_init(&words);
    words_add_text(&words, "XRANGE");
    words_add_key(&words, number, "L", SPAN_NONE);
    words_add_text(&words, from);
    words_add_text(&words, "+");
    words_add_text(&words, "COUNT");
    words_add_u64(&words, PAGE);
    bucket->next = bucket->at;
    return store_call(exporter->store, &words, deadline(exporter), note_page, exporter, number);
}

static void note_taken(void *owner, uint64_t number, const struct redisReply *reply)
{
    struct exporter *exporter = owner;
    struct bucket *bucket = &exporter->buckets[number];
    uint64_t fence = answer_number(reply, 1);
    struct entry_place cursor = {answer_number(reply, 2), answer_number(reply, 3)};
    bool taken = span_is(answer_word(reply, 0), SPAN_OF("OK"));
    if (!taken && !span_is(answer_word(reply, 0), SPAN_OF("HELD")))
        stats_add(&exporter->stats.redis_errors, 1);
    if (taken && (!bucket->held || bucket->fence != fence) &&
        entry_place_is_before(&bucket->at, &cursor))
        bucket->at = cursor; /* else the files of this gateway have more than was saved */
    bucket->held = taken;
    bucket->fence = fence;
    bucket->lease_at = answer_count(reply) > 0 ? loop_now(exporter->loop) : 0;
    if (taken && !exporter->stopping && ask_page(exporter, (uint16_t)number))
        return; /* the page's answer is the one waited for */
    one_is_in(exporter);
}

static bool ask_lease(struct exporter *exporter, uint16_t number)
{
    struct words keys, args;
    begin_words(exporter, number, "take", &keys, &args);
    words_add_u64(&args, exporter->options.lease_ms);
    return run_script(exporter, number, &keys, &args, note_taken);
}

static void run_group(struct exporter *exporter)
{
    uint64_t now = loop_now(exporter->loop);
    exporter->batch_bytes = 0;
    exporter->mark_count = 0;
    exporter->waits = 1; /* this call's own */
    for (unsigned i = exporter->first; i < exporter->first + GROUP; ++i) {
        struct bucket *bucket = &exporter->buckets[i];
        bool lease =
            bucket->lease_at == 0 || now >= bucket->lease_at + exporter->options.lease_ms / 3;
        bucket->failed = bucket->more = false;
        bucket->next = bucket->at;
        if (!lease && !bucket->held)
            continue; /* another gateway's, when it was last asked */
        if (lease ? ask_lease(exporter, (uint16_t)i) : ask_page(exporter, (uint16_t)i))
            ++exporter->waits;
        else
            bucket->failed = true;
    }
    one_is_in(exporter);
}

void exporter_walk(void *owner)
{
    struct exporter *exporter = owner;
    if (exporter->walking || exporter->stopping)
        return;
    if (!store_is_up(exporter->store)) {
        timer_set(&exporter->tick, loop_now(exporter->loop) + exporter->options.every_ms);
        return;
    }
    exporter->walking = true;
    exporter->first = exporter->turns = 0;
    exporter->found = exporter->oldest_ms = 0;
    run_group(exporter);
}
