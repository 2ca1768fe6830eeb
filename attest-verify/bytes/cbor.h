/* A strict reader of the little CBOR (RFC 8949) that RA-TLS evidence is wrapped in.
 * Owns nothing: strings point into the bytes read.
 * Never accepts indefinite lengths or an integer longer than it need be. */
#ifndef AV_CBOR_H
#define AV_CBOR_H

#include "bytes/cursor.h"

enum cbor_major { CBOR_UINT, CBOR_NEGATIVE, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP, CBOR_TAG };

enum { CBOR_DEPTH_MAX = 8 };

/* The head of the next item, which must be of `major`; its argument in `argument`. */
AV_MUST_USE bool av_cbor_head(struct cursor *cursor, enum cbor_major major, uint64_t *argument);

/* A whole byte or text string. */
AV_MUST_USE bool av_cbor_string(struct cursor *cursor, enum cbor_major major,
                                struct attest_bytes *out);

/* Any one well-formed item, nested at most CBOR_DEPTH_MAX deep. */
AV_MUST_USE bool av_cbor_skip(struct cursor *cursor);

#endif
