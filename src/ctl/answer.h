/* An HTTP/1.1 answer as it comes from the admin socket, strict (RFC 9112): one length or chunks.
 * It owns its bytes. It never takes more than its maximum, and never guesses where an answer ends.
 */
#ifndef CTL_ANSWER_H
#define CTL_ANSWER_H

#include "base/must.h"
#include "base/span.h"

enum {
    ANSWER_HEAD_MAX = 65536,
    ANSWER_LINE_MAX = 1024, /* a chunk's size line, a trailer's line */
    ANSWER_BODY_MAX = 16 * 1024 * 1024
};

enum answer_state { ANSWER_MORE, ANSWER_WHOLE, ANSWER_BAD };

struct answer {
    enum answer_state state;
    const char *why; /* of ANSWER_BAD, static */
    int status;
    char *body; /* NUL-ended once whole */
    size_t body_len;
    /* its own */
    int part;
    char *line; /* the head, or a line of the chunks */
    size_t line_len;
    uint64_t left; /* of the body, or of this chunk */
    size_t body_room;
};

void answer_init(struct answer *answer);
void answer_fini(struct answer *answer);
/* Feeds what came; bytes behind a whole answer make it bad. */
enum answer_state answer_feed(struct answer *answer, struct span bytes);
/* The peer ended: an answer that is not whole is bad. */
enum answer_state answer_end(struct answer *answer);

#endif
