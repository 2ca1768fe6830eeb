#include "callers/session.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"

struct session {
    struct sessions *sessions;
    struct list node;
    struct grave grave;
    struct conn *conn; /* until TLS stands; then it is the http's */
    struct http *http;
    bool secure;
    bool has_peer_key;
    uint8_t peer_key[32];
    char peer[ADDRESS_TEXT_MAX];
};

void sessions_options_default(struct sessions_options *options)
{
    *options = (struct sessions_options){.sessions_max = 10000, .handshake_ms_max = 10000};
    http_options_default(&options->http);
}

void sessions_init(struct sessions *sessions, struct loop *loop, struct stats *stats,
                   const struct sessions_options *options, const struct sessions_events *events,
                   void *owner)
{
    *sessions = (struct sessions){
        .loop = loop, .stats = stats, .options = *options, .events = events, .owner = owner};
    list_init(&sessions->all);
}

static void session_bury(void *owner)
{
    free(owner);
}

static void session_close(struct session *session)
{
    struct sessions *sessions = session->sessions;
    if (session->http != NULL)
        http_close(session->http);
    else
        conn_close(session->conn, false);
    list_remove(&session->node);
    --sessions->count;
    sessions->opening -= session->http == NULL;
    stats_sub(&sessions->stats->connections_open, 1);
    loop_bury(sessions->loop, &session->grave, session_bury, session);
}

/* --- what http says --------------------------------------------------------------------------- */

static void note_request(void *owner, struct stream *stream)
{
    struct session *session = owner;
    session->sessions->events->note_request(session->sessions->owner, session, stream);
}

static void note_bad(void *owner, int status, const char *why)
{
    struct session *session = owner;
    session->sessions->events->note_bad(session->sessions->owner, session, status, why);
}

static void note_guard(void *owner, enum http_guard guard)
{
    struct session *session = owner;
    struct stats *stats = session->sessions->stats;
    _Atomic uint64_t *const counters[HTTP_GUARD_COUNT] = {
        [HTTP_GUARD_NONE] = NULL,
        [HTTP_GUARD_RESETS] = &stats->guard_resets,
        [HTTP_GUARD_STREAM_ERRORS] = &stats->guard_stream_errors,
        [HTTP_GUARD_BAD_REQUESTS] = &stats->guard_bad_requests,
        [HTTP_GUARD_CONTINUATIONS] = &stats->guard_continuations,
        [HTTP_GUARD_EMPTY_FRAMES] = &stats->guard_empty_frames,
        [HTTP_GUARD_SETTINGS] = &stats->guard_settings,
        [HTTP_GUARD_PINGS] = &stats->guard_pings,
        [HTTP_GUARD_PRIORITIES] = &stats->guard_priorities,
        [HTTP_GUARD_WINDOW_UPDATES] = &stats->guard_window_updates,
        [HTTP_GUARD_DRIPS] = &stats->guard_drips,
        [HTTP_GUARD_CRUMBS] = &stats->guard_crumbs,
        [HTTP_GUARD_UNKNOWN_FRAMES] = &stats->guard_unknown_frames,
        [HTTP_GUARD_GLITCHES] = &stats->guard_glitches,
        [HTTP_GUARD_UNREAD] = &stats->guard_unread,
        [HTTP_GUARD_LARGE_HEADS] = &stats->guard_large_heads,
        [HTTP_GUARD_SLOW_PREFACE] = &stats->guard_slow_preface,
        [HTTP_GUARD_SLOW_HEADS] = &stats->guard_slow_heads,
        [HTTP_GUARD_BLOCKED] = &stats->guard_blocked,
    };
    stats_add(counters[guard], 1);
}

static void note_http_ended(void *owner, enum conn_end end)
{
    session_close(owner);
}

static void serve(struct session *session)
{
    static const struct http_events events = {.note_request = note_request,
                                              .note_bad = note_bad,
                                              .note_guard = note_guard,
                                              .note_ended = note_http_ended};
    struct sessions *sessions = session->sessions;
    session->http =
        http_serve(sessions->loop, session->conn, &sessions->options.http, &events, session);
    session->conn = NULL;
    --sessions->opening;
    if (sessions->draining)
        http_drain(session->http);
}

/* --- what the conn says, until TLS stands ----------------------------------------------------- */

static void note_open(void *owner)
{
    struct session *session = owner;
    session->has_peer_key = conn_peer_key(session->conn, session->peer_key);
    serve(session);
}

static size_t note_bytes(void *owner, struct span bytes)
{
    return 0; /* none before note_open, which hands the conn on */
}

static void flush(void *owner)
{
}

static void note_conn_ended(void *owner, enum conn_end end)
{
    struct session *session = owner;
    if (end == CONN_TIMED_OUT)
        stats_add(&session->sessions->stats->guard_slow_tls, 1);
    session_close(session);
}

void session_open(struct sessions *sessions, int fd, const struct address *peer, struct tls *tls)
{
    static const struct conn_events events = {.note_open = note_open,
                                              .note_bytes = note_bytes,
                                              .flush = flush,
                                              .note_ended = note_conn_ended};
    stats_add(&sessions->stats->connections, 1);
    if (sessions->draining || sessions->count >= sessions->options.sessions_max) {
        close(fd);
        return;
    }
    struct conn_options options = {.open_ms_max = sessions->options.handshake_ms_max};
    struct session *session = alloc_zeroed(sizeof(*session));
    session->sessions = sessions;
    session->secure = tls != NULL;
    list_init(&session->node);
    list_append(&sessions->all, &session->node);
    ++sessions->count;
    ++sessions->opening;
    stats_add(&sessions->stats->connections_open, 1);
    address_text(peer, false, session->peer);
    session->conn = conn_accept(sessions->loop, fd, tls, &options, &events, session);
    if (tls == NULL)
        serve(session);
}

/* --- all of them ------------------------------------------------------------------------------ */

void sessions_drain(struct sessions *sessions)
{
    struct list *node;
    struct list *after;
    sessions->draining = true;
    list_each_safe (node, after, &sessions->all) {
        struct session *session = container_of(node, struct session, node);
        if (session->http != NULL)
            http_drain(session->http);
    }
}

void sessions_close(struct sessions *sessions)
{
    while (!list_is_empty(&sessions->all))
        session_close(container_of(sessions->all.next, struct session, node));
}

const char *session_peer(const struct session *session)
{
    return session->peer;
}

const char *session_protocol(const struct session *session)
{
    return http_version(session->http);
}

bool session_is_secure(const struct session *session)
{
    return session->secure;
}

const uint8_t *session_peer_key(const struct session *session)
{
    return session->has_peer_key ? session->peer_key : NULL;
}
