/* The insides of a fleet, for its own files alone: fleet.c has the servers, fleet_sentinel.c finds
 * the master, fleet_cluster.c keeps the map of slots, fleet_errand.c follows redirects.
 * It owns nothing of its own. It is never included by others. */
#ifndef IO_FLEET_PARTS_H
#define IO_FLEET_PARTS_H

#include "base/list.h"
#include "io/fleet.h"

enum { NODE_NONE = 255 };

struct node {
    struct fleet *fleet;
    struct redis *redis; /* NULL: this place is free */
    unsigned slots;      /* of the map */
    uint64_t made_at;
};

/* Asks one Sentinel after the other. */
struct finder {
    struct redis *redis;
    unsigned seed; /* which is asked */
    bool heard;    /* it was asked over this connection, and listens to switches */
    struct timer tick;
};

struct fleet {
    struct loop *loop;
    struct fleet_options options;
    const struct redis_events *events;
    void *owner;
    struct node nodes[FLEET_NODES_MAX];
    struct grave grave;
    bool closed;
    char why[256];

    struct finder finder;           /* FLEET_SENTINEL */
    struct redis_options asks_them; /* how Sentinels are spoken to */

    uint8_t map[FLEET_SLOTS]; /* FLEET_CLUSTER: which node has a slot, or NODE_NONE */
    bool mapped;
    bool mapping; /* CLUSTER SLOTS is under way */
    unsigned map_turn;
    struct timer map_tick;
    struct list errands; /* FLEET_CLUSTER: with a server */
    struct list waiting; /* errands that are tried again by the tick */
    struct timer errand_tick;
    unsigned errand_count;
    size_t errand_bytes;
};

/* fleet.c: the node of an address, made when there is none; NODE_NONE: the table is full. */
unsigned fleet_node_for(struct fleet *fleet, const struct address *address);
void fleet_node_close(struct fleet *fleet, unsigned node);
bool fleet_node_is_up(const struct fleet *fleet, unsigned node);

void finder_start(struct fleet *fleet);
void finder_ask(struct fleet *fleet); /* the master is away: what do they say now? */
void finder_stop(struct fleet *fleet);

void cluster_start(struct fleet *fleet);
void cluster_look(struct fleet *fleet); /* something changed: read the map again, soon */
void cluster_stop(struct fleet *fleet);
void cluster_move(struct fleet *fleet, unsigned slot, unsigned node);

bool fleet_send(struct fleet *fleet, unsigned slot, const struct redis_script *script,
                const struct span *words, unsigned word_count, unsigned key_count,
                uint64_t deadline_at, redis_answer *answer, void *owner, uint64_t id);
void fleet_stop_errands(struct fleet *fleet);

#endif
