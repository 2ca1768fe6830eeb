#include "rules/multibase.h"

static const char BASE32[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char BASE36[] = "0123456789abcdefghijklmnopqrstuvwxyz";
static const char BASE58[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static const char BASE64URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct base {
    const char *prefixes;
    const char *alphabet;
    unsigned bits; /* a digit, for powers of two; 0: a positional number of `radix` */
    unsigned radix;
    bool any_case;
};

static const struct base bases[] = {
    {"bB", BASE32, 5, 32, true},    {"fF", "0123456789abcdef", 4, 16, true},
    {"kK", BASE36, 0, 36, true},    {"z", BASE58, 0, 58, false},
    {"u", BASE64URL, 6, 64, false},
};

static int digit_of(const struct base *base, char c)
{
    if (base->any_case && c >= 'A' && c <= 'Z')
        c = (char)(c - 'A' + 'a');
    const char *at = c == '\0' ? NULL : strchr(base->alphabet, c);
    return at == NULL ? -1 : (int)(at - base->alphabet);
}

static bool decode_bits(const struct base *base, struct span text, uint8_t *out, size_t room,
                        size_t *out_len)
{
    uint32_t held = 0;
    unsigned held_bits = 0;
    size_t count = 0;
    for (size_t i = 0; i < text.len; ++i) {
        int digit = digit_of(base, text.ptr[i]);
        if (digit < 0)
            return false;
        held = held << base->bits | (uint32_t)digit;
        held_bits += base->bits;
        if (held_bits < 8)
            continue;
        held_bits -= 8;
        if (count == room)
            return false;
        out[count++] = (uint8_t)(held >> held_bits);
        held &= (1U << held_bits) - 1;
    }
    *out_len = count;
    /* A whole digit left over, or bits that are not zero: another text for the same bytes. */
    return held_bits < base->bits && held == 0;
}

static bool decode_number(const struct base *base, struct span text, uint8_t *out, size_t room,
                          size_t *out_len)
{
    size_t zeros = 0;
    while (zeros < text.len && digit_of(base, text.ptr[zeros]) == 0)
        ++zeros;
    size_t used = 0; /* bytes of the number, at the end of `out` */
    for (size_t i = zeros; i < text.len; ++i) {
        int digit = digit_of(base, text.ptr[i]);
        if (digit < 0)
            return false;
        uint32_t carry = (uint32_t)digit;
        for (size_t at = 0; at < used; ++at) {
            carry += out[room - 1 - at] * base->radix;
            out[room - 1 - at] = (uint8_t)carry;
            carry >>= 8;
        }
        for (; carry > 0; carry >>= 8) {
            if (used == room)
                return false;
            out[room - 1 - used++] = (uint8_t)carry;
        }
    }
    if (zeros + used > room)
        return false;
    memmove(out + zeros, out + room - used, used);
    memset(out, 0, zeros);
    *out_len = zeros + used;
    return true;
}

bool multibase_decode(char prefix, struct span text, uint8_t *out, size_t room, size_t *out_len)
{
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); ++i)
        if (prefix != '\0' && strchr(bases[i].prefixes, prefix) != NULL)
            return bases[i].bits > 0 ? decode_bits(&bases[i], text, out, room, out_len)
                                     : decode_number(&bases[i], text, out, room, out_len);
    return false;
}

size_t multibase_base32(const uint8_t *bytes, size_t count, char *out)
{
    uint32_t held = 0;
    unsigned held_bits = 0;
    size_t len = 0;
    for (size_t i = 0; i < count; ++i) {
        held = held << 8 | bytes[i];
        for (held_bits += 8; held_bits >= 5; held_bits -= 5)
            out[len++] = BASE32[held >> (held_bits - 5) & 31];
    }
    if (held_bits > 0)
        out[len++] = BASE32[held << (5 - held_bits) & 31];
    out[len] = '\0';
    return len;
}
