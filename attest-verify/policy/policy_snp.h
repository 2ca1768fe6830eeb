/* The member "snp" of a policy: what is asked of SEV-SNP whatever runs in it.
 * Owns nothing: texts stay lent from the policy's JSON.
 * Never relaxes by being absent: its defaults are the strictest. */
#ifndef AV_POLICY_SNP_H
#define AV_POLICY_SNP_H

#include "policy/policy_entry.h"

AV_MUST_USE bool av_policy_parse_snp(const cJSON *json, struct policy_snp *out,
                                     struct complaint *complaint);

#endif
