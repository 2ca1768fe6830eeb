#include "callers/frame.h"

#include "base/must.h"

void frame_put_u64(char to[8], uint64_t value)
{
    for (unsigned i = 0; i < 8; ++i)
        to[i] = (char)(value >> 8 * i & 0xff);
}

uint64_t frame_get_u64(const char from[8])
{
    uint64_t value = 0;
    for (unsigned i = 8; i-- > 0;)
        value = value << 8 | (unsigned char)from[i];
    return value;
}

static void put_u32(char *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; ++i)
        to[i] = (char)(value >> 8 * i & 0xff);
}

static uint32_t get_u32(const char *from)
{
    uint32_t value = 0;
    for (unsigned i = 4; i-- > 0;)
        value = value << 8 | (unsigned char)from[i];
    return value;
}

/* CRC-32C (RFC 3720 B.4: polynomial 0x1EDC6F41, reflected), a bit at a time over two half bytes:
 * entries are some hundred bytes, and there is one a call. */
static uint32_t crc32c(const char *bytes, size_t count)
{
    static const uint32_t half[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    uint32_t crc = ~0u;
    for (size_t i = 0; i < count; ++i) {
        crc ^= (unsigned char)bytes[i];
        crc = crc >> 4 ^ half[crc & 15];
        crc = crc >> 4 ^ half[crc & 15];
    }
    return ~crc;
}

/* The head: length of the content (4), sum (4) over all that follows, number (8), kind (1). */
size_t frame_write(char *to, const struct frame *frame)
{
    size_t len = frame->content.len;
    must(len <= FRAME_CONTENT_MAX);
    put_u32(to, (uint32_t)len);
    frame_put_u64(to + 8, frame->number);
    to[16] = (char)frame->kind;
    if (len > 0)
        memcpy(to + FRAME_HEAD_BYTES, frame->content.ptr, len);
    put_u32(to + 4, crc32c(to + 8, FRAME_HEAD_BYTES - 8 + len) ^ (uint32_t)len);
    return FRAME_HEAD_BYTES + len;
}

size_t frame_read(struct span from, struct frame *frame)
{
    if (from.len < FRAME_HEAD_BYTES)
        return 0;
    size_t len = get_u32(from.ptr);
    if (len > FRAME_CONTENT_MAX || from.len - FRAME_HEAD_BYTES < len)
        return 0;
    if ((crc32c(from.ptr + 8, FRAME_HEAD_BYTES - 8 + len) ^ (uint32_t)len) != get_u32(from.ptr + 4))
        return 0;
    unsigned kind = (unsigned char)from.ptr[16];
    if (kind != FRAME_ENTRY && kind != FRAME_ACKNOWLEDGED)
        return 0;
    *frame = (struct frame){.number = frame_get_u64(from.ptr + 8),
                            .kind = (enum frame_kind)kind,
                            .content = span_of(from.ptr + FRAME_HEAD_BYTES, len)};
    return FRAME_HEAD_BYTES + len;
}
