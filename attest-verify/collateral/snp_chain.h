/* AMD's certificates about one chip and the revocation list of their root (ra-tls b.9, 2).
 * Owns a count of the certificates and the list until av_snp_chain_fini().
 * Never takes a root as AMD's for its name: its key is pinned for the product of that name. */
#ifndef AV_SNP_CHAIN_H
#define AV_SNP_CHAIN_H

#include "collateral/chain.h"
#include "formats/snp_leaf.h"

enum { SNP_CERTIFICATE_BYTES_MAX = 16 * 1024 };

/* What was not given is NULL. */
struct snp_chain {
    X509 *leaf, *ica, *ark; /* VCEK or VLEK; ASK or ASVK; ARK */
    X509_CRL *crl;
    struct proven proven; /* signatures found to hold before; lent from where they were found */
    bool path_holds;      /* av_snp_path_holds() was true of these three */
    bool list_holds;      /* av_snp_list_holds() was true of this list and this ARK */
};

/* Each exactly one certificate, DER or PEM, and the list DER; empty ones are not given. */
AV_MUST_USE bool av_snp_chain_parse(const struct attest_snp_endorsements *endorsements,
                                    const struct decoder *decoder, struct snp_chain *chain,
                                    struct attest_verdict *verdict);
void av_snp_chain_fini(struct snp_chain *chain);

/* NULL unless it is exactly one of at most SNP_CERTIFICATE_BYTES_MAX. `decoder` may be NULL. */
X509 *av_snp_certificate_parse(const struct decoder *decoder, struct attest_bytes bytes);

/* One product in the names of ASK or ASVK, and ARK. */
AV_MUST_USE bool av_snp_chain_is_of(const struct snp_chain *chain, enum snp_product product,
                                    bool is_vlek, struct attest_verdict *verdict);

/* The signatures, which neither time nor trust anchors can change: of ARK, ASK or ASVK, and of the
 * leaf if it is there; noted in the chain's `proven`. */
AV_MUST_USE bool av_snp_path_holds(struct snp_chain *chain, bool is_vlek,
                                   struct attest_verdict *verdict);
AV_MUST_USE bool av_snp_list_holds(const struct snp_chain *chain, struct attest_verdict *verdict);

/* Chain, with or without a leaf, its one product, and the ASK or ASVK against the list if there is
 * one. */
AV_MUST_USE bool av_snp_chain_verify(struct snp_chain *chain, enum snp_product product,
                                     bool is_vlek, const struct attest_request *request,
                                     struct attest_verdict *verdict);

#endif
