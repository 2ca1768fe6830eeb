/* The SHA-256 of a body, taken as it passes.
 * It owns its state, made with the first byte. It never keeps a byte. */
#ifndef EXCHANGE_DIGEST_H
#define EXCHANGE_DIGEST_H

#include "base/span.h"

struct digest {
    bool on;     /* else nothing is hashed */
    bool sealed; /* all there will be is in it */
    void *state; /* the library's; NULL: no byte yet */
};

void digest_add(struct digest *digest, struct span bytes);
/* What came until now; more may come still. */
void digest_read(const struct digest *digest, uint8_t out[32]);
void digest_fini(struct digest *digest);

#endif
