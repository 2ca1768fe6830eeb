#include "workers/wait.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "workers/member.h"

/* Lets go of what only waiting needs. */
static void stop_waiting(struct pool_wait *wait)
{
    list_remove(&wait->node);
    if (wait->stage == WAIT_QUEUED || wait->stage == WAIT_PICKED)
        --wait->asked->waiting;
    if (wait->stage == WAIT_PICKED)
        --wait->picked->wait_count;
    wait->picked = NULL;
    timer_fini(&wait->deadline);
}

static void answer(struct pools *pools, struct pool_wait *wait)
{
    wait->stage = WAIT_ANSWERED;
    list_append(&pools->answered, &wait->node);
    loop_wake(pools->site.loop, &pools->wake);
}

static void note_deadline(void *owner)
{
    struct pool_wait *wait = owner;
    struct pools *pools = wait->asked->pools;
    struct member *member = wait->picked;
    if (member == NULL) {
        wait_fail(pools, wait, FAULT_OVERLOADED, NULL, "all workers were full until the deadline");
        return;
    }
    bool judging = member_is_attesting(member);
    wait_fail(pools, wait, judging ? FAULT_NOT_YET_VERIFIED : FAULT_CONNECT_FAILED, member->worker,
              "no verified connection before the deadline");
    member_note_nothing(member);
}

void wait_init(struct pools *pools, struct pool_wait *wait)
{
    must(wait->request != NULL);
    must(wait->stage == WAIT_OVER);
    list_init(&wait->node);
    timer_init(&wait->deadline, pools->site.loop, note_deadline, wait);
    wait->fault = FAULT_NONE;
    wait->worker[0] = '\0';
    wait->detail[0] = '\0';
    wait->lease = (struct lease){0};
    wait->asked = NULL;
    wait->picked = NULL;
}

void wait_begin(struct pool_wait *wait, struct pool *asked)
{
    wait->asked = asked;
    wait->stage = WAIT_FRESH;
    list_append(&asked->fresh, &wait->node);
    pool_touch(asked);
}

/* One more who waits, when the pool still takes any; the deadline begins to count. */
static bool begin_waiting(struct pool_wait *wait)
{
    struct pool *pool = wait->asked;
    if (wait->stage != WAIT_FRESH)
        return true;
    if (pool->waiting >= pool->facts->waits_max) {
        wait_fail(pool->pools, wait, FAULT_OVERLOADED, NULL,
                  "%u requests wait for a worker already", pool->waiting);
        return false;
    }
    ++pool->waiting;
    timer_set(&wait->deadline, wait->deadline_at > 0 ? wait->deadline_at : 1);
    return true;
}

bool wait_queue(struct pool_wait *wait)
{
    must(wait->stage == WAIT_FRESH);
    if (!begin_waiting(wait))
        return false;
    list_remove(&wait->node);
    wait->stage = WAIT_QUEUED;
    list_append(&wait->asked->waits, &wait->node);
    return true;
}

bool wait_pick(struct pool_wait *wait, struct member *member)
{
    must(wait->stage == WAIT_FRESH || wait->stage == WAIT_QUEUED);
    if (!begin_waiting(wait))
        return false;
    list_remove(&wait->node);
    wait->stage = WAIT_PICKED;
    wait->picked = member;
    ++member->wait_count;
    list_append(&member->waits, &wait->node);
    return true;
}

void wait_put_back(struct pool_wait *wait)
{
    must(wait->stage == WAIT_PICKED);
    --wait->picked->wait_count;
    list_remove(&wait->node);
    wait->stage = WAIT_QUEUED;
    wait->picked = NULL;
    list_prepend(&wait->asked->waits, &wait->node);
    pool_touch(wait->asked);
}

void wait_fail(struct pools *pools, struct pool_wait *wait, enum fault fault,
               const struct worker *worker, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(wait->detail, sizeof(wait->detail), format, args);
    va_end(args);
    stop_waiting(wait);
    wait->fault = fault;
    snprintf(wait->worker, sizeof(wait->worker), "%s", worker == NULL ? "" : worker->id);
    head_free(wait->request);
    wait->request = NULL;
    answer(pools, wait);
}

void wait_lend(struct pool_wait *wait, struct link *link, const struct worker *worker)
{
    struct pool *pool = wait->asked;
    struct pools *pools = pool->pools;
    struct loan *loan = alloc_zeroed(sizeof(*loan));
    *loan = (struct loan){link, registry_take(pools->registry), worker};
    stop_waiting(wait);
    if (wait->lending != NULL)
        wait->lending(wait, pool->facts, &link->proof);
    wait->lease = (struct lease){
        .stream = link_lend(link, wait->request, wait->request_ended, wait->note, wait->user),
        .worker = worker,
        .pool = pool->facts,
        .proof = &link->proof,
        .link = slots_take(&pools->loans, loan),
    };
    must(wait->lease.link != 0);
    wait->request = NULL;
    wait->fault = FAULT_NONE;
    snprintf(wait->worker, sizeof(wait->worker), "%s", worker->id);
    answer(pools, wait);
}

void wait_leave(struct pool_wait *wait)
{
    stop_waiting(wait);
    wait->stage = WAIT_OVER;
    head_free(wait->request);
    wait->request = NULL;
}
