#define _GNU_SOURCE /* memmem() */
/* The decoder and the shorter way to a signature's answer must tell of any bytes what OpenSSL
 * tells: each test asks both. */
#include "bytes/crypto.h"
#include "bytes/decoder.h"

#include "../checks.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { CERTIFICATE_ROOM = 4096 };

static struct decoder decoder;

struct der {
    uint8_t bytes[CERTIFICATE_ROOM];
    size_t len;
};

static struct attest_bytes bytes_of(const struct der *der)
{
    return (struct attest_bytes){.ptr = der->bytes, .len = der->len};
}

static struct der der_of(X509 *certificate)
{
    struct der der;
    unsigned char *end = der.bytes;
    int len = i2d_X509(certificate, NULL);
    ck_assert(len > 0 && len <= CERTIFICATE_ROOM);
    ck_assert_int_eq(i2d_X509(certificate, &end), len);
    der.len = (size_t)len;
    return der;
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(EVP_PKEY *key, EVP_PKEY *issuer, const EVP_MD *digest)
{
    X509 *certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"one", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    ck_assert_int_eq(X509_set_pubkey(certificate, key), 1);
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:1");
    add_extension(certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(certificate, NID_subject_key_identifier, "hash");
    add_extension(certificate, NID_authority_key_identifier, "keyid");
    ck_assert_int_gt(X509_sign(certificate, issuer, digest), 0);
    return certificate;
}

static X509 *decode_by_openssl(const struct der *der)
{
    const unsigned char *end = der->bytes;
    X509 *certificate = d2i_X509(NULL, &end, (long)der->len);
    if (certificate == NULL || end == der->bytes + der->len)
        return certificate;
    X509_free(certificate);
    return NULL;
}

static void check_keys(X509 *own, X509 *theirs)
{
    EVP_PKEY *key = X509_get0_pubkey(own), *other = X509_get0_pubkey(theirs);
    ck_assert_int_eq(key != NULL, other != NULL);
    if (key != NULL)
        ck_assert_int_eq(EVP_PKEY_eq(key, other), 1);
    ck_assert_int_eq(av_key_is_p256(key), av_key_is_p256(other));
    ck_assert_int_eq(av_key_is_p384(key), av_key_is_p384(other));
}

/* Whether the bytes are a certificate: to both alike, and the same one. */
static bool check_alike(const struct der *der)
{
    ERR_set_mark();
    X509 *theirs = decode_by_openssl(der), *own = av_decode_certificate(&decoder, bytes_of(der));
    ck_assert_int_eq(own != NULL, theirs != NULL);
    if (own != NULL) {
        struct der again = der_of(own), expected = der_of(theirs);
        ck_assert_mem_eq(again.bytes, expected.bytes, expected.len);
        ck_assert_uint_eq(again.len, expected.len);
        check_keys(own, theirs);
        ck_assert_uint_eq(X509_get_extension_flags(own), X509_get_extension_flags(theirs));
        ck_assert_int_eq(X509_check_ca(own), X509_check_ca(theirs));
        ck_assert_int_eq(X509_cmp(own, theirs), 0);
        EVP_PKEY *key = X509_get0_pubkey(theirs);
        if (key != NULL) {
            bool holds = X509_verify(theirs, key) == 1;
            ck_assert_int_eq(X509_verify(own, key) == 1, holds);
            ck_assert_int_eq(av_certificate_is_signed(theirs, key), holds);
            ck_assert_int_eq(av_certificate_is_signed(own, X509_get0_pubkey(own)), holds);
        }
    }
    bool is_certificate = own != NULL;
    X509_free(own);
    X509_free(theirs);
    ERR_pop_to_mark();
    return is_certificate;
}

static struct der self_signed(EVP_PKEY *key, const EVP_MD *digest)
{
    X509 *certificate = make_certificate(key, key, digest);
    struct der der = der_of(certificate);
    X509_free(certificate);
    return der;
}

static struct der certificate_of(const char *curve)
{
    EVP_PKEY *key = EVP_EC_gen(curve);
    struct der der = self_signed(key, EVP_sha256());
    EVP_PKEY_free(key);
    return der;
}

static struct der rsa_certificate(unsigned bits, unsigned exponent)
{
    EVP_PKEY_CTX *making = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM options[] = {OSSL_PARAM_construct_uint("bits", &bits),
                            OSSL_PARAM_construct_uint("e", &exponent), OSSL_PARAM_construct_end()};
    ck_assert_int_eq(EVP_PKEY_keygen_init(making), 1);
    ck_assert_int_eq(EVP_PKEY_CTX_set_params(making, options), 1);
    ck_assert_int_eq(EVP_PKEY_generate(making, &key), 1);
    struct der der = self_signed(key, EVP_sha256());
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(making);
    return der;
}

static struct der p256_certificate(void)
{
    return certificate_of("P-256");
}

START_TEST(a_certificate_reads_as_openssl_reads_it)
{
    struct der der = p256_certificate();
    ck_assert(check_alike(&der));
    X509 *without = av_decode_certificate(NULL, bytes_of(&der));
    ck_assert_ptr_nonnull(without);
    X509_free(without);
}
END_TEST

START_TEST(a_key_of_either_curve_comes_from_no_provider)
{
    static const char *const names[] = {"P-256", "P-384"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        struct der der = certificate_of(names[i]);
        ck_assert(check_alike(&der));
        X509 *certificate = av_decode_certificate(&decoder, bytes_of(&der));
        ck_assert_ptr_null(EVP_PKEY_get0_provider(X509_get0_pubkey(certificate)));
        X509_free(certificate);
    }
}
END_TEST

START_TEST(a_certificate_outlives_its_decoder)
{
    struct decoder brief;
    struct der der = p256_certificate();
    ck_assert(av_decoder_init(&brief));
    X509 *certificate = av_decode_certificate(&brief, bytes_of(&der));
    av_decoder_fini(&brief);
    ck_assert_int_eq(X509_verify(certificate, X509_get0_pubkey(certificate)), 1);
    ck_assert_int_ne(X509_check_ca(certificate), 0);
    X509_free(certificate);
}
END_TEST

static int flip_each_bit(const char *curve, size_t step)
{
    struct der der = certificate_of(curve);
    int certificates = 0;
    for (size_t bit = 0; bit < 8 * der.len; bit += step) {
        der.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        certificates += check_alike(&der);
        der.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    return certificates;
}

START_TEST(with_any_bit_flipped_it_reads_as_openssl_reads_it)
{
    /* keys, names and signatures are still in shape */
    ck_assert_int_gt(flip_each_bit("P-256", 1), 500);
    ck_assert_int_gt(flip_each_bit("P-384", 9), 50);
}
END_TEST

START_TEST(an_rsa_key_of_4096_bits_comes_from_no_provider)
{
    struct der der = rsa_certificate(4096, RSA_F4);
    ck_assert(check_alike(&der));
    X509 *certificate = av_decode_certificate(&decoder, bytes_of(&der));
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    ck_assert_ptr_null(EVP_PKEY_get0_provider(key));
    ck_assert(EVP_PKEY_is_a(key, "RSA"));
    ck_assert_int_eq(EVP_PKEY_get_bits(key), 4096);
    ck_assert_int_eq(X509_verify(certificate, key), 1);
    X509_free(certificate);
    /* The frame of the key and the ends of the modulus, each bit; the rest, one in 61. */
    const uint8_t *frame = memmem(der.bytes, der.len, "\x30\x82\x02\x22\x30\x0d", 6);
    ck_assert_ptr_nonnull(frame);
    size_t from = 8 * (size_t)(frame - der.bytes), to = from + 8 * 550;
    int certificates = 0;
    for (size_t bit = 0; bit < 8 * der.len; ++bit) {
        bool is_frame = (bit >= from && bit < from + 8 * 40) || (bit >= to - 8 * 8 && bit < to);
        if (!is_frame && bit % 61 != 0)
            continue;
        der.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        certificates += check_alike(&der);
        der.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert_int_gt(certificates, 50);
}
END_TEST

START_TEST(rsa_keys_of_other_sizes_and_exponents_are_left_to_openssl)
{
    static const struct {
        unsigned bits, exponent;
    } keys[] = {{2048, RSA_F4}, {2048, 3}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i) {
        struct der der = rsa_certificate(keys[i].bits, keys[i].exponent);
        ck_assert(check_alike(&der));
        X509 *certificate = av_decode_certificate(&decoder, bytes_of(&der));
        ck_assert_ptr_nonnull(EVP_PKEY_get0_provider(X509_get0_pubkey(certificate)));
        X509_free(certificate);
    }
}
END_TEST

START_TEST(a_byte_more_or_any_less_is_no_certificate)
{
    struct der der = p256_certificate();
    der.bytes[der.len++] = 0;
    ck_assert(!check_alike(&der));
    for (--der.len; der.len-- > 0;)
        ck_assert(!check_alike(&der));
    ck_assert_ptr_null(av_decode_certificate(&decoder, (struct attest_bytes){NULL, 0}));
}
END_TEST

START_TEST(other_kinds_of_key_read_as_openssl_reads_them)
{
    EVP_PKEY *keys[] = {EVP_EC_gen("P-384"), EVP_EC_gen("secp256k1"), EVP_EC_gen("P-256"),
                        EVP_RSA_gen(2048), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
    const EVP_MD *digests[] = {EVP_sha384(), EVP_sha256(), EVP_sha512(), EVP_sha256(), NULL};
    ck_assert_int_eq(EVP_PKEY_set_utf8_string_param(keys[2], "point-format", "compressed"), 1);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i) {
        struct der der = self_signed(keys[i], digests[i]);
        ck_assert(check_alike(&der));
        EVP_PKEY_free(keys[i]);
    }
}
END_TEST

START_TEST(another_key_did_not_sign_it)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256"), *large = EVP_EC_gen("P-384");
    X509 *certificate = make_certificate(key, key, EVP_sha256());
    ck_assert(av_certificate_is_signed(certificate, key));
    ck_assert(!av_certificate_is_signed(certificate, other));
    ck_assert(!av_certificate_is_signed(certificate, large));
    X509_free(certificate);
    certificate = make_certificate(key, large, EVP_sha256());
    ck_assert(av_certificate_is_signed(certificate, large));
    ck_assert(!av_certificate_is_signed(certificate, key));
    X509_free(certificate);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    EVP_PKEY_free(large);
}
END_TEST

static X509_CRL *make_list(EVP_PKEY *key, const EVP_MD *digest)
{
    X509_CRL *list = X509_CRL_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, 0);
    X509_NAME *name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"one", -1, -1, 0);
    X509_CRL_set_version(list, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list, name);
    X509_CRL_set1_lastUpdate(list, now);
    X509_CRL_set1_nextUpdate(list, now);
    ck_assert_int_gt(X509_CRL_sign(list, key, digest), 0);
    X509_NAME_free(name);
    ASN1_TIME_free(now);
    return list;
}

START_TEST(with_any_bit_flipped_a_list_is_signed_when_openssl_says_so)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_CRL *list = make_list(key, EVP_sha256());
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(list, &der), holding = 0;
    ck_assert(av_list_is_signed(list, key));
    X509_CRL_free(list);
    for (int bit = -1; bit < 8 * len; ++bit) {
        if (bit >= 0)
            der[bit / 8] ^= (unsigned char)(1 << bit % 8);
        const unsigned char *end = der;
        list = d2i_X509_CRL(NULL, &end, len);
        bool holds = list != NULL && X509_CRL_verify(list, key) == 1;
        ck_assert_int_eq(list != NULL && av_list_is_signed(list, key), holds);
        holding += holds;
        X509_CRL_free(list);
        if (bit >= 0)
            der[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    ck_assert_int_eq(holding, 1);
    ERR_clear_error();
    OPENSSL_free(der);
    list = make_list(key, EVP_sha384()); /* not the short way's */
    ck_assert(av_list_is_signed(list, key));
    X509_CRL_free(list);
    EVP_PKEY_free(key);
}
END_TEST

START_TEST(a_point_is_on_the_curve_or_none)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    uint8_t octets[65], zeros[64] = {0};
    size_t len;
    ck_assert_int_eq(EVP_PKEY_get_octet_string_param(key, "pub", octets, sizeof octets, &len), 1);
    ck_assert_uint_eq(len, sizeof octets);
    EVP_PKEY *read = av_decode_point(&decoder, (struct attest_bytes){octets + 1, 64});
    ck_assert_int_eq(EVP_PKEY_eq(read, key), 1);
    ck_assert(av_key_is_p256(read));
    ck_assert_ptr_null(av_decode_point(&decoder, (struct attest_bytes){octets + 1, 63}));
    ck_assert_ptr_null(av_decode_point(&decoder, (struct attest_bytes){octets, 65}));
    ck_assert_ptr_null(av_decode_point(&decoder, (struct attest_bytes){zeros, 64}));
    ck_assert_ptr_null(av_decode_point(NULL, (struct attest_bytes){octets + 1, 64}));
    octets[64] ^= 1;
    ck_assert_ptr_null(av_decode_point(&decoder, (struct attest_bytes){octets + 1, 64}));
    ERR_clear_error();
    EVP_PKEY_free(read);
    EVP_PKEY_free(key);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_certificate_reads_as_openssl_reads_it,
                                  a_key_of_either_curve_comes_from_no_provider,
                                  a_certificate_outlives_its_decoder,
                                  with_any_bit_flipped_it_reads_as_openssl_reads_it,
                                  an_rsa_key_of_4096_bits_comes_from_no_provider,
                                  rsa_keys_of_other_sizes_and_exponents_are_left_to_openssl,
                                  a_byte_more_or_any_less_is_no_certificate,
                                  other_kinds_of_key_read_as_openssl_reads_them,
                                  another_key_did_not_sign_it,
                                  with_any_bit_flipped_a_list_is_signed_when_openssl_says_so,
                                  a_point_is_on_the_curve_or_none,
                                  NULL};
    if (!av_decoder_init(&decoder))
        return EXIT_FAILURE;
    int status = checks_run("decoder", tests);
    av_decoder_fini(&decoder);
    return status;
}
