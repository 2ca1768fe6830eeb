/* How a pool verifies: the parsed policy, trust anchors and collateral, and a digest of their
 * bytes. It owns the verifier's objects and is counted across threads; it is immutable once read.
 * It never leaves workers/: others hold a pointer and know it by registry.h alone. */
#ifndef WORKERS_TRUST_H
#define WORKERS_TRUST_H

#include "attest_verify.h"
#include "workers/attester.h"
#include "workers/registry.h"

/* SHA-256 over every byte of policy, roots and collateral: two of the same digest judge alike. */
const uint8_t *trust_digest(const struct trust *trust);
/* Both may be NULL (a pool without a policy: nobody is trusted). */
bool trust_is_same(const struct trust *one, const struct trust *other);
/* The verifier's word on `der` (a certificate) at `now` (unix seconds). */
void trust_judge(const struct trust *trust, struct span der, int64_t now,
                 struct attest_verdict *verdict);
/* The same on what a worker answered to a challenge. */
void trust_judge_answer(const struct trust *trust, const struct attester_answer *answered,
                        int64_t now, struct attest_verdict *verdict);

#endif
