/* The inside of http/ that both versions share: a connection, its streams and the table of a codec.
 * It owns what http.h and stream.h promise. It is never included outside this folder. */
#ifndef HTTP_CORE_H
#define HTTP_CORE_H

#include "base/list.h"
#include "http/head_check.h"
#include "http/http.h"

struct http_codec {
    const char *version;
    void (*start)(struct http *http);
    void (*fini)(struct http *http); /* frees http->codec_state */
    size_t (*take)(struct http *http, struct span bytes);
    void (*flush)(struct http *http);
    void (*drain)(struct http *http);
    /* The conn ended by itself; what this means for a stream, before all are detached. */
    void (*lost)(struct http *http);
    /* Last words before conn_close(); answers whether the end may look orderly. */
    bool (*close)(struct http *http);
    uint32_t (*room)(const struct http *http);
    uint64_t (*deadline)(const struct http *http); /* loop ms, 0: none */
    void (*expire)(struct http *http);
    /* Of a stream that is attached: */
    void (*open)(struct stream *stream);                     /* a request of ours is to go */
    void (*changed)(struct stream *stream);                  /* there is something to send */
    void (*taken)(struct stream *stream, size_t count);      /* the user took bytes */
    void (*reset)(struct stream *stream, enum stream_reset); /* end both sides */
    void (*release)(struct stream *stream);                  /* the user is gone */
};

extern const struct http_codec h2_codec;
extern const struct http_codec h1_codec;

struct http {
    struct loop *loop;
    struct conn *conn;
    const struct http_codec *codec; /* NULL while the first bytes are awaited */
    void *codec_state;
    struct http_options options;
    const struct http_events *events;
    void *owner;
    struct list streams;
    uint32_t live;
    struct wake wake;
    struct timer timer;
    struct grave grave;
    enum conn_end end;
    uint64_t opened_at;
    uint64_t idle_at;  /* since when there is no stream; 0 while there is one */
    uint32_t requests; /* begun in all */
    bool serves;
    bool draining;
    bool over;      /* no stream will come any more, and nothing is left to write */
    bool told;      /* note_ended was called */
    bool closed;    /* the owner is gone */
    bool room_news; /* note_room is due */
    bool untaken;   /* bytes were offered and not taken */
    int64_t date_second;
    char date[30]; /* IMF-fixdate of that second, RFC 9110 5.6.7 */
};

struct stream {
    struct http *http; /* NULL once the connection is done with it */
    struct loop *loop;
    struct list node;  /* in http->streams */
    struct list dirty; /* in the session's list of streams with something to do (HTTP/2) */
    struct wake wake;
    struct grave grave;
    void (*note)(void *user);
    void *user;
    bool serves;
    bool shown;    /* somebody above knows it */
    bool released; /* nobody above does any more */
    bool over;     /* the user reset it, or is to learn of nothing more */
    enum stream_end fate;

    /* Received. */
    struct head *head;
    struct head *partial; /* being received: a head or trailers */
    struct head *trailers;
    struct buf in;
    int64_t length;
    bool headed; /* the peer's head was whole and good; it may have been taken since */
    bool in_ended;
    bool expects_continue;
    bool takes_trailers;
    unsigned informational; /* 1xx so far */

    /* Sent. */
    struct head *out_head;
    struct head *out_trailers;
    struct buf out;
    int64_t out_length; /* as declared; -1 without */
    uint64_t given;     /* body bytes in all */
    uint64_t sent;      /* of these, gone */
    uint64_t advanced;  /* `sent` when it last was progress; see stream_sent_bytes() */
    bool out_headed;    /* a head was given */
    bool out_ended;     /* the user gave all */
    bool out_sent;      /* all has left */
    bool out_bodiless;  /* HEAD, 204, 304: what is given is thrown away */
    bool out_continue;  /* 100 is to be sent */
    bool asked_head;    /* the request is HEAD: its answer has no body */

    /* HTTP/2. */
    int32_t id;
    bool submitted; /* our head is with the library */
    bool deferred;  /* the library waits for nghttp2_session_resume_data() */
    bool dying;     /* a reset is to be sent, or was */
    bool reset_sent;
    bool peer_reset;
    bool frame_was_bad;   /* the library judged so of one, and resets it */
    uint32_t fields_seen; /* of its head and trailers, stored or not */
    bool too_large;       /* its head or trailers passed a limit */
    const char *bad;      /* why its head is malformed */
    int refuse_status;    /* to be answered by ourselves */
    uint32_t reset_code;
    size_t taken; /* by the user, the library not told yet */
};

/* --- stream.c, for codecs --------------------------------------------------------------------- */

/* Attached to `http`, not shown to anyone. */
struct stream *stream_new(struct http *http);
/* The user will be noted in this turn. */
void stream_wake(struct stream *stream);
/* The connection is done with it; `fate` if it was whole so far and not complete. */
void stream_detach(struct stream *stream, enum stream_end fate);
/* Whether its user has all it can ask of it: an answer received, or one sent. */
bool stream_is_complete(const struct stream *stream);
/* `count` bytes of stream->out have gone; wakes the user when there is room again. */
void stream_note_sent(struct stream *stream, size_t count);
/* All of our side has gone. */
void stream_note_all_sent(struct stream *stream);
/* The head of the peer is whole and good. */
void stream_note_head(struct stream *stream, struct head *head, const struct head_facts *facts);

/* --- http.c, for codecs ----------------------------------------------------------------------- */

void http_note_bad(struct http *http, int status, const char *why);
void http_note_guard(struct http *http, enum http_guard guard);
/* Nothing more will happen here: streams are lost, the owner is told. */
void http_over(struct http *http, enum conn_end end);
/* A deadline may have changed. */
void http_set_timer(struct http *http);
void http_wake_room(struct http *http);
/* Adds what every answer has: `date` (RFC 9110 6.6.1), unless it is there. */
void http_add_date(struct http *http, struct head *head);

#endif
