/* One request's life, from its head to its record.
 * It owns its hold, its attempt and its relay; its caller's stream is released when it ends. It
 * never acts in a callback: notes wake it, and its steps, in the order of exchange.c, do the rest.
 *
 *   OPEN     path -> target; what the gateway answers by itself goes to END
 *   IDENTIFY credential -> caller -> agent                          (waits for auth)
 *   OWN      the caller's account or invocation (waits for Redis), a worker's evidence; then END
 *   ADMIT    price and caps -> ceiling -> meter_hold                (waits for Redis)
 *   PLACE    head for the worker -> pools_lend
 *   ATTEMPT  waits for a verified link, then for the answer's head; the request body flows; a fault
 *            that is certainly «not processed» goes back to PLACE, any other to SETTLE
 *   ANSWER   the head goes to the caller, the commit point: no retry behind it. An answer that is
 *            whole already, or has no body, goes to SETTLE first
 *   STREAM   both bodies flow under back-pressure; checkpoints; limits
 *   SETTLE   the cost into the journal, or the hold released
 *   FINISH   the rest of a good answer; trailers wait for the reply, 50 ms at most
 *   REFUSE   a fault's problem, or, behind the commit point, a broken stream
 *   END      what was given has left; record; streams released; freed at the end of the turn
 */
#ifndef EXCHANGE_EXCHANGE_H
#define EXCHANGE_EXCHANGE_H

#include "base/log.h"
#include "base/slots.h"
#include "base/stats.h"
#include "callers/accounts.h"
#include "callers/auth.h"
#include "callers/keyring.h"
#include "callers/meter.h"
#include "callers/receipts.h"
#include "http/http.h"
#include "rules/agents.h"
#include "workers/pools.h"

struct exchange;

struct exchange_options {
    uint32_t exchanges_max;      /* live, of a lane; above: OVERLOADED. Default 20000 */
    uint32_t trailer_wait_ms;    /* default 50 */
    uint32_t checkpoint_ms;      /* default 5000 */
    uint32_t upload_idle_ms_max; /* the caller sends no byte of its body; default 60000 */
    uint32_t replay_bytes_max; /* request body kept for a second attempt, per call; default 65536 */
    uint64_t replay_total_max; /* of all calls of a lane; default 64 MiB */
    uint32_t place_ms_max;     /* waiting for a verified link; default 10000 */
    uint32_t subcalls_depth;   /* a root call has depth 0; default 4, at most LINEAGE_DEPTH_MAX */
    uint32_t subcalls_live;    /* directly below one call at once; default 16 */
    bool cors;                 /* the gateway answers preflights and adds the fields */
    bool body_digests;         /* bodies are hashed as they pass, for the receipt */
};

/* What a lane gives its exchanges. The lane owns it; `agents` changes only between turns. */
struct site {
    struct loop *loop;
    struct agents_ref *agents; /* the snapshot's table; an exchange keeps the one it began with */
    struct pools *pools;
    struct auth *auth;
    struct meter *meter;
    struct accounts *accounts;
    struct store *store;
    struct receipts *receipts;     /* NULL: none are made */
    struct keyring *keyring;       /* NULL: no keys are shown */
    const struct token_keys *keys; /* NULL: no tokens are made; changes only between turns */
    struct stats *stats;
    const struct log *access_log;
    struct exchange_options options;
    struct slots exchanges; /* live ones by id */
    uint64_t replay_bytes;  /* held now for replays */
    uint32_t evidence_live; /* answers with a worker's evidence, asked for or being sent */
    bool draining;          /* calls go on; for readiness only */
};

/* The agents table with a count, so that an exchange outlives a reload. */
struct agents_ref {
    _Atomic uint32_t users;
    struct agents agents;
};
struct agents_ref *agents_ref_new(uint64_t seed); /* count 1 */
struct agents_ref *agents_ref_take(struct agents_ref *ref);
void agents_ref_give(struct agents_ref *ref);

void site_init(struct site *site); /* options to their defaults, slots; the rest is filled in */
void site_fini(struct site *site);

/* Takes over a caller's stream whose head is whole. `peer` is its address as text without port
 * (copied), for the log and `Forwarded`; `protocol` as of http_version(), static; `secure`: it came
 * over TLS; `peer_key` (32 bytes, copied): of the certificate it showed, or NULL. */
void exchange_open(struct site *site, struct stream *caller, const char *peer, const char *protocol,
                   bool secure, const uint8_t *peer_key);

/* For admin: live exchanges, one call each. */
struct exchange_view {
    const char *invocation;
    const char *account; /* empty before it is known */
    const char *cid;
    const char *step;
    const char *worker;
    uint64_t age_ms;
    uint64_t bytes_in;
    uint64_t bytes_out;
};
void exchange_visit(struct site *site, void (*visit)(void *arg, const struct exchange_view *view),
                    void *arg);
/* Ends every live exchange as if its caller had left: the last resort of a drain. */
void exchange_end_all(struct site *site);

#endif
