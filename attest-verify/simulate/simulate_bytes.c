#include "simulate/simulate_bytes.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void simulate_give_up(const char *what, const char *file, int line)
{
    fprintf(stderr, "attest-verify simulate: %s:%d: this failed: %s\n", file, line, what);
    ERR_print_errors_fp(stderr);
    abort();
}

void simulate_bytes_fini(struct simulate_bytes *bytes)
{
    free(bytes->ptr);
    *bytes = (struct simulate_bytes){0};
}

static void reserve(struct simulate_bytes *bytes, size_t more)
{
    simulate_need(more <= SIMULATE_BYTES_MAX && bytes->len <= SIMULATE_BYTES_MAX - more);
    if (bytes->len + more <= bytes->cap)
        return;
    size_t cap = bytes->cap == 0 ? 256 : bytes->cap;
    while (cap < bytes->len + more)
        cap *= 2;
    bytes->ptr = realloc(bytes->ptr, cap);
    simulate_need(bytes->ptr != NULL);
    bytes->cap = cap;
}

void simulate_put(struct simulate_bytes *bytes, const void *from, size_t len)
{
    if (len == 0)
        return;
    reserve(bytes, len);
    memcpy(bytes->ptr + bytes->len, from, len);
    bytes->len += len;
}

void simulate_put_byte(struct simulate_bytes *bytes, uint8_t value)
{
    simulate_put(bytes, &value, 1);
}

void simulate_put_zeros(struct simulate_bytes *bytes, size_t len)
{
    reserve(bytes, len);
    memset(bytes->ptr + bytes->len, 0, len);
    bytes->len += len;
}

void simulate_put_le(struct simulate_bytes *bytes, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; ++i)
        simulate_put_byte(bytes, (uint8_t)(value >> (8 * i)));
}

void simulate_put_text(struct simulate_bytes *bytes, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    simulate_need(len >= 0);
    reserve(bytes, (size_t)len + 1); /* vsnprintf ends it with a NUL that is not ours */
    vsnprintf((char *)bytes->ptr + bytes->len, (size_t)len + 1, format, again);
    bytes->len += (size_t)len;
    va_end(again);
    va_end(args);
}

void simulate_put_hex(struct simulate_bytes *bytes, const uint8_t *from, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < len; ++i) {
        simulate_put_byte(bytes, (uint8_t)digits[from[i] >> 4]);
        simulate_put_byte(bytes, (uint8_t)digits[from[i] & 15]);
    }
}

void simulate_der_close(struct simulate_bytes *bytes, uint8_t tag, size_t mark)
{
    size_t len = bytes->len - mark;
    uint8_t head[4] = {tag, (uint8_t)len};
    size_t head_len = 2;
    simulate_need(len <= 0xffff);
    if (len > 0xff) {
        head[1] = 0x82;
        head[2] = (uint8_t)(len >> 8);
        head[3] = (uint8_t)len;
        head_len = 4;
    } else if (len > 0x7f) {
        head[1] = 0x81;
        head[2] = (uint8_t)len;
        head_len = 3;
    }
    reserve(bytes, head_len);
    memmove(bytes->ptr + mark + head_len, bytes->ptr + mark, len);
    memcpy(bytes->ptr + mark, head, head_len);
    bytes->len += head_len;
}

void simulate_der_integer(struct simulate_bytes *bytes, uint32_t value)
{
    size_t mark = bytes->len;
    bool begun = false;
    for (int shift = 24; shift >= 0; shift -= 8) {
        uint8_t byte = (uint8_t)(value >> shift);
        if (!begun && byte == 0 && shift > 0)
            continue;
        if (!begun && byte >= 0x80) /* a leading 1 bit would make it negative */
            simulate_put_byte(bytes, 0);
        begun = true;
        simulate_put_byte(bytes, byte);
    }
    simulate_der_close(bytes, 0x02, mark);
}

void simulate_der_octets(struct simulate_bytes *bytes, const uint8_t *from, size_t len)
{
    size_t mark = bytes->len;
    simulate_put(bytes, from, len);
    simulate_der_close(bytes, 0x04, mark);
}

void simulate_cbor_head(struct simulate_bytes *bytes, uint8_t major, uint32_t value)
{
    uint8_t kind = (uint8_t)(major << 5);
    size_t size = value < 24 ? 0 : value <= 0xff ? 1 : value <= 0xffff ? 2 : 4;
    uint8_t info = size == 0 ? (uint8_t)value : size == 1 ? 24 : size == 2 ? 25 : 26;
    simulate_put_byte(bytes, kind | info);
    for (size_t i = size; i > 0; --i)
        simulate_put_byte(bytes, (uint8_t)(value >> (8 * (i - 1))));
}

void simulate_cbor_octets(struct simulate_bytes *bytes, const uint8_t *from, size_t len)
{
    simulate_cbor_head(bytes, 2, (uint32_t)len);
    simulate_put(bytes, from, len);
}
