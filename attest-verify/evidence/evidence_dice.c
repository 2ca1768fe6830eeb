/* Interoperable RA-TLS (CCC): TCG DICE tagged evidence, and Intel's SGX SDK, whose bare quote is
 * bound by the same claims (ra-tls c). */
#include "evidence/evidence_convention.h"

#include "bytes/cbor.h"

#include <openssl/evp.h>
#include <string.h>

/* Tag 60000 is of Intel's quotes (CCC, Interoperable RA-TLS, evidence formats). CCC names none of
 * SEV-SNP; librats and rats-tls, which CCC's own tests are made with, have 0x1a7504 for the bare
 * report (librats 3c85c3e, include/internal/dice.h), with the same array and claims. */
enum { TAG_QUOTE = 60000, TAG_SNP_REPORT = 0x1a7504, CLAIMS_MAX = 32 };

bool av_dice_parse(const struct evidence_source *source, struct evidence *out)
{
    struct cursor cursor = av_cursor_over(source->value);
    uint64_t tag, members;
    if (!av_cbor_head(&cursor, CBOR_TAG, &tag) || (tag != TAG_QUOTE && tag != TAG_SNP_REPORT))
        return false;
    out->is_report = tag == TAG_SNP_REPORT;
    return av_cbor_head(&cursor, CBOR_ARRAY, &members) && members == 2 &&
           av_cbor_string(&cursor, CBOR_BYTES, &out->quote) &&
           av_cbor_string(&cursor, CBOR_BYTES, &out->claims) && cursor.left == 0;
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

bool av_dice_binds(const struct evidence *evidence, const struct certificate_key *key,
                   const uint8_t report_data[64], struct attest_verdict *verdict)
{
    if (!claims_name_key(evidence->claims, key->spki))
        return av_refuse(verdict, ATTEST_KEY_NOT_BOUND,
                         "the claims do not hold the hash of this certificate's key");
    return av_report_data_is_sha256(report_data, evidence->claims) ||
           av_refuse(verdict, ATTEST_KEY_NOT_BOUND, "report data is not the digest of the claims");
}
