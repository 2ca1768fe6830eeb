#include "callers/token.h"

#include <string.h>
#include <sys/random.h>

#include "base/must.h"

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

void token_make(char *out, size_t chars)
{
    unsigned char bytes[128];
    must(chars <= sizeof(bytes));
    must(getrandom(bytes, chars, 0) ==
         (ssize_t)chars); /* up to 256 bytes come whole: getrandom(2) */
    for (size_t i = 0; i < chars; ++i)
        out[i] = base32[bytes[i] & 31];
    out[chars] = '\0';
    explicit_bzero(bytes, sizeof(bytes));
}

void token_base32(char *out, size_t chars, const unsigned char *bytes)
{
    for (size_t i = 0; i < chars; ++i) {
        unsigned value = 0;
        for (size_t bit = 5 * i; bit < 5 * i + 5; ++bit)
            value = value << 1 | (bytes[bit / 8] >> (7 - bit % 8) & 1);
        out[i] = base32[value];
    }
    out[chars] = '\0';
}

void token_hex(char *out, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    out[2 * count] = '\0';
}
