/* A worker's answer to a challenge: the JSON object {"tee", "evidence", "endorsements"}, taken
 * apart. Owns the decoded bytes until av_answer_fini(). Never judges the evidence in it, and takes
 * base64url without padding alone (RFC 4648 5). */
#ifndef AV_ANSWER_H
#define AV_ANSWER_H

#include "verdict.h"

enum { ANSWER_ENDORSEMENTS = 4 };

struct answer {
    enum attest_tee tee;
    struct attest_bytes evidence;
    struct attest_snp_endorsements endorsements; /* SEV-SNP; what is missing is empty */
    uint8_t *owned[1 + ANSWER_ENDORSEMENTS];
};

/* Refuses what is not such an object; members of other names are passed over. `answer` begins all
 * zero; free it either way. */
AV_MUST_USE bool av_answer_parse(struct attest_bytes json, struct answer *answer,
                                 struct attest_verdict *verdict);
void av_answer_fini(struct answer *answer);

#endif
