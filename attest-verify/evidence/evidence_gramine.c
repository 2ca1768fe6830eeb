/* Gramine's older own convention: a bare SGX quote, whose report data is the digest of the key's
 * SubjectPublicKeyInfo (ra-tls c). */
#include "evidence/evidence_convention.h"

bool av_bare_parse(const struct evidence_source *source, struct evidence *out)
{
    out->quote = source->value;
    return source->value.len > 0;
}

bool av_gramine_binds(const struct evidence *evidence, const struct certificate_key *key,
                      const uint8_t report_data[64], struct attest_verdict *verdict)
{
    return av_report_data_is_sha256(report_data, key->spki) ||
           av_refuse(verdict, ATTEST_KEY_NOT_BOUND,
                     "report data is not the digest of this certificate's key");
}
