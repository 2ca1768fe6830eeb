/* Base64url without padding (RFC 4648 5), as JOSE writes it.
 * It owns nothing. It never reads what another encoder would have written differently: padding,
 * other alphabets, or bits behind the last byte that are not zero. */
#ifndef BASE_BASE64URL_H
#define BASE_BASE64URL_H

#include "base/must.h"
#include "base/span.h"

/* Characters of `bytes` bytes, a NUL not counted. */
#define BASE64URL_CHARS(bytes) (((bytes)*4 + 2) / 3)

/* Writes BASE64URL_CHARS(bytes.len) characters and a NUL; how many characters. */
size_t base64url_write(char *out, struct span bytes);
/* Reads exactly `count` bytes. False when `text` is not exactly those. */
MUST_USE bool base64url_read(struct span text, void *out, size_t count);

#endif
