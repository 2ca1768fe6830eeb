#include "gateway/snapshot.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/alloc.h"

static uint64_t fresh_seed(void)
{
    uint64_t seed = 0;
    must(getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed));
    return seed;
}

static bool say(const struct config *config, unsigned line, const char *what, const char *why,
                char *error, size_t error_size)
{
    snprintf(error, error_size, "%s:%u: %s: %s", config->file, line, what, why);
    return false;
}

static bool build_workers(struct pool_facts *facts, const struct config *config,
                          const struct config_pool *pool, const struct registry *older, char *error,
                          size_t error_size)
{
    char why[1024];
    for (uint32_t i = 0; i < pool->worker_count; ++i) {
        const struct config_worker *worker = &pool->workers[i];
        if (!registry_add_worker(facts, span_text(worker->url), span_text(worker->id),
                                 worker->capacity, older, why, sizeof(why)))
            return say(config, worker->line, "worker", why, error, error_size);
    }
    return true;
}

static bool build_pool(struct registry *registry, const struct config *config,
                       const struct config_pool *pool, const struct registry *older, char *error,
                       size_t error_size)
{
    char why[2048];
    struct pool_facts *facts = registry_add_pool(registry, pool->name);
    must(facts != NULL); /* names are unique and few enough: config saw to it */
    snprintf(facts->path_template, sizeof(facts->path_template), "%s", pool->facts.path_template);
    facts->links_per_worker = pool->facts.links_per_worker;
    facts->streams_per_link = pool->facts.streams_per_link;
    facts->connect_ms_max = pool->facts.connect_ms_max;
    facts->waits_max = pool->facts.waits_max;
    facts->binds_tokens = pool->facts.binds_tokens;
    facts->challenge = pool->facts.challenge;
    facts->trust =
        trust_read(pool->policy, (const char *const *)pool->collateral, pool->collateral_count,
                   pool->roots[0] == '\0' ? NULL : pool->roots, why, sizeof(why));
    if (facts->trust == NULL)
        return say(config, pool->line, "attestation", why, error, error_size);
    return build_workers(facts, config, pool, older, error, error_size);
}

static bool build_agents(struct agents *agents, const struct config *config, char *error,
                         size_t error_size)
{
    for (uint32_t i = 0; i < config->agent_count; ++i) {
        struct agent *agent = alloc_zeroed(sizeof(*agent));
        *agent = config->agents[i].agent;
        if (!agents_add(agents, agent)) {
            free(agent);
            return say(config, config->agents[i].line, "agents",
                       "this CID stands already, perhaps in another spelling", error, error_size);
        }
    }
    return true;
}

static bool build_tls(struct snapshot *snapshot, const struct config *config, char *error,
                      size_t error_size)
{
    char why[2048];
    for (uint32_t i = 0; i < config->listener_count; ++i) {
        const struct config_listener *listener = &config->listeners[i];
        struct address address;
        if (!address_parse(&address, span_text(listener->address), why, sizeof(why)))
            return say(config, listener->line, "listen.address", why, error, error_size);
        if (listener->certificate[0] == '\0')
            continue;
        snapshot->tls[i] = tls_for_callers(listener->certificate, listener->key, listener->client,
                                           why, sizeof(why));
        if (snapshot->tls[i] == NULL)
            return say(config, listener->line, "listen.tls", why, error, error_size);
    }
    return true;
}

static bool check_collateral(const struct config *config, char *error, size_t error_size)
{
    char why[2048];
    return collateral_options_check(&config->collateral, why, sizeof(why)) ||
           say(config, config->collateral_line, "collateral", why, error, error_size);
}

bool snapshot_remember(const struct snapshot *snapshot, int64_t now, char *error, size_t error_size)
{
    char why[2048];
    const struct config *config = snapshot->config;
    for (uint32_t i = 0; i < snapshot->registry->pool_count; ++i)
        if (!trust_remember(snapshot->registry->pools[i].trust, &config->collateral, now, why,
                            sizeof(why)))
            return say(config, config->pools[i].line, "attestation.collateral", why, error,
                       error_size);
    return true;
}

struct snapshot *snapshot_build(struct config *config, const struct snapshot *older, char *error,
                                size_t error_size)
{
    struct snapshot *snapshot = alloc_zeroed(sizeof(*snapshot));
    snapshot->users = 1;
    snapshot->config = config;
    snapshot->registry = registry_new();
    snapshot->agents = agents_ref_new(fresh_seed());
    bool built = build_tls(snapshot, config, error, error_size) &&
                 check_collateral(config, error, error_size);
    for (uint32_t i = 0; built && i < config->pool_count; ++i)
        built = build_pool(snapshot->registry, config, &config->pools[i],
                           older == NULL ? NULL : older->registry, error, error_size);
    built = built && build_agents(&snapshot->agents->agents, config, error, error_size);
    if (built)
        return snapshot;
    snapshot_give(snapshot);
    return NULL;
}

bool snapshot_read_secrets(struct snapshot *snapshot, bool makes, enum secrets_state *state,
                           char *error, size_t error_size)
{
    const struct config *config = snapshot->config;
    char dir[PATH_MAX + 16];
    char why[PATH_MAX + 512];
    if (config->secrets_dir[0] != '\0')
        snprintf(dir, sizeof(dir), "%s", config->secrets_dir);
    else
        snprintf(dir, sizeof(dir), "%s/secrets", config->state_dir);
    if (secrets_read(dir, makes, &snapshot->keys, state, why, sizeof(why)))
        return true;
    snprintf(error, error_size, "%s: secrets_dir: %s", config->file, why);
    return false;
}

struct snapshot *snapshot_take(struct snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->users, 1, memory_order_relaxed);
    return snapshot;
}

void snapshot_give(struct snapshot *snapshot)
{
    if (atomic_fetch_sub_explicit(&snapshot->users, 1, memory_order_acq_rel) > 1)
        return;
    for (uint32_t i = 0; i < CONFIG_LISTENERS_MAX; ++i)
        if (snapshot->tls[i] != NULL)
            tls_give(snapshot->tls[i]);
    agents_ref_give(snapshot->agents);
    registry_give(snapshot->registry);
    config_free(snapshot->config);
    OPENSSL_cleanse(&snapshot->keys, sizeof(snapshot->keys));
    free(snapshot);
}
