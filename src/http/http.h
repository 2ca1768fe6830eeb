/* One HTTP connection on a conn, in either role; HTTP/2 or HTTP/1.1 behind one interface.
 * It owns its conn and its streams. It never lets what breaks RFC 9112 or RFC 9113 through:
 * requests and answers that are shown above are well-formed, their bodies as long as they said. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "http/guard.h"
#include "http/stream.h"
#include "io/conn.h"

struct http;

struct http_options {
    uint32_t head_bytes_max;   /* names + values + 32 a field; default 65536 */
    uint32_t fields_max;       /* default 100, cookie crumbs counted each */
    uint32_t target_bytes_max; /* request target; default 16384 */
    uint32_t streams_max; /* concurrent streams we allow the peer (callers), or use (workers) */
    uint32_t stream_window_bytes; /* received and not taken, per stream; default 65536 */
    uint32_t send_bytes_max;      /* given and not sent, per stream; default 32768 */
    uint32_t head_ms_max;         /* a request head must be whole by then; default 10000 */
    uint32_t idle_ms_max;         /* without any stream; default 180000 */
    bool cors;                    /* refusals may be read by any origin's script */
    uint32_t requests_max;        /* per connection, then drain; 0: no bound */
};

void http_options_default(struct http_options *options);

struct http_events {
    /* Callers' side: a request's head is whole. The callee takes the stream over (stream_set_note)
     * and only notes. Malformed requests never come here: they were answered or reset; `note_bad`
     * tells of them. */
    void (*note_request)(void *owner, struct stream *stream);
    /* Callers' side: a request was refused before it had a stream for anyone above: 400, 408, 413,
     * 414, 417, 431, 501, 505. For the log and the counters. May be NULL. */
    void (*note_bad)(void *owner, int status, const char *why);
    /* A guard had to act: to be counted. The connection ends, but for LARGE_HEADS. May be NULL. */
    void (*note_guard)(void *owner, enum http_guard guard);
    /* Workers' side: usable, or room for another stream came. May be NULL. */
    void (*note_room)(void *owner);
    /* No more streams will be possible, and all are over; http_close() it. Once. */
    void (*note_ended)(void *owner, enum conn_end end);
};

/* Callers' side, on a conn whose note_open has run or (cleartext) was just accepted. By ALPN; in
 * cleartext by the first bytes: the h2 preface (prior knowledge, RFC 9113 3.3) or HTTP/1.1. */
struct http *http_serve(struct loop *loop, struct conn *conn, const struct http_options *options,
                        const struct http_events *events, void *owner);
/* Workers' side, on a conn that is open; ALPN h2, else HTTP/1.1. */
struct http *http_client(struct loop *loop, struct conn *conn, const struct http_options *options,
                         const struct http_events *events, void *owner);

/* Workers' side: how many requests can be opened now (h1: 1 or 0). Before the peer's SETTINGS: 1.
 */
uint32_t http_room(const struct http *http);
/* Workers' side: opens a stream and sends `request` (owned from here). http_room() must be > 0. */
struct stream *http_request(struct http *http, struct head *request, bool ended,
                            void (*note)(void *user), void *user);
uint32_t http_live(const struct http *http); /* streams now */
/* No new streams; those there finish; then note_ended. GOAWAY in two phases (RFC 9113 6.8);
 * `Connection: close` in HTTP/1.1. */
void http_drain(struct http *http);
/* At once: streams end as STREAM_LOST (their users are noted this turn). The http is gone for the
 * owner. */
void http_close(struct http *http);
const char *http_version(const struct http *http); /* "HTTP/2" or "HTTP/1.1", static */

#endif
