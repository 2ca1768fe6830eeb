/* The text encodings a CID may come in, decoded strictly.
 * Owns nothing. It never takes padding, stray trailing bits or a byte outside the alphabet
 * (RFC 4648 3.3, 3.5); letters of base16, base32 and base36 may be of either case. */
#ifndef RULES_MULTIBASE_H
#define RULES_MULTIBASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "base/span.h"

/* `prefix` is the multibase character: b B f F k K z u. `room` bounds the answer; the text must be
 * bounded by the caller (base36 and base58 take quadratic time). */
MUST_USE bool multibase_decode(char prefix, struct span text, uint8_t *out, size_t room,
                               size_t *out_len);
/* Base32 lower case without padding, NUL-ended; `out` takes 8 characters for 5 bytes, plus one. */
size_t multibase_base32(const uint8_t *bytes, size_t count, char *out);

#endif
