/* The gateway's receipt keys: one Ed25519 key signs, those before it are still shown.
 * It owns `receipt-key` (the private half, mode 0600) and `receipt-keys-old` (public halves) in the
 * state directory, and is shared by all lanes: signing takes no lock, rotating is one thread's. It
 * never shows, logs or keeps a private half that no longer signs. */
#ifndef CALLERS_SIGNER_H
#define CALLERS_SIGNER_H

#include "base/must.h"
#include "base/span.h"

struct signer;

enum {
    SIGNER_KEYS_MAX = 16,  /* the one that signs, and those before it */
    SIGNER_KEY_CHARS = 43, /* 32 bytes as base64url: public halves and their thumbprints */
    SIGNER_PAYLOAD_MAX = 256,
    SIGNER_JWS_MAX = 768
};

struct signer_key {
    char x[SIGNER_KEY_CHARS + 1];   /* the public half (RFC 8037 2) */
    char kid[SIGNER_KEY_CHARS + 1]; /* its thumbprint (RFC 7638, RFC 8037 A.3) */
};

/* Reads the keys in `dir`, or makes the first. NULL and a sentence. */
struct signer *signer_open(const char *dir, char *error, size_t error_size);
void signer_close(struct signer *signer);
/* A new key signs from now on, the one before is only shown. It writes files, so it may take some
 * milliseconds. False and a sentence: nothing has changed. */
MUST_USE bool signer_rotate(struct signer *signer, char *error, size_t error_size);

/* The JWS (RFC 7515, compact) over `payload`, by the key that signs now. Its length; 0 when memory
 * is out. From any thread. */
size_t signer_sign(const struct signer *signer, struct span payload, char out[SIGNER_JWS_MAX]);
/* The keys, the one that signs first; how many. From any thread. */
unsigned signer_keys(const struct signer *signer, struct signer_key out[SIGNER_KEYS_MAX]);

/* The key whose public half is `x`. False when that is none. */
MUST_USE bool signer_key_of(struct span x, struct signer_key *out);

#endif
