/* What a configuration means: pools with their trust, agents, TLS contexts; built whole or not at
 * all. It owns counts of what it is made of. It never changes once built. */
#ifndef GATEWAY_SNAPSHOT_H
#define GATEWAY_SNAPSHOT_H

#include "callers/secrets.h"
#include "gateway/config.h"
#include "io/tls.h"

struct snapshot {
    _Atomic uint32_t users;
    struct config *config;
    struct registry *registry;
    struct agents_ref *agents;
    struct token_keys keys; /* of secrets_dir; without any until snapshot_read_secrets() */
    struct tls *tls[CONFIG_LISTENERS_MAX]; /* one a listener; NULL: cleartext */
};

/* Reads every file the configuration names. Owns `config` from here, also when it fails. `older`
 * (may be NULL) lends the load of the workers that stay. NULL and a sentence on error. */
struct snapshot *snapshot_build(struct config *config, const struct snapshot *older, char *error,
                                size_t error_size);
/* Before it is used: its collateral files must not be older than what was seen, and are seen from
 * now on (`now`: unix seconds). Needs the state_dir. False and a sentence. */
MUST_USE bool snapshot_remember(const struct snapshot *snapshot, int64_t now, char *error,
                                size_t error_size);
/* Once, before it is shared. `makes`: what is missing is made. False and a sentence. */
MUST_USE bool snapshot_read_secrets(struct snapshot *snapshot, bool makes,
                                    enum secrets_state *state, char *error, size_t error_size);
struct snapshot *snapshot_take(struct snapshot *snapshot); /* any thread */
void snapshot_give(struct snapshot *snapshot);

#endif
