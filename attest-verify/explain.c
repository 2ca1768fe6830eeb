#include "explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *word;
    const char *sentence;
} checks[] = {
#define CHECK(code, word, sentence) [ATTEST_CHECK_##code] = {word, sentence},
#include "checks.def"
#undef CHECK
};

const char *attest_check_word(enum attest_check check)
{
    return (unsigned)check < ATTEST_CHECK_COUNT ? checks[check].word : "unknown";
}

const char *attest_check_sentence(enum attest_check check)
{
    return (unsigned)check < ATTEST_CHECK_COUNT ? checks[check].sentence : "no such check";
}

const char *attest_check_outcome_word(enum attest_check_outcome outcome)
{
    static const char *const words[] = {"not reached", "passed", "failed", "not applicable"};
    return (unsigned)outcome < sizeof words / sizeof *words ? words[outcome] : "unknown";
}

struct told {
    const struct attest_request *request;
    const struct findings *found; /* NULL for the checks around a piece of evidence */
    const struct attest_verdict *verdict;
    char *out;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void say(const struct told *told, const char *format,
                                                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(told->out, told->size, format, arguments);
    va_end(arguments);
}

static void tell_quote(const struct told *told)
{
    say(told, "%s quote, version %u, %zu bytes", attest_tee_word(told->verdict->tee),
        told->found->quote.version, told->found->quote.whole.len);
}

static void tell_pck(const struct told *told)
{
    const struct pck *pck = &told->found->pck;
    say(told, "FMSPC %02x%02x%02x%02x%02x%02x, PCE-ID %02x%02x, PCESVN %u", pck->fmspc[0],
        pck->fmspc[1], pck->fmspc[2], pck->fmspc[3], pck->fmspc[4], pck->fmspc[5], pck->pceid[0],
        pck->pceid[1], pck->pcesvn);
}

static void tell_choice(const struct told *told)
{
    const struct document_head *tcb = &told->found->collateral->tcb.head;
    const struct document_head *qe = &told->found->collateral->qe.head;
    say(told,
        "of %zu documents: TCB info of evaluation %llu issued at %lld, QE identity of evaluation "
        "%llu issued at %lld",
        told->request->collateral_count, (unsigned long long)tcb->evaluation,
        (long long)tcb->issued, (unsigned long long)qe->evaluation, (long long)qe->issued);
}

static void tell_evaluation(const struct told *told)
{
    struct attest_evaluation own = attest_collateral_evaluation(told->found->collateral);
    say(told, "TCB info %llu, QE identity %llu: %s", (unsigned long long)own.tcb,
        (unsigned long long)own.qe,
        told->request->seen_count > 0 ? "none higher was seen of this platform"
                                      : "what was seen before is not known");
}

static void tell_end(const struct told *told)
{
    say(told, "at %lld all are in force; the first of those seen so far ends at %lld",
        (long long)told->request->now, (long long)told->verdict->expires);
}

static void tell_pceid(const struct told *told)
{
    const uint8_t *pceid = told->found->collateral->tcb.pceid;
    say(told, "both are %02x%02x", pceid[0], pceid[1]);
}

static void tell_qe_identity(const struct told *told)
{
    struct attest_bytes report = told->found->quote.qe_report;
    say(told, "ISVPRODID %u, ISVSVN %u, signer, attributes and miscselect are the vendor's",
        (unsigned)av_number_le(av_report_part(report, "isvprodid")),
        (unsigned)av_number_le(av_report_part(report, "isvsvn")));
}

static void tell_tcb(const struct told *told)
{
    say(told, "%s since %lld, %zu advisories", told->verdict->tcb_status,
        (long long)told->verdict->tcb_date, told->verdict->advisory_count);
}

static void tell_policy(const struct told *told)
{
    say(told, "one of %zu entries fits; %s is accepted", told->request->policy->entry_count,
        told->verdict->tcb_status);
}

/* Checks that say no more than their sentence have no row. */
static void (*const tellers[ATTEST_CHECK_COUNT])(const struct told *) = {
    [ATTEST_CHECK_QUOTE] = tell_quote,
    [ATTEST_CHECK_PCK] = tell_pck,
    [ATTEST_CHECK_CHOICE] = tell_choice,
    [ATTEST_CHECK_COLLATERAL] = tell_end,
    [ATTEST_CHECK_EVALUATION] = tell_evaluation,
    [ATTEST_CHECK_PCK_CHAIN] = tell_end,
    [ATTEST_CHECK_PCEID] = tell_pceid,
    [ATTEST_CHECK_QE_IDENTITY] = tell_qe_identity,
    [ATTEST_CHECK_TCB] = tell_tcb,
    [ATTEST_CHECK_POLICY] = tell_policy,
};

void av_explain_init(struct attest_explanation *explanation, bool in_certificate)
{
    static const enum attest_check of_certificates[] = {
        ATTEST_CHECK_CERTIFICATE, ATTEST_CHECK_EVIDENCE, ATTEST_CHECK_BINDING,
        ATTEST_CHECK_AGREEMENT, ATTEST_CHECK_VALIDITY};
    if (explanation == NULL)
        return;
    memset(explanation, 0, sizeof *explanation);
    for (size_t i = 0; !in_certificate && i < sizeof of_certificates / sizeof *of_certificates; ++i)
        explanation->checks[of_certificates[i]].result = ATTEST_CHECK_NOT_APPLICABLE;
}

void av_explain_piece(struct attest_explanation *explanation)
{
    for (int i = ATTEST_CHECK_QUOTE; explanation != NULL && i <= ATTEST_CHECK_POLICY; ++i)
        if (explanation->checks[i].result != ATTEST_CHECK_NOT_APPLICABLE)
            explanation->checks[i] = (struct attest_check_result){ATTEST_CHECK_NOT_REACHED, ""};
}

void av_explain_check(const struct attest_request *request, enum attest_check check, bool passed,
                      const struct findings *found, const struct attest_verdict *verdict)
{
    if (request->explanation == NULL)
        return;
    struct attest_check_result *row = &request->explanation->checks[check];
    if (row->result == ATTEST_CHECK_NOT_APPLICABLE)
        return;
    struct told told = {request, found, verdict, row->detail, sizeof row->detail};
    row->result = passed ? ATTEST_CHECK_PASSED : ATTEST_CHECK_FAILED;
    if (!passed)
        say(&told, "%s: %s", attest_reason_word(verdict->reason), verdict->detail);
    else if (found != NULL && tellers[check] != NULL)
        tellers[check](&told);
    else
        say(&told, "%s", checks[check].sentence);
}

void av_explain_words(const struct attest_request *request, enum attest_check check, bool passed,
                      const char *words, const struct attest_verdict *verdict)
{
    if (request->explanation == NULL)
        return;
    av_explain_check(request, check, passed, NULL, verdict);
    struct attest_check_result *row = &request->explanation->checks[check];
    if (row->result == ATTEST_CHECK_PASSED && words[0] != '\0')
        snprintf(row->detail, sizeof row->detail, "%s", words);
}

void av_explain_report(struct attest_explanation *explanation)
{
    static const enum attest_check of_intel[] = {ATTEST_CHECK_COLLATERAL, ATTEST_CHECK_PCEID,
                                                 ATTEST_CHECK_QE_REPORT, ATTEST_CHECK_QE_IDENTITY};
    for (size_t i = 0; explanation != NULL && i < sizeof of_intel / sizeof *of_intel; ++i)
        explanation->checks[of_intel[i]].result = ATTEST_CHECK_NOT_APPLICABLE;
}
