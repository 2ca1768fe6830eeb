/* The head of a message, or its trailers: pseudo-fields and fields, in one arena.
 * It owns copies of everything in it. It never holds a connection-specific field (RFC 9113 8.2.2):
 * framing is each connection's own. Names are lower case. */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "base/arena.h"
#include "base/must.h"
#include "base/span.h"

struct field {
    struct span name;
    struct span value;
    bool sensitive; /* never indexed by HPACK (RFC 7541 7.1.3): credentials */
};

struct head {
    struct arena arena;
    struct span method; /* requests */
    struct span scheme;
    struct span authority; /* empty only when an HTTP/1.0 request has no Host */
    struct span path;
    int status; /* answers; 0 in requests and trailers */
    struct field *fields;
    uint32_t field_count;
    uint32_t field_room;
    uint32_t fields_max;
    size_t bytes; /* counted as head_new() says */
    size_t bytes_max;
};

/* Limits: `bytes_max` for names and values together (plus 32 each, as RFC 9113 6.5.2 counts). */
struct head *head_new(size_t bytes_max, uint32_t fields_max);
void head_free(struct head *head); /* NULL is fine */
/* Copies. False when a limit would be passed. */
MUST_USE bool head_add(struct head *head, struct span name, struct span value);
MUST_USE bool head_set_text(struct head *head, struct span *place, struct span value);
/* The first field of that name (lower case), or NULL. */
const struct field *head_find(const struct head *head, struct span name);
/* How many fields have that name. */
unsigned head_count(const struct head *head, struct span name);
/* Removes all fields of that name. */
void head_drop(struct head *head, struct span name);

#endif
