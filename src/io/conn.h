/* One byte stream, TCP, UNIX or TLS over either: reads when there is something, writes once a turn.
 * It owns its descriptor, its TLS state and the bytes not yet written. It never interprets a byte,
 * and never calls its owner after conn_close(). */
#ifndef IO_CONN_H
#define IO_CONN_H

#include "base/span.h"
#include "io/loop.h"
#include "io/socket.h"
#include "io/tls.h"

struct conn;

enum conn_end {
    CONN_NOT_ENDED,
    CONN_EOF,            /* the peer closed its side, in order */
    CONN_RESET,          /* the peer or the network broke it, or TLS ended without close_notify */
    CONN_CONNECT_FAILED, /* TCP never came up */
    CONN_TLS_FAILED,     /* TCP did, TLS did not */
    CONN_TIMED_OUT       /* open_ms_max passed before note_open */
};

/* ALPN_NONE: cleartext. TLS where nothing was agreed on is ALPN_HTTP11. */
enum conn_alpn { ALPN_NONE, ALPN_H2, ALPN_HTTP11 };

/* Why reading is paused; it goes on when no reason is left. */
enum conn_pause { PAUSE_WINDOW = 1, PAUSE_LIMIT = 2 };

struct conn_events {
    /* Connected, and TLS (if any) finished on both sides. Once. May be NULL. */
    void (*note_open)(void *owner);
    /* Bytes came; answers how many were taken. The rest is offered again, with more behind it,
     * after conn_resume(), conn_adopt() or when more comes: at most 64 KiB are kept, then reading
     * rests. Never while paused, and never more than 256 KiB before others have their turn. The
     * bytes stay readable until the function returns, also when it closes the conn. */
    size_t (*note_bytes)(void *owner, struct span bytes);
    /* The flush phase, never before note_open: conn_write() what there is, up to conn_room().
     * Called again until it writes nothing, as long as the descriptor takes it. */
    void (*flush)(void *owner);
    /* Bytes that were written have left, and there is room again, after less than half was left or
     * the descriptor had taken no more. flush follows. May be NULL. */
    void (*note_drained)(void *owner);
    /* It ended by itself: no byte will come or go; the owner must conn_close() it. Once.
     * While paused, an end is seen only by writing, or once resumed: to notice that a peer left
     * while its bytes are not wanted yet, take none of them rather than pause. What was not taken
     * before is not offered again. When the peer takes no more, what it sent before is still read:
     * writing goes to nowhere until then. */
    void (*note_ended)(void *owner, enum conn_end end);
};

struct conn_options {
    uint32_t open_ms_max;   /* connect and TLS handshake together; 0: 10 s */
    size_t write_bytes_max; /* what conn_room() starts from; 0: 64 KiB */
};

/* An accepted descriptor; owns `fd`. `tls` NULL: cleartext; else a callers' context. No event comes
 * before the next turn. */
struct conn *conn_accept(struct loop *loop, int fd, struct tls *tls,
                         const struct conn_options *options, const struct conn_events *events,
                         void *owner);
/* Never NULL: a failure is told by note_ended, later. `server_name` may be NULL (no SNI). */
struct conn *conn_connect(struct loop *loop, const struct address *address, struct tls *tls,
                          const char *server_name, const struct conn_options *options,
                          const struct conn_events *events, void *owner);
/* Hands events to a new owner, inside a callback or between turns; what the old one did not take is
 * offered to it, later. Not after note_ended. */
void conn_adopt(struct conn *conn, const struct conn_events *events, void *owner);

/* How much conn_write() takes now; 0 once it ended. Before note_open too: it leaves after that. */
size_t conn_room(const struct conn *conn);
/* All of it, at most conn_room(): more is a bug. Leaves at the end of the flush phase. */
void conn_write(struct conn *conn, struct span bytes);
/* Asks for a flush call this turn. */
void conn_wake(struct conn *conn);
/* Bytes written and not yet taken by the kernel. */
size_t conn_unsent(const struct conn *conn);

/* Has the kernel acknowledge what was read at once, this once. For a peer that may hold its last
 * segment back until we do (RFC 1122 4.2.3.4) while we wait for that segment before we say more:
 * without it each such round takes our kernel's delay of 40 ms (4.2.3.2). */
void conn_acknowledge(struct conn *conn);

void conn_pause(struct conn *conn, enum conn_pause reason);
void conn_resume(struct conn *conn, enum conn_pause reason);

enum conn_alpn conn_alpn(const struct conn *conn);
bool conn_is_tls(const struct conn *conn);
/* The peer's leaf certificate as DER, valid as long as the conn; empty without one. */
struct span conn_peer_certificate(const struct conn *conn);
/* SHA-256 of the peer's public key (SPKI, DER), which the handshake proved it has; false without.
 */
MUST_USE bool conn_peer_key(const struct conn *conn, uint8_t out[32]);
/* RFC 8446 7.5 exporter with an empty context; false before note_open or when it fails. */
MUST_USE bool conn_export(struct conn *conn, const char *label, uint8_t *out, size_t out_len);

/* Ends it: with `linger`, what is written still leaves (close_notify behind it, at most 5 s, bytes
 * still coming are thrown away) without the owner; else at once. The conn is gone for the owner. */
void conn_close(struct conn *conn, bool linger);

#endif
