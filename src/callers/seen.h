/* Which entries were exported lately, by account, kind, id and sequence: the last 65,536 for
 * certain, up to twice as many. It owns its two tables. It never takes an entry for another: it
 * compares 128 bits of SHA-256. */
#ifndef CALLERS_SEEN_H
#define CALLERS_SEEN_H

#include "base/span.h"

struct seen;

struct seen_mark {
    uint64_t words[2];
};

struct seen *seen_new(void);
void seen_free(struct seen *seen);
struct seen_mark seen_mark(struct span account, struct span kind, struct span id,
                           uint64_t sequence);
bool seen_has(const struct seen *seen, struct seen_mark mark);
void seen_add(struct seen *seen, struct seen_mark mark);

#endif
