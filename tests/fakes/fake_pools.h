/* Pools without links; implements workers/pools.h whole. Each pools_lend() is answered as the test
 * said beforehand, in order; without a word, by a worker named after its number.
 * It owns its plan and its list of waits. It never answers before it returns. */
#ifndef FAKE_POOLS_H
#define FAKE_POOLS_H

#include "fakes/fake_stream.h"
#include "workers/pools.h"

enum { FAKE_TRIES_MAX = 8 };

struct fake_try {
    enum fault fault; /* planned; NONE: a stream */
    bool hangs;       /* planned: no answer ever */
    const char *worker;
    const char *detail;
    size_t window;          /* of the worker's stream; 0: the default */
    struct pool_wait *wait; /* not answered yet */
    struct stream *stream;
    struct head *request;
    bool ended; /* no body followed the request */
    bool returned;
    enum fault returned_fault;
    uint32_t ttfb_us;
    bool cancelled;
    char tried[POOLS_TRIED_MAX][WORKER_ID_MAX];
    uint32_t tried_count;
    uint64_t deadline_at;
};

struct pools {
    struct loop *loop;
    struct wake wake;
    struct pool_facts facts;
    struct worker workers[FAKE_TRIES_MAX];
    struct proof proof;
    struct retry_budget budget;
    struct fake_try tries[FAKE_TRIES_MAX];
    unsigned count;
    /* asked for with pools_show_evidence() and not answered yet */
    void (*evidence)(void *owner, uint64_t id, struct span json);
    void *evidence_owner;
    uint64_t evidence_id;
    char evidence_of[WORKER_ID_MAX];
    bool evidence_full;
};

struct pools *fake_pools_new(struct loop *loop);

#endif
