/* Base64url without padding (RFC 4648 5), as JOSE writes it.
 * Owns nothing: every buffer is the caller's.
 * Never accepts padding, another alphabet, or bits behind the last byte that are not zero. */
#ifndef AV_BASE64URL_H
#define AV_BASE64URL_H

#include "verdict.h"

/* Into `out` of `room` bytes; how many, or false. */
AV_MUST_USE bool av_base64url_decode(struct attest_bytes text, uint8_t *out, size_t room,
                                     size_t *len);

#endif
