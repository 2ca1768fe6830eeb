/* The files of one call of the program: evidence, collateral, policy, trust anchors.
 * Owns everything it has loaded until av_inputs_fini().
 * Never judges: a collateral document of the wrong shape is kept as a mistake for the verdict. */
#ifndef AV_INPUTS_H
#define AV_INPUTS_H

#include "attest_verify.h"

enum { INPUTS_COLLATERAL_MAX = 256, INPUTS_FILE_BYTES_MAX = 4 * 1024 * 1024 };

struct inputs {
    uint8_t *evidence;
    size_t evidence_len;
    struct attest_collateral *collateral[INPUTS_COLLATERAL_MAX];
    size_t collateral_count;
    char collateral_mistake[512];       /* file and sentence; empty when all were well */
    struct attest_snp_endorsements snp; /* owned; empty parts were not there */
    struct attest_policy *policy;
    struct attest_roots *roots;
};

/* Each false with a sentence in `error` when the call itself is wrong: no such file, a policy or
 * trust anchors that cannot be read. */
bool av_inputs_read_evidence(struct inputs *inputs, const char *path, char *error, size_t size);
bool av_inputs_add_collateral(struct inputs *inputs, const char *path, char *error, size_t size);
bool av_inputs_read_policy(struct inputs *inputs, const char *path, char *error, size_t size);
bool av_inputs_read_roots(struct inputs *inputs, const char *directory, char *error, size_t size);
void av_inputs_fini(struct inputs *inputs);

#endif
