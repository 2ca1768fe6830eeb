/* A verifier that says what a test told it to; implements what src/ uses of
 * attest_verify.h.
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
    struct attest_platform platform;
    bool chain_is_foreign;       /* no platform can be told */
    bool nothing_holds;          /* of collateral */
    int64_t ends;                /* of what holds */
    void (*_Atomic pause)(void); /* called by each verification; NULL: nothing */
    bool needs_collateral;       /* without any, the verdict is that it is missing */
};

struct fake_attest *fake_attest(void);
/* Trusted, tdx, UpToDate, until `expires`; or refused for lack of evidence with `detail`. */
void fake_attest_trust(int64_t expires);
void fake_attest_refuse(const char *detail);

#endif
