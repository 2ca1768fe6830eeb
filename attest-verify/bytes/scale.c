#include "bytes/scale.h"

/* The low two bits of the first byte say how many bytes the integer takes; what is left of it is
 * little-endian. Mode 3 holds numbers from 2^30 up, which nothing in a certificate can have. */
enum { MODE_BITS = 2, MODE_MASK = 3, MODE_BIG = 3 };

bool av_scale_length(struct cursor *cursor, size_t *out)
{
    static const size_t sizes[] = {1, 2, 4};
    static const uint64_t shorter_max[] = {0, 0x3f, 0x3fff};
    struct cursor trial = *cursor;
    uint8_t octet;
    uint64_t value = 0;
    if (trial.left == 0 || (trial.at[0] & MODE_MASK) == MODE_BIG)
        return false;
    unsigned mode = trial.at[0] & MODE_MASK;
    for (size_t i = 0; i < sizes[mode]; ++i) {
        if (!av_cursor_u8(&trial, &octet))
            return false;
        value |= (uint64_t)octet << (8 * i);
    }
    value >>= MODE_BITS;
    if ((mode > 0 && value <= shorter_max[mode]) || value > trial.left)
        return false;
    *cursor = trial;
    *out = (size_t)value;
    return true;
}

bool av_scale_bytes(struct cursor *cursor, struct attest_bytes *out)
{
    struct cursor trial = *cursor;
    size_t len;
    if (!av_scale_length(&trial, &len) || !av_cursor_take(&trial, len, out))
        return false;
    *cursor = trial;
    return true;
}
