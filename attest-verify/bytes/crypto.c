#include "bytes/crypto.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/params.h>
#include <string.h>

enum { SCALAR_BYTES = 32, SCALAR_BYTES_MAX = 48 };

/* The order of P-256, SEC 2 section 2.4.2. */
static const uint8_t p256_order[SCALAR_BYTES] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

/* The order of P-384, SEC 2 section 2.5.1. */
static const uint8_t p384_order[SCALAR_BYTES_MAX] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73};

/* A curve with the digest that goes with it. */
struct curve {
    const char *group;
    size_t bytes; /* of a scalar */
    const uint8_t *order;
    const EVP_MD *(*digest)(void);
};

static const struct curve p256 = {"prime256v1", SCALAR_BYTES, p256_order, EVP_sha256};
static const struct curve p384 = {"secp384r1", SCALAR_BYTES_MAX, p384_order, EVP_sha384};

bool av_sha256(struct attest_bytes a, struct attest_bytes b, uint8_t out[32])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(md, a.ptr, a.len) == 1 && EVP_DigestUpdate(md, b.ptr, b.len) == 1 &&
              EVP_DigestFinal_ex(md, out, NULL) == 1;
    EVP_MD_CTX_free(md);
    return ok;
}

EVP_PKEY *av_key_from_point(struct attest_bytes point)
{
    uint8_t octets[1 + 2 * SCALAR_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
    if (point.len != 2 * SCALAR_BYTES)
        return NULL;
    memcpy(octets + 1, point.ptr, point.len);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"prime256v1"}, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets),
        OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    if (maker == NULL || EVP_PKEY_fromdata_init(maker) != 1 ||
        EVP_PKEY_fromdata(maker, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(maker);
    return key;
}

static bool key_is_on(EVP_PKEY *key, const struct curve *curve)
{
    char group[32];
    size_t len = 0;
    return key != NULL && EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group, sizeof group, &len) == 1 &&
           strcmp(group, curve->group) == 0;
}

bool av_key_is_p256(EVP_PKEY *key)
{
    return key_is_on(key, &p256);
}

bool av_key_is_p384(EVP_PKEY *key)
{
    return key_is_on(key, &p384);
}

static bool scalar_is_in_range(const uint8_t *scalar, const struct curve *curve)
{
    static const uint8_t zero[SCALAR_BYTES_MAX];
    return memcmp(scalar, zero, curve->bytes) != 0 &&
           memcmp(scalar, curve->order, curve->bytes) < 0;
}

/* OpenSSL verifies DER signatures only. Returns the length, 0 on failure. */
static int encode_signature(struct attest_bytes raw, unsigned char **der)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw.ptr, (int)(raw.len / 2), NULL);
    BIGNUM *s = BN_bin2bn(raw.ptr + raw.len / 2, (int)(raw.len / 2), NULL);
    int len = 0;
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
    } else {
        len = i2d_ECDSA_SIG(pair, der);
    }
    ECDSA_SIG_free(pair);
    return len > 0 ? len : 0;
}

static bool signature_holds(const struct curve *curve, EVP_PKEY *key, struct attest_bytes signature,
                            struct attest_bytes message)
{
    if (signature.len != 2 * curve->bytes || !scalar_is_in_range(signature.ptr, curve) ||
        !scalar_is_in_range(signature.ptr + curve->bytes, curve) || !key_is_on(key, curve))
        return false;
    unsigned char *der = NULL;
    int len = encode_signature(signature, &der);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool holds = len > 0 && md != NULL &&
                 EVP_DigestVerifyInit(md, NULL, curve->digest(), NULL, key) == 1 &&
                 EVP_DigestVerify(md, der, (size_t)len, message.ptr, message.len) == 1;
    EVP_MD_CTX_free(md);
    OPENSSL_free(der);
    return holds;
}

bool av_signature_holds(EVP_PKEY *key, struct attest_bytes signature, struct attest_bytes message)
{
    return signature_holds(&p256, key, signature, message);
}

bool av_signature_holds_p384(EVP_PKEY *key, struct attest_bytes signature,
                             struct attest_bytes message)
{
    return signature_holds(&p384, key, signature, message);
}

bool av_signature_holds_ed25519(const uint8_t x[32], struct attest_bytes signature,
                                struct attest_bytes message)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x, 32);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool holds = key != NULL && md != NULL &&
                 EVP_DigestVerifyInit(md, NULL, NULL, NULL, key) == 1 &&
                 EVP_DigestVerify(md, signature.ptr, signature.len, message.ptr, message.len) == 1;
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
    return holds;
}
