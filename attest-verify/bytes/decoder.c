#define _GNU_SOURCE /* memmem() */
/* A key that stands in an X509 can only be put there at once as a key of the older kind, an EC_KEY:
 * one that a provider holds is encoded and decoded again on its way in. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "bytes/decoder.h"

#include <openssl/asn1t.h>
#include <string.h>

enum { COORDINATE_BYTES = 32, POINT_BYTES = 1 + 2 * COORDINATE_BYTES };

/* All of a SubjectPublicKeyInfo of P-256 before x||y: id-ecPublicKey, the curve by name, an
 * uncompressed point (RFC 5480 2). */
static const uint8_t p256_spki[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

enum { SPKI_BYTES = sizeof p256_spki + 2 * COORDINATE_BYTES };

bool av_decoder_init(struct decoder *decoder)
{
    *decoder = (struct decoder){.bare = OSSL_LIB_CTX_new(),
                                .p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
    if (decoder->bare != NULL)
        decoder->nothing = OSSL_PROVIDER_load(decoder->bare, "null");
    return decoder->nothing != NULL && decoder->p256 != NULL;
}

void av_decoder_fini(struct decoder *decoder)
{
    if (decoder->nothing != NULL)
        OSSL_PROVIDER_unload(decoder->nothing);
    OSSL_LIB_CTX_free(decoder->bare);
    EC_GROUP_free(decoder->p256);
    *decoder = (struct decoder){0};
}

/* The point is checked to be on the curve as it is read. */
static EVP_PKEY *key_from_octets(const EC_GROUP *group, const uint8_t octets[POINT_BYTES])
{
    EC_KEY *numbers = EC_KEY_new();
    EVP_PKEY *key = EVP_PKEY_new();
    if (numbers != NULL && key != NULL && EC_KEY_set_group(numbers, group) == 1 &&
        EC_KEY_oct2key(numbers, octets, POINT_BYTES, NULL) == 1 &&
        EVP_PKEY_assign_EC_KEY(key, numbers) == 1)
        return key;
    EC_KEY_free(numbers);
    EVP_PKEY_free(key);
    return NULL;
}

EVP_PKEY *av_decode_point(const struct decoder *decoder, struct attest_bytes point)
{
    uint8_t octets[POINT_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
    if (decoder == NULL || point.len != POINT_BYTES - 1)
        return NULL;
    memcpy(octets + 1, point.ptr, point.len);
    return key_from_octets(decoder->p256, octets);
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

static bool has_p256_spki(X509 *certificate)
{
    unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
    bool same = len == SPKI_BYTES && memcmp(spki, p256_spki, sizeof p256_spki) == 0;
    OPENSSL_free(spki);
    return same;
}

static bool put_key(const struct decoder *decoder, X509 *certificate)
{
    if (!has_p256_spki(certificate))
        return false;
    const ASN1_BIT_STRING *octets = X509_get0_pubkey_bitstr(certificate);
    if (ASN1_STRING_length(octets) != POINT_BYTES)
        return false;
    EVP_PKEY *key = key_from_octets(decoder->p256, ASN1_STRING_get0_data(octets));
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

/* Only what is in every byte the certificate that was given, and has a good key of the one shape,
 * is taken from here; all else, broken or merely unusual, is left to OpenSSL. So no verdict depends
 * on this way. */
X509 *av_decode_certificate(const struct decoder *decoder, struct attest_bytes der)
{
    if (decoder == NULL || der.len < SPKI_BYTES ||
        memmem(der.ptr, der.len, p256_spki, sizeof p256_spki) == NULL)
        return decode_by_openssl(der);
    X509 *certificate = decode_without_key(decoder, der);
    if (certificate != NULL && put_key(decoder, certificate) && encodes_to(certificate, der))
        return certificate;
    X509_free(certificate);
    return decode_by_openssl(der);
}
