/* Every gateway's receipt keys, as one lane knows them: this one's, and those that the others
 * registered in the store. It owns the list and renews it every ten seconds while the store is up.
 * It never forgets a key because the store is away, and never shows one whose id is not its
 * thumbprint. */
#ifndef CALLERS_KEYRING_H
#define CALLERS_KEYRING_H

#include "callers/signer.h"
#include "callers/store.h"

struct keyring;

enum { KEYRING_MAX = 128 };

/* In the store: hash `tg:{reg}:receipt-keys`, key id to public half. Both are lent. */
struct keyring *keyring_new(struct loop *loop, struct store *store, const struct signer *signer);
void keyring_free(struct keyring *keyring); /* after store_close() */
void keyring_note_up(struct keyring *keyring);
/* This gateway's first, the one that signs first of all; how many. */
unsigned keyring_keys(const struct keyring *keyring, struct signer_key out[KEYRING_MAX]);

#endif
