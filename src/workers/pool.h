/* One pool as a lane sees it: its members, and the queue of those who found all of them full.
 * It owns both, and its share of the retry budget; struct pools owns all pools of the lane. It
 * never answers from within a question: answers wait for the end of the run. */
#ifndef WORKERS_POOL_H
#define WORKERS_POOL_H

#include "rules/placement.h"
#include "workers/link.h"
#include "workers/pools.h"

enum { LINKS_MAX = 65536, LOANS_MAX = 1 << 20 };

struct pools {
    struct link_site site;
    struct registry *registry; /* counted; NULL before the first pools_apply() */
    struct list all;           /* struct pool.node */
    struct list touched;       /* members with news */
    struct list answered;      /* waits to be answered at the end of this run */
    struct list orphans;       /* draining links of members that are gone */
    struct slots loans;        /* streams lent */
    struct wake wake;
    struct timer poll; /* other lanes free capacity without telling */
    struct timer watch;
    uint64_t version; /* of fetched collateral, that all links were last judged by */
    uint64_t random;
    bool draining;
};

/* What a lease is made of: the link lives until it is returned, so do the facts. */
struct loan {
    struct link *link;
    struct registry *registry; /* counted */
    const struct worker *worker;
};

struct pool {
    struct list node;
    struct pools *pools;
    char name[POOL_NAME_MAX];
    const struct pool_facts *facts; /* of pools->registry */
    struct member **members;
    uint32_t member_count;
    struct placement_candidate *candidates; /* as many; scratch */
    struct list fresh;                      /* asked since the last run */
    struct list waits;                      /* in the order they came */
    uint32_t waiting;                       /* these and the members', against waits_max */
    bool dirty;
    struct retry_budget budget;
};

struct pool *pool_new(struct pools *pools, const char *name);
/* New facts, of a registry that is about to be the lane's; the old one's are still there. */
void pool_adopt(struct pool *pool, const struct pool_facts *facts);
/* Its waits are answered NO_WORKER, its links drain. */
void pool_free(struct pool *pool);
/* Places whoever can be placed, in order. True when someone goes on waiting in the queue. */
bool pool_deal(struct pool *pool);
/* Judges all its links again, under its facts' trust. */
void pool_judge_again(struct pool *pool);
/* Something may have changed: to be dealt in the next run. */
void pool_touch(struct pool *pool);

#endif
