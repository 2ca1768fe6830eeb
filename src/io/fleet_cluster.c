#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/fleet_parts.h"

enum {
    MAP_MS = 200,     /* between two readings of the map, while not all is up */
    MAP_MS_SOON = 20, /* something changed: one reading for all that changes with it */
    ASK_MS_MAX = 1000,
    YOUNG_MS = 5000 /* a server without a slot is left that long to come up */
};

static struct span word_of(const redisReply *reply, size_t index)
{
    const redisReply *word = index < reply->elements ? reply->element[index] : NULL;
    return word != NULL && word->type == REDIS_REPLY_STRING ? span_of(word->str, word->len)
                                                            : SPAN_NONE;
}

static bool number_of(const redisReply *reply, size_t index, unsigned most, unsigned *out)
{
    const redisReply *number = index < reply->elements ? reply->element[index] : NULL;
    if (number == NULL || number->type != REDIS_REPLY_INTEGER || number->integer < 0 ||
        number->integer > (long long)most)
        return false;
    *out = (unsigned)number->integer;
    return true;
}

/* The node of [address, port, ..]; without an address it is that of who answered. */
static unsigned node_named(struct fleet *fleet, const redisReply *server, unsigned asked)
{
    char text[ADDRESS_TEXT_MAX], own[ADDRESS_TEXT_MAX], error[256];
    struct address address;
    unsigned port;
    if (server->type != REDIS_REPLY_ARRAY || !number_of(server, 1, 65535, &port))
        return NODE_NONE;
    struct span host = word_of(server, 0);
    if (host.len == 0)
        host = span_text(address_text(redis_address(fleet->nodes[asked].redis), false, own));
    bool v6 = span_find(host, ':') < host.len;
    int len =
        snprintf(text, sizeof(text), v6 ? "[%.*s]:%u" : "%.*s:%u", (int)host.len, host.ptr, port);
    if (len < 0 || (size_t)len >= sizeof(text) ||
        !address_parse(&address, span_of(text, (size_t)len), error, sizeof(error)))
        return NODE_NONE;
    return fleet_node_for(fleet, &address);
}

/* Rows of [first slot, last slot, master, replicas..]. False: it is no map of the whole. */
static bool read_map(struct fleet *fleet, const redisReply *reply, unsigned asked,
                     uint8_t map[FLEET_SLOTS])
{
    unsigned covered = 0;
    memset(map, NODE_NONE, FLEET_SLOTS);
    for (size_t i = 0; i < reply->elements; ++i) {
        const redisReply *row = reply->element[i];
        unsigned first, last;
        if (row->type != REDIS_REPLY_ARRAY || row->elements < 3 ||
            !number_of(row, 0, FLEET_SLOTS - 1, &first) ||
            !number_of(row, 1, FLEET_SLOTS - 1, &last) || last < first)
            return false;
        unsigned node = node_named(fleet, row->element[2], asked);
        if (node == NODE_NONE)
            return false;
        for (unsigned slot = first; slot <= last; ++slot) {
            covered += map[slot] == NODE_NONE;
            map[slot] = (uint8_t)node;
        }
    }
    return covered == FLEET_SLOTS;
}

/* Those that left the Cluster, and do not answer: their places are free again. */
static void drop_strangers(struct fleet *fleet)
{
    uint64_t now = loop_now(fleet->loop);
    for (unsigned i = 0; i < FLEET_NODES_MAX; ++i) {
        const struct node *node = &fleet->nodes[i];
        if (node->redis != NULL && node->slots == 0 && !redis_is_up(node->redis) &&
            now >= node->made_at + YOUNG_MS)
            fleet_node_close(fleet, i);
    }
}

static void count_slots(struct fleet *fleet)
{
    for (unsigned i = 0; i < FLEET_NODES_MAX; ++i)
        fleet->nodes[i].slots = 0;
    for (unsigned slot = 0; slot < FLEET_SLOTS; ++slot)
        if (fleet->map[slot] != NODE_NONE)
            ++fleet->nodes[fleet->map[slot]].slots;
}

static void note_map(void *owner, uint64_t asked, const redisReply *reply)
{
    struct fleet *fleet = owner;
    uint8_t map[FLEET_SLOTS];
    fleet->mapping = false;
    if (fleet->closed || reply == NULL || reply->type != REDIS_REPLY_ARRAY ||
        fleet->nodes[asked].redis == NULL || !read_map(fleet, reply, (unsigned)asked, map))
        return; /* the tick asks another */
    bool same = fleet->mapped && memcmp(map, fleet->map, sizeof(map)) == 0;
    fleet->mapped = true;
    memcpy(fleet->map, map, sizeof(map));
    count_slots(fleet);
    drop_strangers(fleet);
    if (!same)
        fleet->events->note_up(fleet->owner);
}

static bool ask(struct fleet *fleet, unsigned node)
{
    static const struct span words[] = {{"CLUSTER", 7}, {"SLOTS", 5}};
    return fleet_node_is_up(fleet, node) &&
           redis_call(fleet->nodes[node].redis, words, 2, loop_now(fleet->loop) + ASK_MS_MAX,
                      note_map, fleet, node);
}

static void add_seeds(struct fleet *fleet)
{
    for (unsigned i = 0; i < fleet->options.seed_count; ++i)
        (void)fleet_node_for(fleet, &fleet->options.seeds[i]);
}

static void note_tick(void *owner)
{
    struct fleet *fleet = owner;
    if (!fleet_is_up(fleet))
        timer_set(&fleet->map_tick, loop_now(fleet->loop) + MAP_MS);
    if (fleet->mapping)
        return;
    for (unsigned i = 0; i < FLEET_NODES_MAX && !fleet->mapping; ++i) {
        fleet->map_turn = (fleet->map_turn + 1) % FLEET_NODES_MAX;
        fleet->mapping = ask(fleet, fleet->map_turn);
    }
    if (!fleet->mapping)
        add_seeds(fleet); /* nobody is up: those we were told of may be where they were */
}

void cluster_look(struct fleet *fleet)
{
    uint64_t at = loop_now(fleet->loop) + MAP_MS_SOON;
    if (!fleet->closed && (fleet->map_tick.at == 0 || at < fleet->map_tick.at))
        timer_set(&fleet->map_tick, at);
}

void cluster_move(struct fleet *fleet, unsigned slot, unsigned node)
{
    if (fleet->map[slot] == node)
        return;
    fleet->map[slot] = (uint8_t)node;
    count_slots(fleet);
    cluster_look(fleet);
    fleet->events->note_up(fleet->owner);
}

void cluster_start(struct fleet *fleet)
{
    timer_init(&fleet->map_tick, fleet->loop, note_tick, fleet);
    add_seeds(fleet);
    cluster_look(fleet);
}

void cluster_stop(struct fleet *fleet)
{
    timer_fini(&fleet->map_tick);
}
