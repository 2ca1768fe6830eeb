/* Writes one JSON object or array into memory that is given, and stops at its end.
 * It owns nothing. It never writes past the end: a text too long is cut at a character's edge and
 * marked, what follows is left out, and `cut` says so; it stays well-formed. Bytes that are not
 * UTF-8 are written escaped.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct json {
    char *at;
    char *end;
    char *start;
    bool comma;
    bool cut; /* something did not fit */
    unsigned depth;
    unsigned unopened; /* opened after the cut, so not to be closed */
};

/* Less memory than this could not even hold an empty object. */
enum { JSON_BYTES_LEAST = 44 };

void json_init(struct json *json, char *memory, size_t bytes);
void json_object(struct json *json, const char *name); /* name NULL in arrays and at the top */
void json_array(struct json *json, const char *name);
void json_end_object(struct json *json);
void json_end_array(struct json *json);
void json_text(struct json *json, const char *name, struct span text);
void json_u64(struct json *json, const char *name, uint64_t value);
void json_i64(struct json *json, const char *name, int64_t value);
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);
/* What was written so far. */
struct span json_written(const struct json *json);

#endif
