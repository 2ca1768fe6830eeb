/* Where a call stands in its tree of calls: whose it is part of, and what that still allows.
 * It owns nothing: a value, copied from the token that authenticated the call. It never says who
 * pays: the parent's hold does, in Redis. */
#ifndef CALLERS_LINEAGE_H
#define CALLERS_LINEAGE_H

#include <stdint.h>

enum {
    INVOCATION_TEXT_MAX = 32, /* 26 characters of base32 lower, 128 random bits, and a NUL */
    LINEAGE_DEPTH_MAX = 8,    /* whatever is configured; a root call has depth 0 */
    LINEAGE_REPEATS_MAX = 2   /* a CID on one path: a third one is a loop */
};

/* All zeros: a root call. */
struct lineage {
    char parent[INVOCATION_TEXT_MAX]; /* empty: a root call */
    char root[INVOCATION_TEXT_MAX];
    uint32_t depth;       /* of this call */
    uint32_t depth_max;   /* of those below it; 0: as configured */
    uint64_t deadline_ms; /* unix: when the parent ends at the latest; 0: none */
    uint64_t most_ucr;    /* ceiling and sub-budget together, at most */
    uint32_t path_len;    /* the CIDs called on the way here, the parent's last */
    uint64_t path[LINEAGE_DEPTH_MAX];
};

#endif
