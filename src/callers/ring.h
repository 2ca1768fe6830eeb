/* What Redis acknowledged lately, oldest first, in memory.
 * It owns copies of the texts, in pieces of 64 KiB that go whole, and at most its maximum of them.
 * It never drops what is younger than asked while it has room. */
#ifndef CALLERS_RING_H
#define CALLERS_RING_H

#include "base/list.h"
#include "base/must.h"
#include "base/span.h"

/* The place of an entry in a ledger's stream; zeros: none. */
struct ledger_id {
    uint64_t ms, n;
};

struct ring_entry {
    uint64_t at; /* lane ms */
    struct ledger_id ledger;
    uint16_t bucket;
    struct span text;
};

struct ring_piece;

struct ring {
    struct list pieces;
    unsigned count, count_max; /* of pieces */
    void (*note_dropped)(void *owner, const struct ring_entry *entry);
    void *owner;
    struct ring_piece *at; /* of the walk; NULL: at its end */
    size_t offset;
};

void ring_init(struct ring *ring, size_t bytes_max,
               void (*note_dropped)(void *owner, const struct ring_entry *entry), void *owner);
void ring_fini(struct ring *ring); /* drops without a note */
void ring_add(struct ring *ring, const struct ring_entry *entry);
/* Drops the pieces that have nothing from `at` on. */
void ring_drop_before(struct ring *ring, uint64_t at);
/* A walk, which adding and dropping do not break: what is added is walked over too. */
void ring_rewind(struct ring *ring);
MUST_USE bool ring_next(struct ring *ring, struct ring_entry *entry);
bool ring_is_empty(const struct ring *ring);
/* "<ms>-<n>"; zeros when it is not that. */
struct ledger_id ledger_id_read(struct span text);
bool ledger_id_is_before(struct ledger_id one, struct ledger_id other);

#endif
