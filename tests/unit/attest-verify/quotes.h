/* Quotes made by hand for the unit tests: right in shape, signed by nobody.
 * Owns nothing: the caller brings the room.
 * Never imitates a real platform: every byte that is not structure is a filling pattern. */
#ifndef QUOTES_H
#define QUOTES_H

#include "formats/quote.h"

#include <string.h>

enum { QUOTE_ROOM = 4096, QE_AUTH_BYTES = 32 };

struct made_quote {
    uint8_t bytes[QUOTE_ROOM];
    size_t len;
    size_t body_at, auth_len_at, qe_frame_at; /* qe_frame_at: 0 in version 3 */
    size_t qe_auth_len_at, cert_type_at;
};

static inline void quotes_put(struct made_quote *quote, const void *bytes, size_t len)
{
    memcpy(quote->bytes + quote->len, bytes, len);
    quote->len += len;
}

static inline void quotes_put_number(struct made_quote *quote, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; ++i)
        quote->bytes[quote->len++] = (uint8_t)(value >> (8 * i));
}

static inline void quotes_put_fill(struct made_quote *quote, uint8_t with, size_t len)
{
    memset(quote->bytes + quote->len, with, len);
    quote->len += len;
}

/* An enclave report whose reserved fields are zero. */
static inline void quotes_put_sgx_report(struct made_quote *quote, uint8_t with)
{
    size_t at = quote->len;
    quotes_put_fill(quote, with, SGX_REPORT_BYTES);
    memset(quote->bytes + at + 20, 0, 12);
    memset(quote->bytes + at + 96, 0, 32);
    memset(quote->bytes + at + 160, 0, 32);
    memset(quote->bytes + at + 262, 0, 42);
}

static inline void quotes_put_qe_part(struct made_quote *quote, const char *pem)
{
    quotes_put_sgx_report(quote, 0x51);
    quotes_put_fill(quote, 0x52, 64);
    quote->qe_auth_len_at = quote->len;
    quotes_put_number(quote, QE_AUTH_BYTES, 2);
    quotes_put_fill(quote, 0x53, QE_AUTH_BYTES);
    quote->cert_type_at = quote->len;
    quotes_put_number(quote, 5, 2);
    quotes_put_number(quote, strlen(pem), 4);
    quotes_put(quote, pem, strlen(pem));
}

/* `body_type` is of version 5: 1 SGX, 2 TD 1.0, 3 TD 1.5. In version 3 and 4 it chooses the same.
 */
static inline void quotes_make(struct made_quote *quote, unsigned version, unsigned body_type,
                               const char *pem)
{
    static const uint8_t intel[] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                    0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
    static const size_t sizes[] = {0, SGX_REPORT_BYTES, TD10_REPORT_BYTES, TD15_REPORT_BYTES};
    memset(quote, 0, sizeof *quote);
    quotes_put_number(quote, version, 2);
    quotes_put_number(quote, 2, 2);
    quotes_put_number(quote, body_type == 1 ? 0 : 0x81, 4);
    quotes_put_fill(quote, 0, 4);
    quotes_put(quote, intel, sizeof intel);
    quotes_put_fill(quote, 0x11, 20);
    if (version == 5) {
        quotes_put_number(quote, body_type, 2);
        quotes_put_number(quote, sizes[body_type], 4);
    }
    quote->body_at = quote->len;
    if (body_type == 1)
        quotes_put_sgx_report(quote, 0x22);
    else
        quotes_put_fill(quote, 0x23, sizes[body_type]);
    quote->auth_len_at = quote->len;
    quotes_put_number(quote, 0, 4);
    quotes_put_fill(quote, 0x31, 64);
    quotes_put_fill(quote, 0x32, 64);
    if (version == 3) {
        quotes_put_qe_part(quote, pem);
    } else {
        quotes_put_number(quote, 6, 2);
        quote->qe_frame_at = quote->len;
        quotes_put_number(quote, 0, 4);
        quotes_put_qe_part(quote, pem);
    }
    size_t end = quote->len;
    quote->len = quote->auth_len_at;
    quotes_put_number(quote, end - quote->auth_len_at - 4, 4);
    if (quote->qe_frame_at != 0) {
        quote->len = quote->qe_frame_at;
        quotes_put_number(quote, end - quote->qe_frame_at - 4, 4);
    }
    quote->len = end;
}

static inline struct attest_bytes quotes_bytes(const struct made_quote *quote)
{
    return (struct attest_bytes){.ptr = quote->bytes, .len = quote->len};
}

#endif
