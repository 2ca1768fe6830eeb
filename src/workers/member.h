/* One worker as a lane sees it: its links, those who wait for one, its health and last verdict.
 * It owns its links until they are over or it retires, not its waits (their askers do). It never
 * decides which worker is asked: the pool does. */
#ifndef WORKERS_MEMBER_H
#define WORKERS_MEMBER_H

#include "rules/health.h"
#include "workers/pool.h"

/* A worker that a verdict refused, or none could be had of, is not connected to for so long. */
enum { MEMBER_REFUSED_MS = 5000 };

enum member_state { MEMBER_TAKES, MEMBER_FULL, MEMBER_RESTS, MEMBER_REFUSED, MEMBER_UNJUDGED };

struct member {
    struct pool *pool;
    const struct worker *worker; /* of pools->registry */
    struct list links;
    struct list waits;
    struct list touched;
    uint32_t wait_count;
    struct health health;
    uint32_t ttfb_us;
    bool one_each; /* speaks HTTP/1.1: one stream a link */
    bool has_proof;
    struct proof proof; /* the newest verdict */
    uint64_t refused_until;
    uint64_t unjudged_until;
};

struct member *member_new(struct pool *pool, const struct worker *worker);
/* Its waits go back to the queue, its links drain as orphans; then it is freed. */
void member_retire(struct member *member);
/* Policy, roots or collateral changed: its links are judged again, under `trust`. */
void member_judge_again(struct member *member, struct trust *trust);
/* Whether a link of its stands between handshake and verdict. */
bool member_is_attesting(const struct member *member);
/* May it be asked for a stream now? */
enum member_state member_state(const struct member *member, uint64_t now);
/* What placement compares. */
uint32_t member_live(const struct member *member);
/* Lends a stream at once, or keeps the wait until a link is there. False: it is full after all. */
MUST_USE bool member_take(struct member *member, struct pool_wait *wait);
/* Serves those who wait for its links; who cannot be served here goes back to the queue. */
void member_serve(struct member *member);
/* How a lent stream ended. */
void member_note_outcome(struct member *member, enum fault fault, uint32_t ttfb_us);
/* Nothing came of asking it: if that was its probe, the next may be. */
void member_note_nothing(struct member *member);
void member_touch(struct member *member);
void member_view(const struct member *member, uint64_t now, struct worker_view *view);

#endif
