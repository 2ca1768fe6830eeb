#include "base/buf.h"

#include <stdlib.h>

#include "base/alloc.h"

/* A chunk fits one full TLS record (RFC 8446 5.1), small ones start small: most streams carry
 * little, and a stalled one should not cost 16 KiB for a few bytes. */
enum { CHUNK_LEAST = 1024, CHUNK_MOST = 16384, SPARSE = 4 };

struct buf_chunk {
    struct buf_chunk *next;
    size_t begin;
    size_t end;
    size_t bytes;
    char memory[];
};

void buf_init(struct buf *buf, size_t bytes_max)
{
    *buf = (struct buf){.bytes_max = bytes_max};
}

void buf_fini(struct buf *buf)
{
    buf_drop(buf, buf->bytes);
}

static void chunk_push(struct buf *buf, struct buf_chunk *chunk)
{
    chunk->next = NULL;
    if (buf->last == NULL)
        buf->first = chunk;
    else
        buf->last->next = chunk;
    buf->last = chunk;
}

static struct buf_chunk *chunk_new(size_t wanted)
{
    size_t bytes = CHUNK_LEAST;
    while (bytes < wanted && bytes < CHUNK_MOST)
        bytes *= 2;
    struct buf_chunk *chunk = malloc(sizeof(*chunk) + bytes);
    must(chunk != NULL);
    chunk->begin = chunk->end = 0;
    chunk->bytes = bytes;
    return chunk;
}

static void chunk_drop_first(struct buf *buf)
{
    struct buf_chunk *chunk = buf->first;
    buf->first = chunk->next;
    if (buf->first == NULL)
        buf->last = NULL;
    free(chunk);
}

bool buf_append(struct buf *buf, const void *bytes, size_t count)
{
    if (count > buf_room(buf))
        return false;
    const char *from = bytes;
    while (count > 0) {
        struct buf_chunk *chunk = buf->last;
        if (chunk == NULL || chunk->end == chunk->bytes) {
            /* Twice the last one: many small pieces do not become many small chunks. */
            size_t wanted = chunk != NULL && chunk->bytes * 2 > count ? chunk->bytes * 2 : count;
            chunk = chunk_new(wanted);
            chunk_push(buf, chunk);
        }
        size_t step = chunk->bytes - chunk->end < count ? chunk->bytes - chunk->end : count;
        memcpy(chunk->memory + chunk->end, from, step);
        chunk->end += step;
        buf->bytes += step;
        from += step;
        count -= step;
    }
    return true;
}

struct span buf_front(const struct buf *buf)
{
    if (buf->first == NULL)
        return SPAN_NONE;
    return span_of(buf->first->memory + buf->first->begin, buf->first->end - buf->first->begin);
}

size_t buf_spans(const struct buf *buf, struct span *out, size_t count_max)
{
    size_t count = 0;
    for (const struct buf_chunk *chunk = buf->first; chunk != NULL && count < count_max;
         chunk = chunk->next)
        out[count++] = span_of(chunk->memory + chunk->begin, chunk->end - chunk->begin);
    return count;
}

void buf_drop(struct buf *buf, size_t count)
{
    must(count <= buf->bytes);
    while (count > 0) {
        struct buf_chunk *chunk = buf->first;
        size_t held = chunk->end - chunk->begin;
        size_t step = held < count ? held : count;
        chunk->begin += step;
        buf->bytes -= step;
        count -= step;
        if (chunk->begin == chunk->end)
            chunk_drop_first(buf);
    }
}

size_t buf_read(struct buf *buf, void *to, size_t count)
{
    size_t done = 0;
    while (done < count && buf->bytes > 0) {
        struct span front = buf_front(buf);
        size_t step = front.len < count - done ? front.len : count - done;
        memcpy((char *)to + done, front.ptr, step);
        buf_drop(buf, step);
        done += step;
    }
    return done;
}

size_t buf_move(struct buf *to, struct buf *from, size_t count)
{
    size_t done = 0;
    if (count > buf_room(to))
        count = buf_room(to);
    while (done < count && from->bytes > 0) {
        struct buf_chunk *chunk = from->first;
        size_t held = chunk->end - chunk->begin;
        /* A nearly empty chunk is copied all the same: the maximum counts bytes, and a stranger who
         * sends them one by one must not make each cost a chunk. */
        if (held <= count - done && held >= chunk->bytes / SPARSE) {
            from->first = chunk->next;
            if (from->first == NULL)
                from->last = NULL;
            from->bytes -= held;
            chunk_push(to, chunk);
            to->bytes += held;
            done += held;
            continue;
        }
        size_t step = held < count - done ? held : count - done;
        must(buf_append(to, chunk->memory + chunk->begin, step));
        buf_drop(from, step);
        done += step;
    }
    return done;
}
