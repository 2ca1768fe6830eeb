/* Which worker is asked: the less loaded of two picked at random. Owns nothing; pure.
 * It never picks one that is excluded, away or full, nor a doubtful one before others. */
#ifndef RULES_PLACEMENT_H
#define RULES_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct placement_candidate {
    bool out;          /* excluded, resting, refused or full: never picked */
    bool doubtful;     /* it failed or refused a moment ago: asked only when no other may be */
    uint32_t live;     /* requests in flight now, of all lanes */
    uint32_t capacity; /* at most so many at once; 0: not declared */
    uint32_t ttfb_us;  /* smoothed time to first byte; 0: not known yet */
};

/* Index of the one to ask, or `count` when none may be. `random` is 64 fresh bits. */
size_t placement_choose(const struct placement_candidate *candidates, size_t count,
                        uint64_t random);

#endif
