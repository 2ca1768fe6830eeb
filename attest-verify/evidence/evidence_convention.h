/* What every convention of evidence in certificates is made of: how its extension is read, and how
 * its report data binds the key (ra-tls c). One file each, one row each in evidence.c. Owns nothing
 * but what a reader had to put together: struct evidence says so. Never looks at a signature, and
 * never reads an extension but its own. */
#ifndef AV_EVIDENCE_CONVENTION_H
#define AV_EVIDENCE_CONVENTION_H

#include "evidence/evidence.h"

/* What a reader is given: the value of its extension, the certificate for those that belong to it,
 * and the evidence found before. */
struct evidence_source {
    X509 *certificate;
    struct attest_bytes value;
    const struct evidence_set *before;
};

/* The certificate's public key, in the forms that are hashed. Lent. */
struct certificate_key {
    struct attest_bytes spki; /* SubjectPublicKeyInfo, DER */
    struct attest_bytes bits; /* the contents of its bit string */
    bool is_rsa;
    X509 *certificate; /* whose key it is; for its dates and name */
};

typedef bool evidence_parse_fn(const struct evidence_source *source, struct evidence *out);
typedef bool evidence_binds_fn(const struct evidence *evidence, const struct certificate_key *key,
                               const uint8_t report_data[64], struct attest_verdict *verdict);

struct evidence_convention {
    const char *oid;
    const char *name;
    evidence_parse_fn *parse; /* NULL: known, but not read, and refused by name */
    evidence_binds_fn *binds;
};

/* The value of an extension; false when the certificate does not carry it. */
bool av_evidence_extension(X509 *certificate, const char *oid_text, struct attest_bytes *out);

/* SHA-256 in the first half of the report data, zeros in the second: all 64 bytes count. */
bool av_report_data_is_sha256(const uint8_t report_data[64], struct attest_bytes bytes);

AV_MUST_USE evidence_parse_fn av_dice_parse, av_intel_parse, av_bare_parse, av_open_enclave_parse,
    av_dstack_parse, av_dstack8_parse;
AV_MUST_USE evidence_binds_fn av_dice_binds, av_intel_binds, av_gramine_binds, av_rats_binds,
    av_open_enclave_binds, av_dstack_binds, av_attested_tls_binds;

/* attested-tls stands where dstack's evidence stands, as JSON: its reader makes `out` its own. */
enum { ATTESTED_TLS_QUOTE_BYTES_MAX = 64 * 1024 };
extern const struct evidence_convention av_attested_tls;
bool av_is_attested_tls(struct attest_bytes bytes);
AV_MUST_USE bool av_attested_tls_parse(struct attest_bytes text, struct evidence *out);

#endif
