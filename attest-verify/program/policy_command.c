#include "program/policy_command.h"

#include "policy/policy.h"
#include "program/print.h"
#include "program/verdict_json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- checking --- */

static struct attest_bytes text_of(const struct call *call)
{
    return (struct attest_bytes){.ptr = call->inputs.evidence, .len = call->inputs.evidence_len};
}

/* JSON begins with a brace; no kind of evidence does. */
static bool is_policy(const struct call *call)
{
    struct attest_bytes text = text_of(call);
    size_t i = 0;
    while (i < text.len && strchr(" \t\r\n", text.ptr[i]) != NULL && text.ptr[i] != '\0')
        ++i;
    return i < text.len && text.ptr[i] == '{';
}

__attribute__((format(printf, 2, 3))) static void note(cJSON *notes, const char *format, ...)
{
    char sentence[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    cJSON_AddItemToArray(notes, cJSON_CreateString(sentence));
}

static void note_entry(cJSON *notes, size_t i, const struct policy_entry *entry)
{
    bool has_rtmr = false;
    for (size_t r = 0; r < entry->rule_count; ++r)
        has_rtmr |= strncmp(entry->rules[r].field->name, "rtmr", 4) == 0;
    if (entry->any_code)
        note(notes, "accept[%zu] accepts any code in %s", i, attest_tee_word(entry->tee));
    else if (has_rtmr && av_policy_rule(entry, "mrtd") == NULL)
        note(notes, "accept[%zu] lists RTMRs without mrtd, whose firmware is what extends them", i);
}

/* What is allowed and easily overlooked. */
static void add_notes(cJSON *notes, const struct attest_policy *policy)
{
    const struct {
        bool applies;
        const char *sentence;
    } rows[] = {
        {policy->entry_count == 0, "accept has no entry: it trusts nobody"},
        {policy->allow_debug, "TEEs open to debugging are accepted: their memory can be read"},
        {(policy->accepted_statuses & 1u << TCB_REVOKED) != 0,
         "platforms that Intel has revoked are accepted"},
        {(policy->accepted_statuses & 1u << TCB_OUT_OF_DATE) != 0 &&
             policy->platform_grace_s == UINT64_MAX,
         "OutOfDate is accepted without an end: platform_grace_s sets one"},
        {policy->collateral_grace_s > 0, "collateral is accepted after its end"},
        {policy->snp.crl_optional, "SEV-SNP is accepted without AMD's revocation list"},
        {policy->snp.allow_masked_chip, "SEV-SNP reports that hide their chip are accepted"},
        {policy->snp.allow_migration, "SEV-SNP guests that can be moved are accepted"},
        {policy->snp.allow_missing_alias_check,
         "SEV-SNP memory that was not checked for aliases is accepted"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i)
        if (rows[i].applies)
            note(notes, "%s", rows[i].sentence);
    for (size_t i = 0; i < policy->entry_count; ++i)
        note_entry(notes, i, &policy->entries[i]);
}

static int check_policy(const struct call *call)
{
    char error[256];
    cJSON *json = cJSON_CreateObject();
    struct attest_policy *policy = attest_policy_parse(text_of(call), error, sizeof error);
    bool valid = policy != NULL;
    cJSON_AddStringToObject(json, "policy", valid ? "valid" : "invalid");
    if (valid) {
        cJSON_AddNumberToObject(json, "entries", (double)policy->entry_count);
        add_notes(cJSON_AddArrayToObject(json, "notes"), policy);
    } else {
        cJSON_AddStringToObject(json, "detail", error);
    }
    attest_policy_free(policy);
    int status = av_print_json(call->command, json);
    return status != 0 ? status : valid ? EXIT_TRUSTED : EXIT_REFUSED;
}

/* --- drafting --- */

/* Whether the draft trusts what it was made from; what it still refuses is said, not relaxed. */
static bool draft_holds(struct call *call, const cJSON *draft, bool unchecked)
{
    char error[256];
    struct attest_verdict verdict;
    char *text = cJSON_PrintUnformatted(draft);
    struct attest_bytes bytes = {.ptr = (const uint8_t *)text,
                                 .len = text != NULL ? strlen(text) : 0};
    struct attest_policy *policy = attest_policy_parse(bytes, error, sizeof error);
    bool holds = policy != NULL;
    if (!holds) {
        fprintf(stderr, "attest-verify: the draft is no policy: %s\n", error);
    } else if (!unchecked) {
        call_verify(call, policy, &verdict);
        holds = attest_is_trusted(&verdict);
        if (!holds)
            fprintf(stderr,
                    "attest-verify: this draft refuses the evidence it is made from: %s: %s. It "
                    "must be relaxed by hand, if at all: attest-verify(1) lists the members\n",
                    attest_reason_word(verdict.reason), verdict.detail);
    }
    attest_policy_free(policy);
    cJSON_free(text);
    return holds;
}

static int draft_policy(struct call *call, const struct attest_verdict *verdict, bool unchecked)
{
    cJSON *draft = av_verdict_draft_policy(verdict);
    if (draft == NULL)
        return call_is_wrong(call->command, "out of memory");
    if (unchecked)
        fprintf(stderr, "attest-verify: no collateral given: whether this evidence is genuine has "
                        "not been checked\n");
    else if (verdict->tcb_status != NULL && strcmp(verdict->tcb_status, "UpToDate") != 0)
        fprintf(stderr,
                "attest-verify: this worker's TCB status is %s, which the draft accepts: take it "
                "out unless you want it\n",
                verdict->tcb_status);
    bool holds = draft_holds(call, draft, unchecked);
    int status = av_print_json(call->command, draft);
    return status != 0 ? status : holds ? EXIT_TRUSTED : EXIT_REFUSED;
}

/* Drafts from what the vendor vouches for. Without collateral nobody does, and it says so. */
int av_policy_command(struct call *call)
{
    struct attest_verdict verdict;
    if (is_policy(call))
        return check_policy(call);
    attest_policy_free(call->inputs.policy); /* the draft says what is accepted, no other policy */
    call->inputs.policy = NULL;
    call->kind = call_guess_kind(call);
    call_verify(call, NULL, &verdict);
    bool genuine = verdict.reason == ATTEST_POLICY_MISSING;
    bool unchecked = verdict.reason == ATTEST_COLLATERAL_MISSING &&
                     call->inputs.collateral_count == 0 && call->inputs.snp.leaf.len == 0 &&
                     !call->fetching.wanted;
    if (genuine || unchecked)
        return draft_policy(call, &verdict, unchecked);
    int status = av_print_json(call->command, av_verdict_to_json(&verdict));
    return status != 0 ? status : EXIT_REFUSED;
}
