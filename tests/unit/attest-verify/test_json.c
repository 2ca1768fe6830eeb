/* What the strict reader takes, and what cJSON alone would have let through. */
#include "bytes/json.h"

#include "../checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parses_bytes(const char *text, size_t len)
{
    char error[128] = "";
    char *copy = malloc(len > 0 ? len : 1); /* no NUL behind it */
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, len);
    cJSON *json = av_json_parse((struct attest_bytes){.ptr = (uint8_t *)copy, .len = len}, 4096,
                                error, sizeof error);
    free(copy);
    ck_assert((json == NULL) == (error[0] != '\0'));
    cJSON_Delete(json);
    return json != NULL;
}

static bool parses(const char *text)
{
    return parses_bytes(text, strlen(text));
}

START_TEST(plain_documents_are_read)
{
    ck_assert(parses("{}"));
    ck_assert(parses(" {\"a\": [1, -2, 0, {\"b\": \"x\"}], \"c\": null,\r\n\"d\": true}\t\n"));
    ck_assert(parses("{\"a\":\"\\u00e9\\\\u0000 \\\" }{\"}"));
}
END_TEST

START_TEST(what_is_no_object_is_refused)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "1",
                                      "\"a\"",
                                      "null",
                                      "{",
                                      "{}}",
                                      "{} {}",
                                      "{}x",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{'a':1}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "\xef\xbb\xbf{}",
                                      "{\"a\":tru}",
                                      "{\"a\":NaN}",
                                      "{/**/}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
        ck_assert_msg(!parses(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(numbers_are_plain_integers)
{
    static const char *const bad[] = {"1.0", "1e2", "1E2",  "+1",  "01",
                                      "-",   "--1", "0x10", "1-2", ".5",
                                      "1.",  "00",  "-01",  "1e",  "1234567890123456"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        char text[64];
        snprintf(text, sizeof text, "{\"a\":%s}", bad[i]);
        ck_assert_msg(!parses(text), "%s", text);
    }
    ck_assert(parses("{\"a\":123456789012345}"));
    ck_assert(parses("{\"a\":-0}"));
}
END_TEST

START_TEST(strings_hold_no_nul_and_no_raw_control_character)
{
    ck_assert(!parses("{\"a\":\"x\\u0000y\"}"));
    ck_assert(!parses("{\"a\\u0000\":1}"));
    ck_assert(!parses("{\"a\":\"x\ny\"}"));
    ck_assert(!parses_bytes("{\"a\":\"x\0y\"}", 11));
    ck_assert(!parses_bytes("{}\0", 3));
    ck_assert(!parses("{\"a\":\"x"));
    ck_assert(!parses("{\"a\":\"x\\"));
}
END_TEST

START_TEST(a_member_stands_once_at_any_depth)
{
    ck_assert(!parses("{\"a\":1,\"a\":1}"));
    ck_assert(!parses("{\"a\":1,\"\\u0061\":2}"));
    ck_assert(!parses("{\"x\":[{\"a\":1,\"b\":2,\"a\":3}]}"));
    ck_assert(parses("{\"a\":1,\"A\":2,\"b\":{\"a\":1}}"));
}
END_TEST

static size_t nest(char *text, int depth)
{
    size_t len = strlen("{\"a\":");
    memcpy(text, "{\"a\":", len);
    for (int i = 1; i < depth; ++i)
        text[len++] = '[';
    for (int i = 1; i < depth; ++i)
        text[len++] = ']';
    text[len++] = '}';
    return len;
}

START_TEST(nesting_ends_at_its_limit)
{
    char text[512];
    ck_assert(parses_bytes(text, nest(text, JSON_DEPTH_MAX - 1)));
    ck_assert(parses_bytes(text, nest(text, JSON_DEPTH_MAX)));
    ck_assert(!parses_bytes(text, nest(text, JSON_DEPTH_MAX + 1)));
}
END_TEST

START_TEST(a_depth_bomb_is_cheap)
{
    enum { BOMB = 200 * 1000 };
    char error[128];
    char *bomb = malloc(BOMB);
    ck_assert_ptr_nonnull(bomb);
    memset(bomb, '[', BOMB);
    memcpy(bomb, "{\"a\":", 5);
    ck_assert_ptr_null(av_json_parse((struct attest_bytes){.ptr = (uint8_t *)bomb, .len = BOMB},
                                     BOMB, error, sizeof error));
    free(bomb);
}
END_TEST

START_TEST(an_object_has_at_most_its_number_of_members)
{
    for (int count = JSON_MEMBERS_MAX - 1; count <= JSON_MEMBERS_MAX + 1; ++count) {
        char text[2048];
        size_t len = 0;
        for (int i = 0; i < count; ++i)
            len += (size_t)snprintf(text + len, sizeof text - len, "%c\"m%d\":1",
                                    i == 0 ? '{' : ',', i);
        len += (size_t)snprintf(text + len, sizeof text - len, "}");
        ck_assert(parses_bytes(text, len) == (count <= JSON_MEMBERS_MAX));
    }
}
END_TEST

START_TEST(a_document_has_at_most_its_number_of_bytes)
{
    char text[4098];
    memset(text, ' ', sizeof text);
    memcpy(text, "{}", 2);
    ck_assert(parses_bytes(text, 4096));
    ck_assert(!parses_bytes(text, 4097));
}
END_TEST

START_TEST(members_are_found_by_exact_name_type_and_range)
{
    static const char text[] = "{\"n\":256,\"m\":-1,\"s\":\"ab\",\"N\":1,\"l\":[1,2]}";
    char error[128];
    uint64_t number;
    uint8_t byte;
    cJSON *json =
        av_json_parse((struct attest_bytes){.ptr = (const uint8_t *)text, .len = strlen(text)},
                      4096, error, sizeof error);
    ck_assert_ptr_nonnull(json);
    ck_assert(!av_json_uint(json, "n", 255, &number));
    ck_assert(av_json_uint(json, "n", 256, &number) && number == 256);
    ck_assert(!av_json_uint(json, "m", 256, &number));
    ck_assert(!av_json_uint(json, "s", 256, &number));
    ck_assert(!av_json_uint(json, "x", 256, &number));
    ck_assert(!av_json_uint(NULL, "n", 256, &number));
    ck_assert_ptr_null(av_json_string(json, "S"));
    ck_assert_ptr_null(av_json_string(json, "n"));
    ck_assert(av_json_hex(json, "s", &byte, 1) && byte == 0xab);
    ck_assert_ptr_null(av_json_array(json, "l", 1));
    ck_assert_ptr_nonnull(av_json_array(json, "l", 2));
    ck_assert_ptr_null(av_json_array(json, "s", 2));
    static const char *const known[] = {"n", "m", "s", "N", NULL};
    ck_assert_str_eq(av_json_stranger(json, known), "l");
    cJSON_Delete(json);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {plain_documents_are_read,
                                  what_is_no_object_is_refused,
                                  numbers_are_plain_integers,
                                  strings_hold_no_nul_and_no_raw_control_character,
                                  a_member_stands_once_at_any_depth,
                                  nesting_ends_at_its_limit,
                                  a_depth_bomb_is_cheap,
                                  an_object_has_at_most_its_number_of_members,
                                  a_document_has_at_most_its_number_of_bytes,
                                  members_are_found_by_exact_name_type_and_range,
                                  NULL};
    return checks_run("json", tests);
}
