#include "callers/token.h"

#include <string.h>
#include <sys/random.h>

#include "base/must.h"

void token_make(char *out, size_t chars)
{
    unsigned char bytes[128];
    must(chars <= sizeof(bytes));
    must(getrandom(bytes, chars, 0) ==
         (ssize_t)chars); /* up to 256 bytes come whole: getrandom(2) */
    for (size_t i = 0; i < chars; ++i)
        out[i] = "abcdefghijklmnopqrstuvwxyz234567"[bytes[i] & 31];
    out[chars] = '\0';
    explicit_bzero(bytes, sizeof(bytes));
}

void token_hex(char *out, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    out[2 * count] = '\0';
}
