#include "callers/exporter.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "callers/entry.h"
#include "callers/seen.h"
#include "callers/segments.h"
#include "io/mailbox.h"

enum {
    EVERY_MS_DEFAULT = 1000,
    LEASE_MS_DEFAULT = 15000,
    MARGIN_MS_DEFAULT = 600000,
    TRIM_EVERY_MS_DEFAULT = 60000,
    CALL_MS_MAX = 10000,
    GROUP = 16, /* buckets read at once */
    PAGE = 250, /* entries of one, at once */
    BATCH_BYTES_MAX = 4 * 1024 * 1024,
    GROUP_TURNS_MAX = 64, /* of one group, before the next has its turn */
    STEP_BACK_MS = 60000, /* looked at again after a lost connection: see note_up() */
    TRIM_STEP = 10000,    /* export.lua's */
    LETTERS_MAX = 4
};

struct bucket {
    bool held;   /* the lease is this gateway's */
    bool more;   /* the last page was full, or did not fit */
    bool failed; /* in this turn: no answer, so nothing is known of it */
    bool trims;  /* a trim is out */
    uint64_t fence;
    uint64_t lease_at;       /* lane ms: taken or renewed */
    uint64_t trim_at;        /* lane ms: the next */
    struct entry_place at;   /* all up to it is on the disk */
    struct entry_place next; /* and up to this once the batch is */
};

struct exporter {
    struct exporter_options options;
    char gateway[LEDGER_NAME_MAX + 1];
    pthread_t thread;
    struct loop *loop;
    struct mailbox *mailbox;
    struct letter stop;
    struct store *store;
    struct segments *segments;
    struct seen *seen;
    struct timer tick;
    struct stats stats;
    struct bucket buckets[STORE_BUCKETS];
    bool was_up;
    bool stopping;
    bool broken; /* the disk refuses: said once */
    /* the walk */
    bool walking;
    unsigned first;     /* bucket of the group */
    unsigned turns;     /* of the group */
    unsigned waits;     /* calls out whose answers the group needs */
    uint64_t found;     /* entries, in this walk */
    uint64_t oldest_ms; /* of those found; 0: none */
    /* the batch */
    char *batch;
    size_t batch_bytes;
    struct seen_mark marks[GROUP * PAGE];
    size_t mark_count;
};

static void gauge(_Atomic uint64_t *place, uint64_t value)
{
    atomic_store_explicit(place, value, memory_order_relaxed);
}

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
    gauge(&exporter->stats.ledger_segments, segments_number(exporter->segments));
    return true;
}

/* ------------------------------------------------------------------ a group of buckets */

static void end_walk(struct exporter *exporter)
{
    int64_t age_ms = clock_unix_ms() - (int64_t)exporter->oldest_ms;
    bool waited = exporter->oldest_ms > 0 && age_ms > 0;
    exporter->walking = false;
    gauge(&exporter->stats.ledger_lag_entries, exporter->found);
    gauge(&exporter->stats.ledger_lag_seconds, waited ? (uint64_t)age_ms / 1000 : 0);
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
    bucket->lease_at = loop_now(exporter->loop);
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
        bool lease = !bucket->held || now >= bucket->lease_at + exporter->options.lease_ms / 3;
        bucket->failed = bucket->more = false;
        bucket->next = bucket->at;
        if (lease ? ask_lease(exporter, (uint16_t)i) : ask_page(exporter, (uint16_t)i))
            ++exporter->waits;
        else
            bucket->failed = true;
    }
    one_is_in(exporter);
}

static void note_tick(void *owner)
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

/* ------------------------------------------------------------------ its life */

/* After a failover entries that were lost come again, by another server's clock: what that wrote a
 * little before the cursor would be passed over. What the files have is known by its mark. */
static void note_up(void *owner)
{
    struct exporter *exporter = owner;
    store_load_scripts(exporter->store);
    for (unsigned i = 0; exporter->was_up && i < STORE_BUCKETS; ++i) {
        struct entry_place *at = &exporter->buckets[i].at;
        at->ms = at->ms > STEP_BACK_MS ? at->ms - STEP_BACK_MS : 0;
    }
    exporter->was_up = true;
    if (!exporter->walking)
        timer_set(&exporter->tick, loop_now(exporter->loop));
}

static void note_down(void *owner)
{
    (void)owner; /* its calls were answered, and the walk ends */
}

static const struct redis_events events = {note_up, note_down};

static void *run(void *owner)
{
    struct exporter *exporter = owner;
    loop_run(exporter->loop);
    exporter->stopping = true;
    store_close(exporter->store);
    return NULL;
}

static void note_stop(struct letter *letter, void *owner)
{
    struct exporter *exporter = owner;
    (void)letter;
    loop_stop(exporter->loop);
}

/* The files of a run that died may have more than the cursors say. */
static void note_known(void *owner, const struct ledger_line *line)
{
    struct exporter *exporter = owner;
    struct bucket *bucket = &exporter->buckets[line->bucket];
    struct entry_place place = {line->place_ms, line->place_count};
    if (entry_place_is_before(&bucket->at, &place))
        bucket->at = place;
    seen_add(exporter->seen, seen_mark(line->account, line->kind, line->id, line->sequence));
}

static void set_defaults(struct exporter_options *options)
{
    if (options->every_ms == 0)
        options->every_ms = EVERY_MS_DEFAULT;
    if (options->lease_ms == 0)
        options->lease_ms = LEASE_MS_DEFAULT;
    if (options->margin_ms == 0)
        options->margin_ms = MARGIN_MS_DEFAULT;
    if (options->trim_every_ms == 0)
        options->trim_every_ms = TRIM_EVERY_MS_DEFAULT;
}

static void start_thread(struct exporter *exporter)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are the main thread's */
    must(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    must(pthread_create(&exporter->thread, NULL, run, exporter) == 0);
    must(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

static void free_all(struct exporter *exporter)
{
    if (exporter->segments != NULL)
        segments_close(exporter->segments);
    seen_free(exporter->seen);
    free((char *)exporter->options.dir);
    free(exporter->batch);
    free(exporter);
}

struct exporter *exporter_start(const struct exporter_options *options, char *error,
                                size_t error_size)
{
    struct exporter *exporter = alloc_zeroed(sizeof(*exporter));
    exporter->options = *options;
    exporter->options.dir = alloc_text(options->dir, strlen(options->dir));
    set_defaults(&exporter->options);
    snprintf(exporter->gateway, sizeof(exporter->gateway), "%s", options->gateway_id);
    exporter->seen = seen_new();
    exporter->batch = alloc_zeroed(BATCH_BYTES_MAX);
    const struct segments_options files = {options->dir, exporter->gateway, options->segment_bytes};
    exporter->segments = segments_open(&files, note_known, exporter, error, error_size);
    if (exporter->segments == NULL) {
        free_all(exporter);
        return NULL;
    }
    gauge(&exporter->stats.ledger_segments, segments_number(exporter->segments));
    exporter->loop = loop_new();
    exporter->mailbox = mailbox_open(exporter->loop, LETTERS_MAX, exporter);
    timer_init(&exporter->tick, exporter->loop, note_tick, exporter);
    exporter->store = store_open(exporter->loop, options->redis, &events, exporter);
    exporter->options.redis = NULL;
    start_thread(exporter);
    return exporter;
}

void exporter_stop(struct exporter *exporter)
{
    if (exporter == NULL)
        return;
    exporter->stop.read = note_stop;
    must(mailbox_post(exporter->mailbox, &exporter->stop));
    must(pthread_join(exporter->thread, NULL) == 0);
    mailbox_close(exporter->mailbox);
    timer_fini(&exporter->tick);
    loop_free(exporter->loop);
    free_all(exporter);
}

const struct stats *exporter_stats(const struct exporter *exporter)
{
    return &exporter->stats;
}
