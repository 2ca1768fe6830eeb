/* Holds genuine evidence against the operator's policy (ra-tls b.8).
 * Owns nothing.
 * Never looks at evidence whose signatures have not been checked; its caller sees to that. */
#ifndef AV_APPRAISE_H
#define AV_APPRAISE_H

#include "collateral/collateral.h"
#include "formats/quote.h"
#include "policy/policy.h"

/* What the checks of the evidence brought to light. */
struct findings {
    struct quote quote;
    struct pck pck;
    struct tcb_standing standing;
    const struct attest_collateral *collateral;
};

/* Whether an entry of the policy accepts what runs in the TEE. */
AV_MUST_USE bool av_appraise_entries(const struct quote *quote, const struct attest_policy *policy,
                                     struct attest_verdict *verdict);

AV_MUST_USE bool av_appraise(const struct findings *findings, const struct attest_policy *policy,
                             int64_t now, struct attest_verdict *verdict);

#endif
