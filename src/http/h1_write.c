#include "http/h1_write.h"

#include <inttypes.h>
#include <stdio.h>

#include "http/field.h"

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } rows[] = {{200, "OK"},
                {201, "Created"},
                {202, "Accepted"},
                {204, "No Content"},
                {206, "Partial Content"},
                {301, "Moved Permanently"},
                {302, "Found"},
                {303, "See Other"},
                {304, "Not Modified"},
                {307, "Temporary Redirect"},
                {308, "Permanent Redirect"},
                {400, "Bad Request"},
                {401, "Unauthorized"},
                {402, "Payment Required"},
                {403, "Forbidden"},
                {404, "Not Found"},
                {405, "Method Not Allowed"},
                {408, "Request Timeout"},
                {409, "Conflict"},
                {410, "Gone"},
                {413, "Content Too Large"},
                {414, "URI Too Long"},
                {417, "Expectation Failed"},
                {429, "Too Many Requests"},
                {431, "Request Header Fields Too Large"},
                {451, "Unavailable For Legal Reasons"},
                {500, "Internal Server Error"},
                {501, "Not Implemented"},
                {502, "Bad Gateway"},
                {503, "Service Unavailable"},
                {504, "Gateway Timeout"},
                {505, "HTTP Version Not Supported"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i)
        if (rows[i].status == status)
            return rows[i].reason;
    return "";
}

static bool put(struct buf *raw, struct span text)
{
    return text.len == 0 || buf_append(raw, text.ptr, text.len);
}

static bool put_field(struct buf *raw, struct span name, struct span value)
{
    return put(raw, name) && put(raw, SPAN_OF(": ")) && put(raw, value) &&
           put(raw, SPAN_OF("\r\n"));
}

/* Framing is ours; what is not a field would end its line and begin another (splitting). */
static bool is_ours_to_write(const struct field *field, const struct h1_outline *outline)
{
    bool is_length = span_is(field->name, SPAN_OF("content-length"));
    if (field_is_hop(field->name) || span_is(field->name, SPAN_OF("host")))
        return false;
    if (is_length && (outline->counts || outline->kind == H1_BODY_CHUNKED))
        return false;
    return field_is_token(field->name) && field_is_value(field->value);
}

static bool put_fields(struct buf *raw, const struct head *head, const struct h1_outline *outline)
{
    for (uint32_t i = 0; i < head->field_count; ++i) {
        const struct field *field = &head->fields[i];
        if (is_ours_to_write(field, outline) && !put_field(raw, field->name, field->value))
            return false;
    }
    return true;
}

static bool put_framing(struct buf *raw, const struct h1_outline *outline)
{
    char number[24];
    if (outline->counts) {
        snprintf(number, sizeof(number), "%" PRIu64, outline->length);
        return put_field(raw, SPAN_OF("content-length"), span_text(number));
    }
    if (outline->kind == H1_BODY_CHUNKED)
        return put_field(raw, SPAN_OF("transfer-encoding"), SPAN_OF("chunked"));
    return true;
}

bool h1_write_answer(struct buf *raw, const struct head *head, const struct h1_outline *outline)
{
    char line[80];
    snprintf(line, sizeof(line), "HTTP/1.1 %03d %s\r\n", head->status, reason_of(head->status));
    return put(raw, span_text(line)) && put_fields(raw, head, outline) &&
           put_framing(raw, outline) &&
           (!outline->closes || put_field(raw, SPAN_OF("connection"), SPAN_OF("close"))) &&
           put(raw, SPAN_OF("\r\n"));
}

bool h1_write_request(struct buf *raw, const struct head *head, const struct h1_outline *outline)
{
    return put(raw, head->method) && put(raw, SPAN_OF(" ")) && put(raw, head->path) &&
           put(raw, SPAN_OF(" HTTP/1.1\r\n")) && put_field(raw, SPAN_OF("host"), head->authority) &&
           put_fields(raw, head, outline) && put_framing(raw, outline) &&
           /* RFC 9110 10.1.4: trailers are welcome, and `te` is for the next hop alone. */
           put_field(raw, SPAN_OF("te"), SPAN_OF("trailers")) &&
           put_field(raw, SPAN_OF("connection"),
                     outline->closes ? SPAN_OF("te, close") : SPAN_OF("te")) &&
           put(raw, SPAN_OF("\r\n"));
}

bool h1_write_last_chunk(struct buf *raw, const struct head *trailers)
{
    const struct h1_outline outline = {.kind = H1_BODY_CHUNKED};
    return put(raw, SPAN_OF("0\r\n")) &&
           (trailers == NULL || put_fields(raw, trailers, &outline)) && put(raw, SPAN_OF("\r\n"));
}

size_t h1_write_chunk_line(char *line, size_t count)
{
    int len = snprintf(line, H1_CHUNK_FRAME, "%zx\r\n", count);
    must(len > 0 && len < H1_CHUNK_FRAME);
    return (size_t)len;
}
