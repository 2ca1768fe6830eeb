/* Settles and releases until Redis has acknowledged them: sent, and sent again with patience.
 * It owns those in flight and parked. It never forgets a settle, which is in the journal before it
 * is sent, and never repeats a release after its hold's time is over. */
#ifndef CALLERS_DEBTS_H
#define CALLERS_DEBTS_H

#include "callers/meter.h"

struct debts;
struct replay;

struct debts_options {
    struct replay *replay;  /* lent */
    uint32_t settle_ms_max; /* one try */
    uint32_t count_max;     /* in memory; settles above wait in the journal alone */
    /* Every entry a former run left in the journal is settled: its holds may be reaped. */
    void (*note_former_over)(void *owner);
    void *owner;
};

struct debts *debts_new(struct loop *loop, struct store *store, struct journal *journal,
                        const struct debts_options *options, struct stats *stats);
void debts_free(struct debts *debts);
/* What is parked is sent at once, but for buckets that are still being replayed to. `replay`: also
 * what former runs left, the first time. */
void debts_note_up(struct debts *debts, bool replay);

MUST_USE bool debts_settle(struct debts *debts, const struct hold *hold,
                           const struct settlement *settlement, struct settle_wait *wait);
/* `text` is owed_write()'s without a settlement; given up after `ttl_ms`, or when memory for debts
 * is used up: then the hold is reaped at its deadline. */
void debts_release(struct debts *debts, struct span text, uint32_t ttl_ms);
void debts_cancel(struct debts *debts, struct settle_wait *wait);
uint32_t debts_pending(const struct debts *debts);

#endif
