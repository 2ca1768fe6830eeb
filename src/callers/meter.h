/* Money: hold before, checkpoint during, settle after (metering.md 4), each one Lua script, each
 * idempotent by invocation id. It owns the waits in flight and, once meter_settle() is called, the
 * settling itself: journal, sending, sending again. It never charges more than was held, and never
 * lets a hold be forgotten: settled, released, or reaped at its deadline. */
#ifndef CALLERS_METER_H
#define CALLERS_METER_H

#include "base/fault.h"
#include "base/list.h"
#include "base/stats.h"
#include "callers/auth.h"
#include "callers/journal.h"
#include "callers/lineage.h"
#include "callers/receipt.h"
#include "callers/store.h"
#include "rules/price.h"

struct meter;

enum { INVOCATION_CHARS = 26, FINGERPRINT_TEXT_MAX = 33 };

struct invocation {
    char text[INVOCATION_TEXT_MAX];
};
/* A fresh random one. */
void invocation_make(struct invocation *out);

/* What a call holds. Embedded in its exchange; a value after meter_hold(). Answered with NONE it is
 * to be settled or released; with a fault the meter has seen to it. */
struct hold {
    struct invocation id;
    struct caller caller;
    char cid[CID_TEXT_MAX];
    char fingerprint[FINGERPRINT_TEXT_MAX]; /* of a request with an Idempotency-Key; else empty */
    uint64_t ceiling_ucr;
    uint64_t sub_ucr; /* held on top, for calls below this one */
    bool sub_default; /* the account's own, whatever `sub_ucr` says: facts.sub_ucr has it */
    char parent[INVOCATION_TEXT_MAX]; /* whose sub-budget pays; empty: the balance does */
    char root[INVOCATION_TEXT_MAX];   /* with a parent: of the tree */
    uint32_t depth_max;               /* with a parent: how deep this may be */
    uint32_t children_max;            /* with a parent: how many live ones it may have */
    uint32_t ttl_ms;  /* the hold ends (is reaped) so long after its last checkpoint */
    bool placed;      /* it was sent: Redis has it, or may have it */
    uint64_t attempt; /* the meter's own: parts this try from another of the same id */
};

/* What a limit looks like to the caller, for RateLimit fields and problems. */
struct meter_facts {
    uint64_t available_ucr;  /* balance (and credit line), or with a parent what is left of its
                              * sub-budget, after the hold or at the refusal */
    uint64_t sub_ucr;        /* the sub-budget that is, or would have been, held */
    uint64_t retry_after_ms; /* QUOTA_EXCEEDED: when trying again may help */
    char violated[24];       /* QUOTA_EXCEEDED: "rate", "concurrency", "spend-day", "spend-month",
                              * "subcalls";
                              * INSUFFICIENT_CREDIT: "spend-call" when it is the most one call may
                              * hold that is below the ceiling */
    uint64_t rate_limit;     /* policy: requests per window; 0: none */
    uint64_t rate_window_s;
    uint64_t rate_remaining;
    uint64_t rate_next_ms;      /* without any remaining: until there is one */
    uint64_t concurrency_limit; /* 0: none */
    uint64_t concurrency_live;
    /* IDEMPOTENCY_RESULT_NOT_STORED: how the first call ended */
    uint64_t first_cost_ucr;
    uint64_t first_status; /* 0: it was not answered */
    char first_outcome[48];
};

/* fault: NONE, INSUFFICIENT_CREDIT, ACCOUNT_SUSPENDED, QUOTA_EXCEEDED,
 * IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_RESULT_NOT_STORED, IDEMPOTENCY_MISMATCH,
 * UNAUTHENTICATED (no such account) or METERING_UNAVAILABLE; with a parent also
 * PARENT_BUDGET_EXHAUSTED, PARENT_NOT_RUNNING and DEPTH_EXCEEDED. `answer` is called later, never
 * before meter_hold() returns. */
struct meter_wait {
    void (*answer)(struct meter_wait *wait);
    enum fault fault;
    struct meter_facts facts;
    uint64_t id;      /* the meter's own, as is */
    struct list node; /* this */
};

/* How a call ended, for the ledger: "ok", "agent-error", a fault's word, "orphan". */
struct settlement {
    uint64_t cost_ucr; /* at most the hold's ceiling: more is a bug */
    struct usage usage;
    const char *outcome; /* static */
    int status;          /* what the caller saw; 0: nothing */
    char worker[64];
    uint64_t over_ucr; /* cost the worker reported above its caps: recorded, not charged */
    const struct receipt_note *note; /* or NULL */
};

struct settle_wait {
    void (*answer)(struct settle_wait *wait);
    bool settled;   /* false: unknown for now, the meter goes on */
    bool unwritten; /* the journal refused it: until it is settled, this process alone knows */
    uint64_t charged_ucr; /* when settled */
    uint64_t sequence;    /* of its ledger entry; 0: none, or not known to be this settle's */
    uint64_t ended_ms;    /* the entry's time, unix ms by the store's clock */
    uint64_t id;          /* the meter's own, as is */
    struct list node;     /* this */
};

struct meter_options {
    uint32_t hold_ms_max;   /* no answer by then: METERING_UNAVAILABLE; default 250 */
    uint32_t settle_ms_max; /* one try; default 2000, then again until acknowledged */
    uint32_t waits_max;     /* holds in flight, and settles and releases; default 65536 each */
    bool reaps;             /* this lane's meter also reaps overdue holds (one lane does) */
    uint32_t reap_every_ms; /* all buckets once; default 5000 */
    uint32_t reap_quiet_ms; /* nobody is reaped so long after a (re)connect; default 30000 */
    uint32_t reap_grace_ms; /* nor before being overdue by this; default 60000 */
    uint32_t replay_ms;     /* acknowledged operations are kept so long; default 30000 */
    /* The store lost more than that, in `bucket` to begin with: no hold is taken any more, until
     * journal_distrust_store() is told that an operator has looked. May be NULL. */
    void (*note_gone_back)(void *owner, uint16_t bucket);
    void *owner;
};

struct meter *meter_new(struct loop *loop, struct store *store, struct journal *journal,
                        const struct meter_options *options, struct stats *stats);
/* After store_close(), which answers what is in flight: that comes here. */
void meter_free(struct meter *meter);
/* Servers of the store came up or went down (from its redis_events). Up: what a server may have
 * lost is sent again, then what it was not told yet, and by the lane that reaps the journal's rest.
 */
void meter_note_up(struct meter *meter);
void meter_note_down(struct meter *meter);

/* Places `hold` (all but the last two members filled in). A late or lost answer is released behind
 * the scenes. */
void meter_hold(struct meter *meter, struct hold *hold, struct meter_wait *wait);
/* Puts `more_ucr` aside on top, for a hold that stands. Answered with NONE the hold's ceiling is
 * higher by it; else it is as it was as far as anybody knows, and asking again is fine: what may be
 * held too much comes back when it is settled. `wait` as of meter_hold(). */
void meter_extend(struct meter *meter, struct hold *hold, uint64_t more_ucr,
                  struct meter_wait *wait);
void meter_extend_cancel(struct meter *meter, struct meter_wait *wait);
/* Nobody waits for the hold any more: released as soon as its answer is known. */
void meter_hold_cancel(struct meter *meter, struct meter_wait *wait);
/* Stores the cost so far and pushes the hold's deadline; no answer. */
void meter_checkpoint(struct meter *meter, const struct hold *hold, uint64_t cost_ucr);
/* Ends the hold with a charge. The entry is in the journal when this returns true, or, with a wait
 * that is `unwritten`, on its way to Redis without; false: neither took it (the hold then ends by
 * reaping, at its last checkpoint). `wait` may be NULL; it is answered later, at most
 * settle_ms_max. */
MUST_USE bool meter_settle(struct meter *meter, const struct hold *hold,
                           const struct settlement *settlement, struct settle_wait *wait);
/* Ends the hold without a charge: the call never ran. */
void meter_release(struct meter *meter, const struct hold *hold);
void meter_settle_cancel(struct meter *meter, struct settle_wait *wait);
/* Waits, settles and releases not yet over: drain waits for 0. What is left when it gives up is in
 * the journal. */
uint32_t meter_pending(const struct meter *meter);

#endif
