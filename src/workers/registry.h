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

/* WORKERS_MAX: of one pool. */
enum { POOLS_MAX = 256, WORKERS_MAX = 4096, WORKER_ID_MAX = 64, WORKER_NAME_MAX = 256 };

/* Where collateral is fetched from. No endpoint: from the vendor's own service, and only for pools
 * without collateral files and roots of their own. */
enum { COLLATERAL_ENDPOINTS_MAX = 8, COLLATERAL_URL_MAX = 512 };
struct collateral_options {
    char endpoints[COLLATERAL_ENDPOINTS_MAX][COLLATERAL_URL_MAX];
    uint32_t endpoint_count;
    char ca_file[4096]; /* empty: the system's CAs */
    char store[4096];   /* folder of documents and evaluation numbers; empty: none is kept */
    uint32_t retry_ms;  /* what could not be had is not asked for again before */
};
/* False and a sentence when an endpoint or the CA file cannot be used. Asks nobody. */
MUST_USE bool collateral_options_check(const struct collateral_options *options, char *error,
                                       size_t error_size);

/* The one word lanes share and change: requests in flight at a worker, over all lanes. Counted. */
struct worker_load {
    _Atomic uint32_t live;
    _Atomic uint32_t users;
};

struct worker {
    char id[WORKER_ID_MAX];              /* unique in its pool: the address text unless named */
    char name[WORKER_NAME_MAX];          /* host of its URL, an IPv6 address in its brackets */
    char authority[WORKER_NAME_MAX + 8]; /* :authority: host, and the port unless it is 443 */
    struct address address;
    uint32_t capacity; /* requests at once over all lanes; 0: not declared */
    struct worker_load *load;
};

/* How a pool verifies; opaque outside workers/ (it holds the verifier's objects). */
struct trust;

/* REQUIRED: a link is READY only once its worker has answered a challenge. As options.def lists
 * them. */
enum challenge_rule { CHALLENGE_OFF, CHALLENGE_REQUIRED };

struct pool_facts {
    char name[POOL_NAME_MAX];
    char path_template[256];   /* "/ipfs/{cid}{rest}" */
    uint32_t links_per_worker; /* of one lane; default 4 */
    uint32_t streams_per_link; /* default 32 */
    uint32_t connect_ms_max;   /* connect, TLS and verdict; default 5000 */
    uint32_t waits_max;        /* attempts waiting for a link; default 1000 */
    bool binds_tokens;         /* its workers' tokens are good only over TLS with their key */
    enum challenge_rule challenge;
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
/* A zeroed row at the end, defaults filled in; it stays where it is, and owns the count in its
 * `trust`. NULL above POOLS_MAX, for a name that stands, and for one empty or too long. */
struct pool_facts *registry_add_pool(struct registry *registry, const char *name);
/* "https://host:port" with a literal address for host, or "localhost" (127.0.0.1); port 443 when
 * left out; other schemes and names are refused with a sentence. An id is 1 to 63 letters, digits
 * and any of "._:-[]"; empty: the address text. An id or address the pool has already is refused.
 * `older` (may be NULL) lends the load of the same worker (pool name and address), so that a reload
 * does not forget who is busy. */
MUST_USE bool registry_add_worker(struct pool_facts *pool, struct span url, struct span id,
                                  uint32_t capacity, const struct registry *older, char *error,
                                  size_t error_size);
struct registry *registry_take(struct registry *registry); /* any thread */
void registry_give(struct registry *registry);
const struct pool_facts *registry_pool(const struct registry *registry, const char *name);

/* One request more at the worker, unless `capacity` (0: none declared) is reached. Exact over
 * lanes. */
MUST_USE bool worker_load_take(struct worker_load *load, uint32_t capacity);
void worker_load_give(struct worker_load *load);

/* Reads policy, roots and collateral files, once. `roots` NULL: the vendors' pinned keys; else a
 * file or folder of *.pem and *.crt, for simulated TEEs. `collateral` are files or folders of
 * *.json. A folder is read in the order of names: at most 256 files, 2 MiB each, and an empty one
 * is a mistake. NULL and a sentence that names the file on error. */
struct trust *trust_read(const char *policy, const char *const *collateral, size_t collateral_count,
                         const char *roots, char *error, size_t error_size);
/* Holds its collateral files against the highest evaluation numbers that the store has seen, and
 * has theirs seen: they never go back. False and a sentence when one is older. `now` is unix
 * seconds. */
MUST_USE bool trust_remember(const struct trust *trust, const struct collateral_options *options,
                             int64_t now, char *error, size_t error_size);
struct trust *trust_take(struct trust *trust);
void trust_give(struct trust *trust);
bool trust_is_simulated(const struct trust *trust); /* roots were given */
bool trust_has_files(const struct trust *trust);    /* collateral was given */

#endif
