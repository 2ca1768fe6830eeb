#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/must.h"

/* Kept back so that every object and array that was opened can be closed, whatever was cut. */
enum { CLOSERS = 16, NUMBER_MAX = 24 };
_Static_assert(JSON_BYTES_LEAST >= CLOSERS + NUMBER_MAX + 4, "the outermost bracket always fits");

void json_init(struct json *json, char *memory, size_t bytes)
{
    must(bytes >= JSON_BYTES_LEAST);
    *json = (struct json){.at = memory, .start = memory, .end = memory + bytes - CLOSERS};
}

static void put(struct json *json, const char *bytes, size_t count)
{
    if ((size_t)(json->end - json->at) < count) {
        json->cut = true;
        return;
    }
    memcpy(json->at, bytes, count);
    json->at += count;
}

/* The length of the well-formed UTF-8 sequence at the front, or 0 (RFC 3629 4). */
static size_t utf8_len(const unsigned char *at, size_t left)
{
    size_t len = at[0] < 0x80                     ? 1
                 : at[0] >= 0xc2 && at[0] <= 0xdf ? 2
                 : (at[0] & 0xf0) == 0xe0         ? 3
                 : at[0] >= 0xf0 && at[0] <= 0xf4 ? 4
                                                  : 0;
    if (len == 0 || len > left)
        return 0;
    for (size_t i = 1; i < len; ++i)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return len;
}

static size_t escape(const unsigned char *at, size_t left, char out[8], size_t *out_len)
{
    size_t len = utf8_len(at, left);
    if (len == 1 && (at[0] == '"' || at[0] == '\\')) {
        out[0] = '\\';
        out[1] = (char)at[0];
        *out_len = 2;
    } else if (len == 0 || (len == 1 && (at[0] < 0x20 || at[0] == 0x7f))) {
        *out_len = (size_t)snprintf(out, 8, "\\u%04x", at[0]);
        len = 1;
    } else {
        memcpy(out, at, len);
        *out_len = len;
    }
    return len;
}

static void put_quoted(struct json *json, struct span text)
{
    enum { ROOM_FOR_END = 4 }; /* the mark of a cut text and its quote */
    put(json, "\"", 1);
    const unsigned char *at = (const unsigned char *)text.ptr;
    for (size_t left = text.len; left > 0;) {
        char piece[8];
        size_t piece_len;
        size_t step = escape(at, left, piece, &piece_len);
        if ((size_t)(json->end - json->at) < piece_len + ROOM_FOR_END) {
            json->cut = true;
            put(json, "...", 3);
            break;
        }
        put(json, piece, piece_len);
        at += step;
        left -= step;
    }
    put(json, "\"", 1);
}

/* False, and nothing written, when the name and the least a value takes do not fit: a line that was
 * cut stays well-formed. Once cut, nothing more is added. */
static bool put_name(struct json *json, const char *name)
{
    size_t name_len = name == NULL ? 0 : strlen(name);
    if (json->cut || (size_t)(json->end - json->at) < name_len + NUMBER_MAX + 4) {
        json->cut = true;
        return false;
    }
    if (json->comma)
        put(json, ",", 1);
    json->comma = true;
    if (name != NULL) {
        put_quoted(json, span_text(name));
        put(json, ":", 1);
    }
    return true;
}

static void open_with(struct json *json, const char *name, const char *bracket)
{
    ++json->depth;
    if (!put_name(json, name)) {
        ++json->unopened;
        return;
    }
    put(json, bracket, 1);
    json->comma = false;
}

static void close_with(struct json *json, const char *bracket)
{
    must(json->depth > 0 && json->depth < CLOSERS);
    --json->depth;
    if (json->unopened > 0) {
        --json->unopened;
        return;
    }
    *json->at++ = *bracket;
    json->comma = true;
}

void json_object(struct json *json, const char *name)
{
    open_with(json, name, "{");
}

void json_array(struct json *json, const char *name)
{
    open_with(json, name, "[");
}

void json_end_object(struct json *json)
{
    close_with(json, "}");
}

void json_end_array(struct json *json)
{
    close_with(json, "]");
}

void json_text(struct json *json, const char *name, struct span text)
{
    if (put_name(json, name))
        put_quoted(json, text);
}

static void put_number(struct json *json, const char *name, const char *number)
{
    if (put_name(json, name))
        put(json, number, strlen(number));
}

void json_u64(struct json *json, const char *name, uint64_t value)
{
    char number[24];
    snprintf(number, sizeof(number), "%" PRIu64, value);
    put_number(json, name, number);
}

void json_i64(struct json *json, const char *name, int64_t value)
{
    char number[24];
    snprintf(number, sizeof(number), "%" PRId64, value);
    put_number(json, name, number);
}

void json_bool(struct json *json, const char *name, bool value)
{
    put_number(json, name, value ? "true" : "false");
}

void json_null(struct json *json, const char *name)
{
    put_number(json, name, "null");
}

struct span json_written(const struct json *json)
{
    return span_of(json->start, (size_t)(json->at - json->start));
}
