/* The simulated TEE: a vendor with a PKI of its own, and the quotes, collateral and RA-TLS
 * certificates of workers under it, for tests and for trying things out.
 * Each artefact is made in memory from a struct of options whose defaults are sound; what a test
 * wants wrong, it changes there. The caller owns what the functions return.
 * It never proves anything: only a verifier told to trust its root (`--roots`) accepts its work. */
#ifndef SIMULATE_H
#define SIMULATE_H

#include "attest_verify.h"
#include "simulate/simulate_bytes.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/* `attest-verify simulate DIR ..`; argv[0] is "simulate". Returns the exit status. */
int simulate_main(int argc, char **argv);

/* --- PKI --- */

/* A key pair (P-256) and the certificate that names it. All zero: none. */
struct simulate_identity {
    EVP_PKEY *key;
    X509 *cert;
};
void simulate_identity_fini(struct simulate_identity *identity);

/* The vendor: self-signed root, the CA of the platforms (PCK), the signer of JSON collateral. */
struct simulate_vendor {
    struct simulate_identity root, ca, signer;
};
struct simulate_vendor_options {
    int64_t now;              /* certificates begin a year before it, as a vendor's would */
    int64_t ca_not_after;     /* 0: like the root, twenty years from `now` */
    int64_t signer_not_after; /* 0: the same */
    bool processor_ca;        /* "Intel SGX PCK Processor CA" instead of Platform */
    bool ca_is_no_ca;         /* basicConstraints CA:FALSE, no keyCertSign */
};
void simulate_vendor_init(struct simulate_vendor *vendor,
                          const struct simulate_vendor_options *options);
void simulate_vendor_fini(struct simulate_vendor *vendor);

/* One machine, as its PCK certificate describes it (1.2.840.113741.1.13.1). */
struct simulate_platform {
    int64_t not_before, not_after;
    uint8_t ppid[16];
    uint8_t components[16];
    uint16_t pcesvn;
    uint8_t pceid[2];
    uint8_t fmspc[6];
    uint8_t sgx_type; /* 0 standard, 1 scalable, 2 scalable with integrity */
    uint8_t piid[16]; /* left out under a Processor CA, as there */
    bool dynamic_platform, cached_keys, smt_enabled;
    bool without_sgx_extension, sgx_extension_twice;
};
/* An up-to-date platform, whose ppid and piid are made from `name`. */
struct simulate_platform simulate_platform_default(const char *name, int64_t now);
struct simulate_identity simulate_pck(const struct simulate_vendor *vendor,
                                      const struct simulate_platform *platform);

/* A CRL of `issuer` over `serials` (NULL: none), with crlNumber and authority key identifier. */
X509_CRL *simulate_crl(const struct simulate_identity *issuer,
                       const STACK_OF(ASN1_INTEGER) * serials, int64_t this_update,
                       int64_t next_update);

/* --- quotes --- */

enum simulate_damage {
    SIMULATE_SOUND,
    SIMULATE_BAD_QUOTE_SIGNATURE,
    SIMULATE_BAD_QE_SIGNATURE,
    SIMULATE_UNBOUND_ATTESTATION_KEY, /* QE report data is of another attestation key */
};

/* One byte changed before it is signed: for the fields that have no option. None when `flip` is 0.
 */
struct simulate_patch {
    size_t offset;
    uint8_t flip; /* exclusive-or */
};

struct simulate_quote_options {
    enum attest_tee tee;
    uint16_t version; /* 3 (SGX only), 4 or 5 */
    bool td_1_5;      /* version 5, TDX: a TD report 1.5 */
    uint8_t report_data[64];
    enum simulate_damage damage;
    struct simulate_patch patch;    /* of header and body */
    struct simulate_patch qe_patch; /* of the QE report */
    struct {
        uint8_t mrenclave[32], mrsigner[32];
        uint64_t attributes; /* flags; bit 1 is debug */
        uint16_t isvprodid, isvsvn;
    } sgx;
    struct {
        uint8_t tee_tcb_svn[16], mrseam[48], mrsignerseam[48], mrtd[48], rtmr[4][48];
        uint64_t seam_attributes, td_attributes, xfam; /* td_attributes: bit 0 is debug */
        uint8_t tee_tcb_svn_2[16];                     /* TD report 1.5 */
    } tdx;
    struct {
        uint8_t mrsigner[32];
        uint16_t isvprodid, isvsvn;
        uint64_t attributes;
    } qe;
};
/* The good agent runtime on a good platform, version 3 for SGX and 4 for TDX. */
struct simulate_quote_options simulate_quote_default(enum attest_tee tee);
void simulate_quote_set_debug(struct simulate_quote_options *options);
void simulate_quote_set_unlisted(struct simulate_quote_options *options); /* another measurement */
struct simulate_bytes simulate_quote(const struct simulate_vendor *vendor,
                                     const struct simulate_identity *pck,
                                     const struct simulate_quote_options *options);

/* The raw signature r||s, big-endian, as quotes and collateral carry it. */
void simulate_sign(EVP_PKEY *key, const uint8_t *message, size_t len, uint8_t signature[64]);

/* --- collateral --- */

enum { SIMULATE_LEVELS_MAX = 4 };

struct simulate_level {
    const char *status;   /* NULL leaves the member out */
    const char *advisory; /* or NULL */
    int64_t date;
    uint16_t svn; /* pcesvn of a platform level, isvsvn of a QE or module level */
    uint8_t sgx[16], tdx[16];
};

struct simulate_collateral_options {
    enum attest_tee tee;
    int64_t issued, next_update; /* of documents and CRLs */
    uint32_t evaluation_number, qe_evaluation_number;
    uint8_t fmspc[6], pceid[2];
    uint8_t qe_mrsigner[32];
    uint16_t qe_isvprodid;
    /* Highest first. By default [0] is UpToDate and what good workers match, [1] OutOfDate. */
    struct simulate_level platform[SIMULATE_LEVELS_MAX];
    struct simulate_level qe[SIMULATE_LEVELS_MAX];
    struct simulate_level module[SIMULATE_LEVELS_MAX]; /* of "TDX_01" */
    size_t platform_count, qe_count, module_count;
    STACK_OF(ASN1_INTEGER) * revoked;   /* serials in the PCK CRL; lent; NULL: none */
    bool ca_revoked, signer_revoked;    /* in the root's CRL */
    const char *tcb_info, *qe_identity; /* signed as they are, instead of the levels; or NULL */
};
struct simulate_collateral_options simulate_collateral_default(enum attest_tee tee, int64_t issued,
                                                               int64_t next_update);
/* The JSON document `--collateral` takes. */
struct simulate_bytes simulate_collateral(const struct simulate_vendor *vendor,
                                          const struct simulate_collateral_options *options);

/* A policy that accepts the good runtime on all three TEEs, up to date, and nothing else. */
struct simulate_bytes simulate_policy(void);

/* --- RA-TLS certificates --- */

struct simulate_report_evidence; /* simulate_amd.h */

enum simulate_convention {
    SIMULATE_NO_EVIDENCE,
    SIMULATE_DICE,
    SIMULATE_GRAMINE,
    SIMULATE_INTEL,    /* DICE, and the quote once more under Intel's OID */
    SIMULATE_RATS_TLS, /* the old one: the key must be RSA */
    SIMULATE_OPEN_ENCLAVE,
    SIMULATE_DSTACK,  /* quote and event log in extensions of their own; TDX, like the next two */
    SIMULATE_DSTACK8, /* both in the versioned envelope, in MessagePack */
    SIMULATE_DSTACK8_V0,    /* the same in SCALE */
    SIMULATE_ATTESTED_TLS,  /* flashbots': JSON, which binds dates and name too; in dstack's .1 */
    SIMULATE_ATTESTED_TLS8, /* the same in the envelope in SCALE */
    SIMULATE_CONVENTION_COUNT
};

/* Makes `quote->report_data` vouch for `key` by `convention`, and RTMR3 for dstack's events;
 * `claims` gets the DICE claims.
 */
void simulate_bind_key(enum simulate_convention convention, EVP_PKEY *key,
                       struct simulate_quote_options *quote, struct simulate_bytes *claims);

/* The same for the conventions that bind a certificate's name and life, too. */
void simulate_bind_life(EVP_PKEY *key, const char *name, int64_t not_before, int64_t not_after,
                        struct simulate_quote_options *quote);
bool simulate_binds_life(enum simulate_convention convention);

/* attested-tls' JSON around a quote, and the envelope around that. */
struct simulate_bytes simulate_attested_tls(const struct simulate_bytes *quote);
struct simulate_bytes simulate_attested_tls8(const struct simulate_bytes *quote);

/* dstack's parts: RTMR3 after the events of a sound start, those events as JSON, the envelopes of
 * both versions; and an extension .`suffix`, which holds an octet string. */
void simulate_dstack_rtmr3(uint8_t rtmr3[48]);
struct simulate_bytes simulate_dstack_log(void);
struct simulate_bytes simulate_dstack_v0(const struct simulate_bytes *quote);
struct simulate_bytes simulate_dstack_v1(const struct simulate_bytes *quote);
void simulate_dstack_extend(X509 *cert, const char *suffix, const struct simulate_bytes *payload);

struct simulate_certificate_options {
    const char *name; /* subject CN */
    const char *const *hosts;
    size_t host_count;
    int64_t not_before, not_after;
    enum simulate_convention convention;
    const struct simulate_bytes *quote, *claims; /* lent; claims for DICE and Intel */
    /* A SEV-SNP report instead of a quote (DICE and dstack's envelopes), and what comes with it;
     * lent. NULL: `quote` is one. */
    const struct simulate_report_evidence *report;
};
/* A host is an IP address or a DNS name of letters, digits, '-', '.' and a leading "*.". */
bool simulate_is_host(const char *host);
X509 *simulate_certificate(EVP_PKEY *key, const struct simulate_certificate_options *options);

#endif
