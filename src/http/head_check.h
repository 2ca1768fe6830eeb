/* What makes a head well-formed, whichever version carried it; and what follows from it for
 * framing. It owns nothing. It never lets a head through whose two readers could read it
 * differently. */
#ifndef HTTP_HEAD_CHECK_H
#define HTTP_HEAD_CHECK_H

#include "http/head.h"

struct head_facts {
    int64_t length; /* of the body, as declared; -1 without */
    bool expects_continue;
    bool takes_trailers; /* said `TE: trailers` */
    const char *why;     /* when refused */
};

/* A request with all pseudo-fields set as received and all fields as received. Takes out `host`,
 * `expect`, `te` and what else is connection-specific, joins the crumbs of a cookie (RFC 9113
 * 8.2.3). Without `needs_host` (HTTP/1.0) the authority may be missing: it stays empty. Answers 0,
 * or the status to refuse it with. */
MUST_USE int head_check_request(struct head *head, bool needs_host, struct head_facts *facts);
/* A final answer. False when it is malformed. */
MUST_USE bool head_check_answer(struct head *head, struct head_facts *facts);
/* Trailers: takes out what may not be there. */
void head_check_trailers(struct head *head);
/* Takes out what is connection-specific, and what `connection` names (RFC 9110 7.6.1). */
void head_drop_hops(struct head *head);

#endif
