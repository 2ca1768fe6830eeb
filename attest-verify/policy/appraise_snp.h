/* Holds a genuine SEV-SNP report against the operator's policy (ra-tls b.9, 7).
 * Owns nothing.
 * Never looks at a report whose signature has not been checked; its caller sees to that. */
#ifndef AV_APPRAISE_SNP_H
#define AV_APPRAISE_SNP_H

#include "formats/snp_leaf.h"
#include "formats/snp_report.h"
#include "policy/policy.h"

/* What the checks of the report brought to light. */
struct snp_findings {
    struct quote quote;
    struct snp_report report;
    struct snp_leaf leaf;
    struct snp_tcbs tcbs;
    bool has_crl;
    bool is_masked; /* its chip id is zero */
};

AV_MUST_USE bool av_appraise_snp(const struct snp_findings *found,
                                 const struct attest_policy *policy,
                                 struct attest_verdict *verdict);

#endif
