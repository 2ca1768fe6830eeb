/* A run of bytes somebody else owns. It owns nothing and needs no NUL at its end.
 * Never outlives what it points into. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *ptr;
    size_t len;
};

#define SPAN_NONE        ((struct span){NULL, 0})
#define SPAN_OF(literal) ((struct span){(literal), sizeof(literal) - 1})

static inline struct span span_of(const void *ptr, size_t len)
{
    return (struct span){ptr, len};
}

static inline struct span span_text(const char *text)
{
    return (struct span){text, text == NULL ? 0 : strlen(text)};
}

static inline bool span_is(struct span span, struct span other)
{
    return span.len == other.len && (span.len == 0 || memcmp(span.ptr, other.ptr, span.len) == 0);
}

static inline bool span_starts(struct span span, struct span prefix)
{
    return span.len >= prefix.len && span_is(span_of(span.ptr, prefix.len), prefix);
}

/* The rest of `span` from `from` on; empty when `from` is at or past the end. */
static inline struct span span_from(struct span span, size_t from)
{
    return from >= span.len ? span_of(span.ptr, 0) : span_of(span.ptr + from, span.len - from);
}

/* ASCII letters only; HTTP field names (RFC 9110 5.1). */
bool span_is_nocase(struct span span, struct span other);
/* Index of the first `byte`, or span.len. */
size_t span_find(struct span span, char byte);
/* Without spaces and tabs at both ends (OWS, RFC 9110 5.6.3). */
struct span span_trim(struct span span);
/* 1*DIGIT up to `most`; false for anything else (sign, blank, empty, overflow). */
bool span_to_u64(struct span span, uint64_t most, uint64_t *out);
/* Takes as long for every pair of one length; for secrets. */
bool span_is_secret(struct span span, struct span other);

#endif
