/* What each check of a verification compared, in words, for whoever asks why.
 * Owns nothing: the explanation is the caller's.
 * Never judges: it is told each result, and says nothing when no explanation is asked for. */
#ifndef AV_EXPLAIN_H
#define AV_EXPLAIN_H

#include "policy/appraise.h"

/* Empties the explanation; what concerns certificates only does not apply to a bare quote. */
void av_explain_init(struct attest_explanation *explanation, bool in_certificate);

/* The checks from QUOTE to POLICY are about to be made, perhaps again for another piece. */
void av_explain_piece(struct attest_explanation *explanation);

/* One result, with what was compared if it passed and why the verdict refuses if not. */
void av_explain_check(const struct attest_request *request, enum attest_check check, bool passed,
                      const struct findings *found, const struct attest_verdict *verdict);

/* The same with these words for what was compared; empty: the check's own sentence. */
void av_explain_words(const struct attest_request *request, enum attest_check check, bool passed,
                      const char *words, const struct attest_verdict *verdict);

/* The piece is a SEV-SNP report: what is of Intel's quoting enclave does not apply. */
void av_explain_report(struct attest_explanation *explanation);

#endif
