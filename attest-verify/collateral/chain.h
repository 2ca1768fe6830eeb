/* Certificate chains of the vendor, and the revocation lists over them (ra-tls b.2).
 * Owns the certificates of a parsed chain until av_chain_fini().
 * Never builds a path: a chain is judged as it was given, leaf first, root last. */
#ifndef AV_CHAIN_H
#define AV_CHAIN_H

#include "bytes/cursor.h"
#include "bytes/decoder.h"
#include "collateral/proven.h"
#include "collateral/roots.h"

#include <openssl/x509.h>

enum {
    CHAIN_CERTIFICATES_MAX = 3,
    CHAIN_PEM_BYTES_MAX = 64 * 1024,
    CHAIN_CRLS_MAX = 2,
    CHAIN_NAMES_MAX = 3
};

struct chain {
    X509 *certificates[CHAIN_CERTIFICATES_MAX];
    size_t count;
};

/* The same before OpenSSL has seen it. */
struct chain_der {
    struct attest_bytes certificates[CHAIN_CERTIFICATES_MAX];
    size_t count;
    uint8_t *owned;
};

/* Which certificates a chain must consist of: lengths, common names and kinds of key (ra-tls a.5,
 * a.7). */
enum chain_kind {
    CHAIN_PCK,
    CHAIN_CRL_ISSUER,
    CHAIN_TCB_SIGNER,
    CHAIN_VCEK,
    CHAIN_VLEK,
    CHAIN_ASK, /* what issues VCEKs, VLEKs: the chains without their leaves */
    CHAIN_ASVK
};

struct chain_trust {
    const struct attest_roots *roots;
    X509_CRL *crls[CHAIN_CRLS_MAX]; /* one of each issuer in the chain */
    size_t crl_count;
    int64_t now;
    bool
        without_lists; /* nothing is known about revocation yet: good for asking, never for trust */
    struct proven *proven; /* filled as signatures are found to hold; NULL: nothing is remembered */
    bool path_holds;       /* av_chain_path_holds() was true of this chain, these lists */
};

/* Whether the subject has one common name, and it is this. */
bool av_common_name_is(X509 *certificate, const char *name);

/* The next PEM certificate, white space before it skipped; NULL when none follows. `decoder` may be
 * NULL. */
X509 *av_pem_take_certificate(struct cursor *cursor, const struct decoder *decoder);
/* Whether nothing but white space, and at most one NUL at the very end, is left. */
bool av_pem_is_spent(struct cursor *cursor);

/* As many certificates as `kind` has, and no other text; each is DER as far as its outermost frame.
 * On failure there is nothing to free. */
AV_MUST_USE bool av_chain_split(struct attest_bytes pem, enum chain_kind kind,
                                struct chain_der *out);
void av_chain_der_fini(struct chain_der *der);

/* Takes certificates that stand in the chains `likes` from there instead of decoding them again.
 * `decoder` may be NULL. */
enum { CHAIN_LIKES_MAX = 256 };
AV_MUST_USE bool av_chain_decode(const struct chain_der *der, const struct decoder *decoder,
                                 const struct chain *const *likes, size_t like_count,
                                 struct chain *chain);

/* Both. */
AV_MUST_USE bool av_chain_parse(struct attest_bytes pem, enum chain_kind kind,
                                const struct decoder *decoder, const struct chain *const *likes,
                                size_t like_count, struct chain *chain);
void av_chain_fini(struct chain *chain);

/* Whether the certificate names itself Intel's Processor CA, else the Platform CA. */
bool av_is_processor_ca(X509 *ca);

/* A moment, and for how long after its end a document or list still counts. */
struct moment {
    int64_t now;
    int64_t grace_s;
};

/* Issuer, presence of number and authority key id, and both time bounds; its signature is checked
 * when a chain is verified with it. Notes its end in the verdict. */
AV_MUST_USE bool av_crl_check(X509_CRL *crl, X509 *issuer, const char *whose, struct moment at,
                              struct attest_verdict *verdict);

/* The same, of a list that may lack number and key id. */
AV_MUST_USE bool av_crl_check_times(X509_CRL *crl, X509 *issuer, const char *whose, int64_t now,
                                    struct attest_verdict *verdict);

/* Pinned root, names, keys, both time bounds, signatures, constraints, and for Intel's chains
 * revocation (AMD has no list of leaves: snp_chain.h). Notes the earliest end in the verdict. */
AV_MUST_USE bool av_chain_verify(const struct chain *chain, enum chain_kind kind,
                                 const struct chain_trust *trust, struct attest_verdict *verdict);

/* That part of av_chain_verify() which neither time nor trust anchors can change: signatures,
 * constraints, revocation by the given lists, order. */
AV_MUST_USE bool av_chain_path_holds(const struct chain *chain, enum chain_kind kind,
                                     const struct chain_trust *trust,
                                     struct attest_verdict *verdict);

#endif
