/* An answer as it is kept for a caller who asks again: one text of status, fields, body, trailers.
 * It owns nothing but what it reads into: heads and body of the reader. It never takes a text that
 * is not whole to the byte. */
#ifndef EXCHANGE_KEPT_H
#define EXCHANGE_KEPT_H

#include "http/head.h"

struct kept {
    char worker[64];
    char measurement[200];
    struct head *head;     /* the worker's, with its status */
    struct head *trailers; /* or NULL */
    char *body;
    size_t body_len;
};

/* A text of at most `most` bytes, the asker's to free, or NULL: it is larger. `kept->body` is only
 * read. */
char *kept_write(const struct kept *kept, size_t most, size_t *len);
/* False leaves `out` empty. */
MUST_USE bool kept_read(struct kept *out, struct span text);
void kept_fini(struct kept *kept);

#endif
