#include "collateral/roots.h"

#include "bytes/crypto.h"
#include "collateral/chain.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A key, and the name its certificate must have; NULL is any, which the rules of chains bound. */
struct root {
    const char *common_name;
    uint8_t spki_sha256[SHA256_DIGEST_LENGTH];
};

struct attest_roots {
    struct root roots[ROOTS_MAX];
    size_t count;
    uint8_t known[ROOTS_MAX][SHA256_DIGEST_LENGTH]; /* whole certificates that signed themselves */
    size_t known_count;
    struct decoder decoder;
};

/* The vendors' keys (ra-tls a.5). Intel's has certificates of 2018 that end in 2033 and in 2049;
 * AMD has one for each product, and the name keeps one product's from vouching for another's. */
static const struct root vendors[] = {
    {"Intel SGX Root CA", {0xa0, 0xaf, 0x03, 0x12, 0x89, 0xf5, 0xd5, 0xd4, 0x13, 0x2f, 0x91,
                           0x86, 0x06, 0x8a, 0x7f, 0xc1, 0x36, 0x28, 0x63, 0x3b, 0xa2, 0x35,
                           0x77, 0x74, 0x72, 0xe2, 0x9b, 0x6b, 0x6c, 0x67, 0xa4, 0x9e}},
    {"ARK-Milan", {0x9f, 0x05, 0x6b, 0xee, 0x44, 0x37, 0x7e, 0x29, 0x30, 0x8c, 0xb5,
                   0xff, 0xa8, 0x95, 0xbd, 0xfb, 0x62, 0xd1, 0x88, 0x81, 0xfa, 0x6b,
                   0xed, 0x8d, 0x6f, 0x07, 0x5b, 0x02, 0x04, 0x08, 0x9c, 0xb9}},
    {"ARK-Genoa", {0x42, 0x9a, 0x69, 0xc9, 0x42, 0x2a, 0xa2, 0x58, 0xee, 0x4d, 0x8d,
                   0xb5, 0xfc, 0xda, 0x9c, 0x64, 0x70, 0xef, 0x15, 0xf8, 0xcd, 0x5a,
                   0x9c, 0xeb, 0xd6, 0xcb, 0xc7, 0xd9, 0x0b, 0x86, 0x38, 0x31}},
    {"ARK-Turin", {0x4f, 0x12, 0x54, 0x10, 0x56, 0x3a, 0x2a, 0xb9, 0xa5, 0x03, 0x56,
                   0xf9, 0x24, 0x3f, 0x6f, 0xe0, 0xb6, 0xf7, 0x3d, 0xe9, 0x86, 0x03,
                   0xf5, 0x3f, 0x90, 0x33, 0x9c, 0x70, 0xe9, 0xd7, 0xad, 0x08}},
};

/* The SHA-256 of whole certificates, in every byte: Intel's root that ends in 2049 (ra-tls a.5) and
 * the ARKs of Milan, Genoa and Turin that AMD serves. That each signed itself was checked when this
 * was written, and is by tests/conformance. */
static const uint8_t self_signed[][SHA256_DIGEST_LENGTH] = {
    {0x44, 0xa0, 0x19, 0x6b, 0x2b, 0x99, 0xf8, 0x89, 0xb8, 0xe1, 0x49,
     0xe9, 0x5b, 0x80, 0x7a, 0x35, 0x0e, 0x74, 0x24, 0x96, 0x43, 0x99,
     0xe8, 0x85, 0xa7, 0xcb, 0xb8, 0xcc, 0xfa, 0xb6, 0x74, 0xd3},
    {0x69, 0xd0, 0x63, 0xb4, 0x53, 0x44, 0xd2, 0x6a, 0x2e, 0x94, 0xe1,
     0xf4, 0x21, 0x0d, 0xe4, 0x9e, 0xf5, 0x55, 0x30, 0x82, 0x87, 0xd4,
     0xc1, 0x74, 0x44, 0x5c, 0x95, 0x63, 0x9a, 0x54, 0x0b, 0xcd},
    {0x4c, 0x65, 0x98, 0xd1, 0x9c, 0x18, 0x71, 0x9c, 0x5d, 0xfd, 0x4a,
     0x7d, 0x33, 0x5f, 0x67, 0x4e, 0x5b, 0xfe, 0x1d, 0x8f, 0x80, 0x0c,
     0xea, 0x2c, 0xf2, 0x70, 0xc1, 0x0d, 0x10, 0x3d, 0xb2, 0xf1},
    {0x1f, 0x08, 0x41, 0x61, 0xa4, 0x4b, 0xb6, 0xd9, 0x37, 0x78, 0xa9,
     0x04, 0x87, 0x7d, 0x48, 0x19, 0xca, 0xfa, 0x5d, 0x05, 0xef, 0x41,
     0x93, 0xb2, 0xde, 0xd9, 0xdd, 0x9c, 0x73, 0xdd, 0x3f, 0x6a}};

static struct attest_roots *new_roots(void)
{
    struct attest_roots *roots = calloc(1, sizeof *roots);
    if (roots == NULL || av_decoder_init(&roots->decoder))
        return roots;
    attest_roots_free(roots);
    return NULL;
}

struct attest_roots *attest_roots_builtin(void)
{
    struct attest_roots *roots = new_roots();
    if (roots == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof vendors / sizeof *vendors; ++i)
        roots->roots[roots->count++] = vendors[i];
    for (size_t i = 0; i < sizeof self_signed / sizeof *self_signed; ++i)
        memcpy(roots->known[roots->known_count++], self_signed[i], sizeof self_signed[i]);
    return roots;
}

static bool digest_key(X509 *certificate, uint8_t out[SHA256_DIGEST_LENGTH])
{
    unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
    if (len <= 0)
        return false;
    SHA256(spki, (size_t)len, out);
    OPENSSL_free(spki);
    return true;
}

static bool digest_certificate(X509 *certificate, uint8_t out[SHA256_DIGEST_LENGTH])
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    if (len <= 0)
        return false;
    SHA256(der, (size_t)len, out);
    OPENSSL_free(der);
    return true;
}

/* One that did not sign itself is an anchor by its key all the same, as it always was; a chain that
 * ends in it is refused for it. */
static void know(struct attest_roots *roots, X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    if (key != NULL && X509_check_issued(certificate, certificate) == X509_V_OK &&
        av_certificate_is_signed(certificate, key) &&
        digest_certificate(certificate, roots->known[roots->known_count]))
        ++roots->known_count;
}

struct attest_roots *attest_roots_from_pem(struct attest_bytes pem, char *error, size_t error_size)
{
    struct attest_roots *roots = new_roots();
    struct cursor cursor = av_cursor_over(pem);
    X509 *certificate = NULL;
    ERR_set_mark();
    bool ok = roots != NULL && pem.len <= CHAIN_PEM_BYTES_MAX;
    while (ok && (certificate = av_pem_take_certificate(&cursor, NULL)) != NULL) {
        ok = roots->count < ROOTS_MAX &&
             digest_key(certificate, roots->roots[roots->count].spki_sha256);
        roots->count += ok;
        if (ok)
            know(roots, certificate);
        X509_free(certificate);
    }
    ERR_pop_to_mark();
    if (ok && roots->count > 0 && av_pem_is_spent(&cursor))
        return roots;
    snprintf(error, error_size, "trust anchors: not 1 to %d PEM certificates and nothing else",
             ROOTS_MAX);
    attest_roots_free(roots);
    return NULL;
}

void attest_roots_free(struct attest_roots *roots)
{
    if (roots == NULL)
        return;
    av_decoder_fini(&roots->decoder);
    free(roots);
}

const struct decoder *av_roots_decoder(const struct attest_roots *roots)
{
    return roots != NULL ? &roots->decoder : NULL;
}

bool av_roots_have(const struct attest_roots *roots, X509 *certificate)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    if (roots == NULL || !digest_key(certificate, digest))
        return false;
    for (size_t i = 0; i < roots->count; ++i)
        if (memcmp(roots->roots[i].spki_sha256, digest, sizeof digest) == 0 &&
            (roots->roots[i].common_name == NULL ||
             av_common_name_is(certificate, roots->roots[i].common_name)))
            return true;
    return false;
}

bool av_roots_know(const struct attest_roots *roots, X509 *certificate)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    if (roots == NULL || !digest_certificate(certificate, digest))
        return false;
    for (size_t i = 0; i < roots->known_count; ++i)
        if (memcmp(roots->known[i], digest, sizeof digest) == 0)
            return true;
    return false;
}
