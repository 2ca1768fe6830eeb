/* A keyring without a store, of one key; implements callers/keyring.h whole. */
#include "callers/keyring.h"

#include <stdlib.h>

#include "base/alloc.h"

struct keyring {
    const struct signer *signer;
};

struct keyring *keyring_new(struct loop *loop, struct store *store, const struct signer *signer)
{
    struct keyring *keyring = alloc_zeroed(sizeof(*keyring));
    keyring->signer = signer;
    return keyring;
}

void keyring_free(struct keyring *keyring)
{
    free(keyring);
}

void keyring_note_up(struct keyring *keyring)
{
}

unsigned keyring_keys(const struct keyring *keyring, struct signer_key out[KEYRING_MAX])
{
    return signer_keys(keyring->signer, out);
}
