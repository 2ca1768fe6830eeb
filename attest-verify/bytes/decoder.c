#define _GNU_SOURCE /* memmem() */
/* A key that stands in an X509 can only be put there at once as a key of the older kind, an EC_KEY:
 * one that a provider holds is encoded and decoded again on its way in. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "bytes/decoder.h"

#include <openssl/asn1t.h>
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

struct curve {
    int nid;
    struct attest_bytes spki; /* as far as the point's first octet */
    size_t point_bytes;
};

static const struct curve curves[DECODER_CURVES] = {
    [DECODER_P256] = {NID_X9_62_prime256v1, {p256_spki, sizeof p256_spki}, P256_POINT_BYTES},
    [DECODER_P384] = {NID_secp384r1, {p384_spki, sizeof p384_spki}, P384_POINT_BYTES},
};

bool av_decoder_init(struct decoder *decoder)
{
    bool ok = true;
    *decoder = (struct decoder){.bare = OSSL_LIB_CTX_new()};
    if (decoder->bare != NULL)
        decoder->nothing = OSSL_PROVIDER_load(decoder->bare, "null");
    for (size_t i = 0; i < DECODER_CURVES; ++i) {
        decoder->groups[i] = EC_GROUP_new_by_curve_name(curves[i].nid);
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

static bool has_spki_of(X509 *certificate, const struct curve *curve)
{
    unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
    bool same = len > 0 && (size_t)len == curve->spki.len - 1 + curve->point_bytes &&
                memcmp(spki, curve->spki.ptr, curve->spki.len) == 0;
    OPENSSL_free(spki);
    return same;
}

static bool put_key(const struct decoder *decoder, enum decoder_curve curve, X509 *certificate)
{
    if (!has_spki_of(certificate, &curves[curve]))
        return false;
    const ASN1_BIT_STRING *octets = X509_get0_pubkey_bitstr(certificate);
    if ((size_t)ASN1_STRING_length(octets) != curves[curve].point_bytes)
        return false;
    EVP_PKEY *key = key_from_octets(decoder->groups[curve], ASN1_STRING_get0_data(octets),
                                    curves[curve].point_bytes);
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

static X509 *decode_quickly(const struct decoder *decoder, enum decoder_curve curve,
                            struct attest_bytes der)
{
    X509 *certificate = decode_without_key(decoder, der);
    if (certificate != NULL && put_key(decoder, curve, certificate) && encodes_to(certificate, der))
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* Only what is in every byte the certificate that was given, and has a good key of one of the two
 * shapes, is taken from here; all else, broken or merely unusual, is left to OpenSSL. So no verdict
 * depends on this way. */
X509 *av_decode_certificate(const struct decoder *decoder, struct attest_bytes der)
{
    X509 *certificate = NULL;
    for (size_t i = 0; decoder != NULL && der.len > 0 && certificate == NULL && i < DECODER_CURVES;
         ++i)
        if (memmem(der.ptr, der.len, curves[i].spki.ptr, curves[i].spki.len) != NULL)
            certificate = decode_quickly(decoder, i, der);
    return certificate != NULL ? certificate : decode_by_openssl(der);
}
