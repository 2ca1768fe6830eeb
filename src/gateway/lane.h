/* One thread and everything it owns: loop, listeners, sessions, pools, store, meter, counters.
 * It owns all of these; what it shares is a snapshot (immutable), the journal and the attester. It
 * never waits for another lane: letters come and go. */
#ifndef GATEWAY_LANE_H
#define GATEWAY_LANE_H

#include "base/log.h"
#include "base/stats.h"
#include "callers/journal.h"
#include "callers/signer.h"
#include "gateway/snapshot.h"
#include "io/fleet.h"
#include "workers/attester.h"

struct lane;

/* What all lanes share, and one lane's own descriptors. */
struct lane_options {
    unsigned index;
    unsigned lane_count;
    int listeners[CONFIG_LISTENERS_MAX]; /* owned by the lane from lane_new() on */
    int admin;                           /* lane 0 only, else -1 */
    struct fleet_options redis;
    struct snapshot *snapshot; /* a count is taken */
    struct journal *journal;
    struct signer *signer;
    struct attester *attester;
    const struct log *log;
    const struct log *access_log;
    /* For admin: copies the places of all lanes' counters; how many. */
    unsigned (*lanes)(void *owner, const struct stats **out, unsigned lanes_max);
    void *lanes_owner;
};

/* Made on the main thread, all of them before the first is started. */
struct lane *lane_new(const struct lane_options *options);
void lane_start(struct lane *lane);
/* From the main thread: */
void lane_apply(struct lane *lane, struct snapshot *snapshot); /* a count is taken */
/* Stops accepting, lets calls finish until `drain_ms_max` have passed, then ends them. */
void lane_drain(struct lane *lane, uint32_t drain_ms_max);
/* Waits for its end. */
void lane_join(struct lane *lane);
/* Whether the lane's connection to the store has been up once. Any thread. */
bool lane_has_store(const struct lane *lane);
const struct stats *lane_stats(const struct lane *lane); /* any thread; relaxed reads */

#endif
