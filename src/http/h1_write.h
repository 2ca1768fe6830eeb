/* Writes the heads, chunk frames and trailers of HTTP/1.1 messages.
 * It owns nothing. It never writes a field that could end its own line. */
#ifndef HTTP_H1_WRITE_H
#define HTTP_H1_WRITE_H

#include "base/buf.h"
#include "http/h1_framing.h"

/* Room that the frame around a chunk takes at most. */
enum { H1_CHUNK_FRAME = 24 };

struct h1_outline {
    enum h1_body_kind kind; /* how the body will be framed */
    bool counts;            /* `content-length: length` is to be added */
    uint64_t length;
    bool closes; /* the connection after it */
};

/* Each answers false when `raw` has no room for it. */
MUST_USE bool h1_write_answer(struct buf *raw, const struct head *head,
                              const struct h1_outline *outline);
MUST_USE bool h1_write_request(struct buf *raw, const struct head *head,
                               const struct h1_outline *outline);
/* The last chunk; `trailers` may be NULL. */
MUST_USE bool h1_write_last_chunk(struct buf *raw, const struct head *trailers);
/* The line before a chunk of `count` bytes, into `line` (H1_CHUNK_FRAME); its length. */
size_t h1_write_chunk_line(char *line, size_t count);

#endif
