/* Reads the body of an HTTP/1.1 message: of a known length, chunked, or until the connection
 * closes. It owns its place in it, and the trailers while they come. It never takes a byte that
 * there is no room for, nor one behind the body. */
#ifndef HTTP_H1_BODY_H
#define HTTP_H1_BODY_H

#include "http/h1_framing.h"
#include "http/h1_parse.h"

enum h1_chunk {
    CHUNK_SIZE,
    CHUNK_EXT_NAME, /* behind ";" */
    CHUNK_EXT_NAME_MORE,
    CHUNK_EXT_VALUE, /* behind "=" */
    CHUNK_EXT_VALUE_MORE,
    CHUNK_EXT_QUOTED,
    CHUNK_EXT_ESCAPED,
    CHUNK_EXT_QUOTED_END,
    CHUNK_SIZE_LF,
    CHUNK_BYTES,
    CHUNK_BYTES_CR,
    CHUNK_BYTES_LF,
    CHUNK_TRAILERS
};

struct h1_body {
    enum h1_body_kind kind;
    enum h1_chunk chunk;
    uint64_t left; /* of the body, or of the chunk */
    unsigned digits;
    uint32_t ext_bytes; /* of all chunk extensions so far */
    struct h1_parser trailers;
    bool done;
    int status; /* to refuse it with; 0 while it is good */
    const char *why;
};

void h1_body_init(struct h1_body *body, const struct h1_framing *framing,
                  const struct http_options *options);
void h1_body_fini(struct h1_body *body);
/* Appends to `to` as far as there is room. How many bytes were taken. */
size_t h1_body_take(struct h1_body *body, struct span bytes, struct buf *to);

#endif
