#include "policy/policy_entry.h"

#include "bytes/moment.h"
#include "policy/policy_snp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *av_policy_stranger(const cJSON *object, enum policy_object kind)
{
    for (const cJSON *member = object->child; member != NULL; member = member->next)
        if (!av_policy_knows(kind, member->string))
            return member->string;
    return NULL;
}

bool av_policy_parse_object(const cJSON *object, const char *name, enum policy_object kind,
                            const cJSON **out, struct complaint *complaint)
{
    *out = cJSON_GetObjectItemCaseSensitive(object, name);
    if (*out == NULL)
        return true;
    if (!cJSON_IsObject(*out))
        return av_policy_complain(complaint, "%s must be an object", name);
    const char *stranger = av_policy_stranger(*out, kind);
    return stranger == NULL ||
           av_policy_complain(complaint, "%s has an unknown member \"" SHOWN "\"", name, stranger);
}

static bool parse_entries(const cJSON *json, struct attest_policy *policy,
                          struct complaint *complaint)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "accept"), *item;
    if (list == NULL)
        return true;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > POLICY_ENTRIES_MAX)
        return av_policy_complain(complaint, "accept must be a list of at most %d entries",
                                  POLICY_ENTRIES_MAX);
    policy->entries = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *policy->entries);
    if (policy->entries == NULL)
        return av_policy_complain(complaint, "out of memory");
    for (item = list->child; item != NULL; item = item->next)
        if (!av_policy_parse_entry(item, &policy->entries[policy->entry_count++], complaint))
            return false;
    return true;
}

static bool parse_statuses(const cJSON *tcb, struct attest_policy *policy,
                           struct complaint *complaint)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(tcb, "accepted_status"), *item;
    if (list == NULL) {
        policy->accepted_statuses = 1; /* UpToDate alone */
        return true;
    }
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0)
        return av_policy_complain(complaint,
                                  "accepted_status must be a list of at least one status");
    for (item = list->child; item != NULL; item = item->next) {
        unsigned flags;
        const char *word = cJSON_GetStringValue(item);
        if (word == NULL || !av_tcb_status_parse(word, &flags))
            return av_policy_complain(complaint,
                                      "accepted_status has \"" SHOWN "\", which is no TCB status",
                                      word == NULL ? "(not a string)" : word);
        policy->accepted_statuses |= 1u << flags;
    }
    return true;
}

static bool parse_advisories(const cJSON *tcb, struct attest_policy *policy,
                             struct complaint *complaint)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(tcb, "advisories_denied"), *item;
    if (list == NULL)
        return true;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > TCB_ADVISORIES_MAX)
        return av_policy_complain(complaint,
                                  "advisories_denied must be a list of at most %d advisories",
                                  TCB_ADVISORIES_MAX);
    for (item = list->child; item != NULL; item = item->next) {
        if (!cJSON_IsString(item))
            return av_policy_complain(complaint, "advisories_denied must list strings");
        policy->advisories_denied[policy->advisory_count++] = item->valuestring;
    }
    return true;
}

static bool parse_min_date(const cJSON *tcb, int64_t *out, struct complaint *complaint)
{
    static const char midnight[] = "T00:00:00Z";
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(tcb, "min_tcb_date");
    if (item == NULL)
        return true;
    const char *text = cJSON_GetStringValue(item);
    char whole[sizeof "YYYY-MM-DDT00:00:00Z"];
    if (text != NULL && strlen(text) == strlen("YYYY-MM-DD")) {
        snprintf(whole, sizeof whole, "%.10s%s", text, midnight);
        text = whole;
    }
    return (text != NULL && av_moment_parse(text, out)) ||
           av_policy_complain(complaint, "min_tcb_date must be YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ");
}

static bool parse_limit(const cJSON *tcb, const char *name, uint64_t *out,
                        struct complaint *complaint)
{
    if (cJSON_GetObjectItemCaseSensitive(tcb, name) == NULL)
        return true;
    return av_json_uint(tcb, name, UINT32_MAX, out) ||
           av_policy_complain(complaint, "%s must be a number from 0 to %u", name, UINT32_MAX);
}

/* Intel's exclusions (ra-tls e): a least evaluation number says which documents are recent enough,
 * a grace that old ones are; of the two graces one at most; and the platform's only makes sense
 * where OutOfDate is accepted at all. */
static bool check_graces(const cJSON *tcb, const struct attest_policy *policy,
                         struct complaint *complaint)
{
    enum { OUT_OF_DATE = 1u << TCB_OUT_OF_DATE };
    bool has_platform = cJSON_GetObjectItemCaseSensitive(tcb, "platform_grace_s") != NULL;
    bool has_least = cJSON_GetObjectItemCaseSensitive(tcb, "min_evaluation_number") != NULL;
    if (policy->collateral_grace_s > 0 && has_platform)
        return av_policy_complain(
            complaint, "collateral_grace_s and platform_grace_s exclude each other: leave one out");
    if (has_least && (policy->collateral_grace_s > 0 || has_platform))
        return av_policy_complain(
            complaint, "min_evaluation_number and a grace exclude each other: leave one out");
    return !has_platform ||
           ((policy->accepted_statuses & OUT_OF_DATE) && (policy->accepted_statuses & 1u)) ||
           av_policy_complain(complaint, "platform_grace_s limits how long OutOfDate is accepted: "
                                         "accepted_status must list UpToDate and OutOfDate");
}

static bool parse_tcb(const cJSON *json, struct attest_policy *policy, struct complaint *complaint)
{
    const cJSON *tcb;
    policy->max_collateral_age_s = UINT64_MAX;
    policy->platform_grace_s = UINT64_MAX;
    return av_policy_parse_object(json, "tcb", POLICY_TCB, &tcb, complaint) &&
           parse_statuses(tcb, policy, complaint) && parse_advisories(tcb, policy, complaint) &&
           parse_min_date(tcb, &policy->min_tcb_date, complaint) &&
           parse_limit(tcb, "min_evaluation_number", &policy->min_evaluation, complaint) &&
           parse_limit(tcb, "max_collateral_age_s", &policy->max_collateral_age_s, complaint) &&
           parse_limit(tcb, "collateral_grace_s", &policy->collateral_grace_s, complaint) &&
           parse_limit(tcb, "platform_grace_s", &policy->platform_grace_s, complaint) &&
           check_graces(tcb, policy, complaint);
}

/* `false` asks that the certificate says so; `true` is the default, said aloud. */
static bool parse_denial(const cJSON *platform, const char *name, bool *out,
                         struct complaint *complaint)
{
    bool allowed = true;
    bool there = cJSON_GetObjectItemCaseSensitive(platform, name) != NULL;
    if (there && !av_policy_parse_bool(platform, name, &allowed, complaint))
        return false;
    *out = !allowed;
    return true;
}

static bool parse_sgx_types(const cJSON *platform, unsigned *out, struct complaint *complaint)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(platform, "sgx_type"), *item;
    if (list == NULL)
        return true;
    for (item = cJSON_IsArray(list) ? list->child : NULL; item != NULL; item = item->next) {
        const char *word = cJSON_GetStringValue(item);
        unsigned type = 0;
        while (type < PCK_SGX_TYPES && (word == NULL || strcmp(word, av_pck_sgx_type_word(type))))
            ++type;
        if (type == PCK_SGX_TYPES)
            return av_policy_complain(complaint,
                                      "sgx_type has \"" SHOWN "\"; known are standard, "
                                      "scalable and scalable_with_integrity",
                                      word == NULL ? "(not a string)" : word);
        *out |= 1u << type;
    }
    return *out != 0 ||
           av_policy_complain(complaint, "sgx_type must be a list of at least one type");
}

static bool parse_platform(const cJSON *json, struct attest_policy *policy,
                           struct complaint *complaint)
{
    const struct {
        const char *name;
        size_t len;
        struct value_list *values;
    } lists[] = {{"fmspc", 6, &policy->fmspc},
                 {"ppid_sha256", 32, &policy->ppid_sha256},
                 {"piid", 16, &policy->piid},
                 {"chip_id", 64, &policy->chip_id}};
    const cJSON *platform;
    if (!av_policy_parse_object(json, "platform", POLICY_PLATFORM, &platform, complaint))
        return false;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; ++i) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(platform, lists[i].name);
        if (list != NULL && !av_policy_parse_values(list, lists[i].name, NULL, lists[i].len,
                                                    lists[i].values, complaint))
            return false;
    }
    return parse_denial(platform, "allow_smt", &policy->deny_smt, complaint) &&
           parse_denial(platform, "allow_dynamic_platform", &policy->deny_dynamic_platform,
                        complaint) &&
           parse_denial(platform, "allow_cached_keys", &policy->deny_cached_keys, complaint) &&
           parse_sgx_types(platform, &policy->sgx_types, complaint);
}

static bool parse_debug(const cJSON *json, struct attest_policy *policy,
                        struct complaint *complaint)
{
    bool testing;
    if (!av_policy_parse_bool(json, "allow_debug", &policy->allow_debug, complaint) ||
        !av_policy_parse_bool(json, "insecure_testing", &testing, complaint))
        return false;
    return !policy->allow_debug || testing ||
           av_policy_complain(complaint, "allow_debug needs \"insecure_testing\": true");
}

static bool parse_members(const cJSON *json, struct attest_policy *policy,
                          struct complaint *complaint)
{
    const char *stranger = av_policy_stranger(json, POLICY_POLICY);
    if (stranger != NULL)
        return av_policy_complain(complaint, "unknown member \"" SHOWN "\"", stranger);
    return parse_debug(json, policy, complaint) && parse_entries(json, policy, complaint) &&
           parse_tcb(json, policy, complaint) && parse_platform(json, policy, complaint) &&
           av_policy_parse_snp(json, &policy->snp, complaint);
}

struct attest_policy *attest_policy_parse(struct attest_bytes json, char *error, size_t error_size)
{
    char wrong[96];
    struct complaint complaint = {.text = error, .size = error_size};
    struct attest_policy *policy = calloc(1, sizeof *policy);
    if (policy == NULL) {
        av_policy_complain(&complaint, "out of memory");
        return NULL;
    }
    policy->json = av_json_parse(json, POLICY_BYTES_MAX, wrong, sizeof wrong);
    bool ok = policy->json != NULL ? parse_members(policy->json, policy, &complaint)
                                   : av_policy_complain(&complaint, "%s", wrong);
    if (ok)
        return policy;
    attest_policy_free(policy);
    return NULL;
}

void attest_policy_free(struct attest_policy *policy)
{
    if (policy == NULL)
        return;
    for (size_t i = 0; i < policy->entry_count; ++i)
        for (size_t j = 0; j < policy->entries[i].rule_count; ++j)
            free(policy->entries[i].rules[j].values.bytes);
    free(policy->entries);
    free(policy->fmspc.bytes);
    free(policy->ppid_sha256.bytes);
    free(policy->piid.bytes);
    free(policy->chip_id.bytes);
    cJSON_Delete(policy->json);
    free(policy);
}
