#include "gateway/admin_members.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 8 };

struct reading {
    const struct member *list;
    unsigned count;
    uint32_t seen; /* bits, in the order of the list */
    char *error;
    size_t error_size;
};

#define SAY(reading, ...) (snprintf((reading)->error, (reading)->error_size, __VA_ARGS__), false)

/* --- the text ----------------------------------------------------------------------------------
 */

/* cJSON takes any byte up to 32 for a blank, ends texts at \u0000 and nests to 1000. */
static bool is_plain(struct span body)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < body.len; ++i) {
        unsigned char c = (unsigned char)body.ptr[i];
        bool blank = c == ' ' || (!quoted && (c == '\t' || c == '\n' || c == '\r'));
        if ((c < 0x20 && !blank) || c == 0x7f)
            return false;
        if (quoted && c == '\\' && i + 1 < body.len) {
            if (span_starts(span_from(body, i), SPAN_OF("\\u00")) && i + 4 < body.len &&
                (body.ptr[i + 4] == '0' || body.ptr[i + 4] == '1'))
                return false; /* an escaped control character */
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == '{' || c == '[')) {
            if (++depth > DEPTH_MAX)
                return false;
        } else if (!quoted && (c == '}' || c == ']')) {
            depth -= depth > 0;
        }
    }
    return true;
}

static cJSON *parse(struct span body)
{
    const char *end = NULL;
    if (!is_plain(body))
        return NULL;
    cJSON *json = cJSON_ParseWithLengthOpts(body.ptr, body.len, &end, 0);
    if (json == NULL)
        return NULL;
    for (; end < body.ptr + body.len; ++end) {
        if (strchr(" \t\r\n", *end) == NULL) {
            cJSON_Delete(json);
            return NULL;
        }
    }
    return json;
}

/* --- one member --------------------------------------------------------------------------------
 */

static bool read_number(struct reading *reading, const struct member *member, const cJSON *item)
{
    double value = cJSON_IsNumber(item) ? item->valuedouble : -1.0;
    double most = (double)member->most;
    bool is_signed = member->type == MEMBER_SIGNED;
    bool fits = cJSON_IsNumber(item) && value <= most && value >= (is_signed ? -most : 0.0);
    if (!fits || (double)(int64_t)value != value)
        return SAY(reading, "\"%s\" is expected to be a whole number from %s%llu to %llu",
                   member->name, is_signed ? "-" : "",
                   is_signed ? (unsigned long long)member->most : 0ULL,
                   (unsigned long long)member->most);
    if (is_signed)
        *(int64_t *)member->to = (int64_t)value;
    else
        *(uint64_t *)member->to = (uint64_t)value;
    return true;
}

static bool read_text(struct reading *reading, const struct member *member, const cJSON *item)
{
    if (!cJSON_IsString(item))
        return SAY(reading, "\"%s\" is expected to be a text", member->name);
    size_t len = strlen(item->valuestring);
    if (len >= MEMBER_TEXT_MAX)
        return SAY(reading, "\"%s\" has %zu bytes, expected at most %d", member->name, len,
                   MEMBER_TEXT_MAX - 1);
    memcpy(member->to, item->valuestring, len + 1);
    return true;
}

static bool read_texts(struct reading *reading, const struct member *member, const cJSON *item)
{
    char *to = member->to;
    size_t used = 0;
    const cJSON *one;
    if (!cJSON_IsArray(item))
        return SAY(reading, "\"%s\" is expected to be an array of texts", member->name);
    cJSON_ArrayForEach(one, item)
    {
        if (!cJSON_IsString(one) || one->valuestring[0] == '\0' ||
            strchr(one->valuestring, ',') != NULL)
            return SAY(reading, "\"%s\" is expected to have texts in it, without commas",
                       member->name);
        size_t len = strlen(one->valuestring);
        if (used + len + 2 > MEMBER_LIST_MAX)
            return SAY(reading, "\"%s\" is expected to have at most %d bytes in all", member->name,
                       MEMBER_LIST_MAX);
        if (used > 0)
            to[used++] = ',';
        memcpy(to + used, one->valuestring, len);
        used += len;
    }
    to[used] = '\0';
    return true;
}

static bool read_bool(struct reading *reading, const struct member *member, const cJSON *item)
{
    if (!cJSON_IsBool(item))
        return SAY(reading, "\"%s\" is expected to be true or false", member->name);
    *(bool *)member->to = cJSON_IsTrue(item);
    return true;
}

static bool say_unknown(struct reading *reading, const char *name)
{
    size_t used = (size_t)snprintf(reading->error, reading->error_size,
                                   "unknown member \"%.100s\"; expected are", name);
    for (unsigned i = 0; i < reading->count && used < reading->error_size; ++i)
        used += (size_t)snprintf(reading->error + used, reading->error_size - used, "%s \"%s\"",
                                 i == 0 ? "" : ",", reading->list[i].name);
    return false;
}

static bool read_member(struct reading *reading, const cJSON *item)
{
    static bool (*const readers[])(struct reading *, const struct member *, const cJSON *) = {
        [MEMBER_TEXT] = read_text,     [MEMBER_TEXTS] = read_texts, [MEMBER_NUMBER] = read_number,
        [MEMBER_SIGNED] = read_number, [MEMBER_BOOL] = read_bool,
    };
    for (unsigned i = 0; i < reading->count; ++i) {
        const struct member *member = &reading->list[i];
        if (strcmp(item->string, member->name) != 0)
            continue;
        if (reading->seen & UINT32_C(1) << i)
            return SAY(reading, "\"%s\" is there twice", member->name);
        reading->seen |= UINT32_C(1) << i;
        if (member->found != NULL)
            *member->found = true;
        return readers[member->type](reading, member, item);
    }
    return say_unknown(reading, item->string);
}

static bool read_object(struct reading *reading, const cJSON *json)
{
    const cJSON *item;
    if (!cJSON_IsObject(json))
        return SAY(reading, "the body is expected to be a JSON object");
    cJSON_ArrayForEach(item, json)
    {
        if (!read_member(reading, item))
            return false;
    }
    for (unsigned i = 0; i < reading->count; ++i)
        if (reading->list[i].required && !(reading->seen & UINT32_C(1) << i))
            return SAY(reading, "\"%s\" is missing", reading->list[i].name);
    return true;
}

bool members_read(struct span body, const struct member *list, unsigned count, char *error,
                  size_t error_size)
{
    struct reading reading = {
        .list = list, .count = count, .error = error, .error_size = error_size};
    must(count <= 32);
    if (body.len == 0)
        return SAY(&reading, "the body is empty, expected a JSON object");
    cJSON *json = parse(body);
    if (json == NULL)
        return SAY(&reading,
                   "the body is not well-formed JSON (one object, no control characters)");
    bool read = read_object(&reading, json);
    cJSON_Delete(json);
    return read;
}
