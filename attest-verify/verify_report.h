/* One SEV-SNP report judged, by itself or as what a certificate carries.
 * Owns nothing.
 * Never takes a certificate that came with a report for more than a claim: a pinned key must stand
 * at its chain's end. */
#ifndef AV_VERIFY_REPORT_H
#define AV_VERIFY_REPORT_H

#include "collateral/snp_chain.h"
#include "evidence/evidence.h"
#include "formats/snp_report.h"

/* What is verified. Without a certificate no key is bound; without evidence nothing is said beside
 * the report. */
struct report_case {
    struct attest_bytes bytes;
    const struct attest_snp_endorsements *brought; /* what came with it; each part may be empty */
    const struct evidence *evidence;
    X509 *certificate;
};

void av_judge_report(const struct attest_request *request, const struct report_case *one,
                     struct attest_verdict *verdict);

/* The leaf's word against the report's: kind of key and product. `leaf` is filled. */
AV_MUST_USE bool av_report_read_leaf(const struct snp_report *report, X509 *certificate,
                                     struct snp_leaf *leaf, struct attest_verdict *verdict);

#endif
