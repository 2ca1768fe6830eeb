#include "workers/pool.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "workers/member.h"
#include "workers/trust.h"
#include "workers/wait.h"

struct pool *pool_new(struct pools *pools, const char *name)
{
    struct pool *pool = alloc_zeroed(sizeof(*pool));
    pool->pools = pools;
    snprintf(pool->name, sizeof(pool->name), "%s", name);
    list_init(&pool->node);
    list_init(&pool->fresh);
    list_init(&pool->waits);
    retry_budget_init(&pool->budget);
    return pool;
}

void pool_touch(struct pool *pool)
{
    pool->dirty = true;
    loop_wake(pool->pools->site.loop, &pool->pools->wake);
}

/* --- members ------------------------------------------------------------------------------- */

static bool is_same_worker(const struct worker *one, const struct worker *other)
{
    return one->address.len == other->address.len &&
           memcmp(&one->address.storage, &other->address.storage, one->address.len) == 0;
}

/* The member of `worker` among the old ones, taken out; NULL when it is new. Mostly it stands where
 * it stood. */
static struct member *take_member(struct member **old, uint32_t old_count, uint32_t guess,
                                  const struct worker *worker)
{
    for (uint32_t i = 0; i < old_count; ++i) {
        uint32_t at = (guess + i) % old_count;
        struct member *member = old[at];
        if (member != NULL && is_same_worker(member->worker, worker)) {
            old[at] = NULL;
            return member;
        }
    }
    return NULL;
}

void pool_adopt(struct pool *pool, const struct pool_facts *facts)
{
    bool trusted_alike = pool->facts != NULL && trust_is_same(pool->facts->trust, facts->trust);
    /* Links that were admitted without a challenge do not stay where one is wanted now. */
    bool as_challenged = pool->facts != NULL && pool->facts->challenge >= facts->challenge;
    struct member **old = pool->members;
    uint32_t old_count = pool->member_count;
    pool->members = alloc_array(facts->worker_count, sizeof(struct member *));
    pool->member_count = facts->worker_count;
    for (uint32_t i = 0; i < facts->worker_count; ++i) {
        const struct worker *worker = &facts->workers[i];
        struct member *member = as_challenged ? take_member(old, old_count, i, worker) : NULL;
        if (member == NULL)
            member = member_new(pool, worker);
        else if (!trusted_alike)
            member_judge_again(member, facts->trust);
        member->worker = worker;
        pool->members[i] = member;
    }
    pool->facts = facts;
    for (uint32_t i = 0; i < old_count; ++i)
        if (old[i] != NULL)
            member_retire(old[i]);
    free(old);
    free(pool->candidates);
    pool->candidates = alloc_array(facts->worker_count, sizeof(*pool->candidates));
    pool_touch(pool);
}

void pool_judge_again(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->member_count; ++i)
        member_judge_again(pool->members[i], pool->facts->trust);
}

static void refuse_all(struct pool *pool, struct list *waits)
{
    while (!list_is_empty(waits))
        wait_fail(pool->pools, container_of(waits->next, struct pool_wait, node), FAULT_NO_WORKER,
                  NULL, "the pool is no longer configured");
}

void pool_free(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->member_count; ++i)
        member_retire(pool->members[i]);
    refuse_all(pool, &pool->waits);
    refuse_all(pool, &pool->fresh);
    list_remove(&pool->node);
    free(pool->members);
    free(pool->candidates);
    free(pool);
}

/* --- placing ------------------------------------------------------------------------------- */

/* How the members stand for one wait. */
struct standing {
    uint32_t tried;
    uint32_t full;
    uint32_t resting;
    uint32_t refused;
    uint32_t unjudged;
    const struct member *refused_member;
    const struct member *unjudged_member;
};

static bool was_tried(const struct pool_wait *wait, const struct member *member)
{
    for (uint32_t i = 0; i < wait->tried_count && i < POOLS_TRIED_MAX; ++i)
        if (strcmp(wait->tried[i], member->worker->id) == 0)
            return true;
    return false;
}

static struct standing look_around(struct pool *pool, const struct pool_wait *wait)
{
    uint64_t now = loop_now(pool->pools->site.loop);
    struct standing standing = {0};
    for (uint32_t i = 0; i < pool->member_count; ++i) {
        const struct member *member = pool->members[i];
        struct placement_candidate *candidate = &pool->candidates[i];
        enum member_state state = member_state(member, now);
        bool tried = was_tried(wait, member);
        *candidate =
            (struct placement_candidate){.out = tried || state != MEMBER_TAKES,
                                         .doubtful = health_is_doubtful(&member->health, now),
                                         .live = member_live(member),
                                         .capacity = member->worker->capacity,
                                         .ttfb_us = member->ttfb_us};
        standing.tried += tried;
        if (tried)
            continue;
        standing.full += state == MEMBER_FULL;
        standing.resting += state == MEMBER_RESTS;
        if (state == MEMBER_REFUSED) {
            ++standing.refused;
            standing.refused_member = member;
        }
        if (state == MEMBER_UNJUDGED) {
            ++standing.unjudged;
            standing.unjudged_member = member;
        }
    }
    return standing;
}

/* splitmix64's step: fair enough to pick two of many, and nobody gains by guessing it. */
static uint64_t next_random(struct pools *pools)
{
    uint64_t mixed = pools->random += 0x9e3779b97f4a7c15ULL;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebULL;
    return mixed ^ mixed >> 31;
}

/* The one with hope goes first: who may be judged, or rested, in a moment. */
static void fail_unplaced(struct pool *pool, struct pool_wait *wait,
                          const struct standing *standing)
{
    if (standing->unjudged > 0) {
        const struct member *member = standing->unjudged_member;
        wait_fail(pool->pools, wait, FAULT_NOT_YET_VERIFIED, member->worker, "%s: %s",
                  member->proof.reason, member->proof.detail);
        return;
    }
    if (standing->refused > 0 && standing->resting == 0) {
        const struct member *member = standing->refused_member;
        wait_fail(pool->pools, wait, FAULT_UNTRUSTED, member->worker, "%s: %s",
                  member->proof.reason, member->proof.detail);
        return;
    }
    wait_fail(pool->pools, wait, FAULT_NO_WORKER, NULL,
              "of %u workers %u tried, %u resting, %u refused", pool->member_count, standing->tried,
              standing->resting, standing->refused);
}

/* False when all that are left are full: the wait stays where it is. */
static bool place(struct pool *pool, struct pool_wait *wait)
{
    struct standing standing = look_around(pool, wait);
    for (;;) {
        size_t pick =
            placement_choose(pool->candidates, pool->member_count, next_random(pool->pools));
        if (pick == pool->member_count)
            break;
        if (member_take(pool->members[pick], wait))
            return true;
        /* Another lane had its last place, or the lane its last link. */
        pool->candidates[pick].out = true;
        ++standing.full;
    }
    if (standing.full > 0)
        return false;
    fail_unplaced(pool, wait, &standing);
    return true;
}

/* All full for one who has tried nobody: full for all behind it too. */
static bool deal_queue(struct pool *pool)
{
    struct list *node;
    struct list *after;
    list_each_safe (node, after, &pool->waits) {
        struct pool_wait *wait = container_of(node, struct pool_wait, node);
        if (!place(pool, wait) && wait->tried_count == 0)
            return false;
    }
    return true;
}

bool pool_deal(struct pool *pool)
{
    pool->dirty = false;
    bool open = deal_queue(pool);
    while (!list_is_empty(&pool->fresh)) {
        struct pool_wait *wait = container_of(pool->fresh.next, struct pool_wait, node);
        if (open && place(pool, wait))
            continue;
        if (wait_queue(wait) && wait->tried_count == 0)
            open = false;
    }
    return !list_is_empty(&pool->waits);
}
