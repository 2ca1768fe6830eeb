/* Bodies, both ways at once, bounded by the streams' own windows.
 * It owns what it keeps of the request for another try, and its marks of who waits for whom. It
 * never buffers an answer, never looks into a body, and never decides what a limit means. */
#ifndef EXCHANGE_RELAY_H
#define EXCHANGE_RELAY_H

#include "exchange/alarm.h"
#include "exchange/digest.h"
#include "http/stream.h"

/* Bytes kept for replays: of this relay at most, and with all others of the lane. */
struct relay_store {
    size_t bytes_max;
    uint64_t *total;
    uint64_t total_max;
};

struct relay {
    struct stream *caller;
    struct stream *worker; /* NULL: nobody */
    struct relay_store store;
    char *kept;
    size_t kept_len;
    size_t kept_room;
    bool keeps;        /* all of `taken` is in `kept` */
    uint64_t taken;    /* body bytes of the caller, ever */
    uint64_t given;    /* of them to this worker */
    uint64_t up_max;   /* more than this is not taken */
    bool up_ended;     /* the worker was told that the request is complete */
    uint64_t down;     /* body bytes of the answer to the caller */
    uint64_t down_max; /* more than this is not moved */
    bool tracks_tail;
    char tail[2]; /* the last bytes moved down */
    uint64_t sent_seen;
    struct digest up_digest;   /* of `taken` */
    struct digest down_digest; /* of `down`; sealed: of all that will be */
    struct mark upload;        /* the worker could take a byte, the caller sends none */
    struct mark idle;          /* the caller could take a byte, the worker sends none that may go */
    struct mark stall;         /* bytes are under way, the caller takes none */
};

void relay_init(struct relay *relay, struct stream *caller, const struct relay_store *store);
void relay_fini(struct relay *relay);
/* A worker's stream, its request's head sent. `ended`: no body follows. */
void relay_join(struct relay *relay, struct stream *worker, bool ended);
void relay_part(struct relay *relay);
/* The request sent so far can be sent again. */
bool relay_is_replayable(const struct relay *relay);
/* There will be no other try: what was kept goes. */
void relay_forget(struct relay *relay);

/* Moves what can move; the caller's trailers go last. `now` for the marks. */
void relay_up(struct relay *relay, uint64_t now);
void relay_down(struct relay *relay, uint64_t now);
/* Bytes wait that a maximum does not let through. */
bool relay_is_over_up(const struct relay *relay);
bool relay_is_over_down(const struct relay *relay);
/* The worker has had the request to its end. */
bool relay_is_request_whole(const struct relay *relay);
/* The worker's answer is complete: what waits of it goes into the digest now, ahead of the caller.
 * False when it is in more pieces than are looked at: then the digest lacks them. */
bool relay_seal(struct relay *relay);
/* Looks whether the caller takes bytes, when nothing else moves them. */
void relay_watch(struct relay *relay, uint64_t now);

#endif
