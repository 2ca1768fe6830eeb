#include "io/fleet.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "io/fleet_parts.h"

/* CRC-16/XMODEM: polynomial 0x1021, nothing reflected, from 0 (Redis Cluster specification,
 * "key distribution model"). Keys are short, and one is hashed a call. */
unsigned fleet_slot(struct span key)
{
    unsigned crc = 0;
    size_t open = span_find(key, '{');
    struct span tag = span_from(key, open + 1);
    size_t close = span_find(tag, '}');
    if (open < key.len && close > 0 && close < tag.len)
        key = span_of(tag.ptr, close);
    for (size_t i = 0; i < key.len; ++i) {
        crc ^= (unsigned)(unsigned char)key.ptr[i] << 8;
        for (unsigned bit = 0; bit < 8; ++bit)
            crc = crc << 1 ^ (crc & 0x8000 ? 0x1021u : 0);
    }
    return crc & (FLEET_SLOTS - 1);
}

/* ------------------------------------------------------------------ servers */

static void note_node_up(void *owner)
{
    struct node *node = owner;
    struct fleet *fleet = node->fleet;
    if (fleet->options.kind == FLEET_CLUSTER)
        cluster_look(fleet);
    fleet->events->note_up(fleet->owner);
}

static void note_node_down(void *owner)
{
    struct node *node = owner;
    struct fleet *fleet = node->fleet;
    if (fleet->options.kind == FLEET_CLUSTER)
        cluster_look(fleet);
    if (fleet->options.kind == FLEET_SENTINEL)
        finder_ask(fleet);
    fleet->events->note_down(fleet->owner);
}

static bool is_at(const struct address *one, const struct address *other)
{
    char first[ADDRESS_TEXT_MAX], second[ADDRESS_TEXT_MAX];
    return strcmp(address_text(one, true, first), address_text(other, true, second)) == 0;
}

unsigned fleet_node_for(struct fleet *fleet, const struct address *address)
{
    static const struct redis_events events = {note_node_up, note_node_down, NULL};
    unsigned free_place = NODE_NONE;
    for (unsigned i = FLEET_NODES_MAX; i-- > 0;)
        if (fleet->nodes[i].redis == NULL)
            free_place = i;
        else if (is_at(redis_address(fleet->nodes[i].redis), address))
            return i;
    if (free_place == NODE_NONE)
        return NODE_NONE;
    struct redis_options options = fleet->options.server;
    options.address = *address;
    options.inspect = true;
    struct node *node = &fleet->nodes[free_place];
    *node = (struct node){.fleet = fleet, .made_at = loop_now(fleet->loop)};
    node->redis = redis_open(fleet->loop, &options, &events, node);
    return free_place;
}

void fleet_node_close(struct fleet *fleet, unsigned node)
{
    struct redis *redis = fleet->nodes[node].redis;
    bool was_up = redis_is_up(redis);
    fleet->nodes[node].redis = NULL;
    redis_close(redis);
    if (was_up && !fleet->closed)
        fleet->events->note_down(fleet->owner);
}

bool fleet_node_is_up(const struct fleet *fleet, unsigned node)
{
    return node < FLEET_NODES_MAX && fleet->nodes[node].redis != NULL &&
           redis_is_up(fleet->nodes[node].redis);
}

/* ------------------------------------------------------------------ what stands */

static unsigned node_of(const struct fleet *fleet, unsigned slot)
{
    return fleet->options.kind == FLEET_CLUSTER ? fleet->map[slot] : 0;
}

bool fleet_is_up(const struct fleet *fleet)
{
    if (fleet->options.kind != FLEET_CLUSTER)
        return fleet_node_is_up(fleet, 0);
    if (!fleet->mapped)
        return false;
    for (unsigned i = 0; i < FLEET_NODES_MAX; ++i)
        if (fleet->nodes[i].slots > 0 && !fleet_node_is_up(fleet, i))
            return false;
    return true;
}

const char *fleet_why_down(const struct fleet *fleet)
{
    struct fleet *told = (struct fleet *)fleet; /* its words alone */
    char address[ADDRESS_TEXT_MAX];
    if (fleet_is_up(fleet))
        return "";
    for (unsigned i = 0; i < FLEET_NODES_MAX; ++i) {
        const struct node *node = &fleet->nodes[i];
        if (node->redis == NULL || redis_is_up(node->redis) || (fleet->mapped && node->slots == 0))
            continue;
        snprintf(told->why, sizeof(told->why), "%s: %s",
                 address_text(redis_address(node->redis), true, address),
                 redis_why_down(node->redis));
        return told->why;
    }
    if (fleet->options.kind == FLEET_SENTINEL && fleet->finder.redis != NULL &&
        !redis_is_up(fleet->finder.redis))
        snprintf(told->why, sizeof(told->why), "Sentinel %s: %s",
                 address_text(&fleet->options.seeds[fleet->finder.seed], true, address),
                 redis_why_down(fleet->finder.redis));
    else if (fleet->options.kind == FLEET_SENTINEL)
        snprintf(told->why, sizeof(told->why), "no Sentinel named a master %s yet",
                 fleet->options.master);
    else
        snprintf(told->why, sizeof(told->why), "not every slot of the Cluster has a server");
    return told->why;
}

const struct redis_facts *fleet_facts(const struct fleet *fleet, unsigned slot)
{
    unsigned node = node_of(fleet, slot);
    return fleet_node_is_up(fleet, node) ? redis_facts(fleet->nodes[node].redis) : NULL;
}

void fleet_each_up(struct fleet *fleet, void (*visit)(void *arg, struct redis *redis), void *arg)
{
    for (unsigned i = 0; i < FLEET_NODES_MAX; ++i)
        if (fleet_node_is_up(fleet, i))
            visit(arg, fleet->nodes[i].redis);
}

/* ------------------------------------------------------------------ calls */

bool fleet_call(struct fleet *fleet, unsigned slot, const struct span *words, unsigned word_count,
                uint64_t deadline_at, redis_answer *answer, void *owner, uint64_t id)
{
    if (fleet->options.kind == FLEET_CLUSTER)
        return fleet_send(fleet, slot, NULL, words, word_count, 0, deadline_at, answer, owner, id);
    return fleet_node_is_up(fleet, 0) &&
           redis_call(fleet->nodes[0].redis, words, word_count, deadline_at, answer, owner, id);
}

bool fleet_eval(struct fleet *fleet, unsigned slot, const struct redis_script *script,
                const struct span *keys, unsigned key_count, const struct span *args,
                unsigned arg_count, uint64_t deadline_at, redis_answer *answer, void *owner,
                uint64_t id)
{
    enum { WORDS_MAX = 128 };
    struct span words[WORDS_MAX];
    unsigned count = 0;
    if (fleet->options.kind != FLEET_CLUSTER)
        return fleet_node_is_up(fleet, 0) &&
               redis_eval(fleet->nodes[0].redis, script, keys, key_count, args, arg_count,
                          deadline_at, answer, owner, id);
    must(key_count + arg_count <= WORDS_MAX);
    for (unsigned i = 0; i < key_count; ++i)
        words[count++] = keys[i];
    for (unsigned i = 0; i < arg_count; ++i)
        words[count++] = args[i];
    return fleet_send(fleet, slot, script, words, count, key_count, deadline_at, answer, owner, id);
}

/* ------------------------------------------------------------------ its life */

struct fleet *fleet_open(struct loop *loop, const struct fleet_options *options,
                         const struct redis_events *events, void *owner)
{
    struct fleet *fleet = alloc_zeroed(sizeof(*fleet));
    must(options->seed_count > 0 && options->seed_count <= FLEET_SEEDS_MAX);
    fleet->loop = loop;
    fleet->options = *options;
    fleet->events = events;
    fleet->owner = owner;
    memset(fleet->map, NODE_NONE, sizeof(fleet->map));
    list_init(&fleet->errands);
    list_init(&fleet->waiting);
    if (options->kind == FLEET_SENTINEL)
        finder_start(fleet);
    else if (options->kind == FLEET_CLUSTER)
        cluster_start(fleet);
    else
        must(fleet_node_for(fleet, &options->seeds[0]) == 0);
    return fleet;
}

void fleet_close(struct fleet *fleet)
{
    fleet->closed = true;
    if (fleet->options.kind == FLEET_SENTINEL)
        finder_stop(fleet);
    if (fleet->options.kind == FLEET_CLUSTER)
        cluster_stop(fleet);
    for (unsigned i = 0; i < FLEET_NODES_MAX; ++i)
        if (fleet->nodes[i].redis != NULL)
            fleet_node_close(fleet, i);
    if (fleet->options.kind == FLEET_CLUSTER)
        fleet_stop_errands(fleet);
    loop_bury(fleet->loop, &fleet->grave, free, fleet);
}
