/* The certificate table that a host hands a guest with its extended report: GUID, offset and length
 * of each, then the certificates (GHCB specification 2.03, 4.1.8.1).
 * Owns nothing: what it finds points into the table's own bytes.
 * Never trusts a certificate, and never takes a revocation list from the host. */
#ifndef AV_SNP_TABLE_H
#define AV_SNP_TABLE_H

#include "verdict.h"

enum { SNP_TABLE_ENTRIES_MAX = 16 };

/* Each certificate at most once; VCEK and VLEK are one place. Those of other GUIDs are passed over.
 */
AV_MUST_USE bool av_snp_table_parse(struct attest_bytes bytes, struct attest_snp_endorsements *out);

#endif
