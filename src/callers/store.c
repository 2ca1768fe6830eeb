#include "callers/store.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "callers/scripts.h"

enum { LOAD_MS_MAX = 5000 };

struct store {
    struct loop *loop;
    struct redis *redis;
    struct redis_script scripts[STORE_SCRIPTS];
};

struct store *store_open(struct loop *loop, const struct redis_options *options,
                         const struct redis_events *events, void *owner)
{
    static const struct {
        const char *name;
        const char *text;
    } scripts[STORE_SCRIPTS] = {
        [STORE_HOLD] = {"hold", script_hold},
        [STORE_SETTLE] = {"settle", script_settle},
        [STORE_CHECKPOINT] = {"checkpoint", script_checkpoint},
        [STORE_CREDIT] = {"credit", script_credit},
        [STORE_ACCOUNT] = {"account", script_account},
        [STORE_KEY] = {"key", script_key},
        [STORE_PEEK] = {"peek", script_peek},
        [STORE_EXPORT] = {"export", script_export},
        [STORE_CHECK] = {"check", script_check},
    };
    struct store *store = alloc_zeroed(sizeof(*store));
    for (unsigned i = 0; i < STORE_SCRIPTS; ++i)
        redis_script_init(&store->scripts[i], scripts[i].name, scripts[i].text);
    store->loop = loop;
    store->redis = redis_open(loop, options, events, owner);
    return store;
}

void store_close(struct store *store)
{
    redis_close(store->redis);
    free(store);
}

bool store_is_up(const struct store *store)
{
    return redis_is_up(store->redis);
}

struct redis *store_redis(struct store *store)
{
    return store->redis;
}

static void note_loaded(void *owner, uint64_t id, const struct redisReply *reply)
{
    /* A script that is not there is sent with its first call. */
}

void store_load_scripts(struct store *store)
{
    for (unsigned i = 0; i < STORE_SCRIPTS; ++i) {
        struct span words[] = {SPAN_OF("SCRIPT"), SPAN_OF("LOAD"),
                               span_text(store->scripts[i].text)};
        if (!redis_call(store->redis, words, 3, loop_now(store->loop) + LOAD_MS_MAX, note_loaded,
                        NULL, 0))
            return;
    }
}

uint16_t store_bucket(struct span account)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)account.ptr, account.len, digest);
    return digest[0];
}

struct span store_key(char out[256], uint16_t bucket, const char *kind, struct span name)
{
    must(bucket < STORE_BUCKETS);
    int len = snprintf(out, 256, "tg:{b%03u}:%s%s%.*s", bucket, kind, name.len > 0 ? ":" : "",
                       (int)name.len, name.len > 0 ? name.ptr : "");
    must(len > 0 && len < 256);
    return span_of(out, (size_t)len);
}

bool store_run(struct store *store, enum store_script script, const struct words *keys,
               const struct words *args, uint64_t deadline_at, redis_answer *answer, void *owner,
               uint64_t id)
{
    return redis_eval(store->redis, &store->scripts[script], keys->at, keys->count, args->at,
                      args->count, deadline_at, answer, owner, id);
}

bool store_call(struct store *store, const struct words *words, uint64_t deadline_at,
                redis_answer *answer, void *owner, uint64_t id)
{
    return redis_call(store->redis, words->at, words->count, deadline_at, answer, owner, id);
}
