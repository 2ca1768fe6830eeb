#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "io/fleet_parts.h"

enum {
    ERRANDS_MAX = 65536,
    ERRAND_BYTES_MAX = 64 * 1024 * 1024,
    AGAIN_MS = 20, /* between two tries with TRYAGAIN */
};

/* A command of a Cluster, kept until it is answered: a server may send it elsewhere. */
struct errand {
    struct list node;
    struct fleet *fleet;
    redis_answer *answer;
    void *owner;
    uint64_t id;
    uint64_t deadline_at;
    uint64_t patience_at;
    unsigned slot;
    unsigned to; /* the node it is for, when `asking` */
    bool asking; /* that node is only about to have the slot */
    unsigned redirects;
    const struct redis_script *script; /* NULL: `words` are the command */
    unsigned key_count;
    unsigned word_count;
    size_t bytes;
    struct span words[];
};

static void errand_end(struct errand *errand, const redisReply *reply)
{
    struct fleet *fleet = errand->fleet;
    redis_answer *answer = errand->answer;
    void *owner = errand->owner;
    uint64_t id = errand->id;
    list_remove(&errand->node);
    --fleet->errand_count;
    fleet->errand_bytes -= errand->bytes;
    free(errand);
    answer(owner, id, reply);
}

static void note_reply(void *owner, uint64_t id, const redisReply *reply);

/* With its server; false: that one is away, or takes no more. */
static bool go(struct errand *errand)
{
    struct fleet *fleet = errand->fleet;
    unsigned to = errand->asking ? errand->to : fleet->map[errand->slot];
    if (!fleet_node_is_up(fleet, to))
        return false;
    struct redis *redis = fleet->nodes[to].redis;
    if (errand->asking)
        redis_ask_next(redis);
    unsigned keys = errand->key_count;
    bool sent = errand->script == NULL ? redis_call(redis, errand->words, errand->word_count,
                                                    errand->deadline_at, note_reply, errand, 0)
                                       : redis_eval(redis, errand->script, errand->words, keys,
                                                    errand->words + keys, errand->word_count - keys,
                                                    errand->deadline_at, note_reply, errand, 0);
    if (sent) {
        list_remove(&errand->node);
        list_append(&fleet->errands, &errand->node);
    }
    return sent;
}

/* False when it has waited long enough. */
static bool wait_a_little(struct errand *errand)
{
    struct fleet *fleet = errand->fleet;
    uint64_t now = loop_now(fleet->loop);
    if (now + AGAIN_MS > errand->patience_at || now + AGAIN_MS > errand->deadline_at)
        return false;
    list_remove(&errand->node);
    list_append(&fleet->waiting, &errand->node);
    if (fleet->errand_tick.at == 0)
        timer_set(&fleet->errand_tick, now + AGAIN_MS);
    return true;
}

static void note_tick(void *owner)
{
    struct fleet *fleet = owner;
    struct list due, *node;
    list_init(&due);
    list_move_all(&due, &fleet->waiting);
    while ((node = list_take(&due)) != NULL) {
        struct errand *errand = container_of(node, struct errand, node);
        if (!go(errand) && !wait_a_little(errand))
            errand_end(errand, NULL);
    }
}

/* "MOVED <slot> <address>:<port>", and ASK alike: the node it names. */
static unsigned node_of(struct errand *errand, struct span text)
{
    char error[256], own[ADDRESS_TEXT_MAX];
    struct address address;
    struct fleet *fleet = errand->fleet;
    struct span rest = span_from(text, span_find(text, ' ') + 1);
    struct span place = span_from(rest, span_find(rest, ' ') + 1);
    uint64_t slot;
    if (!span_to_u64(span_of(rest.ptr, span_find(rest, ' ')), FLEET_SLOTS - 1, &slot) ||
        slot != errand->slot)
        return NODE_NONE;
    if (place.len > 0 && place.ptr[0] == ':' && fleet_node_is_up(fleet, fleet->map[slot])) {
        /* The same address as the one who says it. */
        char whole[ADDRESS_TEXT_MAX * 2];
        const struct redis *redis = fleet->nodes[fleet->map[slot]].redis;
        snprintf(whole, sizeof(whole), "%s%.*s", address_text(redis_address(redis), false, own),
                 (int)place.len, place.ptr);
        return address_parse(&address, span_text(whole), error, sizeof(error))
                   ? fleet_node_for(fleet, &address)
                   : NODE_NONE;
    }
    return address_parse(&address, place, error, sizeof(error)) ? fleet_node_for(fleet, &address)
                                                                : NODE_NONE;
}

/* What was refused because of where its slot is goes on; true: it is not over. */
static bool follow(struct errand *errand, struct span text)
{
    struct fleet *fleet = errand->fleet;
    bool asked = span_starts(text, SPAN_OF("ASK "));
    bool again = span_starts(text, SPAN_OF("TRYAGAIN"));
    if (!asked && !again && !span_starts(text, SPAN_OF("MOVED ")))
        return false;
    errand->asking = false;
    if (again)
        return wait_a_little(errand);
    if (++errand->redirects > FLEET_REDIRECTS_MAX)
        return false;
    unsigned node = node_of(errand, text);
    if (node == NODE_NONE) {
        cluster_look(fleet);
        return false;
    }
    if (asked) {
        errand->asking = true;
        errand->to = node;
    } else {
        cluster_move(fleet, errand->slot, node);
    }
    return go(errand) || wait_a_little(errand);
}

static void note_reply(void *owner, uint64_t id, const redisReply *reply)
{
    struct errand *errand = owner;
    struct fleet *fleet = errand->fleet;
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR && !fleet->closed) {
        struct span text = span_of(reply->str, reply->len);
        if (follow(errand, text))
            return;
        if (span_starts(text, SPAN_OF("CLUSTERDOWN")))
            cluster_look(fleet);
    }
    errand_end(errand, reply);
}

bool fleet_send(struct fleet *fleet, unsigned slot, const struct redis_script *script,
                const struct span *words, unsigned word_count, unsigned key_count,
                uint64_t deadline_at, redis_answer *answer, void *owner, uint64_t id)
{
    size_t text_bytes = 0;
    for (unsigned i = 0; i < word_count; ++i)
        text_bytes += words[i].len;
    size_t bytes = sizeof(struct errand) + word_count * sizeof(struct span) + text_bytes;
    if (fleet->errand_count == ERRANDS_MAX || fleet->errand_bytes + bytes > ERRAND_BYTES_MAX)
        return false;
    struct errand *errand = alloc_zeroed(bytes);
    *errand = (struct errand){.fleet = fleet,
                              .answer = answer,
                              .owner = owner,
                              .id = id,
                              .deadline_at = deadline_at,
                              .patience_at = loop_now(fleet->loop) + FLEET_PATIENCE_MS,
                              .slot = slot,
                              .script = script,
                              .key_count = key_count,
                              .word_count = word_count,
                              .bytes = bytes};
    char *text = (char *)(errand->words + word_count);
    for (unsigned i = 0; i < word_count; ++i) {
        if (words[i].len > 0)
            memcpy(text, words[i].ptr, words[i].len);
        errand->words[i] = span_of(text, words[i].len);
        text += words[i].len;
    }
    list_init(&errand->node);
    if (fleet->errand_tick.loop == NULL)
        timer_init(&fleet->errand_tick, fleet->loop, note_tick, fleet);
    if (!go(errand)) {
        free(errand);
        return false;
    }
    ++fleet->errand_count;
    fleet->errand_bytes += bytes;
    return true;
}

/* What is with a server was answered when that was closed. */
void fleet_stop_errands(struct fleet *fleet)
{
    struct list *node;
    while ((node = list_take(&fleet->waiting)) != NULL)
        errand_end(container_of(node, struct errand, node), NULL);
    must(list_is_empty(&fleet->errands));
    if (fleet->errand_tick.loop != NULL)
        timer_fini(&fleet->errand_tick);
}
