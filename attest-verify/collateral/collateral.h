/* One collateral document, parsed: Intel's statements about the platforms of one FMSPC and TEE, or
 * AMD's about the chips of one product (snp_document.h).
 * Owns its certificates, revocation lists, JSON trees and texts.
 * Never vouches for them: signatures and dates are checked at each verification. */
#ifndef AV_COLLATERAL_H
#define AV_COLLATERAL_H

#include "collateral/chain.h"
#include "collateral/snp_document.h"
#include "collateral/tcb_document.h"

enum { COLLATERAL_BYTES_MAX = 2 * 1024 * 1024, CRL_BYTES_MAX = 1024 * 1024 };

/* A signed text. */
struct signed_text {
    cJSON *json;
    char *text;
    size_t len;
    uint8_t signature[64];
};

/* Of what issued the PCK CRL and the root's, and of the signers of both texts. */
enum collateral_chain {
    COLLATERAL_CRL_ISSUER,
    COLLATERAL_TCB_SIGNER,
    COLLATERAL_QE_SIGNER,
    COLLATERAL_CHAINS
};

struct collateral_chains {
    struct chain chains[COLLATERAL_CHAINS];
};

struct attest_collateral {
    bool is_amd; /* then only `snp` is filled, and tcb.head.tee */
    struct snp_document snp;
    struct signed_text tcb_text, qe_text;
    struct tcb_document tcb;
    struct qe_document qe;
    struct chain_der ders[COLLATERAL_CHAINS];
    X509_CRL *root_crl, *pck_crl;
    struct proven proven;                   /* by attest_collateral_prove(), when `is_proven` */
    struct collateral_chains proven_chains; /* what that is about; else empty */
    bool is_proven;
};

/* The document's chains: as they were proven, else decoded into `own`, with what is the same in
 * `like`. Decoding needs the decoder of a verification, which parsing has not; making one costs
 * more than it saves for three certificates. NULL: one is no certificate. Either way the fini
 * function applies to `own`, which must outlive what is noted about the chains. */
const struct collateral_chains *av_collateral_chains(const struct attest_collateral *collateral,
                                                     const struct decoder *decoder,
                                                     const struct chain *like,
                                                     struct collateral_chains *own);
void av_collateral_chains_fini(struct collateral_chains *chains);

/* Of Intel's document: chain, signature and dates of both texts, and the lists with their issuers;
 * the PCK CRL's own signature is checked where it is used, with the platform's chain. For `grace_s`
 * after their end documents and lists still count. Notes the earliest end, and in `proven` the
 * signatures. */
AV_MUST_USE bool av_collateral_verify(const struct attest_collateral *collateral,
                                      const struct collateral_chains *chains,
                                      const struct attest_request *request, int64_t grace_s,
                                      struct proven *proven, struct attest_verdict *verdict);

#endif
