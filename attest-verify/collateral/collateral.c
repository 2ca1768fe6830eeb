#include "collateral/collateral.h"

#include "bytes/crypto.h"
#include "bytes/hex.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fail(char *error, size_t error_size, const char *member, const char *wrong)
{
    snprintf(error, error_size, "collateral: %s: %s", member, wrong);
    return false;
}

static struct attest_bytes bytes_of(const char *text)
{
    return (struct attest_bytes){.ptr = (const uint8_t *)text, .len = strlen(text)};
}

static bool split_chain(const cJSON *json, const char *member, enum chain_kind kind,
                        struct chain_der *der, char *error, size_t error_size)
{
    const char *pem = av_json_string(json, member);
    if (pem == NULL || !av_chain_split(bytes_of(pem), kind, der))
        return fail(error, error_size, member, "not a PEM chain of two certificates");
    return true;
}

static X509_CRL *decode_crl(const char *hex)
{
    size_t len = strlen(hex) / 2;
    if (len == 0 || len > CRL_BYTES_MAX)
        return NULL;
    uint8_t *der = malloc(len);
    X509_CRL *crl = NULL;
    if (der != NULL && av_hex_decode(hex, strlen(hex), der, len)) {
        const unsigned char *end = der;
        crl = d2i_X509_CRL(NULL, &end, (long)len);
        if (crl != NULL && end != der + len) {
            X509_CRL_free(crl);
            crl = NULL;
        }
    }
    free(der);
    return crl;
}

static bool parse_crl(const cJSON *json, const char *member, X509_CRL **crl, char *error,
                      size_t error_size)
{
    const char *hex = av_json_string(json, member);
    *crl = hex != NULL ? decode_crl(hex) : NULL;
    return *crl != NULL ||
           fail(error, error_size, member, "not one DER revocation list in hexadecimal");
}

struct members {
    const char *text, *signature, *chain;
};

static const struct members tcb_members = {"tcb_info", "tcb_info_signature",
                                           "tcb_info_issuer_chain"};
static const struct members qe_members = {"qe_identity", "qe_identity_signature",
                                          "qe_identity_issuer_chain"};

static bool parse_signed(const cJSON *json, const struct members *members, struct signed_text *out,
                         struct chain_der *signer, char *error, size_t error_size)
{
    char wrong[96];
    const char *text = av_json_string(json, members->text);
    if (text == NULL)
        return fail(error, error_size, members->text, "not a string");
    out->json = av_json_parse(bytes_of(text), TCB_DOCUMENT_BYTES_MAX, wrong, sizeof wrong);
    if (out->json == NULL)
        return fail(error, error_size, members->text, wrong);
    if (!av_json_hex(json, members->signature, out->signature, sizeof out->signature))
        return fail(error, error_size, members->signature, "not 128 hexadecimal digits");
    out->text = strdup(text);
    out->len = strlen(text);
    if (out->text == NULL)
        return fail(error, error_size, members->text, "out of memory");
    return split_chain(json, members->chain, CHAIN_TCB_SIGNER, signer, error, error_size);
}

static bool parse_members(const cJSON *json, struct attest_collateral *collateral, char *error,
                          size_t error_size)
{
    const char *wrong;
    struct chain_der *ders = collateral->ders;
    if (!split_chain(json, "pck_crl_issuer_chain", CHAIN_CRL_ISSUER, &ders[COLLATERAL_CRL_ISSUER],
                     error, error_size) ||
        !parse_crl(json, "root_ca_crl", &collateral->root_crl, error, error_size) ||
        !parse_crl(json, "pck_crl", &collateral->pck_crl, error, error_size) ||
        !parse_signed(json, &tcb_members, &collateral->tcb_text, &ders[COLLATERAL_TCB_SIGNER],
                      error, error_size) ||
        !parse_signed(json, &qe_members, &collateral->qe_text, &ders[COLLATERAL_QE_SIGNER], error,
                      error_size))
        return false;
    if (!av_tcb_document_parse(collateral->tcb_text.json, &collateral->tcb, &wrong))
        return fail(error, error_size, tcb_members.text, wrong);
    if (!av_qe_document_parse(collateral->qe_text.json, &collateral->qe, &wrong))
        return fail(error, error_size, qe_members.text, wrong);
    if (collateral->tcb.head.tee != collateral->qe.head.tee)
        return fail(error, error_size, qe_members.text, "of another kind of TEE than tcb_info");
    return true;
}

static bool parse_document(const cJSON *json, const struct decoder *decoder,
                           struct attest_collateral *collateral, char *error, size_t error_size)
{
    collateral->is_amd = av_snp_document_is(json);
    if (!collateral->is_amd)
        return parse_members(json, collateral, error, error_size);
    collateral->tcb.head.tee = ATTEST_TEE_SNP;
    return av_snp_document_parse(json, decoder, &collateral->snp, error, error_size);
}

struct attest_collateral *attest_collateral_parse_with(const struct attest_roots *roots,
                                                       struct attest_bytes json, char *error,
                                                       size_t error_size)
{
    char wrong[96];
    cJSON *tree = av_json_parse(json, COLLATERAL_BYTES_MAX, wrong, sizeof wrong);
    if (tree == NULL) {
        fail(error, error_size, "the document", wrong);
        return NULL;
    }
    ERR_set_mark(); /* a broken certificate leaves OpenSSL's errors behind */
    struct attest_collateral *collateral = calloc(1, sizeof *collateral);
    bool ok = collateral != NULL &&
              parse_document(tree, av_roots_decoder(roots), collateral, error, error_size);
    ERR_pop_to_mark();
    if (collateral == NULL)
        fail(error, error_size, "the document", "out of memory");
    cJSON_Delete(tree);
    if (ok)
        return collateral;
    attest_collateral_free(collateral);
    return NULL;
}

struct attest_collateral *attest_collateral_parse(struct attest_bytes json, char *error,
                                                  size_t error_size)
{
    return attest_collateral_parse_with(NULL, json, error, error_size);
}

static void fini_signed(struct signed_text *text)
{
    cJSON_Delete(text->json);
    free(text->text);
}

void attest_collateral_free(struct attest_collateral *collateral)
{
    if (collateral == NULL)
        return;
    av_snp_document_fini(&collateral->snp);
    av_tcb_document_fini(&collateral->tcb);
    av_qe_document_fini(&collateral->qe);
    fini_signed(&collateral->tcb_text);
    fini_signed(&collateral->qe_text);
    for (size_t i = 0; i < COLLATERAL_CHAINS; ++i)
        av_chain_der_fini(&collateral->ders[i]);
    av_collateral_chains_fini(&collateral->proven_chains);
    X509_CRL_free(collateral->root_crl);
    X509_CRL_free(collateral->pck_crl);
    free(collateral);
}

const struct collateral_chains *av_collateral_chains(const struct attest_collateral *collateral,
                                                     const struct decoder *decoder,
                                                     const struct chain *like,
                                                     struct collateral_chains *own)
{
    const struct chain *likes[1 + COLLATERAL_CHAINS] = {like};
    *own = (struct collateral_chains){0};
    if (collateral->is_proven)
        return &collateral->proven_chains;
    for (size_t i = 0; i < COLLATERAL_CHAINS; ++i) {
        if (!av_chain_decode(&collateral->ders[i], decoder, likes, 1 + i, &own->chains[i]))
            return NULL;
        likes[1 + i] = &own->chains[i];
    }
    return own;
}

void av_collateral_chains_fini(struct collateral_chains *chains)
{
    for (size_t i = 0; i < COLLATERAL_CHAINS; ++i)
        av_chain_fini(&chains->chains[i]);
}

static bool chains_are_equal(const struct chain *a, const struct chain *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; ++i)
        if (X509_cmp(a->certificates[i], b->certificates[i]) != 0)
            return false;
    return true;
}

static bool check_dates(const struct document_head *head, const char *name, struct moment at,
                        struct attest_verdict *verdict)
{
    av_verdict_note_end(verdict, head->next_update + at.grace_s);
    if (at.now < head->issued)
        return av_refuse(verdict, ATTEST_COLLATERAL_EARLY, "the %s is issued at %lld", name,
                         (long long)head->issued);
    if (at.now > head->next_update + at.grace_s)
        return av_refuse(verdict, ATTEST_COLLATERAL_EXPIRED, "the %s ended at %lld", name,
                         (long long)head->next_update);
    return true;
}

static bool check_signature(const struct signed_text *text, const struct chain *signer,
                            const char *name, struct attest_verdict *verdict)
{
    struct attest_bytes message = {.ptr = (const uint8_t *)text->text, .len = text->len};
    struct attest_bytes signature = {.ptr = text->signature, .len = sizeof text->signature};
    return av_signature_holds(X509_get0_pubkey(signer->certificates[0]), signature, message) ||
           av_refuse(verdict, ATTEST_COLLATERAL_SIGNATURE, "the %s is not signed by its signer",
                     name);
}

/* The lists and the chain the PCK CRL came with. */
static bool verify_lists(const struct attest_collateral *collateral,
                         const struct collateral_chains *chains, const struct chain_trust *trust,
                         struct moment at, struct attest_verdict *verdict)
{
    const struct chain *issuer = &chains->chains[COLLATERAL_CRL_ISSUER];
    return av_chain_verify(issuer, CHAIN_CRL_ISSUER, trust, verdict) &&
           av_crl_check(collateral->root_crl, issuer->certificates[1], "root", at, verdict) &&
           av_crl_check(collateral->pck_crl, issuer->certificates[0], "PCK", at, verdict);
}

static bool verify_signers(const struct collateral_chains *chains, const struct chain_trust *trust,
                           struct attest_verdict *verdict)
{
    const struct chain *tcb_signer = &chains->chains[COLLATERAL_TCB_SIGNER];
    const struct chain *qe_signer = &chains->chains[COLLATERAL_QE_SIGNER];
    return av_chain_verify(tcb_signer, CHAIN_TCB_SIGNER, trust, verdict) &&
           (chains_are_equal(tcb_signer, qe_signer) ||
            av_chain_verify(qe_signer, CHAIN_TCB_SIGNER, trust, verdict));
}

static bool check_texts(const struct attest_collateral *collateral,
                        const struct collateral_chains *chains, struct attest_verdict *verdict)
{
    return check_signature(&collateral->tcb_text, &chains->chains[COLLATERAL_TCB_SIGNER],
                           "TCB info", verdict) &&
           check_signature(&collateral->qe_text, &chains->chains[COLLATERAL_QE_SIGNER],
                           "QE identity", verdict);
}

bool av_collateral_verify(const struct attest_collateral *collateral,
                          const struct collateral_chains *chains,
                          const struct attest_request *request, int64_t grace_s,
                          struct proven *proven, struct attest_verdict *verdict)
{
    struct moment at = {.now = request->now, .grace_s = grace_s};
    struct chain_trust trust = {.roots = request->roots,
                                .crls = {collateral->root_crl},
                                .crl_count = 1,
                                .now = request->now,
                                .proven = proven,
                                .path_holds = collateral->is_proven};
    if (chains == NULL)
        return av_refuse(verdict, ATTEST_COLLATERAL_MALFORMED,
                         "a chain of the collateral holds what is no certificate");
    if (collateral->is_proven)
        *proven = collateral->proven;
    return verify_lists(collateral, chains, &trust, at, verdict) &&
           verify_signers(chains, &trust, verdict) &&
           (collateral->is_proven || check_texts(collateral, chains, verdict)) &&
           check_dates(&collateral->tcb.head, "TCB info", at, verdict) &&
           check_dates(&collateral->qe.head, "QE identity", at, verdict);
}

/* Whatever fails here is left to the verifications, which find it again and say so. */
static bool prove_intel(struct attest_collateral *collateral)
{
    struct attest_verdict unused;
    struct proven *proven = &collateral->proven;
    struct chain_trust trust = {.crls = {collateral->root_crl}, .crl_count = 1, .proven = proven};
    const struct chain none = {0};
    struct collateral_chains *chains = &collateral->proven_chains;
    *proven = (struct proven){0};
    collateral->is_proven = false; /* else its chains would be taken from before */
    av_collateral_chains_fini(chains);
    bool holds = av_collateral_chains(collateral, NULL, &none, chains) != NULL &&
                 av_chain_path_holds(&chains->chains[COLLATERAL_CRL_ISSUER], CHAIN_CRL_ISSUER,
                                     &trust, &unused) &&
                 av_chain_path_holds(&chains->chains[COLLATERAL_TCB_SIGNER], CHAIN_TCB_SIGNER,
                                     &trust, &unused) &&
                 av_chain_path_holds(&chains->chains[COLLATERAL_QE_SIGNER], CHAIN_TCB_SIGNER,
                                     &trust, &unused) &&
                 av_proven_add_crl(proven, collateral->pck_crl,
                                   chains->chains[COLLATERAL_CRL_ISSUER].certificates[0]) &&
                 check_texts(collateral, chains, &unused);
    if (!holds)
        av_collateral_chains_fini(chains);
    return holds;
}

bool attest_collateral_prove(struct attest_collateral *collateral)
{
    ERR_set_mark();
    collateral->is_proven =
        collateral->is_amd ? av_snp_document_prove(&collateral->snp) : prove_intel(collateral);
    ERR_pop_to_mark();
    return collateral->is_proven;
}
