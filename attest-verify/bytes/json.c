#include "bytes/json.h"

#include "bytes/hex.h"
#include "bytes/moment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_DIGITS_MAX = 15 }; /* every such integer is exact in the double that cJSON keeps */

struct scan {
    const char *at, *end;
    int depth;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* From the opening to the closing quote. cJSON would cut a string at an escaped NUL and let raw
 * control characters through. */
static const char *scan_string(struct scan *scan)
{
    for (++scan->at; scan->at < scan->end; ++scan->at) {
        unsigned char c = (unsigned char)*scan->at;
        if (c == '"')
            return NULL;
        if (c < 0x20)
            return "a control character stands in a string";
        if (c != '\\')
            continue;
        if (scan->end - scan->at >= 6 && memcmp(scan->at, "\\u0000", 6) == 0)
            return "a string contains NUL";
        ++scan->at;
    }
    return "a string does not end";
}

/* Integers only: cJSON reads whatever strtod reads. */
static const char *scan_number(struct scan *scan)
{
    const char *first = scan->at + (*scan->at == '-');
    const char *last = first;
    while (last < scan->end && is_digit(*last))
        ++last;
    if (last == first || last - first > NUMBER_DIGITS_MAX || (*first == '0' && last - first > 1) ||
        (last < scan->end && strchr(".eE+-", *last) != NULL))
        return "a number is not a plain integer";
    scan->at = last - 1;
    return NULL;
}

static const char *scan_one(struct scan *scan)
{
    char c = *scan->at;
    if (c == '"')
        return scan_string(scan);
    if (c == '-' || is_digit(c))
        return scan_number(scan);
    if (c == '{' || c == '[')
        return ++scan->depth > JSON_DEPTH_MAX ? "it is nested too deeply" : NULL;
    if (c == '}' || c == ']') {
        --scan->depth;
        return NULL;
    }
    if (c == '\0' || strchr(" \t\r\n,:truefalsn", c) == NULL)
        return "it is not JSON";
    return NULL;
}

static const char *scan_text(struct attest_bytes text)
{
    struct scan scan = {.at = (const char *)text.ptr, .end = (const char *)text.ptr + text.len};
    for (; scan.at < scan.end; ++scan.at) {
        const char *wrong = scan_one(&scan);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static const char *check_members(const cJSON *object)
{
    int count = 0;
    for (const cJSON *a = object->child; a != NULL; a = a->next) {
        if (++count > JSON_MEMBERS_MAX)
            return "an object has too many members";
        for (const cJSON *b = a->next; b != NULL && count <= JSON_MEMBERS_MAX; b = b->next)
            if (strcmp(a->string, b->string) == 0)
                return "a member stands twice in an object";
    }
    return NULL;
}

/* As deep as the text, which scan_text() has bounded. */
static const char *check_tree(const cJSON *item)
{
    const char *wrong = cJSON_IsObject(item) ? check_members(item) : NULL;
    if (!cJSON_IsObject(item) && !cJSON_IsArray(item))
        return NULL;
    for (const cJSON *child = item->child; child != NULL && wrong == NULL; child = child->next)
        wrong = check_tree(child);
    return wrong;
}

static cJSON *parse_scanned(struct attest_bytes text)
{
    char *copy = malloc(text.len + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    cJSON *tree = cJSON_ParseWithOpts(copy, NULL, 1);
    free(copy);
    return tree;
}

cJSON *av_json_parse(struct attest_bytes text, size_t bytes_max, char *error, size_t error_size)
{
    const char *wrong = text.len == 0          ? "it is empty"
                        : text.len > bytes_max ? "it is too large"
                                               : scan_text(text);
    cJSON *tree = wrong == NULL ? parse_scanned(text) : NULL;
    if (wrong == NULL)
        wrong = tree == NULL            ? "it is not JSON"
                : !cJSON_IsObject(tree) ? "it is not a JSON object"
                                        : check_tree(tree);
    if (wrong == NULL)
        return tree;
    snprintf(error, error_size, "%s", wrong);
    cJSON_Delete(tree);
    return NULL;
}

const cJSON *av_json_array(const cJSON *object, const char *name, int count_max)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsArray(item) && cJSON_GetArraySize(item) <= count_max ? item : NULL;
}

const char *av_json_string(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

bool av_json_item_uint(const cJSON *item, uint64_t max, uint64_t *out)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= (double)max))
        return false;
    *out = (uint64_t)item->valuedouble;
    return *out <= max;
}

bool av_json_uint(const cJSON *object, const char *name, uint64_t max, uint64_t *out)
{
    return av_json_item_uint(cJSON_GetObjectItemCaseSensitive(object, name), max, out);
}

bool av_json_hex(const cJSON *object, const char *name, uint8_t *out, size_t len)
{
    const char *text = av_json_string(object, name);
    return text != NULL && av_hex_decode(text, strlen(text), out, len);
}

bool av_json_moment(const cJSON *object, const char *name, int64_t *out)
{
    const char *text = av_json_string(object, name);
    return text != NULL && av_moment_parse(text, out);
}

const char *av_json_stranger(const cJSON *object, const char *const *known)
{
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        const char *const *name = known;
        while (*name != NULL && strcmp(*name, member->string) != 0)
            ++name;
        if (*name == NULL)
            return member->string;
    }
    return NULL;
}
