#include "collateral/snp_chain.h"

#include "collateral/collateral.h"

#include <openssl/x509v3.h>
#include <stdio.h>

X509 *av_snp_certificate_parse(const struct decoder *decoder, struct attest_bytes bytes)
{
    if (bytes.len == 0 || bytes.len > SNP_CERTIFICATE_BYTES_MAX)
        return NULL;
    if (bytes.ptr[0] != '-') /* DER begins with a sequence's tag */
        return av_decode_certificate(decoder, bytes);
    struct cursor cursor = av_cursor_over(bytes);
    X509 *certificate = av_pem_take_certificate(&cursor, decoder);
    if (av_pem_is_spent(&cursor))
        return certificate;
    X509_free(certificate);
    return NULL;
}

static X509_CRL *parse_crl(struct attest_bytes der)
{
    const unsigned char *end = der.ptr;
    X509_CRL *crl = der.len <= CRL_BYTES_MAX ? d2i_X509_CRL(NULL, &end, (long)der.len) : NULL;
    if (crl == NULL || end == der.ptr + der.len)
        return crl;
    X509_CRL_free(crl);
    return NULL;
}

bool av_snp_chain_parse(const struct attest_snp_endorsements *endorsements,
                        const struct decoder *decoder, struct snp_chain *chain,
                        struct attest_verdict *verdict)
{
    *chain = (struct snp_chain){.leaf = NULL};
    const struct {
        const char *name;
        struct attest_bytes bytes;
        X509 **out;
    } parts[] = {{"VCEK or VLEK", endorsements->leaf, &chain->leaf},
                 {"ASK or ASVK", endorsements->ica, &chain->ica},
                 {"ARK", endorsements->ark, &chain->ark}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
        if (parts[i].bytes.len == 0)
            continue;
        *parts[i].out = av_snp_certificate_parse(decoder, parts[i].bytes);
        if (*parts[i].out == NULL)
            return av_refuse(verdict, ATTEST_LEAF_MALFORMED,
                             "the %s is not one whole certificate of at most %d bytes",
                             parts[i].name, SNP_CERTIFICATE_BYTES_MAX);
    }
    if (endorsements->crl.len == 0)
        return true;
    chain->crl = parse_crl(endorsements->crl);
    return chain->crl != NULL || av_refuse(verdict, ATTEST_COLLATERAL_MALFORMED,
                                           "the revocation list is not one whole DER list");
}

void av_snp_chain_fini(struct snp_chain *chain)
{
    X509_free(chain->leaf);
    X509_free(chain->ica);
    X509_free(chain->ark);
    X509_CRL_free(chain->crl);
    *chain = (struct snp_chain){.leaf = NULL};
}

bool av_snp_chain_is_of(const struct snp_chain *chain, enum snp_product product, bool is_vlek,
                        struct attest_verdict *verdict)
{
    char ica[32], ark[32];
    const char *name = av_snp_product_name(product);
    snprintf(ica, sizeof ica, "%s-%s", is_vlek ? "SEV-VLEK" : "SEV", name);
    snprintf(ark, sizeof ark, "ARK-%s", name);
    return (av_common_name_is(chain->ica, ica) && av_common_name_is(chain->ark, ark)) ||
           av_refuse(verdict, ATTEST_LEAF_MISMATCH, "a certificate of %s in the chain of another",
                     name);
}

/* The ARK's own list, by key id too if it has one: another root may have the same name. No list of
 * AMD's was at hand to see whether it does (2026-11); its leaves do without. */
static bool list_is_of(X509_CRL *crl, X509 *ark)
{
    int found;
    AUTHORITY_KEYID *id = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, &found, NULL);
    const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(ark);
    bool same = found == -1 || (id != NULL && id->keyid != NULL && own != NULL &&
                                ASN1_OCTET_STRING_cmp(id->keyid, own) == 0);
    AUTHORITY_KEYID_free(id);
    return same;
}

bool av_snp_list_holds(const struct snp_chain *chain, struct attest_verdict *verdict)
{
    if (!list_is_of(chain->crl, chain->ark))
        return av_refuse(verdict, ATTEST_CRL_UNTRUSTED, "the AMD CRL names another key");
    if (X509_CRL_get_ext_by_critical(chain->crl, 1, -1) >= 0)
        return av_refuse(verdict, ATTEST_CRL_UNTRUSTED, "the AMD CRL has a critical extension");
    if (X509_CRL_get_signature_nid(chain->crl) != NID_rsassaPss)
        return av_refuse(verdict, ATTEST_CRL_UNTRUSTED, "the AMD CRL is not signed by RSA-PSS");
    return X509_CRL_verify(chain->crl, X509_get0_pubkey(chain->ark)) == 1 ||
           av_refuse(verdict, ATTEST_CRL_UNTRUSTED, "the ARK did not sign the AMD CRL");
}

static bool check_list(const struct snp_chain *chain, int64_t now, struct attest_verdict *verdict)
{
    X509_REVOKED *entry = NULL;
    if (chain->crl == NULL)
        return true;
    if (!av_crl_check_times(chain->crl, chain->ark, "AMD", now, verdict) ||
        (!chain->list_holds && !av_snp_list_holds(chain, verdict)))
        return false;
    return X509_CRL_get0_by_cert(chain->crl, &entry, chain->ica) == 0 ||
           av_refuse(verdict, ATTEST_REVOKED, "AMD has revoked the key that issued the leaf");
}

/* As chain.h has it: lent, from the leaf if there is one. */
static struct chain path_of(const struct snp_chain *chain)
{
    return chain->leaf != NULL
               ? (struct chain){.certificates = {chain->leaf, chain->ica, chain->ark}, .count = 3}
               : (struct chain){.certificates = {chain->ica, chain->ark}, .count = 2};
}

static enum chain_kind kind_of(const struct snp_chain *chain, bool is_vlek)
{
    if (chain->leaf == NULL)
        return is_vlek ? CHAIN_ASVK : CHAIN_ASK;
    return is_vlek ? CHAIN_VLEK : CHAIN_VCEK;
}

bool av_snp_path_holds(struct snp_chain *chain, bool is_vlek, struct attest_verdict *verdict)
{
    struct chain_trust trust = {.proven = &chain->proven};
    struct chain path = path_of(chain);
    return av_chain_path_holds(&path, kind_of(chain, is_vlek), &trust, verdict);
}

bool av_snp_chain_verify(struct snp_chain *chain, enum snp_product product, bool is_vlek,
                         const struct attest_request *request, struct attest_verdict *verdict)
{
    struct chain_trust trust = {.roots = request->roots,
                                .now = request->now,
                                .proven = &chain->proven,
                                .path_holds = chain->path_holds};
    struct chain path = path_of(chain);
    return av_chain_verify(&path, kind_of(chain, is_vlek), &trust, verdict) &&
           av_snp_chain_is_of(chain, product, is_vlek, verdict) &&
           check_list(chain, request->now, verdict);
}
