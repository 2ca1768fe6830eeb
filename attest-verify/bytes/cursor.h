/* A reader over foreign bytes that knows how many are left.
 * Owns nothing: what it hands out points into the bytes it was given.
 * Never reads beyond them; this is the only pointer arithmetic over evidence in the library. */
#ifndef AV_CURSOR_H
#define AV_CURSOR_H

#include "verdict.h"

struct cursor {
    const uint8_t *at;
    size_t left;
};

struct cursor av_cursor_over(struct attest_bytes bytes);

/* Each takes from the front, or takes nothing and returns false when too few bytes are left. */
AV_MUST_USE bool av_cursor_take(struct cursor *cursor, size_t count, struct attest_bytes *out);
AV_MUST_USE bool av_cursor_u8(struct cursor *cursor, uint8_t *out);
AV_MUST_USE bool av_cursor_u16le(struct cursor *cursor, uint16_t *out);
AV_MUST_USE bool av_cursor_u32le(struct cursor *cursor, uint32_t *out);

/* One DER element with `tag`, its contents in `inner`. Only definite, shortest lengths. */
AV_MUST_USE bool av_cursor_der(struct cursor *cursor, uint8_t tag, struct attest_bytes *inner);

/* A DER INTEGER or ENUMERATED (`tag`) that is not negative and at most `max`. */
AV_MUST_USE bool av_cursor_der_uint(struct cursor *cursor, uint8_t tag, unsigned max,
                                    unsigned *out);

bool av_bytes_equal(struct attest_bytes a, struct attest_bytes b);
bool av_bytes_are_zero(struct attest_bytes bytes);

#endif
