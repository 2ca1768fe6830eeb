/* Conns without a network; implements io/conn.h whole. Two may be joined, or a test plays the peer.
 * It owns every fake conn until fake_conns_free(), closed ones too, so that tests can look at them.
 * It never calls its owner after conn_close(), as the real one. */
#ifndef FAKE_CONN_H
#define FAKE_CONN_H

#include "base/buf.h"
#include "io/conn.h"

/* An open conn without owner: http_serve() or conn_adopt() give it one. */
struct conn *fake_conn_new(struct loop *loop, enum conn_alpn alpn, bool tls);
/* What one writes the other reads. */
void fake_conn_join(struct conn *one, struct conn *other);
/* Bytes from the peer (kept apart from the 64 KiB a conn keeps; delivered as it reads). */
void fake_conn_feed(struct conn *conn, struct span bytes);
/* At most `count` bytes a delivery; 0: as much as there is. */
void fake_conn_chop(struct conn *conn, size_t count);
/* The network takes nothing until told otherwise. */
void fake_conn_stall(struct conn *conn, bool stalled);
/* The peer's end, told after all that was fed has been taken. */
void fake_conn_end(struct conn *conn, enum conn_end end);
/* What has left towards the test since the last fake_conn_forget(); NUL-ended. */
struct span fake_conn_wrote(struct conn *conn);
void fake_conn_forget(struct conn *conn);
/* Bytes fed or kept that the owner has not taken. */
size_t fake_conn_untaken(const struct conn *conn);
bool fake_conn_is_closed(const struct conn *conn);
bool fake_conn_lingers(const struct conn *conn); /* closed with linger */
/* For conns made by conn_connect(): note_open, with this ALPN. */
void fake_conn_open(struct conn *conn, enum conn_alpn alpn);
/* What conn_peer_certificate() answers; the bytes must outlive the conn. */
void fake_conn_set_certificate(struct conn *conn, struct span der);
/* From now on conn_export() of this conn fails. */
void fake_conn_deny_export(struct conn *conn);
/* The conn made last by conn_connect() or conn_accept(), or NULL. */
struct conn *fake_conn_last(void);
/* Frees all; before loop_free(). */
void fake_conns_free(void);

#endif
