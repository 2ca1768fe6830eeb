/* What the files of exporter share: the walk over the buckets, and the thread it runs on.
 * For src/callers/exporter*.c alone; all of it belongs to that thread once it runs. */
#ifndef CALLERS_EXPORTER_PARTS_H
#define CALLERS_EXPORTER_PARTS_H

#include <pthread.h>

#include "callers/entry.h"
#include "callers/exporter.h"
#include "callers/seen.h"
#include "callers/segments.h"
#include "io/mailbox.h"

enum {
    GROUP = 16, /* buckets read at once */
    PAGE = 250, /* entries of one, at once */
    BATCH_BYTES_MAX = 4 * 1024 * 1024
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

/* Begins a walk, or tries later while the store is away: the timer's `fire`. */
void exporter_walk(void *owner);
/* One of the numbers that go up and down. */
static inline void exporter_gauge(_Atomic uint64_t *place, uint64_t value)
{
    atomic_store_explicit(place, value, memory_order_relaxed);
}

#endif
