#include "http/h1_body.h"

#include "http/field.h"

enum {
    SIZE_DIGITS_MAX = 16,
    EXT_BYTES_MAX = 8192 /* in one message: nobody uses them, attackers do */
};

void h1_body_init(struct h1_body *body, const struct h1_framing *framing,
                  const struct http_options *options)
{
    *body = (struct h1_body){.kind = framing->kind, .left = framing->length};
    body->done = framing->kind == H1_BODY_NONE;
    if (framing->kind == H1_BODY_CHUNKED)
        body->left = 0;
    h1_parser_init(&body->trailers, H1_TRAILERS, options);
}

void h1_body_fini(struct h1_body *body)
{
    h1_parser_fini(&body->trailers);
}

static void refuse(struct h1_body *body, int status, const char *why)
{
    body->status = status;
    body->why = why;
}

/* Bytes of the body proper. */
static size_t take_plain(struct span bytes, uint64_t left, struct buf *to)
{
    size_t count = bytes.len;
    if (count > left)
        count = (size_t)left;
    if (count > buf_room(to))
        count = buf_room(to);
    must(buf_append(to, bytes.ptr, count));
    return count;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static void take_size(struct h1_body *body, char c)
{
    int digit = hex_digit(c);
    if (digit >= 0) {
        if (++body->digits > SIZE_DIGITS_MAX || body->left > UINT64_MAX >> 5)
            refuse(body, 400, "a chunk size out of range");
        body->left = body->left << 4 | (unsigned)digit;
    } else if (body->digits > 0 && c == ';') {
        body->chunk = CHUNK_EXT_NAME;
    } else if (body->digits > 0 && c == '\r') {
        body->chunk = CHUNK_SIZE_LF;
    } else {
        refuse(body, 400, "no valid chunk size");
    }
}

static bool is_quotable(char c)
{
    return c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f);
}

/* What may follow a whole extension; false when `c` is none of it. */
static bool end_ext(struct h1_body *body, char c)
{
    if (c != ';' && c != '\r')
        return false;
    body->chunk = c == ';' ? CHUNK_EXT_NAME : CHUNK_SIZE_LF;
    return true;
}

/* chunk-ext, RFC 9112 7.1.1, without blanks: they are for bad senders only. */
static void take_ext(struct h1_body *body, char c)
{
    bool token = field_is_token(span_of(&c, 1));
    bool good = ++body->ext_bytes <= EXT_BYTES_MAX;
    switch (body->chunk) {
    case CHUNK_EXT_NAME:
        good &= token;
        body->chunk = CHUNK_EXT_NAME_MORE;
        break;
    case CHUNK_EXT_NAME_MORE:
        if (c == '=')
            body->chunk = CHUNK_EXT_VALUE;
        else
            good &= token || end_ext(body, c);
        break;
    case CHUNK_EXT_VALUE:
        good &= token || c == '"';
        body->chunk = c == '"' ? CHUNK_EXT_QUOTED : CHUNK_EXT_VALUE_MORE;
        break;
    case CHUNK_EXT_VALUE_MORE:
        good &= token || end_ext(body, c);
        break;
    case CHUNK_EXT_QUOTED:
        good &= is_quotable(c);
        if (c == '\\')
            body->chunk = CHUNK_EXT_ESCAPED;
        else if (c == '"')
            body->chunk = CHUNK_EXT_QUOTED_END;
        break;
    case CHUNK_EXT_ESCAPED:
        good &= is_quotable(c);
        body->chunk = CHUNK_EXT_QUOTED;
        break;
    default: /* CHUNK_EXT_QUOTED_END */
        good &= end_ext(body, c);
        break;
    }
    if (!good)
        refuse(body, 400, "no valid chunk extension");
}

static void take_chunk_byte(struct h1_body *body, char c)
{
    switch (body->chunk) {
    case CHUNK_SIZE:
        take_size(body, c);
        return;
    case CHUNK_SIZE_LF:
        if (c != '\n')
            refuse(body, 400, "a chunk size that does not end in CRLF");
        body->chunk = body->left == 0 ? CHUNK_TRAILERS : CHUNK_BYTES;
        return;
    case CHUNK_BYTES_CR:
        if (c != '\r')
            refuse(body, 400, "a chunk longer than its size");
        body->chunk = CHUNK_BYTES_LF;
        return;
    case CHUNK_BYTES_LF:
        if (c != '\n')
            refuse(body, 400, "a chunk longer than its size");
        body->chunk = CHUNK_SIZE;
        body->digits = 0;
        return;
    default:
        take_ext(body, c);
        return;
    }
}

static size_t take_trailers(struct h1_body *body, struct span bytes)
{
    size_t taken = h1_parser_take(&body->trailers, bytes);
    if (body->trailers.status != 0)
        refuse(body, body->trailers.status, body->trailers.why);
    body->done = body->trailers.done;
    return taken;
}

static size_t take_chunked(struct h1_body *body, struct span bytes, struct buf *to)
{
    size_t at = 0;
    while (at < bytes.len && !body->done && body->status == 0) {
        if (body->chunk == CHUNK_BYTES) {
            size_t count = take_plain(span_from(bytes, at), body->left, to);
            if (count == 0)
                break;
            at += count;
            body->left -= count;
            if (body->left == 0)
                body->chunk = CHUNK_BYTES_CR;
        } else if (body->chunk == CHUNK_TRAILERS) {
            at += take_trailers(body, span_from(bytes, at));
        } else {
            take_chunk_byte(body, bytes.ptr[at++]);
        }
    }
    return at;
}

size_t h1_body_take(struct h1_body *body, struct span bytes, struct buf *to)
{
    size_t taken;
    switch (body->kind) {
    case H1_BODY_LENGTH:
        taken = take_plain(bytes, body->left, to);
        body->left -= taken;
        body->done = body->left == 0;
        return taken;
    case H1_BODY_CHUNKED:
        return take_chunked(body, bytes, to);
    case H1_BODY_UNTIL_CLOSE:
        return take_plain(bytes, UINT64_MAX, to);
    default:
        return 0;
    }
}
