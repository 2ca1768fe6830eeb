/* The metering store of one lane: the Redis servers and the scripts, as calls with names.
 * It owns the io/fleet of connections. It never retries by itself; a NULL reply means unknown. */
#ifndef CALLERS_STORE_H
#define CALLERS_STORE_H

#include "callers/words.h"
#include "io/fleet.h"
#include "io/loop.h"

struct store;

enum { STORE_BUCKETS = 256 };

/* Each is a .lua file of this folder, whose head says keys, arguments and answers. */
enum store_script {
    STORE_HOLD,
    STORE_SETTLE,
    STORE_CHECKPOINT,
    STORE_CREDIT,
    STORE_ACCOUNT,
    STORE_KEY,
    STORE_PEEK,
    STORE_SCRIPTS
};

/* Keys of a payer, all of one bucket `tg:{bNNN}:` so that one script may touch them all:
 *   a:<account>   hash    balance, limits, windows (record.lua names the fields)
 *   h:<inv>       string  a hold, or the tombstone it became (record.lua)
 *   x             zset    live holds by deadline, unix ms
 *   L             stream  the ledger
 *   r:<account>:<reference>  string  a credit that was given; kept for ever
 *   accounts      set     names
 *   k:<key id>    hash    an API key;  ks:<account>  set of an account's key ids
 * and `tg:gw:<gateway>`, a gateway's heartbeat, which holds its epoch. */

/* note_up: each time a server came up or buckets went to another one; note_down: each time one went
 * away. New servers are sent the scripts' texts ahead, so that calls need not be. */
struct store *store_open(struct loop *loop, const struct fleet_options *options,
                         const struct redis_events *events, void *owner);
void store_close(struct store *store);
/* All buckets can be reached; why not, in words. */
bool store_is_up(const struct store *store);
const char *store_why_down(const struct store *store);
/* What the server of a bucket said of itself; NULL while it is away. */
const struct redis_facts *store_facts(const struct store *store, uint16_t bucket);
/* The bucket of an account: the first byte of SHA-256(name). */
uint16_t store_bucket(struct span account);
/* "tg:{bNNN}:<kind>:<name>" into `out` (256 bytes); without a name "tg:{bNNN}:<kind>". The span of
 * it. */
struct span store_key(char out[256], uint16_t bucket, const char *kind, struct span name);

/* redis_eval() and redis_call() with words, sent to the server that has their key: all of a call's
 * keys are of one bucket. False: not sent, and `answer` is never called. */
MUST_USE bool store_run(struct store *store, enum store_script script, const struct words *keys,
                        const struct words *args, uint64_t deadline_at, redis_answer *answer,
                        void *owner, uint64_t id);
MUST_USE bool store_call(struct store *store, const struct words *words, uint64_t deadline_at,
                         redis_answer *answer, void *owner, uint64_t id);

#endif
