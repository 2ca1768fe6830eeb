/* The explanation of a verdict for people: one line a check, in the order they are made.
 * Owns nothing.
 * Never decides anything, and is no interface for programs: those read the JSON object. */
#ifndef AV_EXPLAIN_TEXT_H
#define AV_EXPLAIN_TEXT_H

#include "attest_verify.h"

/* False when standard output cannot be written. */
bool av_explain_print(const char *file, const struct attest_verdict *verdict,
                      const struct attest_explanation *explanation);

#endif
