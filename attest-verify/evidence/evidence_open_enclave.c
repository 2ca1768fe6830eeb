/* Open Enclave (and EGo and MarbleRun on it): a header and a quote, whose report data is the digest
 * of the key as PEM text with its NUL (ra-tls c). */
#include "evidence/evidence_convention.h"

#include "bytes/cursor.h"

#include <openssl/pem.h>

enum { OE_VERSION = 1, OE_TYPE_REMOTE = 2 };

/* Header: u32 version, u32 type, u64 size of what follows, which is all the rest. */
bool av_open_enclave_parse(const struct evidence_source *source, struct evidence *out)
{
    struct cursor cursor = av_cursor_over(source->value);
    uint32_t version, type, size, size_high;
    return av_cursor_u32le(&cursor, &version) && version == OE_VERSION &&
           av_cursor_u32le(&cursor, &type) && type == OE_TYPE_REMOTE &&
           av_cursor_u32le(&cursor, &size) && av_cursor_u32le(&cursor, &size_high) &&
           size_high == 0 && size > 0 && size == cursor.left &&
           av_cursor_take(&cursor, size, &out->quote);
}

/* The SubjectPublicKeyInfo's own bytes as PEM: encoding the parsed key anew could differ. */
static bool is_digest_of_pem(const uint8_t report_data[64], struct attest_bytes spki)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    bool same = false;
    if (bio != NULL && PEM_write_bio(bio, "PUBLIC KEY", "", spki.ptr, (long)spki.len) > 0 &&
        BIO_write(bio, "", 1) == 1) {
        long len = BIO_get_mem_data(bio, &text);
        same = av_report_data_is_sha256(
            report_data, (struct attest_bytes){.ptr = (const uint8_t *)text, .len = (size_t)len});
    }
    BIO_free(bio);
    return same;
}

bool av_open_enclave_binds(const struct evidence *evidence, const struct certificate_key *key,
                           const uint8_t report_data[64], struct attest_verdict *verdict)
{
    return is_digest_of_pem(report_data, key->spki) ||
           av_refuse(verdict, ATTEST_KEY_NOT_BOUND,
                     "report data is not the digest of this certificate's key as PEM text");
}
