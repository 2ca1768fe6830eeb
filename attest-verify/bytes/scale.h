/* A strict reader of the little SCALE (the codec of Substrate) that dstack's older envelopes use.
 * Owns nothing: what it hands out points into the bytes read.
 * Never accepts a length longer than what follows it, or one in more bytes than it needs. */
#ifndef AV_SCALE_H
#define AV_SCALE_H

#include "bytes/cursor.h"

/* A compact length: of items that are at least one byte each, so at most what is left. */
AV_MUST_USE bool av_scale_length(struct cursor *cursor, size_t *out);

/* A vector of bytes, or a string: both are a compact length and so many bytes. */
AV_MUST_USE bool av_scale_bytes(struct cursor *cursor, struct attest_bytes *out);

#endif
