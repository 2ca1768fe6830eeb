#include "base/base64url.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t base64url_write(char *out, struct span bytes)
{
    uint32_t bits = 0;
    unsigned kept = 0;
    size_t len = 0;
    for (size_t i = 0; i < bytes.len; ++i) {
        bits = (bits << 8 | (unsigned char)bytes.ptr[i]) & 0xffffff;
        for (kept += 8; kept >= 6; kept -= 6)
            out[len++] = digits[bits >> (kept - 6) & 63];
    }
    if (kept > 0)
        out[len++] = digits[bits << (6 - kept) & 63];
    out[len] = '\0';
    return len;
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool base64url_read(struct span text, void *out, size_t count)
{
    unsigned char *to = out;
    uint32_t bits = 0;
    unsigned kept = 0;
    if (text.len != BASE64URL_CHARS(count))
        return false;
    for (size_t i = 0; i < text.len; ++i) {
        int value = value_of(text.ptr[i]);
        if (value < 0)
            return false;
        bits = (bits << 6 | (uint32_t)value) & 0xffffff;
        kept += 6;
        if (kept < 8)
            continue;
        kept -= 8;
        *to++ = (unsigned char)(bits >> kept);
    }
    return (bits & ((1u << kept) - 1)) == 0;
}
