/* Signatures of certificates and revocation lists that were found to hold, so that OpenSSL need not
 * compute them twice.
 * Owns nothing: certificates and lists are lent and must outlive the notes about them.
 * Never notes a failure, and never vouches for more than signatures: extensions, names, revocation
 * and dates are looked at again at each verification. */
#ifndef AV_PROVEN_H
#define AV_PROVEN_H

#include "verdict.h"

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

enum { PROVEN_MAX = 8 };

struct proven {
    struct {
        X509 *subject, *issuer;
    } certificates[PROVEN_MAX];
    struct {
        X509_CRL *crl;
        X509 *issuer;
    } crls[PROVEN_MAX];
    size_t certificate_count, crl_count;
};

/* What a run's callbacks need; stands as long as the run. */
struct proven_run {
    struct proven *proven;
    X509_STORE_CTX_verify_fn verify;       /* OpenSSL's own */
    X509_STORE_CTX_check_crl_fn check_crl; /* OpenSSL's own */
};

/* X509_STORE_CTX_init() with callbacks that pass over what is in `proven` and note what OpenSSL
 * finds to hold. Whatever is not in it, and every failure, is judged by OpenSSL itself. */
AV_MUST_USE bool av_proven_init_run(struct proven_run *memory, struct proven *proven,
                                    X509_STORE_CTX *run, X509_STORE *store, X509 *leaf,
                                    STACK_OF(X509) * middle);

/* Notes what the caller knows to hold. */
void av_proven_add_certificate(struct proven *proven, X509 *subject, X509 *issuer);

/* Checks and notes a list apart from a run. Only a plain list (no delta, no distribution point)
 * whose key identifier names the issuer. */
AV_MUST_USE bool av_proven_add_crl(struct proven *proven, X509_CRL *crl, X509 *issuer);

#endif
