#include "collateral/proven.h"

#include "bytes/crypto.h"

#include <openssl/x509v3.h>

/* X509_cmp compares the signed bytes, so an equal certificate is as good as the same one. */
static bool is_proven(const struct proven *proven, X509 *subject, X509 *issuer)
{
    for (size_t i = 0; i < proven->certificate_count; ++i)
        if (X509_cmp(proven->certificates[i].subject, subject) == 0 &&
            X509_cmp(proven->certificates[i].issuer, issuer) == 0)
            return true;
    return false;
}

static bool is_crl_proven(const struct proven *proven, X509_CRL *crl, X509 *issuer)
{
    for (size_t i = 0; i < proven->crl_count; ++i)
        if (proven->crls[i].crl == crl && X509_cmp(proven->crls[i].issuer, issuer) == 0)
            return true;
    return false;
}

static void note(struct proven *proven, X509 *subject, X509 *issuer)
{
    if (proven->certificate_count == PROVEN_MAX)
        return;
    proven->certificates[proven->certificate_count].subject = subject;
    proven->certificates[proven->certificate_count++].issuer = issuer;
}

static void note_crl(struct proven *proven, X509_CRL *crl, X509 *issuer)
{
    if (proven->crl_count == PROVEN_MAX)
        return;
    proven->crls[proven->crl_count].crl = crl;
    proven->crls[proven->crl_count++].issuer = issuer;
}

/* Whether a list may vouch for a certificate depends on its distribution point (RFC 5280 5.2.5), so
 * only without one does the check of a list depend on nothing but list and issuer. */
static bool is_plain(X509_CRL *crl)
{
    return X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1) < 0 &&
           X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) < 0;
}

static bool signature_holds(struct proven *proven, X509 *subject, X509 *issuer)
{
    if (is_proven(proven, subject, issuer))
        return true;
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    if (X509_check_issued(issuer, subject) != X509_V_OK || key == NULL ||
        !av_certificate_is_signed(subject, key))
        return false;
    note(proven, subject, issuer);
    return true;
}

/* In place of OpenSSL's walk over the signatures; it does the walk, and names the failure, whenever
 * one does not hold. */
static int verify_signatures(X509_STORE_CTX *run)
{
    const struct proven_run *memory = X509_STORE_CTX_get_app_data(run);
    STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(run);
    bool ok = sk_X509_num(path) > 0;
    for (int i = sk_X509_num(path) - 1; ok && i >= 0; --i) {
        X509 *subject = sk_X509_value(path, i);
        bool is_top = i == sk_X509_num(path) - 1;
        ok =
            signature_holds(memory->proven, subject, is_top ? subject : sk_X509_value(path, i + 1));
    }
    return ok ? 1 : memory->verify(run);
}

/* A plain list that its issuer signed, and may sign: OpenSSL's check of it asks nothing more, since
 * all that can issue here stands in the path itself. */
static int check_crl(X509_STORE_CTX *run, X509_CRL *crl)
{
    const struct proven_run *memory = X509_STORE_CTX_get_app_data(run);
    X509 *issuer = X509_STORE_CTX_get0_current_issuer(run);
    bool may_note = issuer != NULL && is_plain(crl);
    if (may_note && (is_crl_proven(memory->proven, crl, issuer) ||
                     av_proven_add_crl(memory->proven, crl, issuer)))
        return 1;
    int ok = memory->check_crl(run, crl);
    if (ok == 1 && may_note)
        note_crl(memory->proven, crl, issuer);
    return ok;
}

bool av_proven_init_run(struct proven_run *memory, struct proven *proven, X509_STORE_CTX *run,
                        X509_STORE *store, X509 *leaf, STACK_OF(X509) * middle)
{
    if (X509_STORE_CTX_init(run, store, leaf, middle) != 1)
        return false;
    if (proven == NULL)
        return true;
    *memory = (struct proven_run){.proven = proven,
                                  .verify = X509_STORE_CTX_get_verify(run),
                                  .check_crl = X509_STORE_CTX_get_check_crl(run)};
    /* A run takes its callbacks from the store, when it begins. */
    X509_STORE_CTX_cleanup(run);
    X509_STORE_set_verify(store, verify_signatures);
    X509_STORE_set_check_crl(store, check_crl);
    return X509_STORE_CTX_init(run, store, leaf, middle) == 1 &&
           X509_STORE_CTX_set_app_data(run, memory) == 1;
}

void av_proven_add_certificate(struct proven *proven, X509 *subject, X509 *issuer)
{
    if (!is_proven(proven, subject, issuer))
        note(proven, subject, issuer);
}

bool av_proven_add_crl(struct proven *proven, X509_CRL *crl, X509 *issuer)
{
    AUTHORITY_KEYID *akid = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    bool ok = akid != NULL && X509_check_akid(issuer, akid) == X509_V_OK && is_plain(crl) &&
              X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) == 0 &&
              (X509_get_key_usage(issuer) & KU_CRL_SIGN) != 0 && key != NULL &&
              av_list_is_signed(crl, key);
    AUTHORITY_KEYID_free(akid);
    if (ok && !is_crl_proven(proven, crl, issuer))
        note_crl(proven, crl, issuer);
    return ok;
}
