/* The inside of the HTTP/2 codec: one nghttp2 session and what guards it.
 * It owns the session. It never acts inside the library's callbacks: they note, h2_stream_sync()
 * and the flush act. Included by h2*.c alone; nghttp2 appears nowhere else. */
#ifndef HTTP_H2_H
#define HTTP_H2_H

#include <nghttp2/nghttp2.h>

#include "http/h2_guard.h"
#include "http/http_core.h"

struct h2 {
    struct http *http;
    nghttp2_session *session;
    struct list dirty; /* streams with something for the library */
    struct span rest;  /* of the library's last chunk: not yet written */
    struct h2_guard guard;
    uint64_t settings_at; /* when the peer's SETTINGS came; 0: not yet */
    uint64_t acked_at;    /* when it acknowledged ours; 0: not yet */
    uint64_t dying_at;    /* since when the session only waits for its last bytes to leave */
    uint64_t blocked_at;  /* since when the conn has taken nothing of `rest`; 0: it does */
    uint64_t drain_at;    /* when the first GOAWAY was given; 0: never */
    bool drain_seen;      /* the peer has it: our PING came back */
    bool drain_final;     /* the second was given */
    bool goaway;          /* the peer's came */
    bool hurries;         /* a stream's window is a good part used: the peer may wait for our ACK */
    bool broken;          /* the library gave up */
    bool killed;          /* the session is to end with kill_code */
    uint32_t kill_code;
};

/* --- h2.c ------------------------------------------------------------------------------------- */

/* Ends the session with `code` (RFC 9113 5.4.1); its last bytes still leave. */
void h2_kill(struct h2 *h2, uint32_t code, const char *why);
/* Ends it because a guard says so. */
void h2_trip(struct h2 *h2, enum http_guard guard);
/* What honest peers rarely send was seen: see h2_guard_count(). */
void h2_note_glitch(struct h2 *h2, enum http_guard kind, uint32_t weight);

/* --- h2_calls.c: the library's callbacks, which note ------------------------------------------ */

nghttp2_session *h2_session_new(struct h2 *h2);

/* --- h2_stream.c ------------------------------------------------------------------------------ */

/* Has its changes told to the library in the next flush. */
void h2_stream_mark(struct stream *stream);
void h2_stream_sync(struct h2 *h2, struct stream *stream);
/* Has it reset with `code`, unless a reset is under way. */
void h2_stream_kill(struct stream *stream, uint32_t code);
/* The peer's head or trailers are whole. */
void h2_stream_note_head(struct h2 *h2, struct stream *stream, bool ended);
void h2_stream_note_end(struct h2 *h2, struct stream *stream);
/* One field of the head or the trailers being received. */
void h2_stream_note_field(struct h2 *h2, struct stream *stream, struct span name, struct span value,
                          bool sensitive);
/* The library is done with it. */
void h2_stream_note_closed(struct stream *stream, uint32_t code);

#endif
