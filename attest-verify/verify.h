/* What the library's top shares with itself: one quote judged, and two verdicts compared.
 * Owns nothing.
 * Never called from a layer below: those are checks, this is their order. */
#ifndef AV_VERIFY_H
#define AV_VERIFY_H

#include "evidence/evidence.h"

/* Judges one quote; `verdict` is initialised. Without a certificate no key is bound; without
 * evidence nothing is said beside the quote. */
void av_judge_quote(const struct attest_request *request, struct attest_bytes bytes,
                    const struct evidence *evidence, X509 *certificate,
                    struct attest_verdict *verdict);

/* The same kind of TEE with the same measurements, all of them: on TDX the MRTD is firmware alone.
 * Of a SEV-SNP report all but what is of the machine. */
bool av_is_same_code(const struct attest_verdict *a, const struct attest_verdict *b);

#endif
