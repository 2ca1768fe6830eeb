/* The shape of an SEV-SNP attestation report (ra-tls a.7), version 2 to 5.
 * Owns nothing: every part points into the report's own bytes.
 * Never checks a signature; what depends on the product waits until a certificate names it. */
#ifndef AV_SNP_REPORT_H
#define AV_SNP_REPORT_H

#include "formats/quote.h"
#include "formats/snp.h"

enum { SNP_VERSION_MIN = 2, SNP_VERSION_MAX = 5, SNP_VERSION_WITH_CPUID = 3 };
enum { SNP_SIGNED_BYTES = 0x2a0, SNP_SCALAR_BYTES = 48 };

/* Guest policy and platform info, as bits (a.7). */
#define SNP_POLICY_MIGRATE     (UINT64_C(1) << 18)
#define SNP_POLICY_DEBUG       (UINT64_C(1) << 19)
#define SNP_PLATFORM_UNALIASED (UINT64_C(1) << 5) /* ALIAS_CHECK_COMPLETE */

struct snp_report {
    bool is_vlek;     /* its SIGNING_KEY, else VCEK */
    bool has_product; /* from version 3 on */
    enum snp_product product;
    uint8_t signature[2 * SNP_SCALAR_BYTES]; /* r then s, big-endian */
};

/* The four TCB versions of a report, when its product is known. */
struct snp_tcbs {
    struct snp_tcb current, reported, committed, launch;
};

/* Fills `quote` (of BODY_SNP) and `report`, and in the verdict TEE, measurements and report data.
 * Zero bytes after the report are taken for padding when `padded`. */
AV_MUST_USE bool av_snp_report_parse(struct attest_bytes bytes, bool padded, struct quote *quote,
                                     struct snp_report *report, struct attest_verdict *verdict);

/* Splits the TCB versions and checks their order: reported, committed, current; launch, current. */
AV_MUST_USE bool av_snp_report_tcbs(const struct quote *quote, enum snp_product product,
                                    struct snp_tcbs *tcbs, struct attest_verdict *verdict);

#endif
