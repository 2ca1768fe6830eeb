/* flashbots' attested-tls: a TDX quote in JSON, in dstack's places, whose report data binds the key
 * for the certificate's life and name only: SHA-512(SubjectPublicKeyInfo || notBefore || notAfter
 * || common name), the dates as unix seconds of 8 bytes, big-endian. Source: flashbots/attested-tls
 * 2233497, crates/attested-tls/src/lib.rs, create_report_data() and
 * extract_custom_attestation_from_cert(); the JSON is attest-types' AttestationEvidence. */
#include "evidence/evidence_convention.h"

#include "bytes/json.h"
#include "bytes/moment.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

const struct evidence_convention av_attested_tls = {.name = "attested-tls",
                                                    .binds = av_attested_tls_binds};

bool av_is_attested_tls(struct attest_bytes bytes)
{
    return bytes.len > 0 && bytes.ptr[0] == '{';
}

/* Kinds whose quote is a plain one; of the others the quote cannot be read. */
static const char *unsupported_kind(const char *type)
{
    if (strcmp(type, "gcp-tdx") == 0 || strcmp(type, "self-hosted-tdx") == 0)
        return NULL;
    return strcmp(type, "azure-tdx") == 0 ? "Azure TDX" : "an unknown platform";
}

/* A vector of bytes is an array of numbers there. */
static bool take_octets(const cJSON *list, struct evidence *out)
{
    const cJSON *item;
    size_t len = 0;
    if (list == NULL || list->child == NULL)
        return false;
    out->owned = malloc((size_t)cJSON_GetArraySize(list));
    for (item = list->child; out->owned != NULL && item != NULL; item = item->next) {
        uint64_t value;
        if (!av_json_item_uint(item, UINT8_MAX, &value))
            return false;
        out->owned[len++] = (uint8_t)value;
    }
    out->quote = (struct attest_bytes){.ptr = out->owned, .len = len};
    return out->owned != NULL;
}

static bool parse_members(const cJSON *json, struct evidence *out)
{
    static const char *const outer[] = {"attestation_evidence", NULL};
    static const char *const inner[] = {"quote", "platform", NULL};
    static const char *const described[] = {"attestation_type", "ram_bytes", "num_disks", "acpi",
                                            NULL};
    const cJSON *evidence = cJSON_GetObjectItemCaseSensitive(json, outer[0]);
    const cJSON *platform = cJSON_GetObjectItemCaseSensitive(evidence, inner[1]);
    const char *type = av_json_string(platform, described[0]);
    if (av_json_stranger(json, outer) != NULL || !cJSON_IsObject(evidence) ||
        av_json_stranger(evidence, inner) != NULL || !cJSON_IsObject(platform) ||
        av_json_stranger(platform, described) != NULL || type == NULL)
        return false;
    out->unsupported = unsupported_kind(type);
    return out->unsupported != NULL ||
           take_octets(av_json_array(evidence, inner[0], ATTESTED_TLS_QUOTE_BYTES_MAX), out);
}

bool av_attested_tls_parse(struct attest_bytes text, struct evidence *out)
{
    char wrong[96];
    cJSON *json = av_json_parse(text, CERTIFICATE_BYTES_MAX, wrong, sizeof wrong);
    out->convention = &av_attested_tls;
    bool ok = json != NULL && parse_members(json, out);
    cJSON_Delete(json);
    return ok;
}

static bool hash_moment(EVP_MD_CTX *hash, const ASN1_TIME *time)
{
    uint8_t bytes[8];
    int64_t at;
    if (!av_moment_from_asn1(time, &at) || at < 0)
        return false;
    for (size_t i = 0; i < sizeof bytes; ++i)
        bytes[i] = (uint8_t)((uint64_t)at >> (56 - 8 * i));
    return EVP_DigestUpdate(hash, bytes, sizeof bytes) == 1;
}

/* The common name, byte for byte as it stands. The source takes the first of several; several are
 * two readings, so they are none. */
static bool hash_name(EVP_MD_CTX *hash, const X509 *certificate)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
        return false;
    const ASN1_STRING *name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    return EVP_DigestUpdate(hash, ASN1_STRING_get0_data(name), (size_t)ASN1_STRING_length(name)) ==
           1;
}

bool av_attested_tls_binds(const struct evidence *evidence, const struct certificate_key *key,
                           const uint8_t report_data[64], struct attest_verdict *verdict)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool hashed = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha512(), NULL) == 1 &&
                  EVP_DigestUpdate(hash, key->spki.ptr, key->spki.len) == 1 &&
                  hash_moment(hash, X509_get0_notBefore(key->certificate)) &&
                  hash_moment(hash, X509_get0_notAfter(key->certificate)) &&
                  hash_name(hash, key->certificate) && EVP_DigestFinal_ex(hash, digest, NULL) == 1;
    EVP_MD_CTX_free(hash);
    return (hashed && memcmp(digest, report_data, 64) == 0) ||
           av_refuse(verdict, ATTEST_KEY_NOT_BOUND, "%s",
                     hashed ? "report data is not the digest of this certificate's key, dates and "
                              "common name"
                            : "the certificate does not have two dates and one common name, which "
                              "report data binds");
}
