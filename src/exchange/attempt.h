/* One try at one worker: asking the pools, the stream they lend, and giving it back.
 * It owns the wait and, once answered, the lease. It never decides whether there is another try,
 * and never reads a byte of a body: relay does. */
#ifndef EXCHANGE_ATTEMPT_H
#define EXCHANGE_ATTEMPT_H

#include "exchange/record.h"
#include "workers/pools.h"

struct attempt {
    struct pools *pools;
    struct pool_wait wait; /* remembers whom it asked before */
    void (*note)(void *user);
    void *user;
    /* Whom a request is about to be sent to; may be NULL. */
    void (*lending)(void *user, struct head *request, const struct pool_facts *pool,
                    const struct proof *proof);
    struct record *record;      /* where each try leaves its row */
    bool asking;                /* the pools have not answered */
    bool leased;                /* lease.stream is ours until the attempt closes */
    unsigned count;             /* tries so far */
    unsigned closed;            /* the last of them that was closed */
    char worker[WORKER_ID_MAX]; /* who has, or had, the request; empty: nobody yet */
    uint64_t asked_at;
    uint64_t leased_at; /* the request's head was sent then; 0: not in this try */
    uint64_t leased_us;
    uint32_t ttfb_us; /* 0: no head of an answer */
};

/* `note` is called when the pools answered, and whenever the stream has news. */
void attempt_init(struct attempt *attempt, struct pools *pools, struct record *record,
                  void (*note)(void *user), void *user);
/* Asks for a worker of `pool` that was not asked before; `request` is owned from here. */
void attempt_open(struct attempt *attempt, const char *pool, struct head *request, bool ended,
                  uint64_t now, uint64_t deadline_at);
/* True once for each lease: the request's head has just been sent. */
bool attempt_begins(struct attempt *attempt, uint64_t now);
/* The pools' fault, or what broke the stream before an answer's head; NONE while nothing is wrong.
 */
enum fault attempt_fault(const struct attempt *attempt);
/* The answer's head, or NULL; the first time it is seen sets the time to first byte. */
const struct head *attempt_head(struct attempt *attempt);
struct stream *attempt_stream(const struct attempt *attempt); /* NULL without a lease */
/* Over, for good or by `fault`: the wait is cancelled or the lease returned. Fine when it is. */
void attempt_close(struct attempt *attempt, enum fault fault, uint64_t now);

#endif
