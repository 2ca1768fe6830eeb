/* What a caller is told whose request never became one: a problem (RFC 9457) like any other error.
 * It owns nothing. It never repeats a byte of what was refused. */
#ifndef HTTP_REFUSAL_H
#define HTTP_REFUSAL_H

#include "http/http_core.h"

enum { REFUSAL_BODY_MAX = 768 };

struct refusal {
    struct head *head; /* the taker's to free or give away */
    char body[REFUSAL_BODY_MAX];
    size_t body_len;
};

/* `status` is 400, 408, 413, 414, 417, 431, 501 or 505; `why` completes "The request has ..". */
/* `head`: as much of the request's as is known, or NULL; a browser that asks for a page gets one.
 */
void refusal_make(struct refusal *refusal, struct http *http, const struct head *head, int status,
                  const char *why);

#endif
