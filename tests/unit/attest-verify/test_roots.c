/* What trust anchors know of a root certificate: whether its key is one, and whether this very
 * certificate is known to have signed itself. */
#include "collateral/roots.h"

#include "../checks.h"

#include <openssl/pem.h>
#include <string.h>

static X509 *make_root(EVP_PKEY *key, EVP_PKEY *signer)
{
    X509 *root = X509_new();
    X509_set_version(root, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(root), 1);
    X509_gmtime_adj(X509_getm_notBefore(root), 0);
    X509_gmtime_adj(X509_getm_notAfter(root), 3600);
    X509_NAME *name = X509_get_subject_name(root);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"root", -1, -1, 0);
    X509_set_issuer_name(root, name);
    X509_set_pubkey(root, key);
    ck_assert_int_gt(X509_sign(root, signer, EVP_sha256()), 0);
    return root;
}

static struct attest_roots *roots_of(X509 *root)
{
    char *text, error[256];
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_X509(bio, root), 1);
    long len = BIO_get_mem_data(bio, &text);
    struct attest_bytes pem = {.ptr = (const uint8_t *)text, .len = (size_t)len};
    struct attest_roots *roots = attest_roots_from_pem(pem, error, sizeof error);
    ck_assert_msg(roots != NULL, "%s", error);
    BIO_free(bio);
    return roots;
}

START_TEST(a_root_that_signed_itself_is_known_and_no_other_of_its_key)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *root = make_root(key, key), *second = make_root(key, key);
    struct attest_roots *roots = roots_of(root);
    ck_assert(av_roots_have(roots, root));
    ck_assert(av_roots_know(roots, root));
    ck_assert(av_roots_have(roots, second)); /* another signature of the same key */
    ck_assert(!av_roots_know(roots, second));
    attest_roots_free(roots);
    X509_free(root);
    X509_free(second);
    EVP_PKEY_free(key);
}
END_TEST

START_TEST(a_root_signed_by_another_key_is_an_anchor_but_not_known)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    X509 *root = make_root(key, other);
    struct attest_roots *roots = roots_of(root);
    ck_assert(av_roots_have(roots, root));
    ck_assert(!av_roots_know(roots, root));
    attest_roots_free(roots);
    X509_free(root);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}
END_TEST

START_TEST(a_stranger_is_neither)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *root = make_root(key, key);
    struct attest_roots *roots = attest_roots_builtin();
    ck_assert(!av_roots_have(roots, root));
    ck_assert(!av_roots_know(roots, root));
    ck_assert(!av_roots_know(NULL, root));
    ck_assert_ptr_nonnull(av_roots_decoder(roots));
    ck_assert_ptr_null(av_roots_decoder(NULL));
    attest_roots_free(roots);
    attest_roots_free(NULL);
    X509_free(root);
    EVP_PKEY_free(key);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_root_that_signed_itself_is_known_and_no_other_of_its_key,
                                  a_root_signed_by_another_key_is_an_anchor_but_not_known,
                                  a_stranger_is_neither, NULL};
    return checks_run("roots", tests);
}
