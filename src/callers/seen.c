#include "callers/seen.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/must.h"

/* Two generations: when the young one is full it becomes the old one, which goes. Nothing is ever
 * taken out of a table, and half of it stays empty. */
enum { MARKS_MAX = 65536, SLOTS = 2 * MARKS_MAX };

struct generation {
    size_t count;
    struct seen_mark slots[SLOTS]; /* {0, 0}: empty */
};

struct seen {
    struct generation *young;
    struct generation *old;
};

struct seen *seen_new(void)
{
    struct seen *seen = alloc_zeroed(sizeof(*seen));
    seen->young = alloc_zeroed(sizeof(*seen->young));
    seen->old = alloc_zeroed(sizeof(*seen->old));
    return seen;
}

void seen_free(struct seen *seen)
{
    free(seen->young);
    free(seen->old);
    free(seen);
}

struct seen_mark seen_mark(struct span account, struct span kind, struct span id, uint64_t sequence)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct seen_mark mark;
    char text[1024];
    int len = snprintf(text, sizeof(text), "%.*s|%.*s|%.*s|%" PRIu64, (int)account.len, account.ptr,
                       (int)kind.len, kind.ptr, (int)id.len, id.ptr, sequence);
    must(len > 0);
    SHA256((const unsigned char *)text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1,
           digest);
    memcpy(&mark, digest, sizeof(mark));
    mark.words[0] |= 1; /* so that none is the empty slot */
    return mark;
}

static const struct seen_mark *slot_of(const struct generation *generation, struct seen_mark mark)
{
    size_t at = mark.words[1] % SLOTS;
    const struct seen_mark *slot = &generation->slots[at];
    while (slot->words[0] != 0 &&
           (slot->words[0] != mark.words[0] || slot->words[1] != mark.words[1])) {
        at = (at + 1) % SLOTS;
        slot = &generation->slots[at];
    }
    return slot;
}

bool seen_has(const struct seen *seen, struct seen_mark mark)
{
    return slot_of(seen->young, mark)->words[0] != 0 || slot_of(seen->old, mark)->words[0] != 0;
}

void seen_add(struct seen *seen, struct seen_mark mark)
{
    if (seen_has(seen, mark))
        return;
    if (seen->young->count == MARKS_MAX) {
        struct generation *gone = seen->old;
        seen->old = seen->young;
        seen->young = gone;
        memset(gone, 0, sizeof(*gone));
    }
    *(struct seen_mark *)slot_of(seen->young, mark) = mark;
    ++seen->young->count;
}
