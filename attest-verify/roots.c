#include "roots.h"

#include "chain.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct attest_roots {
    uint8_t spki_sha256[ROOTS_MAX][SHA256_DIGEST_LENGTH];
    size_t count;
};

/* Intel SGX Root CA: one key, certificates of 2018 that end in 2033 and in 2049 (ra-tls a.5). */
static const uint8_t intel_sgx_root[SHA256_DIGEST_LENGTH] = {
    0xa0, 0xaf, 0x03, 0x12, 0x89, 0xf5, 0xd5, 0xd4, 0x13, 0x2f, 0x91, 0x86, 0x06, 0x8a, 0x7f, 0xc1,
    0x36, 0x28, 0x63, 0x3b, 0xa2, 0x35, 0x77, 0x74, 0x72, 0xe2, 0x9b, 0x6b, 0x6c, 0x67, 0xa4, 0x9e};

struct attest_roots *attest_roots_builtin(void)
{
    struct attest_roots *roots = calloc(1, sizeof *roots);
    if (roots == NULL)
        return NULL;
    memcpy(roots->spki_sha256[roots->count++], intel_sgx_root, sizeof intel_sgx_root);
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

struct attest_roots *attest_roots_from_pem(struct attest_bytes pem, char *error, size_t error_size)
{
    struct attest_roots *roots = calloc(1, sizeof *roots);
    struct cursor cursor = av_cursor_over(pem);
    X509 *certificate = NULL;
    ERR_set_mark();
    bool ok = roots != NULL && pem.len <= CHAIN_PEM_BYTES_MAX;
    while (ok && (certificate = av_pem_take_certificate(&cursor)) != NULL) {
        ok = roots->count < ROOTS_MAX && digest_key(certificate, roots->spki_sha256[roots->count]);
        roots->count += ok;
        X509_free(certificate);
    }
    ERR_pop_to_mark();
    if (ok && roots->count > 0 && av_pem_is_spent(&cursor))
        return roots;
    snprintf(error, error_size, "trust anchors: not 1 to %d PEM certificates and nothing else",
             ROOTS_MAX);
    free(roots);
    return NULL;
}

void attest_roots_free(struct attest_roots *roots)
{
    free(roots);
}

bool av_roots_have(const struct attest_roots *roots, X509 *certificate)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    if (roots == NULL || !digest_key(certificate, digest))
        return false;
    for (size_t i = 0; i < roots->count; ++i)
        if (memcmp(roots->spki_sha256[i], digest, sizeof digest) == 0)
            return true;
    return false;
}
