#include "unit/workers/parts.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct trust *parts_trust(const char *policy)
{
    char path[] = "parts_policy.XXXXXX";
    char error[256] = "";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, policy, strlen(policy)), (ssize_t)strlen(policy));
    close(fd);
    struct trust *trust = trust_read(path, NULL, 0, NULL, error, sizeof(error));
    unlink(path);
    ck_assert_msg(trust != NULL, "%s", error);
    return trust;
}

struct span parts_certificate(uint8_t *spki_sha256)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    unsigned char *der = NULL;
    unsigned char *spki = NULL;
    ck_assert(key != NULL && x509 != NULL);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    ck_assert_int_eq(X509_set_pubkey(x509, key), 1);
    ck_assert_int_gt(X509_sign(x509, key, EVP_sha256()), 0);
    int len = i2d_X509(x509, &der);
    ck_assert_int_gt(len, 0);
    int spki_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &spki);
    ck_assert_int_gt(spki_len, 0);
    if (spki_sha256 != NULL)
        SHA256(spki, (size_t)spki_len, spki_sha256);
    OPENSSL_free(spki);
    X509_free(x509);
    EVP_PKEY_free(key);
    return span_of(der, (size_t)len);
}

int parts_run(const char *name, const TTest *const *tests, void (*set_up)(void),
              void (*tear_down)(void))
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (; *tests != NULL; ++tests)
        tcase_add_test(tcase, *tests);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
