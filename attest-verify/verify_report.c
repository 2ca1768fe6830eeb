/* The order of the checks of a SEV-SNP report: reading judge_report() downwards is reading ra-tls
 * b.9. */
#include "attest_verify.h"

#include "bytes/crypto.h"
#include "bytes/cursor.h"
#include "collateral/snp_chain.h"
#include "policy/appraise_snp.h"

#include <openssl/err.h>

/* One verification under way. */
struct trial {
    const struct attest_request *request;
    struct snp_findings found;
    struct snp_chain chain;
    struct attest_verdict *verdict;
};

static bool read_report(struct trial *trial, struct attest_bytes bytes)
{
    struct attest_bytes none = {NULL, 0};
    return (av_sha256(bytes, none, trial->verdict->evidence_sha256) ||
            av_refuse(trial->verdict, ATTEST_INTERNAL, "out of memory")) &&
           av_snp_report_parse(bytes, trial->request->padded, &trial->found.quote,
                               &trial->found.report, trial->verdict);
}

static X509 *leaf_of(const struct trial *trial)
{
    return trial->chain.certificates.certificates[0];
}

/* The kind of key is the report's word, and must be the certificate's. */
static bool read_leaf(struct trial *trial)
{
    const char *wrong, *kind = trial->found.report.is_vlek ? "SEV-VLEK" : "SEV-VCEK";
    if (!av_common_name_is(leaf_of(trial), kind))
        return av_refuse(trial->verdict, ATTEST_LEAF_MISMATCH,
                         "the report is signed by a %s, the certificate is of another key", kind);
    return av_snp_leaf_parse(leaf_of(trial), trial->found.report.is_vlek, &trial->found.leaf,
                             &wrong) ||
           av_refuse(trial->verdict, ATTEST_LEAF_MALFORMED, "%s", wrong);
}

static bool check_product(struct trial *trial)
{
    const struct snp_report *report = &trial->found.report;
    return !report->has_product || report->product == trial->found.leaf.product ||
           av_refuse(trial->verdict, ATTEST_LEAF_MISMATCH,
                     "the processor is a %s, the certificate is of a %s",
                     av_snp_product_name(report->product),
                     av_snp_product_name(trial->found.leaf.product));
}

/* The key is derived from the reported TCB, so the certificate has the same, part by part. */
static bool check_leaf_tcb(struct trial *trial)
{
    const struct snp_tcb *own = &trial->found.leaf.tcb, *said = &trial->found.tcbs.reported;
    for (size_t i = 0; i < SNP_COMPONENTS; ++i)
        if (own->svn[i] != said->svn[i])
            return av_refuse(trial->verdict, ATTEST_LEAF_MISMATCH,
                             "%s of the reported TCB is %u, the certificate's %u",
                             av_snp_component_name(i), said->svn[i], own->svn[i]);
    return true;
}

/* A chip that hides its id is the policy's to judge. */
static bool check_chip(struct trial *trial)
{
    struct attest_bytes said = av_quote_part(&trial->found.quote, "chip_id");
    struct attest_bytes own = {.ptr = trial->found.leaf.chip_id,
                               .len = sizeof trial->found.leaf.chip_id};
    trial->found.is_masked = av_bytes_are_zero(said);
    return trial->found.is_masked || trial->found.leaf.is_vlek || av_bytes_equal(said, own) ||
           av_refuse(trial->verdict, ATTEST_LEAF_MISMATCH,
                     "the chip id is not the HWID of the certificate");
}

static bool check_signature(struct trial *trial)
{
    const struct quote *quote = &trial->found.quote;
    return av_signature_holds_p384(X509_get0_pubkey(leaf_of(trial)), quote->signature,
                                   quote->signed_part) ||
           av_refuse(trial->verdict, ATTEST_REPORT_SIGNATURE, "the chip's key did not sign it");
}

static void judge_report(struct trial *trial, struct attest_bytes report,
                         const struct attest_snp_endorsements *endorsements)
{
    struct snp_findings *found = &trial->found;
    struct attest_verdict *verdict = trial->verdict;
    bool trusted =
        read_report(trial, report)                                                       /* 1 */
        && av_snp_chain_parse(endorsements, &trial->chain, verdict)                      /* 2 */
        && read_leaf(trial)                                                              /* 1, 3 */
        && av_snp_chain_verify(&trial->chain, &found->leaf, trial->request, verdict)     /* 2 */
        && check_product(trial)                                                          /* 3 */
        && check_signature(trial)                                                        /* 5 */
        && av_snp_report_tcbs(&found->quote, found->leaf.product, &found->tcbs, verdict) /* 6 */
        && check_leaf_tcb(trial)                                                         /* 4 */
        && check_chip(trial);                                                            /* 4 */
    found->has_crl = trial->chain.crl != NULL;
    if (trusted && av_appraise_snp(found, trial->request->policy, verdict)) /* 7 */
        av_verdict_trust(verdict);
}

void attest_verify_report(const struct attest_request *request, struct attest_bytes report,
                          const struct attest_snp_endorsements *endorsements,
                          struct attest_verdict *verdict)
{
    struct trial trial = {.request = request, .verdict = verdict};
    ERR_set_mark(); /* as attest_verify_quote() does */
    av_verdict_init(verdict);
    judge_report(&trial, report, endorsements);
    av_snp_chain_fini(&trial.chain);
    ERR_pop_to_mark();
}
