#include "http/h1.h"

#include "http/field.h"
#include "http/refusal.h"

/* --- heads ------------------------------------------------------------------------------------ */

/* All of it is there: then its length is known, whatever the head says. */
static bool is_measured(const struct stream *stream)
{
    return stream->out_ended && stream->out_trailers == NULL;
}

static struct h1_outline outline_answer(struct h1 *h1, const struct stream *stream)
{
    struct h1_outline outline = {.closes = !h1->keeps};
    int status = stream->out_head->status;
    if (stream->out_bodiless) {
        outline.kind = H1_BODY_NONE;
    } else if (stream->out_length >= 0) {
        outline.kind = H1_BODY_LENGTH;
    } else if (is_measured(stream)) {
        outline.kind = H1_BODY_LENGTH;
        outline.counts = status != 204 && status != 304;
        outline.length = stream->out.bytes;
    } else if (h1->minor == 1) {
        outline.kind = H1_BODY_CHUNKED;
    } else {
        outline.kind = H1_BODY_UNTIL_CLOSE;
    }
    return outline;
}

static struct h1_outline outline_request(const struct stream *stream)
{
    struct h1_outline outline = {.kind = H1_BODY_CHUNKED};
    struct span method = stream->out_head->method;
    bool usual = span_is(method, SPAN_OF("POST")) || span_is(method, SPAN_OF("PUT")) ||
                 span_is(method, SPAN_OF("PATCH"));
    if (stream->out_length >= 0) {
        outline.kind = H1_BODY_LENGTH;
    } else if (is_measured(stream)) {
        outline.kind = H1_BODY_LENGTH;
        outline.length = stream->out.bytes;
        /* RFC 9110 8.6: no length where no body is usual and none is sent. */
        outline.counts = usual || outline.length > 0;
    }
    return outline;
}

static void decide_keeping(struct h1 *h1)
{
    const struct http *http = h1->http;
    bool used_up = http->options.requests_max != 0 && http->requests >= http->options.requests_max;
    /* A caller that still waits for 100 may send its body or not: nobody can tell what follows. */
    if (http->draining || used_up || h1->awaits_continue)
        h1->keeps = false;
}

static bool give_head(struct h1 *h1, struct stream *stream)
{
    struct h1_outline outline;
    bool fits;
    decide_keeping(h1);
    if (stream->serves) {
        if (stream->out_head->status == 204)
            head_drop(stream->out_head, SPAN_OF("content-length"));
        outline = outline_answer(h1, stream);
        fits = h1_write_answer(&h1->raw, stream->out_head, &outline);
        if (outline.kind == H1_BODY_UNTIL_CLOSE)
            h1->keeps = false;
    } else {
        outline = outline_request(stream);
        fits = h1_write_request(&h1->raw, stream->out_head, &outline);
    }
    h1->out_kind = outline.kind;
    h1->head_given = true;
    head_free(stream->out_head);
    stream->out_head = NULL;
    return fits;
}

static bool give_end(struct h1 *h1, struct stream *stream)
{
    bool wanted = stream->takes_trailers || !stream->serves;
    h1->end_given = true;
    return h1->out_kind != H1_BODY_CHUNKED ||
           h1_write_last_chunk(&h1->raw, wanted ? stream->out_trailers : NULL);
}

static bool give_continue(struct h1 *h1, struct stream *stream)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    stream->out_continue = false;
    h1->awaits_continue = false;
    return buf_append(&h1->raw, text, sizeof(text) - 1);
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* False when the conn is full. */
static bool write_raw(struct h1 *h1)
{
    struct conn *conn = h1->http->conn;
    while (h1->raw.bytes > 0) {
        struct span front = buf_front(&h1->raw);
        size_t room = conn_room(conn);
        size_t count = front.len < room ? front.len : room;
        if (count == 0)
            return false;
        conn_write(conn, span_of(front.ptr, count));
        buf_drop(&h1->raw, count);
        h1->wrote = true;
    }
    return true;
}

/* One piece of the body. False when the conn is full. */
static bool write_body(struct h1 *h1, struct stream *stream)
{
    struct conn *conn = h1->http->conn;
    bool chunked = h1->out_kind == H1_BODY_CHUNKED;
    size_t frame = chunked ? H1_CHUNK_FRAME : 0;
    size_t room = conn_room(conn);
    struct span front = buf_front(&stream->out);
    if (room <= frame)
        return false;
    size_t count = front.len < room - frame ? front.len : room - frame;
    if (chunked) {
        char line[H1_CHUNK_FRAME];
        conn_write(conn, span_of(line, h1_write_chunk_line(line, count)));
    }
    conn_write(conn, span_of(front.ptr, count));
    if (chunked)
        conn_write(conn, SPAN_OF("\r\n"));
    buf_drop(&stream->out, count);
    stream_note_sent(stream, count);
    return true;
}

/* Whether the head may go: an answer without body goes only when its end may, it is its end. */
static bool may_give_head(const struct stream *stream)
{
    return stream->out_head != NULL && (!stream->out_bodiless || stream->out_ended);
}

bool h1_send(struct h1 *h1)
{
    while (write_raw(h1)) {
        struct stream *stream = h1->stream;
        bool good = true;
        if (stream == NULL || stream->over)
            return true;
        if (!h1->head_given && stream->out_continue) {
            good = give_continue(h1, stream);
        } else if (!h1->head_given) {
            if (!may_give_head(stream))
                return true;
            good = give_head(h1, stream);
        } else if (h1->end_given) {
            if (!stream->out_sent)
                stream_note_all_sent(stream);
            return true;
        } else if (stream->out.bytes > 0) {
            if (!write_body(h1, stream))
                return true;
        } else if (stream->out_ended) {
            good = give_end(h1, stream);
        } else {
            return true;
        }
        if (!good)
            return false;
    }
    return true;
}

void h1_send_refusal(struct h1 *h1, const struct head *head, int status, const char *why)
{
    struct refusal refusal;
    const struct h1_outline outline = {.kind = H1_BODY_LENGTH, .closes = true};
    refusal_make(&refusal, h1->http, head, status, why);
    bool bodiless = head != NULL && span_is(head->method, SPAN_OF("HEAD"));
    if (!h1_write_answer(&h1->raw, refusal.head, &outline) ||
        (!bodiless && !buf_append(&h1->raw, refusal.body, refusal.body_len)))
        h1->hard = true;
    head_free(refusal.head);
    h1->closing = true;
    h1->closing_at = loop_now(h1->http->loop);
    h1->reading = H1_READ_JUNK;
    conn_wake(h1->http->conn);
}
