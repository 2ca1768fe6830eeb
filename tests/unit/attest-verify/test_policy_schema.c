/* The schema that is handed out against the parser: every member of the one is known to the other.
 */
#include "policy/policy.h"
#include "policy/policy_members.h"

#include "../checks.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA_BYTES_MAX = 256 * 1024 };

static cJSON *read_schema(void)
{
    char path[1024];
    static char text[SCHEMA_BYTES_MAX];
    const char *top = getenv("top_srcdir");
    snprintf(path, sizeof path, "%s/docs/policy.schema.json", top != NULL ? top : ".");
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    cJSON *schema = cJSON_Parse(text);
    ck_assert_ptr_nonnull(schema);
    return schema;
}

/* Whether the parser knows a member: its complaint about a bad value is not that. */
static bool is_known(const char *before, const char *name, const char *after)
{
    char text[512], error[256] = "";
    snprintf(text, sizeof text, "%s\"%s\":null%s", before, name, after);
    struct attest_bytes json = {.ptr = (const uint8_t *)text, .len = strlen(text)};
    struct attest_policy *policy = attest_policy_parse(json, error, sizeof error);
    ck_assert_msg(policy == NULL, "accepted: %s", text);
    return strstr(error, "unknown member") == NULL;
}

static const struct {
    const char *definition; /* NULL: the schema itself */
    const char *before, *after;
} objects[] = {
    {NULL, "{", "}"},
    {"sgx", NULL, NULL}, /* the entries: below */
    {"tdx", NULL, NULL},
    {"snp", NULL, NULL},
    {"tcb", "{\"tcb\":{", "}}"},
    {"platform", "{\"platform\":{", "}}"},
    {"snp_demands", "{\"snp\":{", "}}"},
    {"min_tcb", "{\"snp\":{\"min_tcb\":{", "}}}"},
    {"svns", "{\"snp\":{\"min_tcb\":{\"milan\":{", "}}}}"},
    {"svns_fmc", "{\"snp\":{\"min_tcb\":{\"turin\":{", "}}}}"},
};

static const cJSON *properties_of(const cJSON *schema, const char *definition)
{
    const cJSON *at = schema;
    if (definition != NULL)
        at = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(schema, "$defs"),
                                              definition);
    ck_assert_msg(cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(at, "additionalProperties")),
                  "%s may have any member", definition != NULL ? definition : "the policy");
    return cJSON_GetObjectItemCaseSensitive(at, "properties");
}

START_TEST(every_member_of_the_schema_has_its_words_and_is_known_to_the_parser)
{
    cJSON *schema = read_schema();
    for (size_t i = 0; i < sizeof objects / sizeof *objects; ++i) {
        const cJSON *properties = properties_of(schema, objects[i].definition), *one;
        size_t count = 0;
        for (one = properties->child; one != NULL; one = one->next, ++count) {
            const char *words =
                cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(one, "description"));
            ck_assert_msg(words != NULL && strlen(words) > 10, "%s", one->string);
            if (objects[i].before != NULL)
                ck_assert_msg(is_known(objects[i].before, one->string, objects[i].after), "%s",
                              one->string);
        }
        ck_assert_uint_gt(count, 2);
    }
    cJSON_Delete(schema);
}
END_TEST

static bool entry_knows(const char *tee, const char *name)
{
    char before[64];
    snprintf(before, sizeof before, "{\"accept\":[{\"tee\":\"%s\",", tee);
    return is_known(before, name, "}]}");
}

/* All names that any field gives, with all endings, of which each TEE knows its own. */
START_TEST(the_entries_of_schema_and_parser_have_the_same_members)
{
    static const char *const tees[] = {"sgx", "tdx", "snp"};
    static const char *const endings[] = {"", "_mask", "_min", "_max"};
    cJSON *schema = read_schema();
    for (size_t t = 0; t < 3; ++t) {
        const struct quote_field *field = NULL;
        const cJSON *properties = properties_of(schema, tees[t]);
        size_t shared = 0;
        while ((field = av_quote_field_next(BODY_ANY | BODY_LOG, field)) != NULL)
            for (size_t e = 0; e < sizeof endings / sizeof *endings; ++e) {
                char name[64];
                snprintf(name, sizeof name, "%s%s", field->name, endings[e]);
                bool in_schema = cJSON_HasObjectItem(properties, name);
                ck_assert_msg(entry_knows(tees[t], name) == in_schema, "%s: %s %s the schema",
                              tees[t], name, in_schema ? "is only in" : "is not in");
                shared += in_schema;
            }
        ck_assert_int_eq((int)shared + 2, cJSON_GetArraySize(properties)); /* tee, any_code */
    }
    cJSON_Delete(schema);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_member_of_the_schema_has_its_words_and_is_known_to_the_parser,
        the_entries_of_schema_and_parser_have_the_same_members, NULL};
    return checks_run("policy_schema", tests);
}
