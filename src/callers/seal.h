/* What Redis keeps for us and may not read: AES-256-GCM, bound to what it belongs to.
 * It owns nothing: keys are values, texts the asker's. It never opens what was altered in any bit,
 * moved to another place, or sealed under a key that is not there. */
#ifndef CALLERS_SEAL_H
#define CALLERS_SEAL_H

#include <stdbool.h>

#include "base/must.h"
#include "base/span.h"

enum {
    SEAL_KEYS_MAX = 2, /* the first seals; the second still opens, while keys change */
    SEAL_KEY_BYTES = 32,
    SEAL_KID_MAX = 16,
    SEAL_MORE = 64 /* a sealed text is longer by this at most */
};

struct seal_keys {
    struct {
        char kid[SEAL_KID_MAX + 1];
        uint8_t bytes[SEAL_KEY_BYTES];
    } at[SEAL_KEYS_MAX];
    unsigned count; /* 0: nothing is sealed or opened */
};

/* What a text belongs to; the parts are told apart. */
struct seal_place {
    const char *use; /* static: one kind of text never opens as another */
    struct span parts[3];
};

/* Seals `text` into `out` (text.len + SEAL_MORE); its length. Without keys that is a bug. */
size_t seal_close(char *out, const struct seal_keys *keys, const struct seal_place *place,
                  struct span text);
/* Opens into `out` (as long as `sealed`); false when it is not whole, not ours, or not from there.
 */
MUST_USE bool seal_open(char *out, size_t *len, const struct seal_keys *keys,
                        const struct seal_place *place, struct span sealed);

#endif
