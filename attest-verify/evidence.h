/* Attestation evidence inside a worker's X.509 certificate, and how it binds the key (ra-tls c).
 * Owns nothing: quotes and claims point into the certificate, which must outlive them.
 * Never searches for bytes: extensions are those the X.509 parser found, each at most once. */
#ifndef AV_EVIDENCE_H
#define AV_EVIDENCE_H

#include "verdict.h"

#include <openssl/x509.h>

enum { EVIDENCE_MAX = 2, CERTIFICATE_BYTES_MAX = 128 * 1024, CERTIFICATE_EXTENSIONS_MAX = 64 };

enum evidence_convention {
    EVIDENCE_DICE,    /* interoperable RA-TLS: TCG DICE tagged evidence, 2.23.133.5.4.9 */
    EVIDENCE_GRAMINE, /* Gramine's older one: a bare SGX quote, 0.6.9.42.840.113741.1337.6 */
};

struct evidence {
    enum evidence_convention convention;
    struct attest_bytes quote;
    struct attest_bytes claims; /* DICE only */
};

struct evidence_set {
    struct evidence items[EVIDENCE_MAX];
    size_t count;
};

/* All evidence in the certificate. Refuses duplicate extensions, unknown shapes, conventions that
 * are not supported, and a certificate without any. */
AV_MUST_USE bool av_evidence_find(X509 *certificate, struct evidence_set *set,
                                  struct attest_verdict *verdict);

/* Whether the evidence, of which `report_data` is the quote's, binds the certificate's key. */
AV_MUST_USE bool av_evidence_binds_key(const struct evidence *evidence, X509 *certificate,
                                       const uint8_t report_data[64],
                                       struct attest_verdict *verdict);

#endif
