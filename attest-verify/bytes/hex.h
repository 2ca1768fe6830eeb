/* Hexadecimal text and bytes.
 * Owns nothing: every buffer is the caller's.
 * Never accepts anything but pairs of hexadecimal digits, nor another length than asked for. */
#ifndef AV_HEX_H
#define AV_HEX_H

#include "verdict.h"

/* Exactly 2 * `len` digits of either case. */
AV_MUST_USE bool av_hex_decode(const char *text, size_t text_len, uint8_t *out, size_t len);

/* Writes 2 * `len` lower-case digits and a NUL. */
void av_hex_encode(const uint8_t *bytes, size_t len, char *out);

#endif
