#include "rules/placement.h"

static bool is_open(const struct placement_candidate *candidate, bool doubtful)
{
    bool full = candidate->capacity > 0 && candidate->live >= candidate->capacity;
    return !candidate->out && !full && candidate->doubtful == doubtful;
}

static size_t count_open(const struct placement_candidate *candidates, size_t count, bool doubtful)
{
    size_t open = 0;
    for (size_t i = 0; i < count; ++i)
        open += is_open(&candidates[i], doubtful);
    return open;
}

/* The `nth` candidate that may be asked. */
static size_t nth_open(const struct placement_candidate *candidates, size_t count, bool doubtful,
                       size_t nth)
{
    for (size_t i = 0; i < count; ++i)
        if (is_open(&candidates[i], doubtful) && nth-- == 0)
            return i;
    return count;
}

/* (in flight + 1) x time to first byte. One not yet known comes first for its first request,
 * however fast the others are, and counts as 1 ms while that runs, so that not everybody tries it
 * at once. */
static uint64_t load_of(const struct placement_candidate *candidate)
{
    if (candidate->ttfb_us == 0 && candidate->live == 0)
        return 0;
    uint64_t ttfb_us = candidate->ttfb_us > 0 ? candidate->ttfb_us : 1000;
    return ((uint64_t)candidate->live + 1) * ttfb_us;
}

static size_t choose_among(const struct placement_candidate *candidates, size_t count,
                           bool doubtful, uint64_t random)
{
    size_t open = count_open(candidates, count, doubtful);
    if (open == 0)
        return count;
    size_t one = (size_t)((random & UINT32_MAX) % open);
    size_t first = nth_open(candidates, count, doubtful, one);
    if (open == 1)
        return first;
    /* Another one, never the same: an offset of 1 to open - 1. */
    size_t offset = 1 + (size_t)((random >> 32) % (open - 1));
    size_t second = nth_open(candidates, count, doubtful, (one + offset) % open);
    return load_of(&candidates[second]) < load_of(&candidates[first]) ? second : first;
}

size_t placement_choose(const struct placement_candidate *candidates, size_t count, uint64_t random)
{
    size_t chosen = choose_among(candidates, count, false, random);
    return chosen < count ? chosen : choose_among(candidates, count, true, random);
}
