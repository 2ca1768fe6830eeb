/* Certificates and points of keys as OpenSSL's objects, without the search through all its
 * providers' decoders that each key costs there: 90 us of a certificate's 110, twice the price of a
 * signature (OpenSSL 3.0.22, 2026-11); of P-256, P-384 and RSA keys of 4096 bits. Owns an OpenSSL
 * library context without algorithms and two groups, none of which what it makes refers to; once
 * made it may be shared between threads. Never reads what OpenSSL would not, nor reads it
 * otherwise. */
#ifndef AV_DECODER_H
#define AV_DECODER_H

#include "verdict.h"

#include <openssl/ec.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

enum decoder_curve { DECODER_P256, DECODER_P384, DECODER_CURVES };

struct decoder {
    OSSL_LIB_CTX *bare;
    OSSL_PROVIDER *nothing; /* loaded, so that OpenSSL does not load its default */
    EC_GROUP *groups[DECODER_CURVES];
};

/* False when memory is out; the fini function applies either way. */
AV_MUST_USE bool av_decoder_init(struct decoder *decoder);
void av_decoder_fini(struct decoder *decoder);

/* The certificate that all of `der` is, or NULL. With no decoder it comes from d2i_X509(). */
X509 *av_decode_certificate(const struct decoder *decoder, struct attest_bytes der);

/* A P-256 public key from x||y, big-endian; NULL when it is none, or without a decoder. Free with
 * EVP_PKEY_free. */
EVP_PKEY *av_decode_point(const struct decoder *decoder, struct attest_bytes point);

#endif
