/* Any bytes as the value of each extension that holds evidence, and what is read of it held against
 * a key: what fuzz_certificate seldom reaches, because a broken certificate ends there. The first
 * byte says which extension, and how many sixteenths of the rest go into it; what is left goes into
 * that of dstack's event log. */
#include "evidence/evidence_convention.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_extension(X509 *certificate, const char *oid_text, struct attest_bytes value)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(oid_text, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    if (oid == NULL || octets == NULL ||
        ASN1_OCTET_STRING_set(octets, value.ptr, (int)value.len) != 1)
        abort();
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, octets);
    if (extension == NULL || X509_add_ext(certificate, extension, -1) != 1)
        abort();
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(oid);
}

/* A key of its own kind, without which nothing is bound: the generator's point on P-256, as DER. */
static EVP_PKEY *some_key(void)
{
    static const uint8_t spki[] = {
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5,
        0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4,
        0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a,
        0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
        0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};
    const unsigned char *at = spki;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, sizeof spki);
    if (key == NULL)
        abort();
    return key;
}

/* Report data of zeros is the digest of nothing, so that no bytes bind the key. */
static void check_set(X509 *certificate, const struct evidence_set *set)
{
    static const uint8_t zeros[64];
    for (size_t i = 0; i < set->count; ++i) {
        struct attest_verdict verdict;
        av_verdict_init(&verdict);
        if (set->items[i].convention == NULL ||
            av_evidence_binds_key(&set->items[i], certificate, zeros, &verdict))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const oids[] = {"2.23.133.5.4.9",        "0.6.9.42.840.113741.1337.6",
                                       "1.2.840.113741.1.13.1", "1.2.840.113741.1337.6",
                                       "1.2.840.113556.10.1.1", "1.3.6.1.4.1.62397.1.1",
                                       "1.3.6.1.4.1.62397.1.8"};
    if (size < 1)
        return 0;
    size_t first = (size - 1) * (data[0] % 17u) / 16;
    struct attest_bytes value = {.ptr = data + 1, .len = first};
    struct attest_bytes log = {.ptr = data + 1 + first, .len = size - 1 - first};
    EVP_PKEY *key = some_key();
    X509 *certificate = X509_new();
    if (certificate == NULL || X509_set_pubkey(certificate, key) != 1)
        abort();
    add_extension(certificate, oids[data[0] / 17u % (sizeof oids / sizeof *oids)], value);
    add_extension(certificate, "1.3.6.1.4.1.62397.1.2", log);
    struct evidence_set set = {0};
    struct attest_verdict verdict;
    av_verdict_init(&verdict);
    if (av_evidence_find(certificate, &set, &verdict))
        check_set(certificate, &set);
    else if (verdict.detail[0] == '\0')
        abort();
    av_evidence_fini(&set);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return 0;
}
