/* What Redis acknowledged lately, sent again when a bucket comes back on another run of a server,
 * or on another server: what that one knows is a prefix of what the one before had answered
 * (metering.md 3.3). It owns a ring of holds, checkpoints, settles and releases of the last 30 s,
 * up to its maximum. It never charges twice, since what is known is found to be, and never goes on
 * by itself with a store that lost more than the ring has. */
#ifndef CALLERS_REPLAY_H
#define CALLERS_REPLAY_H

#include "base/stats.h"
#include "callers/store.h"

struct replay;

struct replay_options {
    size_t bytes_max;    /* of the ring; 0: 32 MiB. The oldest go when there is more */
    uint32_t kept_ms;    /* 0: 30000 */
    uint32_t proof_ms;   /* 0: 480000: away for longer, tombstones may have gone in the meantime */
    const char *gateway; /* with its epoch, for holds that are placed again */
    /* Buckets are open again: what waited for that may go. */
    void (*note_open)(void *owner);
    /* A bucket's ledger ends before what was acknowledged, by more than the ring has. */
    void (*note_gone_back)(void *owner, uint16_t bucket);
    /* Whether an operator still has to look at that. */
    bool (*is_distrusted)(void *owner);
    void *owner;
};

struct replay *replay_new(struct loop *loop, struct store *store,
                          const struct replay_options *options, struct stats *stats);
void replay_free(struct replay *replay); /* after store_close() */
/* An owed text that was acknowledged; `ledger` of a settle's entry, else empty. */
void replay_keep(struct replay *replay, uint16_t bucket, struct span text, struct span ledger);
/* Servers came or went: buckets whose server is not what it was are closed until all was sent. */
void replay_note_up(struct replay *replay);
void replay_note_down(struct replay *replay);
/* Settles of a closed bucket wait: before its hold is there again they would find none. */
bool replay_is_open(const struct replay *replay, uint16_t bucket);
/* Closed, and for less than a second, or distrusted: no new hold. */
bool replay_pauses(const struct replay *replay, uint16_t bucket);
/* Grows each time the bucket is closed. */
uint32_t replay_version(const struct replay *replay, uint16_t bucket);

#endif
