#include "collateral/snp_chain.h"

#include "collateral/collateral.h"

#include <openssl/x509v3.h>
#include <stdio.h>

static X509 *parse_certificate(struct attest_bytes der)
{
    const unsigned char *end = der.ptr;
    X509 *certificate =
        der.len <= SNP_CERTIFICATE_BYTES_MAX ? d2i_X509(NULL, &end, (long)der.len) : NULL;
    if (certificate == NULL || end == der.ptr + der.len)
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

bool av_snp_chain_parse(const struct attest_snp_endorsements *endorsements, struct snp_chain *chain,
                        struct attest_verdict *verdict)
{
    static const char *const names[] = {"VCEK or VLEK", "ASK or ASVK", "ARK"};
    const struct attest_bytes ders[] = {endorsements->leaf, endorsements->ica, endorsements->ark};
    *chain = (struct snp_chain){.crl = NULL};
    for (size_t i = 0; i < CHAIN_CERTIFICATES_MAX; ++i) {
        if (ders[i].len == 0)
            return av_refuse(verdict, ATTEST_COLLATERAL_MISSING, "no certificate of the %s",
                             names[i]);
        X509 *certificate = parse_certificate(ders[i]);
        if (certificate == NULL)
            return av_refuse(verdict, ATTEST_LEAF_MALFORMED,
                             "the %s is not one whole DER certificate of at most %d bytes",
                             names[i], SNP_CERTIFICATE_BYTES_MAX);
        chain->certificates.certificates[chain->certificates.count++] = certificate;
    }
    if (endorsements->crl.len == 0)
        return true;
    chain->crl = parse_crl(endorsements->crl);
    return chain->crl != NULL || av_refuse(verdict, ATTEST_COLLATERAL_MALFORMED,
                                           "the revocation list is not one whole DER list");
}

void av_snp_chain_fini(struct snp_chain *chain)
{
    av_chain_fini(&chain->certificates);
    X509_CRL_free(chain->crl);
    chain->crl = NULL;
}

/* One product in all three: the names of the other two are its own. */
static bool check_product(const struct chain *chain, const struct snp_leaf *leaf,
                          struct attest_verdict *verdict)
{
    char ica[32], ark[32];
    const char *product = av_snp_product_name(leaf->product);
    snprintf(ica, sizeof ica, "%s-%s", leaf->is_vlek ? "SEV-VLEK" : "SEV", product);
    snprintf(ark, sizeof ark, "ARK-%s", product);
    return (av_common_name_is(chain->certificates[1], ica) &&
            av_common_name_is(chain->certificates[2], ark)) ||
           av_refuse(verdict, ATTEST_LEAF_MISMATCH, "a certificate of %s in the chain of another",
                     product);
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

static bool check_list(const struct snp_chain *chain, int64_t now, struct attest_verdict *verdict)
{
    X509 *ica = chain->certificates.certificates[1], *ark = chain->certificates.certificates[2];
    X509_REVOKED *entry = NULL;
    if (chain->crl == NULL)
        return true;
    if (!av_crl_check_times(chain->crl, ark, "AMD", now, verdict))
        return false;
    if (!list_is_of(chain->crl, ark))
        return av_refuse(verdict, ATTEST_CRL_UNTRUSTED, "the AMD CRL names another key");
    if (X509_CRL_get_ext_by_critical(chain->crl, 1, -1) >= 0)
        return av_refuse(verdict, ATTEST_CRL_UNTRUSTED, "the AMD CRL has a critical extension");
    if (X509_CRL_get_signature_nid(chain->crl) != NID_rsassaPss)
        return av_refuse(verdict, ATTEST_CRL_UNTRUSTED, "the AMD CRL is not signed by RSA-PSS");
    if (X509_CRL_verify(chain->crl, X509_get0_pubkey(ark)) != 1)
        return av_refuse(verdict, ATTEST_CRL_UNTRUSTED, "the ARK did not sign the AMD CRL");
    return X509_CRL_get0_by_cert(chain->crl, &entry, ica) == 0 ||
           av_refuse(verdict, ATTEST_REVOKED, "AMD has revoked the key that issued the leaf");
}

bool av_snp_chain_verify(const struct snp_chain *chain, const struct snp_leaf *leaf,
                         const struct attest_request *request, struct attest_verdict *verdict)
{
    struct chain_trust trust = {.roots = request->roots, .now = request->now};
    return av_chain_verify(&chain->certificates, leaf->is_vlek ? CHAIN_VLEK : CHAIN_VCEK, &trust,
                           verdict) &&
           check_product(&chain->certificates, leaf, verdict) &&
           check_list(chain, request->now, verdict);
}
