/* A queue of bytes in chunks, with a maximum set when it is made.
 * It owns its chunks; an empty one owns none. It never takes more than its maximum. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

#include "base/must.h"
#include "base/span.h"

struct buf_chunk;
struct buf {
    struct buf_chunk *first;
    struct buf_chunk *last;
    size_t bytes;
    size_t bytes_max;
};

void buf_init(struct buf *buf, size_t bytes_max);
void buf_fini(struct buf *buf);

static inline size_t buf_room(const struct buf *buf)
{
    return buf->bytes_max - buf->bytes;
}

/* All or nothing: false, and nothing appended, when there is no room for all of it. */
MUST_USE bool buf_append(struct buf *buf, const void *bytes, size_t count);
/* The contiguous bytes at the front; empty when the buffer is. Valid until the next change. */
struct span buf_front(const struct buf *buf);
/* The first `count_max` contiguous pieces from the front on; how many there are. As buf_front(). */
size_t buf_spans(const struct buf *buf, struct span *out, size_t count_max);
/* Takes `count` bytes from the front; more than there are is a bug. */
void buf_drop(struct buf *buf, size_t count);
/* Copies up to `count` bytes from the front to `to` and drops them; how many. */
size_t buf_read(struct buf *buf, void *to, size_t count);
/* Moves up to `count` bytes (and no more than `to` has room for) from front to back; how many.
 * Whole chunks change hands without being copied, unless they are nearly empty. */
size_t buf_move(struct buf *to, struct buf *from, size_t count);

#endif
