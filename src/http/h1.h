/* The inside of the HTTP/1.1 codec: one connection, one exchange at a time.
 * It owns its parsers and what is to be written besides bodies. It never reads the next request
 * before the answer to the one before has gone. Included by h1*.c alone. */
#ifndef HTTP_H1_H
#define HTTP_H1_H

#include "http/h1_body.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "http/http_core.h"

enum h1_reading {
    H1_READ_HEAD,
    H1_READ_BODY,
    H1_READ_NOTHING, /* the message is whole; what follows waits in the conn */
    H1_READ_JUNK     /* we are closing: what comes is thrown away */
};

struct h1 {
    struct http *http;
    struct stream *stream; /* the exchange, or NULL */
    enum h1_reading reading;
    struct h1_parser parser;
    struct h1_body body;
    uint64_t head_at; /* when the first byte of a head came; 0: none is on its way */
    int minor;        /* of the peer's last message */
    bool keeps;       /* the connection may go on after this exchange */
    bool paused;
    bool awaits_continue; /* the peer waits for 100 before its body */

    struct buf raw; /* heads and such, before what is in stream->out */
    enum h1_body_kind out_kind;
    bool head_given; /* our head is in `raw` or gone */
    bool end_given;
    bool wrote; /* a byte of this exchange has gone */
    bool closing;
    bool hard; /* the end must not look orderly */
    uint64_t closing_at;
};

/* --- h1_send.c -------------------------------------------------------------------------------- */

/* Writes what there is and fits. False when it could not be written at all. */
MUST_USE bool h1_send(struct h1 *h1);
/* An answer of our own, without a stream; then the connection closes. */
void h1_send_refusal(struct h1 *h1, const struct head *head, int status, const char *why);

#endif
