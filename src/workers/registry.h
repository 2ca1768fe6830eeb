/* The pools and the workers in them: facts, immutable, replaced whole, counted.
 * It owns its rows and the parsed policies, roots and collateral. It never holds load or health:
 * those are a lane's. */
#ifndef WORKERS_REGISTRY_H
#define WORKERS_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "base/span.h"
#include "io/socket.h"
#include "rules/agents.h"

enum { POOLS_MAX = 256, WORKERS_MAX = 4096, WORKER_ID_MAX = 64 };

/* The one word lanes share and change: requests in flight at a worker, over all lanes. Counted. */
struct worker_load {
    _Atomic uint32_t live;
    _Atomic uint32_t users;
};

struct worker {
    char id[WORKER_ID_MAX];     /* unique in its pool: the address text unless named */
    char name[256];             /* host of its URL: SNI and :authority */
    struct address address;
    uint32_t capacity;          /* requests at once over all lanes; 0: not declared */
    struct worker_load *load;
};

/* How a pool verifies; opaque outside workers/ (it holds the verifier's objects). */
struct trust;

struct pool_facts {
    char name[POOL_NAME_MAX];
    char path_template[256];    /* "/ipfs/{cid}{rest}" */
    uint32_t links_per_worker;  /* of one lane; default 4 */
    uint32_t streams_per_link;  /* default 32 */
    uint32_t connect_ms_max;    /* connect, TLS and verdict; default 5000 */
    uint32_t waits_max;         /* attempts waiting for a link; default 1000 */
    struct trust *trust;
    struct worker *workers;
    uint32_t worker_count;
};

struct registry {
    _Atomic uint32_t users;
    struct pool_facts *pools;
    uint32_t pool_count;
};

struct registry *registry_new(void); /* count 1, no pools */
/* A zeroed row at the end, defaults filled in. NULL above POOLS_MAX or for a name that stands. */
struct pool_facts *registry_add_pool(struct registry *registry, const char *name);
/* "https://host:port" with a literal address for host; other schemes are refused. `older` (may be
 * NULL) lends the load of the same worker, so that a reload does not forget who is busy. */
MUST_USE bool registry_add_worker(struct pool_facts *pool, struct span url, struct span id,
                                  uint32_t capacity, const struct registry *older, char *error,
                                  size_t error_size);
struct registry *registry_take(struct registry *registry);
void registry_give(struct registry *registry);
const struct pool_facts *registry_pool(const struct registry *registry, const char *name);

/* Reads policy, roots and collateral files. `roots` NULL: the vendors' pinned keys; else a file or
 * folder of PEM, for simulated TEEs. `collateral` are files or folders of *.json. A sentence that
 * names the file on error. */
struct trust *trust_read(const char *policy, const char *const *collateral,
                         size_t collateral_count, const char *roots, char *error,
                         size_t error_size);
struct trust *trust_take(struct trust *trust);
void trust_give(struct trust *trust);
bool trust_is_simulated(const struct trust *trust); /* roots were given */

#endif
