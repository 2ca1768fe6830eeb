#include "policy/policy_entry.h"

#include "bytes/cursor.h"
#include "bytes/hex.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool av_policy_complain(struct complaint *complaint, const char *format, ...)
{
    char sentence[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    snprintf(complaint->text, complaint->size, "policy: %s", sentence);
    return false;
}

bool av_policy_parse_bool(const cJSON *object, const char *name, bool *out,
                          struct complaint *complaint)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (item != NULL && !cJSON_IsBool(item))
        return av_policy_complain(complaint, "%s must be true or false", name);
    *out = cJSON_IsTrue(item);
    return true;
}

/* The largest number of so many bytes; fields that are numbers have two or four. */
static uint32_t number_max(size_t len)
{
    return len < 4 ? UINT16_MAX : UINT32_MAX;
}

static bool parse_value(const cJSON *item, const struct quote_field *field, uint8_t *out,
                        size_t len)
{
    uint64_t number;
    if (field != NULL && field->is_number) {
        if (!av_json_item_uint(item, number_max(len), &number))
            return false;
        for (size_t i = 0; i < len; ++i)
            out[i] = (uint8_t)(number >> 8 * i);
        return true;
    }
    const char *text = cJSON_GetStringValue(item);
    return text != NULL && av_hex_decode(text, strlen(text), out, len);
}

bool av_policy_parse_values(const cJSON *list, const char *name, const struct quote_field *field,
                            size_t len, struct value_list *out, struct complaint *complaint)
{
    const cJSON *item;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > POLICY_VALUES_MAX)
        return av_policy_complain(complaint, "%s must be a list of at most %d values", name,
                                  POLICY_VALUES_MAX);
    out->len = len;
    out->bytes = calloc((size_t)cJSON_GetArraySize(list) + 1, len);
    if (out->bytes == NULL)
        return av_policy_complain(complaint, "out of memory");
    for (item = list->child; item != NULL; item = item->next) {
        if (!parse_value(item, field, out->bytes + out->count * len, len))
            return field != NULL && field->is_number
                       ? av_policy_complain(complaint, "%s must list numbers from 0 to %u", name,
                                            number_max(len))
                       : av_policy_complain(complaint,
                                            "%s must list values of %zu hexadecimal digits", name,
                                            2 * len);
        ++out->count;
    }
    return true;
}

static const struct quote_field *find_field(enum attest_tee tee, const char *name, size_t name_len)
{
    const struct quote_field *field = NULL;
    while ((field = av_quote_field_next(av_policy_bodies(tee), field)) != NULL)
        if (strlen(field->name) == name_len && memcmp(field->name, name, name_len) == 0)
            return field;
    return NULL;
}

const struct policy_rule *av_policy_rule(const struct policy_entry *entry, const char *field)
{
    for (size_t i = 0; i < entry->rule_count; ++i)
        if (!entry->rules[i].is_least && strcmp(entry->rules[i].field->name, field) == 0)
            return &entry->rules[i];
    return NULL;
}

static struct policy_rule *add_rule(const struct quote_field *field, struct policy_entry *entry,
                                    struct complaint *complaint)
{
    if (entry->rule_count == POLICY_RULES_MAX) {
        av_policy_complain(complaint, "an accept entry has too many members");
        return NULL;
    }
    struct policy_rule *rule = &entry->rules[entry->rule_count++];
    rule->field = field;
    memset(rule->mask, 0xff, sizeof rule->mask);
    return rule;
}

static bool parse_rule(const cJSON *member, const struct quote_field *field,
                       struct policy_entry *entry, struct complaint *complaint)
{
    struct policy_rule *rule = add_rule(field, entry, complaint);
    if (rule == NULL || !av_policy_parse_values(member, member->string, field, field->len,
                                                &rule->values, complaint))
        return false;
    /* Without an ID block the digest of its key is zero, whatever runs. */
    if (field->bodies == BODY_SNP && field->measures_code)
        for (size_t i = 0; i < rule->values.count; ++i)
            if (av_bytes_are_zero((struct attest_bytes){.ptr = rule->values.bytes + i * field->len,
                                                        .len = field->len}))
                return av_policy_complain(complaint, "%s lists zeros, which say nothing",
                                          member->string);
    return rule->values.count > 0 ||
           av_policy_complain(complaint,
                              "%s lists nothing and would refuse everybody: leave it out",
                              member->string);
}

/* One value, a number or hexadecimal, each byte of which counts by itself. */
static bool parse_least(const cJSON *member, const struct quote_field *field,
                        struct policy_entry *entry, struct complaint *complaint)
{
    struct policy_rule *rule = add_rule(field, entry, complaint);
    if (rule == NULL)
        return false;
    rule->is_least = true;
    rule->values.len = field->len;
    rule->values.bytes = calloc(1, field->len);
    if (rule->values.bytes == NULL)
        return av_policy_complain(complaint, "out of memory");
    rule->values.count = 1;
    if (parse_value(member, field, rule->values.bytes, field->len))
        return true;
    return field->is_number ? av_policy_complain(complaint, "%s must be a number from 0 to %u",
                                                 member->string, number_max(field->len))
                            : av_policy_complain(complaint, "%s must be %zu hexadecimal digits",
                                                 member->string, (size_t)field->len * 2);
}

/* A rule's mask comes in a member of its own: all rules are parsed before any mask. */
static bool parse_mask(const cJSON *member, const struct quote_field *field,
                       struct policy_entry *entry, struct complaint *complaint)
{
    struct policy_rule *rule = (struct policy_rule *)av_policy_rule(entry, field->name);
    const char *text = cJSON_GetStringValue(member);
    if (rule == NULL)
        return av_policy_complain(complaint, "%s without %s", member->string, field->name);
    if (text == NULL || !av_hex_decode(text, strlen(text), rule->mask, field->len))
        return av_policy_complain(complaint, "%s must be %zu hexadecimal digits", member->string,
                                  (size_t)field->len * 2);
    for (size_t i = 0; i < rule->values.count * field->len; ++i)
        if (rule->values.bytes[i] & ~rule->mask[i % field->len])
            return av_policy_complain(complaint, "%s has bits outside %s", field->name,
                                      member->string);
    return true;
}

/* The field that a member speaks of when its name ends in `suffix`, or NULL. */
static const struct quote_field *suffixed_field(enum attest_tee tee, const char *name,
                                                const char *suffix)
{
    size_t len = strlen(name), suffix_len = strlen(suffix);
    if (len <= suffix_len || strcmp(name + len - suffix_len, suffix) != 0)
        return NULL;
    return find_field(tee, name, len - suffix_len);
}

static const struct quote_field *masked_field(enum attest_tee tee, const char *name)
{
    const struct quote_field *field = suffixed_field(tee, name, "_mask");
    return field != NULL && field->has_mask ? field : NULL;
}

static bool parse_member(const cJSON *member, struct policy_entry *entry,
                         struct complaint *complaint)
{
    const char *name = member->string;
    if (av_policy_knows(POLICY_ENTRY, name) || masked_field(entry->tee, name) != NULL)
        return true;
    const struct quote_field *field = suffixed_field(entry->tee, name, "_min");
    if (field != NULL && field->has_least)
        return parse_least(member, field, entry, complaint);
    field = find_field(entry->tee, name, strlen(name));
    if (field == NULL)
        return av_policy_complain(complaint,
                                  "an accept entry for %s has an unknown member \"" SHOWN "\"",
                                  attest_tee_word(entry->tee), name);
    return parse_rule(member, field, entry, complaint);
}

static bool check_code(const struct policy_entry *entry, struct complaint *complaint)
{
    bool measured = false;
    for (size_t i = 0; i < entry->rule_count; ++i)
        measured |= entry->rules[i].field->measures_code;
    if (measured && entry->any_code)
        return av_policy_complain(complaint,
                                  "an accept entry has any_code and a measurement: it is one or "
                                  "the other");
    return measured || entry->any_code ||
           av_policy_complain(complaint,
                              "an accept entry has no measurement of code: list one, or say "
                              "\"any_code\": true");
}

bool av_policy_parse_entry(const cJSON *item, struct policy_entry *entry,
                           struct complaint *complaint)
{
    const char *tee = av_json_string(item, "tee");
    if (!cJSON_IsObject(item) || tee == NULL)
        return av_policy_complain(complaint, "an accept entry must be an object with \"tee\"");
    for (entry->tee = ATTEST_TEE_SGX; strcmp(tee, attest_tee_word(entry->tee)) != 0; ++entry->tee)
        if (entry->tee == ATTEST_TEE_SNP)
            return av_policy_complain(complaint, "tee is \"" SHOWN "\", not sgx, tdx or snp", tee);
    const cJSON *member;
    for (member = item->child; member != NULL; member = member->next)
        if (!parse_member(member, entry, complaint))
            return false;
    for (member = item->child; member != NULL; member = member->next) {
        const struct quote_field *field = masked_field(entry->tee, member->string);
        if (field != NULL && !parse_mask(member, field, entry, complaint))
            return false;
    }
    return av_policy_parse_bool(item, "any_code", &entry->any_code, complaint) &&
           check_code(entry, complaint);
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
