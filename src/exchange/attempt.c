#include "exchange/attempt.h"

#include <stdio.h>

#include "base/clock.h"

void attempt_init(struct attempt *attempt, struct pools *pools, struct record *record,
                  void (*note)(void *user), void *user)
{
    *attempt = (struct attempt){.pools = pools, .record = record, .note = note, .user = user};
}

static void note_answer(struct pool_wait *wait)
{
    struct attempt *attempt = container_of(wait, struct attempt, wait);
    attempt->asking = false;
    attempt->leased = wait->fault == FAULT_NONE;
    attempt->leased_us = clock_monotonic_us();
    if (attempt->leased)
        snprintf(attempt->worker, sizeof(attempt->worker), "%s", wait->lease.worker->id);
    attempt->note(attempt->user);
}

static void note_lending(struct pool_wait *wait, const struct pool_facts *pool,
                         const struct proof *proof)
{
    struct attempt *attempt = container_of(wait, struct attempt, wait);
    if (attempt->lending != NULL)
        attempt->lending(attempt->user, wait->request, pool, proof);
}

void attempt_open(struct attempt *attempt, const char *pool, struct head *request, bool ended,
                  uint64_t now, uint64_t deadline_at)
{
    struct pool_wait *wait = &attempt->wait;
    must(!attempt->asking && !attempt->leased);
    ++attempt->count;
    attempt->asking = true;
    attempt->asked_at = now;
    attempt->leased_at = 0;
    attempt->ttfb_us = 0;
    attempt->worker[0] = '\0';
    wait->answer = note_answer;
    wait->lending = note_lending;
    wait->pool = pool;
    wait->deadline_at = deadline_at;
    wait->request = request;
    wait->request_ended = ended;
    wait->note = attempt->note;
    wait->user = attempt->user;
    wait->fault = FAULT_NONE;
    wait->worker[0] = wait->detail[0] = '\0';
    pools_lend(attempt->pools, wait);
}

bool attempt_begins(struct attempt *attempt, uint64_t now)
{
    if (!attempt->leased || attempt->leased_at != 0)
        return false;
    attempt->leased_at = now;
    return true;
}

struct stream *attempt_stream(const struct attempt *attempt)
{
    return attempt->leased ? attempt->wait.lease.stream : NULL;
}

static enum fault fault_of(enum stream_end end)
{
    switch (end) {
    case STREAM_WHOLE:
        return FAULT_NONE;
    case STREAM_REFUSED:
        return FAULT_REFUSED;
    case STREAM_INVALID:
    case STREAM_TOO_LARGE:
        return FAULT_WORKER_INVALID;
    case STREAM_RESET:
    case STREAM_LOST:
        break;
    }
    return FAULT_WORKER_BROKE;
}

enum fault attempt_fault(const struct attempt *attempt)
{
    if (attempt->asking)
        return FAULT_NONE;
    if (!attempt->leased)
        return attempt->wait.fault;
    return fault_of(stream_fate(attempt->wait.lease.stream));
}

const struct head *attempt_head(struct attempt *attempt)
{
    if (!attempt->leased)
        return NULL;
    const struct head *head = stream_head(attempt->wait.lease.stream);
    if (head != NULL && attempt->ttfb_us == 0) {
        uint64_t us = clock_monotonic_us() - attempt->leased_us;
        attempt->ttfb_us = us == 0 ? 1 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
    }
    return head;
}

/* Leaves the row of this try, and its worker's name among those not to be asked again. */
static void remember(struct attempt *attempt, enum fault fault, uint64_t now)
{
    struct pool_wait *wait = &attempt->wait;
    struct record *record = attempt->record;
    const char *worker = attempt->leased ? attempt->worker : wait->worker;
    if (worker[0] == '\0')
        return; /* nobody was asked */
    if (wait->tried_count < POOLS_TRIED_MAX)
        snprintf(wait->tried[wait->tried_count++], WORKER_ID_MAX, "%s", worker);
    if (record->attempt_count >= RECORD_ATTEMPTS_MAX)
        return;
    struct record_attempt *row = &record->attempts[record->attempt_count++];
    uint64_t until = attempt->leased_at != 0 ? attempt->leased_at : now;
    snprintf(row->worker, sizeof(row->worker), "%s", worker);
    snprintf(row->detail, sizeof(row->detail), "%s", wait->detail);
    row->fault = fault;
    row->connect_ms = (uint32_t)(until - attempt->asked_at);
}

void attempt_close(struct attempt *attempt, enum fault fault, uint64_t now)
{
    if (attempt->asking) {
        pools_cancel(attempt->pools, &attempt->wait);
        attempt->asking = false;
        attempt->closed = attempt->count;
        return;
    }
    if (attempt->closed == attempt->count)
        return;
    attempt->closed = attempt->count;
    remember(attempt, fault, now);
    if (!attempt->leased)
        return;
    pools_return(attempt->pools, &attempt->wait.lease, fault, attempt->ttfb_us);
    attempt->leased = false;
}
