/* Trust anchors: the SHA-256 of the public keys (SPKI) of vendors' root certificates.
 * Owns the digests, and the decoder that verifications with these anchors read evidence by.
 * Never keeps a root certificate, nor asks for one certificate rather than another of its key:
 * Intel has published two for one key (ra-tls a.5). */
#ifndef AV_ROOTS_H
#define AV_ROOTS_H

#include "bytes/decoder.h"
#include "verdict.h"

#include <openssl/x509.h>

enum { ROOTS_MAX = 16 };

bool av_roots_have(const struct attest_roots *roots, X509 *certificate);

/* Whether this very certificate, byte for byte, is known to have signed itself. Whether it is an
 * anchor is av_roots_have()'s. */
bool av_roots_know(const struct attest_roots *roots, X509 *certificate);

/* NULL without anchors. */
const struct decoder *av_roots_decoder(const struct attest_roots *roots);

#endif
