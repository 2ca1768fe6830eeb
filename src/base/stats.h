/* Counters of one lane: tables/stats.def, and one per fault. A lane owns its own and is their only
 * writer; whoever shows them reads all lanes' and adds up. Never decides anything. */
#ifndef BASE_STATS_H
#define BASE_STATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

struct stats {
#define COUNTER(name, help) _Atomic uint64_t name;
#define GAUGE(name, help)   _Atomic uint64_t name;
#include "tables/stats.def"
#undef COUNTER
#undef GAUGE
    _Atomic uint64_t faults[FAULT_COUNT];
};

/* One writer: a relaxed load and store are enough, and cost what a plain addition costs. */
static inline void stats_add(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

static inline void stats_sub(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) - by,
                          memory_order_relaxed);
}

static inline uint64_t stats_read(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit((_Atomic uint64_t *)counter, memory_order_relaxed);
}

/* Calls `visit` for every counter of the table, summed over `lanes`. */
void stats_visit(const struct stats *const *lanes, unsigned lane_count,
                 void (*visit)(void *arg, const char *name, const char *help, bool gauge,
                               uint64_t value),
                 void *arg);

#endif
