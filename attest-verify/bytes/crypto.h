/* The primitives of quotes, certificates and collateral: SHA-256, and ECDSA over raw r||s or over
 * signed DER.
 * Owns nothing.
 * Never accepts a point off the curve or a signature with r or s outside 1 to n-1. */
#ifndef AV_CRYPTO_H
#define AV_CRYPTO_H

#include "verdict.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

AV_MUST_USE bool av_sha256(struct attest_bytes a, struct attest_bytes b, uint8_t out[32]);

/* Whether `signature` (64 bytes, r||s big-endian) of `key`, a P-256 key, covers `message`. */
AV_MUST_USE bool av_signature_holds(EVP_PKEY *key, struct attest_bytes signature,
                                    struct attest_bytes message);

/* The same for P-384 with SHA-384, 96 bytes. */
AV_MUST_USE bool av_signature_holds_p384(EVP_PKEY *key, struct attest_bytes signature,
                                         struct attest_bytes message);

/* Ed25519 (RFC 8032): `x` the public key, 32 bytes; `signature` 64 bytes. */
AV_MUST_USE bool av_signature_holds_ed25519(const uint8_t x[32], struct attest_bytes signature,
                                            struct attest_bytes message);

/* What X509_verify() and X509_CRL_verify() answer, for any key and algorithm; only that of
 * ecdsa-with-SHA256 by a P-256 key they answer sooner. */
AV_MUST_USE bool av_certificate_is_signed(X509 *certificate, EVP_PKEY *key);
AV_MUST_USE bool av_list_is_signed(X509_CRL *list, EVP_PKEY *key);

bool av_key_is_p256(EVP_PKEY *key);
bool av_key_is_p384(EVP_PKEY *key);

#endif
