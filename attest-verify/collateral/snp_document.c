#include "collateral/snp_document.h"

#include "bytes/hex.h"
#include "bytes/moment.h"
#include "collateral/collateral.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fail(char *error, size_t error_size, const char *member, const char *wrong)
{
    snprintf(error, error_size, "collateral: %s: %s", member, wrong);
    return false;
}

bool av_snp_document_is(const cJSON *json)
{
    const char *tee = av_json_string(json, "tee");
    return tee != NULL && strcmp(tee, attest_tee_word(ATTEST_TEE_SNP)) == 0;
}

static bool parse_product(const cJSON *json, enum snp_product *out)
{
    const char *word = av_json_string(json, "product");
    for (*out = 0; *out < SNP_PRODUCTS; ++*out)
        if (word != NULL && strcmp(word, av_snp_product_name(*out)) == 0)
            return true;
    return false;
}

/* PEM text; an absent member is none, which `is_optional` allows. */
static bool parse_certificate(const cJSON *json, const char *member, bool is_optional,
                              const struct decoder *decoder, X509 **out)
{
    const char *pem = av_json_string(json, member);
    if (pem == NULL)
        return is_optional && cJSON_GetObjectItemCaseSensitive(json, member) == NULL;
    struct attest_bytes bytes = {.ptr = (const uint8_t *)pem, .len = strlen(pem)};
    *out = bytes.len > 0 && pem[0] == '-' ? av_snp_certificate_parse(decoder, bytes) : NULL;
    return *out != NULL;
}

static bool parse_list(const cJSON *json, struct snp_document *document)
{
    const char *hex = av_json_string(json, "crl");
    size_t len = hex != NULL ? strlen(hex) / 2 : 0;
    if (hex == NULL)
        return cJSON_GetObjectItemCaseSensitive(json, "crl") == NULL;
    uint8_t *der = len > 0 && len <= CRL_BYTES_MAX ? malloc(len) : NULL;
    const unsigned char *end = der;
    if (der != NULL && av_hex_decode(hex, strlen(hex), der, len))
        document->chain.crl = d2i_X509_CRL(NULL, &end, (long)len);
    bool whole =
        document->chain.crl != NULL && end == der + len &&
        av_moment_from_asn1(X509_CRL_get0_lastUpdate(document->chain.crl), &document->list_issued);
    free(der);
    return whole;
}

/* The kind of key is read from the name of what issues it, and the leaf must be of it. */
static bool read_names(struct snp_document *document, char *error, size_t error_size)
{
    struct attest_verdict unused;
    const char *wrong;
    bool is_ask = av_snp_chain_is_of(&document->chain, document->product, false, &unused);
    document->is_vlek = !is_ask;
    if (!is_ask && !av_snp_chain_is_of(&document->chain, document->product, true, &unused))
        return fail(error, error_size, "ica",
                    "not SEV-PRODUCT or SEV-VLEK-PRODUCT of ARK-PRODUCT, the one product named");
    if (document->chain.leaf == NULL)
        return true;
    if (!av_common_name_is(document->chain.leaf, document->is_vlek ? "SEV-VLEK" : "SEV-VCEK"))
        return fail(error, error_size, "leaf", "of another kind of key than what issues it");
    if (!av_snp_leaf_parse(document->chain.leaf, document->is_vlek, &document->leaf, &wrong))
        return fail(error, error_size, "leaf", wrong);
    return document->leaf.product == document->product ||
           fail(error, error_size, "leaf", "of another product");
}

static bool parse_certificates(const cJSON *json, const struct decoder *decoder,
                               struct snp_chain *chain, char *error, size_t error_size)
{
    static const char not_pem[] = "not exactly one PEM certificate";
    if (!parse_certificate(json, "ark", false, decoder, &chain->ark))
        return fail(error, error_size, "ark", not_pem);
    if (!parse_certificate(json, "ica", false, decoder, &chain->ica))
        return fail(error, error_size, "ica", not_pem);
    return parse_certificate(json, "leaf", true, decoder, &chain->leaf) ||
           fail(error, error_size, "leaf", not_pem);
}

bool av_snp_document_parse(const cJSON *json, const struct decoder *decoder,
                           struct snp_document *document, char *error, size_t error_size)
{
    static const char *const known[] = {"tee", "product", "leaf", "ica", "ark", "crl", NULL};
    *document = (struct snp_document){.is_vlek = false};
    const char *stranger = av_json_stranger(json, known);
    if (stranger != NULL) {
        snprintf(error, error_size, "collateral: \"%.40s\" is no member of AMD's document",
                 stranger);
        return false;
    }
    if (!parse_product(json, &document->product))
        return fail(error, error_size, "product", "not Milan, Genoa or Turin");
    if (!parse_certificates(json, decoder, &document->chain, error, error_size))
        return false;
    if (!parse_list(json, document))
        return fail(error, error_size, "crl", "not one DER revocation list in hexadecimal");
    return read_names(document, error, error_size);
}

void av_snp_document_fini(struct snp_document *document)
{
    av_snp_chain_fini(&document->chain);
}

bool av_snp_document_prove(struct snp_document *document)
{
    struct attest_verdict unused;
    struct snp_chain *chain = &document->chain;
    chain->proven = (struct proven){.certificate_count = 0};
    chain->path_holds = av_snp_path_holds(chain, document->is_vlek, &unused);
    chain->list_holds = chain->crl != NULL && av_snp_list_holds(chain, &unused);
    return chain->path_holds && (chain->crl == NULL || chain->list_holds);
}

bool av_snp_document_has_leaf(const struct snp_document *document, const struct snp_tcb *tcb,
                              const uint8_t chip_id[SNP_CHIP_ID_BYTES])
{
    const struct snp_leaf *leaf = &document->leaf;
    return document->chain.leaf != NULL && memcmp(&leaf->tcb, tcb, sizeof *tcb) == 0 &&
           (leaf->is_vlek || chip_id == NULL ||
            memcmp(leaf->chip_id, chip_id, sizeof leaf->chip_id) == 0);
}

bool av_snp_document_verify(const struct snp_document *document,
                            const struct attest_request *request, struct attest_verdict *verdict)
{
    struct snp_chain chain = document->chain; /* lent; it fills its own copy of what is proven */
    return av_snp_chain_verify(&chain, document->product, document->is_vlek, request, verdict);
}

static void lend_certificate(X509 *from, X509 **to)
{
    if (*to == NULL && from != NULL && X509_up_ref(from) == 1)
        *to = from;
}

void av_snp_document_lend(const struct snp_document *document, struct snp_chain *chain)
{
    const struct snp_chain *own = &document->chain;
    lend_certificate(own->leaf, &chain->leaf);
    lend_certificate(own->ica, &chain->ica);
    lend_certificate(own->ark, &chain->ark);
    if (chain->crl == NULL && own->crl != NULL && X509_CRL_up_ref(own->crl) == 1)
        chain->crl = own->crl;
    chain->proven = own->proven;
    chain->path_holds = own->path_holds && chain->leaf == own->leaf && chain->ica == own->ica &&
                        chain->ark == own->ark;
    chain->list_holds = own->list_holds && chain->crl == own->crl && chain->ark == own->ark;
}
