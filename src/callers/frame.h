/* One entry of the journal as bytes: a head of 17 bytes (length, CRC-32C, number, kind; little
 * endian) and its content. It owns nothing. It never takes bytes whose sum does not fit for an
 * entry. */
#ifndef CALLERS_FRAME_H
#define CALLERS_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum { FRAME_HEAD_BYTES = 17, FRAME_CONTENT_MAX = 4096 };

enum frame_kind {
    FRAME_ENTRY = 1,        /* content: the writer's */
    FRAME_ACKNOWLEDGED = 2, /* content: numbers of entries, eight bytes each */
};

struct frame {
    uint64_t number;
    enum frame_kind kind;
    struct span content;
};

/* Writes head and content to `to`, which takes both; how many bytes. */
size_t frame_write(char *to, const struct frame *frame);
/* Reads the frame `from` begins with; its bytes, or 0 when they are cut off or not a frame's. */
size_t frame_read(struct span from, struct frame *frame);

void frame_put_u64(char to[8], uint64_t value);
uint64_t frame_get_u64(const char from[8]);

#endif
