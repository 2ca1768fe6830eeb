/* An attester whose verdicts a test gives one by one; implements what lanes use of
 * workers/attester.h.
 * It owns the questions asked. It never answers by itself. */
#ifndef FAKE_ATTESTER_H
#define FAKE_ATTESTER_H

#include "workers/attester.h"

enum { FAKE_QUESTIONS_MAX = 256 };

struct fake_question {
    const struct trust *trust;
    struct mailbox *mailbox;
    void (*answer)(void *owner, uint64_t id, const struct proof *proof);
    uint64_t id;
    size_t certificate_bytes;
    char certificate[64]; /* the beginning */
    bool is_answer;       /* to a challenge, of which the rest is */
    uint8_t exporter[ATTESTER_TERM_BYTES], nonce[ATTESTER_TERM_BYTES];
    size_t answer_bytes;
    char said[64]; /* the beginning */
};

/* Asked so far; question `index` of them. */
unsigned fake_attester_asked(const struct attester *attester);
const struct fake_question *fake_attester_question(const struct attester *attester, unsigned index);
/* Answers question `index`: trusted for `lasts_ms`, or refused as `reason` with `detail`. */
void fake_attester_trust(struct attester *attester, unsigned index, uint64_t lasts_ms);
void fake_attester_refuse(struct attester *attester, unsigned index, const char *reason,
                          const char *detail);
/* The collateral for question `index` is missing, and `detail` says why. */
void fake_attester_cannot(struct attester *attester, unsigned index, const char *detail);
/* Fetched collateral differs from what it was. */
void fake_attester_renew(struct attester *attester);
/* Takes no more questions. */
void fake_attester_fill(struct attester *attester, bool full);

#endif
