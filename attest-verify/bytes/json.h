/* Strict JSON for documents that decide about trust, on top of cJSON.
 * Owns nothing: a parsed tree is the caller's, to be freed with cJSON_Delete.
 * Never accepts duplicate members, fractions, exponents, NULs inside strings, or nesting beyond 32.
 */
#ifndef AV_JSON_H
#define AV_JSON_H

#include "verdict.h"

#include <cjson/cJSON.h>

enum { JSON_DEPTH_MAX = 32, JSON_MEMBERS_MAX = 64 };

/* The object that `text` is, or NULL and a sentence in `error`. */
cJSON *av_json_parse(struct attest_bytes text, size_t bytes_max, char *error, size_t error_size);

/* Members by their exact name; NULL or false when missing, of another type or out of range. */
const cJSON *av_json_array(const cJSON *object, const char *name, int count_max);
const char *av_json_string(const cJSON *object, const char *name);
AV_MUST_USE bool av_json_uint(const cJSON *object, const char *name, uint64_t max, uint64_t *out);
AV_MUST_USE bool av_json_hex(const cJSON *object, const char *name, uint8_t *out, size_t len);
AV_MUST_USE bool av_json_moment(const cJSON *object, const char *name, int64_t *out);

/* The first member that is not in the NULL-ended list, else NULL. */
const char *av_json_stranger(const cJSON *object, const char *const *known);

AV_MUST_USE bool av_json_item_uint(const cJSON *item, uint64_t max, uint64_t *out);

#endif
