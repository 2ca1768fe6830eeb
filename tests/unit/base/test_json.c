#include "base/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit/checks.h"

/* Parses what was written, by somebody else's parser, which refuses anything behind it. */
static cJSON *parsed(const struct json *json)
{
    struct span text = json_written(json);
    char *copy = calloc(1, text.len + 1);
    memcpy(copy, text.ptr, text.len);
    ck_assert_uint_eq(strlen(copy), text.len);
    cJSON *tree = cJSON_ParseWithOpts(copy, NULL, 1);
    ck_assert_msg(tree != NULL, "not JSON: %s", copy);
    free(copy);
    return tree;
}

START_TEST(members_and_elements_are_written_with_their_commas)
{
    char memory[400];
    struct json json;
    json_init(&json, memory, sizeof(memory));
    json_object(&json, NULL);
    json_text(&json, "text", SPAN_OF("a"));
    json_u64(&json, "most", UINT64_MAX);
    json_i64(&json, "least", INT64_MIN);
    json_array(&json, "list");
    json_bool(&json, NULL, true);
    json_bool(&json, NULL, false);
    json_null(&json, NULL);
    json_object(&json, NULL);
    json_end_object(&json);
    json_end_array(&json);
    json_array(&json, "empty");
    json_end_array(&json);
    json_text(&json, "last", SPAN_NONE);
    json_end_object(&json);
    ck_assert(span_is(json_written(&json),
                      SPAN_OF("{\"text\":\"a\",\"most\":18446744073709551615,"
                              "\"least\":-9223372036854775808,\"list\":[true,false,null,{}],"
                              "\"empty\":[],\"last\":\"\"}")));
    ck_assert(!json.cut);
    cJSON_Delete(parsed(&json));
}
END_TEST

START_TEST(what_json_or_utf_8_forbids_is_escaped)
{
    static const struct {
        struct span text;
        const char *written;
    } rows[] = {
        {SPAN_OF("a\"b\\c/"), "\"a\\\"b\\\\c/\""},
        {SPAN_OF("\n\t\x1f\x7f"), "\"\\u000a\\u0009\\u001f\\u007f\""},
        {{"\0", 1}, "\"\\u0000\""},
        {SPAN_OF("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
         "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {SPAN_OF("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"),
         "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\""},
        {SPAN_OF("\xff\xfe"), "\"\\u00ff\\u00fe\""},
        {SPAN_OF("\x80z"), "\"\\u0080z\""},
        {SPAN_OF("\xc3"), "\"\\u00c3\""},                       /* cut off */
        {SPAN_OF("\xe2\x82"), "\"\\u00e2\\u0082\""},            /* cut off */
        {SPAN_OF("\xc3z"), "\"\\u00c3z\""},                     /* no continuation */
        {SPAN_OF("\xc0\xaf"), "\"\\u00c0\\u00af\""},            /* overlong */
        {SPAN_OF("\xe0\x80\xaf"), "\"\\u00e0\\u0080\\u00af\""}, /* overlong */
        {SPAN_OF("\xf0\x80\x80\xaf"), "\"\\u00f0\\u0080\\u0080\\u00af\""},
        {SPAN_OF("\xed\xa0\x80"), "\"\\u00ed\\u00a0\\u0080\""},            /* a surrogate */
        {SPAN_OF("\xf4\x90\x80\x80"), "\"\\u00f4\\u0090\\u0080\\u0080\""}, /* above U+10FFFF */
        {SPAN_OF("\xf5\x80\x80\x80"), "\"\\u00f5\\u0080\\u0080\\u0080\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        char memory[200];
        struct json json;
        json_init(&json, memory, sizeof(memory));
        json_array(&json, NULL);
        json_text(&json, NULL, rows[i].text);
        json_end_array(&json);
        char expected[100];
        snprintf(expected, sizeof(expected), "[%s]", rows[i].written);
        ck_assert_msg(span_is(json_written(&json), span_text(expected)), "row %zu: %.*s", i,
                      (int)json_written(&json).len, json_written(&json).ptr);
    }
}
END_TEST

/* A line with everything in it, into memory of any size. */
static void write_all(struct json *json)
{
    json_object(json, NULL);
    json_text(json, "first", SPAN_OF("some \"text\" \xc3\xa4\xc3\xb6\xc3\xbc \x01\x02 \xff end"));
    json_object(json, "inner");
    json_u64(json, "number", UINT64_MAX);
    json_array(json, "list");
    json_text(json, NULL, SPAN_OF("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"));
    json_array(json, NULL);
    json_null(json, NULL);
    json_end_array(json);
    json_bool(json, NULL, true);
    json_end_array(json);
    json_i64(json, "after", -1);
    json_end_object(json);
    json_text(json, "last", SPAN_OF("the end"));
    json_end_object(json);
}

START_TEST(cut_anywhere_it_stays_well_formed_and_within_its_memory)
{
    bool was_whole = false;
    for (size_t bytes = JSON_BYTES_LEAST; bytes < 400; ++bytes) {
        char *memory = malloc(bytes + 8);
        struct json json;
        memset(memory, '#', bytes + 8);
        json_init(&json, memory, bytes);
        write_all(&json);
        ck_assert_uint_le(json_written(&json).len, bytes);
        for (size_t i = 0; i < 8; ++i)
            ck_assert_int_eq(memory[bytes + i], '#');
        cJSON *tree = parsed(&json);
        bool is_whole = cJSON_GetObjectItem(tree, "last") != NULL &&
                        strcmp(cJSON_GetObjectItem(tree, "last")->valuestring, "the end") == 0;
        ck_assert_int_eq(json.cut, !is_whole);
        ck_assert(is_whole || !was_whole); /* more memory never holds less */
        was_whole = is_whole;
        cJSON_Delete(tree);
        free(memory);
    }
    ck_assert(was_whole);
}
END_TEST

START_TEST(a_text_is_cut_between_characters_and_marked)
{
    char memory[16 + 40];
    struct json json;
    json_init(&json, memory, sizeof(memory));
    json_array(&json, NULL);
    json_text(&json, NULL,
              SPAN_OF("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
                      "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
                      "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"));
    json_text(&json, NULL, SPAN_OF("x")); /* nothing is added behind a cut */
    json_end_array(&json);
    ck_assert(json.cut);
    cJSON *tree = parsed(&json);
    ck_assert_int_eq(cJSON_GetArraySize(tree), 1);
    const char *text = cJSON_GetArrayItem(tree, 0)->valuestring;
    size_t len = strlen(text);
    ck_assert_str_eq(text + len - 3, "...");
    ck_assert_uint_eq((len - 3) % 3, 0);
    ck_assert_uint_gt(len, 20);
    cJSON_Delete(tree);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {members_and_elements_are_written_with_their_commas,
                                  what_json_or_utf_8_forbids_is_escaped,
                                  cut_anywhere_it_stays_well_formed_and_within_its_memory,
                                  a_text_is_cut_between_characters_and_marked, NULL};
    return checks_run("json", tests);
}
