#include "workers/member.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "workers/wait.h"

struct member *member_new(struct pool *pool, const struct worker *worker)
{
    struct member *member = alloc_zeroed(sizeof(*member));
    member->pool = pool;
    member->worker = worker;
    list_init(&member->links);
    list_init(&member->waits);
    list_init(&member->touched);
    return member;
}

static uint64_t lane_now(const struct member *member)
{
    return loop_now(member->pool->pools->site.loop);
}

void member_touch(struct member *member)
{
    struct pools *pools = member->pool->pools;
    if (!list_is_linked(&member->touched))
        list_append(&pools->touched, &member->touched);
    pool_touch(member->pool);
}

/* --- its links ----------------------------------------------------------------------------- */

static struct link *link_at(struct list *node)
{
    return container_of(node, struct link, node);
}

/* READY with room, the one with the fewest streams. */
static struct link *best_link(const struct member *member)
{
    struct link *best = NULL;
    struct list *node;
    list_each (node, &member->links) {
        struct link *link = link_at(node);
        if (link_room(link) > 0 && (best == NULL || link->live < best->live))
            best = link;
    }
    return best;
}

/* Links that count against links_per_worker. A worker of HTTP/1.1 gets as many as make up for one
 * stream a link. */
static uint32_t link_count(const struct member *member)
{
    uint32_t count = 0;
    struct list *node;
    list_each (node, &member->links) {
        const struct link *link = link_at(node);
        count += link->state < LINK_DRAINING && !link_is_leaving(link);
    }
    return count;
}

static uint32_t streams_per_link(const struct member *member)
{
    return member->one_each ? 1 : member->pool->facts->streams_per_link;
}

static bool may_open(const struct member *member)
{
    const struct pool_facts *facts = member->pool->facts;
    uint64_t most = facts->links_per_worker;
    if (member->one_each)
        most *= facts->streams_per_link;
    return link_count(member) < most;
}

/* How many may wait for links that are on their way, or whose room is not known yet: before the
 * worker's SETTINGS one stream goes, and many may follow at once (proxies 4, «stream limit known
 * too late»). */
static uint64_t places(const struct member *member)
{
    uint64_t count = 0;
    struct list *node;
    list_each (node, &member->links) {
        const struct link *link = link_at(node);
        if (link->state < LINK_READY)
            count += streams_per_link(member);
        else if (link->state == LINK_READY && !link->settled)
            count += link->pool->streams_per_link - link->live;
    }
    return count;
}

static void note_news(void *owner, struct link *link, enum link_news news);

static bool open_link(struct member *member)
{
    struct pools *pools = member->pool->pools;
    if (pools->draining || !may_open(member))
        return false;
    struct link *link = link_open(&pools->site, pools->registry, member->pool->facts,
                                  member->worker, note_news, member);
    if (link == NULL)
        return false;
    list_append(&member->links, &link->node);
    return true;
}

/* --- asking it ----------------------------------------------------------------------------- */

uint32_t member_live(const struct member *member)
{
    return atomic_load_explicit(&member->worker->load->live, memory_order_relaxed) +
           member->wait_count;
}

enum member_state member_state(const struct member *member, uint64_t now)
{
    uint32_t capacity = member->worker->capacity;
    if (now < member->refused_until)
        return MEMBER_REFUSED;
    if (now < member->unjudged_until)
        return MEMBER_UNJUDGED;
    if (!health_may_ask(&member->health, now))
        return MEMBER_RESTS;
    if (capacity > 0 && member_live(member) >= capacity)
        return MEMBER_FULL;
    bool takes =
        best_link(member) != NULL || member->wait_count < places(member) || may_open(member);
    return takes ? MEMBER_TAKES : MEMBER_FULL;
}

/* Scheme and authority are the link's own: the asker does not know whom it will reach. */
static bool address_head(struct pool_wait *wait, const struct worker *worker)
{
    struct head *head = wait->request;
    return head_set_text(head, &head->scheme, SPAN_OF("https")) &&
           head_set_text(head, &head->authority, span_text(worker->authority));
}

/* False when the worker has no capacity left, over all lanes. */
static bool lend(struct member *member, struct link *link, struct pool_wait *wait)
{
    const struct worker *worker = member->worker;
    struct pools *pools = member->pool->pools;
    if (pools->loans.used >= LOANS_MAX || !worker_load_take(worker->load, worker->capacity))
        return false;
    if (!address_head(wait, worker)) {
        worker_load_give(worker->load);
        wait_fail(pools, wait, FAULT_OVERLOADED, worker,
                  "the request's head has no room for the worker's authority");
        return true;
    }
    health_note_asked(&member->health, lane_now(member));
    wait_lend(wait, link, worker);
    return true;
}

bool member_take(struct member *member, struct pool_wait *wait)
{
    /* Not past those who wait here already. */
    struct link *link = list_is_empty(&member->waits) ? best_link(member) : NULL;
    if (link != NULL)
        return lend(member, link, wait);
    if (member->wait_count >= places(member) && !open_link(member))
        return false;
    if (wait_pick(wait, member))
        health_note_asked(&member->health, lane_now(member));
    return true;
}

void member_serve(struct member *member)
{
    struct link *link;
    while (!list_is_empty(&member->waits) && (link = best_link(member)) != NULL) {
        struct pool_wait *first = container_of(member->waits.next, struct pool_wait, node);
        if (!lend(member, link, first))
            break;
    }
    /* Who is left waits for links on their way; with none, anywhere is better than here. The last
     * goes first, so that all keep their order. */
    while (places(member) == 0 && !list_is_empty(&member->waits))
        wait_put_back(container_of(member->waits.prev, struct pool_wait, node));
}

/* --- what becomes of it -------------------------------------------------------------------- */

/* No other member may be asked: this one is never ejected. */
static bool is_last(const struct member *member, uint64_t now)
{
    const struct pool *pool = member->pool;
    for (uint32_t i = 0; i < pool->member_count; ++i) {
        const struct member *other = pool->members[i];
        if (other != member && now >= other->refused_until && now >= other->unjudged_until &&
            health_may_ask(&other->health, now))
            return false;
    }
    return true;
}

static void note_failure(struct member *member)
{
    uint64_t now = lane_now(member);
    struct log_line line;
    health_note_failure(&member->health, now, is_last(member, now));
    if (member->health.resting_until <= now)
        return;
    log_begin(&line, LOG_WARNING, "worker-rests");
    json_text(&line.json, "pool", span_text(member->pool->name));
    json_text(&line.json, "worker", span_text(member->worker->id));
    json_u64(&line.json, "ms", member->health.resting_until - now);
    log_write(member->pool->pools->site.log, &line);
}

void member_note_nothing(struct member *member)
{
    member->health.probing = false;
    member_touch(member);
}

/* A refusal is no failure, but puts the worker behind the others for a moment; what is the
 * caller's, the agent's or the gateway's says nothing, unless the worker had answered. */
void member_note_outcome(struct member *member, enum fault fault, uint32_t ttfb_us)
{
    bool broke =
        fault != FAULT_NONE && fault_row(fault)->whose == WHOSE_WORKER && fault != FAULT_REFUSED;
    if (ttfb_us > 0)
        member->ttfb_us = member->ttfb_us == 0
                              ? ttfb_us
                              : (uint32_t)(((uint64_t)member->ttfb_us * 7 + ttfb_us) / 8);
    if (broke)
        note_failure(member);
    else if (fault == FAULT_REFUSED)
        health_note_refusal(&member->health, lane_now(member));
    else if (fault == FAULT_NONE || ttfb_us > 0)
        health_note_success(&member->health);
    else
        member->health.probing = false;
    member_touch(member);
}

static void fail_waits(struct member *member, enum fault fault, const char *detail)
{
    while (!list_is_empty(&member->waits))
        wait_fail(member->pool->pools, container_of(member->waits.next, struct pool_wait, node),
                  fault, member->worker, "%s", detail);
}

static void keep_proof(struct member *member, const struct proof *proof)
{
    member->proof = *proof;
    member->has_proof = true;
}

static void note_refused(struct member *member, const struct link *link)
{
    keep_proof(member, &link->judged);
    member->refused_until = lane_now(member) + MEMBER_REFUSED_MS;
    member->health.probing = false;
    fail_waits(member, FAULT_UNTRUSTED, link->detail);
}

/* Neither a refusal nor a failure: it is asked again in a moment, others are meanwhile. */
static void note_unjudged(struct member *member, const struct link *link)
{
    keep_proof(member, &link->judged);
    member->unjudged_until = lane_now(member) + MEMBER_REFUSED_MS;
    member->health.probing = false;
    fail_waits(member, FAULT_NOT_YET_VERIFIED, link->detail);
}

static void note_trusted(struct member *member, const struct link *link)
{
    keep_proof(member, &link->proof);
    member->refused_until = 0;
    member->unjudged_until = 0;
}

/* Those who wait for it are answered, unless another link is on its way. One that closed before any
 * of them had a stream is as good as none. */
static void note_over(struct member *member, const struct link *link)
{
    bool in_vain =
        link->fault == FAULT_NONE && places(member) == 0 && !list_is_empty(&member->waits);
    if (link->blames || in_vain)
        note_failure(member);
    else if (link->fault != FAULT_NONE)
        member->health.probing = false;
    if (places(member) > 0)
        return;
    if (link->fault == FAULT_NONE)
        fail_waits(member, FAULT_CONNECT_FAILED,
                   "the worker closed the connection before a request");
    else
        fail_waits(member, link->fault, link->detail);
}

static void note_news(void *owner, struct link *link, enum link_news news)
{
    struct member *member = owner;
    if (news == LINK_NEWS_READY) {
        note_trusted(member, link);
        member->one_each = link->takes_one;
    } else if (news == LINK_NEWS_JUDGED) {
        note_trusted(member, link);
    } else if (news == LINK_NEWS_UNJUDGED) {
        note_unjudged(member, link);
    } else if (news == LINK_NEWS_EXPIRED) {
        /* A new link brings a new verdict before anyone has to wait for it. */
        if (link_count(member) == 0)
            (void)open_link(member);
    } else if (news == LINK_NEWS_REFUSED) {
        note_refused(member, link);
    } else if (news == LINK_NEWS_OVER) {
        note_over(member, link);
    }
    member_touch(member);
}

/* What the old grounds refused, the new ones may trust. */
void member_judge_again(struct member *member, struct trust *trust)
{
    struct list *node;
    struct list *after;
    member->refused_until = 0;
    member->unjudged_until = 0;
    member->has_proof = member->has_proof && member->proof.trusted;
    list_each_safe (node, after, &member->links) {
        link_judge_again(link_at(node), trust);
    }
    member_touch(member);
}

bool member_is_attesting(const struct member *member)
{
    struct list *node;
    list_each (node, &member->links) {
        if (link_at(node)->state == LINK_ATTESTING)
            return true;
    }
    return false;
}

void member_retire(struct member *member)
{
    struct pools *pools = member->pool->pools;
    while (!list_is_empty(&member->waits))
        wait_put_back(container_of(member->waits.prev, struct pool_wait, node));
    while (!list_is_empty(&member->links)) {
        struct link *link = link_at(list_take(&member->links));
        link->note = NULL;
        link->owner = NULL;
        list_append(&pools->orphans, &link->node);
        link_drain(link);
    }
    list_remove(&member->touched);
    free(member);
}

/* --- for admin ----------------------------------------------------------------------------- */

/* Without a link that is used or on its way, what the last verdict says. */
static const char *word_of_idle(const struct member *member)
{
    if (!member->has_proof || member->proof.trusted)
        return "idle";
    return member->proof.unjudged ? link_state_word(LINK_ATTESTING) : "refused";
}

void member_view(const struct member *member, uint64_t now, struct worker_view *view)
{
    enum link_state furthest = LINK_OVER;
    struct list *node;
    *view = (struct worker_view){.pool = member->pool->facts,
                                 .worker = member->worker,
                                 .proof = member->has_proof ? &member->proof : NULL,
                                 .ttfb_us = member->ttfb_us,
                                 .state = word_of_idle(member)};
    list_each (node, &member->links) {
        const struct link *link = link_at(node);
        ++view->links;
        view->streams += link->live;
        if (link->state < LINK_DRAINING && (furthest == LINK_OVER || link->state > furthest))
            furthest = link->state;
    }
    if (furthest != LINK_OVER)
        view->state = link_state_word(furthest);
    if (now < member->refused_until)
        view->state = "refused";
    else if (!health_may_ask(&member->health, now))
        view->state = "resting";
}
