/* A walk over everything in the evidence of a quote that stands for itself: each certificate in
 * each place, each revocation list, each signed text. One of them, by its number, is changed. Owns
 * nothing beyond a call. Never knows a list of what there is: members are told apart by the shape
 * of their values. */
#ifndef EVIDENCE_WALK_H
#define EVIDENCE_WALK_H

#include "spoiled_scene.h"

#include <stdio.h>

enum { WALK_CERTIFICATES_MAX = 4 };

struct walk {
    const struct spoiler *spoiler;
    size_t found, wanted;
    size_t which; /* for the changes: what to do */
    /* Each changes its thing in place; NULL leaves it as it is. The certificate or list is signed
     * again by the change itself; walk_sign() and walk_sign_list() do as its issuer would. */
    void (*change)(struct walk *walk, X509 *certificate);
    void (*change_list)(struct walk *walk, X509_CRL *list);
    void (*change_text)(struct walk *walk, const char *member);
    char name[64]; /* of the one that was wanted */
};

static inline bool walk_wants(struct walk *walk, const char *name, size_t place)
{
    if (walk->found++ != walk->wanted)
        return false;
    snprintf(walk->name, sizeof walk->name, "%s, %zu", name, place);
    return true;
}

/* Whoever has the issuer's name signs. */
static inline EVP_PKEY *walk_key_of(const struct walk *walk, const X509_NAME *issuer)
{
    const struct simulate_vendor *vendor = walk->spoiler->vendor;
    const struct simulate_identity *all[] = {&vendor->root, &vendor->ca};
    for (size_t i = 0; i < 2; ++i)
        if (X509_NAME_cmp(issuer, X509_get_subject_name(all[i]->cert)) == 0)
            return all[i]->key;
    ck_abort_msg("nobody has that name");
    return NULL;
}

static inline void walk_sign(const struct walk *walk, X509 *certificate)
{
    simulate_cert_sign(certificate, walk_key_of(walk, X509_get_issuer_name(certificate)));
}

static inline void walk_sign_list(const struct walk *walk, X509_CRL *list)
{
    EVP_PKEY *key = walk_key_of(walk, X509_CRL_get_issuer(list));
    ck_assert_int_gt(X509_CRL_sign(list, key, EVP_sha256()), 0);
}

/* Reads all certificates of a chain; the wanted one is changed. True when it was among them. */
static inline bool walk_chain(struct walk *walk, const char *name, const char *pem, size_t len,
                              X509 **certificates, size_t *count)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    bool changed = false;
    for (*count = 0; *count < WALK_CERTIFICATES_MAX; ++*count) {
        X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (certificate == NULL)
            break;
        certificates[*count] = certificate;
        if (walk_wants(walk, name, *count) && walk->change != NULL) {
            walk->change(walk, certificate);
            changed = true;
        }
    }
    BIO_free(bio);
    return changed;
}

static inline void walk_free(X509 **certificates, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        X509_free(certificates[i]);
}

static inline void walk_member_chain(struct walk *walk, const char *member)
{
    X509 *certificates[WALK_CERTIFICATES_MAX];
    size_t count;
    cJSON *document = walk->spoiler->document;
    const char *pem = spoiled_text(document, member);
    if (walk_chain(walk, member, pem, strlen(pem), certificates, &count))
        spoiled_put_chain(document, member, certificates, count);
    walk_free(certificates, count);
}

static inline void walk_quote(struct walk *walk)
{
    X509 *certificates[WALK_CERTIFICATES_MAX];
    size_t count, at = spoiled_certification_at(walk->spoiler->quote) + 6;
    const char *pem = (const char *)walk->spoiler->quote->ptr + at;
    if (walk_chain(walk, "PCK chain", pem, walk->spoiler->quote->len - at, certificates, &count)) {
        struct simulate_bytes chain = {0};
        for (size_t i = 0; i < count; ++i)
            simulate_put_pem(&chain, certificates[i]);
        spoiled_put_certification(walk->spoiler->quote, 5, chain.ptr, chain.len);
        simulate_bytes_fini(&chain);
    }
    walk_free(certificates, count);
}

static inline void walk_list(struct walk *walk, const char *member)
{
    long len;
    unsigned char *der = OPENSSL_hexstr2buf(spoiled_text(walk->spoiler->document, member), &len);
    const unsigned char *at = der;
    X509_CRL *list = d2i_X509_CRL(NULL, &at, len);
    ck_assert_ptr_nonnull(list);
    OPENSSL_free(der);
    if (!walk_wants(walk, member, 0) || walk->change_list == NULL) {
        X509_CRL_free(list);
        return;
    }
    walk->change_list(walk, list);
    spoiled_put_crl(walk->spoiler->document, member, list);
}

/* By the shape of each member's value: a PEM chain, a signature, a list in hexadecimal, a signed
 * text. A signature is told by its length, for it may begin as a list does: one in 65,536. */
static inline void walk_member(struct walk *walk, const char *name)
{
    const char *text = spoiled_text(walk->spoiler->document, name);
    if (strncmp(text, "-----BEGIN", 10) == 0)
        walk_member_chain(walk, name);
    else if (strlen(text) == 128)
        return;
    else if (strncmp(text, "3082", 4) == 0)
        walk_list(walk, name);
    else if (text[0] != '{')
        ck_abort_msg("%s is neither chain, list, text nor signature", name);
    else if (walk_wants(walk, name, 0) && walk->change_text != NULL)
        walk->change_text(walk, name);
}

static inline void walk_evidence(struct walk *walk)
{
    char names[16][64];
    size_t count = 0;
    const cJSON *member;
    cJSON_ArrayForEach(member, walk->spoiler->document)
    {
        ck_assert_uint_lt(count, 16);
        snprintf(names[count++], sizeof names[0], "%s", member->string);
    }
    walk->found = 0;
    walk_quote(walk);
    for (size_t i = 0; i < count; ++i)
        walk_member(walk, names[i]);
}

#endif
