/* EC_KEY and ECDSA_verify() are deprecated in OpenSSL 3 but are what its provider calls in the end:
 * the way there, through EVP, costs a sixth more and copies a key of decoder.c once. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "bytes/crypto.h"

#include "bytes/cursor.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/sha.h>
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
    unsigned char *(*digest)(const unsigned char *message, size_t len, unsigned char *out);
    size_t digest_bytes;
};

static const struct curve p256 = {"prime256v1", SCALAR_BYTES, p256_order, SHA256,
                                  SHA256_DIGEST_LENGTH};
static const struct curve p384 = {"secp384r1", SCALAR_BYTES_MAX, p384_order, SHA384,
                                  SHA384_DIGEST_LENGTH};

bool av_sha256(struct attest_bytes a, struct attest_bytes b, uint8_t out[32])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(md, a.ptr, a.len) == 1 && EVP_DigestUpdate(md, b.ptr, b.len) == 1 &&
              EVP_DigestFinal_ex(md, out, NULL) == 1;
    EVP_MD_CTX_free(md);
    return ok;
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

static ECDSA_SIG *read_signature(struct attest_bytes raw)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw.ptr, (int)(raw.len / 2), NULL);
    BIGNUM *s = BN_bin2bn(raw.ptr + raw.len / 2, (int)(raw.len / 2), NULL);
    if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1)
        return pair;
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return NULL;
}

static bool signature_holds(const struct curve *curve, EVP_PKEY *key, struct attest_bytes signature,
                            struct attest_bytes message)
{
    uint8_t digest[SHA384_DIGEST_LENGTH];
    if (signature.len != 2 * curve->bytes || !scalar_is_in_range(signature.ptr, curve) ||
        !scalar_is_in_range(signature.ptr + curve->bytes, curve) || !key_is_on(key, curve) ||
        curve->digest(message.ptr, message.len, digest) == NULL)
        return false;
    EC_KEY *numbers = EVP_PKEY_get1_EC_KEY(key);
    ECDSA_SIG *pair = read_signature(signature);
    bool holds = numbers != NULL && pair != NULL &&
                 ECDSA_do_verify(digest, (int)curve->digest_bytes, pair, numbers) == 1;
    ECDSA_SIG_free(pair);
    EC_KEY_free(numbers);
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

enum { DER_BIT_STRING = 3, DER_SEQUENCE = 0x30 };

/* SEQUENCE of what is signed, the algorithm and the signature (RFC 5280 4.1 and 5.1). */
struct signed_der {
    struct attest_bytes message, algorithm, signature;
};

/* The next element, its tag and length included. */
static bool take_element(struct cursor *cursor, uint8_t tag, struct attest_bytes *out)
{
    struct cursor before = *cursor;
    struct attest_bytes inner;
    return av_cursor_der(cursor, tag, &inner) &&
           av_cursor_take(&before, before.left - cursor->left, out);
}

static bool split(struct attest_bytes der, struct signed_der *out)
{
    struct cursor whole = av_cursor_over(der), list, bits;
    struct attest_bytes inner;
    uint8_t unused_bits;
    if (!av_cursor_der(&whole, DER_SEQUENCE, &inner))
        return false;
    list = av_cursor_over(inner);
    if (!take_element(&list, DER_SEQUENCE, &out->message) ||
        !take_element(&list, DER_SEQUENCE, &out->algorithm) ||
        !av_cursor_der(&list, DER_BIT_STRING, &inner) || list.left != 0)
        return false;
    bits = av_cursor_over(inner);
    return av_cursor_u8(&bits, &unused_bits) && unused_bits == 0 &&
           av_cursor_take(&bits, bits.left, &out->signature);
}

/* The algorithm is named once more inside of what is signed, before the issuer's name: as the
 * element after version and number of a certificate, after the version of a list. */
static bool is_named_within(const struct signed_der *der, size_t elements_before)
{
    struct attest_bytes inner, found;
    struct cursor cursor = av_cursor_over(der->message);
    if (!av_cursor_der(&cursor, DER_SEQUENCE, &inner))
        return false;
    cursor = av_cursor_over(inner);
    for (size_t i = 0; i < elements_before; ++i)
        if (cursor.left == 0 || !take_element(&cursor, *cursor.at, &found))
            return false;
    return take_element(&cursor, DER_SEQUENCE, &found) && av_bytes_equal(found, der->algorithm);
}

/* ECDSA_verify() insists on the one DER form of a signature. */
static bool der_is_signed(struct attest_bytes der, size_t elements_before, EVP_PKEY *key)
{
    /* ecdsa-with-SHA256, without parameters (RFC 5758 3.2) */
    static const uint8_t ecdsa_sha256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                           0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
    static const struct attest_bytes expected = {ecdsa_sha256, sizeof ecdsa_sha256};
    uint8_t digest[SHA256_DIGEST_LENGTH];
    struct signed_der part;
    if (!key_is_on(key, &p256) || !split(der, &part) || !av_bytes_equal(part.algorithm, expected) ||
        !is_named_within(&part, elements_before) || part.signature.len > INT_MAX ||
        SHA256(part.message.ptr, part.message.len, digest) == NULL)
        return false;
    EC_KEY *numbers = EVP_PKEY_get1_EC_KEY(key);
    bool holds = numbers != NULL && ECDSA_verify(0, digest, sizeof digest, part.signature.ptr,
                                                 (int)part.signature.len, numbers) == 1;
    EC_KEY_free(numbers);
    return holds;
}

static bool take_encoding(unsigned char *encoded, int len, size_t elements_before, EVP_PKEY *key)
{
    struct attest_bytes der = {.ptr = encoded, .len = len > 0 ? (size_t)len : 0};
    bool holds = len > 0 && der_is_signed(der, elements_before, key);
    OPENSSL_free(encoded);
    return holds;
}

/* What does not hold by the short way is asked of OpenSSL, so that nothing is refused by it. The
 * signed bytes are those that came, which OpenSSL keeps. */
bool av_certificate_is_signed(X509 *certificate, EVP_PKEY *key)
{
    enum { VERSION_AND_NUMBER = 2 };
    unsigned char *encoded = NULL;
    int len = i2d_X509(certificate, &encoded);
    return take_encoding(encoded, len, VERSION_AND_NUMBER, key) ||
           X509_verify(certificate, key) == 1;
}

bool av_list_is_signed(X509_CRL *list, EVP_PKEY *key)
{
    enum { VERSION = 1 };
    unsigned char *encoded = NULL;
    int len = i2d_X509_CRL(list, &encoded);
    return take_encoding(encoded, len, VERSION, key) || X509_CRL_verify(list, key) == 1;
}
