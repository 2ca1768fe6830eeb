/* The money of one call: what it may cost, the hold, checkpoints, and the one settle or release.
 * It owns its hold until it is closed. It never closes twice, and never asks for more than was
 * held. Unmetered calls have a bill that does nothing. */
#ifndef EXCHANGE_BILL_H
#define EXCHANGE_BILL_H

#include "callers/meter.h"
#include "exchange/alarm.h"
#include "http/head.h"
#include "rules/agents.h"

struct bill {
    struct meter *meter;
    void (*note)(void *user); /* the meter answered */
    void *user;
    struct price price; /* the agent's, units' caps lowered as the caller asked */
    bool metered;
    bool lowered;   /* Agent-Max-Cost is below what the caps would cost: it is watched */
    bool rolls;     /* the ceiling covers the next step, and moves on */
    bool extending; /* more has been asked for */
    bool spent_up;  /* more was refused: what is held is all there is */
    bool must_wait; /* more could not be asked for: not again before `ask_at` */
    uint64_t ask_at;
    uint32_t step_ms;
    uint64_t most_ucr; /* a rolling ceiling never goes above it */
    bool length_known; /* of the request */
    bool waived;       /* what ran is not charged */
    bool asking;       /* for the hold */
    bool held;         /* the hold stands and is ours to close */
    bool owed;         /* there is a charge: in the journal, or the reaper's */
    bool settling;     /* Redis has not answered */
    bool settled;      /* Redis has it */
    uint32_t ms_max;   /* priced time, at most; 0: no bound */
    uint32_t checkpoint_ms;
    uint64_t checkpoint_at;
    uint64_t checkpoint_ucr;
    struct hold hold;
    struct meter_wait hold_wait;
    struct meter_wait extend_wait;
    struct settle_wait settle_wait;
    uint64_t cost_ucr; /* once closed */
    uint64_t over_ucr; /* reported by the worker above the caps */
};

void bill_init(struct bill *bill, struct meter *meter, void (*note)(void *user), void *user);
/* Works out the ceiling from the agent's caps, `length` (of the request, or -1) and the caller's
 * fields. NONE, BAD_BUDGET (with a sentence), REQUEST_TOO_LARGE, or PARENT_BUDGET_EXHAUSTED when it
 * is more than the lineage allows one call. */
enum fault bill_open(struct bill *bill, const struct agent *agent, const struct head *request,
                     const struct lineage *lineage, int64_t length, uint32_t checkpoint_ms,
                     char *detail, size_t detail_size);
/* Asks for the hold; `note` when it is answered. */
void bill_hold(struct bill *bill, const struct invocation *id, const struct caller *caller,
               const char *cid, uint64_t now);
/* The answer's fault, once asking is over. */
enum fault bill_take_hold(const struct bill *bill);
/* Nobody waits for anything any more. */
void bill_cancel(struct bill *bill);

/* The cost of `usage`, at most what is held. */
uint64_t bill_cost(const struct bill *bill, const struct usage *usage);
/* Before there is an answer: keeps the hold alive, at no cost. */
void bill_keep(struct bill *bill, struct alarm *alarm);
/* While it is answered: the checkpoint when it is due, by time or by a tenth of the ceiling. */
void bill_checkpoint(struct bill *bill, const struct usage *usage, struct alarm *alarm);

/* A rolling hold is extended in time, when less than a step is left of it. */
void bill_roll(struct bill *bill, const struct usage *usage, struct alarm *alarm);

/* How far a lowered budget goes from `usage` on: each alone, the others as they are. */
struct bill_reach {
    uint64_t ms;
    uint64_t bytes_in;
    uint64_t bytes_out;
};
struct bill_reach bill_reach(const struct bill *bill, const struct usage *usage);

/* Reads a worker's `Agent-Usage`, within the caps; what is above them is only noted. */
void bill_note_units(struct bill *bill, struct span text, struct usage *usage);
/* Journal first. False when neither it nor Redis takes it: nothing was charged yet, the reaper
 * will. */
MUST_USE bool bill_settle(struct bill *bill, const struct usage *usage, const char *outcome,
                          int status, const char *worker, const struct receipt_note *note);
/* Whether the charge, if there is one, outlives this process. */
bool bill_is_safe(const struct bill *bill);
/* The call never ran. */
void bill_release(struct bill *bill);

#endif
