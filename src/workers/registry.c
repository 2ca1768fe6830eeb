#include "workers/registry.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { LINKS_PER_WORKER = 4, STREAMS_PER_LINK = 32, CONNECT_MS_MAX = 5000, WAITS_MAX = 1000 };

struct registry *registry_new(void)
{
    struct registry *registry = alloc_zeroed(sizeof(*registry));
    /* All rows at once, so that a row never moves while its workers are added. */
    registry->pools = alloc_array(POOLS_MAX, sizeof(*registry->pools));
    atomic_init(&registry->users, 1);
    return registry;
}

struct pool_facts *registry_add_pool(struct registry *registry, const char *name)
{
    size_t len = strlen(name);
    if (registry->pool_count == POOLS_MAX || len == 0 || len >= POOL_NAME_MAX ||
        registry_pool(registry, name) != NULL)
        return NULL;
    struct pool_facts *pool = &registry->pools[registry->pool_count++];
    memcpy(pool->name, name, len + 1);
    snprintf(pool->path_template, sizeof(pool->path_template), "%s", "/ipfs/{cid}{rest}");
    pool->links_per_worker = LINKS_PER_WORKER;
    pool->streams_per_link = STREAMS_PER_LINK;
    pool->connect_ms_max = CONNECT_MS_MAX;
    pool->waits_max = WAITS_MAX;
    return pool;
}

const struct pool_facts *registry_pool(const struct registry *registry, const char *name)
{
    for (uint32_t i = 0; i < registry->pool_count; ++i)
        if (strcmp(registry->pools[i].name, name) == 0)
            return &registry->pools[i];
    return NULL;
}

/* --- a worker's URL ------------------------------------------------------------------------ */

struct url {
    struct span host; /* with its brackets */
    uint64_t port;
};

static bool split_url(struct span text, struct url *url, char *error, size_t error_size)
{
    struct span https = SPAN_OF("https://");
    if (text.len <= https.len || !span_is_nocase(span_of(text.ptr, https.len), https)) {
        snprintf(error, error_size,
                 "\"%.*s\" is not https://address:port: workers are reached over TLS only",
                 (int)(text.len < 200 ? text.len : 200), text.ptr == NULL ? "" : text.ptr);
        return false;
    }
    struct span rest = span_from(text, https.len);
    if (rest.len > 0 && rest.ptr[rest.len - 1] == '/')
        --rest.len;
    size_t host_len =
        rest.len > 0 && rest.ptr[0] == '[' ? span_find(rest, ']') + 1 : span_find(rest, ':');
    url->host = span_of(rest.ptr, host_len <= rest.len ? host_len : rest.len);
    struct span port = span_from(rest, url->host.len);
    url->port = 443;
    if (port.len > 0 && (port.ptr[0] != ':' ||
                         !span_to_u64(span_from(port, 1), 65535, &url->port) || url->port == 0)) {
        snprintf(
            error, error_size,
            "\"%.*s\" does not end with a port from 1 to 65535 (no path, query or user may follow the address)",
            (int)(text.len < 200 ? text.len : 200), text.ptr);
        return false;
    }
    return true;
}

static bool is_literal(struct span host)
{
    if (host.len > 0 && host.ptr[0] == '[')
        return true;
    for (size_t i = 0; i < host.len; ++i)
        if ((host.ptr[i] < '0' || host.ptr[i] > '9') && host.ptr[i] != '.')
            return false;
    return host.len > 0;
}

static bool resolve(struct worker *worker, const struct url *url, char *error, size_t error_size)
{
    char text[ADDRESS_TEXT_MAX];
    struct span host = url->host;
    if (span_is_nocase(host, SPAN_OF("localhost")))
        host = SPAN_OF("127.0.0.1");
    if (!is_literal(host) || host.len > 64) {
        snprintf(
            error, error_size,
            "host \"%.*s\" is a name: names are not resolved yet, give the worker's IP address",
            (int)(url->host.len < 200 ? url->host.len : 200), url->host.ptr);
        return false;
    }
    snprintf(text, sizeof(text), "%.*s:%u", (int)host.len, host.ptr, (unsigned)url->port);
    if (!address_parse(&worker->address, span_text(text), error, error_size))
        return false;
    snprintf(worker->name, sizeof(worker->name), "%.*s", (int)url->host.len, url->host.ptr);
    if (url->port == 443)
        snprintf(worker->authority, sizeof(worker->authority), "%s", worker->name);
    else
        snprintf(worker->authority, sizeof(worker->authority), "%s:%u", worker->name,
                 (unsigned)url->port);
    return true;
}

/* --- workers ------------------------------------------------------------------------------- */

static bool is_id(struct span id)
{
    if (id.len == 0 || id.len >= WORKER_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; ++i) {
        unsigned char c = (unsigned char)id.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alnum && (c == 0 || strchr("._:-[]", c) == NULL))
            return false;
    }
    return true;
}

static bool name_worker(struct worker *worker, struct span id, char *error, size_t error_size)
{
    char text[ADDRESS_TEXT_MAX];
    if (id.len == 0)
        id = span_text(address_text(&worker->address, true, text));
    if (!is_id(id)) {
        snprintf(error, error_size,
                 "worker id \"%.*s\" is not 1 to %d letters, digits and \"._:-[]\"",
                 (int)(id.len < 200 ? id.len : 200), id.ptr, WORKER_ID_MAX - 1);
        return false;
    }
    memcpy(worker->id, id.ptr, id.len);
    worker->id[id.len] = '\0';
    return true;
}

static const struct worker *find_address(const struct pool_facts *pool,
                                         const struct address *address)
{
    for (uint32_t i = 0; i < pool->worker_count; ++i) {
        const struct address *other = &pool->workers[i].address;
        if (other->len == address->len &&
            memcmp(&other->storage, &address->storage, address->len) == 0)
            return &pool->workers[i];
    }
    return NULL;
}

static bool is_new(const struct pool_facts *pool, const struct worker *worker, char *error,
                   size_t error_size)
{
    char text[ADDRESS_TEXT_MAX];
    if (pool->worker_count >= WORKERS_MAX) {
        snprintf(error, error_size, "pool \"%s\" has more than %d workers", pool->name,
                 WORKERS_MAX);
        return false;
    }
    for (uint32_t i = 0; i < pool->worker_count; ++i)
        if (strcmp(pool->workers[i].id, worker->id) == 0) {
            snprintf(error, error_size, "pool \"%s\" has a worker \"%s\" already", pool->name,
                     worker->id);
            return false;
        }
    const struct worker *twin = find_address(pool, &worker->address);
    if (twin != NULL) {
        snprintf(error, error_size, "pool \"%s\" has worker \"%s\" at address %s already",
                 pool->name, twin->id, address_text(&worker->address, true, text));
        return false;
    }
    return true;
}

/* The word of the same worker in `older`, counted once more; else a new one. */
static struct worker_load *load_for(const struct pool_facts *pool, const struct address *address,
                                    const struct registry *older)
{
    const struct pool_facts *was = older == NULL ? NULL : registry_pool(older, pool->name);
    const struct worker *same = was == NULL ? NULL : find_address(was, address);
    if (same != NULL) {
        atomic_fetch_add_explicit(&same->load->users, 1, memory_order_relaxed);
        return same->load;
    }
    struct worker_load *load = alloc_zeroed(sizeof(*load));
    atomic_init(&load->users, 1);
    return load;
}

bool registry_add_worker(struct pool_facts *pool, struct span url, struct span id,
                         uint32_t capacity, const struct registry *older, char *error,
                         size_t error_size)
{
    struct worker worker = {.capacity = capacity};
    struct url parts;
    if (!split_url(url, &parts, error, error_size) ||
        !resolve(&worker, &parts, error, error_size) ||
        !name_worker(&worker, id, error, error_size) || !is_new(pool, &worker, error, error_size))
        return false;
    /* Grown to powers of two. */
    if ((pool->worker_count & (pool->worker_count - 1)) == 0)
        pool->workers =
            alloc_grow(pool->workers, pool->worker_count == 0 ? 1 : 2 * pool->worker_count,
                       sizeof(*pool->workers));
    worker.load = load_for(pool, &worker.address, older);
    pool->workers[pool->worker_count++] = worker;
    return true;
}

bool worker_load_take(struct worker_load *load, uint32_t capacity)
{
    uint32_t live = atomic_load_explicit(&load->live, memory_order_relaxed);
    do {
        if (capacity != 0 && live >= capacity)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&load->live, &live, live + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void worker_load_give(struct worker_load *load)
{
    uint32_t live = atomic_fetch_sub_explicit(&load->live, 1, memory_order_relaxed);
    must(live > 0);
}

void worker_load_note_over(struct worker_load *load)
{
    atomic_fetch_add_explicit(&load->over, 1, memory_order_relaxed);
}

/* --- counting ------------------------------------------------------------------------------ */

struct registry *registry_take(struct registry *registry)
{
    atomic_fetch_add_explicit(&registry->users, 1, memory_order_relaxed);
    return registry;
}

static void load_give(struct worker_load *load)
{
    if (atomic_fetch_sub_explicit(&load->users, 1, memory_order_acq_rel) == 1)
        free(load);
}

void registry_give(struct registry *registry)
{
    if (registry == NULL ||
        atomic_fetch_sub_explicit(&registry->users, 1, memory_order_acq_rel) > 1)
        return;
    for (uint32_t p = 0; p < registry->pool_count; ++p) {
        struct pool_facts *pool = &registry->pools[p];
        for (uint32_t w = 0; w < pool->worker_count; ++w)
            load_give(pool->workers[w].load);
        free(pool->workers);
        trust_give(pool->trust);
    }
    free(registry->pools);
    free(registry);
}
