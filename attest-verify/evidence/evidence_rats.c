/* rats-tls before it spoke DICE: a bare quote, whose report data is the digest of an RSA key's
 * PKCS#1 form, which is what the bit string of its SubjectPublicKeyInfo holds (RFC 8017 A.1.1,
 * ra-tls c). */
#include "evidence/evidence_convention.h"

bool av_rats_binds(const struct evidence *evidence, const struct certificate_key *key,
                   const uint8_t report_data[64], struct attest_verdict *verdict)
{
    if (!key->is_rsa)
        return av_refuse(verdict, ATTEST_KEY_NOT_BOUND,
                         "old rats-tls evidence binds RSA keys only, and this key is none");
    return av_report_data_is_sha256(report_data, key->bits) ||
           av_refuse(verdict, ATTEST_KEY_NOT_BOUND,
                     "report data is not the digest of this certificate's RSAPublicKey");
}
