/* PEM chains and trust anchors: what is taken apart, and what is refused before any signature. */
#include "collateral/chain.h"

#include "evidence/evidence.h"

#include "../checks.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

enum { PEM_ROOM = 4096 };

static X509 *make_certificate(const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    ck_assert(key != NULL && certificate != NULL);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, (int)strlen(name), -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);
    EVP_PKEY_free(key);
    return certificate;
}

/* `count` copies of one certificate with `between` after each. */
static size_t make_pem(char *room, int count, const char *between)
{
    X509 *certificate = make_certificate("Intel SGX Root CA");
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    for (int i = 0; i < count; ++i) {
        ck_assert_int_eq(PEM_write_bio_X509(bio, certificate), 1);
        BIO_puts(bio, between);
    }
    size_t len = (size_t)BIO_get_mem_data(bio, &text);
    ck_assert_uint_lt(len, PEM_ROOM - 8);
    if (len > 0)
        memcpy(room, text, len);
    memset(room + len, 0, PEM_ROOM - len);
    BIO_free(bio);
    X509_free(certificate);
    return len;
}

static bool parses(const char *text, size_t len, enum chain_kind kind)
{
    struct chain chain;
    struct attest_bytes pem = {.ptr = (const uint8_t *)text, .len = len};
    bool ok = av_chain_parse(pem, kind, NULL, NULL, 0, &chain);
    if (ok)
        av_chain_fini(&chain);
    return ok;
}

START_TEST(a_chain_has_exactly_its_number_of_certificates)
{
    char pem[PEM_ROOM];
    for (int count = 0; count <= 4; ++count) {
        size_t len = make_pem(pem, count, "");
        ck_assert(parses(pem, len, CHAIN_PCK) == (count == 3));
        ck_assert(parses(pem, len, CHAIN_TCB_SIGNER) == (count == 2));
        ck_assert(parses(pem, len, CHAIN_CRL_ISSUER) == (count == 2));
    }
}
END_TEST

START_TEST(white_space_and_one_nul_at_the_end_are_all_that_may_surround_them)
{
    char pem[PEM_ROOM];
    size_t len = make_pem(pem, 2, "\r\n \t");
    ck_assert(parses(pem, len, CHAIN_TCB_SIGNER));
    ck_assert(parses(pem, len + 1, CHAIN_TCB_SIGNER));
    ck_assert(!parses(pem, len + 2, CHAIN_TCB_SIGNER));
    static const char *const texts[] = {"subject=CN\n", "x", "-", "-----BEGIN CERTIFICATE-----\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        len = make_pem(pem, 2, texts[i]);
        ck_assert(!parses(pem, len, CHAIN_TCB_SIGNER));
    }
}
END_TEST

START_TEST(a_chain_cut_off_or_changed_is_no_chain)
{
    char pem[PEM_ROOM];
    size_t len = make_pem(pem, 2, "");
    for (size_t cut = 0; cut + 1 < len; ++cut) /* the last byte is a line feed */
        ck_assert(!parses(pem, cut, CHAIN_TCB_SIGNER));
    static const char bad[] = {'!', '\0', '\x80'};
    for (size_t i = 0; i < sizeof bad; ++i) {
        pem[100] = bad[i];
        ck_assert(!parses(pem, len, CHAIN_TCB_SIGNER));
    }
}
END_TEST

START_TEST(an_encrypted_or_labelled_certificate_is_not_read)
{
    static const char headers[] = "-----BEGIN CERTIFICATE-----\n"
                                  "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMAA=\n"
                                  "-----END CERTIFICATE-----\n";
    static const char trusted[] = "-----BEGIN TRUSTED CERTIFICATE-----\nMAA=\n"
                                  "-----END TRUSTED CERTIFICATE-----\n";
    static const char empty[] = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
    static const char *const texts[] = {headers, trusted, empty};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        struct cursor cursor = av_cursor_over(
            (struct attest_bytes){.ptr = (const uint8_t *)texts[i], .len = strlen(texts[i])});
        ck_assert_ptr_null(av_pem_take_certificate(&cursor, NULL));
    }
}
END_TEST

static bool makes_roots(const char *text, size_t len)
{
    char error[128] = "";
    struct attest_roots *roots = attest_roots_from_pem(
        (struct attest_bytes){.ptr = (const uint8_t *)text, .len = len}, error, sizeof error);
    ck_assert((roots == NULL) == (error[0] != '\0'));
    attest_roots_free(roots);
    return roots != NULL;
}

START_TEST(trust_anchors_are_certificates_and_nothing_else)
{
    static char pem[(ROOTS_MAX + 1) * 1024];
    char one[PEM_ROOM];
    ck_assert(!makes_roots("", 0));
    ck_assert(!makes_roots("trust me", 8));
    size_t len = make_pem(one, 1, ""), all = 0;
    ck_assert(makes_roots(one, len));
    ck_assert(!makes_roots(one, len - 10));
    for (int i = 0; i < ROOTS_MAX + 1; ++i) {
        memcpy(pem + all, one, len);
        all += len;
        ck_assert(makes_roots(pem, all) == (i < ROOTS_MAX));
    }
}
END_TEST

START_TEST(a_name_is_no_anchor)
{
    struct attest_roots *roots = attest_roots_builtin();
    X509 *impostor = make_certificate("Intel SGX Root CA");
    ck_assert(!av_roots_have(roots, impostor));
    ck_assert(!av_roots_have(NULL, impostor));
    X509_free(impostor);
    attest_roots_free(roots);
}
END_TEST

static enum attest_reason reason_of_certificate(X509 *certificate)
{
    struct attest_request request = {.now = 0};
    struct attest_verdict verdict;
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    attest_verify_certificate(&request, (struct attest_bytes){.ptr = der, .len = (size_t)len},
                              &verdict);
    OPENSSL_free(der);
    X509_free(certificate);
    return verdict.reason;
}

static void add_extension(X509 *certificate, const char *text, const char *value)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(text, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(octets, (const unsigned char *)value, (int)strlen(value));
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, octets);
    ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(oid);
    ck_assert_int_gt(i2d_re_X509_tbs(certificate, NULL), 0);
}

START_TEST(evidence_is_an_extension_and_not_bytes_that_look_like_one)
{
    /* The DER of 2.23.133.5.4.9 with an octet string after it, in the name. */
    ck_assert_int_eq(
        reason_of_certificate(make_certificate("\x06\x06\x67\x81\x05\x05\x04\x09\x04\x02")),
        ATTEST_NO_EVIDENCE);
    X509 *certificate = make_certificate("worker");
    add_extension(certificate, "1.2.3.4", "\x06\x06\x67\x81\x05\x05\x04\x09");
    ck_assert_int_eq(reason_of_certificate(certificate), ATTEST_NO_EVIDENCE);
}
END_TEST

START_TEST(an_extension_twice_is_refused_whatever_it_is)
{
    X509 *certificate = make_certificate("worker");
    add_extension(certificate, "1.2.3.4", "a");
    add_extension(certificate, "1.2.3.4", "b");
    ck_assert_int_eq(reason_of_certificate(certificate), ATTEST_DUPLICATE_EXTENSION);
}
END_TEST

START_TEST(broken_and_unread_conventions_are_told_apart)
{
    static const struct {
        const char *oid, *value;
        enum attest_reason reason;
    } rows[] = {{"2.23.133.5.4.9", "", ATTEST_EVIDENCE_MALFORMED},
                {"2.23.133.5.4.9", "\xd9\xea\x60\x82\x41q", ATTEST_EVIDENCE_MALFORMED},
                {"2.23.133.5.4.9",
                 "\xd9\xea\x61\x82\x41q\x41"
                 "c",
                 ATTEST_EVIDENCE_MALFORMED},
                {"2.23.133.5.4.9",
                 "\xd9\xea\x60\x82\x41q\x41"
                 "cx",
                 ATTEST_EVIDENCE_MALFORMED},
                {"2.23.133.5.4.9",
                 "\xd9\xea\x60\x82\x41q\x41"
                 "c",
                 ATTEST_QUOTE_MALFORMED},
                {"0.6.9.42.840.113741.1337.6", "", ATTEST_EVIDENCE_MALFORMED},
                {"0.6.9.42.840.113741.1337.6", "q", ATTEST_QUOTE_MALFORMED},
                {"1.3.6.1.4.1.62397.1.8", "q", ATTEST_EVIDENCE_MALFORMED},
                {"1.3.6.1.4.1.62397.1.1", "q", ATTEST_EVIDENCE_MALFORMED},
                {"1.3.6.1.4.1.62397.1.1", "\x04\x01q", ATTEST_EVIDENCE_MALFORMED}, /* no log */
                {"1.3.6.1.4.1.62397.1.8", "\x04\x00", ATTEST_EVIDENCE_MALFORMED},
                {"1.3.6.1.4.1.62397.1.2", "\x04\x02[]", ATTEST_NO_EVIDENCE},
                {"1.2.840.113741.1337.6", "", ATTEST_EVIDENCE_MALFORMED},
                {"1.2.840.113741.1337.6", "q", ATTEST_QUOTE_MALFORMED},
                {"1.2.840.113741.1.13.1", "", ATTEST_EVIDENCE_MALFORMED},
                {"1.2.840.113741.1.13.1", "q", ATTEST_QUOTE_MALFORMED},
                {"1.2.840.113741.1337.2", "q", ATTEST_CONVENTION_UNSUPPORTED},
                {"1.2.840.113556.10.1.2", "q", ATTEST_CONVENTION_UNSUPPORTED},
                {"1.2.840.113556.10.1.1", "q", ATTEST_EVIDENCE_MALFORMED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        X509 *certificate = make_certificate("worker");
        add_extension(certificate, rows[i].oid, rows[i].value);
        ck_assert_int_eq(reason_of_certificate(certificate), rows[i].reason);
    }
}
END_TEST

START_TEST(a_certificate_with_bytes_after_it_is_refused)
{
    X509 *certificate = make_certificate("worker");
    unsigned char der[2048], *end = der;
    int len = i2d_X509(certificate, &end);
    X509_free(certificate);
    der[len] = 0;
    struct attest_request request = {.now = 0};
    struct attest_verdict verdict;
    for (int more = -1; more <= 1; ++more) {
        attest_verify_certificate(
            &request, (struct attest_bytes){.ptr = der, .len = (size_t)(len + more)}, &verdict);
        ck_assert_int_eq(verdict.reason,
                         more == 0 ? ATTEST_NO_EVIDENCE : ATTEST_CERTIFICATE_MALFORMED);
    }
}
END_TEST

START_TEST(refusals_leave_nothing_in_openssls_queue)
{
    static const uint8_t bytes[] = "\x30\x03\x02\x01\x00";
    struct attest_bytes broken = {.ptr = bytes, .len = 5};
    struct attest_request request = {.now = 0};
    struct attest_verdict verdict;
    char error[128], pem[PEM_ROOM];
    size_t len = make_pem(pem, 1, "");
    pem[60] = pem[60] == 'A' ? 'B' : 'A';
    ERR_clear_error();
    attest_verify_certificate(&request, broken, &verdict);
    ck_assert_int_eq(verdict.reason, ATTEST_CERTIFICATE_MALFORMED);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    attest_roots_free(attest_roots_from_pem(
        (struct attest_bytes){.ptr = (const uint8_t *)pem, .len = len - 200}, error, sizeof error));
    ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_chain_has_exactly_its_number_of_certificates,
                                  white_space_and_one_nul_at_the_end_are_all_that_may_surround_them,
                                  a_chain_cut_off_or_changed_is_no_chain,
                                  an_encrypted_or_labelled_certificate_is_not_read,
                                  trust_anchors_are_certificates_and_nothing_else,
                                  a_name_is_no_anchor,
                                  evidence_is_an_extension_and_not_bytes_that_look_like_one,
                                  an_extension_twice_is_refused_whatever_it_is,
                                  broken_and_unread_conventions_are_told_apart,
                                  a_certificate_with_bytes_after_it_is_refused,
                                  refusals_leave_nothing_in_openssls_queue,
                                  NULL};
    return checks_run("chain", tests);
}
