#include "bytes/base64url.h"

static int value_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool av_base64url_decode(struct attest_bytes text, uint8_t *out, size_t room, size_t *len)
{
    uint32_t bits = 0;
    unsigned kept = 0;
    *len = 0;
    if (text.len % 4 == 1)
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
        if (*len == room)
            return false;
        out[(*len)++] = (uint8_t)(bits >> kept);
    }
    return (bits & ((1u << kept) - 1)) == 0;
}
