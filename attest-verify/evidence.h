/* Attestation evidence inside a worker's X.509 certificate, and how it binds the key (ra-tls c).
 * Owns what a convention made it put together; else quotes and claims point into the certificate,
 * which must outlive them.
 * Never searches for bytes: extensions are those the X.509 parser found, each at most once. */
#ifndef AV_EVIDENCE_H
#define AV_EVIDENCE_H

#include "verdict.h"

#include <openssl/x509.h>

enum { EVIDENCE_MAX = 4, CERTIFICATE_BYTES_MAX = 128 * 1024, CERTIFICATE_EXTENSIONS_MAX = 64 };

struct evidence_convention;

struct evidence {
    const struct evidence_convention *convention;
    struct attest_bytes quote;
    struct attest_bytes claims; /* DICE and Intel */
    bool repeats;               /* says again, byte for byte, what was found before */
    uint8_t *owned;             /* the quote, where it had to be put together; else NULL */
};

struct evidence_set {
    struct evidence items[EVIDENCE_MAX];
    size_t count;
};

/* All evidence in the certificate. Refuses duplicate extensions, unknown shapes, conventions that
 * are not supported, and a certificate without any. `set` begins all zero; free it either way. */
AV_MUST_USE bool av_evidence_find(X509 *certificate, struct evidence_set *set,
                                  struct attest_verdict *verdict);
void av_evidence_fini(struct evidence_set *set);

/* Whether the evidence, of which `report_data` is the quote's, binds the certificate's key. */
AV_MUST_USE bool av_evidence_binds_key(const struct evidence *evidence, X509 *certificate,
                                       const uint8_t report_data[64],
                                       struct attest_verdict *verdict);

#endif
