#include "http/h1.h"

#include <stdlib.h>

#include "base/alloc.h"

enum {
    RAW_MAX = 1 << 18,     /* heads to be written */
    INFORMATIONAL_MAX = 8, /* 1xx before an answer; a flood of them is an attack */
    LAST_WORDS_MS = 5000   /* for a refusal to leave */
};

static void h1_over(struct h1 *h1, bool hard)
{
    h1->hard |= hard;
    http_over(h1->http, h1->http->end);
}

/* --- from exchange to exchange ---------------------------------------------------------------- */

static void resume(struct h1 *h1)
{
    h1->paused = false;
    conn_pause(h1->http->conn, PAUSE_WINDOW);
    /* Also offers again what was left before, for example a pipelined request. */
    conn_resume(h1->http->conn, PAUSE_WINDOW);
}

static void begin(struct h1 *h1)
{
    h1_parser_fini(&h1->parser);
    h1_body_fini(&h1->body);
    h1_parser_init(&h1->parser, h1->http->serves ? H1_REQUEST : H1_ANSWER, &h1->http->options);
    h1->reading = H1_READ_HEAD;
    h1->keeps = true;
    h1->head_given = h1->end_given = h1->wrote = h1->awaits_continue = false;
    h1->head_at = 0;
}

/* Ends the exchange once both its messages are whole; ends the connection when it was its last. */
static void settle(struct h1 *h1)
{
    struct http *http = h1->http;
    struct stream *stream = h1->stream;
    if (http->over)
        return;
    if (stream != NULL && stream->in_ended && stream->out_sent) {
        bool keeps = h1->keeps;
        h1->stream = NULL;
        stream_detach(stream, STREAM_WHOLE);
        if (!keeps) {
            h1_over(h1, false);
            return;
        }
        begin(h1);
        resume(h1);
    }
    bool idle = h1->stream == NULL && !h1_parser_is_busy(&h1->parser);
    if (h1->raw.bytes == 0 && (h1->closing || (http->draining && idle)))
        h1_over(h1, false);
}

/* --- what breaks the rules -------------------------------------------------------------------- */

/* Callers' side: an answer while there still can be one, and the end. */
static void refuse(struct h1 *h1, const struct head *head, int status, const char *why)
{
    struct stream *stream = h1->stream;
    http_note_bad(h1->http, status, why);
    if (status == 431)
        http_note_guard(h1->http, HTTP_GUARD_LARGE_HEADS);
    if (stream != NULL) {
        stream->fate = STREAM_INVALID;
        if (h1->head_given) {
            h1_over(h1, h1->out_kind == H1_BODY_UNTIL_CLOSE);
            return;
        }
        h1->stream = NULL;
        stream_detach(stream, STREAM_INVALID);
    }
    h1_send_refusal(h1, head, status, why);
}

/* Workers' side. */
static void give_up(struct h1 *h1, int status)
{
    h1->stream->fate = status == 431 ? STREAM_TOO_LARGE : STREAM_INVALID;
    h1_over(h1, true);
}

static void complain(struct h1 *h1, int status, const char *why)
{
    if (h1->http->serves)
        refuse(h1, h1->parser.head, status, why);
    else
        give_up(h1, status);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void note_whole(struct h1 *h1)
{
    struct stream *stream = h1->stream;
    if (h1->body.kind == H1_BODY_CHUNKED) {
        struct head *trailers = h1_parser_give(&h1->body.trailers);
        if (trailers != NULL)
            head_check_trailers(trailers);
        if (trailers != NULL && trailers->field_count > 0)
            stream->trailers = trailers;
        else
            head_free(trailers);
    }
    h1->reading = H1_READ_NOTHING;
    h1->awaits_continue = false;
    stream->in_ended = true;
    stream->expects_continue = false;
    stream_wake(stream);
}

static void begin_body(struct h1 *h1, struct head *head, const struct h1_framing *framing,
                       const struct head_facts *facts)
{
    h1->keeps = h1->keeps && framing->keeps;
    h1_body_init(&h1->body, framing, &h1->http->options);
    h1->reading = H1_READ_BODY;
    stream_note_head(h1->stream, head, facts);
    if (h1->body.done)
        note_whole(h1);
}

static void take_request_head(struct h1 *h1, struct head *head)
{
    struct http *http = h1->http;
    struct h1_framing framing;
    struct head_facts facts = {.length = -1};
    int status = h1_frame_request(head, h1->minor, conn_is_tls(http->conn), &framing, &facts);
    if (status != 0) {
        refuse(h1, head, status, facts.why);
        head_free(head);
        return;
    }
    h1->stream = stream_new(http);
    h1->stream->in.bytes_max = http->options.stream_window_bytes;
    h1->awaits_continue = facts.expects_continue;
    begin_body(h1, head, &framing, &facts);
}

static void take_answer_head(struct h1 *h1, struct head *head)
{
    struct stream *stream = h1->stream;
    struct h1_framing framing;
    struct head_facts facts;
    bool good = h1_frame_answer(head, h1->minor, stream->asked_head, &framing, &facts);
    if (good && head->status < 200) {
        good = head->status != 101 && ++stream->informational <= INFORMATIONAL_MAX;
        head_free(head);
        if (!good) {
            give_up(h1, 400);
            return;
        }
        h1_parser_fini(&h1->parser);
        h1_parser_init(&h1->parser, H1_ANSWER, &h1->http->options);
        return;
    }
    if (!good) {
        head_free(head);
        give_up(h1, 400);
        return;
    }
    begin_body(h1, head, &framing, &facts);
}

static size_t take_head(struct h1 *h1, struct span bytes)
{
    size_t taken = h1_parser_take(&h1->parser, bytes);
    if (h1->head_at == 0)
        h1->head_at = loop_now(h1->http->loop);
    if (h1->parser.status != 0) {
        complain(h1, h1->parser.status, h1->parser.why);
    } else if (h1->parser.done) {
        h1->head_at = 0;
        h1->minor = h1->parser.minor;
        if (h1->http->serves)
            take_request_head(h1, h1_parser_give(&h1->parser));
        else
            take_answer_head(h1, h1_parser_give(&h1->parser));
    }
    return taken;
}

static size_t take_body(struct h1 *h1, struct span bytes)
{
    struct stream *stream = h1->stream;
    size_t before = stream->in.bytes;
    size_t taken = h1_body_take(&h1->body, bytes, &stream->in);
    if (taken > 0) {
        h1->awaits_continue = false;
        stream->expects_continue = false;
    }
    if (stream->over)
        buf_drop(&stream->in, stream->in.bytes);
    else if (stream->in.bytes > before)
        stream_wake(stream);
    if (h1->body.status != 0)
        complain(h1, h1->body.status, h1->body.why);
    else if (h1->body.done)
        note_whole(h1);
    else if (taken < bytes.len)
        h1->paused = true;
    return taken;
}

/* Bytes that nobody asked for: what answers before it is asked may not be trusted with more. */
static bool is_unasked(const struct h1 *h1)
{
    return !h1->http->serves && !h1->wrote;
}

static size_t h1_take(struct http *http, struct span bytes)
{
    struct h1 *h1 = http->codec_state;
    size_t at = 0;
    if (is_unasked(h1)) {
        if (h1->stream != NULL)
            h1->stream->fate = STREAM_REFUSED;
        h1_over(h1, true);
        return bytes.len;
    }
    while (at < bytes.len && !http->over && !h1->paused && h1->reading != H1_READ_NOTHING) {
        struct span rest = span_from(bytes, at);
        if (h1->reading == H1_READ_HEAD)
            at += take_head(h1, rest);
        else if (h1->reading == H1_READ_BODY)
            at += take_body(h1, rest);
        else
            at = bytes.len;
    }
    if (http->over)
        return bytes.len;
    if (h1->paused)
        conn_pause(http->conn, PAUSE_WINDOW);
    settle(h1);
    return at;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void h1_flush(struct http *http)
{
    struct h1 *h1 = http->codec_state;
    if (h1_send(h1))
        settle(h1);
    else
        h1_over(h1, true);
    http_set_timer(http);
}

/* --- life ------------------------------------------------------------------------------------- */

static void h1_start(struct http *http)
{
    struct h1 *h1 = alloc_zeroed(sizeof(*h1));
    http->codec_state = h1;
    h1->http = http;
    buf_init(&h1->raw, RAW_MAX);
    begin(h1);
}

static void h1_fini(struct http *http)
{
    struct h1 *h1 = http->codec_state;
    h1_parser_fini(&h1->parser);
    h1_body_fini(&h1->body);
    buf_fini(&h1->raw);
    free(h1);
}

static void h1_drain(struct http *http)
{
    conn_wake(http->conn); /* settle() sees to the rest */
}

/* What the end of the conn means: the end of a body that has no other, or a loss. */
static void h1_lost(struct http *http)
{
    struct h1 *h1 = http->codec_state;
    struct stream *stream = h1->stream;
    if (stream == NULL || http->serves)
        return;
    bool until_close = h1->reading == H1_READ_BODY && h1->body.kind == H1_BODY_UNTIL_CLOSE;
    if (until_close && http->end == CONN_EOF && !http->untaken)
        note_whole(h1);
    else if (!h1->wrote && stream->fate == STREAM_WHOLE)
        stream->fate = STREAM_REFUSED;
}

static bool h1_close(struct http *http)
{
    struct h1 *h1 = http->codec_state;
    struct stream *stream = h1->stream;
    if (!http->over && stream != NULL && !stream_is_complete(stream))
        h1->hard |= !http->serves || (h1->head_given && h1->out_kind == H1_BODY_UNTIL_CLOSE);
    return !h1->hard;
}

static uint32_t h1_room(const struct http *http)
{
    const struct h1 *h1 = http->codec_state;
    bool used_up = http->options.requests_max != 0 && http->requests >= http->options.requests_max;
    return h1->stream == NULL && !h1->closing && !used_up ? 1 : 0;
}

static uint64_t h1_deadline(const struct http *http)
{
    const struct h1 *h1 = http->codec_state;
    if (h1->closing)
        return h1->closing_at + LAST_WORDS_MS;
    if (http->serves && h1->head_at != 0)
        return h1->head_at + http->options.head_ms_max;
    return 0;
}

static void h1_expire(struct http *http)
{
    struct h1 *h1 = http->codec_state;
    if (h1->closing) {
        h1_over(h1, true);
        return;
    }
    http_note_guard(http, HTTP_GUARD_SLOW_HEADS);
    refuse(h1, h1->parser.head, 408, "a head that did not arrive in time");
}

/* --- streams ---------------------------------------------------------------------------------- */

static void h1_open(struct stream *stream)
{
    struct h1 *h1 = stream->http->codec_state;
    must(h1->stream == NULL);
    begin(h1);
    h1->stream = stream;
    stream->in.bytes_max = stream->http->options.stream_window_bytes;
}

static void h1_changed(struct stream *stream)
{
    conn_wake(stream->http->conn);
}

static void h1_taken(struct stream *stream, size_t count)
{
    struct h1 *h1 = stream->http->codec_state;
    (void)count;
    if (h1->paused && stream->in.bytes <= stream->in.bytes_max / 2)
        resume(h1);
}

static void h1_reset(struct stream *stream, enum stream_reset reason)
{
    struct h1 *h1 = stream->http->codec_state;
    (void)reason;
    /* Without its last chunk or its length an answer is seen to be cut; until-close has only the
     * manner of the end to show it by. */
    h1_over(h1, !stream->serves || (h1->head_given && h1->out_kind == H1_BODY_UNTIL_CLOSE));
}

static void h1_release(struct stream *stream)
{
    struct h1 *h1 = stream->http->codec_state;
    if (stream->serves && stream->out_sent)
        h1_over(h1, false); /* the rest of the request is not read: a lingering close */
    else
        h1_reset(stream, RESET_CANCEL);
}

const struct http_codec h1_codec = {.version = "HTTP/1.1",
                                    .start = h1_start,
                                    .fini = h1_fini,
                                    .take = h1_take,
                                    .flush = h1_flush,
                                    .drain = h1_drain,
                                    .lost = h1_lost,
                                    .close = h1_close,
                                    .room = h1_room,
                                    .deadline = h1_deadline,
                                    .expire = h1_expire,
                                    .open = h1_open,
                                    .changed = h1_changed,
                                    .taken = h1_taken,
                                    .reset = h1_reset,
                                    .release = h1_release};
