/* A signer that signs nothing and counts; implements callers/signer.h whole.
 * It owns its count. It never touches a file. */
#ifndef FAKE_SIGNER_H
#define FAKE_SIGNER_H

#include "callers/signer.h"

struct signer {
    bool fails; /* planned: no memory, no signature */
    unsigned *signed_count;
};

/* `signed_count` grows by one with each root. */
struct signer *fake_signer_new(unsigned *signed_count);

#endif
