#include "fakes/fake_views.h"

#include <stdio.h>

void fake_site_set_live(struct site *site, unsigned live)
{
    site->replay_bytes = live; /* a number of the site's nobody else looks at here */
}

void pools_visit(struct pools *pools, void (*visit)(void *arg, const struct worker_view *view),
                 void *arg)
{
    struct pool_facts pool = {.name = "gpu"};
    struct worker worker = {.capacity = 8};
    struct proof proof = {.reason = "debug_enclave",
                          .detail = "the enclave may be read with a debugger",
                          .tee = "sgx",
                          .tcb_status = "OutOfDate",
                          .measurement = "00ff",
                          .evidence_sha256 = {0xab},
                          .expires = 1800000000};
    char error[128];
    must(address_parse(&worker.address, SPAN_OF("127.0.0.1:4433"), error, sizeof(error)));
    for (unsigned i = 0; i < pools->rows; ++i) {
        const struct worker_view view = {.pool = &pool,
                                         .worker = &worker,
                                         .state = i % 2 == 0 ? "refused" : "idle",
                                         .proof = i % 2 == 0 ? &proof : NULL,
                                         .links = 2,
                                         .streams = 3,
                                         .ttfb_us = 1234};
        snprintf(worker.id, sizeof(worker.id), "w%u", i);
        visit(arg, &view);
    }
}

void exchange_visit(struct site *site, void (*visit)(void *arg, const struct exchange_view *view),
                    void *arg)
{
    for (uint64_t i = 0; i < site->replay_bytes; ++i) {
        const struct exchange_view view = {.invocation = "inv-1",
                                           .account = "alice",
                                           .cid = "bafy",
                                           .step = "stream",
                                           .worker = "w0",
                                           .age_ms = 42 + i,
                                           .bytes_in = 7,
                                           .bytes_out = 9};
        visit(arg, &view);
    }
}

bool pools_show_evidence(struct pools *pools, struct span worker,
                         void (*answer)(void *owner, uint64_t id, struct span json), void *owner,
                         uint64_t id)
{
    if (pools->rows == 0)
        return false;
    answer(owner, id, span_is(worker, SPAN_OF("w0")) ? SPAN_OF("{\"worker\":\"w0\"}") : SPAN_NONE);
    return true;
}
