/* The order of the checks: reading `steps` downwards is reading ra-tls b. */
#include "verify.h"

#include "bytes/crypto.h"
#include "bytes/moment.h"
#include "collateral/tcb.h"
#include "evidence/evidence.h"
#include "explain.h"
#include "policy/appraise.h"
#include "verify_report.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

/* One verification under way. */
struct trial {
    const struct attest_request *request;
    const struct evidence *evidence; /* NULL, as is the certificate, for a bare quote */
    X509 *certificate;
    struct attest_bytes bytes;
    struct findings found;
    struct chain pck_chain;
    struct collateral_chains chains; /* of collateral that was not proven */
    struct proven proven;
    struct attest_verdict *verdict;
};

static bool read_quote(struct trial *trial)
{
    struct attest_bytes none = {NULL, 0}, bytes = trial->bytes;
    return (av_sha256(bytes, none, trial->verdict->evidence_sha256) ||
            av_refuse(trial->verdict, ATTEST_INTERNAL, "out of memory")) &&
           av_quote_parse(bytes, trial->request->padded, &trial->found.quote, trial->verdict);
}

/* The platform's CA and root mostly stand in its collateral too; they are at hand if it is proven.
 */
static bool parse_pck_chain(struct trial *trial)
{
    const struct attest_request *request = trial->request;
    const struct chain *like[CHAIN_LIKES_MAX];
    size_t count = 0;
    for (size_t i = 0; count < CHAIN_LIKES_MAX && i < request->collateral_count; ++i)
        like[count++] = &request->collateral[i]->proven_chains.chains[COLLATERAL_CRL_ISSUER];
    return av_chain_parse(trial->found.quote.pck_pem, CHAIN_PCK, av_roots_decoder(request->roots),
                          like, count, &trial->pck_chain);
}

/* The machine by its own identity: an FMSPC is shared by a whole model (ra-tls (d) 5). */
static bool note_instance(const struct pck *pck, struct attest_verdict *verdict)
{
    static const uint8_t kind[] = "dcap"; /* with its NUL */
    uint8_t ids[sizeof pck->ppid + sizeof pck->piid] = {0};
    memcpy(ids, pck->ppid, sizeof pck->ppid);
    if (pck->has_piid)
        memcpy(ids + sizeof pck->ppid, pck->piid, sizeof pck->piid);
    verdict->has_instance =
        av_sha256((struct attest_bytes){kind, sizeof kind}, (struct attest_bytes){ids, sizeof ids},
                  verdict->instance_sha256);
    return verdict->has_instance || av_refuse(verdict, ATTEST_INTERNAL, "out of memory");
}

static bool read_pck(struct trial *trial)
{
    if (!parse_pck_chain(trial))
        return av_refuse(trial->verdict, ATTEST_PCK_MALFORMED,
                         "the quote does not hold exactly three PEM certificates");
    if (!av_pck_from_certificate(trial->pck_chain.certificates[0], &trial->found.pck))
        return av_refuse(trial->verdict, ATTEST_PCK_MALFORMED,
                         "the SGX extension of the PCK certificate is missing, doubled or broken");
    memcpy(trial->verdict->fmspc, trial->found.pck.fmspc, sizeof trial->verdict->fmspc);
    return note_instance(&trial->found.pck, trial->verdict);
}

static bool document_fits(const struct trial *trial, const struct attest_collateral *document,
                          bool same_ca)
{
    X509 *ca = trial->pck_chain.certificates[1];
    return document->tcb.head.tee == trial->verdict->tee &&
           memcmp(document->tcb.fmspc, trial->found.pck.fmspc, sizeof document->tcb.fmspc) == 0 &&
           (!same_ca ||
            X509_NAME_cmp(X509_CRL_get_issuer(document->pck_crl), X509_get_subject_name(ca)) == 0);
}

static bool is_newer(const struct attest_collateral *a, const struct attest_collateral *b)
{
    return a->tcb.head.issued > b->tcb.head.issued ||
           (a->tcb.head.issued == b->tcb.head.issued && a->qe.head.issued > b->qe.head.issued);
}

/* The newest document of the platform; one whose PCK CRL is of the platform's own CA goes first. */
static bool choose_collateral(struct trial *trial)
{
    const struct attest_request *request = trial->request;
    for (int same_ca = 1; same_ca >= 0 && trial->found.collateral == NULL; --same_ca)
        for (size_t i = 0; i < request->collateral_count; ++i)
            if (document_fits(trial, request->collateral[i], same_ca) &&
                (trial->found.collateral == NULL ||
                 is_newer(request->collateral[i], trial->found.collateral)))
                trial->found.collateral = request->collateral[i];
    const uint8_t *fmspc = trial->found.pck.fmspc;
    return trial->found.collateral != NULL ||
           av_refuse(trial->verdict, ATTEST_COLLATERAL_MISSING,
                     "none of %zu documents is of %s and FMSPC %02x%02x%02x%02x%02x%02x",
                     request->collateral_count, attest_tee_word(trial->verdict->tee), fmspc[0],
                     fmspc[1], fmspc[2], fmspc[3], fmspc[4], fmspc[5]);
}

/* How long documents and lists count after their end: not at all, unless the policy says so. */
static int64_t grace_s(const struct trial *trial)
{
    const struct attest_policy *policy = trial->request->policy;
    return policy != NULL ? (int64_t)policy->collateral_grace_s : 0;
}

static bool verify_collateral(struct trial *trial)
{
    const struct collateral_chains *chains =
        av_collateral_chains(trial->found.collateral, av_roots_decoder(trial->request->roots),
                             &trial->pck_chain, &trial->chains);
    bool ok = av_collateral_verify(trial->found.collateral, chains, trial->request, grace_s(trial),
                                   &trial->proven, trial->verdict);
    trial->verdict->collateral_expires = trial->verdict->expires;
    return ok;
}

/* ra-tls d.6: what was once seen of a platform does not become older. Only what holds is compared,
 * so that the verdict on anything else is what is wrong with it. */
static bool check_evaluation(struct trial *trial)
{
    const struct attest_request *request = trial->request;
    struct attest_evaluation own = attest_collateral_evaluation(trial->found.collateral);
    for (size_t i = 0; i < request->seen_count; ++i) {
        const struct attest_seen *seen = &request->seen[i];
        if (seen->tee == trial->verdict->tee &&
            memcmp(seen->fmspc, trial->found.pck.fmspc, sizeof seen->fmspc) == 0 &&
            (own.tcb < seen->evaluation.tcb || own.qe < seen->evaluation.qe))
            return av_refuse(trial->verdict, ATTEST_COLLATERAL_ROLLED_BACK,
                             "its evaluation numbers are %llu (TCB info) and %llu (QE identity), "
                             "but %llu and %llu were seen",
                             (unsigned long long)own.tcb, (unsigned long long)own.qe,
                             (unsigned long long)seen->evaluation.tcb,
                             (unsigned long long)seen->evaluation.qe);
    }
    return true;
}

/* The PCK CRL must be of the very CA that issued the leaf: b.2, 5. */
static bool verify_pck_chain(struct trial *trial)
{
    const struct attest_collateral *collateral = trial->found.collateral;
    struct chain_trust trust = {.roots = trial->request->roots,
                                .crls = {collateral->root_crl, collateral->pck_crl},
                                .crl_count = 2,
                                .now = trial->request->now,
                                .proven = &trial->proven};
    struct moment at = {.now = trust.now, .grace_s = grace_s(trial)};
    return av_chain_verify(&trial->pck_chain, CHAIN_PCK, &trust, trial->verdict) &&
           av_crl_check(collateral->root_crl, trial->pck_chain.certificates[2], "root", at,
                        trial->verdict) &&
           av_crl_check(collateral->pck_crl, trial->pck_chain.certificates[1], "PCK", at,
                        trial->verdict);
}

static bool check_platform_is_meant(struct trial *trial)
{
    const struct tcb_document *tcb = &trial->found.collateral->tcb;
    return memcmp(tcb->pceid, trial->found.pck.pceid, sizeof tcb->pceid) == 0 ||
           av_refuse(trial->verdict, ATTEST_COLLATERAL_MISMATCH,
                     "the PCE-ID of the TCB info is %02x%02x, the platform's %02x%02x",
                     tcb->pceid[0], tcb->pceid[1], trial->found.pck.pceid[0],
                     trial->found.pck.pceid[1]);
}

/* b.4, 14 and 15: the platform vouches for the quoting enclave, which vouches for the key. */
static bool check_qe_report(struct trial *trial)
{
    const struct quote *quote = &trial->found.quote;
    uint8_t expected[64] = {0};
    if (!av_signature_holds(X509_get0_pubkey(trial->pck_chain.certificates[0]), quote->qe_signature,
                            quote->qe_report))
        return av_refuse(trial->verdict, ATTEST_QE_SIGNATURE, "the PCK key did not sign it");
    if (!av_sha256(quote->key, quote->qe_auth, expected))
        return av_refuse(trial->verdict, ATTEST_INTERNAL, "out of memory");
    struct attest_bytes found = av_report_part(quote->qe_report, "report_data");
    return av_bytes_equal(found, (struct attest_bytes){.ptr = expected, .len = sizeof expected}) ||
           av_refuse(trial->verdict, ATTEST_QE_BINDING,
                     "its report data is not the digest of key and authentication data");
}

static bool check_quote_signature(struct trial *trial)
{
    const struct quote *quote = &trial->found.quote;
    EVP_PKEY *key = av_decode_point(av_roots_decoder(trial->request->roots), quote->key);
    bool holds = key != NULL && av_signature_holds(key, quote->signature, quote->signed_part);
    EVP_PKEY_free(key);
    return holds || av_refuse(trial->verdict, ATTEST_QUOTE_SIGNATURE, "%s",
                              key == NULL ? "the attestation key is no point of P-256"
                                          : "the attestation key did not sign the quote");
}

static int compare_advisories(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool evaluate_tcb(struct trial *trial)
{
    struct tcb_standing *standing = &trial->found.standing;
    struct attest_verdict *verdict = trial->verdict;
    const struct attest_collateral *collateral = trial->found.collateral;
    if (!av_tcb_evaluate(&trial->found.quote, &trial->found.pck, &collateral->tcb, &collateral->qe,
                         standing, verdict))
        return false;
    verdict->tcb_status = av_tcb_status_word(standing->flags);
    verdict->tcb_date = standing->date;
    for (size_t i = 0; i < standing->advisory_count; ++i)
        memcpy(verdict->advisories[verdict->advisory_count++], standing->advisories[i],
               strlen(standing->advisories[i]) + 1);
    qsort(verdict->advisories, verdict->advisory_count, sizeof verdict->advisories[0],
          compare_advisories);
    return verdict->tcb_status != NULL ||
           av_refuse(verdict, ATTEST_INTERNAL, "a TCB status without a name");
}

static bool check_qe_identity(struct trial *trial)
{
    return av_qe_check_identity(&trial->found.quote, &trial->found.collateral->qe, trial->verdict);
}

/* The evidence of a certificate must bind its key and be one statement; a bare quote binds none. */
static bool check_binding(struct trial *trial)
{
    return (trial->certificate == NULL ||
            av_evidence_binds_key(trial->evidence, trial->certificate, trial->verdict->report_data,
                                  trial->verdict)) &&
           (trial->evidence == NULL ||
            av_evidence_fits_quote(trial->evidence, &trial->found.quote, trial->verdict));
}

static bool appraise(struct trial *trial)
{
    return av_appraise(&trial->found, trial->request->policy, trial->request->now, trial->verdict);
}

static const struct {
    enum attest_check check;
    bool (*run)(struct trial *trial);
} steps[] = {
    {ATTEST_CHECK_QUOTE, read_quote},                      /* b.1 */
    {ATTEST_CHECK_BINDING, check_binding},                 /* c */
    {ATTEST_CHECK_PCK, read_pck},                          /* b.1 */
    {ATTEST_CHECK_CHOICE, choose_collateral},              /* b.3, 11, 12 */
    {ATTEST_CHECK_COLLATERAL, verify_collateral},          /* b.2, b.3 */
    {ATTEST_CHECK_EVALUATION, check_evaluation},           /* d.6 */
    {ATTEST_CHECK_PCK_CHAIN, verify_pck_chain},            /* b.2 */
    {ATTEST_CHECK_PCEID, check_platform_is_meant},         /* b.3, 12 */
    {ATTEST_CHECK_QE_REPORT, check_qe_report},             /* b.4, 14, 15 */
    {ATTEST_CHECK_QE_IDENTITY, check_qe_identity},         /* b.4, 16 */
    {ATTEST_CHECK_QUOTE_SIGNATURE, check_quote_signature}, /* b.4, 17 */
    {ATTEST_CHECK_TCB, evaluate_tcb},                      /* b.5 to b.7 */
    {ATTEST_CHECK_POLICY, appraise},                       /* b.8 */
};

void av_judge_quote(const struct attest_request *request, struct attest_bytes bytes,
                    const struct evidence *evidence, X509 *certificate,
                    struct attest_verdict *verdict)
{
    struct trial trial = {.request = request,
                          .evidence = evidence,
                          .certificate = certificate,
                          .bytes = bytes,
                          .verdict = verdict};
    bool trusted = true;
    av_explain_piece(request->explanation);
    for (size_t i = 0; trusted && i < sizeof steps / sizeof *steps; ++i) {
        trusted = steps[i].run(&trial);
        av_explain_check(request, steps[i].check, trusted, &trial.found, verdict);
    }
    if (trusted)
        av_verdict_trust(verdict);
    av_chain_fini(&trial.pck_chain);
    av_collateral_chains_fini(&trial.chains);
}

void attest_verify_quote(const struct attest_request *request, struct attest_bytes quote,
                         struct attest_verdict *verdict)
{
    ERR_set_mark(); /* refusals leave OpenSSL's errors behind, and the caller may be in its own SSL
                     */
    av_verdict_init(verdict);
    av_explain_init(request->explanation, false);
    av_judge_quote(request, quote, NULL, NULL, verdict);
    ERR_pop_to_mark();
}

/* Of a SEV-SNP report: the machine, its firmware, and the guest's number on it. The machine is
 * compared as instance; firmware may be updated while a guest runs. */
static bool is_of_machine(const char *name)
{
    static const char *const names[] = {"chip_id",           "cpuid",
                                        "platform_info",     "signer_info",
                                        "report_id",         "report_id_ma",
                                        "current_tcb",       "reported_tcb",
                                        "committed_tcb",     "launch_tcb",
                                        "current_version",   "committed_version",
                                        "launch_mit_vector", "current_mit_vector"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

bool av_is_same_code(const struct attest_verdict *a, const struct attest_verdict *b)
{
    if (a->tee != b->tee || a->measurement_count != b->measurement_count)
        return false;
    for (size_t i = 0; i < a->measurement_count; ++i)
        if (!is_of_machine(a->measurements[i].name) &&
            memcmp(a->measurements[i].bytes, b->measurements[i].bytes,
                   sizeof a->measurements[i].bytes) != 0)
            return false;
    return true;
}

/* Several pieces of evidence are one statement only if they tell the same. */
static bool tell_the_same(const struct attest_verdict *a, const struct attest_verdict *b)
{
    return av_is_same_code(a, b) && memcmp(a->fmspc, b->fmspc, sizeof a->fmspc) == 0 &&
           memcmp(a->instance_sha256, b->instance_sha256, sizeof a->instance_sha256) == 0;
}

static void judge_item(const struct attest_request *request, const struct evidence *item,
                       X509 *certificate, struct attest_verdict *verdict)
{
    struct report_case report = {.bytes = item->quote,
                                 .brought = &item->endorsements,
                                 .evidence = item,
                                 .certificate = certificate};
    if (item->is_report)
        av_judge_report(request, &report, verdict);
    else
        av_judge_quote(request, item->quote, item, certificate, verdict);
}

static void judge_evidence(const struct attest_request *request, const struct evidence_set *set,
                           X509 *certificate, struct attest_verdict *verdict)
{
    judge_item(request, &set->items[0], certificate, verdict);
    for (size_t i = 1; i < set->count && attest_is_trusted(verdict); ++i) {
        struct attest_verdict other;
        av_verdict_init(&other);
        judge_item(request, &set->items[i], certificate, &other);
        if (attest_is_trusted(&other))
            av_verdict_note_end(verdict, other.expires);
        if (!attest_is_trusted(&other))
            av_refuse(verdict, other.reason, "%s", other.detail);
        else if (!tell_the_same(verdict, &other))
            av_refuse(verdict, ATTEST_EVIDENCE_DISAGREES, "%zu pieces of evidence", set->count);
    }
    if (attest_is_trusted(verdict) || verdict->reason == ATTEST_EVIDENCE_DISAGREES)
        av_explain_check(request, ATTEST_CHECK_AGREEMENT, attest_is_trusted(verdict), NULL,
                         verdict);
}

/* Last of all, so that the verdict on an expired certificate still shows what it was about. */
static void check_validity(X509 *certificate, int64_t now, struct attest_verdict *verdict)
{
    int64_t from, to;
    if (!av_moment_from_asn1(X509_get0_notBefore(certificate), &from) ||
        !av_moment_from_asn1(X509_get0_notAfter(certificate), &to)) {
        av_refuse(verdict, ATTEST_CERTIFICATE_MALFORMED, "it has no dates");
        return;
    }
    av_verdict_note_end(verdict, to);
    if (now < from || now > to)
        av_refuse(verdict, ATTEST_CERTIFICATE_EXPIRED, "valid from %lld to %lld", (long long)from,
                  (long long)to);
}

void attest_verify_certificate(const struct attest_request *request, struct attest_bytes der,
                               struct attest_verdict *verdict)
{
    ERR_set_mark();
    av_verdict_init(verdict);
    av_explain_init(request->explanation, true);
    struct evidence_set set = {0};
    X509 *certificate = der.len <= CERTIFICATE_BYTES_MAX
                            ? av_decode_certificate(av_roots_decoder(request->roots), der)
                            : NULL;
    bool whole = certificate != NULL;
    if (!whole)
        av_refuse(verdict, ATTEST_CERTIFICATE_MALFORMED,
                  "not one whole DER certificate of at most %d bytes", CERTIFICATE_BYTES_MAX);
    av_explain_check(request, ATTEST_CHECK_CERTIFICATE, whole, NULL, verdict);
    bool found = whole && av_evidence_find(certificate, &set, verdict);
    if (whole)
        av_explain_check(request, ATTEST_CHECK_EVIDENCE, found, NULL, verdict);
    if (found)
        judge_evidence(request, &set, certificate, verdict);
    if (attest_is_trusted(verdict)) {
        check_validity(certificate, request->now, verdict);
        av_explain_check(request, ATTEST_CHECK_VALIDITY, attest_is_trusted(verdict), NULL, verdict);
    }
    av_evidence_fini(&set);
    X509_free(certificate);
    ERR_pop_to_mark();
}
