/* The SHA-256, or SHA-512, of a body, taken as it passes.
 * It owns its state, made with the first byte. It never keeps a byte. */
#ifndef EXCHANGE_DIGEST_H
#define EXCHANGE_DIGEST_H

#include "base/span.h"

struct digest {
    bool on;     /* else nothing is hashed */
    bool wide;   /* SHA-512 */
    bool sealed; /* all there will be is in it */
    void *state; /* the library's; NULL: no byte yet */
};

void digest_add(struct digest *digest, struct span bytes);
/* What came until now, in 32 bytes, or 64 when it is wide; more may come still. */
void digest_read(const struct digest *digest, uint8_t *out);
void digest_fini(struct digest *digest);

#endif
