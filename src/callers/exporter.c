#include "callers/exporter.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "callers/exporter_parts.h"

enum {
    EVERY_MS_DEFAULT = 1000,
    LEASE_MS_DEFAULT = 15000,
    MARGIN_MS_DEFAULT = 600000,
    TRIM_EVERY_MS_DEFAULT = 60000,
    STEP_BACK_MS = 60000, /* looked at again after a lost connection: see note_up() */
    LETTERS_MAX = 4
};

/* After a failover entries that were lost come again, by another server's clock: what that wrote a
 * little before the cursor would be passed over. What the files have is known by its mark. */
static void note_up(void *owner)
{
    struct exporter *exporter = owner;
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

static const struct redis_events events = {note_up, note_down, NULL};

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
    exporter_gauge(&exporter->stats.ledger_segments, segments_number(exporter->segments));
    exporter->loop = loop_new();
    exporter->mailbox = mailbox_open(exporter->loop, LETTERS_MAX, exporter);
    timer_init(&exporter->tick, exporter->loop, exporter_walk, exporter);
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
