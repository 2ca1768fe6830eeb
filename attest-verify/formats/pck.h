/* What Intel says about a platform in its PCK certificate: extension 1.2.840.113741.1.13.1.
 * Owns nothing: the values are copied.
 * Never trusts the certificate; that is the chain's business. */
#ifndef AV_PCK_H
#define AV_PCK_H

#include "verdict.h"

#include <openssl/x509.h>

enum { TCB_COMPONENTS = 16 };

struct pck {
    uint8_t ppid[16];
    uint8_t components[TCB_COMPONENTS];
    uint16_t pcesvn;
    uint8_t cpusvn[16];
    uint8_t pceid[2];
    uint8_t fmspc[6];
    uint8_t piid[16]; /* platform instance; only when has_piid */
    bool has_piid;
    unsigned sgx_type;      /* below PCK_SGX_TYPES */
    bool has_configuration; /* the next three are known */
    bool dynamic_platform, cached_keys, smt_enabled;
};

/* "standard", "scalable", "scalable_with_integrity" (a.5). */
enum { PCK_SGX_TYPES = 3 };
const char *av_pck_sgx_type_word(unsigned type);

/* Every attribute at most once, the first five always, none unknown, no byte left over. */
AV_MUST_USE bool av_pck_parse_extension(struct attest_bytes der, struct pck *pck);

/* The same from a certificate that must carry the extension exactly once. */
AV_MUST_USE bool av_pck_from_certificate(X509 *leaf, struct pck *pck);

#endif
