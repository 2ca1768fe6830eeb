/* Attestation evidence inside a worker's X.509 certificate, and how it binds the key (ra-tls c).
 * Owns what a convention made it put together; else quotes and claims point into the certificate,
 * which must outlive them.
 * Never searches for bytes: extensions are those the X.509 parser found, each at most once. */
#ifndef AV_EVIDENCE_H
#define AV_EVIDENCE_H

#include "formats/event_log.h"

#include <openssl/x509.h>

enum { EVIDENCE_MAX = 4, CERTIFICATE_BYTES_MAX = 128 * 1024, CERTIFICATE_EXTENSIONS_MAX = 64 };

struct evidence_convention;

struct evidence {
    const struct evidence_convention *convention;
    struct attest_bytes quote; /* or a SEV-SNP report, when `is_report` */
    bool is_report;
    struct attest_snp_endorsements endorsements; /* what a report brings, by no means trusted */
    struct attest_bytes mr_config;               /* dstack's, of a report */
    struct attest_bytes claims;                  /* DICE and Intel */
    struct event_log log; /* dstack, and only when `has_log`; of a report its ids alone */
    bool has_log;
    struct attest_bytes stated_report_data; /* by dstack's envelope; none: not stated */
    const char *unsupported;                /* static: what it holds, and we do not read */
    bool repeats;                           /* says again, byte for byte, what was found before */
    uint8_t *owned; /* the quote, where it had to be put together; else NULL */
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

/* Whether all else that the evidence says is what its quote says: the replayed log, the report data
 * of an envelope. Shows in the verdict what the log names, and gives it to the quote. */
AV_MUST_USE bool av_evidence_fits_quote(const struct evidence *evidence, struct quote *quote,
                                        struct attest_verdict *verdict);

#endif
