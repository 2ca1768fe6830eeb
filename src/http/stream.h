/* One request and its answer on one connection, seen from either end, HTTP/2 or HTTP/1.1 alike.
 * It owns the heads received, the bytes received and not yet taken, and the bytes given and not yet
 * sent. It never acts on its user: it notes (`note` is called, once a turn at most is enough), and
 * the user looks at the facts below.
 *
 * Back-pressure: what is not taken with stream_take()/stream_move() keeps the peer's window closed;
 * what the peer does not take keeps stream_room() at zero.
 * A stream belongs to its connection until stream_release(); after that the user must not touch it.
 */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include "base/buf.h"
#include "http/head.h"

struct stream;

/* Why a stream ended before both sides were done. */
enum stream_end {
    STREAM_WHOLE,    /* nothing wrong (so far) */
    STREAM_REFUSED,  /* certainly not processed: REFUSED_STREAM, above GOAWAY's last id (RFC 9113
                        8.7), or never sent */
    STREAM_RESET,    /* reset by the peer */
    STREAM_LOST,     /* the connection ended under it */
    STREAM_INVALID,  /* the peer broke the protocol */
    STREAM_TOO_LARGE /* head or trailers over their limits */
};

/* --- what has come ---------------------------------------------------------------------------- */

/* The peer's head, or NULL while it is not whole. The stream owns it; stream_take_head() hands the
 * ownership over. Informational answers (1xx) are not shown. */
struct head *stream_head(const struct stream *stream);
struct head *stream_take_head(struct stream *stream);
/* The declared length of the peer's body, or -1. */
int64_t stream_length(const struct stream *stream);
/* Bytes received and not yet taken. */
size_t stream_bytes(const struct stream *stream);
struct span stream_front(const struct stream *stream);
/* The first `count_max` contiguous pieces of them; how many. */
size_t stream_spans(const struct stream *stream, struct span *out, size_t count_max);
/* Takes `count` from the front and opens the peer's window by as much. */
void stream_take(struct stream *stream, size_t count);
/* The peer's side is complete: head, body (some bytes may still wait to be taken), trailers. */
bool stream_is_ended(const struct stream *stream);
/* The peer's trailers, or NULL; only once stream_is_ended(). */
struct head *stream_trailers(const struct stream *stream);
enum stream_end stream_fate(const struct stream *stream);
/* A caller that waits for 100 (Continue) before it sends its body. Clears once answered or body
 * came. */
bool stream_expects_continue(const struct stream *stream);
/* h1 callers take trailers only when they said `TE: trailers`; over h2 always. */
bool stream_takes_trailers(const struct stream *stream);

/* --- what goes -------------------------------------------------------------------------------- */

/* Sends the head; ownership moves to the stream. `ended`: no body follows. The connection adds its
 * own framing: a `content-length` field in the head is kept and held to; without one h1 chunks. */
void stream_send_head(struct stream *stream, struct head *head, bool ended);
void stream_send_continue(struct stream *stream);
/* How many bytes stream_send() or stream_move() take now. */
size_t stream_room(const struct stream *stream);
/* All of it, at most stream_room(): more is a bug. */
void stream_send(struct stream *stream, struct span bytes);
/* Moves up to `count` received bytes of `from` behind what `to` is to send; how many. As
 * stream_take() and stream_send(), without copying where whole chunks can change hands. */
size_t stream_move(struct stream *to, struct stream *from, size_t count);
/* Ends our side; `trailers` (owned from here, may be NULL) go last. */
void stream_send_end(struct stream *stream, struct head *trailers);
bool stream_is_sent(const struct stream *stream); /* our end was written to the conn */
/* Body bytes given by us that have left towards the peer's window, for stall timers: told in steps
 * of 1 KiB, or once nothing waits, so that a peer which takes a byte now and then stalls like one
 * that takes none. */
uint64_t stream_sent_bytes(const struct stream *stream);

/* --- ending ----------------------------------------------------------------------------------- */

enum stream_reset {
    RESET_CANCEL,   /* we no longer want it */
    RESET_INTERNAL, /* what we relay broke off: never to look like success */
    RESET_REFUSED   /* certainly not processed */
};
/* Ends both sides at once (h1: the connection with it, chunking cut). Nothing is noted after. */
void stream_reset(struct stream *stream, enum stream_reset reason);
/* The user is done with it. Unfinished sides are reset with RESET_CANCEL; a caller's stream whose
 * answer is complete but whose request is not is told NO_ERROR (RFC 9113 8.1). */
void stream_release(struct stream *stream);
/* Changes who is noted. */
void stream_set_note(struct stream *stream, void (*note)(void *user), void *user);

#endif
