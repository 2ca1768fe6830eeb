/* Random text: ids nobody can guess and secrets. It owns nothing.
 * It never answers with less randomness than asked: without the kernel's the process stops. */
#ifndef CALLERS_TOKEN_H
#define CALLERS_TOKEN_H

#include <stddef.h>

/* `chars` characters of base32 in lower case (RFC 4648 6), five random bits each, and a NUL. */
void token_make(char *out, size_t chars);
/* The first `chars` characters (a NUL behind) of the base32 of bytes there are enough of. */
void token_base32(char *out, size_t chars, const unsigned char *bytes);
/* Bytes as hex in lower case; `out` takes 2 * count + 1. */
void token_hex(char *out, const unsigned char *bytes, size_t count);

#endif
