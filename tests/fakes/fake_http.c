#include "fakes/fake_http.h"

#include <stdlib.h>

#include "base/alloc.h"

enum { HTTPS_MAX = 64, STREAMS_MAX = 512, IN_BYTES_MAX = 1 << 20, OUT_BYTES_MAX = 4096 };

struct stream {
    struct http *http; /* NULL once detached */
    struct head *request;
    enum stream_end fate;
    bool ended, sent, released;
    void (*note)(void *user);
    void *user;
    struct head *head;
    int64_t length;
    struct buf in, out;
};

struct http {
    struct conn *conn;
    struct http_options options;
    const struct http_events *events;
    void *owner;
    bool is_h2, draining, leaving, hangs, closed, told;
    uint32_t most;
    uint32_t live;
    struct stream *streams[STREAMS_MAX];
    unsigned requests;
};

static struct http *https[HTTPS_MAX];
static unsigned made;

/* --- for tests ----------------------------------------------------------------------------- */

unsigned fake_http_made(void)
{
    return made;
}

struct http *fake_http_at(unsigned index)
{
    must(index < made);
    return https[index];
}

void fake_http_settings(struct http *http, uint32_t most)
{
    http->most = most;
    if (http->events->note_room != NULL && http_room(http) > 0)
        http->events->note_room(http->owner);
}

void fake_http_goaway(struct http *http)
{
    http->leaving = true;
}

static void detach(struct stream *stream, enum stream_end fate)
{
    if (stream->http == NULL)
        return;
    --stream->http->live;
    stream->http = NULL;
    stream->fate = fate;
    if (!stream->released && stream->note != NULL)
        stream->note(stream->user);
}

static void detach_all(struct http *http)
{
    for (unsigned i = 0; i < http->requests; ++i)
        detach(http->streams[i], STREAM_LOST);
}

static void tell_end(struct http *http, enum conn_end end)
{
    if (http->closed || http->told || http->hangs)
        return;
    http->told = true;
    http->events->note_ended(http->owner, end);
}

void fake_http_end(struct http *http, enum conn_end end)
{
    detach_all(http);
    tell_end(http, end);
}

void fake_http_hang(struct http *http)
{
    http->hangs = true;
}

bool fake_http_is_draining(const struct http *http)
{
    return http->draining;
}

bool fake_http_is_closed(const struct http *http)
{
    return http->closed;
}

unsigned fake_http_requests(const struct http *http)
{
    return http->requests;
}

const struct head *fake_http_request(const struct http *http, unsigned index)
{
    must(index < http->requests);
    return http->streams[index]->request;
}

static void end_stream(struct stream *stream, enum stream_end fate)
{
    struct http *http = stream->http;
    stream->ended = true;
    detach(stream, fate);
    if (http == NULL)
        return;
    if ((http->draining || http->leaving) && http->live == 0)
        tell_end(http, CONN_NOT_ENDED);
    else if (http->events->note_room != NULL && !http->closed && http_room(http) > 0)
        http->events->note_room(http->owner);
}

struct stream *fake_http_stream(const struct http *http, unsigned index)
{
    must(index < http->requests);
    return http->streams[index];
}

struct span fake_stream_sent(const struct stream *stream)
{
    return buf_front(&stream->out);
}

void fake_stream_answer(struct stream *stream, int status, int64_t length)
{
    stream->head = head_new(256, 4);
    stream->head->status = status;
    stream->length = length;
    if (!stream->released)
        stream->note(stream->user);
}

void fake_stream_feed(struct stream *stream, struct span bytes)
{
    must(buf_append(&stream->in, bytes.ptr, bytes.len));
    if (!stream->released)
        stream->note(stream->user);
}

void fake_stream_end(struct stream *stream, enum stream_end fate)
{
    end_stream(stream, fate);
}

bool fake_stream_is_released(const struct stream *stream)
{
    return stream->released;
}

unsigned fake_streams_held(void)
{
    unsigned held = 0;
    for (unsigned i = 0; i < made; ++i)
        for (unsigned s = 0; s < https[i]->requests; ++s)
            held += !https[i]->streams[s]->released;
    return held;
}

void fake_https_free(void)
{
    for (unsigned i = 0; i < made; ++i) {
        for (unsigned s = 0; s < https[i]->requests; ++s) {
            head_free(https[i]->streams[s]->request);
            head_free(https[i]->streams[s]->head);
            buf_fini(&https[i]->streams[s]->in);
            buf_fini(&https[i]->streams[s]->out);
            free(https[i]->streams[s]);
        }
        free(https[i]);
    }
    made = 0;
}

/* --- http.h -------------------------------------------------------------------------------- */

void http_options_default(struct http_options *options)
{
    *options = (struct http_options){.streams_max = 100};
}

struct http *http_serve(struct loop *loop, struct conn *conn, const struct http_options *options,
                        const struct http_events *events, void *owner)
{
    must(!"a fake http has no callers' side");
    return NULL;
}

static size_t swallow(void *owner, struct span bytes)
{
    return bytes.len;
}

static void flush_nothing(void *owner)
{
}

static void note_conn_ended(void *owner, enum conn_end end)
{
    fake_http_end(owner, end);
}

struct http *http_client(struct loop *loop, struct conn *conn, const struct http_options *options,
                         const struct http_events *events, void *owner)
{
    static const struct conn_events silent = {
        .note_bytes = swallow, .flush = flush_nothing, .note_ended = note_conn_ended};
    must(made < HTTPS_MAX);
    struct http *http = alloc_zeroed(sizeof(*http));
    https[made++] = http;
    http->conn = conn;
    http->options = *options;
    http->events = events;
    http->owner = owner;
    http->is_h2 = conn_alpn(conn) == ALPN_H2;
    http->most = 1;
    conn_adopt(conn, &silent, http);
    /* Usable, before any SETTINGS: the real one tells too. */
    http->events->note_room(http->owner);
    return http;
}

uint32_t http_room(const struct http *http)
{
    uint32_t most = http->most < http->options.streams_max ? http->most : http->options.streams_max;
    if (http->closed || http->told || http->draining || http->leaving)
        return 0;
    return most > http->live ? most - http->live : 0;
}

struct stream *http_request(struct http *http, struct head *request, bool ended,
                            void (*note)(void *user), void *user)
{
    must(http_room(http) > 0);
    must(http->requests < STREAMS_MAX);
    struct stream *stream = alloc_zeroed(sizeof(*stream));
    *stream = (struct stream){
        .http = http, .request = request, .sent = ended, .note = note, .user = user, .length = -1};
    buf_init(&stream->in, IN_BYTES_MAX);
    buf_init(&stream->out, OUT_BYTES_MAX);
    http->streams[http->requests++] = stream;
    ++http->live;
    return stream;
}

uint32_t http_live(const struct http *http)
{
    return http->live;
}

void http_drain(struct http *http)
{
    http->draining = true;
    if (http->live == 0)
        tell_end(http, CONN_NOT_ENDED);
}

void http_close(struct http *http)
{
    must(!http->closed);
    http->closed = true;
    detach_all(http);
    conn_close(http->conn, false);
}

const char *http_version(const struct http *http)
{
    return http->is_h2 ? "HTTP/2" : "HTTP/1.1";
}

/* --- stream.h ------------------------------------------------------------------------------ */

struct head *stream_head(const struct stream *stream)
{
    return stream->head;
}

struct head *stream_take_head(struct stream *stream)
{
    return NULL;
}

int64_t stream_length(const struct stream *stream)
{
    return stream->length;
}

size_t stream_bytes(const struct stream *stream)
{
    return stream->in.bytes;
}

struct span stream_front(const struct stream *stream)
{
    return buf_front(&stream->in);
}

size_t stream_spans(const struct stream *stream, struct span *out, size_t count_max)
{
    return 0;
}

void stream_take(struct stream *stream, size_t count)
{
    buf_drop(&stream->in, count);
}

bool stream_is_ended(const struct stream *stream)
{
    return stream->ended;
}

struct head *stream_trailers(const struct stream *stream)
{
    return NULL;
}

enum stream_end stream_fate(const struct stream *stream)
{
    return stream->fate;
}

bool stream_expects_continue(const struct stream *stream)
{
    return false;
}

bool stream_takes_trailers(const struct stream *stream)
{
    return true;
}

void stream_send_head(struct stream *stream, struct head *head, bool ended)
{
    must(!"the head of a worker's request is sent by http_request()");
}

void stream_send_continue(struct stream *stream)
{
}

size_t stream_room(const struct stream *stream)
{
    return stream->sent ? 0 : buf_room(&stream->out);
}

void stream_send(struct stream *stream, struct span bytes)
{
    must(bytes.len <= stream_room(stream));
    must(buf_append(&stream->out, bytes.ptr, bytes.len));
}

size_t stream_move(struct stream *to, struct stream *from, size_t count)
{
    return 0;
}

void stream_send_end(struct stream *stream, struct head *trailers)
{
    head_free(trailers);
    stream->sent = true;
}

bool stream_is_sent(const struct stream *stream)
{
    return stream->sent;
}

uint64_t stream_sent_bytes(const struct stream *stream)
{
    return 0;
}

void stream_reset(struct stream *stream, enum stream_reset reason)
{
    end_stream(stream, STREAM_WHOLE);
}

void stream_release(struct stream *stream)
{
    must(!stream->released);
    stream->released = true;
    end_stream(stream, stream->fate);
}

void stream_set_note(struct stream *stream, void (*note)(void *user), void *user)
{
    stream->note = note;
    stream->user = user;
}
