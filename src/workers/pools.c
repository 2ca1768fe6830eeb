#include "workers/pools.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "workers/member.h"
#include "workers/wait.h"

/* POLL: a place that another lane frees at a worker is seen after so long; links that rest or were
 * refused come back by it too. WATCH: fetched collateral that differs is seen after so long.
 * LETTERS: verdicts on their way to this lane. */
enum { POLL_MS = 10, WATCH_MS = 500, LETTERS_MAX = 4096 };

static void pools_run(void *owner);
static void note_poll(void *owner);
static void note_watch(void *owner);

struct pools *pools_new(struct loop *loop, struct attester *attester, const struct log *log,
                        struct stats *stats)
{
    struct pools *pools = alloc_zeroed(sizeof(*pools));
    char error[256] = "";
    link_site_init(&pools->site, LINKS_MAX);
    pools->site.loop = loop;
    pools->site.attester = attester;
    pools->site.mailbox = mailbox_open(loop, LETTERS_MAX, &pools->site);
    pools->site.tls = tls_for_workers(error, sizeof(error));
    must(pools->site.tls != NULL);
    pools->site.log = log;
    pools->site.stats = stats;
    list_init(&pools->all);
    list_init(&pools->touched);
    list_init(&pools->answered);
    list_init(&pools->orphans);
    slots_init(&pools->loans, LOANS_MAX);
    wake_init(&pools->wake, pools_run, pools);
    timer_init(&pools->poll, loop, note_poll, pools);
    timer_init(&pools->watch, loop, note_watch, pools);
    timer_set(&pools->watch, loop_now(loop) + WATCH_MS);
    if (getrandom(&pools->random, sizeof(pools->random), 0) != (ssize_t)sizeof(pools->random))
        pools->random = clock_monotonic_us();
    return pools;
}

static struct pool *pool_at(struct list *node)
{
    return container_of(node, struct pool, node);
}

static struct pool *find_pool(struct list *all, const char *name)
{
    struct list *node;
    list_each (node, all) {
        if (strcmp(pool_at(node)->name, name) == 0)
            return pool_at(node);
    }
    return NULL;
}

void pools_apply(struct pools *pools, struct registry *registry)
{
    struct registry *older = pools->registry;
    struct list was;
    list_init(&was);
    list_move_all(&was, &pools->all);
    pools->registry = registry_take(registry);
    for (uint32_t i = 0; i < registry->pool_count; ++i) {
        const struct pool_facts *facts = &registry->pools[i];
        struct pool *pool = find_pool(&was, facts->name);
        if (pool == NULL)
            pool = pool_new(pools, facts->name);
        list_remove(&pool->node);
        list_append(&pools->all, &pool->node);
        pool_adopt(pool, facts);
    }
    while (!list_is_empty(&was))
        pool_free(pool_at(was.next));
    registry_give(older);
}

/* --- the run ------------------------------------------------------------------------------- */

static void note_poll(void *owner)
{
    struct pools *pools = owner;
    struct list *node;
    list_each (node, &pools->all) {
        if (!list_is_empty(&pool_at(node)->waits))
            pool_touch(pool_at(node));
    }
}

/* A verdict may have turned by what was fetched. Links of members that are gone drain anyway. */
static void note_watch(void *owner)
{
    struct pools *pools = owner;
    struct list *node;
    uint64_t version = attester_version(pools->site.attester);
    timer_set(&pools->watch, loop_now(pools->site.loop) + WATCH_MS);
    if (version == pools->version)
        return;
    pools->version = version;
    list_each (node, &pools->all) {
        pool_judge_again(pool_at(node));
    }
}

static void answer_all(struct pools *pools)
{
    struct list *node;
    while ((node = list_take(&pools->answered)) != NULL) {
        struct pool_wait *wait = container_of(node, struct pool_wait, node);
        wait->stage = WAIT_OVER;
        wait->answer(wait);
    }
}

static void pools_run(void *owner)
{
    struct pools *pools = owner;
    struct list *node;
    bool waiting = false;
    while ((node = list_take(&pools->touched)) != NULL)
        member_serve(container_of(node, struct member, touched));
    list_each (node, &pools->all) {
        struct pool *pool = pool_at(node);
        waiting |= pool->dirty ? pool_deal(pool) : !list_is_empty(&pool->waits);
    }
    if (waiting)
        timer_set(&pools->poll, loop_now(pools->site.loop) + POLL_MS);
    answer_all(pools);
}

/* --- asking -------------------------------------------------------------------------------- */

void pools_lend(struct pools *pools, struct pool_wait *wait)
{
    wait_init(pools, wait);
    struct pool *pool = find_pool(&pools->all, wait->pool);
    if (pools->draining)
        wait_fail(pools, wait, FAULT_NO_WORKER, NULL, "the gateway is shutting down");
    else if (pool == NULL)
        wait_fail(pools, wait, FAULT_NO_WORKER, NULL, "there is no pool of this name");
    else
        wait_begin(wait, pool);
}

void pools_cancel(struct pools *pools, struct pool_wait *wait)
{
    struct member *member = wait->picked;
    if (wait->stage == WAIT_OVER)
        return;
    wait_leave(wait);
    if (wait->lease.link != 0)
        pools_return(pools, &wait->lease, FAULT_CALLER_LEFT, 0);
    if (member != NULL)
        member_note_nothing(member);
}

void pools_return(struct pools *pools, struct lease *lease, enum fault fault, uint32_t ttfb_us)
{
    struct loan *loan = slots_find(&pools->loans, lease->link);
    must(loan != NULL);
    struct member *member = loan->link->owner;
    slots_give(&pools->loans, lease->link);
    link_return(loan->link, lease->stream);
    worker_load_give(loan->worker->load);
    registry_give(loan->registry);
    free(loan);
    *lease = (struct lease){0};
    if (member != NULL)
        member_note_outcome(member, fault, ttfb_us);
}

struct retry_budget *pools_budget(struct pools *pools, const char *name)
{
    struct pool *pool = find_pool(&pools->all, name);
    return pool == NULL ? NULL : &pool->budget;
}

const char *pools_path_template(struct pools *pools, const char *name)
{
    struct pool *pool = find_pool(&pools->all, name);
    return pool == NULL ? NULL : pool->facts->path_template;
}

bool pools_show_evidence(struct pools *pools, struct span worker,
                         void (*answer)(void *owner, uint64_t id, struct span json), void *owner,
                         uint64_t id)
{
    return attester_show(pools->site.attester, worker, pools->site.mailbox, answer, owner, id);
}

/* --- the end ------------------------------------------------------------------------------- */

static void refuse_waits(struct pools *pools, struct list *waits)
{
    while (!list_is_empty(waits))
        wait_fail(pools, container_of(waits->next, struct pool_wait, node), FAULT_NO_WORKER, NULL,
                  "the gateway is shutting down");
}

static void drain_links(struct list *links)
{
    struct list *node;
    struct list *after;
    list_each_safe (node, after, links) {
        link_drain(container_of(node, struct link, node));
    }
}

void pools_drain(struct pools *pools)
{
    struct list *node;
    pools->draining = true;
    list_each (node, &pools->all) {
        struct pool *pool = pool_at(node);
        refuse_waits(pools, &pool->waits);
        refuse_waits(pools, &pool->fresh);
        for (uint32_t i = 0; i < pool->member_count; ++i) {
            refuse_waits(pools, &pool->members[i]->waits);
            drain_links(&pool->members[i]->links);
        }
    }
}

/* A stream that was lent and whose asker has not been told goes back; the asker is told of no
 * worker. */
static void take_back_answers(struct pools *pools)
{
    struct list *node;
    list_each (node, &pools->answered) {
        struct pool_wait *wait = container_of(node, struct pool_wait, node);
        if (wait->lease.link == 0)
            continue;
        pools_return(pools, &wait->lease, FAULT_CALLER_LEFT, 0);
        wait->fault = FAULT_NO_WORKER;
    }
}

void pools_free(struct pools *pools)
{
    if (pools == NULL)
        return;
    pools_drain(pools);
    take_back_answers(pools);
    answer_all(pools);
    must(pools->loans.used == 0);
    while (!list_is_empty(&pools->all))
        pool_free(pool_at(pools->all.next));
    while (!list_is_empty(&pools->orphans))
        link_close(container_of(pools->orphans.next, struct link, node));
    attester_forget(pools->site.attester, pools->site.mailbox);
    mailbox_close(pools->site.mailbox);
    timer_fini(&pools->poll);
    timer_fini(&pools->watch);
    wake_cancel(&pools->wake);
    tls_give(pools->site.tls);
    link_site_fini(&pools->site);
    slots_fini(&pools->loans);
    registry_give(pools->registry);
    free(pools);
}

/* --- for admin ----------------------------------------------------------------------------- */

void pools_visit(struct pools *pools, void (*visit)(void *arg, const struct worker_view *view),
                 void *arg)
{
    uint64_t now = loop_now(pools->site.loop);
    struct worker_view view;
    struct list *node;
    list_each (node, &pools->all) {
        const struct pool *pool = pool_at(node);
        for (uint32_t i = 0; i < pool->member_count; ++i) {
            member_view(pool->members[i], now, &view);
            visit(arg, &view);
        }
    }
}
