#include "policy.h"

#include "hex.h"
#include "moment.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a mistake is written, and under which member it was found. */
struct complaint {
    char *text;
    size_t size;
};

static bool complain(struct complaint *complaint, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool complain(struct complaint *complaint, const char *format, ...)
{
    char sentence[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    snprintf(complaint->text, complaint->size, "policy: %s", sentence);
    return false;
}

/* A text from the policy, cut so that a sentence about it stays readable. */
#define SHOWN "%.40s"

static bool parse_bool(const cJSON *object, const char *name, bool *out,
                       struct complaint *complaint)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (item != NULL && !cJSON_IsBool(item))
        return complain(complaint, "%s must be true or false", name);
    *out = cJSON_IsTrue(item);
    return true;
}

/* The member as an object; absent is an empty answer and no mistake. */
static bool parse_object(const cJSON *object, const char *name, const char *const *known,
                         const cJSON **out, struct complaint *complaint)
{
    *out = cJSON_GetObjectItemCaseSensitive(object, name);
    if (*out == NULL)
        return true;
    if (!cJSON_IsObject(*out))
        return complain(complaint, "%s must be an object", name);
    const char *stranger = av_json_stranger(*out, known);
    return stranger == NULL ||
           complain(complaint, "%s has an unknown member \"" SHOWN "\"", name, stranger);
}

static bool parse_value(const cJSON *item, const struct quote_field *field, uint8_t *out,
                        size_t len)
{
    uint64_t number;
    if (field != NULL && field->is_number) {
        if (!av_json_item_uint(item, UINT16_MAX, &number))
            return false;
        out[0] = (uint8_t)number;
        out[1] = (uint8_t)(number >> 8);
        return true;
    }
    const char *text = cJSON_GetStringValue(item);
    return text != NULL && av_hex_decode(text, strlen(text), out, len);
}

/* A list of hex values of `len` bytes each, or of numbers when the field is one. */
static bool parse_values(const cJSON *list, const char *name, const struct quote_field *field,
                         size_t len, struct value_list *out, struct complaint *complaint)
{
    const cJSON *item;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > POLICY_VALUES_MAX)
        return complain(complaint, "%s must be a list of at most %d values", name,
                        POLICY_VALUES_MAX);
    out->len = len;
    out->bytes = calloc((size_t)cJSON_GetArraySize(list) + 1, len);
    if (out->bytes == NULL)
        return complain(complaint, "out of memory");
    cJSON_ArrayForEach(item, list)
    {
        if (!parse_value(item, field, out->bytes + out->count * len, len))
            return field != NULL && field->is_number
                       ? complain(complaint, "%s must list numbers from 0 to 65535", name)
                       : complain(complaint, "%s must list values of %zu hexadecimal digits", name,
                                  2 * len);
        ++out->count;
    }
    return true;
}

static unsigned bodies_of(enum attest_tee tee)
{
    return tee == ATTEST_TEE_SGX ? BODY_SGX : BODY_TD;
}

static const struct quote_field *find_field(enum attest_tee tee, const char *name, size_t name_len)
{
    const struct quote_field *field = NULL;
    while ((field = av_quote_field_next(bodies_of(tee), field)) != NULL)
        if (strlen(field->name) == name_len && memcmp(field->name, name, name_len) == 0)
            return field;
    return NULL;
}

const struct policy_rule *av_policy_rule(const struct policy_entry *entry, const char *field)
{
    for (size_t i = 0; i < entry->rule_count; ++i)
        if (strcmp(entry->rules[i].field->name, field) == 0)
            return &entry->rules[i];
    return NULL;
}

static bool field_has_mask(const struct quote_field *field)
{
    static const char *const names[] = {"attributes", "miscselect", "tdattributes", "xfam"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (strcmp(names[i], field->name) == 0)
            return true;
    return false;
}

static bool parse_rule(const cJSON *member, const struct quote_field *field,
                       struct policy_entry *entry, struct complaint *complaint)
{
    if (entry->rule_count == POLICY_RULES_MAX)
        return complain(complaint, "an accept entry has too many members");
    struct policy_rule *rule = &entry->rules[entry->rule_count++];
    rule->field = field;
    memset(rule->mask, 0xff, sizeof rule->mask);
    if (!parse_values(member, member->string, field, field->len, &rule->values, complaint))
        return false;
    return rule->values.count > 0 ||
           complain(complaint, "%s lists nothing and would refuse everybody: leave it out",
                    member->string);
}

/* A rule's mask comes in a member of its own: all rules are parsed before any mask. */
static bool parse_mask(const cJSON *member, const struct quote_field *field,
                       struct policy_entry *entry, struct complaint *complaint)
{
    struct policy_rule *rule = (struct policy_rule *)av_policy_rule(entry, field->name);
    const char *text = cJSON_GetStringValue(member);
    if (rule == NULL)
        return complain(complaint, "%s without %s", member->string, field->name);
    if (text == NULL || !av_hex_decode(text, strlen(text), rule->mask, field->len))
        return complain(complaint, "%s must be %zu hexadecimal digits", member->string,
                        (size_t)field->len * 2);
    for (size_t i = 0; i < rule->values.count * field->len; ++i)
        if (rule->values.bytes[i] & ~rule->mask[i % field->len])
            return complain(complaint, "%s has bits outside %s", field->name, member->string);
    return true;
}

/* The field whose mask a member is, or NULL. */
static const struct quote_field *masked_field(enum attest_tee tee, const char *name)
{
    size_t len = strlen(name), suffix = strlen("_mask");
    if (len <= suffix || strcmp(name + len - suffix, "_mask") != 0)
        return NULL;
    const struct quote_field *field = find_field(tee, name, len - suffix);
    return field != NULL && field_has_mask(field) ? field : NULL;
}

static bool parse_member(const cJSON *member, struct policy_entry *entry,
                         struct complaint *complaint)
{
    const char *name = member->string;
    if (strcmp(name, "tee") == 0 || strcmp(name, "any_code") == 0 ||
        masked_field(entry->tee, name) != NULL)
        return true;
    if (strcmp(name, "isvsvn_min") == 0 && entry->tee == ATTEST_TEE_SGX)
        return av_json_item_uint(member, UINT16_MAX, &entry->isvsvn_min) ||
               complain(complaint, "isvsvn_min must be a number from 0 to 65535");
    const struct quote_field *field = find_field(entry->tee, name, strlen(name));
    if (field == NULL)
        return complain(complaint, "an accept entry for %s has an unknown member \"" SHOWN "\"",
                        attest_tee_word(entry->tee), name);
    return parse_rule(member, field, entry, complaint);
}

static bool check_code(const struct policy_entry *entry, struct complaint *complaint)
{
    bool measured = false;
    for (size_t i = 0; i < entry->rule_count; ++i)
        measured |= entry->rules[i].field->measures_code;
    if (measured && entry->any_code)
        return complain(complaint, "an accept entry has any_code and a measurement: it is one or "
                                   "the other");
    return measured || entry->any_code ||
           complain(complaint, "an accept entry has no measurement of code: list one, or say "
                               "\"any_code\": true");
}

static bool parse_entry(const cJSON *item, struct policy_entry *entry, struct complaint *complaint)
{
    const char *tee = av_json_string(item, "tee");
    if (!cJSON_IsObject(item) || tee == NULL)
        return complain(complaint, "an accept entry must be an object with \"tee\"");
    if (strcmp(tee, "sgx") != 0 && strcmp(tee, "tdx") != 0)
        return complain(complaint, "tee is \"" SHOWN "\", not sgx or tdx", tee);
    entry->tee = strcmp(tee, "sgx") == 0 ? ATTEST_TEE_SGX : ATTEST_TEE_TDX;
    const cJSON *member;
    cJSON_ArrayForEach(member, item) if (!parse_member(member, entry, complaint)) return false;
    cJSON_ArrayForEach(member, item)
    {
        const struct quote_field *field = masked_field(entry->tee, member->string);
        if (field != NULL && !parse_mask(member, field, entry, complaint))
            return false;
    }
    return parse_bool(item, "any_code", &entry->any_code, complaint) &&
           check_code(entry, complaint);
}

static bool parse_entries(const cJSON *json, struct attest_policy *policy,
                          struct complaint *complaint)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "accept"), *item;
    if (list == NULL)
        return true;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > POLICY_ENTRIES_MAX)
        return complain(complaint, "accept must be a list of at most %d entries",
                        POLICY_ENTRIES_MAX);
    policy->entries = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *policy->entries);
    if (policy->entries == NULL)
        return complain(complaint, "out of memory");
    cJSON_ArrayForEach(item, list) if (!parse_entry(item, &policy->entries[policy->entry_count++],
                                                    complaint)) return false;
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
        return complain(complaint, "accepted_status must be a list of at least one status");
    cJSON_ArrayForEach(item, list)
    {
        unsigned flags;
        const char *word = cJSON_GetStringValue(item);
        if (word == NULL || !av_tcb_status_parse(word, &flags))
            return complain(complaint, "accepted_status has \"" SHOWN "\", which is no TCB status",
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
        return complain(complaint, "advisories_denied must be a list of at most %d advisories",
                        TCB_ADVISORIES_MAX);
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsString(item))
            return complain(complaint, "advisories_denied must list strings");
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
           complain(complaint, "min_tcb_date must be YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ");
}

static bool parse_limit(const cJSON *tcb, const char *name, uint64_t *out,
                        struct complaint *complaint)
{
    if (cJSON_GetObjectItemCaseSensitive(tcb, name) == NULL)
        return true;
    return av_json_uint(tcb, name, UINT32_MAX, out) ||
           complain(complaint, "%s must be a number from 0 to %u", name, UINT32_MAX);
}

static bool parse_tcb(const cJSON *json, struct attest_policy *policy, struct complaint *complaint)
{
    static const char *const known[] = {"accepted_status",      "advisories_denied",
                                        "min_tcb_date",         "min_evaluation_number",
                                        "max_collateral_age_s", NULL};
    const cJSON *tcb;
    policy->max_collateral_age_s = UINT64_MAX;
    return parse_object(json, "tcb", known, &tcb, complaint) &&
           parse_statuses(tcb, policy, complaint) && parse_advisories(tcb, policy, complaint) &&
           parse_min_date(tcb, &policy->min_tcb_date, complaint) &&
           parse_limit(tcb, "min_evaluation_number", &policy->min_evaluation, complaint) &&
           parse_limit(tcb, "max_collateral_age_s", &policy->max_collateral_age_s, complaint);
}

static bool parse_platform(const cJSON *json, struct attest_policy *policy,
                           struct complaint *complaint)
{
    static const char *const known[] = {"fmspc", "ppid_sha256", "piid", "chip_id", NULL};
    struct value_list *const lists[] = {&policy->fmspc, &policy->ppid_sha256, &policy->piid,
                                        &policy->chip_id};
    static const size_t lengths[] = {6, 32, 16, 64};
    const cJSON *platform;
    if (!parse_object(json, "platform", known, &platform, complaint))
        return false;
    for (size_t i = 0; known[i] != NULL; ++i) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(platform, known[i]);
        if (list != NULL && !parse_values(list, known[i], NULL, lengths[i], lists[i], complaint))
            return false;
    }
    return true;
}

static bool parse_debug(const cJSON *json, struct attest_policy *policy,
                        struct complaint *complaint)
{
    bool testing;
    if (!parse_bool(json, "allow_debug", &policy->allow_debug, complaint) ||
        !parse_bool(json, "insecure_testing", &testing, complaint))
        return false;
    return !policy->allow_debug || testing ||
           complain(complaint, "allow_debug needs \"insecure_testing\": true");
}

static bool parse_members(const cJSON *json, struct attest_policy *policy,
                          struct complaint *complaint)
{
    static const char *const known[] = {"accept",           "tcb", "platform", "allow_debug",
                                        "insecure_testing", NULL};
    const char *stranger = av_json_stranger(json, known);
    if (stranger != NULL)
        return complain(complaint, "unknown member \"" SHOWN "\"", stranger);
    return parse_debug(json, policy, complaint) && parse_entries(json, policy, complaint) &&
           parse_tcb(json, policy, complaint) && parse_platform(json, policy, complaint);
}

struct attest_policy *attest_policy_parse(struct attest_bytes json, char *error, size_t error_size)
{
    char wrong[96];
    struct complaint complaint = {.text = error, .size = error_size};
    struct attest_policy *policy = calloc(1, sizeof *policy);
    if (policy == NULL) {
        complain(&complaint, "out of memory");
        return NULL;
    }
    policy->json = av_json_parse(json, POLICY_BYTES_MAX, wrong, sizeof wrong);
    bool ok = policy->json != NULL ? parse_members(policy->json, policy, &complaint)
                                   : complain(&complaint, "%s", wrong);
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

static bool value_fits(const uint8_t *value, const uint8_t *mask, struct attest_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; ++i)
        if ((bytes.ptr[i] & (mask == NULL ? 0xff : mask[i])) != value[i])
            return false;
    return true;
}

bool av_values_have(const struct value_list *values, const uint8_t *mask, struct attest_bytes bytes)
{
    if (bytes.len != values->len)
        return false;
    for (size_t i = 0; i < values->count; ++i)
        if (value_fits(values->bytes + i * values->len, mask, bytes))
            return true;
    return false;
}
