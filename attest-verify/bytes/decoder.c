#define _GNU_SOURCE /* memmem() */
/* A key that stands in an X509 can only be put there at once as a key of the older kind, an EC_KEY
 * or RSA: one that a provider holds is encoded and decoded again on its way in. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "bytes/decoder.h"

#include <openssl/asn1t.h>
#include <openssl/rsa.h>
#include <string.h>

enum { P256_POINT_BYTES = 1 + 2 * 32, P384_POINT_BYTES = 1 + 2 * 48 };

/* All of a SubjectPublicKeyInfo before x||y: id-ecPublicKey, the curve by name, an uncompressed
 * point (RFC 5480 2). */
static const uint8_t p256_spki[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
static const uint8_t p384_spki[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
                                    0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04};

/* The same before the modulus of an RSA key of 4096 bits (RFC 8017 A.1.1; RFC 3279 2.3.1), which is
 * what AMD's ARK, ASK and ASVK have; behind it the exponent, 65537. */
static const uint8_t rsa4096_spki[] = {0x30, 0x82, 0x02, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a,
                                       0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05,
                                       0x00, 0x03, 0x82, 0x02, 0x0f, 0x00, 0x30, 0x82, 0x02,
                                       0x0a, 0x02, 0x82, 0x02, 0x01, 0x00};
static const uint8_t rsa_exponent[] = {0x02, 0x03, 0x01, 0x00, 0x01};
enum { RSA4096_MODULUS_BYTES = 512 };

static EVP_PKEY *p256_key(const struct decoder *decoder, const uint8_t *spki);
static EVP_PKEY *p384_key(const struct decoder *decoder, const uint8_t *spki);
static EVP_PKEY *rsa4096_key(const struct decoder *decoder, const uint8_t *spki);

/* A SubjectPublicKeyInfo whose length and first bytes leave nothing open but numbers. */
static const struct shape {
    struct attest_bytes start;
    size_t len;
    EVP_PKEY *(*key)(const struct decoder *decoder, const uint8_t *spki); /* NULL: not of it */
} shapes[] = {
    {{p256_spki, sizeof p256_spki}, sizeof p256_spki - 1 + P256_POINT_BYTES, p256_key},
    {{p384_spki, sizeof p384_spki}, sizeof p384_spki - 1 + P384_POINT_BYTES, p384_key},
    {{rsa4096_spki, sizeof rsa4096_spki},
     sizeof rsa4096_spki + RSA4096_MODULUS_BYTES + sizeof rsa_exponent,
     rsa4096_key},
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static const int curves[DECODER_CURVES] = {
    [DECODER_P256] = NID_X9_62_prime256v1, [DECODER_P384] = NID_secp384r1};

bool av_decoder_init(struct decoder *decoder)
{
    bool ok = true;
    *decoder = (struct decoder){.bare = OSSL_LIB_CTX_new()};
    if (decoder->bare != NULL)
        decoder->nothing = OSSL_PROVIDER_load(decoder->bare, "null");
    for (size_t i = 0; i < DECODER_CURVES; ++i) {
        decoder->groups[i] = EC_GROUP_new_by_curve_name(curves[i]);
        ok = ok && decoder->groups[i] != NULL;
    }
    return ok && decoder->nothing != NULL;
}

void av_decoder_fini(struct decoder *decoder)
{
    if (decoder->nothing != NULL)
        OSSL_PROVIDER_unload(decoder->nothing);
    OSSL_LIB_CTX_free(decoder->bare);
    for (size_t i = 0; i < DECODER_CURVES; ++i)
        EC_GROUP_free(decoder->groups[i]);
    *decoder = (struct decoder){0};
}

/* The point is checked to be on the curve as it is read. */
static EVP_PKEY *key_from_octets(const EC_GROUP *group, const uint8_t *octets, size_t len)
{
    EC_KEY *numbers = EC_KEY_new();
    EVP_PKEY *key = EVP_PKEY_new();
    if (numbers != NULL && key != NULL && EC_KEY_set_group(numbers, group) == 1 &&
        EC_KEY_oct2key(numbers, octets, len, NULL) == 1 &&
        EVP_PKEY_assign_EC_KEY(key, numbers) == 1)
        return key;
    EC_KEY_free(numbers);
    EVP_PKEY_free(key);
    return NULL;
}

static EVP_PKEY *p256_key(const struct decoder *decoder, const uint8_t *spki)
{
    return key_from_octets(decoder->groups[DECODER_P256], spki + sizeof p256_spki - 1,
                           P256_POINT_BYTES);
}

static EVP_PKEY *p384_key(const struct decoder *decoder, const uint8_t *spki)
{
    return key_from_octets(decoder->groups[DECODER_P384], spki + sizeof p384_spki - 1,
                           P384_POINT_BYTES);
}

/* The modulus has its first bit set: with a zero octet before it, it would else be no DER. OpenSSL
 * asks no more of a public key as it reads one. */
static EVP_PKEY *rsa4096_key(const struct decoder *decoder, const uint8_t *spki)
{
    const uint8_t *modulus = spki + sizeof rsa4096_spki, *rest = modulus + RSA4096_MODULUS_BYTES;
    (void)decoder;
    if ((modulus[0] & 0x80) == 0 || memcmp(rest, rsa_exponent, sizeof rsa_exponent) != 0)
        return NULL;
    RSA *numbers = RSA_new();
    EVP_PKEY *key = EVP_PKEY_new();
    BIGNUM *n = BN_bin2bn(modulus, RSA4096_MODULUS_BYTES, NULL), *e = BN_new();
    if (numbers != NULL && key != NULL && n != NULL && e != NULL && BN_set_word(e, RSA_F4) == 1 &&
        RSA_set0_key(numbers, n, e, NULL) == 1) {
        n = e = NULL; /* now of `numbers` */
        if (EVP_PKEY_assign_RSA(key, numbers) == 1)
            return key;
    }
    BN_free(n);
    BN_free(e);
    RSA_free(numbers);
    EVP_PKEY_free(key);
    return NULL;
}

EVP_PKEY *av_decode_point(const struct decoder *decoder, struct attest_bytes point)
{
    uint8_t octets[P256_POINT_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
    if (decoder == NULL || point.len != sizeof octets - 1)
        return NULL;
    memcpy(octets + 1, point.ptr, point.len);
    return key_from_octets(decoder->groups[DECODER_P256], octets, sizeof octets);
}

static X509 *decode_by_openssl(struct attest_bytes der)
{
    const unsigned char *end = der.ptr;
    X509 *certificate = d2i_X509(NULL, &end, (long)der.len);
    if (certificate == NULL || end == der.ptr + der.len)
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* The library context is that of the key's decoding alone: the certificate itself is of OpenSSL's
 * default one, and put_key() replaces the key with all that came with it. */
static X509 *decode_without_key(const struct decoder *decoder, struct attest_bytes der)
{
    const unsigned char *at = der.ptr;
    return (X509 *)ASN1_item_d2i_ex(NULL, &at, (long)der.len, ASN1_ITEM_rptr(X509), decoder->bare,
                                    NULL);
}

static EVP_PKEY *read_key(const struct decoder *decoder, const struct shape *shape,
                          X509 *certificate)
{
    unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
    bool has_shape = len > 0 && (size_t)len == shape->len &&
                     memcmp(spki, shape->start.ptr, shape->start.len) == 0;
    EVP_PKEY *key = has_shape ? shape->key(decoder, spki) : NULL;
    OPENSSL_free(spki);
    return key;
}

static bool put_key(const struct decoder *decoder, const struct shape *shape, X509 *certificate)
{
    EVP_PKEY *key = read_key(decoder, shape, certificate);
    bool ok = key != NULL && X509_set_pubkey(certificate, key) == 1;
    EVP_PKEY_free(key);
    return ok;
}

static bool encodes_to(X509 *certificate, struct attest_bytes der)
{
    unsigned char *encoded = NULL;
    int len = i2d_X509(certificate, &encoded);
    bool same = len > 0 && (size_t)len == der.len && memcmp(encoded, der.ptr, der.len) == 0;
    OPENSSL_free(encoded);
    return same;
}

static X509 *decode_quickly(const struct decoder *decoder, const struct shape *shape,
                            struct attest_bytes der)
{
    X509 *certificate = decode_without_key(decoder, der);
    if (certificate != NULL && put_key(decoder, shape, certificate) && encodes_to(certificate, der))
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* Only what is in every byte the certificate that was given, and has a good key of one of the
 * shapes, is taken from here; all else, broken or merely unusual, is left to OpenSSL. So no verdict
 * depends on this way. */
X509 *av_decode_certificate(const struct decoder *decoder, struct attest_bytes der)
{
    X509 *certificate = NULL;
    for (size_t i = 0; decoder != NULL && der.len > 0 && certificate == NULL && i < SHAPES; ++i)
        if (memmem(der.ptr, der.len, shapes[i].start.ptr, shapes[i].start.len) != NULL)
            certificate = decode_quickly(decoder, &shapes[i], der);
    return certificate != NULL ? certificate : decode_by_openssl(der);
}
