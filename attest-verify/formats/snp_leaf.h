/* What AMD says about a chip in its VCEK or VLEK certificate: extensions 1.3.6.1.4.1.3704.1 (a.7).
 * Owns nothing: the values are copied.
 * Never trusts the certificate; that is the chain's business. */
#ifndef AV_SNP_LEAF_H
#define AV_SNP_LEAF_H

#include "formats/snp.h"

#include <openssl/x509.h>

enum { SNP_CHIP_ID_BYTES = 64, SNP_CSP_ID_BYTES_MAX = 64 };

struct snp_leaf {
    bool is_vlek;
    enum snp_product product;
    struct snp_tcb tcb;
    uint8_t chip_id[SNP_CHIP_ID_BYTES]; /* VCEK: the HWID, Turin's eight bytes followed by zeros */
    char csp_id[SNP_CSP_ID_BYTES_MAX + 1]; /* VLEK: the cloud that holds the key */
};

/* Every extension at most once and in its one encoding, none of AMD's arc unknown, all there that
 * the product and kind must have. On failure `wrong` is a static sentence. */
AV_MUST_USE bool av_snp_leaf_parse(X509 *certificate, bool is_vlek, struct snp_leaf *leaf,
                                   const char **wrong);

#endif
