/* The order of the checks of a SEV-SNP report: reading `steps` downwards is reading ra-tls b.9. */
#include "verify_report.h"

#include "bytes/crypto.h"
#include "bytes/cursor.h"
#include "bytes/moment.h"
#include "collateral/collateral.h"
#include "explain.h"
#include "policy/appraise_snp.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

/* One verification under way. */
struct trial {
    const struct attest_request *request;
    const struct report_case *one;
    struct snp_findings found;
    struct snp_chain chain;
    struct attest_verdict *verdict;
};

static bool read_report(struct trial *trial)
{
    struct attest_bytes none = {NULL, 0}, bytes = trial->one->bytes;
    return (av_sha256(bytes, none, trial->verdict->evidence_sha256) ||
            av_refuse(trial->verdict, ATTEST_INTERNAL, "out of memory")) &&
           av_snp_report_parse(bytes, trial->request->padded, &trial->found.quote,
                               &trial->found.report, trial->verdict);
}

/* As with a quote: a certificate's evidence binds its key, a bare report binds none. */
static bool check_binding(struct trial *trial)
{
    const struct report_case *one = trial->one;
    return (one->certificate == NULL ||
            av_evidence_binds_key(one->evidence, one->certificate, trial->verdict->report_data,
                                  trial->verdict)) &&
           (one->evidence == NULL ||
            av_evidence_fits_quote(one->evidence, &trial->found.quote, trial->verdict));
}

/* --- which certificates --- */

/* A document whose leaf is this one, or the one that the report asks for when none was brought. */
static bool leaf_fits(const struct trial *trial, const struct snp_document *document)
{
    struct attest_bytes chip = av_quote_part(&trial->found.quote, "chip_id");
    struct snp_tcb tcb;
    if (trial->chain.leaf != NULL)
        return document->chain.leaf != NULL &&
               X509_cmp(trial->chain.leaf, document->chain.leaf) == 0;
    return av_snp_tcb_read(document->product, av_quote_part(&trial->found.quote, "reported_tcb"),
                           &tcb) &&
           av_snp_document_has_leaf(document, &tcb, av_bytes_are_zero(chip) ? NULL : chip.ptr);
}

/* Of the report's product (which a brought leaf names too) and kind of key. */
static bool document_fits(const struct trial *trial, const struct attest_collateral *document)
{
    const struct snp_report *report = &trial->found.report;
    if (!document->is_amd || document->snp.is_vlek != report->is_vlek ||
        (report->has_product && document->snp.product != report->product))
        return false;
    return trial->chain.leaf == NULL || document->snp.product == trial->found.leaf.product;
}

/* The one with the right leaf goes first, then the one with the newest list. */
static const struct snp_document *choose_document(const struct trial *trial, bool with_leaf)
{
    const struct attest_request *request = trial->request;
    const struct snp_document *best = NULL;
    for (size_t i = 0; i < request->collateral_count; ++i) {
        const struct attest_collateral *each = request->collateral[i];
        if (document_fits(trial, each) && (!with_leaf || leaf_fits(trial, &each->snp)) &&
            (best == NULL || each->snp.list_issued > best->list_issued))
            best = &each->snp;
    }
    return best;
}

/* The newest list of the ARK, whichever document of the product and kind has it. */
static void take_list(struct trial *trial, const struct snp_document *newest)
{
    struct snp_chain *chain = &trial->chain, list = {.leaf = NULL};
    av_snp_document_lend(newest, &list);
    if (list.crl != NULL && X509_CRL_up_ref(list.crl) == 1) {
        X509_CRL_free(chain->crl);
        chain->crl = list.crl;
        chain->list_holds = list.list_holds && X509_cmp(list.ark, chain->ark) == 0;
    }
    av_snp_chain_fini(&list);
}

/* What was brought is taken at its word until the chain is verified; what it lacks, and the newest
 * list unless one was brought, comes from the documents. */
static void complete_chain(struct trial *trial)
{
    bool has_list = trial->chain.crl != NULL;
    const struct snp_document *newest = choose_document(trial, false);
    const struct snp_document *own = choose_document(trial, true);
    if (own == NULL && trial->chain.leaf != NULL)
        own = newest; /* it issues leaves of the product: this one, or the chain refuses */
    if (own == NULL)
        return;
    av_snp_document_lend(own, &trial->chain);
    if (!has_list && newest != own && trial->chain.ark != NULL)
        take_list(trial, newest);
}

static bool find_chain(struct trial *trial)
{
    struct snp_chain *chain = &trial->chain;
    if (!av_snp_chain_parse(trial->one->brought, av_roots_decoder(trial->request->roots), chain,
                            trial->verdict) ||
        (chain->leaf != NULL && !av_report_read_leaf(&trial->found.report, chain->leaf,
                                                     &trial->found.leaf, trial->verdict)))
        return false;
    complete_chain(trial);
    const char *missing = chain->leaf == NULL  ? "VCEK or VLEK"
                          : chain->ica == NULL ? "ASK or ASVK"
                          : chain->ark == NULL ? "ARK"
                                               : NULL;
    return missing == NULL || av_refuse(trial->verdict, ATTEST_COLLATERAL_MISSING,
                                        "no certificate of the %s", missing);
}

/* --- what they say --- */

/* The kind of key is the report's word, and must be the certificate's. */
bool av_report_read_leaf(const struct snp_report *report, X509 *certificate, struct snp_leaf *leaf,
                         struct attest_verdict *verdict)
{
    const char *wrong, *kind = report->is_vlek ? "SEV-VLEK" : "SEV-VCEK";
    if (!av_common_name_is(certificate, kind))
        return av_refuse(verdict, ATTEST_LEAF_MISMATCH,
                         "the report is signed by a %s, the certificate is of another key", kind);
    return av_snp_leaf_parse(certificate, report->is_vlek, leaf, &wrong) ||
           av_refuse(verdict, ATTEST_LEAF_MALFORMED, "%s", wrong);
}

static bool read_leaf(struct trial *trial)
{
    return av_report_read_leaf(&trial->found.report, trial->chain.leaf, &trial->found.leaf,
                               trial->verdict);
}

static bool verify_chain(struct trial *trial)
{
    const struct snp_leaf *leaf = &trial->found.leaf;
    trial->found.has_crl = trial->chain.crl != NULL;
    bool ok = av_snp_chain_verify(&trial->chain, leaf->product, leaf->is_vlek, trial->request,
                                  trial->verdict);
    trial->verdict->collateral_expires = trial->verdict->expires;
    return ok;
}

/* As with evaluation numbers: what was once seen of a product's lists does not become older. */
static bool check_list_age(struct trial *trial)
{
    const struct attest_request *request = trial->request;
    const struct snp_leaf *leaf = &trial->found.leaf;
    const char *product = av_snp_product_name(leaf->product);
    int64_t issued;
    if (trial->chain.crl == NULL ||
        !av_moment_from_asn1(X509_CRL_get0_lastUpdate(trial->chain.crl), &issued))
        return true; /* the policy's to judge, and av_crl_check_times()'s */
    for (size_t i = 0; i < request->seen_count; ++i) {
        const struct attest_seen *seen = &request->seen[i];
        if (seen->tee == ATTEST_TEE_SNP && seen->vlek == leaf->is_vlek &&
            strncmp(seen->product, product, sizeof seen->product) == 0 &&
            (issued < 0 || (uint64_t)issued < seen->evaluation.tcb))
            return av_refuse(trial->verdict, ATTEST_COLLATERAL_ROLLED_BACK,
                             "its revocation list was issued at %lld, but one of %llu was seen",
                             (long long)issued, (unsigned long long)seen->evaluation.tcb);
    }
    return true;
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

static bool check_signature(struct trial *trial)
{
    const struct quote *quote = &trial->found.quote;
    return av_signature_holds_p384(X509_get0_pubkey(trial->chain.leaf), quote->signature,
                                   quote->signed_part) ||
           av_refuse(trial->verdict, ATTEST_REPORT_SIGNATURE, "the chip's key did not sign it");
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

static bool check_tcbs(struct trial *trial)
{
    return av_snp_report_tcbs(&trial->found.quote, trial->found.leaf.product, &trial->found.tcbs,
                              trial->verdict) &&
           check_leaf_tcb(trial);
}

/* The machine, whoever's key signed for it. */
static bool note_instance(struct trial *trial)
{
    static const uint8_t kind[] = "snp";
    struct attest_verdict *verdict = trial->verdict;
    if (trial->found.is_masked)
        return true;
    verdict->has_instance =
        av_sha256((struct attest_bytes){.ptr = kind, .len = sizeof kind},
                  av_quote_part(&trial->found.quote, "chip_id"), verdict->instance_sha256);
    return verdict->has_instance || av_refuse(verdict, ATTEST_INTERNAL, "out of memory");
}

/* A chip that hides its id is the policy's to judge. */
static bool check_chip(struct trial *trial)
{
    struct attest_bytes said = av_quote_part(&trial->found.quote, "chip_id");
    struct attest_bytes own = {.ptr = trial->found.leaf.chip_id,
                               .len = sizeof trial->found.leaf.chip_id};
    trial->found.is_masked = av_bytes_are_zero(said);
    if (!trial->found.is_masked && !trial->found.leaf.is_vlek && !av_bytes_equal(said, own))
        return av_refuse(trial->verdict, ATTEST_LEAF_MISMATCH,
                         "the chip id is not the HWID of the certificate");
    return note_instance(trial);
}

static bool appraise(struct trial *trial)
{
    return av_appraise_snp(&trial->found, trial->request->policy, trial->verdict);
}

/* A row of the explanation may stand for several steps: the last one made speaks. */
static const struct {
    enum attest_check check;
    bool (*run)(struct trial *trial);
} steps[] = {
    {ATTEST_CHECK_QUOTE, read_report},               /* 1 */
    {ATTEST_CHECK_BINDING, check_binding},           /* c */
    {ATTEST_CHECK_CHOICE, find_chain},               /* 2 */
    {ATTEST_CHECK_PCK, read_leaf},                   /* 1, 3 */
    {ATTEST_CHECK_PCK_CHAIN, verify_chain},          /* 2 */
    {ATTEST_CHECK_EVALUATION, check_list_age},       /* d.6 */
    {ATTEST_CHECK_PCK, check_product},               /* 3 */
    {ATTEST_CHECK_QUOTE_SIGNATURE, check_signature}, /* 5 */
    {ATTEST_CHECK_TCB, check_tcbs},                  /* 6, 4 */
    {ATTEST_CHECK_PCK, check_chip},                  /* 4 */
    {ATTEST_CHECK_POLICY, appraise},                 /* 7 */
};

/* What was compared, for a step that passed. */
static void tell(const struct trial *trial, enum attest_check check, char *out, size_t size)
{
    const struct snp_leaf *leaf = &trial->found.leaf;
    const char *key = trial->found.report.is_vlek ? "VLEK" : "VCEK";
    if (check == ATTEST_CHECK_QUOTE)
        snprintf(out, size, "snp report, version %u, signed by a %s", trial->found.quote.version,
                 key);
    else if (check == ATTEST_CHECK_CHOICE)
        snprintf(out, size, "%s, %s and ARK; %s revocation list", key,
                 trial->found.report.is_vlek ? "ASVK" : "ASK",
                 trial->chain.crl != NULL ? "a" : "no");
    else if (check == ATTEST_CHECK_PCK)
        snprintf(out, size, "a %s of %s, its extensions, its TCB and its chip are the report's",
                 key, av_snp_product_name(leaf->product));
    else if (check == ATTEST_CHECK_PCK_CHAIN)
        snprintf(out, size, "at %lld all are in force; the first of those seen so far ends at %lld",
                 (long long)trial->request->now, (long long)trial->verdict->expires);
    else if (check == ATTEST_CHECK_EVALUATION)
        snprintf(out, size, "its revocation list is not older than one seen before");
    else if (check == ATTEST_CHECK_QUOTE_SIGNATURE)
        snprintf(out, size, "the %s's signature of the report", key);
    else if (check == ATTEST_CHECK_TCB)
        snprintf(out, size,
                 "reported, committed and current TCB in this order, launch and current; "
                 "the reported one is the %s's",
                 key);
}

static void explain(const struct trial *trial, enum attest_check check, bool passed)
{
    char words[256] = "";
    if (trial->request->explanation == NULL)
        return;
    if (passed)
        tell(trial, check, words, sizeof words);
    av_explain_words(trial->request, check, passed, words, trial->verdict);
}

void av_judge_report(const struct attest_request *request, const struct report_case *one,
                     struct attest_verdict *verdict)
{
    struct trial trial = {.request = request, .one = one, .verdict = verdict};
    bool trusted = true;
    av_explain_piece(request->explanation);
    av_explain_report(request->explanation);
    for (size_t i = 0; trusted && i < sizeof steps / sizeof *steps; ++i) {
        trusted = steps[i].run(&trial);
        explain(&trial, steps[i].check, trusted);
    }
    if (trusted)
        av_verdict_trust(verdict);
    av_snp_chain_fini(&trial.chain);
}

void attest_verify_report(const struct attest_request *request, struct attest_bytes report,
                          const struct attest_snp_endorsements *endorsements,
                          struct attest_verdict *verdict)
{
    static const struct attest_snp_endorsements none;
    struct report_case one = {.bytes = report,
                              .brought = endorsements != NULL ? endorsements : &none};
    ERR_set_mark(); /* as attest_verify_quote() does */
    av_verdict_init(verdict);
    av_explain_init(request->explanation, false);
    av_judge_report(request, &one, verdict);
    ERR_pop_to_mark();
}
