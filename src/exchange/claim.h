/* What makes a repeated request known again: its Idempotency-Key, what it says its body is, and the
 * fingerprint of all that must be the same (metering.md 4.7,
 * draft-ietf-httpapi-idempotency-key-header-07). It owns nothing: values. It never shows a key: ids
 * and fingerprints are digests. */
#ifndef EXCHANGE_CLAIM_H
#define EXCHANGE_CLAIM_H

#include "callers/meter.h"
#include "http/head.h"
#include "rules/target.h"

enum { CLAIM_KEY_MAX = 255, CLAIM_DIGEST_MAX = 64 };

struct claim {
    char key[CLAIM_KEY_MAX + 1]; /* without its quotes */
    size_t key_len;              /* 0: there is none */
    size_t digest_len;           /* of `Content-Digest`: 32 SHA-256, 64 SHA-512, 0 none */
    uint8_t digest[CLAIM_DIGEST_MAX];
};

/* Reads both fields, the digest only beside a key. NONE, or BAD_IDEMPOTENCY_KEY or BAD_REQUEST and
 * a sentence (static). */
enum fault claim_read(const struct head *request, struct claim *out, const char **sentence);
/* The invocation a key stands for: of its payer, and of the call it is made by ("": none), so that
 * an agent never meets its caller's keys. */
void claim_name(const struct claim *claim, const char *account, const char *parent,
                struct invocation *out);
/* Of the request and its body's digest. */
void claim_fingerprint(const struct head *request, const struct target *target, const char *cid,
                       const void *digest, size_t digest_len, char out[FINGERPRINT_TEXT_MAX]);

#endif
