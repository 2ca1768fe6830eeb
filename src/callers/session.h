/* One accepted connection of a caller: its conn, and HTTP on it once TLS stands.
 * It owns both; its streams go up as they come, and belong to whoever takes them. It never reads a
 * request: the lane's callback makes an exchange of it. */
#ifndef CALLERS_SESSION_H
#define CALLERS_SESSION_H

#include "base/stats.h"
#include "http/http.h"
#include "io/socket.h"

struct session;

struct sessions_events {
    /* A request's head is whole: the callee takes the stream over. */
    void (*note_request)(void *owner, struct session *session, struct stream *stream);
    /* One was refused below: see http_events. */
    void (*note_bad)(void *owner, struct session *session, int status, const char *why);
};

struct sessions_options {
    uint32_t sessions_max;     /* of the lane; above, connections are closed; default 10000 */
    uint32_t handshake_ms_max; /* TLS must stand by then; default 10000 */
    struct http_options http;
};

/* All sessions of a lane. Embedded in it; the lane owns it. */
struct sessions {
    struct loop *loop;
    struct stats *stats;
    struct sessions_options options;
    const struct sessions_events *events;
    void *owner;
    struct list all;
    uint32_t count;
    uint32_t opening; /* of them: TLS does not stand yet, so nothing was asked */
    bool draining;
};

void sessions_options_default(struct sessions_options *options);
void sessions_init(struct sessions *sessions, struct loop *loop, struct stats *stats,
                   const struct sessions_options *options, const struct sessions_events *events,
                   void *owner);
/* No new requests; those there finish, then the sessions end. New connections are closed. */
void sessions_drain(struct sessions *sessions);
/* At once. Streams end as STREAM_LOST. */
void sessions_close(struct sessions *sessions);

/* Owns `fd`. `tls` NULL: cleartext. */
void session_open(struct sessions *sessions, int fd, const struct address *peer, struct tls *tls);
const char *session_peer(const struct session *session);     /* its address without port */
const char *session_protocol(const struct session *session); /* as http_version(), static */
bool session_is_secure(const struct session *session);
/* conn_peer_key() of a caller that showed a certificate; NULL without. */
const uint8_t *session_peer_key(const struct session *session);

#endif
