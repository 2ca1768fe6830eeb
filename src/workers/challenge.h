/* One challenge to a worker, over its link's own connection: what is asked, and the answer as it
 * comes. It owns the stream and the answer's bytes until challenge_fini(). It never judges an
 * answer: that is the attester's, and no lane waits for it. */
#ifndef WORKERS_CHALLENGE_H
#define WORKERS_CHALLENGE_H

#include "base/buf.h"
#include "http/http.h"
#include "workers/attester.h"

/* DESIGN 3: the answer is whole within 5 s and 64 KiB. */
enum { CHALLENGE_MS_MAX = 5000 };

enum challenge_state {
    CHALLENGE_NONE,     /* zeroed: none was made, or it is over */
    CHALLENGE_PREPARED, /* the connection has been asked for its exporter; not sent */
    CHALLENGE_ASKED,
    CHALLENGE_ANSWERED, /* whole, and the stream returned: for the attester */
    CHALLENGE_REFUSED   /* reason and detail say why */
};

struct challenge {
    enum challenge_state state;
    const char *reason; /* static, as the word of a verdict */
    char detail[256];
    /* its own */
    uint8_t exporter[ATTESTER_TERM_BYTES];
    uint8_t nonce[ATTESTER_TERM_BYTES];
    char *certificate;
    size_t certificate_bytes;
    struct stream *stream;
    struct buf coming;
    char *answer; /* once it is whole */
    size_t answer_bytes;
};

/* Takes from `conn`, which is open, what the answer will have to be bound to, and draws a nonce.
 * REFUSED when the connection has no exporter: never is less asked for. */
void challenge_prepare(struct challenge *challenge, struct conn *conn);
/* Sends it to /.well-known/attest; `http` must have room for a request. */
void challenge_send(struct challenge *challenge, struct http *http, const char *authority,
                    void (*note)(void *user), void *user);
/* Takes what has come of an answer. */
void challenge_read(struct challenge *challenge);
/* Its five seconds are over, or its connection. */
void challenge_note_late(struct challenge *challenge);
void challenge_note_lost(struct challenge *challenge);
/* Has any of the answer come? */
bool challenge_has_begun(const struct challenge *challenge);
/* Asks about an ANSWERED one, as attester_ask() does about a certificate; again, if need be. */
MUST_USE bool challenge_judge(const struct challenge *challenge, struct attester *attester,
                              struct trust *trust, struct mailbox *mailbox,
                              void (*answer)(void *owner, uint64_t id, const struct proof *proof),
                              uint64_t id);
void challenge_fini(struct challenge *challenge); /* a zeroed one is fine */

#endif
