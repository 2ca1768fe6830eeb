/* AMD's side of the simulated TEE: a product's keys, chips under them, their reports, and the
 * collateral document about them.
 * The caller owns what the functions return; each artefact is made from a struct of options whose
 * defaults are sound, and what a test wants wrong, it changes there.
 * It never proves anything: its ARK is trusted through `--roots` only. */
#ifndef SIMULATE_AMD_H
#define SIMULATE_AMD_H

#include "simulate/simulate.h"

enum simulate_product { SIMULATE_MILAN, SIMULATE_GENOA, SIMULATE_TURIN, SIMULATE_PRODUCTS };

const char *simulate_product_name(enum simulate_product product); /* "Milan" .. */

/* The product's root, and what it has issue VCEKs and VLEKs: RSA, signed by RSA-PSS with SHA-384.
 */
struct simulate_amd {
    enum simulate_product product;
    struct simulate_identity ark, ask, asvk;
};
struct simulate_amd_options {
    enum simulate_product product;
    int64_t now;           /* certificates begin a year before it */
    int64_t ask_not_after; /* of ASK and ASVK; 0: like the root, twenty years from `now` */
    unsigned rsa_bits;     /* 0: 4096, as AMD's */
};
void simulate_amd_init(struct simulate_amd *amd, const struct simulate_amd_options *options);
void simulate_amd_fini(struct simulate_amd *amd);

/* A TCB by its parts; FMC is Turin's alone. */
struct simulate_tcb {
    uint8_t fmc, boot_loader, tee, snp, microcode;
};

/* One machine, as the certificate of its key describes it (1.3.6.1.4.1.3704.1). */
struct simulate_chip {
    enum simulate_product product; /* of the certificate's extension */
    bool vlek;                     /* the key of its cloud instead of its own */
    bool under_other;              /* issued by what issues the other kind */
    uint8_t hwid[64];              /* Turin: the first eight */
    const char *csp_id;            /* of a VLEK */
    struct simulate_tcb tcb;
    int64_t not_before, not_after;
};
/* An up-to-date chip, whose HWID is made from `name`. */
struct simulate_chip simulate_chip_default(enum simulate_product product, const char *name,
                                           int64_t now);
/* Its key (P-384) and the certificate. */
struct simulate_identity simulate_chip_key(const struct simulate_amd *amd,
                                           const struct simulate_chip *chip);

struct simulate_report_options {
    uint32_t version; /* 2 to 5 */
    enum simulate_product product;
    bool vlek, chip_masked;
    uint8_t cpuid[3]; /* family, model, stepping; left out of version 2 */
    uint8_t report_data[64], measurement[48], host_data[32], chip_id[64];
    uint64_t policy, platform_info; /* policy: bit 19 is debug, 18 a migration agent */
    uint32_t vmpl, guest_svn;
    struct simulate_tcb current, reported, committed, launch;
    bool bad_signature;
    struct simulate_patch patch; /* of the signed part, before it is signed */
};
/* The good agent runtime on this chip. */
struct simulate_report_options simulate_report_default(const struct simulate_chip *chip);
void simulate_report_set_unlisted(
    struct simulate_report_options *options); /* another measurement */
struct simulate_bytes simulate_report(const struct simulate_identity *key,
                                      const struct simulate_report_options *options);

/* Makes the report vouch for `key` by a convention that carries reports (simulate_bind_key()), and
 * its host data for dstack's configuration. */
void simulate_bind_report(enum simulate_convention convention, EVP_PKEY *key,
                          struct simulate_report_options *report, struct simulate_bytes *claims);

/* The list of the ARK. */
struct simulate_list_options {
    int64_t this_update, next_update;
    bool ask_revoked, asvk_revoked;
};
X509_CRL *simulate_amd_crl(const struct simulate_amd *amd,
                           const struct simulate_list_options *options);

/* The JSON document `--collateral` takes; without leaf, without list where they are NULL. */
struct simulate_bytes simulate_amd_document(const struct simulate_amd *amd, bool vlek, X509 *leaf,
                                            X509_CRL *crl);

/* What dstack's envelope brings with a report. */
enum simulate_certs {
    SIMULATE_CERTS_NONE,
    SIMULATE_CERTS_DER,
    SIMULATE_CERTS_PEM,
    SIMULATE_CERTS_TABLE
};
struct simulate_report_evidence {
    enum simulate_certs certs;
    X509 *leaf, *ica, *ark; /* lent */
};
struct simulate_bytes simulate_certificate_table(const struct simulate_report_evidence *evidence);
struct simulate_bytes simulate_dstack_report(bool v1, const struct simulate_bytes *report,
                                             const struct simulate_report_evidence *evidence);

#endif
