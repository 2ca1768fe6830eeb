#include "http/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "http/http_core.h"

/* RFC 9113 3.4. */
#define PREFACE SPAN_OF("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

void http_options_default(struct http_options *options)
{
    *options = (struct http_options){
        .head_bytes_max = 65536,
        .fields_max = 100,
        .target_bytes_max = 16384,
        .streams_max = 100,
        .stream_window_bytes = 65536,
        .send_bytes_max = 32768,
        .head_ms_max = 10000,
        .idle_ms_max = 180000,
    };
}

/* --- what the conn says ----------------------------------------------------------------------- */

static void start(struct http *http, const struct http_codec *codec)
{
    http->codec = codec;
    codec->start(http);
    http_set_timer(http);
}

/* In cleartext the first bytes tell the version (RFC 9113 3.3). False: too few to know. */
static bool sniff(struct http *http, struct span bytes)
{
    struct span preface = PREFACE;
    size_t common = bytes.len < preface.len ? bytes.len : preface.len;
    bool same = memcmp(bytes.ptr, preface.ptr, common) == 0;
    if (same && common < preface.len)
        return false;
    start(http, same ? &h2_codec : &h1_codec);
    return true;
}

static size_t note_bytes(void *owner, struct span bytes)
{
    struct http *http = owner;
    if (http->over)
        return bytes.len;
    if (http->codec == NULL && !sniff(http, bytes))
        return 0;
    size_t taken = http->codec->take(http, bytes);
    http->untaken = taken < bytes.len;
    if (!http->closed)
        http_set_timer(http);
    return taken;
}

static void flush(void *owner)
{
    struct http *http = owner;
    if (http->codec != NULL && !http->over)
        http->codec->flush(http);
}

static void note_drained(void *owner)
{
    struct http *http = owner;
    if (!http->over)
        conn_wake(http->conn);
}

static void note_conn_ended(void *owner, enum conn_end end)
{
    struct http *http = owner;
    http->end = end;
    if (http->codec != NULL && !http->over)
        http->codec->lost(http);
    http_over(http, end);
}

static const struct conn_events conn_events = {
    .note_bytes = note_bytes,
    .flush = flush,
    .note_drained = note_drained,
    .note_ended = note_conn_ended,
};

/* --- what the owner is told ------------------------------------------------------------------- */

static void detach_all(struct http *http)
{
    struct list *node;
    struct list *after;
    list_each_safe (node, after, &http->streams)
        stream_detach(container_of(node, struct stream, node), STREAM_LOST);
}

void http_over(struct http *http, enum conn_end end)
{
    if (http->over)
        return;
    http->over = true;
    http->end = end;
    timer_stop(&http->timer);
    detach_all(http);
    loop_wake(http->loop, &http->wake);
}

static void run(void *owner)
{
    struct http *http = owner;
    if (http->over) {
        if (!http->told) {
            http->told = true;
            http->events->note_ended(http->owner, http->end);
        }
        return;
    }
    if (http->live == 0) {
        http_set_timer(http);
        if (http->draining)
            conn_wake(http->conn);
    }
    if (http->room_news) {
        http->room_news = false;
        if (http->events->note_room != NULL && http_room(http) > 0)
            http->events->note_room(http->owner);
    }
}

void http_note_bad(struct http *http, int status, const char *why)
{
    if (http->events->note_bad != NULL && !http->closed)
        http->events->note_bad(http->owner, status, why);
}

void http_note_guard(struct http *http, enum http_guard guard)
{
    if (http->events->note_guard != NULL && !http->closed)
        http->events->note_guard(http->owner, guard);
}

void http_wake_room(struct http *http)
{
    http->room_news = true;
    loop_wake(http->loop, &http->wake);
}

/* --- time ------------------------------------------------------------------------------------- */

static uint64_t deadline(const struct http *http)
{
    uint64_t at = http->codec != NULL ? http->codec->deadline(http)
                                      : http->opened_at + http->options.head_ms_max;
    uint64_t idle = http->idle_at + http->options.idle_ms_max;
    if (http->idle_at != 0 && !http->draining && (at == 0 || idle < at))
        at = idle;
    return at;
}

void http_set_timer(struct http *http)
{
    if (http->over)
        return;
    uint64_t at = deadline(http);
    if (at == 0)
        timer_stop(&http->timer);
    else if (http->timer.at != at)
        timer_set(&http->timer, at);
}

static void fire(void *owner)
{
    struct http *http = owner;
    uint64_t now = loop_now(http->loop);
    if (http->over)
        return;
    if (http->codec == NULL) {
        http_note_guard(http, HTTP_GUARD_SLOW_PREFACE);
        http_over(http, CONN_TIMED_OUT);
        return;
    }
    uint64_t at = http->codec->deadline(http);
    if (at != 0 && at <= now)
        http->codec->expire(http);
    if (!http->over && http->idle_at != 0 && http->idle_at + http->options.idle_ms_max <= now)
        http_drain(http);
    http_set_timer(http);
}

/* --- life ------------------------------------------------------------------------------------- */

static struct http *make(struct loop *loop, struct conn *conn, const struct http_options *options,
                         const struct http_events *events, void *owner, bool serves)
{
    struct http *http = alloc_zeroed(sizeof(*http));
    http->loop = loop;
    http->conn = conn;
    http->options = *options;
    http->events = events;
    http->owner = owner;
    http->serves = serves;
    http->opened_at = http->idle_at = loop_now(loop);
    list_init(&http->streams);
    wake_init(&http->wake, run, http);
    timer_init(&http->timer, loop, fire, http);
    conn_adopt(conn, &conn_events, http);
    return http;
}

struct http *http_serve(struct loop *loop, struct conn *conn, const struct http_options *options,
                        const struct http_events *events, void *owner)
{
    struct http *http = make(loop, conn, options, events, owner, true);
    if (conn_alpn(conn) == ALPN_H2)
        start(http, &h2_codec);
    else if (conn_is_tls(conn) || conn_alpn(conn) == ALPN_HTTP11)
        start(http, &h1_codec);
    else
        http_set_timer(http);
    return http;
}

struct http *http_client(struct loop *loop, struct conn *conn, const struct http_options *options,
                         const struct http_events *events, void *owner)
{
    struct http *http = make(loop, conn, options, events, owner, false);
    start(http, conn_alpn(conn) == ALPN_H2 ? &h2_codec : &h1_codec);
    http_wake_room(http);
    return http;
}

uint32_t http_room(const struct http *http)
{
    if (http->over || http->closed || http->draining)
        return 0;
    return http->codec->room(http);
}

struct stream *http_request(struct http *http, struct head *request, bool ended,
                            void (*note)(void *user), void *user)
{
    must(!http->serves && http_room(http) > 0);
    struct stream *stream = stream_new(http);
    stream->shown = true;
    stream->takes_trailers = true;
    stream_set_note(stream, note, user);
    http->codec->open(stream);
    stream_send_head(stream, request, ended);
    http_set_timer(http);
    return stream;
}

uint32_t http_live(const struct http *http)
{
    return http->live;
}

void http_drain(struct http *http)
{
    if (http->draining || http->over)
        return;
    http->draining = true;
    if (http->codec == NULL)
        http_over(http, CONN_NOT_ENDED);
    else
        http->codec->drain(http);
    http_set_timer(http);
}

static void bury(void *owner)
{
    struct http *http = owner;
    wake_cancel(&http->wake);
    timer_fini(&http->timer);
    if (http->codec != NULL)
        http->codec->fini(http);
    free(http);
}

void http_close(struct http *http)
{
    must(!http->closed);
    http->closed = true;
    bool orderly = http->end == CONN_NOT_ENDED;
    if (orderly && http->codec != NULL)
        orderly = http->codec->close(http);
    http->over = true;
    detach_all(http);
    wake_cancel(&http->wake);
    timer_stop(&http->timer);
    conn_close(http->conn, orderly);
    loop_bury(http->loop, &http->grave, bury, http);
}

const char *http_version(const struct http *http)
{
    return http->codec == NULL ? h1_codec.version : http->codec->version;
}

/* --- answers ---------------------------------------------------------------------------------- */

void http_add_date(struct http *http, struct head *head)
{
    if (head_find(head, SPAN_OF("date")) != NULL)
        return;
    int64_t second = clock_unix_ms() / 1000;
    if (second != http->date_second) {
        struct tm tm;
        time_t now = (time_t)second;
        gmtime_r(&now, &tm);
        /* The C locale is never changed, so these are the English names. */
        strftime(http->date, sizeof(http->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        http->date_second = second;
    }
    /* A head that is full goes without: the worker's own fields come first. */
    bool added = head_add(head, SPAN_OF("date"), span_text(http->date));
    (void)added;
}
