#include "exchange/kept.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { VERSION = 1, HEAD_BYTES_MAX = 131072, HEAD_FIELDS_MAX = 256, STATUS_MAX = 999 };

/* --- writing --------------------------------------------------------------------------------- */

/* Numbers are four bytes, texts a number and their bytes. With `out` NULL it only counts. */
struct writer {
    char *out;
    size_t at;
};

static void write_number(struct writer *writer, size_t number)
{
    unsigned char bytes[4] = {(unsigned char)(number >> 24), (unsigned char)(number >> 16),
                              (unsigned char)(number >> 8), (unsigned char)number};
    if (writer->out != NULL)
        memcpy(writer->out + writer->at, bytes, sizeof(bytes));
    writer->at += sizeof(bytes);
}

static void write_text(struct writer *writer, struct span text)
{
    write_number(writer, text.len);
    if (writer->out != NULL && text.len > 0)
        memcpy(writer->out + writer->at, text.ptr, text.len);
    writer->at += text.len;
}

static void write_head(struct writer *writer, const struct head *head)
{
    write_number(writer, head->field_count);
    for (uint32_t i = 0; i < head->field_count; ++i) {
        write_text(writer, head->fields[i].name);
        write_text(writer, head->fields[i].value);
    }
}

static void write_all(struct writer *writer, const struct kept *kept)
{
    write_number(writer, VERSION);
    write_text(writer, span_text(kept->worker));
    write_text(writer, span_text(kept->measurement));
    write_number(writer, (size_t)kept->head->status);
    write_head(writer, kept->head);
    write_text(writer, span_of(kept->body, kept->body_len));
    write_number(writer, kept->trailers != NULL);
    if (kept->trailers != NULL)
        write_head(writer, kept->trailers);
}

char *kept_write(const struct kept *kept, size_t most, size_t *len)
{
    struct writer writer = {NULL, 0};
    write_all(&writer, kept);
    if (writer.at > most)
        return NULL;
    *len = writer.at;
    writer = (struct writer){alloc_zeroed(writer.at), 0};
    write_all(&writer, kept);
    return writer.out;
}

/* --- reading --------------------------------------------------------------------------------- */

static bool read_number(struct span *text, size_t most, size_t *out)
{
    const unsigned char *bytes = (const unsigned char *)text->ptr;
    if (text->len < 4)
        return false;
    *out = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
    *text = span_from(*text, 4);
    return *out <= most;
}

static bool read_text(struct span *text, struct span *out)
{
    size_t len;
    if (!read_number(text, SIZE_MAX, &len) || len > text->len)
        return false;
    *out = span_of(text->ptr, len);
    *text = span_from(*text, len);
    return true;
}

static bool read_word(struct span *text, char *out, size_t size)
{
    struct span word;
    if (!read_text(text, &word) || word.len >= size)
        return false;
    snprintf(out, size, "%.*s", (int)word.len, word.ptr);
    return true;
}

static bool read_head(struct span *text, struct head **out)
{
    size_t count;
    if (!read_number(text, HEAD_FIELDS_MAX, &count))
        return false;
    *out = head_new(HEAD_BYTES_MAX, HEAD_FIELDS_MAX);
    for (size_t i = 0; i < count; ++i) {
        struct span name, value;
        if (!read_text(text, &name) || !read_text(text, &value) || !head_add(*out, name, value))
            return false;
    }
    return true;
}

static bool read_all(struct kept *out, struct span text)
{
    size_t version, status, trailers;
    struct span body;
    if (!read_number(&text, VERSION, &version) || version != VERSION ||
        !read_word(&text, out->worker, sizeof(out->worker)) ||
        !read_word(&text, out->measurement, sizeof(out->measurement)) ||
        !read_number(&text, STATUS_MAX, &status) || status < 200 || !read_head(&text, &out->head) ||
        !read_text(&text, &body) || !read_number(&text, 1, &trailers))
        return false;
    out->head->status = (int)status;
    if (trailers == 1 && !read_head(&text, &out->trailers))
        return false;
    out->body = alloc_text(body.ptr, body.len);
    out->body_len = body.len;
    return text.len == 0;
}

bool kept_read(struct kept *out, struct span text)
{
    *out = (struct kept){.body = NULL};
    if (read_all(out, text))
        return true;
    kept_fini(out);
    return false;
}

void kept_fini(struct kept *kept)
{
    head_free(kept->head);
    head_free(kept->trailers);
    free(kept->body);
    *kept = (struct kept){.body = NULL};
}
