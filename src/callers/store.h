/* The metering store of one lane: the Redis connection and the scripts, as calls with names.
 * It owns the io/redis connection. It never retries by itself; a NULL reply means unknown. */
#ifndef CALLERS_STORE_H
#define CALLERS_STORE_H

#include "io/loop.h"
#include "io/redis.h"

struct store;

enum { STORE_BUCKETS = 256 };

struct store *store_open(struct loop *loop, const struct redis_options *options,
                         const struct redis_events *events, void *owner);
void store_close(struct store *store);
bool store_is_up(const struct store *store);
struct redis *store_redis(struct store *store);
/* The bucket of an account: the first byte of SHA-256(name). */
uint16_t store_bucket(struct span account);
/* "tg:{bNNN}:<kind>:<name>" into `out` (256 bytes); the span of it. */
struct span store_key(char out[256], uint16_t bucket, const char *kind, struct span name);

#endif
