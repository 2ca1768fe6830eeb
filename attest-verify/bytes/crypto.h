/* The two primitives of quotes and collateral: SHA-256, and ECDSA over raw r||s.
 * Owns nothing: the keys it makes are the caller's.
 * Never accepts a point off the curve or a signature with r or s outside 1 to n-1. */
#ifndef AV_CRYPTO_H
#define AV_CRYPTO_H

#include "verdict.h"

#include <openssl/evp.h>

AV_MUST_USE bool av_sha256(struct attest_bytes a, struct attest_bytes b, uint8_t out[32]);

/* A P-256 public key from x||y, big-endian; NULL when it is none. Free with EVP_PKEY_free. */
EVP_PKEY *av_key_from_point(struct attest_bytes point);

/* Whether `signature` (64 bytes, r||s big-endian) of `key`, a P-256 key, covers `message`. */
AV_MUST_USE bool av_signature_holds(EVP_PKEY *key, struct attest_bytes signature,
                                    struct attest_bytes message);

/* The same for P-384 with SHA-384, 96 bytes. */
AV_MUST_USE bool av_signature_holds_p384(EVP_PKEY *key, struct attest_bytes signature,
                                         struct attest_bytes message);

/* Ed25519 (RFC 8032): `x` the public key, 32 bytes; `signature` 64 bytes. */
AV_MUST_USE bool av_signature_holds_ed25519(const uint8_t x[32], struct attest_bytes signature,
                                            struct attest_bytes message);

bool av_key_is_p256(EVP_PKEY *key);
bool av_key_is_p384(EVP_PKEY *key);

#endif
