/* Every member that a policy can have, made from the tables of members and fields: each refuses and
 * each accepts, and none but these is known. */
#include "bytes/hex.h"
#include "formats/event_log.h"
#include "policy/appraise.h"
#include "policy/policy_members.h"

#include "../checks.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

enum { BODY_ROOM = SNP_REPORT_BYTES };

/* A report of one kind, whose bytes are all different from their neighbours'. */
struct sample {
    enum attest_tee tee;
    enum quote_body kind;
    uint8_t body[BODY_ROOM];
    struct event_log log;
    struct quote quote;
};

static void set_sample(struct sample *sample, enum attest_tee tee)
{
    memset(sample, 0, sizeof *sample);
    sample->tee = tee;
    sample->kind = tee == ATTEST_TEE_SGX ? BODY_SGX : tee == ATTEST_TEE_TDX ? BODY_TD15 : BODY_SNP;
    for (size_t i = 0; i < sizeof sample->body; ++i)
        sample->body[i] = (uint8_t)(i * 7 + 1);
    if (tee == ATTEST_TEE_TDX) { /* what is asked of a TD and a guest unless an entry lists it */
        memcpy(sample->body + 120, "\0\0\0\x10\0\0\0\0\x03\0\0\0\0\0\0", 16);
        memset(sample->body + 600, 0, 48);
    } else if (tee == ATTEST_TEE_SNP) {
        memset(sample->body + 0x30, 0, 4);
    }
    for (size_t i = 0; i < sizeof sample->log.ids; ++i)
        sample->log.ids[i] = (uint8_t)(i + 1);
    memset(sample->log.has_id, 1, sizeof sample->log.has_id);
    sample->quote = (struct quote){.kind = sample->kind,
                                   .version = 5,
                                   .body = {.ptr = sample->body, .len = sizeof sample->body},
                                   .log = tee != ATTEST_TEE_SGX ? &sample->log : NULL};
}

/* Where the field's bytes are; they may be spoilt. */
static uint8_t *bytes_of(struct sample *sample, const struct quote_field *field)
{
    return (uint8_t *)av_quote_part(&sample->quote, field->name).ptr;
}

/* Adds the field's value as a policy writes it, `more` added to its last byte of number or hex. */
static cJSON *value_json(const struct quote_field *field, const uint8_t *bytes)
{
    char hex[129];
    struct attest_bytes part = {.ptr = bytes, .len = field->len};
    av_hex_encode(bytes, field->len, hex);
    return field->is_number ? cJSON_CreateNumber((double)av_number_le(part))
                            : cJSON_CreateString(hex);
}

static cJSON *new_entry(enum attest_tee tee, bool any_code)
{
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "tee", attest_tee_word(tee));
    if (any_code)
        cJSON_AddTrueToObject(entry, "any_code");
    return entry;
}

/* The reason an entry gives; it is freed. */
static enum attest_reason judge_entry(struct sample *sample, cJSON *entry)
{
    char error[256];
    struct attest_verdict verdict = {.tee = sample->tee};
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "accept"), entry);
    char *text = cJSON_PrintUnformatted(json);
    struct attest_bytes bytes = {.ptr = (const uint8_t *)text, .len = strlen(text)};
    struct attest_policy *policy = attest_policy_parse(bytes, error, sizeof error);
    ck_assert_msg(policy != NULL, "%s: %s", text, error);
    bool fits = av_appraise_entries(&sample->quote, policy, &verdict);
    attest_policy_free(policy);
    cJSON_free(text);
    cJSON_Delete(json);
    return fits ? ATTEST_TRUSTED : verdict.reason;
}

static cJSON *listing_entry(const struct sample *sample, const struct quote_field *field,
                            const uint8_t *bytes)
{
    cJSON *entry = new_entry(sample->tee, !field->measures_code);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(entry, field->name), value_json(field, bytes));
    return entry;
}

static enum attest_reason expected_reason(const struct quote_field *field)
{
    return field->is_attribute ? ATTEST_ATTRIBUTES : ATTEST_MEASUREMENT_NOT_LISTED;
}

typedef void each_fn(struct sample *sample, const struct quote_field *field);

static void for_each_field(each_fn *each)
{
    static const enum attest_tee tees[] = {ATTEST_TEE_SGX, ATTEST_TEE_TDX, ATTEST_TEE_SNP};
    for (size_t i = 0; i < sizeof tees / sizeof *tees; ++i) {
        const struct quote_field *field = NULL;
        while ((field = av_quote_field_next(av_policy_bodies(tees[i]), field)) != NULL) {
            struct sample sample;
            set_sample(&sample, tees[i]);
            each(&sample, field);
        }
    }
}

static void list_it(struct sample *sample, const struct quote_field *field)
{
    uint8_t listed[64];
    memcpy(listed, bytes_of(sample, field), field->len);
    ck_assert_msg(judge_entry(sample, listing_entry(sample, field, listed)) == ATTEST_TRUSTED, "%s",
                  field->name);
    for (size_t i = 0; i < field->len; ++i) {
        bytes_of(sample, field)[i] ^= 0x40;
        ck_assert_msg(judge_entry(sample, listing_entry(sample, field, listed)) ==
                          expected_reason(field),
                      "%s byte %zu", field->name, i);
        bytes_of(sample, field)[i] ^= 0x40;
    }
}

START_TEST(each_field_accepts_what_is_listed_and_refuses_a_change_of_any_byte)
{
    for_each_field(list_it);
}
END_TEST

static cJSON *masked_entry(const struct sample *sample, const struct quote_field *field,
                           const uint8_t *value, const uint8_t *mask)
{
    char name[64], hex[129];
    uint8_t masked[64];
    for (size_t i = 0; i < field->len; ++i)
        masked[i] = value[i] & mask[i];
    cJSON *entry = listing_entry(sample, field, masked);
    snprintf(name, sizeof name, "%s_mask", field->name);
    av_hex_encode(mask, field->len, hex);
    cJSON_AddStringToObject(entry, name, hex);
    return entry;
}

static void mask_it(struct sample *sample, const struct quote_field *field)
{
    if (!field->has_mask)
        return;
    uint8_t value[64], mask[64] = {0};
    memcpy(value, bytes_of(sample, field), field->len);
    for (size_t bit = 0; bit < (size_t)field->len * 8; ++bit) {
        uint8_t *byte = bytes_of(sample, field) + bit / 8, one = (uint8_t)(1u << bit % 8);
        mask[bit / 8] = one;
        *byte = (uint8_t)(value[bit / 8] ^ 0xff ^ one); /* every bit but this one differs */
        ck_assert_int_eq(judge_entry(sample, masked_entry(sample, field, value, mask)),
                         ATTEST_TRUSTED);
        *byte = value[bit / 8] ^ one;
        ck_assert_int_eq(judge_entry(sample, masked_entry(sample, field, value, mask)),
                         ATTEST_ATTRIBUTES);
        *byte = value[bit / 8];
        mask[bit / 8] = 0;
    }
}

START_TEST(under_a_mask_its_bits_count_and_no_others)
{
    for_each_field(mask_it);
}
END_TEST

static cJSON *least_entry(const struct sample *sample, const struct quote_field *field,
                          const uint8_t *bytes)
{
    char name[64];
    cJSON *entry = new_entry(sample->tee, true);
    snprintf(name, sizeof name, "%s_min", field->name);
    cJSON_AddItemToObject(entry, name, value_json(field, bytes));
    return entry;
}

static void hold_to_least(struct sample *sample, const struct quote_field *field)
{
    if (!field->has_least)
        return;
    uint8_t least[64];
    uint8_t *have = bytes_of(sample, field);
    memset(have, 0x50, field->len);
    memcpy(least, have, field->len);
    ck_assert_int_eq(judge_entry(sample, least_entry(sample, field, least)), ATTEST_TRUSTED);
    for (size_t i = 0; i < field->len; ++i) {
        have[i] = 0x51;
        ck_assert_int_eq(judge_entry(sample, least_entry(sample, field, least)), ATTEST_TRUSTED);
        have[i] = 0x4f;
        ck_assert_int_eq(judge_entry(sample, least_entry(sample, field, least)),
                         expected_reason(field));
        have[field->len - 1 - i] = i == field->len - 1 - i ? 0x4f : 0x51;
        /* A number is one value, high bytes first; components do not make up for each other. */
        bool high_wins = field->is_number && i < field->len - 1 - i;
        ck_assert_int_eq(judge_entry(sample, least_entry(sample, field, least)),
                         high_wins ? ATTEST_TRUSTED : expected_reason(field));
        memset(have, 0x50, field->len);
    }
}

START_TEST(a_least_value_is_held_below_at_and_above)
{
    for_each_field(hold_to_least);
}
END_TEST

static void refuse_shapes(struct sample *sample, const struct quote_field *field)
{
    static const char *const values[] = {"\"any\"",      "\"*\"",  "[]",   "[\"any\"]",
                                         "[\"*\"]",      "[\"\"]", "[-1]", "[null]",
                                         "[4294967296]", "true",   "{}",   "null"};
    static const char *const suffixes[] = {"", "_mask", "_min", "_max"};
    char text[512], error[256];
    for (size_t i = 0; i < sizeof values / sizeof *values; ++i)
        for (size_t j = 0; j < sizeof suffixes / sizeof *suffixes; ++j) {
            snprintf(text, sizeof text,
                     "{\"accept\":[{\"tee\":\"%s\",\"any_code\":true,\"%s%s\":%s}]}",
                     attest_tee_word(sample->tee), field->name, suffixes[j], values[i]);
            struct attest_bytes bytes = {.ptr = (const uint8_t *)text, .len = strlen(text)};
            struct attest_policy *policy = attest_policy_parse(bytes, error, sizeof error);
            ck_assert_msg(policy == NULL, "%s", text);
            ck_assert_msg(strstr(error, field->name) != NULL, "%s: %s", text, error);
        }
}

START_TEST(wildcards_and_other_shapes_are_refused_in_every_field)
{
    for_each_field(refuse_shapes);
}
END_TEST

static void describe_field(struct sample *sample, const struct quote_field *field)
{
    ck_assert_msg(av_policy_field_words(field->name) != NULL, "%s has no words", field->name);
}

START_TEST(every_field_has_its_words)
{
    for_each_field(describe_field);
    ck_assert_ptr_null(av_policy_field_words("report_data"));
}
END_TEST

/* The text of a policy with one member at its place, and whether the place is below others. */
static void place_member(const struct policy_member *member, const char *name, const char *value,
                         char *text, size_t size)
{
    static const char *const frames[] = {
        [POLICY_POLICY] = "{\"%s\":%s}",
        [POLICY_ENTRY] = "{\"accept\":[{\"%s\":%s,\"tee\":\"sgx\"}]}",
        [POLICY_TCB] = "{\"tcb\":{\"%s\":%s}}",
        [POLICY_PLATFORM] = "{\"platform\":{\"%s\":%s}}",
        [POLICY_SNP] = "{\"snp\":{\"%s\":%s}}",
        [POLICY_MIN_TCB] = "{\"snp\":{\"min_tcb\":{\"%s\":%s}}}",
        [POLICY_SVNS] = "{\"snp\":{\"min_tcb\":{\"genoa\":{\"%s\":%s}}}}",
        [POLICY_SVNS_FMC] = "{\"snp\":{\"min_tcb\":{\"turin\":{\"%s\":%s}}}}",
    };
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, size, frames[member->object], name, value);
#pragma GCC diagnostic pop
}

static bool parses(const char *text, char *error, size_t size)
{
    struct attest_bytes bytes = {.ptr = (const uint8_t *)text, .len = strlen(text)};
    struct attest_policy *policy = attest_policy_parse(bytes, error, size);
    attest_policy_free(policy);
    return policy != NULL;
}

START_TEST(every_member_is_known_to_the_parser_and_its_type_is_checked)
{
    char text[256], error[256], other[64];
    for (int object = POLICY_POLICY; object <= POLICY_SVNS_FMC; ++object) {
        const struct policy_member *member = NULL;
        size_t count = 0;
        while ((member = av_policy_member_next((enum policy_object)object, member)) != NULL) {
            ++count;
            if (strcmp(member->name, "tee") == 0)
                continue; /* test_policy.c */
            place_member(member, member->name, "null", text, sizeof text);
            ck_assert_msg(!parses(text, error, sizeof error), "%s", text);
            ck_assert_msg(strstr(error, "unknown") == NULL, "%s: %s", text, error);
            ck_assert_msg(strstr(error, member->name) != NULL, "%s: %s", text, error);
            snprintf(other, sizeof other, "%s_", member->name);
            if (object == POLICY_ENTRY)
                continue; /* unknown members of entries: test_policy.c */
            place_member(member, other, "null", text, sizeof text);
            ck_assert_msg(!parses(text, error, sizeof error), "%s", text);
            ck_assert_msg(strstr(error, "unknown member") != NULL, "%s: %s", text, error);
        }
        ck_assert_uint_gt(count, 0);
    }
}
END_TEST

START_TEST(graces_exclude_what_intel_says_they_exclude)
{
    static const struct {
        const char *tcb, *naming; /* NULL: accepted */
    } rows[] = {
        {"\"collateral_grace_s\":60", NULL},
        {"\"collateral_grace_s\":0,\"min_evaluation_number\":17", NULL},
        {"\"collateral_grace_s\":60,\"min_evaluation_number\":17", "min_evaluation_number"},
        {"\"platform_grace_s\":60", "accepted_status"},
        {"\"platform_grace_s\":60,\"accepted_status\":[\"OutOfDate\"]", "accepted_status"},
        {"\"platform_grace_s\":60,\"accepted_status\":[\"UpToDate\",\"OutOfDate\"]", NULL},
        {"\"platform_grace_s\":0,\"accepted_status\":[\"UpToDate\",\"OutOfDate\"]", NULL},
        {"\"platform_grace_s\":60,\"collateral_grace_s\":60,"
         "\"accepted_status\":[\"UpToDate\",\"OutOfDate\"]",
         "exclude"},
        {"\"platform_grace_s\":60,\"collateral_grace_s\":0,"
         "\"accepted_status\":[\"UpToDate\",\"OutOfDate\"]",
         NULL},
        {"\"platform_grace_s\":60,\"min_evaluation_number\":1,"
         "\"accepted_status\":[\"UpToDate\",\"OutOfDate\"]",
         "min_evaluation_number"},
        {"\"platform_grace_s\":-1", "platform_grace_s"},
        {"\"collateral_grace_s\":4294967296", "collateral_grace_s"},
    };
    char text[256], error[256];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        snprintf(text, sizeof text, "{\"tcb\":{%s}}", rows[i].tcb);
        bool ok = parses(text, error, sizeof error);
        ck_assert_msg(ok == (rows[i].naming == NULL), "%s: %s", text, ok ? "accepted" : error);
        ck_assert_msg(ok || strstr(error, rows[i].naming) != NULL, "%s: %s", text, error);
    }
}
END_TEST

START_TEST(a_firmware_version_has_two_or_three_parts)
{
    static const char *const good[] = {"0.0", "1.55", "1.55.21", "255.255.255"};
    static const char *const bad[] = {"",         "1",     "1.",       "1.55.",  ".55",
                                      "1.55.21.", "1.256", "1.55.2.1", "1.0055", "1,55",
                                      "v1.55",    " 1.55", "1.-1"};
    char text[128], error[256];
    for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
        snprintf(text, sizeof text, "{\"snp\":{\"min_firmware\":\"%s\"}}", good[i]);
        ck_assert_msg(parses(text, error, sizeof error), "%s: %s", text, error);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        snprintf(text, sizeof text, "{\"snp\":{\"min_firmware\":\"%s\"}}", bad[i]);
        ck_assert_msg(!parses(text, error, sizeof error), "%s", text);
        ck_assert_ptr_nonnull(strstr(error, "min_firmware"));
    }
}
END_TEST

START_TEST(sgx_types_are_three_words)
{
    static const char *const bad[] = {"[]", "[\"any\"]", "\"standard\"", "[1]", "[\"Standard\"]"};
    char text[128], error[256];
    ck_assert(parses("{\"platform\":{\"sgx_type\":[\"standard\",\"scalable\","
                     "\"scalable_with_integrity\"]}}",
                     error, sizeof error));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        snprintf(text, sizeof text, "{\"platform\":{\"sgx_type\":%s}}", bad[i]);
        ck_assert_msg(!parses(text, error, sizeof error), "%s", text);
        ck_assert_ptr_nonnull(strstr(error, "sgx_type"));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_field_accepts_what_is_listed_and_refuses_a_change_of_any_byte,
        under_a_mask_its_bits_count_and_no_others,
        a_least_value_is_held_below_at_and_above,
        wildcards_and_other_shapes_are_refused_in_every_field,
        every_field_has_its_words,
        every_member_is_known_to_the_parser_and_its_type_is_checked,
        graces_exclude_what_intel_says_they_exclude,
        a_firmware_version_has_two_or_three_parts,
        sgx_types_are_three_words,
        NULL};
    return checks_run("policy_members", tests);
}
