/* A lane's way to the workers: links that are verified, and those who wait for one.
 * It owns the links, the waits and each worker's health. It never lends a stream of a link whose
 * evidence has no trusting verdict, and never names who asks. */
#ifndef WORKERS_POOLS_H
#define WORKERS_POOLS_H

#include "base/fault.h"
#include "base/log.h"
#include "base/stats.h"
#include "http/http.h"
#include "rules/retry.h"
#include "workers/attester.h"
#include "workers/registry.h"

struct pools;
struct pool;
struct member;

enum { POOLS_TRIED_MAX = RETRY_ATTEMPTS_MAX };

/* A stream and who is at its other end. Facts stay valid until pools_return(). */
struct lease {
    struct stream *stream; /* lent: ended by pools_return() */
    const struct worker *worker;
    const struct pool_facts *pool;
    const struct proof *proof;
    uint64_t link; /* the pools' own */
};

/* Zeroed before its first question. */
struct pool_wait {
    void (*answer)(struct pool_wait *wait);
    /* the question */
    const char *pool;                           /* its name */
    char tried[POOLS_TRIED_MAX][WORKER_ID_MAX]; /* workers not to be asked again */
    uint32_t tried_count;
    uint64_t deadline_at; /* lane ms */
    struct head *request; /* method, path and fields; scheme and authority are filled in from the
                             worker picked. Sent on the stream as it is lent; owned by pools from
                             pools_lend() on and freed when no stream comes of it */
    bool request_ended;   /* no body follows */
    /* May be NULL. Whom the request is about to be sent to: what only the worker picked decides is
     * added to `request` here. */
    void (*lending)(struct pool_wait *wait, const struct pool_facts *pool,
                    const struct proof *proof);
    void (*note)(void *user); /* the stream's */
    void *user;
    /* the answer */
    enum fault fault; /* NONE, NO_WORKER, CONNECT_FAILED, UNTRUSTED, NOT_YET_VERIFIED, OVERLOADED */
    char worker[WORKER_ID_MAX]; /* whom the fault is about; empty: nobody was asked */
    char detail[320];           /* UNTRUSTED: which check failed; for the log */
    struct lease lease;
    /* the pools' own */
    struct list node;
    struct timer deadline;
    struct pool *asked;
    struct member *picked; /* whose connection it waits for; NULL: in the pool's queue */
    unsigned char stage;
};

struct pools *pools_new(struct loop *loop, struct attester *attester, const struct log *log,
                        struct stats *stats);
/* The new set: links of workers that are gone drain; a worker of the same pool and address keeps
 * its links and health, and where its trust changed its links are judged again: those that are
 * trusted no more drain, with the verdict's reason. A pool of the same name keeps its waits and its
 * budget. Waits of a pool that is gone are answered NO_WORKER. Takes a count. */
void pools_apply(struct pools *pools, struct registry *registry);
/* No new links, streams finish; those who wait, and all who ask from now on, are answered
 * NO_WORKER. For when no caller can ask any more. */
void pools_drain(struct pools *pools);
/* At once; between turns. Waits are answered NO_WORKER from within, leases must have been returned.
 * The attester must still be there: its verdicts for this lane are waited for or dropped. */
void pools_free(struct pools *pools);

/* Picks a worker (rules/placement), finds room on a READY link or opens one, sends the head and
 * lends the stream. Answers later, never before it returns, in a run phase. `pool` and the question
 * must stay until then; `scheme` and `authority` of the head need room under its limits (else
 * OVERLOADED).
 *
 *   NO_WORKER       no such pool, or every worker tried, resting or gone: at once
 *   UNTRUSTED       the verdict on the worker that was picked, or, within 5 s, on all that are left
 *   NOT_YET_VERIFIED  the verdict on the worker that was picked, or, within 5 s, on one that is
 * left, is late, or the collateral for it is still to be fetched CONNECT_FAILED  the worker that
 * was picked could not be connected to, or not by the deadline OVERLOADED      all full until the
 * deadline, or waits_max are waiting already
 *
 * The first failure of the worker that was picked is the answer: trying another is the asker's
 * decision. Those who wait are served in the order they came. */
void pools_lend(struct pools *pools, struct pool_wait *wait);
/* The asker goes before the answer: none comes, and the head is freed. Fine when it was answered
 * (then the lease is still to be returned). */
void pools_cancel(struct pools *pools, struct pool_wait *wait);
/* The stream is done with, or not: it is released (reset when unfinished). `fault` is how the
 * attempt ended, for health; `ttfb_us` time to the answer's head, 0 when there was none. */
void pools_return(struct pools *pools, struct lease *lease, enum fault fault, uint32_t ttfb_us);

/* Shares the retry budget of a pool (by name), until the next pools_apply(); NULL when there is no
 * such pool. */
struct retry_budget *pools_budget(struct pools *pools, const char *pool);
/* The path its workers are asked for, as configured; NULL when there is no such pool. */
const char *pools_path_template(struct pools *pools, const char *pool);

/* The last evidence of the workers named `worker` and the verdicts on it, as JSON (empty when there
 * is none), to `answer` in a note. False: too many ask already. */
MUST_USE bool pools_show_evidence(struct pools *pools, struct span worker,
                                  void (*answer)(void *owner, uint64_t id, struct span json),
                                  void *owner, uint64_t id);

/* For admin: calls `visit` for every worker of this lane. */
struct worker_view {
    const struct pool_facts *pool;
    const struct worker *worker;
    const char *state; /* "ready", "connecting", "attesting", "challenging", "refused", "resting",
                          "idle" */
    const struct proof *proof; /* the newest verdict, or NULL */
    uint32_t links;
    uint32_t streams;
    uint32_t ttfb_us;
};
void pools_visit(struct pools *pools, void (*visit)(void *arg, const struct worker_view *view),
                 void *arg);

#endif
