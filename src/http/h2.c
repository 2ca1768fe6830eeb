#include "http/h2.h"

#include <stdlib.h>

#include "base/alloc.h"

enum {
    CALLERS_WINDOW = 1 << 20, /* of the connection; streams bound what is held */
    WORKERS_WINDOW = 1 << 24, /* so large that one slow stream never closes it for others */
    QUEUE_MAX = 1000,         /* frames of ours that wait, besides four for each stream */
    LAST_WORDS_MS = 5000,     /* for the last GOAWAY to leave */
    BLOCKED_MS = 30000,       /* for a conn to take something, when no stream but dead ones waits */
    DRAIN_ROUND_MS = 1000     /* for the PING between the two GOAWAYs to come back */
};
void h2_kill(struct h2 *h2, uint32_t code, const char *why)
{
    if (h2->killed)
        return;
    h2->killed = true;
    h2->kill_code = code;
    if (code != NGHTTP2_NO_ERROR && h2->http->serves)
        http_note_bad(h2->http, 400, why);
    if (!h2->http->closed)
        conn_wake(h2->http->conn);
}

static const char *words_of(enum http_guard guard)
{
    static const char *const words[HTTP_GUARD_COUNT] = {
        [HTTP_GUARD_NONE] = "",
        [HTTP_GUARD_RESETS] = "a flood of resets",
        [HTTP_GUARD_STREAM_ERRORS] = "too many streams in error",
        [HTTP_GUARD_BAD_REQUESTS] = "too many malformed requests",
        [HTTP_GUARD_CONTINUATIONS] = "a head in too many frames",
        [HTTP_GUARD_EMPTY_FRAMES] = "a flood of empty frames",
        [HTTP_GUARD_SETTINGS] = "a flood of SETTINGS",
        [HTTP_GUARD_PINGS] = "a flood of PINGs",
        [HTTP_GUARD_PRIORITIES] = "a flood of priorities",
        [HTTP_GUARD_WINDOW_UPDATES] = "a flood of window updates",
        [HTTP_GUARD_DRIPS] = "windows opened by a few bytes at a time",
        [HTTP_GUARD_CRUMBS] = "a body in crumbs",
        [HTTP_GUARD_UNKNOWN_FRAMES] = "a flood of unknown frames",
        [HTTP_GUARD_GLITCHES] = "too many oddities in all",
        [HTTP_GUARD_UNREAD] = "too many frames of ours wait",
        [HTTP_GUARD_LARGE_HEADS] = "too large a head",
        [HTTP_GUARD_SLOW_PREFACE] = "no SETTINGS in time",
        [HTTP_GUARD_SLOW_HEADS] = "a head that did not arrive in time",
        [HTTP_GUARD_BLOCKED] = "nothing is taken",
    };
    return words[guard];
}

void h2_trip(struct h2 *h2, enum http_guard guard)
{
    if (h2->killed)
        return;
    http_note_guard(h2->http, guard);
    h2_kill(h2,
            guard == HTTP_GUARD_SLOW_PREFACE ? NGHTTP2_SETTINGS_TIMEOUT : NGHTTP2_ENHANCE_YOUR_CALM,
            words_of(guard));
}

void h2_note_glitch(struct h2 *h2, enum http_guard kind, uint32_t weight)
{
    enum http_guard tripped = h2_guard_count(&h2->guard, kind, weight, loop_now(h2->http->loop));
    if (tripped != HTTP_GUARD_NONE)
        h2_trip(h2, tripped);
}

/* --- the session ------------------------------------------------------------------------------ */

static void submit_settings(struct h2 *h2)
{
    const struct http_options *options = &h2->http->options;
    const nghttp2_settings_entry server[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options->streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options->stream_window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options->head_bytes_max},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
    const nghttp2_settings_entry client[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options->stream_window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options->head_bytes_max}};
    must(nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, h2->http->serves ? server : client,
                                 4) == 0);
    must(nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
                                               h2->http->serves ? CALLERS_WINDOW
                                                                : WORKERS_WINDOW) == 0);
}

static void h2_start(struct http *http)
{
    struct h2 *h2 = alloc_zeroed(sizeof(*h2));
    http->codec_state = h2;
    h2->http = http;
    list_init(&h2->dirty);
    h2_guard_init(&h2->guard, http->serves, loop_now(http->loop));
    h2->session = h2_session_new(h2);
    submit_settings(h2);
    conn_wake(http->conn);
}

static void h2_fini(struct http *http)
{
    struct h2 *h2 = http->codec_state;
    nghttp2_session_del(h2->session);
    free(h2);
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void judge(struct h2 *h2, ssize_t read, enum h2_verdict verdict)
{
    struct http *http = h2->http;
    if (read == NGHTTP2_ERR_FLOODED)
        h2_trip(h2, HTTP_GUARD_UNREAD);
    else if (read == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS)
        h2_trip(h2, HTTP_GUARD_CONTINUATIONS);
    else if (read < 0)
        h2_kill(h2, NGHTTP2_PROTOCOL_ERROR, "not HTTP/2");
    else if (verdict == H2_OUT_OF_ORDER)
        h2_kill(h2, NGHTTP2_PROTOCOL_ERROR, "a stream below one opened before");
    else if (verdict == H2_STRAY_PRIORITY)
        h2_kill(h2, NGHTTP2_PROTOCOL_ERROR, "a priority of stream 0");
    else if (verdict == H2_TOO_LONG)
        h2_kill(h2, NGHTTP2_FRAME_SIZE_ERROR, "a frame above 16 KiB");
    else if (verdict == H2_TOO_MUCH)
        h2_trip(h2, h2->guard.tripped);
    else if (nghttp2_session_get_outbound_queue_size(h2->session) >
             QUEUE_MAX + 4 * (size_t)http->options.streams_max)
        h2_trip(h2, HTTP_GUARD_UNREAD);
    else if (h2_guard_is_hot(&h2->guard) && !http->draining) {
        http_note_guard(http, HTTP_GUARD_GLITCHES);
        http_drain(http);
    }
}

static size_t h2_take(struct http *http, struct span bytes)
{
    struct h2 *h2 = http->codec_state;
    uint64_t now = loop_now(http->loop);
    enum h2_verdict verdict;
    if (h2->killed || h2->broken)
        return bytes.len;
    size_t count = h2_guard_scan(&h2->guard, bytes, now, &verdict);
    ssize_t read = nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes.ptr, count);
    judge(h2, read, verdict);
    if (http->options.requests_max != 0 && http->requests >= http->options.requests_max)
        http_drain(http);
    if (h2->hurries)
        conn_acknowledge(http->conn);
    h2->hurries = false;
    if (!http->closed)
        conn_wake(http->conn);
    return bytes.len;
}

static void sync_dirty(struct h2 *h2)
{
    struct list *node;
    while ((node = list_take(&h2->dirty)) != NULL)
        h2_stream_sync(h2, container_of(node, struct stream, dirty));
}

/* The second GOAWAY, once the peer has seen the first; the end, once all streams are over. */
static void go_on_draining(struct h2 *h2)
{
    struct http *http = h2->http;
    uint64_t now = loop_now(http->loop);
    if (h2->drain_at != 0 && !h2->drain_final &&
        (h2->drain_seen || now >= h2->drain_at + DRAIN_ROUND_MS)) {
        h2->drain_final = true;
        h2->broken |= nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
                                            nghttp2_session_get_last_proc_stream_id(h2->session),
                                            NGHTTP2_NO_ERROR, NULL, 0) != 0;
    }
    bool may_end = http->serves ? h2->drain_final : (http->draining || h2->goaway);
    if (may_end && http->live == 0)
        h2_kill(h2, NGHTTP2_NO_ERROR, NULL);
}

/* False when the conn takes no more. */
static bool write_rest(struct h2 *h2)
{
    size_t room = conn_room(h2->http->conn);
    size_t count = h2->rest.len < room ? h2->rest.len : room;
    if (count > 0)
        conn_write(h2->http->conn, span_of(h2->rest.ptr, count));
    h2->rest = span_from(h2->rest, count);
    if (h2->rest.len == 0)
        h2->blocked_at = 0;
    else if (count > 0 || h2->blocked_at == 0)
        h2->blocked_at = loop_now(h2->http->loop);
    return h2->rest.len == 0 && count < room;
}

static void h2_flush(struct http *http)
{
    struct h2 *h2 = http->codec_state;
    go_on_draining(h2);
    sync_dirty(h2);
    if (h2->killed && h2->dying_at == 0) {
        h2->dying_at = loop_now(http->loop);
        h2->broken |= nghttp2_session_terminate_session(h2->session, h2->kill_code) != 0;
    }
    while (write_rest(h2) && !h2->broken) {
        const uint8_t *bytes;
        /* What it gives stays valid until it is called again. */
        ssize_t count = nghttp2_session_mem_send(h2->session, &bytes);
        if (count < 0)
            h2->broken = true;
        if (count <= 0 && list_is_empty(&h2->dirty))
            break;
        if (count > 0)
            h2->rest = span_of(bytes, (size_t)count);
        sync_dirty(h2);
    }
    bool idle = !nghttp2_session_want_read(h2->session) && !nghttp2_session_want_write(h2->session);
    if (h2->broken || (idle && h2->rest.len == 0))
        http_over(http, CONN_NOT_ENDED);
    else
        http_set_timer(http);
}

/* --- life ------------------------------------------------------------------------------------- */

static void h2_drain(struct http *http)
{
    struct h2 *h2 = http->codec_state;
    if (http->serves) {
        h2->drain_at = loop_now(http->loop);
        h2->broken |= nghttp2_submit_shutdown_notice(h2->session) != 0 ||
                      nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, NULL) != 0;
    }
    conn_wake(http->conn);
}

static void h2_lost(struct http *http)
{
    (void)http;
}

static bool h2_close(struct http *http)
{
    struct h2 *h2 = http->codec_state;
    if (!http->over) {
        h2_kill(h2, NGHTTP2_NO_ERROR, NULL);
        h2_flush(http);
    }
    return true;
}

static uint32_t h2_room(const struct http *http)
{
    const struct h2 *h2 = http->codec_state;
    uint32_t most = 1;
    if (h2->goaway || h2->killed || h2->broken ||
        !nghttp2_session_check_request_allowed(h2->session))
        return 0;
    if (http->options.requests_max != 0 && http->requests >= http->options.requests_max)
        return 0;
    if (h2->settings_at != 0) {
        most = nghttp2_session_get_remote_settings(h2->session,
                                                   NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
        if (most > http->options.streams_max)
            most = http->options.streams_max;
    }
    return most > http->live ? most - http->live : 0;
}

static uint64_t earlier(uint64_t one, uint64_t other)
{
    return one == 0 || other < one ? other : one;
}

static uint64_t h2_deadline(const struct http *http)
{
    const struct h2 *h2 = http->codec_state;
    uint64_t at = 0;
    if (h2->killed && h2->dying_at == 0)
        return 0; /* a flush is due */
    if (h2->dying_at != 0)
        return h2->dying_at + LAST_WORDS_MS;
    if (h2->settings_at == 0 || h2->acked_at == 0)
        at = http->opened_at + http->options.head_ms_max;
    if (h2->guard.block_at != 0)
        at = earlier(at, h2->guard.block_at + http->options.head_ms_max);
    if (h2->blocked_at != 0)
        at = earlier(at, h2->blocked_at + BLOCKED_MS);
    if (h2->drain_at != 0 && !h2->drain_final)
        at = earlier(at, h2->drain_at + DRAIN_ROUND_MS);
    return at;
}

/* Whether somebody above still watches over a stream here: stalls are for its timers then. */
static bool is_watched(const struct http *http)
{
    const struct list *node;
    list_each (node, &http->streams) {
        const struct stream *stream = container_of(node, struct stream, node);
        if (!stream->dying && !stream->released)
            return true;
    }
    return false;
}

static void h2_expire(struct http *http)
{
    struct h2 *h2 = http->codec_state;
    uint64_t now = loop_now(http->loop);
    uint64_t most = http->options.head_ms_max;
    if (h2->dying_at != 0) {
        http_over(http, CONN_TIMED_OUT);
        return;
    }
    if (h2->blocked_at != 0 && now >= h2->blocked_at + BLOCKED_MS) {
        /* Resets cannot leave, so dead streams would hold the connection for ever. */
        if (!is_watched(http)) {
            http_note_guard(http, HTTP_GUARD_BLOCKED);
            http_over(http, CONN_TIMED_OUT);
            return;
        }
        h2->blocked_at = now;
    }
    if (h2->guard.block_at != 0 && now >= h2->guard.block_at + most)
        h2_trip(h2, HTTP_GUARD_SLOW_HEADS);
    else if ((h2->settings_at == 0 || h2->acked_at == 0) && now >= http->opened_at + most)
        h2_trip(h2, HTTP_GUARD_SLOW_PREFACE);
    go_on_draining(h2);
    conn_wake(http->conn);
}

/* --- streams ---------------------------------------------------------------------------------- */

static void h2_open(struct stream *stream)
{
    (void)stream;
}

static void h2_changed(struct stream *stream)
{
    h2_stream_mark(stream);
}

static void h2_taken(struct stream *stream, size_t count)
{
    if (stream->in_ended)
        return;
    stream->taken += count;
    h2_stream_mark(stream);
}

static void h2_reset(struct stream *stream, enum stream_reset reason)
{
    static const uint32_t codes[] = {[RESET_CANCEL] = NGHTTP2_CANCEL,
                                     [RESET_INTERNAL] = NGHTTP2_INTERNAL_ERROR,
                                     [RESET_REFUSED] = NGHTTP2_REFUSED_STREAM};
    h2_stream_kill(stream, codes[reason]);
}

static void h2_release(struct stream *stream)
{
    bool answered = stream->serves && stream->out_sent;
    h2_stream_kill(stream, answered ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
}

const struct http_codec h2_codec = {.version = "HTTP/2",
                                    .start = h2_start,
                                    .fini = h2_fini,
                                    .take = h2_take,
                                    .flush = h2_flush,
                                    .drain = h2_drain,
                                    .lost = h2_lost,
                                    .close = h2_close,
                                    .room = h2_room,
                                    .deadline = h2_deadline,
                                    .expire = h2_expire,
                                    .open = h2_open,
                                    .changed = h2_changed,
                                    .taken = h2_taken,
                                    .reset = h2_reset,
                                    .release = h2_release};
