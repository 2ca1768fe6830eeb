/* Lanes over fakes for tests of links and pools: askers, workers that are connected to and judged.
 * It owns what lanes_set_up() makes. Time stands still until a test moves it. */
#ifndef UNIT_WORKERS_LANES_H
#define UNIT_WORKERS_LANES_H

#include "fakes/fake_attest.h"
#include "fakes/fake_attester.h"
#include "fakes/fake_conn.h"
#include "fakes/fake_http.h"
#include "fakes/fake_loop.h"
#include "unit/workers/parts.h"
#include "workers/pools.h"

enum { ASKERS_MAX = 64 };

struct lane {
    struct loop *loop;
    struct attester *attester;
    struct pools *pools;
    struct stats stats;
};

struct asker {
    struct pool_wait wait;
    unsigned answers;
    unsigned order; /* among all answers, from 1 */
    unsigned notes; /* of its stream */
};

/* One lane stands ready; a second can be opened. */
extern struct lane lane;
extern struct asker askers[ASKERS_MAX];

void lanes_set_up(void);
void lanes_tear_down(void);
void lane_open(struct lane *one);
void lane_close(struct lane *one); /* nothing of it may be lent any more */

/* A registry of one pool "main" with workers 10.0.0.1 .. named "w1" .., of this capacity; the
 * policy text makes the trust. `older` as in registry_add_worker(). */
struct registry *lanes_registry(unsigned workers, uint32_t capacity, const char *policy,
                                const struct registry *older);
struct pool_facts *lanes_pool(struct registry *registry); /* its only row, to be changed */
/* Applies it to `one` and gives the test's count. */
void lane_apply(struct lane *one, struct registry *registry);
/* The usual start: `workers` without capacity, applied to the first lane. */
void lanes_begin(unsigned workers);

void settle(struct lane *one);
void pass_ms(struct lane *one, uint64_t ms);

/* Asks with a deadline 10 s from now; not settled. */
void ask(struct lane *one, struct asker *asker);
void ask_until(struct lane *one, struct asker *asker, uint64_t ms);
bool has_stream(const struct asker *asker);
bool has_fault(const struct asker *asker, enum fault fault); /* answered once, so */
void give_back(struct lane *one, struct asker *asker, enum fault fault, uint32_t ttfb_us);

/* TCP and TLS of the conn opened last come up; then the verdict on it is asked for. */
struct conn *come_up(struct lane *one, enum conn_alpn alpn);
/* The newest question's verdict trusts; the http made of it. */
struct http *admit(struct lane *one);
/* Both, and SETTINGS that allow `streams`. */
struct http *bring_up(struct lane *one, uint32_t streams);
/* Judges the newest question. */
void refuse_last(struct lane *one, const char *reason, const char *detail);
/* The view of worker `id`. */
struct worker_view view_of(struct lane *one, const char *id);

#endif
