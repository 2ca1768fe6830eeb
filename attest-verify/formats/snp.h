/* AMD's products and their TCB versions, as reports, certificates and policies speak of them.
 * Owns nothing: everything is a number.
 * Never guesses a product: a processor that is not in its table is unknown. */
#ifndef AV_SNP_H
#define AV_SNP_H

#include "verdict.h"

enum snp_product { SNP_MILAN, SNP_GENOA, SNP_TURIN, SNP_PRODUCTS };

/* FMC is Turin's alone; the others have zero there. */
enum snp_component {
    SNP_FMC,
    SNP_BOOT_LOADER,
    SNP_TEE,
    SNP_FIRMWARE,
    SNP_MICROCODE,
    SNP_COMPONENTS
};

struct snp_tcb {
    uint8_t svn[SNP_COMPONENTS];
};

const char *av_snp_product_name(enum snp_product product);       /* "Milan" .. as AMD spells it */
const char *av_snp_component_name(enum snp_component component); /* "boot_loader" .. */

/* The product of a processor; false when it is unknown or not supported (ra-tls a.7). */
AV_MUST_USE bool av_snp_product_of_cpuid(const uint8_t cpuid[3], enum snp_product *out);

/* A TCB_VERSION of eight bytes; false when a reserved byte is not zero. */
AV_MUST_USE bool av_snp_tcb_read(enum snp_product product, struct attest_bytes bytes,
                                 struct snp_tcb *out);

/* The first component of `low` that is above `high`'s, else NULL. */
const char *av_snp_tcb_above(const struct snp_tcb *low, const struct snp_tcb *high);

bool av_snp_has_component(enum snp_product product, enum snp_component component);

#endif
