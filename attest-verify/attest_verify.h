/* attest-verify: decides whether a piece of attestation evidence is to be trusted.
 * It owns nothing but what its parse functions return, and the verdict it fills for the caller.
 * It never opens a socket or a file, starts a thread, reads a clock or the environment: evidence,
 * collateral, policy, trust anchors and time all come in as arguments. All functions are
 * re-entrant; parsed objects are immutable and may be shared between threads. */
#ifndef ATTEST_VERIFY_H
#define ATTEST_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attest_bytes {
    const uint8_t *ptr;
    size_t len;
};

/* Every verdict once: verdicts.def has code, word and sentence. ATTEST_TRUSTED is 0. */
enum attest_reason {
#define VERDICT(code, word, sentence) ATTEST_##code,
#include "verdicts.def"
#undef VERDICT
    ATTEST_REASON_COUNT
};

enum attest_tee { ATTEST_TEE_NONE, ATTEST_TEE_SGX, ATTEST_TEE_TDX, ATTEST_TEE_SNP };

enum { ATTEST_ADVISORIES_MAX = 64, ATTEST_MEASUREMENTS_MAX = 32 };

struct attest_measurement {
    const char *name; /* static: "mrenclave", "mrtd", "rtmr0" .. as a policy spells it */
    uint8_t bytes[64];
    size_t len;
};

struct attest_verdict {
    enum attest_reason reason; /* ATTEST_TRUSTED, or the first check that failed */
    char detail[256];          /* what was found and what was expected; never a secret */
    enum attest_tee tee;
    const char *tcb_status; /* static, Intel's spelling; NULL when not reached */
    char advisories[ATTEST_ADVISORIES_MAX][24];
    size_t advisory_count;
    int64_t tcb_date; /* unix seconds; 0 when not reached */
    uint8_t fmspc[6];
    struct attest_measurement measurements[ATTEST_MEASUREMENTS_MAX];
    size_t measurement_count;
    uint8_t report_data[64];
    uint8_t evidence_sha256[32]; /* of the quote or report bytes as presented */
    bool has_instance;           /* the evidence names the machine it was made on */
    uint8_t instance_sha256[32]; /* then: SHA-256 of "dcap\0", PPID and platform instance id, or of
                                  * "snp\0" and chip id */
    int64_t expires; /* unix seconds: the earliest end among certificates, CRLs and documents */
    int64_t collateral_expires; /* of the vendor's documents and CRLs alone; 0 when not reached */
};

static inline bool attest_is_trusted(const struct attest_verdict *verdict)
{
    return verdict->reason == ATTEST_TRUSTED;
}

/* "trusted", "debug", "tcb-not-accepted" ..: the word of a row; and its sentence. */
const char *attest_reason_word(enum attest_reason reason);
const char *attest_reason_sentence(enum attest_reason reason);
const char *attest_tee_word(enum attest_tee tee); /* "sgx", "tdx", "snp", "none" */

/* Trust anchors. The built-in ones are the pinned keys of Intel and AMD (SPKI SHA-256, ra-tls a.5).
 * `add_pem` replaces them by its certificates' keys, for testing only: a process that does so must
 * say so. Returns NULL and a sentence in `error` when the PEM is not one or more certificates. */
struct attest_roots;
struct attest_roots *attest_roots_builtin(void);
struct attest_roots *attest_roots_from_pem(struct attest_bytes pem, char *error, size_t error_size);
void attest_roots_free(struct attest_roots *roots);

/* One collateral document: Intel's for one FMSPC and TEE (PEM chains, signed JSON texts with hex
 * signatures, CRLs in hex), or AMD's for one product and kind of key, with the key of one chip
 * (PEM certificates, CRL in hex). README.md describes both JSON objects. Only its shape is checked
 * here; signatures and dates are checked at each verification. At most 2 MiB. NULL and a sentence
 * on error. */
struct attest_collateral;
struct attest_collateral *attest_collateral_parse(struct attest_bytes json, char *error,
                                                  size_t error_size);
/* The same, for whoever has the trust anchors at hand: they lend what reads AMD's certificates at a
 * third of the price. The document is the same, under any anchors. `roots` may be NULL. */
struct attest_collateral *attest_collateral_parse_with(const struct attest_roots *roots,
                                                       struct attest_bytes json, char *error,
                                                       size_t error_size);

/* Verifies once what neither time nor policy can change: signatures and the structure of chains, so
 * that verifications need not. Call it, if at all, after parsing and before the document is shared.
 * It changes no verdict: false only says that something does not hold, which every verification
 * finds again and names. */
bool attest_collateral_prove(struct attest_collateral *collateral);
void attest_collateral_free(struct attest_collateral *collateral);

/* A policy (DESIGN 3). Unknown members, an `accept` entry without a measurement and without
 * "any_code", and debug without "insecure_testing" are errors. At most 256 KiB. */
struct attest_policy;
struct attest_policy *attest_policy_parse(struct attest_bytes json, char *error, size_t error_size);
void attest_policy_free(struct attest_policy *policy);

/* Each check once, in the order they are made: checks.def has code, word and what it is. */
enum attest_check {
#define CHECK(code, word, sentence) ATTEST_CHECK_##code,
#include "checks.def"
#undef CHECK
    ATTEST_CHECK_COUNT
};

enum attest_check_outcome {
    ATTEST_CHECK_NOT_REACHED,
    ATTEST_CHECK_PASSED,
    ATTEST_CHECK_FAILED,
    ATTEST_CHECK_NOT_APPLICABLE, /* of a certificate, and a bare quote was verified */
};

/* Why a verdict is what it is. Of several pieces of evidence in a certificate, the last judged. */
struct attest_explanation {
    struct attest_check_result {
        enum attest_check_outcome result;
        char detail[320]; /* what was compared; empty when not reached */
    } checks[ATTEST_CHECK_COUNT];
};

const char *attest_check_word(enum attest_check check);
const char *attest_check_sentence(enum attest_check check);
const char *attest_check_outcome_word(enum attest_check_outcome outcome); /* "passed" .. */

/* The evaluation numbers of the two signed texts: they only ever rise. AMD has none: of its
 * documents `tcb` is the moment at which the revocation list was issued, in unix seconds, and `qe`
 * is 0. */
struct attest_evaluation {
    uint64_t tcb, qe;
};

/* The highest numbers seen of the platforms of one model; whoever verifies remembers them. */
struct attest_seen {
    enum attest_tee tee;
    uint8_t fmspc[6]; /* of SGX and TDX; of SEV-SNP product and kind of key */
    char product[8];
    bool vlek;
    struct attest_evaluation evaluation;
};

/* What a verification is made with. `collateral` may hold documents of many platforms: the one that
 * fits the evidence's TEE and FMSPC is chosen (the first whose issue dates are the newest); of
 * AMD's the one whose leaf is of the report's chip and TCB, and the newest list of its product. */
struct attest_request {
    const struct attest_roots *roots;
    const struct attest_collateral *const *collateral;
    size_t collateral_count;
    const struct attest_policy *policy; /* NULL trusts nobody */
    int64_t now;                        /* unix seconds */
    bool padded; /* zero bytes may follow a quote or report, as some kernels hand it out */
    struct attest_explanation *explanation; /* NULL, or filled by the verification */
    const struct attest_seen *seen; /* collateral with lower numbers is refused; may be none */
    size_t seen_count;
};

/* AMD's statements about one chip, each one certificate in DER or PEM: the VCEK or VLEK, the ASK or
 * ASVK that issued it, the product's ARK; and the ARK's revocation list in DER. What is empty is
 * taken from the request's collateral. No list at all refuses unless the policy says that it is
 * optional. */
struct attest_snp_endorsements {
    struct attest_bytes leaf, ica, ark, crl;
};

/* What collateral is asked for by. Begins all zero, padding too: two of one platform are equal byte
 * by byte. */
struct attest_platform {
    enum attest_tee tee;
    /* SGX and TDX */
    uint8_t fmspc[6];
    bool processor_ca; /* its certificate is of Intel's Processor CA, else of the Platform CA */
    /* SEV-SNP */
    bool vlek;           /* signed by a VLEK, else by a VCEK */
    bool brings_leaf;    /* the VCEK or VLEK came with the evidence, so chip and TCB are zero */
    char product[8];     /* "Milan", "Genoa" or "Turin" */
    uint8_t chip_id[64]; /* Turin: eight bytes, then zeros */
    uint8_t tcb[8];      /* the reported TCB version, as it stands in the report */
};

/* The platform that evidence names, taken from a PCK chain that holds up to a trust anchor. The
 * evidence itself is not judged, nor revocation: with the answer one asks for the lists. Needs of
 * the request roots, now and padded. False with the reason in `verdict`.
 * A SEV-SNP report has no such chain: its platform is its own word, unproven until its VCEK is
 * there; all that is checked is its shape and, of a certificate, that it binds the key. */
bool attest_platform_of_quote(const struct attest_request *request, struct attest_bytes quote,
                              struct attest_platform *platform, struct attest_verdict *verdict);
bool attest_platform_of_report(const struct attest_request *request, struct attest_bytes report,
                               const struct attest_snp_endorsements *endorsements,
                               struct attest_platform *platform, struct attest_verdict *verdict);
bool attest_platform_of_certificate(const struct attest_request *request, struct attest_bytes der,
                                    struct attest_platform *platform,
                                    struct attest_verdict *verdict);

/* Whether a document is of this platform and holds by itself: chains, signatures and dates of
 * everything in it. Needs of the request roots and now. `verdict->expires` is its earliest end. */
bool attest_collateral_holds(const struct attest_collateral *collateral,
                             const struct attest_request *request,
                             const struct attest_platform *platform,
                             struct attest_verdict *verdict);

/* The platform a document says it is of; whether that is so, attest_collateral_holds() tells. */
struct attest_platform attest_collateral_platform(const struct attest_collateral *collateral);

struct attest_evaluation attest_collateral_evaluation(const struct attest_collateral *collateral);

/* Calls `visit` for each piece of evidence in a certificate, without judging any: the name of its
 * convention (static) and the quote or report, which are there until `visit` returns. False when
 * there is none that can be read. For audit: what is shown this way is not verified. */
bool attest_evidence_visit(struct attest_bytes der,
                           void (*visit)(void *arg, const char *convention,
                                         struct attest_bytes quote),
                           void *arg);

/* Verifies a bare SGX or TDX quote. No key is bound: that is the caller's to judge. */
void attest_verify_quote(const struct attest_request *request, struct attest_bytes quote,
                         struct attest_verdict *verdict);

/* Verifies a bare SEV-SNP report of version 2 to 5. No key is bound: that is the caller's to judge.
 * `endorsements` may be NULL: none. */
void attest_verify_report(const struct attest_request *request, struct attest_bytes report,
                          const struct attest_snp_endorsements *endorsements,
                          struct attest_verdict *verdict);

/* Verifies the evidence in an X.509 certificate (DER) and that it binds the certificate's key.
 * Does not check the certificate's own signature: possession of the key is the TLS handshake's. */
void attest_verify_certificate(const struct attest_request *request, struct attest_bytes der,
                               struct attest_verdict *verdict);

/* What a worker is challenged with over one TLS connection, after its handshake. */
struct attest_challenge {
    uint8_t exporter[32]; /* RFC 8446 7.5: ATTEST_EXPORTER_LABEL, an empty context */
    uint8_t nonce[32];    /* fresh and random, of this connection alone */
};
#define ATTEST_EXPORTER_LABEL "EXPORTER-teegate-attest"
enum { ATTEST_ANSWER_BYTES_MAX = 64 * 1024 };

/* What the evidence of an answer must carry: SHA-512 of "teegate-challenge-worker-v1\0", `spki`
 * (the key of the worker's certificate, SubjectPublicKeyInfo as DER), exporter and nonce. False
 * when there is no memory for it. */
bool attest_challenge_report_data(const struct attest_challenge *challenge,
                                  struct attest_bytes spki, uint8_t report_data[64]);

/* Verifies what a worker answered to a challenge: the JSON object {"tee", "evidence",
 * "endorsements"}, of at most ATTEST_ANSWER_BYTES_MAX. `der` is the certificate it showed in that
 * handshake; it is verified first. The answer's evidence must be trusted under the same request,
 * say the report data above, and be of the same code and the same machine as the certificate's.
 * Nothing is explained. */
void attest_verify_answer(const struct attest_request *request, struct attest_bytes der,
                          const struct attest_challenge *challenge, struct attest_bytes json,
                          struct attest_verdict *verdict);

#endif
