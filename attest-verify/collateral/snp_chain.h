/* AMD's certificates about one chip and the revocation list of their root (ra-tls b.9, 2).
 * Owns the certificates and the list until av_snp_chain_fini().
 * Never takes a root as AMD's for its name: its key is pinned for the product of that name. */
#ifndef AV_SNP_CHAIN_H
#define AV_SNP_CHAIN_H

#include "collateral/chain.h"
#include "formats/snp_leaf.h"

enum { SNP_CERTIFICATE_BYTES_MAX = 16 * 1024 };

struct snp_chain {
    struct chain certificates; /* leaf, ASK or ASVK, ARK */
    X509_CRL *crl;             /* NULL when none was given */
};

/* Each exactly one DER object. */
AV_MUST_USE bool av_snp_chain_parse(const struct attest_snp_endorsements *endorsements,
                                    struct snp_chain *chain, struct attest_verdict *verdict);
void av_snp_chain_fini(struct snp_chain *chain);

/* Chain, its one product (the leaf's), and the ASK or ASVK against the list if there is one. */
AV_MUST_USE bool av_snp_chain_verify(const struct snp_chain *chain, const struct snp_leaf *leaf,
                                     const struct attest_request *request,
                                     struct attest_verdict *verdict);

#endif
