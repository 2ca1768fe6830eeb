/* Takes the ledger out of the store and into files: one gateway for each bucket, by a lease with
 * fencing (export.lua), the disk before the cursor, the cursor before anything is trimmed. It owns
 * a thread with a loop, a store and the files of its own, so that a slow disk holds nobody up. It
 * never trims what is not on the disk, nor anything younger than its margin. */
#ifndef CALLERS_EXPORTER_H
#define CALLERS_EXPORTER_H

#include "base/log.h"
#include "base/stats.h"
#include "callers/store.h"

struct exporter;

struct exporter_options {
    const char *dir; /* of segments_options; copied when it starts */
    const char *gateway_id;
    uint64_t epoch;
    uint64_t segment_bytes;
    const struct fleet_options *redis;
    const struct log *log;
    uint32_t every_ms;      /* a walk over the buckets; default 1000 */
    uint32_t lease_ms;      /* without a word by then another gateway takes over; default 15000 */
    uint32_t margin_ms;     /* what is younger stays in the store; default 600000 */
    uint32_t trim_every_ms; /* of one bucket; default 60000 */
};

/* NULL and a sentence when the folder cannot be used. */
struct exporter *exporter_start(const struct exporter_options *options, char *error,
                                size_t error_size);
/* Ends at once; the next start, or another gateway, goes on from the cursors. NULL is fine. */
void exporter_stop(struct exporter *exporter);
/* Its own counters, for whoever shows them; any thread. */
const struct stats *exporter_stats(const struct exporter *exporter);

#endif
