#include "policy/appraise_snp.h"

#include "bytes/cursor.h"
#include "policy/appraise.h"

#include <string.h>

static bool check_guest(const struct snp_findings *found, const struct attest_policy *policy,
                        struct attest_verdict *verdict)
{
    uint64_t guest = av_number_le(av_quote_part(&found->quote, "guest_policy"));
    if ((guest & SNP_POLICY_DEBUG) && !policy->allow_debug)
        return av_refuse(verdict, ATTEST_DEBUG, "the guest policy allows debugging");
    return !(guest & SNP_POLICY_MIGRATE) || policy->snp.allow_migration ||
           av_refuse(verdict, ATTEST_MIGRATION, "the guest policy allows a migration agent");
}

static bool check_minimum(const char *name, const struct snp_tcb *tcb, const struct snp_tcb *min,
                          struct attest_verdict *verdict)
{
    for (size_t i = 0; i < SNP_COMPONENTS; ++i)
        if (tcb->svn[i] < min->svn[i])
            return av_refuse(verdict, ATTEST_TCB_TOO_OLD,
                             "%s of the %s TCB is %u, at least %u is accepted",
                             av_snp_component_name(i), name, tcb->svn[i], min->svn[i]);
    return true;
}

/* Committed and current are not below the reported one. A guest launched under an old TCB may have
 * been broken into then, whatever the firmware is now. */
static bool check_tcb(const struct snp_findings *found, const struct policy_snp *policy,
                      struct attest_verdict *verdict)
{
    const struct snp_tcb *min = &policy->min_tcb[found->leaf.product];
    uint64_t platform = av_number_le(av_quote_part(&found->quote, "platform_info"));
    if (found->quote.version < policy->version_min)
        return av_refuse(verdict, ATTEST_REPORT_TOO_OLD, "version %u, at least %llu is accepted",
                         found->quote.version, (unsigned long long)policy->version_min);
    uint64_t firmware = av_number_le(av_quote_part(&found->quote, "committed_version"));
    if (firmware < policy->firmware_min)
        return av_refuse(verdict, ATTEST_TCB_TOO_OLD,
                         "the committed firmware is %u.%u.%u, at least %u.%u.%u is accepted",
                         (unsigned)(firmware >> 16), (unsigned)(firmware >> 8 & 0xff),
                         (unsigned)(firmware & 0xff), policy->firmware_min >> 16,
                         policy->firmware_min >> 8 & 0xff, policy->firmware_min & 0xff);
    return check_minimum("reported", &found->tcbs.reported, min, verdict) &&
           check_minimum("launch", &found->tcbs.launch, min, verdict) &&
           ((platform & SNP_PLATFORM_UNALIASED) || policy->allow_missing_alias_check ||
            av_refuse(verdict, ATTEST_ALIAS_CHECK, "ALIAS_CHECK_COMPLETE is not set"));
}

static bool csp_is_listed(const struct snp_findings *found, const cJSON *list)
{
    if (list == NULL || list->child == NULL || !found->leaf.is_vlek)
        return true;
    for (const cJSON *item = list->child; item != NULL; item = item->next)
        if (strcmp(item->valuestring, found->leaf.csp_id) == 0)
            return true;
    return false;
}

/* The chip: by the certificate of its own key, or what the firmware says under a cloud's key. */
static bool check_platform(const struct snp_findings *found, const struct attest_policy *policy,
                           struct attest_verdict *verdict)
{
    struct attest_bytes chip =
        found->leaf.is_vlek
            ? av_quote_part(&found->quote, "chip_id")
            : (struct attest_bytes){.ptr = found->leaf.chip_id, .len = sizeof found->leaf.chip_id};
    if (found->is_masked && !policy->snp.allow_masked_chip)
        return av_refuse(verdict, ATTEST_CHIP_MASKED, "its chip id is zero");
    if (!csp_is_listed(found, policy->snp.csp_ids))
        return av_refuse(verdict, ATTEST_PLATFORM_NOT_LISTED, "its cloud, %s", found->leaf.csp_id);
    if (policy->chip_id.count > 0)
        return (!av_bytes_are_zero(chip) && av_values_have(&policy->chip_id, NULL, chip)) ||
               av_refuse(verdict, ATTEST_PLATFORM_NOT_LISTED, "its chip id");
    return (policy->fmspc.count == 0 && policy->ppid_sha256.count == 0 &&
            policy->piid.count == 0) ||
           av_refuse(verdict, ATTEST_PLATFORM_NOT_LISTED, "only platforms of Intel are listed");
}

bool av_appraise_snp(const struct snp_findings *found, const struct attest_policy *policy,
                     struct attest_verdict *verdict)
{
    if (policy == NULL)
        return av_refuse(verdict, ATTEST_POLICY_MISSING, "no policy was given");
    if (!found->has_crl && !policy->snp.crl_optional)
        return av_refuse(verdict, ATTEST_CRL_MISSING, "no revocation list of AMD was given");
    return check_guest(found, policy, verdict) &&
           av_appraise_entries(&found->quote, policy, verdict) &&
           check_tcb(found, &policy->snp, verdict) && check_platform(found, policy, verdict);
}
