/* Reads back what the simulated TEE makes, by the published formats and not by its code.
 * It owns nothing; what its functions return is the test's, to the end of the process.
 * It never judges a policy or a TCB level: that is the verifier's. */
#ifndef SIMULATE_CHECKS_H
#define SIMULATE_CHECKS_H

#include "simulate/simulate.h"

#include <cJSON.h>
#include <check.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>

#define DICE_OID    "2.23.133.5.4.9"
#define GRAMINE_OID "0.6.9.42.840.113741.1337.6"
#define SGX_OID     "1.2.840.113741.1.13.1"

static inline uint32_t little(const uint8_t *at, size_t size)
{
    uint32_t value = 0;
    for (size_t i = size; i > 0; --i)
        value = value << 8 | at[i - 1];
    return value;
}

/* A quote taken apart: pointers into its bytes. */
struct parts {
    const uint8_t *body, *signature, *point, *qe_report, *qe_signature, *qe_auth, *chain;
    size_t signed_len, body_len, qe_auth_len, chain_len;
    uint32_t version, tee;
};

static inline void take_apart_body(const uint8_t *quote, struct parts *parts)
{
    parts->version = little(quote, 2);
    parts->tee = little(quote + 4, 4);
    ck_assert_uint_eq(little(quote + 2, 2), 2); /* ECDSA P-256 */
    size_t at = 48;
    parts->body_len = parts->tee == 0x81 ? 584 : 384;
    if (parts->version == 5) {
        static const uint32_t sizes[] = {0, 384, 584, 648};
        uint32_t kind = little(quote + 48, 2);
        ck_assert_uint_ge(kind, 1);
        ck_assert_uint_le(kind, 3);
        ck_assert_int_eq(kind == 1, parts->tee == 0);
        parts->body_len = sizes[kind];
        ck_assert_uint_eq(little(quote + 50, 4), parts->body_len);
        at = 54;
    }
    parts->body = quote + at;
    parts->signed_len = at + parts->body_len;
}

static inline struct parts take_apart(const uint8_t *quote, size_t len)
{
    struct parts parts = {0};
    ck_assert_uint_gt(len, 1200);
    take_apart_body(quote, &parts);
    const uint8_t *at = quote + parts.signed_len;
    const uint8_t *end = quote + len;
    ck_assert_uint_eq(little(at, 4), (size_t)(end - at) - 4);
    parts.signature = at + 4;
    parts.point = at + 68;
    at += 132;
    if (parts.version >= 4) {
        ck_assert_uint_eq(little(at, 2), 6);
        ck_assert_uint_eq(little(at + 2, 4), (size_t)(end - at) - 6);
        at += 6;
    }
    parts.qe_report = at;
    parts.qe_signature = at + 384;
    parts.qe_auth_len = little(at + 448, 2);
    parts.qe_auth = at + 450;
    at = parts.qe_auth + parts.qe_auth_len;
    ck_assert_uint_eq(little(at, 2), 5);
    parts.chain = at + 6;
    parts.chain_len = little(at + 2, 4);
    ck_assert_ptr_eq(parts.chain + parts.chain_len, end);
    return parts;
}

/* The certificates of a PEM text, first first. */
static inline STACK_OF(X509) * read_chain(const uint8_t *pem, size_t len)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    X509 *cert;
    while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        sk_X509_push(chain, cert);
    BIO_free(bio);
    return chain;
}

static inline EVP_PKEY *key_of_point(const uint8_t point[64])
{
    uint8_t octets[65] = {4};
    char group[] = "prime256v1";
    memcpy(octets + 1, point, 64);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    ck_assert_int_eq(EVP_PKEY_fromdata_init(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static inline bool is_signed_by(EVP_PKEY *key, const uint8_t *message, size_t len,
                                const uint8_t signature[64])
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    ECDSA_SIG_set0(pair, BN_bin2bn(signature, 32, NULL), BN_bin2bn(signature + 32, 32, NULL));
    unsigned char *der = NULL;
    int der_len = i2d_ECDSA_SIG(pair, &der);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    ck_assert_int_eq(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    bool ok = EVP_DigestVerify(ctx, der, (size_t)der_len, message, len) == 1;
    EVP_MD_CTX_free(ctx);
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    return ok;
}

/* Which of a quote's own checks hold. */
struct soundness {
    bool quote_signature, qe_signature, qe_binding;
};

static inline struct soundness check_quote(const uint8_t *quote, size_t len)
{
    struct parts parts = take_apart(quote, len);
    STACK_OF(X509) *chain = read_chain(parts.chain, parts.chain_len);
    ck_assert_int_eq(sk_X509_num(chain), 3);
    EVP_PKEY *key = key_of_point(parts.point);
    EVP_PKEY *pck = X509_get0_pubkey(sk_X509_value(chain, 0));
    uint8_t bound[64 + 64], expected[64] = {0};
    ck_assert_uint_le(parts.qe_auth_len, 64);
    memcpy(bound, parts.point, 64);
    memcpy(bound + 64, parts.qe_auth, parts.qe_auth_len);
    SHA256(bound, 64 + parts.qe_auth_len, expected);
    struct soundness result = {
        .quote_signature = is_signed_by(key, quote, parts.signed_len, parts.signature),
        .qe_signature = is_signed_by(pck, parts.qe_report, 384, parts.qe_signature),
        .qe_binding = memcmp(parts.qe_report + 320, expected, 64) == 0,
    };
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    return result;
}

/* OpenSSL's verdict, at its strictest, on `leaf` under `root` at `when`; X509_V_OK or an error. */
static inline int judge(X509 *leaf, X509 *root, STACK_OF(X509) * between, X509_CRL *first,
                        X509_CRL *second, int64_t when)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, root);
    X509_STORE_add_crl(store, first);
    X509_STORE_add_crl(store, second);
    ck_assert_int_eq(X509_STORE_CTX_init(ctx, store, leaf, between), 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CRL_CHECK |
                                           X509_V_FLAG_CRL_CHECK_ALL);
    X509_VERIFY_PARAM_set_time(param, (time_t)when);
    X509_verify_cert(ctx);
    int error = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return error;
}

/* The extension's value, which must be there exactly `times` (0 or 1; more: the first's). */
static inline const ASN1_OCTET_STRING *extension_of(const X509 *cert, const char *oid, int times)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    const ASN1_OCTET_STRING *value = NULL;
    int found = 0;
    for (int at = -1; (at = X509_get_ext_by_OBJ(cert, object, at)) >= 0; ++found) {
        X509_EXTENSION *extension = X509_get_ext(cert, at);
        ck_assert_int_eq(X509_EXTENSION_get_critical(extension), 0);
        if (value == NULL)
            value = X509_EXTENSION_get_data(extension);
    }
    ASN1_OBJECT_free(object);
    ck_assert_int_eq(found, times);
    return value;
}

/* The evidence of a DICE certificate: tag 60000, an array of two byte strings. */
static inline void split_dice(const X509 *cert, struct attest_bytes *quote,
                              struct attest_bytes *claims)
{
    const ASN1_OCTET_STRING *value = extension_of(cert, DICE_OID, 1);
    const uint8_t *at = ASN1_STRING_get0_data(value);
    const uint8_t *end = at + ASN1_STRING_length(value);
    static const uint8_t head[] = {0xd9, 0xea, 0x60, 0x82, 0x59};
    ck_assert_mem_eq(at, head, sizeof head);
    *quote = (struct attest_bytes){at + 7, (size_t)at[5] << 8 | at[6]};
    at = quote->ptr + quote->len;
    ck_assert_uint_eq(at[0], 0x58); /* 24 to 255 bytes */
    *claims = (struct attest_bytes){at + 2, at[1]};
    ck_assert_ptr_eq(claims->ptr + claims->len, end);
}

/* What DICE claims that bind `cert`'s key look like, byte for byte. */
static inline bool claims_name_key_of(struct attest_bytes claims, const X509 *cert)
{
    static const uint8_t head[] = "\xa1\x6bpubkey-hash\x58\x24\x82\x01\x58\x20";
    uint8_t digest[32];
    unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
    SHA256(spki, (size_t)len, digest);
    OPENSSL_free(spki);
    ck_assert_uint_eq(claims.len, sizeof head - 1 + 32);
    ck_assert_mem_eq(claims.ptr, head, sizeof head - 1);
    return memcmp(claims.ptr + sizeof head - 1, digest, 32) == 0;
}

static inline const char *text_member(const cJSON *document, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(document, name));
    ck_assert_msg(text != NULL, "no text member %s", name);
    return text;
}

static inline struct simulate_bytes hex_member(const cJSON *document, const char *name)
{
    struct simulate_bytes out = {0};
    const char *text = text_member(document, name);
    ck_assert_uint_eq(strlen(text) % 2, 0);
    for (; *text != '\0'; text += 2) {
        unsigned byte = 0;
        ck_assert_int_eq(sscanf(text, "%2x", &byte), 1);
        simulate_put_byte(&out, (uint8_t)byte);
    }
    return out;
}

static inline X509_CRL *crl_member(const cJSON *document, const char *name)
{
    struct simulate_bytes der = hex_member(document, name);
    const uint8_t *at = der.ptr;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    ck_assert_ptr_nonnull(crl);
    ck_assert_ptr_eq(at, der.ptr + der.len);
    simulate_bytes_fini(&der);
    return crl;
}

/* The PCK chain of `quote` judged with the CRLs of `document`; and, with NULL, the JSON signer's.
 */
static inline int judge_with(const cJSON *document, const struct attest_bytes *quote, int64_t when)
{
    const char *pem = text_member(document, "tcb_info_issuer_chain");
    STACK_OF(X509) *chain = read_chain((const uint8_t *)pem, strlen(pem));
    ck_assert_int_eq(sk_X509_num(chain), 2);
    if (quote != NULL) {
        struct parts parts = take_apart(quote->ptr, quote->len);
        sk_X509_pop_free(chain, X509_free);
        chain = read_chain(parts.chain, parts.chain_len);
        ck_assert_int_eq(sk_X509_num(chain), 3);
    }
    X509_CRL *root_crl = crl_member(document, "root_ca_crl");
    X509_CRL *pck_crl = crl_member(document, "pck_crl");
    X509 *root = sk_X509_value(chain, sk_X509_num(chain) - 1);
    int error = judge(sk_X509_value(chain, 0), root, chain, root_crl, pck_crl, when);
    X509_CRL_free(root_crl);
    X509_CRL_free(pck_crl);
    sk_X509_pop_free(chain, X509_free);
    return error;
}

#endif
