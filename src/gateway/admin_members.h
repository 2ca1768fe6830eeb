/* A JSON object of an admin request, read member by member against a list.
 * It owns nothing but while it reads. It never lets an unknown, doubled or mistyped member pass:
 * each is a sentence with what was found and what is expected. */
#ifndef GATEWAY_ADMIN_MEMBERS_H
#define GATEWAY_ADMIN_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "base/span.h"

enum { MEMBER_TEXT_MAX = 256, MEMBER_LIST_MAX = 8192 };

enum member_type {
    MEMBER_TEXT,   /* char[MEMBER_TEXT_MAX] */
    MEMBER_TEXTS,  /* char[MEMBER_LIST_MAX]: an array of texts, joined with commas */
    MEMBER_NUMBER, /* uint64_t, whole, 0 to `most` */
    MEMBER_SIGNED, /* int64_t, whole, -`most` to `most` */
    MEMBER_BOOL    /* bool */
};

struct member {
    const char *name;
    enum member_type type;
    void *to;
    uint64_t most; /* of numbers; at most 2^53 - 1 (what JSON and Lua carry exactly) */
    bool required;
    bool *found; /* may be NULL */
};

#define MEMBER_MOST ((UINT64_C(1) << 53) - 1)

/* False and a sentence. */
MUST_USE bool members_read(struct span body, const struct member *list, unsigned count, char *error,
                           size_t error_size);

#endif
