/* dstack: a TDX quote with its event log in extensions .1 and .2, or both in the versioned envelope
 * of .8, which may hold a SEV-SNP report with its certificates instead; report data is a tagged
 * SHA-512 of the key (ra-tls c). In the same places attested-tls has a quote in JSON without
 * events; two readings of one place are kept apart by its first byte, which in a quote is its
 * version. */
#include "evidence/evidence_convention.h"

#include "bytes/cursor.h"
#include "evidence/dstack_envelope.h"
#include "evidence/dstack_mr_config.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { DER_OCTET_STRING = 0x04 };

static const char event_log_oid[] = "1.3.6.1.4.1.62397.1.2";

/* dstack puts a second OCTET STRING into the extension's own. */
static bool inner_octets(struct attest_bytes value, struct attest_bytes *out)
{
    struct cursor cursor = av_cursor_over(value);
    return av_cursor_der(&cursor, DER_OCTET_STRING, out) && cursor.left == 0;
}

bool av_dstack_parse(const struct evidence_source *source, struct evidence *out)
{
    struct attest_bytes log, log_inner;
    if (!inner_octets(source->value, &out->quote))
        return false;
    if (av_is_attested_tls(out->quote))
        return !av_evidence_extension(source->certificate, event_log_oid, &log) &&
               av_attested_tls_parse(out->quote, out);
    out->has_log = true;
    return av_evidence_extension(source->certificate, event_log_oid, &log) &&
           inner_octets(log, &log_inner) && av_event_log_parse(log_inner, &out->log);
}

/* The envelope's room holds the JSON, perhaps; the quote gets its own. */
static bool unwrap_attested_tls(struct evidence *out)
{
    uint8_t *room = out->owned;
    out->owned = NULL;
    bool ok = av_attested_tls_parse(out->quote, out);
    free(room);
    return ok;
}

bool av_dstack8_parse(const struct evidence_source *source, struct evidence *out)
{
    struct dstack_envelope envelope;
    struct attest_bytes inner;
    if (!inner_octets(source->value, &inner) || inner.len == 0)
        return false;
    out->owned = malloc(inner.len);
    if (out->owned == NULL || !av_dstack_envelope_parse(inner, out->owned, &envelope))
        return false;
    out->unsupported = envelope.unsupported;
    if (out->unsupported != NULL)
        return true;
    out->quote = envelope.quote;
    out->stated_report_data = envelope.report_data;
    out->is_report = envelope.is_report;
    if (out->is_report) {
        out->endorsements = envelope.endorsements;
        out->mr_config = envelope.mr_config;
        return av_dstack_mr_config_parse(envelope.mr_config, &out->log);
    }
    if (av_is_attested_tls(envelope.quote))
        return envelope.log.events == 0 && unwrap_attested_tls(out);
    out->log = envelope.log;
    out->has_log = true;
    return true;
}

bool av_dstack_binds(const struct evidence *evidence, const struct certificate_key *key,
                     const uint8_t report_data[64], struct attest_verdict *verdict)
{
    static const char tag[] = "ratls-cert:";
    uint8_t digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool hashed = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha512(), NULL) == 1 &&
                  EVP_DigestUpdate(hash, tag, sizeof tag - 1) == 1 &&
                  EVP_DigestUpdate(hash, key->spki.ptr, key->spki.len) == 1 &&
                  EVP_DigestFinal_ex(hash, digest, NULL) == 1;
    EVP_MD_CTX_free(hash);
    if (!hashed)
        return av_refuse(verdict, ATTEST_INTERNAL, "out of memory");
    return memcmp(digest, report_data, 64) == 0 ||
           av_refuse(verdict, ATTEST_KEY_NOT_BOUND,
                     "report data is not the tagged digest of this certificate's key");
}
