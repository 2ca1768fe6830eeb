/* What an operator may write, and every way to write it wrongly. */
#include "policy/policy.h"

#include "../checks.h"

#include <stdio.h>
#include <string.h>

#define MRTD \
    "aa08aa08aa08aa08aa08aa08aa08aa08aa08aa08aa08aa08aa08aa08aa08aa08aa08aa08aa08aa08aa08aa08aa08aa08"
#define HEX32 "91dd91dd91dd91dd91dd91dd91dd91dd91dd91dd91dd91dd91dd91dd91dd91dd"

static char sentence[256];

static struct attest_policy *parse(const char *text)
{
    struct attest_bytes json = {.ptr = (const uint8_t *)text, .len = strlen(text)};
    sentence[0] = '\0';
    return attest_policy_parse(json, sentence, sizeof sentence);
}

static void accepts(const char *text)
{
    struct attest_policy *policy = parse(text);
    ck_assert_msg(policy != NULL, "%s: %s", text, sentence);
    attest_policy_free(policy);
}

/* Refused, and the sentence names what is wrong. */
static void refuses(const char *text, const char *naming)
{
    struct attest_policy *policy = parse(text);
    ck_assert_msg(policy == NULL, "accepted: %s", text);
    ck_assert_msg(strstr(sentence, naming) != NULL, "%s: %s", text, sentence);
}

static void refuses_entry(const char *entry, const char *naming)
{
    char text[2048];
    snprintf(text, sizeof text, "{\"accept\":[%s]}", entry);
    refuses(text, naming);
}

static void accepts_entry(const char *entry)
{
    char text[2048];
    snprintf(text, sizeof text, "{\"accept\":[%s]}", entry);
    accepts(text);
}

START_TEST(the_policy_of_the_design_is_read)
{
    struct attest_policy *policy = parse(
        "{\"accept\":[{\"tee\":\"tdx\",\"mrtd\":[\"" MRTD "\"],\"rtmr3\":[\"" MRTD "\",\"" MRTD
        "\"]},"
        "{\"tee\":\"sgx\",\"mrsigner\":[\"" HEX32 "\"],\"isvprodid\":[1,2],\"isvsvn_min\":3}],"
        "\"tcb\":{\"accepted_status\":[\"UpToDate\",\"SWHardeningNeeded\"],"
        "\"advisories_denied\":[\"INTEL-SA-00615\"],\"min_tcb_date\":\"2024-03-13\","
        "\"min_evaluation_number\":17,\"max_collateral_age_s\":86400},"
        "\"platform\":{\"fmspc\":[\"00806f050000\"],\"ppid_sha256\":[\"" HEX32 "\"],"
        "\"piid\":[],\"chip_id\":[]},\"allow_debug\":false}");
    ck_assert_msg(policy != NULL, "%s", sentence);
    ck_assert_uint_eq(policy->entry_count, 2);
    ck_assert_uint_eq(av_policy_rule(&policy->entries[0], "rtmr3")->values.count, 2);
    ck_assert_ptr_null(av_policy_rule(&policy->entries[0], "rtmr2"));
    ck_assert_uint_eq(av_policy_rule(&policy->entries[1], "isvprodid")->values.bytes[2], 2);
    const struct policy_rule *least = &policy->entries[1].rules[2];
    ck_assert(least->is_least && strcmp(least->field->name, "isvsvn") == 0);
    ck_assert_uint_eq(least->values.bytes[0], 3);
    ck_assert_uint_eq(policy->accepted_statuses, 1u << 0 | 1u << TCB_SW_HARDENING);
    ck_assert_int_eq(policy->min_tcb_date, 1710288000);
    ck_assert_uint_eq(policy->min_evaluation, 17);
    ck_assert_uint_eq(policy->max_collateral_age_s, 86400);
    ck_assert_uint_eq(policy->fmspc.count, 1);
    ck_assert_uint_eq(policy->piid.count, 0);
    attest_policy_free(policy);
}
END_TEST

START_TEST(an_empty_policy_has_no_entry_and_accepts_up_to_date_alone)
{
    struct attest_policy *policy = parse("{}");
    ck_assert_ptr_nonnull(policy);
    ck_assert_uint_eq(policy->entry_count, 0);
    ck_assert_uint_eq(policy->accepted_statuses, 1);
    ck_assert(!policy->allow_debug);
    attest_policy_free(policy);
    accepts("{\"accept\":[]}");
}
END_TEST

START_TEST(an_unknown_member_is_named_wherever_it_stands)
{
    refuses("{\"accepts\":[]}", "accepts");
    refuses("{\"tcb\":{\"accepted_statuses\":[]}}", "accepted_statuses");
    refuses("{\"platform\":{\"allow_dynamic_plaform\":true}}", "allow_dynamic_plaform");
    refuses_entry("{\"tee\":\"tdx\",\"any_code\":true,\"mrtdd\":[]}", "mrtdd");
    refuses_entry("{\"tee\":\"tdx\",\"mrtd\":[\"" MRTD "\"],\"MRTD\":[\"" MRTD "\"]}", "MRTD");
    refuses_entry("{\"tee\":\"tdx\",\"mrtd\":[\"" MRTD "\"],\"mrtd_mask\":\"" MRTD "\"}",
                  "mrtd_mask");
}
END_TEST

START_TEST(an_entry_lists_fields_of_its_own_tee_only)
{
    refuses_entry("{\"tee\":\"tdx\",\"mrenclave\":[\"" HEX32 "\"]}", "mrenclave");
    refuses_entry("{\"tee\":\"sgx\",\"mrtd\":[\"" MRTD "\"]}", "mrtd");
    refuses_entry("{\"tee\":\"tdx\",\"mrtd\":[\"" MRTD "\"],\"isvsvn_min\":1}", "isvsvn_min");
    refuses_entry("{\"tee\":\"any\",\"any_code\":true}", "any");
    refuses_entry("{\"tee\":1,\"any_code\":true}", "tee");
    refuses_entry("{\"any_code\":true}", "tee");
    refuses_entry("\"tdx\"", "tee");
}
END_TEST

START_TEST(an_entry_without_code_must_say_so)
{
    refuses_entry("{\"tee\":\"tdx\"}", "any_code");
    refuses_entry("{\"tee\":\"tdx\",\"any_code\":false}", "any_code");
    refuses_entry("{\"tee\":\"tdx\",\"mrowner\":[\"" MRTD "\"]}", "any_code");
    refuses_entry("{\"tee\":\"sgx\",\"isvprodid\":[1],\"isvsvn_min\":1}", "any_code");
    refuses_entry("{\"tee\":\"tdx\",\"any_code\":true,\"mrtd\":[\"" MRTD "\"]}", "any_code");
    refuses_entry("{\"tee\":\"tdx\",\"any_code\":1}", "any_code");
    accepts_entry("{\"tee\":\"tdx\",\"any_code\":true}");
    accepts_entry("{\"tee\":\"sgx\",\"any_code\":true,\"isvprodid\":[1]}");
}
END_TEST

START_TEST(values_are_lists_of_the_right_length)
{
    refuses_entry("{\"tee\":\"tdx\",\"mrtd\":\"" MRTD "\"}", "mrtd");
    refuses_entry("{\"tee\":\"tdx\",\"mrtd\":[]}", "mrtd");
    refuses_entry("{\"tee\":\"tdx\",\"mrtd\":[1]}", "mrtd");
    refuses_entry("{\"tee\":\"tdx\",\"mrtd\":[\"any\"]}", "mrtd");
    refuses_entry("{\"tee\":\"tdx\",\"mrtd\":[\"*\"]}", "mrtd");
    refuses_entry("{\"tee\":\"tdx\",\"mrtd\":[\"" MRTD "00\"]}", "96");
    refuses_entry("{\"tee\":\"tdx\",\"mrtd\":[\"" MRTD "\",\"" HEX32 "\"]}", "96");
    refuses_entry("{\"tee\":\"sgx\",\"mrenclave\":[\"" HEX32 "\"],\"isvprodid\":[65536]}",
                  "isvprodid");
    refuses_entry("{\"tee\":\"sgx\",\"mrenclave\":[\"" HEX32 "\"],\"isvprodid\":[\"0100\"]}",
                  "isvprodid");
    refuses_entry("{\"tee\":\"sgx\",\"mrenclave\":[\"" HEX32 "\"],\"isvsvn_min\":65536}",
                  "isvsvn_min");
    refuses_entry("{\"tee\":\"sgx\",\"mrenclave\":[\"" HEX32 "\"],\"isvsvn_min\":\"1\"}",
                  "isvsvn_min");
    accepts_entry("{\"tee\":\"sgx\",\"mrenclave\":[\"" HEX32 "\"],\"isvsvn_min\":65535}");
}
END_TEST

START_TEST(a_mask_belongs_to_a_list_within_it)
{
    static const char list[] =
        "{\"tee\":\"tdx\",\"any_code\":true,\"tdattributes\":[\"0000001000000000\"]";
    char text[512];
    refuses_entry("{\"tee\":\"tdx\",\"any_code\":true,\"tdattributes_mask\":\"00000000ffffffff\"}",
                  "tdattributes_mask");
    snprintf(text, sizeof text, "%s,\"tdattributes_mask\":\"ffffffff00000000\"}", list);
    accepts_entry(text);
    snprintf(text, sizeof text, "%s,\"tdattributes_mask\":\"ffffff0000000000\"}", list);
    refuses_entry(text, "tdattributes");
    snprintf(text, sizeof text, "%s,\"tdattributes_mask\":\"ffffffff\"}", list);
    refuses_entry(text, "tdattributes_mask");
    snprintf(text, sizeof text, "%s,\"tdattributes_mask\":[\"ffffffff00000000\"]}", list);
    refuses_entry(text, "tdattributes_mask");
    accepts_entry("{\"tdattributes_mask\":\"ffffffff00000000\",\"any_code\":true,"
                  "\"tdattributes\":[\"0000001000000000\"],\"tee\":\"tdx\"}");
}
END_TEST

START_TEST(debug_needs_its_second_word)
{
    refuses("{\"allow_debug\":true}", "insecure_testing");
    refuses("{\"allow_debug\":true,\"insecure_testing\":false}", "insecure_testing");
    refuses("{\"allow_debug\":\"yes\"}", "allow_debug");
    refuses("{\"allow_debug\":1,\"insecure_testing\":true}", "allow_debug");
    refuses("{\"insecure_testing\":null}", "insecure_testing");
    accepts("{\"allow_debug\":true,\"insecure_testing\":true}");
    struct attest_policy *policy = parse("{\"insecure_testing\":true}");
    ck_assert(!policy->allow_debug);
    attest_policy_free(policy);
}
END_TEST

START_TEST(the_tcb_part_is_checked)
{
    refuses("{\"tcb\":[]}", "tcb");
    refuses("{\"tcb\":{\"accepted_status\":[]}}", "accepted_status");
    refuses("{\"tcb\":{\"accepted_status\":[\"uptodate\"]}}", "uptodate");
    refuses("{\"tcb\":{\"accepted_status\":[1]}}", "accepted_status");
    refuses("{\"tcb\":{\"accepted_status\":\"UpToDate\"}}", "accepted_status");
    refuses("{\"tcb\":{\"advisories_denied\":[1]}}", "advisories_denied");
    refuses("{\"tcb\":{\"min_tcb_date\":1710288000}}", "min_tcb_date");
    refuses("{\"tcb\":{\"min_tcb_date\":\"2024-02-30\"}}", "min_tcb_date");
    refuses("{\"tcb\":{\"min_evaluation_number\":-1}}", "min_evaluation_number");
    refuses("{\"tcb\":{\"max_collateral_age_s\":\"1d\"}}", "max_collateral_age_s");
    accepts("{\"tcb\":{\"min_tcb_date\":\"2024-03-13T00:00:00Z\"}}");
    accepts("{\"tcb\":{\"max_collateral_age_s\":4294967295}}");
    refuses("{\"tcb\":{\"max_collateral_age_s\":4294967296}}", "max_collateral_age_s");
}
END_TEST

START_TEST(the_platform_part_is_checked)
{
    refuses("{\"platform\":[]}", "platform");
    refuses("{\"platform\":{\"fmspc\":\"00806f050000\"}}", "fmspc");
    refuses("{\"platform\":{\"fmspc\":[\"00806f05\"]}}", "12");
    refuses("{\"platform\":{\"piid\":[null]}}", "piid");
    accepts("{\"platform\":{\"fmspc\":[],\"ppid_sha256\":[],\"piid\":[],\"chip_id\":[]}}");
}
END_TEST

START_TEST(duplicates_and_broken_json_are_refused)
{
    refuses("{\"accept\":[],\"accept\":[]}", "twice");
    refuses_entry("{\"tee\":\"tdx\",\"any_code\":true,\"any_code\":true}", "twice");
    refuses("[]", "object");
    refuses("", "empty");
    refuses("{\"accept\":{}}", "accept");
}
END_TEST

START_TEST(as_many_entries_as_the_limit_and_no_more)
{
    static char text[64 * 1024];
    for (int count = POLICY_ENTRIES_MAX; count <= POLICY_ENTRIES_MAX + 1; ++count) {
        size_t len = (size_t)snprintf(text, sizeof text, "{\"accept\":[");
        for (int i = 0; i < count; ++i)
            len += (size_t)snprintf(text + len, sizeof text - len,
                                    "%s{\"tee\":\"tdx\",\"any_code\":true}", i > 0 ? "," : "");
        snprintf(text + len, sizeof text - len, "]}");
        if (count <= POLICY_ENTRIES_MAX)
            accepts(text);
        else
            refuses(text, "accept");
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_policy_of_the_design_is_read,
                                  an_empty_policy_has_no_entry_and_accepts_up_to_date_alone,
                                  an_unknown_member_is_named_wherever_it_stands,
                                  an_entry_lists_fields_of_its_own_tee_only,
                                  an_entry_without_code_must_say_so,
                                  values_are_lists_of_the_right_length,
                                  a_mask_belongs_to_a_list_within_it,
                                  debug_needs_its_second_word,
                                  the_tcb_part_is_checked,
                                  the_platform_part_is_checked,
                                  duplicates_and_broken_json_are_refused,
                                  as_many_entries_as_the_limit_and_no_more,
                                  NULL};
    return checks_run("policy", tests);
}
