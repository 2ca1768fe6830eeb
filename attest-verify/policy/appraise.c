#include "policy/appraise.h"

#include "bytes/crypto.h"
#include "bytes/hex.h"
#include "bytes/moment.h"

#include <string.h>

enum { SGX_FLAG_DEBUG = 0x02 };

static bool is_debug(const struct quote *quote)
{
    if (quote->kind == BODY_SGX)
        return av_number_le(av_quote_part(quote, "attributes")) & SGX_FLAG_DEBUG;
    return av_number_le(av_quote_part(quote, "tdattributes")) & TD_GROUP_UNTRUSTED;
}

/* How far an entry fits. The best of all entries gives the reason when none fits. */
enum fit { FIT_NOTHING, FIT_CODE, FIT_ALL };

/* A number as one, else each byte by itself: components of a TCB. */
static bool reaches(struct attest_bytes have, const struct quote_field *field, const uint8_t *least)
{
    if (have.len != field->len)
        return false;
    if (field->is_number)
        return av_number_le(have) >=
               av_number_le((struct attest_bytes){.ptr = least, .len = field->len});
    for (size_t i = 0; i < have.len; ++i)
        if (have.ptr[i] < least[i])
            return false;
    return true;
}

static bool rule_fits(const struct policy_rule *rule, const struct quote *quote)
{
    /* A TD report 1.0 cannot name service TDs, so it cannot meet a rule about them. */
    struct attest_bytes have = av_quote_part(quote, rule->field->name);
    return rule->is_least ? reaches(have, rule->field, rule->values.bytes)
                          : av_values_have(&rule->values, rule->mask, have);
}

/* What is asked of a TD whose entry does not list attributes (a.2), and of an SEV-SNP guest: that
 * its most privileged level asked for the report. An entry that accepts any code gains nothing from
 * it and is not held to it. */
static const char *broken_default(const struct policy_entry *entry, const struct quote *quote)
{
    if (quote->kind == BODY_SGX || entry->any_code)
        return NULL;
    if (quote->kind == BODY_SNP)
        return av_policy_rule(entry, "vmpl") == NULL &&
                       !av_bytes_are_zero(av_quote_part(quote, "vmpl"))
                   ? "vmpl"
                   : NULL;
    uint64_t xfam = av_number_le(av_quote_part(quote, "xfam"));
    if (av_policy_rule(entry, "tdattributes") == NULL &&
        av_number_le(av_quote_part(quote, "tdattributes")) != TD_ATTRIBUTES_DEFAULT)
        return "tdattributes";
    if (av_policy_rule(entry, "xfam") == NULL && !av_xfam_is_known(xfam))
        return "xfam";
    if (av_policy_rule(entry, "mrservicetd") == NULL &&
        !av_bytes_are_zero(av_quote_part(quote, "mrservicetd")))
        return "mrservicetd";
    return NULL;
}

/* `culprit` is the field that does not fit, when the answer is not FIT_ALL. */
static enum fit entry_fit(const struct policy_entry *entry, const struct quote *quote,
                          const char **culprit)
{
    *culprit = "tee";
    if (entry->tee != av_quote_tee(quote->kind))
        return FIT_NOTHING;
    const char *attribute = NULL;
    for (size_t i = 0; i < entry->rule_count; ++i) {
        if (rule_fits(&entry->rules[i], quote))
            continue;
        *culprit = entry->rules[i].field->name;
        if (!entry->rules[i].field->is_attribute)
            return FIT_NOTHING;
        attribute = *culprit;
    }
    if (attribute == NULL)
        attribute = broken_default(entry, quote);
    *culprit = attribute;
    return attribute != NULL ? FIT_CODE : FIT_ALL;
}

static bool refuse_field(const struct quote *quote, enum attest_reason reason, const char *culprit,
                         struct attest_verdict *verdict)
{
    char hex[2 * 64 + 1] = "";
    struct attest_bytes found = av_quote_part(quote, culprit);
    if (found.len > 0 && found.len <= 64)
        av_hex_encode(found.ptr, found.len, hex);
    return av_refuse(verdict, reason, "no entry of the policy accepts %s %s", culprit,
                     found.len > 0 ? hex : attest_tee_word(verdict->tee));
}

bool av_appraise_entries(const struct quote *quote, const struct attest_policy *policy,
                         struct attest_verdict *verdict)
{
    enum fit best = FIT_NOTHING;
    const char *reason_field = "tee";
    if (policy->entry_count == 0)
        return av_refuse(verdict, ATTEST_MEASUREMENT_NOT_LISTED, "the policy accepts nobody");
    for (size_t i = 0; i < policy->entry_count; ++i) {
        const char *culprit;
        enum fit fit = entry_fit(&policy->entries[i], quote, &culprit);
        if (fit == FIT_ALL)
            return true;
        if (fit > best || (fit == best && strcmp(reason_field, "tee") == 0))
            reason_field = culprit;
        best = fit > best ? fit : best;
    }
    return refuse_field(quote, best == FIT_CODE ? ATTEST_ATTRIBUTES : ATTEST_MEASUREMENT_NOT_LISTED,
                        reason_field, verdict);
}

static bool check_advisories(const struct tcb_standing *standing,
                             const struct attest_policy *policy, struct attest_verdict *verdict)
{
    for (size_t i = 0; i < standing->advisory_count; ++i)
        for (size_t j = 0; j < policy->advisory_count; ++j)
            if (strcmp(standing->advisories[i], policy->advisories_denied[j]) == 0)
                return av_refuse(verdict, ATTEST_ADVISORY_DENIED, "%s applies",
                                 standing->advisories[i]);
    return true;
}

/* The oldest of what Intel renews every 30 days; the root's CRL lives a year and is left out. */
static bool check_age(const struct attest_collateral *collateral, uint64_t age_max, int64_t now,
                      struct attest_verdict *verdict)
{
    int64_t oldest = collateral->tcb.head.issued, crl;
    if (collateral->qe.head.issued < oldest)
        oldest = collateral->qe.head.issued;
    if (av_moment_from_asn1(X509_CRL_get0_lastUpdate(collateral->pck_crl), &crl) && crl < oldest)
        oldest = crl;
    if (age_max == UINT64_MAX)
        return true;
    av_verdict_note_end(verdict, oldest + (int64_t)age_max);
    return now - oldest <= (int64_t)age_max ||
           av_refuse(verdict, ATTEST_COLLATERAL_TOO_OLD, "%lld s old, %llu are accepted",
                     (long long)(now - oldest), (unsigned long long)age_max);
}

/* ra-tls e: OutOfDate is accepted until the grace after the level's date is over. */
static bool check_platform_grace(const struct tcb_standing *standing, uint64_t grace, int64_t now,
                                 struct attest_verdict *verdict)
{
    if (!(standing->flags & TCB_OUT_OF_DATE) || grace == UINT64_MAX)
        return true;
    int64_t end = standing->date + (int64_t)grace;
    av_verdict_note_end(verdict, end);
    return now <= end || av_refuse(verdict, ATTEST_TCB_NOT_ACCEPTED,
                                   "TCB status %s, and the platform's grace ended at %lld",
                                   av_tcb_status_word(standing->flags), (long long)end);
}

static bool check_tcb(const struct findings *findings, const struct attest_policy *policy,
                      int64_t now, struct attest_verdict *verdict)
{
    const struct tcb_standing *standing = &findings->standing;
    uint64_t evaluation = findings->collateral->tcb.head.evaluation;
    if (findings->collateral->qe.head.evaluation < evaluation)
        evaluation = findings->collateral->qe.head.evaluation;
    if (!(policy->accepted_statuses & 1u << standing->flags))
        return av_refuse(verdict, ATTEST_TCB_NOT_ACCEPTED, "TCB status %s",
                         av_tcb_status_word(standing->flags));
    if (!check_platform_grace(standing, policy->platform_grace_s, now, verdict))
        return false;
    if (!check_advisories(standing, policy, verdict))
        return false;
    if (standing->date < policy->min_tcb_date)
        return av_refuse(verdict, ATTEST_TCB_TOO_OLD, "TCB date %lld, %lld or later is accepted",
                         (long long)standing->date, (long long)policy->min_tcb_date);
    if (evaluation < policy->min_evaluation)
        return av_refuse(verdict, ATTEST_EVALUATION_TOO_OLD, "%llu, at least %llu is accepted",
                         (unsigned long long)evaluation,
                         (unsigned long long)policy->min_evaluation);
    return check_age(findings->collateral, policy->max_collateral_age_s, now, verdict);
}

static bool is_listed(const struct value_list *values, const uint8_t *bytes, size_t len)
{
    return values->count == 0 ||
           av_values_have(values, NULL, (struct attest_bytes){.ptr = bytes, .len = len});
}

/* A certificate that does not say (those of the Processor CA) has not said no. */
static bool check_configuration(const struct pck *pck, const struct attest_policy *policy,
                                struct attest_verdict *verdict)
{
    const struct {
        bool denied, found;
        const char *what;
    } flags[] = {{policy->deny_smt, pck->smt_enabled, "hyper-threading"},
                 {policy->deny_dynamic_platform, pck->dynamic_platform, "a dynamic platform"},
                 {policy->deny_cached_keys, pck->cached_keys, "keys cached by Intel"}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; ++i)
        if (flags[i].denied && (!pck->has_configuration || flags[i].found))
            return av_refuse(verdict, ATTEST_PLATFORM_CONFIGURATION, "%s: the certificate %s",
                             flags[i].what,
                             pck->has_configuration ? "says that it has it" : "does not say");
    return policy->sgx_types == 0 || (policy->sgx_types & 1u << pck->sgx_type) ||
           av_refuse(verdict, ATTEST_PLATFORM_CONFIGURATION, "the SGX type is %s",
                     av_pck_sgx_type_word(pck->sgx_type));
}

static bool check_platform(const struct pck *pck, const struct attest_policy *policy,
                           struct attest_verdict *verdict)
{
    uint8_t ppid[32];
    struct attest_bytes none = {NULL, 0}, raw = {.ptr = pck->ppid, .len = sizeof pck->ppid};
    if (!av_sha256(raw, none, ppid))
        return av_refuse(verdict, ATTEST_INTERNAL, "out of memory");
    if (!is_listed(&policy->fmspc, pck->fmspc, sizeof pck->fmspc))
        return av_refuse(verdict, ATTEST_PLATFORM_NOT_LISTED, "its FMSPC");
    if (!is_listed(&policy->ppid_sha256, ppid, sizeof ppid))
        return av_refuse(verdict, ATTEST_PLATFORM_NOT_LISTED, "the SHA-256 of its PPID");
    if (policy->piid.count > 0 &&
        (!pck->has_piid || !is_listed(&policy->piid, pck->piid, sizeof pck->piid)))
        return av_refuse(verdict, ATTEST_PLATFORM_NOT_LISTED, "its platform instance id");
    if (policy->chip_id.count > 0 && policy->ppid_sha256.count == 0 && policy->piid.count == 0)
        return av_refuse(verdict, ATTEST_PLATFORM_NOT_LISTED,
                         "only chip ids are listed, and it has none");
    return check_configuration(pck, policy, verdict);
}

bool av_appraise(const struct findings *findings, const struct attest_policy *policy, int64_t now,
                 struct attest_verdict *verdict)
{
    if (policy == NULL)
        return av_refuse(verdict, ATTEST_POLICY_MISSING, "no policy was given");
    if (is_debug(&findings->quote) && !policy->allow_debug)
        return av_refuse(verdict, ATTEST_DEBUG, "the debug attribute is set");
    return av_appraise_entries(&findings->quote, policy, verdict) &&
           check_tcb(findings, policy, now, verdict) &&
           check_platform(&findings->pck, policy, verdict);
}
