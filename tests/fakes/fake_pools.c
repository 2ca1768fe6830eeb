#include "fakes/fake_pools.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

static void lend(struct pools *pools, struct pool_wait *wait, struct fake_try *try)
{
    unsigned number = (unsigned)(try - pools->tries);
    struct worker *worker = &pools->workers[number];
    snprintf(worker->id, sizeof(worker->id), "%s", try->worker);
    wait->fault = try->fault;
    snprintf(wait->detail, sizeof(wait->detail), "%s", try->detail);
    if (try->fault != FAULT_NONE) {
        if (try->fault != FAULT_NO_WORKER)
            snprintf(wait->worker, sizeof(wait->worker), "%s", try->worker);
        return;
    }
    if (wait->lending != NULL)
        wait->lending(wait, &pools->facts, &pools->proof);
    struct stream *stream = try->stream = fake_stream_new();
    stream->window = try->window > 0 ? try->window : stream->window;
    stream->out_headed = true;
    stream->out_ended = wait->request_ended;
    stream_set_note(stream, wait->note, wait->user);
    wait->lease = (struct lease){.stream = stream,
                                 .worker = worker,
                                 .pool = &pools->facts,
                                 .proof = &pools->proof,
                                 .link = number + 1};
}

static void answer_all(void *owner)
{
    struct pools *pools = owner;
    for (unsigned i = 0; i < pools->count; ++i) {
        struct fake_try *try = &pools->tries[i];
        struct pool_wait *wait = try->wait;
        if (wait == NULL || try->hangs)
            continue;
        try->wait = NULL;
        lend(pools, wait, try);
        wait->answer(wait);
    }
}

struct pools *fake_pools_new(struct loop *loop)
{
    static const char *const names[FAKE_TRIES_MAX] = {"w1", "w2", "w3", "w4",
                                                      "w5", "w6", "w7", "w8"};
    struct pools *pools = alloc_zeroed(sizeof(*pools));
    pools->loop = loop;
    wake_init(&pools->wake, answer_all, pools);
    retry_budget_init(&pools->budget);
    snprintf(pools->proof.measurement, sizeof(pools->proof.measurement), "c0ffee");
    for (unsigned i = 0; i < FAKE_TRIES_MAX; ++i) {
        pools->tries[i].worker = names[i];
        pools->tries[i].detail = "";
    }
    return pools;
}

struct pools *pools_new(struct loop *loop, struct attester *attester, const struct log *log,
                        struct stats *stats)
{
    return fake_pools_new(loop);
}

void pools_apply(struct pools *pools, struct registry *registry)
{
}

void pools_drain(struct pools *pools)
{
}

void pools_free(struct pools *pools)
{
    wake_cancel(&pools->wake);
    for (unsigned i = 0; i < FAKE_TRIES_MAX; ++i) {
        must(pools->tries[i].wait == NULL);
        head_free(pools->tries[i].request);
    }
    free(pools);
}

void pools_lend(struct pools *pools, struct pool_wait *wait)
{
    must(pools->count < FAKE_TRIES_MAX);
    struct fake_try *try = &pools->tries[pools->count++];
    try->request = wait->request;
    try->ended = wait->request_ended;
    try->deadline_at = wait->deadline_at;
    try->wait = wait;
    try->tried_count = wait->tried_count;
    memcpy(try->tried, wait->tried, sizeof(try->tried));
    loop_wake(pools->loop, &pools->wake);
}

void pools_cancel(struct pools *pools, struct pool_wait *wait)
{
    for (unsigned i = 0; i < pools->count; ++i) {
        struct fake_try *try = &pools->tries[i];
        if (try->wait != wait)
            continue;
        try->wait = NULL;
        try->cancelled = true;
    }
}

void pools_return(struct pools *pools, struct lease *lease, enum fault fault, uint32_t ttfb_us)
{
    struct fake_try *try = &pools->tries[lease->link - 1];
    must(!try->returned && try->stream == lease->stream);
    try->returned = true;
    try->returned_fault = fault;
    try->ttfb_us = ttfb_us;
    stream_release(lease->stream);
}

struct retry_budget *pools_budget(struct pools *pools, const char *pool)
{
    return &pools->budget;
}

const char *pools_path_template(struct pools *pools, const char *pool)
{
    return pools->facts.path_template[0] != '\0' ? pools->facts.path_template : NULL;
}

void pools_visit(struct pools *pools, void (*visit)(void *arg, const struct worker_view *view),
                 void *arg)
{
}

bool pools_show_evidence(struct pools *pools, struct span worker,
                         void (*answer)(void *owner, uint64_t id, struct span json), void *owner,
                         uint64_t id)
{
    if (pools->evidence_full)
        return false;
    pools->evidence = answer;
    pools->evidence_owner = owner;
    pools->evidence_id = id;
    snprintf(pools->evidence_of, sizeof(pools->evidence_of), "%.*s", (int)worker.len, worker.ptr);
    return true;
}
