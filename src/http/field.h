/* What characters may stand where in a message, and which names are framing: RFC 9110 5, 9112,
 * 9113. It owns nothing. It never repairs anything: it answers yes or no. */
#ifndef HTTP_FIELD_H
#define HTTP_FIELD_H

#include "base/span.h"

/* RFC 9110 5.6.2. */
bool field_is_token(struct span text);
/* A token without upper case (RFC 9113 8.2.1). */
bool field_is_name(struct span text);
/* RFC 9110 5.5: no control characters but tab, no blank at either end; may be empty. */
bool field_is_value(struct span text);
/* host [ ":" port ], without user information; a name, an IPv4 or a bracketed IPv6 address. */
bool field_is_authority(struct span text);
/* Visible ASCII without what must not be in a request target: "#", "\". */
bool field_is_target(struct span text);
/* 1*DIGIT without leading zeros, below 2^62 (RFC 9110 8.6). */
bool field_is_length(struct span text, int64_t *out);
/* Connection-specific (RFC 9113 8.2.2, RFC 9110 7.6.1): never passed on. */
bool field_is_hop(struct span name);
/* Framing, routing, credentials and the like: never accepted in trailers (RFC 9110 6.5.1). */
bool field_is_barred_from_trailers(struct span name);
/* Whether the comma-separated `list` has `token`, whatever its case, parameters ignored. */
bool field_list_has(struct span list, struct span token);
/* Takes the next member of a comma-separated list off its front, trimmed; false at its end. */
bool field_list_next(struct span *list, struct span *member);

#endif
