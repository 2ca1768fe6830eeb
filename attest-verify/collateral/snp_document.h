/* AMD's collateral as one document: what issues the keys of a product's chips, the revocation list
 * over it, and the VCEK or VLEK of one chip if it is there (README.md says how it is written).
 * Owns its certificates and the list until av_snp_document_fini().
 * Never vouches for them: signatures and dates are checked at each verification. */
#ifndef AV_SNP_DOCUMENT_H
#define AV_SNP_DOCUMENT_H

#include "bytes/json.h"
#include "collateral/snp_chain.h"

struct snp_document {
    enum snp_product product;
    bool is_vlek;
    struct snp_leaf leaf; /* when the chain has one */
    struct snp_chain chain;
    int64_t list_issued; /* unix seconds; 0 without a list */
};

/* Whether the JSON object is of AMD's kind, else it is of Intel's. */
bool av_snp_document_is(const cJSON *json);

/* Members, their shapes and names. False with a sentence; either way the fini function applies. */
AV_MUST_USE bool av_snp_document_parse(const cJSON *json, const struct decoder *decoder,
                                       struct snp_document *document, char *error,
                                       size_t error_size);
void av_snp_document_fini(struct snp_document *document);

/* Notes in the chain which signatures hold; false when one does not. */
bool av_snp_document_prove(struct snp_document *document);

/* Whether it has a leaf, which is of this key, this chip (NULL: hidden, any) and this TCB. */
bool av_snp_document_has_leaf(const struct snp_document *document, const struct snp_tcb *tcb,
                              const uint8_t chip_id[SNP_CHIP_ID_BYTES]);

/* Everything in it, at the request's time. */
AV_MUST_USE bool av_snp_document_verify(const struct snp_document *document,
                                        const struct attest_request *request,
                                        struct attest_verdict *verdict);

/* Completes a chain from the document: what is missing in it, and what was found to hold. */
void av_snp_document_lend(const struct snp_document *document, struct snp_chain *chain);

#endif
