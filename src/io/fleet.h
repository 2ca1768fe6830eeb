/* The Redis servers of one store, whatever their shape: one server, the master that Sentinels name,
 * or the masters of a Cluster. It owns a connection to each and knows which has a key's slot. It
 * never reads from a replica, and never repeats a command a server may have run: it follows
 * MOVED, ASK and TRYAGAIN alone, by which a server says that it did not. */
#ifndef IO_FLEET_H
#define IO_FLEET_H

#include "io/redis.h"

struct fleet;

enum fleet_kind { FLEET_ONE, FLEET_SENTINEL, FLEET_CLUSTER };
enum {
    FLEET_SEEDS_MAX = 16,
    FLEET_NODES_MAX = 64,
    FLEET_SLOTS = 16384,
    FLEET_REDIRECTS_MAX = 5,
    FLEET_PATIENCE_MS = 250 /* with TRYAGAIN, or a server not yet connected to */
};

struct fleet_options {
    enum fleet_kind kind;
    struct address seeds[FLEET_SEEDS_MAX]; /* the server; the Sentinels; some of the Cluster */
    unsigned seed_count;
    struct redis_options server; /* for each; its address is not looked at */
    char master[64];             /* its name with the Sentinels */
    char sentinel_user[64];
    char sentinel_password[128];
};

/* The slot of a key: CRC-16 of what stands between its first braces, or of all of it. */
unsigned fleet_slot(struct span key);

/* Events: note_up each time a server came up or slots went to another one, note_down each time a
 * server went away; fleet_is_up() and fleet_facts() tell what stands then. */
struct fleet *fleet_open(struct loop *loop, const struct fleet_options *options,
                         const struct redis_events *events, void *owner);
void fleet_close(struct fleet *fleet); /* waits are answered NULL first */
/* Every slot has a server, and it is up. */
bool fleet_is_up(const struct fleet *fleet);
/* Words for an operator on why not; empty when it is. */
const char *fleet_why_down(const struct fleet *fleet);
/* What the server of `slot` said of itself; NULL while it is away. */
const struct redis_facts *fleet_facts(const struct fleet *fleet, unsigned slot);
/* Calls `visit` for each server that is up. */
void fleet_each_up(struct fleet *fleet, void (*visit)(void *arg, struct redis *redis), void *arg);

/* redis_call() and redis_eval() with the server of `slot`. */
MUST_USE bool fleet_call(struct fleet *fleet, unsigned slot, const struct span *words,
                         unsigned word_count, uint64_t deadline_at, redis_answer *answer,
                         void *owner, uint64_t id);
MUST_USE bool fleet_eval(struct fleet *fleet, unsigned slot, const struct redis_script *script,
                         const struct span *keys, unsigned key_count, const struct span *args,
                         unsigned arg_count, uint64_t deadline_at, redis_answer *answer,
                         void *owner, uint64_t id);

#endif
