/* A growing run of bytes, and the few encodings in which the simulated TEE writes (little-endian
 * fields, DER, CBOR, hex, text).
 * It owns its bytes; one that is all zero is empty and ready.
 * It never fails halfway: a lack of memory or a refusal by OpenSSL ends the program, for a tool
 * that makes test data has nothing to save. */
#ifndef SIMULATE_BYTES_H
#define SIMULATE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIMULATE_BYTES_MAX = 1 << 20 };

struct simulate_bytes {
    uint8_t *ptr;
    size_t len;
    size_t cap;
};

void simulate_bytes_fini(struct simulate_bytes *bytes);

void simulate_put(struct simulate_bytes *bytes, const void *from, size_t len);
void simulate_put_byte(struct simulate_bytes *bytes, uint8_t value);
void simulate_put_zeros(struct simulate_bytes *bytes, size_t len);
/* The low `size` bytes of `value`, least significant first. */
void simulate_put_le(struct simulate_bytes *bytes, uint64_t value, size_t size);
void simulate_put_text(struct simulate_bytes *bytes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void simulate_put_hex(struct simulate_bytes *bytes, const uint8_t *from, size_t len); /* upper */

/* Makes everything after `mark` the content of a DER element: puts tag and length before it. */
void simulate_der_close(struct simulate_bytes *bytes, uint8_t tag, size_t mark);
void simulate_der_integer(struct simulate_bytes *bytes, uint32_t value);
void simulate_der_octets(struct simulate_bytes *bytes, const uint8_t *from, size_t len);

/* The head of a CBOR item in its shortest form (RFC 8949 4.2.1); `value` below 2^32. */
void simulate_cbor_head(struct simulate_bytes *bytes, uint8_t major, uint32_t value);
void simulate_cbor_octets(struct simulate_bytes *bytes, const uint8_t *from, size_t len);

/* Ends the program with what failed and OpenSSL's own words, unless `cond` holds. */
#define simulate_need(cond) ((cond) ? (void)0 : simulate_give_up(#cond, __FILE__, __LINE__))
_Noreturn void simulate_give_up(const char *what, const char *file, int line);

#endif
