/* Which TCB status a platform has by the vendor's documents (ra-tls b.5 to b.7).
 * Owns nothing.
 * Never judges the status: that is the policy's. */
#ifndef AV_TCB_H
#define AV_TCB_H

#include "collateral/tcb_document.h"
#include "formats/quote.h"

/* Platform, TDX module and quoting enclave matched and converged, and once more with the module
 * now loaded when the report tells it. `standing` lends its advisories from the documents. */
AV_MUST_USE bool av_tcb_evaluate(const struct quote *quote, const struct pck *pck,
                                 const struct tcb_document *tcb, const struct qe_document *qe,
                                 struct tcb_standing *standing, struct attest_verdict *verdict);

/* The quoting enclave's report against the vendor's identity of it (b.4, 16). */
AV_MUST_USE bool av_qe_check_identity(const struct quote *quote, const struct qe_document *qe,
                                      struct attest_verdict *verdict);

/* What two standings come to together: worst flags, earliest date, union of advisories. False when
 * the advisories do not fit. */
AV_MUST_USE bool av_tcb_converge(struct tcb_standing *into, const struct tcb_standing *component);

#endif
