/* A verifier that says what a test told it to; implements attest_verify.h whole.
 * It owns the script. It never looks at evidence: texts that begin with '{' or "-----BEGIN" parse,
 * all others do not. */
#ifndef FAKE_ATTEST_H
#define FAKE_ATTEST_H

#include "attest_verify.h"

/* What is asked last, and how often. Read it when no verification can be under way. */
struct fake_attest {
    struct attest_verdict verdict; /* the answer to the next question */
    unsigned asked;
    int64_t now;
    size_t collateral_count;
    size_t der_len;
    size_t answer_len; /* of the last answer to a challenge */
    struct attest_challenge challenge;
    unsigned alive; /* parsed objects not freed */
};

struct fake_attest *fake_attest(void);
/* Trusted, tdx, UpToDate, until `expires`; or refused for lack of evidence with `detail`. */
void fake_attest_trust(int64_t expires);
void fake_attest_refuse(const char *detail);

#endif
