/* How the checks of attest-verify write down what they found.
 * Owns nothing: the verdict belongs to the caller of the library.
 * Never turns a refusal into trust: only av_verdict_trust() writes ATTEST_TRUSTED. Names of this
 * library's inside begin with av_, because it is linked into programs with modules of their own. */
#ifndef AV_VERDICT_H
#define AV_VERDICT_H

#include "attest_verify.h"

#define AV_MUST_USE __attribute__((warn_unused_result))

/* Empties the verdict; its reason is INTERNAL until a check or av_verdict_trust() sets another. */
void av_verdict_init(struct attest_verdict *verdict);

/* Notes why the evidence is refused and returns false, so that a check can end with it. */
bool av_refuse(struct attest_verdict *verdict, enum attest_reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Notes that something the verdict rests on ends at `at`; the earliest is kept. */
void av_verdict_note_end(struct attest_verdict *verdict, int64_t at);

void av_verdict_trust(struct attest_verdict *verdict);

#endif
