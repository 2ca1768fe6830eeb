/* Streams without a connection; implements http/stream.h whole. The test plays the peer: what it
 * feeds arrives window by window, what it is sent it takes sip by sip, whenever the test pumps.
 * It owns every fake stream until fake_streams_free(), released ones too. It never calls its user
 * but through `note`, as the real one. */
#ifndef FAKE_STREAM_H
#define FAKE_STREAM_H

#include "http/stream.h"
#include "io/loop.h"

struct stream {
    struct list node;
    void (*note)(void *user);
    void *user;
    /* from the peer */
    struct head *head;
    struct head *trailers;
    int64_t length;
    struct buf wire; /* fed, not yet let in by the window */
    struct buf in;
    bool wire_ended;
    bool in_ended;
    enum stream_end fate;
    bool expects_continue;
    bool takes_trailers;
    /* to the peer */
    struct head *out_head;
    struct head *out_trailers;
    struct buf out;
    struct buf got; /* what the peer took */
    bool out_headed;
    bool out_ended;
    bool out_sent;
    uint64_t given;
    uint64_t sent;
    bool continued;
    /* how the peer behaves */
    size_t window; /* bytes not taken that are let in at most */
    size_t sip;    /* bytes taken a pump; 0: it stalls */
    /* how it went */
    bool is_reset;
    enum stream_reset reset;
    bool released;
    bool complete; /* all of an answer or request was given: by its end, or by its length */
    void (*on_complete)(void *arg, struct stream *stream);
    void *arg;
};

struct stream *fake_stream_new(void);
/* The peer's head came; owned from here. Its content-length becomes the length. */
void fake_stream_head(struct stream *stream, struct head *head);
void fake_stream_feed(struct stream *stream, struct span bytes);
/* The peer's side ends behind what was fed; `trailers` owned from here, may be NULL. */
void fake_stream_feed_end(struct stream *stream, struct head *trailers);
void fake_stream_fail(struct stream *stream, enum stream_end fate);
/* Lets bytes through both ways, once, on all streams; whether anything happened. */
bool fake_streams_pump(void);
/* Takes the peer's copy of all it got; its span, valid until the next call. */
struct span fake_stream_got(struct stream *stream);
/* How many were not released. */
unsigned fake_streams_live(void);
void fake_streams_free(void);

#endif
