/* Points in time as vendors' documents and certificates spell them, as unix seconds.
 * Owns nothing.
 * Never reads a clock or a time zone: everything is UTC. */
#ifndef AV_MOMENT_H
#define AV_MOMENT_H

#include "verdict.h"

#include <openssl/asn1.h>

/* Exactly YYYY-MM-DDThh:mm:ssZ, a date that exists, 1970 or later. */
AV_MUST_USE bool av_moment_parse(const char *text, int64_t *out);
AV_MUST_USE bool av_moment_from_asn1(const ASN1_TIME *time, int64_t *out);

#endif
