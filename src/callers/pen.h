/* Puts short texts together without printf, which is a third of what a hold costs.
 * It owns nothing: it writes into its caller's memory. It never passes the end: that is a bug. */
#ifndef CALLERS_PEN_H
#define CALLERS_PEN_H

#include "base/must.h"
#include "base/span.h"

struct pen {
    char *at, *end;
};

static inline void pen_text(struct pen *pen, struct span text)
{
    must((size_t)(pen->end - pen->at) > text.len);
    if (text.len > 0)
        memcpy(pen->at, text.ptr, text.len);
    pen->at += text.len;
}

static inline void pen_char(struct pen *pen, char c)
{
    must(pen->end - pen->at > 1);
    *pen->at++ = c;
}

/* At least `least` digits. */
static inline void pen_u64(struct pen *pen, uint64_t value, unsigned least)
{
    char digits[20];
    unsigned count = 0;
    for (; value > 0 || count < least; value /= 10)
        digits[sizeof(digits) - ++count] = (char)('0' + value % 10);
    pen_text(pen, span_of(digits + sizeof(digits) - count, count));
}

/* 16 digits. */
static inline void pen_hex(struct pen *pen, uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        pen_char(pen, "0123456789abcdef"[value >> shift & 15]);
}

#endif
