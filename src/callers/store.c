#include "callers/store.h"

#include <openssl/sha.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "callers/pen.h"
#include "callers/scripts.h"

enum { LOAD_MS_MAX = 5000 };

struct store {
    struct loop *loop;
    struct fleet *fleet;
    const struct redis_events *events;
    void *owner;
    uint16_t slots[STORE_BUCKETS];
    struct redis_script scripts[STORE_SCRIPTS];
};

static void note_loaded(void *owner, uint64_t id, const struct redisReply *reply)
{
    /* A script that is not there is sent with its first call. */
}

static void load_scripts(void *arg, struct redis *redis)
{
    struct store *store = arg;
    for (unsigned i = 0; i < STORE_SCRIPTS; ++i) {
        struct span words[] = {SPAN_OF("SCRIPT"), SPAN_OF("LOAD"),
                               span_text(store->scripts[i].text)};
        if (!redis_call(redis, words, 3, loop_now(store->loop) + LOAD_MS_MAX, note_loaded, NULL, 0))
            return;
    }
}

/* To all of them: it happens seldom, and a text that is there already costs little. */
static void note_up(void *owner)
{
    struct store *store = owner;
    fleet_each_up(store->fleet, load_scripts, store);
    if (store->events->note_up != NULL)
        store->events->note_up(store->owner);
}

static void note_down(void *owner)
{
    struct store *store = owner;
    if (store->events->note_down != NULL)
        store->events->note_down(store->owner);
}

struct store *store_open(struct loop *loop, const struct fleet_options *options,
                         const struct redis_events *events, void *owner)
{
    static const struct redis_events fleet_events = {note_up, note_down, NULL};
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
    };
    struct store *store = alloc_zeroed(sizeof(*store));
    for (unsigned i = 0; i < STORE_SCRIPTS; ++i)
        redis_script_init(&store->scripts[i], scripts[i].name, scripts[i].text);
    store->loop = loop;
    store->events = events;
    store->owner = owner;
    for (unsigned i = 0; i < STORE_BUCKETS; ++i) {
        char key[256];
        store->slots[i] = (uint16_t)fleet_slot(store_key(key, (uint16_t)i, "x", SPAN_NONE));
    }
    store->fleet = fleet_open(loop, options, &fleet_events, store);
    return store;
}

void store_close(struct store *store)
{
    fleet_close(store->fleet);
    free(store);
}

bool store_is_up(const struct store *store)
{
    return fleet_is_up(store->fleet);
}

const char *store_why_down(const struct store *store)
{
    return fleet_why_down(store->fleet);
}

const struct redis_facts *store_facts(const struct store *store, uint16_t bucket)
{
    return fleet_facts(store->fleet, store->slots[bucket]);
}

uint16_t store_bucket(struct span account)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)account.ptr, account.len, digest);
    return digest[0];
}

struct span store_key(char out[256], uint16_t bucket, const char *kind, struct span name)
{
    struct pen pen = {out, out + 256};
    must(bucket < STORE_BUCKETS);
    pen_text(&pen, SPAN_OF("tg:{b"));
    pen_u64(&pen, bucket, 3);
    pen_text(&pen, SPAN_OF("}:"));
    pen_text(&pen, span_text(kind));
    if (name.len > 0) {
        pen_char(&pen, ':');
        pen_text(&pen, name);
    }
    *pen.at = '\0';
    return span_of(out, (size_t)(pen.at - out));
}

/* The first word that is a key of ours. */
static unsigned slot_of(const struct words *words)
{
    for (unsigned i = 0; i < words->count; ++i)
        if (span_starts(words->at[i], SPAN_OF("tg:")))
            return fleet_slot(words->at[i]);
    must(!"a command without a key cannot be sent to a Cluster");
    return 0;
}

bool store_run(struct store *store, enum store_script script, const struct words *keys,
               const struct words *args, uint64_t deadline_at, redis_answer *answer, void *owner,
               uint64_t id)
{
    return fleet_eval(store->fleet, slot_of(keys), &store->scripts[script], keys->at, keys->count,
                      args->at, args->count, deadline_at, answer, owner, id);
}

bool store_call(struct store *store, const struct words *words, uint64_t deadline_at,
                redis_answer *answer, void *owner, uint64_t id)
{
    return fleet_call(store->fleet, slot_of(words), words->at, words->count, deadline_at, answer,
                      owner, id);
}
