/* Which agents are served, by canonical CID, and how each is run and paid.
 * It owns its rows; it is immutable once built and may be read by every lane. It never knows a
 * worker: a row names a pool. */
#ifndef RULES_AGENTS_H
#define RULES_AGENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "rules/cid.h"
#include "rules/price.h"

enum { AGENTS_MAX = 100000, POOL_NAME_MAX = 64 };

enum retry_rule { RETRY_SAFE, RETRY_NEVER };
/* Answers an operator does not charge for, though the agent ran. */
/* What is put aside for a call: its worst case at once, or always the next step only. */
enum hold_rule { HOLD_WHOLE, HOLD_ROLLING };
enum free_rule { FREE_ON_NOTHING, FREE_ON_5XX };

struct agent {
    bool any; /* the row "*" */
    struct cid cid;
    char pool[POOL_NAME_MAX];
    bool metered; /* false: the operator's explicit word */
    struct price price;
    uint64_t request_bytes_max;
    uint64_t response_bytes_max;
    uint32_t total_ms_max; /* of the whole call; 0: none (only without priced time) */
    uint32_t first_byte_ms_max;
    uint32_t idle_ms_max;  /* between bytes of the answer */
    uint32_t stall_ms_max; /* the caller takes no byte */
    enum retry_rule retry;
    enum free_rule free_on;
    enum hold_rule hold;
    uint32_t step_ms;           /* what a rolling hold covers ahead */
    uint64_t store_answers_max; /* an answer up to here is kept for who asks again; 0: none is */
};

struct agents {
    struct map by_cid;
    struct agent *any; /* NULL without a "*" row */
};

void agents_init(struct agents *agents, uint64_t seed);
void agents_fini(struct agents *agents);
/* Takes the row over (heap). False when its CID (or "*") stands already, or the table is full. */
MUST_USE bool agents_add(struct agents *agents, struct agent *agent);
/* The row of `cid`, else "*", else NULL. */
const struct agent *agents_find(const struct agents *agents, const struct cid *cid);

#endif
