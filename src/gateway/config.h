/* teegate.yaml as values: read once, checked, immutable after.
 * It owns its rows. It never opens the files it names (snapshot does) and never guesses: an unknown
 * key, a value out of range, a key given twice is a sentence with file, line, key, what was found
 * and what is allowed. */
#ifndef GATEWAY_CONFIG_H
#define GATEWAY_CONFIG_H

#include <limits.h>

#include "base/log.h"
#include "base/must.h"
#include "exchange/exchange.h"
#include "http/http.h"
#include "io/fleet.h"
#include "io/tls.h"
#include "rules/agents.h"
#include "workers/registry.h"

enum {
    CONFIG_BYTES_MAX = 16 * 1024 * 1024,
    CONFIG_LISTENERS_MAX = 16,
    CONFIG_COLLATERAL_MAX = 16,
    CONFIG_ERROR_MAX = 8192
};

struct config_listener {
    char address[ADDRESS_TEXT_MAX];
    char certificate[PATH_MAX];
    char key[PATH_MAX];
    enum tls_client client;
    unsigned line;
};

struct config_worker {
    char url[512];
    char id[WORKER_ID_MAX];
    uint32_t capacity;
    unsigned line;
};

struct config_pool {
    char name[POOL_NAME_MAX];
    char policy[PATH_MAX];
    char roots[PATH_MAX];
    char *collateral[CONFIG_COLLATERAL_MAX];
    size_t collateral_count;
    struct pool_facts facts; /* its numbers alone; workers and trust stay empty */
    struct config_worker *workers;
    uint32_t worker_count;
    unsigned line;
};

struct config_agent {
    struct agent agent;
    unsigned line;
};

/* `redis`: the metering store. */
struct config_store {
    char address[ADDRESS_TEXT_MAX]; /* "embedded" or an address */
    enum fleet_kind kind;
    char seeds[FLEET_SEEDS_MAX][ADDRESS_TEXT_MAX]; /* of `sentinels` or `cluster` */
    uint32_t seed_count;
    char master[64];
    char user[64];
    char password_file[PATH_MAX];
    char sentinel_user[64];
    char sentinel_password_file[PATH_MAX];
    char tls_ca[PATH_MAX]; /* empty: cleartext */
    char tls_certificate[PATH_MAX];
    char tls_key[PATH_MAX];
    char tls_name[256];
    int aof; /* 1: required */
};

struct config {
    char file[PATH_MAX];
    struct config_listener *listeners;
    uint32_t listener_count;
    char state_dir[PATH_MAX];
    char secrets_dir[PATH_MAX]; /* empty: a folder of state_dir */
    uint32_t lanes;
    uint32_t drain_ms_max;
    char admin_socket[PATH_MAX];
    int log_level; /* enum log_level */
    bool log_access;
    struct config_store store;
    uint32_t hold_ms_max;
    struct collateral_options collateral;
    unsigned collateral_line; /* of its endpoints */
    uint32_t connections_max;
    struct http_options callers;
    struct exchange_options exchange;
    struct config_pool *pools;
    uint32_t pool_count;
    struct config_agent *agents;
    uint32_t agent_count;
};

/* NULL and one or more lines in `error` (CONFIG_ERROR_MAX). */
struct config *config_read(const char *file, char *error);
void config_free(struct config *config);

#endif
