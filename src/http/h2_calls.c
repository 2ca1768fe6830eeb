#include "http/h2.h"

/* RSTs received that are forgiven: so many at once, and so many a second (CVE-2023-44487). */
enum { RESETS_MAX = 1000, RESETS_PER_S = 33 };
/* Of a head of ours, as the library estimates it: with 12 bytes for each field. */
enum { SEND_HEAD_MAX = 1 << 18 };
/* Received on a stream since its last WINDOW_UPDATE: a small answer never comes so far. */
enum { HURRY_BYTES = 4096 };
/* A DATA frame of ours that the peer's window cut below this is a drip. */
enum { DRIP_BYTES = 128 };

static struct stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

/* Whether the stream still takes in what the peer sends. */
static bool is_listening(const struct stream *stream)
{
    return stream != NULL && !stream->dying && !stream->released && !stream->over;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;
    struct http *http = h2->http;
    struct stream *stream = stream_of(session, frame->hd.stream_id);
    if (h2->killed || http->over)
        return 0;
    if (http->serves && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        stream = stream_new(http);
        stream->id = frame->hd.stream_id;
        nghttp2_session_set_stream_user_data(session, stream->id, stream);
    }
    if (is_listening(stream) && stream->partial == NULL)
        stream->partial = head_new(http->options.head_bytes_max, http->options.fields_max);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user)
{
    struct stream *stream = stream_of(session, frame->hd.stream_id);
    if (is_listening(stream))
        h2_stream_note_field(user, stream, span_of(name, name_len), span_of(value, value_len),
                             (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0);
    return 0;
}

/* The library would only leave the field out; a malformed message is refused (RFC 9113 8.1.1). */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_len, const uint8_t *value,
                             size_t value_len, uint8_t flags, void *user)
{
    struct stream *stream = stream_of(session, frame->hd.stream_id);
    (void)name, (void)name_len, (void)value, (void)value_len, (void)flags, (void)user;
    if (is_listening(stream))
        stream->bad = "a field with characters that are not allowed (RFC 9113 8.2.1)";
    return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                         size_t count, void *user)
{
    struct h2 *h2 = user;
    struct stream *stream = stream_of(session, id);
    (void)flags;
    /* All streams share the connection's window (RFC 9113 6.9.1): none may keep it closed. */
    h2->broken |= nghttp2_session_consume_connection(session, count) != 0;
    if (!is_listening(stream))
        return 0;
    stream->expects_continue = false;
    h2->hurries |=
        nghttp2_session_get_stream_effective_recv_data_length(session, id) >= HURRY_BYTES;
    /* The library holds the peer to its window, so this fits. */
    if (!buf_append(&stream->in, bytes, count))
        h2_stream_kill(stream, NGHTTP2_FLOW_CONTROL_ERROR);
    stream_wake(stream);
    return 0;
}

static void note_settings(struct h2 *h2, bool is_ack)
{
    uint64_t now = loop_now(h2->http->loop);
    if (is_ack) {
        h2->acked_at = now;
        return;
    }
    if (h2->settings_at == 0)
        h2->settings_at = now;
    if (!h2->http->serves)
        http_wake_room(h2->http);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;
    struct stream *stream = stream_of(session, frame->hd.stream_id);
    bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if (is_listening(stream))
            h2_stream_note_head(h2, stream, ended);
        if (is_listening(stream) && ended)
            h2_stream_note_end(h2, stream);
        break;
    case NGHTTP2_DATA:
        if (!ended && frame->hd.length > 0 && frame->hd.length == frame->data.padlen)
            h2_note_glitch(h2, HTTP_GUARD_EMPTY_FRAMES, 1); /* all of it padding */
        if (is_listening(stream) && ended)
            h2_stream_note_end(h2, stream);
        break;
    case NGHTTP2_RST_STREAM:
        if (stream != NULL)
            stream->peer_reset = true;
        break;
    case NGHTTP2_SETTINGS:
        note_settings(h2, (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0);
        break;
    case NGHTTP2_PING:
        /* The only PING we send is the one between the two GOAWAYs. */
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 && h2->drain_at != 0)
            h2->drain_seen = true;
        break;
    case NGHTTP2_GOAWAY:
        h2->goaway = true;
        h2->http->draining = true;
        break;
    default:
        break;
    }
    return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
                            void *user)
{
    struct stream *stream = stream_of(session, frame->hd.stream_id);
    (void)error;
    if (stream != NULL)
        stream->frame_was_bad = true;
    h2_note_glitch(user, HTTP_GUARD_STREAM_ERRORS, 1);
    return 0;
}

/* A reset that we did not ask for is the library's judgement on the peer (MadeYouReset,
 * CVE-2025-8671: each costs a glitch). */
static void note_reset_sent(struct h2 *h2, struct stream *stream, uint32_t code)
{
    if (code == NGHTTP2_NO_ERROR || (stream != NULL && stream->reset_sent && stream->bad == NULL))
        return;
    h2_note_glitch(h2, HTTP_GUARD_STREAM_ERRORS, 1);
    /* Of a window that no WINDOW_UPDATE of its stream overflowed: SETTINGS did, or the peer sent
     * more than it may. The library only resets; RFC 9113 6.9.2 asks for more. */
    if (code == NGHTTP2_FLOW_CONTROL_ERROR && stream != NULL && !stream->reset_sent &&
        !stream->frame_was_bad)
        h2_kill(h2, NGHTTP2_FLOW_CONTROL_ERROR, "a window that overflows (RFC 9113 6.9)");
    if (stream != NULL && stream->serves && !stream->reset_sent && !stream->headed)
        http_note_bad(h2->http, 400, "a malformed request");
}

/* A connection error: what is incomplete of the peer's is invalid, not only lost. */
static void note_goaway_sent(struct h2 *h2, uint32_t code)
{
    struct list *node;
    if (code == NGHTTP2_NO_ERROR)
        return;
    if (!h2->killed && h2->http->serves)
        http_note_bad(h2->http, 400, "a connection error (RFC 9113 5.4.1)");
    list_each (node, &h2->http->streams) {
        struct stream *stream = container_of(node, struct stream, node);
        if (stream->fate == STREAM_WHOLE && !stream_is_complete(stream))
            stream->fate = STREAM_INVALID;
    }
}

/* A short frame with more to send behind it: the peer opens its window by a few bytes at a time. */
static void note_data_sent(struct h2 *h2, const struct stream *stream, size_t length)
{
    h2_guard_note_data(&h2->guard);
    if (length < DRIP_BYTES && stream != NULL && stream->out.bytes > 0)
        h2_note_glitch(h2, HTTP_GUARD_DRIPS, 1);
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;
    struct stream *stream = stream_of(session, frame->hd.stream_id);
    switch (frame->hd.type) {
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS:
        if (frame->hd.type == NGHTTP2_DATA)
            note_data_sent(h2, stream, frame->hd.length);
        if (stream == NULL || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
            break;
        stream_note_all_sent(stream);
        if (stream->serves && stream->released && !stream->in_ended)
            h2_stream_kill(stream, NGHTTP2_NO_ERROR);
        break;
    case NGHTTP2_RST_STREAM:
        note_reset_sent(h2, stream, frame->rst_stream.error_code);
        break;
    case NGHTTP2_GOAWAY:
        note_goaway_sent(h2, frame->goaway.error_code);
        break;
    default:
        break;
    }
    return 0;
}

static int on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame, int error,
                             void *user)
{
    struct stream *stream = stream_of(session, frame->hd.stream_id);
    (void)error, (void)user;
    /* A request that the library could not send any more: GOAWAY came, or ids ran out. */
    if (frame->hd.type == NGHTTP2_HEADERS && stream != NULL && stream->http != NULL &&
        !stream->serves && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        nghttp2_session_set_stream_user_data(session, stream->id, NULL);
        stream_detach(stream, STREAM_REFUSED);
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct stream *stream = stream_of(session, id);
    (void)user;
    if (stream == NULL || stream->http == NULL)
        return 0;
    nghttp2_session_set_stream_user_data(session, id, NULL);
    h2_stream_note_closed(stream, code);
    return 0;
}

/* --- the session ------------------------------------------------------------------------------ */

nghttp2_session *h2_session_new(struct h2 *h2)
{
    nghttp2_session_callbacks *calls;
    nghttp2_option *option;
    nghttp2_session *session;
    must(nghttp2_session_callbacks_new(&calls) == 0 && nghttp2_option_new(&option) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(calls, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame_recv);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(calls, on_invalid_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(calls, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(calls, on_frame_not_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_stream_close);
    /* Closed streams are kept (the default): without them the library cannot tell a frame on a
     * closed stream from one on an idle stream (RFC 9113 5.1). */
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_max_send_header_block_length(option, SEND_HEAD_MAX);
    nghttp2_option_set_stream_reset_rate_limit(option, RESETS_MAX, RESETS_PER_S);
    int failed = h2->http->serves ? nghttp2_session_server_new2(&session, calls, h2, option)
                                  : nghttp2_session_client_new2(&session, calls, h2, option);
    must(failed == 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(calls);
    return session;
}
