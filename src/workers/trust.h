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
/* SHA-256 of the policy file's bytes, as sha256sum prints it; and over the trust anchors alone. */
const uint8_t *trust_policy_digest(const struct trust *trust);
const uint8_t *trust_roots_digest(const struct trust *trust);
const struct attest_roots *trust_roots(const struct trust *trust);
/* Its own documents, from files; how many. */
size_t trust_collateral(const struct trust *trust,
                        const struct attest_collateral *const **collateral);
/* What a verdict stands on. */
struct grounds {
    const struct trust *trust; /* NULL trusts nobody */
    const struct attest_collateral *const *collateral;
    size_t collateral_count;
    uint64_t version; /* of what was fetched of the collateral; the rest is the trust's */
};

/* The folder below options->store that is for these roots, made when it is missing. False: nothing
 * is to be stored. */
enum { COLLATERAL_STORE_MAX = 4096 + 32 };
bool trust_store(const struct trust *trust, const struct collateral_options *options,
                 char path[COLLATERAL_STORE_MAX]);
/* The verifier's word on `der` (a certificate) at `now` (unix seconds). */
void trust_judge(const struct grounds *grounds, struct span der, int64_t now,
                 struct attest_verdict *verdict);
/* The same on what a worker answered to a challenge. */
void trust_judge_answer(const struct grounds *grounds, const struct attester_answer *answered,
                        int64_t now, struct attest_verdict *verdict);

#endif
