/* The inside of a conn, shared by conn.c, conn_read.c, conn_linger.c and conn_tls.c.
 * It owns nothing of its own. Never included outside io/. */
#ifndef IO_CONN_PARTS_H
#define IO_CONN_PARTS_H

#include <event2/event_struct.h>

#include "base/buf.h"
#include "io/conn.h"
#include "io/wire.h"

enum conn_state {
    CONN_STARTED,    /* accepted, or failed to connect: the next run phase tells */
    CONN_CONNECTING, /* until writable */
    CONN_SHAKING,    /* TLS handshake */
    CONN_OPEN,
    CONN_LINGERING, /* closed by its owner: the rest is written */
    CONN_EMPTYING,  /* and our side is ended: what still comes is thrown away */
    CONN_GONE
};

struct conn {
    struct loop *loop;
    struct wire wire;
    struct tls *tls; /* NULL: cleartext */
    struct ssl_st *ssl;
    const struct conn_events *events;
    void *owner;

    enum conn_state state;
    enum conn_end ended;
    unsigned pauses;

    struct event readable;
    struct event writable;
    bool read_on;
    bool write_on;
    bool blocked;          /* writing waits until the descriptor is writable */
    bool write_wants_read; /* TLS: writing goes on when readable */
    bool read_wants_write; /* TLS: reading goes on when writable */
    bool shake_wants_write;
    bool connect_failed;
    bool wants_flush; /* the owner asked to be asked */
    bool tight;       /* less than half the room was left since note_drained */
    bool offer_kept;  /* what is kept is to be offered again, though nothing new came */
    bool peer_ended;  /* nothing more comes; while lingering */

    struct wake run;
    struct wake flush;
    struct timer timer; /* until open; then while lingering */
    struct grave grave;

    struct buf out;
    char *kept; /* offered and not taken */
    size_t kept_len;
    size_t kept_bytes;

    char *certificate; /* the peer's, DER */
    size_t certificate_len;
};

/* conn.c: registers for what the state waits for. */
void conn_arm(struct conn *conn);
/* conn.c: writes what the descriptor takes; how much left. False when it broke. */
MUST_USE bool conn_push(struct conn *conn, size_t *left);
/* conn.c: frees all but the memory, which goes at the end of the turn. */
void conn_destroy(struct conn *conn);

/* conn.c: it ended by itself; tells the owner, who may close it. */
void conn_end_with(struct conn *conn, enum conn_end why);

/* conn_read.c */
bool conn_may_read(const struct conn *conn);
/* Reads and offers until there is no more, the owner pauses, or others should have their turn. */
void conn_read_some(struct conn *conn);
void conn_offer_kept(struct conn *conn);

/* conn_linger.c */
bool conn_may_linger(const struct conn *conn);
void conn_linger(struct conn *conn);
void conn_linger_on(struct conn *conn); /* after anything happened */

/* conn_tls.c */
void conn_tls_start(struct conn *conn, const char *server_name);
enum wire_result conn_tls_shake(struct conn *conn);
/* As much as comes, up to `bytes`, from several records. */
enum wire_result conn_tls_read(struct conn *conn, char *memory, size_t bytes, size_t *moved);
/* One record from the front of conn->out. */
enum wire_result conn_tls_write(struct conn *conn, size_t *moved);
bool conn_tls_has_pending(const struct conn *conn);
void conn_tls_keep_certificate(struct conn *conn);
enum wire_result conn_tls_end(struct conn *conn); /* close_notify */
void conn_tls_free(struct conn *conn);

#endif
