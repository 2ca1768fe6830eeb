#include "evidence.h"

#include "cbor.h"
#include "crypto.h"

#include <string.h>

enum { DICE_TAG = 60000, CLAIMS_MAX = 32 };

static bool parse_dice(struct attest_bytes value, struct evidence *out)
{
    struct cursor cursor = av_cursor_over(value);
    uint64_t tag, members;
    out->convention = EVIDENCE_DICE;
    return av_cbor_head(&cursor, CBOR_TAG, &tag) && tag == DICE_TAG &&
           av_cbor_head(&cursor, CBOR_ARRAY, &members) && members == 2 &&
           av_cbor_string(&cursor, CBOR_BYTES, &out->quote) &&
           av_cbor_string(&cursor, CBOR_BYTES, &out->claims) && cursor.left == 0;
}

static bool parse_gramine(struct attest_bytes value, struct evidence *out)
{
    out->convention = EVIDENCE_GRAMINE;
    out->quote = value;
    return value.len > 0;
}

/* Every known place of evidence (ra-tls c). Those without a reader are refused by name: ignoring
 * them would let a certificate say one thing to us and another to others. */
static const struct {
    const char *oid;
    const char *name;
    bool (*parse)(struct attest_bytes value, struct evidence *out);
} conventions[] = {
    {"2.23.133.5.4.9", "interoperable RA-TLS", parse_dice},
    {"0.6.9.42.840.113741.1337.6", "Gramine", parse_gramine},
    {"1.2.840.113741.1.13.1", "Intel SGX SDK", NULL},
    {"1.2.840.113741.1337.2", "rats-tls", NULL},
    {"1.2.840.113741.1337.6", "rats-tls", NULL},
    {"1.2.840.113556.10.1.1", "Open Enclave", NULL},
    {"1.2.840.113556.10.1.2", "Open Enclave", NULL},
    {"1.3.6.1.4.1.62397.1.1", "dstack", NULL},
    {"1.3.6.1.4.1.62397.1.8", "dstack", NULL},
};

enum { CONVENTION_COUNT = sizeof conventions / sizeof *conventions };

static bool check_duplicates(X509 *certificate, struct attest_verdict *verdict)
{
    int count = X509_get_ext_count(certificate);
    if (count > CERTIFICATE_EXTENSIONS_MAX)
        return av_refuse(verdict, ATTEST_CERTIFICATE_MALFORMED, "%d extensions, more than %d",
                         count, CERTIFICATE_EXTENSIONS_MAX);
    for (int i = 0; i < count; ++i) {
        const ASN1_OBJECT *oid = X509_EXTENSION_get_object(X509_get_ext(certificate, i));
        char name[80];
        if (X509_get_ext_by_OBJ(certificate, oid, i) < 0)
            continue;
        OBJ_obj2txt(name, sizeof name, oid, 1);
        return av_refuse(verdict, ATTEST_DUPLICATE_EXTENSION, "extension %s", name);
    }
    return true;
}

/* The value of an extension; no bytes when the certificate does not carry it. */
static bool extension_value(X509 *certificate, const char *oid_text, struct attest_bytes *out)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(oid_text, 1);
    int at = oid != NULL ? X509_get_ext_by_OBJ(certificate, oid, -1) : -1;
    ASN1_OBJECT_free(oid);
    if (at < 0)
        return false;
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
    *out = (struct attest_bytes){.ptr = ASN1_STRING_get0_data(value),
                                 .len = (size_t)ASN1_STRING_length(value)};
    return true;
}

/* The SGX SDK repeats the quote of the DICE evidence, byte for byte (ra-tls c). */
static bool repeats_quote(const struct evidence_set *set, struct attest_bytes value)
{
    return set->count > 0 && av_bytes_equal(set->items[0].quote, value);
}

static bool find_one(X509 *certificate, size_t i, struct evidence_set *set,
                     struct attest_verdict *verdict)
{
    struct attest_bytes value;
    if (!extension_value(certificate, conventions[i].oid, &value) || repeats_quote(set, value))
        return true;
    if (conventions[i].parse == NULL || set->count == EVIDENCE_MAX)
        return av_refuse(verdict, ATTEST_CONVENTION_UNSUPPORTED, "%s (%s)", conventions[i].name,
                         conventions[i].oid);
    if (!conventions[i].parse(value, &set->items[set->count]))
        return av_refuse(verdict, ATTEST_EVIDENCE_MALFORMED, "%s (%s)", conventions[i].name,
                         conventions[i].oid);
    ++set->count;
    return true;
}

bool av_evidence_find(X509 *certificate, struct evidence_set *set, struct attest_verdict *verdict)
{
    *set = (struct evidence_set){0};
    if (!check_duplicates(certificate, verdict))
        return false;
    for (size_t i = 0; i < CONVENTION_COUNT; ++i)
        if (!find_one(certificate, i, set, verdict))
            return false;
    return set->count > 0 ||
           av_refuse(verdict, ATTEST_NO_EVIDENCE, "no extension of a known convention");
}

/* "pubkey-hash": bstr of [algorithm, hash]; algorithms of the IANA Named Information registry. */
static bool hash_is_of_key(struct attest_bytes value, struct attest_bytes spki)
{
    static const struct {
        uint64_t id;
        const EVP_MD *(*md)(void);
    } algorithms[] = {{1, EVP_sha256}, {7, EVP_sha384}, {8, EVP_sha512}};
    struct cursor cursor = av_cursor_over(value);
    struct attest_bytes hash;
    uint64_t members, id;
    if (!av_cbor_head(&cursor, CBOR_ARRAY, &members) || members != 2 ||
        !av_cbor_head(&cursor, CBOR_UINT, &id) || !av_cbor_string(&cursor, CBOR_BYTES, &hash) ||
        cursor.left != 0)
        return false;
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; ++i) {
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned len = 0;
        if (algorithms[i].id == id &&
            EVP_Digest(spki.ptr, spki.len, digest, &len, algorithms[i].md(), NULL) == 1)
            return av_bytes_equal(hash, (struct attest_bytes){.ptr = digest, .len = len});
    }
    return false;
}

static bool is_text(struct attest_bytes bytes, const char *text)
{
    return bytes.len == strlen(text) && memcmp(bytes.ptr, text, bytes.len) == 0;
}

static bool key_is_new(const struct attest_bytes *keys, size_t count, struct attest_bytes key)
{
    for (size_t i = 0; i < count; ++i)
        if (av_bytes_equal(keys[i], key))
            return false;
    return true;
}

/* A map of text to anything, no key twice, with the hash of our key in it. */
static bool claims_name_key(struct attest_bytes claims, struct attest_bytes spki)
{
    struct cursor cursor = av_cursor_over(claims);
    struct attest_bytes keys[CLAIMS_MAX], value;
    uint64_t members;
    bool named = false;
    if (!av_cbor_head(&cursor, CBOR_MAP, &members) || members > CLAIMS_MAX)
        return false;
    for (size_t i = 0; i < members; ++i) {
        if (!av_cbor_string(&cursor, CBOR_TEXT, &keys[i]) || !key_is_new(keys, i, keys[i]))
            return false;
        if (!is_text(keys[i], "pubkey-hash")) {
            if (!av_cbor_skip(&cursor))
                return false;
            continue;
        }
        named = av_cbor_string(&cursor, CBOR_BYTES, &value) && hash_is_of_key(value, spki);
        if (!named)
            return false;
    }
    return named && cursor.left == 0;
}

/* SHA-256 in the first half, zero in the second: all 64 bytes count. */
static bool is_digest_of(const uint8_t report_data[64], struct attest_bytes bytes)
{
    uint8_t expected[64] = {0};
    struct attest_bytes none = {NULL, 0};
    return av_sha256(bytes, none, expected) && memcmp(expected, report_data, 64) == 0;
}

bool av_evidence_binds_key(const struct evidence *evidence, X509 *certificate,
                           const uint8_t report_data[64], struct attest_verdict *verdict)
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (len <= 0)
        return av_refuse(verdict, ATTEST_CERTIFICATE_MALFORMED, "its public key is broken");
    struct attest_bytes spki = {.ptr = der, .len = (size_t)len};
    bool is_dice = evidence->convention == EVIDENCE_DICE;
    bool names_key = !is_dice || claims_name_key(evidence->claims, spki);
    bool digest = is_digest_of(report_data, is_dice ? evidence->claims : spki);
    OPENSSL_free(der);
    if (!names_key)
        return av_refuse(verdict, ATTEST_KEY_NOT_BOUND,
                         "the claims do not hold the hash of this certificate's key");
    return digest || av_refuse(verdict, ATTEST_KEY_NOT_BOUND, "report data is not the digest of %s",
                               is_dice ? "the claims" : "this certificate's key");
}
