/* Prints the JSON schema of a policy, made from the tables that its parser reads by.
 * Owns nothing.
 * Never knows a member by itself. */
#include "policy/policy.h"
#include "policy/policy_members.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA_TEXT_MAX = 1024 };

/* `format` and a number as a text. */
static cJSON *text_of(const char *before, size_t number, const char *after)
{
    char text[64];
    snprintf(text, sizeof text, "%s%zu%s", before, number, after);
    return cJSON_CreateString(text);
}

static cJSON *member_schema(const struct policy_member *member)
{
    char text[SCHEMA_TEXT_MAX];
    snprintf(text, sizeof text, "{%s}", member->schema);
    for (char *at = text; *at != '\0'; ++at)
        if (*at == '\'')
            *at = '"';
    cJSON *schema = cJSON_Parse(text);
    if (schema == NULL) {
        fprintf(stderr, "the schema of %s is no JSON: %s\n", member->name, text);
        exit(EXIT_FAILURE);
    }
    cJSON_AddStringToObject(schema, "description", member->words);
    return schema;
}

static cJSON *add_object(cJSON *parent, const char *name, const char *words)
{
    cJSON *object = cJSON_AddObjectToObject(parent, name);
    cJSON_AddStringToObject(object, "type", "object");
    cJSON_AddStringToObject(object, "description", words);
    cJSON_AddFalseToObject(object, "additionalProperties");
    return object;
}

static cJSON *add_members(cJSON *object, enum policy_object kind)
{
    cJSON *properties = cJSON_AddObjectToObject(object, "properties");
    const struct policy_member *member = NULL;
    while ((member = av_policy_member_next(kind, member)) != NULL)
        cJSON_AddItemToObject(properties, member->name, member_schema(member));
    return properties;
}

/* One value of a field, a number or hexadecimal. */
static cJSON *value_schema(const struct quote_field *field, size_t len)
{
    cJSON *value = cJSON_CreateObject();
    bool is_number = field != NULL && field->is_number;
    cJSON_AddStringToObject(value, "type", is_number ? "integer" : "string");
    if (is_number) {
        cJSON_AddNumberToObject(value, "minimum", 0);
        cJSON_AddNumberToObject(value, "maximum", len < 4 ? UINT16_MAX : UINT32_MAX);
    } else {
        cJSON_AddItemToObject(value, "pattern", text_of("^[0-9a-fA-F]{", 2 * len, "}$"));
    }
    return value;
}

static cJSON *list_schema(const struct quote_field *field, size_t len)
{
    cJSON *list = cJSON_CreateObject();
    cJSON_AddStringToObject(list, "type", "array");
    if (field != NULL)
        cJSON_AddNumberToObject(list, "minItems", 1);
    cJSON_AddNumberToObject(list, "maxItems", POLICY_VALUES_MAX);
    cJSON_AddItemToObject(list, "items", value_schema(field, len));
    return list;
}

static void add_suffixed(cJSON *properties, const struct quote_field *field, const char *suffix,
                         cJSON *schema, const char *words)
{
    char name[64], text[SCHEMA_TEXT_MAX];
    snprintf(name, sizeof name, "%s%s", field->name, suffix);
    snprintf(text, sizeof text, words, field->name);
    cJSON_AddStringToObject(schema, "description", text);
    cJSON_AddItemToObject(properties, name, schema);
}

static void add_field(cJSON *entry, const struct quote_field *field)
{
    cJSON *properties = cJSON_GetObjectItemCaseSensitive(entry, "properties");
    const char *words = av_policy_field_words(field->name);
    cJSON *list = list_schema(field, field->len);
    cJSON_AddStringToObject(list, "description", words != NULL ? words : "");
    cJSON_AddItemToObject(properties, field->name, list);
    if (field->has_least)
        add_suffixed(properties, field, "_min", value_schema(field, field->len),
                     field->is_number ? "The least %s."
                                      : "The least %s: no byte may be below its own.");
    if (!field->has_mask)
        return;
    char name[64];
    snprintf(name, sizeof name, "%s_mask", field->name);
    add_suffixed(properties, field, "_mask", value_schema(field, field->len),
                 "The bits that count in %s; all when left out.");
    cJSON_AddItemToArray(
        cJSON_AddArrayToObject(cJSON_GetObjectItemCaseSensitive(entry, "dependentRequired"), name),
        cJSON_CreateString(field->name));
}

static void add_alternative(cJSON *any, const char *required, bool is_true)
{
    cJSON *one = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(one, "required"), cJSON_CreateString(required));
    if (is_true)
        cJSON_AddTrueToObject(
            cJSON_AddObjectToObject(cJSON_AddObjectToObject(one, "properties"), required), "const");
    cJSON_AddItemToArray(any, one);
}

/* An entry names code, or says that any will do. */
static void add_entry(cJSON *defs, enum attest_tee tee, const char *words)
{
    const struct quote_field *field = NULL;
    const char *word = attest_tee_word(tee);
    cJSON *entry = add_object(defs, word, words);
    cJSON *properties = add_members(entry, POLICY_ENTRY);
    cJSON *kind = cJSON_GetObjectItemCaseSensitive(properties, "tee");
    cJSON_DeleteItemFromObjectCaseSensitive(kind, "enum");
    cJSON_AddStringToObject(kind, "const", word);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(entry, "required"), cJSON_CreateString("tee"));
    cJSON *any = cJSON_AddArrayToObject(entry, "anyOf");
    add_alternative(any, "any_code", true);
    cJSON_AddObjectToObject(entry, "dependentRequired");
    while ((field = av_quote_field_next(av_policy_bodies(tee), field)) != NULL) {
        add_field(entry, field);
        if (field->measures_code)
            add_alternative(any, field->name, false);
    }
}

static void add_definitions(cJSON *root)
{
    static const size_t lengths[] = {6, 16, 32, 64};
    cJSON *defs = cJSON_AddObjectToObject(root, "$defs");
    add_entry(defs, ATTEST_TEE_SGX, "An SGX enclave: all that is listed must fit.");
    add_entry(defs, ATTEST_TEE_TDX, "A TDX trust domain: all that is listed must fit.");
    add_entry(defs, ATTEST_TEE_SNP, "A SEV-SNP guest: all that is listed must fit.");
    add_members(add_object(defs, "tcb", "Limits to Intel's statements."), POLICY_TCB);
    add_members(add_object(defs, "platform", "Machines."), POLICY_PLATFORM);
    add_members(add_object(defs, "snp_demands", "Demands on SEV-SNP."), POLICY_SNP);
    add_members(add_object(defs, "min_tcb", "Least TCB versions by product."), POLICY_MIN_TCB);
    add_members(add_object(defs, "svns", "Least versions of Milan or Genoa."), POLICY_SVNS);
    add_members(add_object(defs, "svns_fmc", "Least versions of Turin."), POLICY_SVNS_FMC);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; ++i) {
        char name[16];
        snprintf(name, sizeof name, "hex%zu", lengths[i]);
        cJSON_AddItemToObject(defs, name, list_schema(NULL, lengths[i]));
    }
}

int main(void)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "$schema", "https://json-schema.org/draft/2020-12/schema");
    cJSON_AddStringToObject(root, "title", "Policy of attest-verify and teegate");
    cJSON_AddStringToObject(root, "description",
                            "What attestation evidence is trusted. The parser refuses more than a "
                            "schema can say: allow_debug needs insecure_testing, an entry with "
                            "any_code lists no measurement, graces exclude each other.");
    cJSON_AddStringToObject(root, "type", "object");
    cJSON_AddFalseToObject(root, "additionalProperties");
    add_members(root, POLICY_POLICY);
    add_definitions(root);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (text == NULL)
        return EXIT_FAILURE;
    for (const char *at = text; *at != '\0'; ++at) /* cJSON lays out with raw tabs */
        if (*at != '\t')
            putchar(*at);
        else if (at[-1] == ':')
            putchar(' ');
        else
            fputs("  ", stdout);
    putchar('\n');
    cJSON_free(text);
    return EXIT_SUCCESS;
}
