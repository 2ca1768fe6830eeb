#include "rules/placement.h"

static bool is_full(const struct placement_candidate *candidate)
{
    return candidate->capacity > 0 && candidate->live >= candidate->capacity;
}

/* The `nth` candidate that may be asked. */
static size_t nth_open(const struct placement_candidate *candidates, size_t count, size_t nth)
{
    for (size_t i = 0; i < count; ++i)
        if (!candidates[i].out && !is_full(&candidates[i]) && nth-- == 0)
            return i;
    return count;
}

/* (in flight + 1) x time to first byte; one not yet known counts as 1 ms, so that a new worker is
 * tried soon and not at once by everybody. */
static uint64_t load_of(const struct placement_candidate *candidate)
{
    uint64_t ttfb_us = candidate->ttfb_us > 0 ? candidate->ttfb_us : 1000;
    return ((uint64_t)candidate->live + 1) * ttfb_us;
}

size_t placement_choose(const struct placement_candidate *candidates, size_t count, uint64_t random)
{
    size_t open = 0;
    for (size_t i = 0; i < count; ++i)
        open += !candidates[i].out && !is_full(&candidates[i]);
    if (open == 0)
        return count;
    size_t one = (size_t)((random & UINT32_MAX) % open);
    size_t first = nth_open(candidates, count, one);
    if (open == 1)
        return first;
    /* Another one, never the same: an offset of 1 to open - 1. */
    size_t offset = 1 + (size_t)((random >> 32) % (open - 1));
    size_t second = nth_open(candidates, count, (one + offset) % open);
    return load_of(&candidates[second]) < load_of(&candidates[first]) ? second : first;
}
