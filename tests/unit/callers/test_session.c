#include "callers/session.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fakes/fake_conn.h"
#include "fakes/fake_loop.h"
#include "unit/checks.h"

struct lobby {
    struct loop *loop;
    struct stats stats;
    struct sessions sessions;
    struct sessions_options options;
    struct stream *streams[4];
    unsigned requests;
    int bad;
    char peer[ADDRESS_TEXT_MAX];
    const char *protocol;
    bool secure;
};

static void note_request(void *owner, struct session *session, struct stream *stream)
{
    struct lobby *lobby = owner;
    lobby->streams[lobby->requests++] = stream;
    lobby->protocol = session_protocol(session);
    lobby->secure = session_is_secure(session);
    snprintf(lobby->peer, sizeof(lobby->peer), "%s", session_peer(session));
}

static void note_bad(void *owner, struct session *session, int status, const char *why)
{
    ((struct lobby *)owner)->bad = status;
}

static const struct sessions_events events = {note_request, note_bad};

static void lobby_open(struct lobby *lobby)
{
    *lobby = (struct lobby){.loop = loop_new()};
    sessions_options_default(&lobby->options);
    sessions_init(&lobby->sessions, lobby->loop, &lobby->stats, &lobby->options, &events, lobby);
}

static void lobby_close(struct lobby *lobby)
{
    for (unsigned i = 0; i < lobby->requests; ++i)
        stream_release(lobby->streams[i]);
    sessions_close(&lobby->sessions);
    fake_loop_settle(lobby->loop);
    ck_assert_uint_eq(stats_read(&lobby->stats.connections_open), 0);
    fake_conns_free();
    loop_free(lobby->loop);
}

/* `tls` is never looked into by the fake conn. */
static struct conn *enter(struct lobby *lobby, bool secure)
{
    struct address peer;
    char error[128];
    ck_assert(address_parse(&peer, SPAN_OF("192.0.2.7:1000"), error, sizeof(error)));
    session_open(&lobby->sessions, open("/dev/null", O_RDONLY | O_CLOEXEC), &peer,
                 secure ? (struct tls *)&lobby->stats : NULL);
    fake_loop_settle(lobby->loop);
    return fake_conn_last();
}

static void ask(struct lobby *lobby, struct conn *conn, const char *text)
{
    fake_conn_feed(conn, span_text(text));
    fake_loop_settle(lobby->loop);
}

static const char request[] = "GET /ipfs/x HTTP/1.1\r\nHost: a\r\n\r\n";

START_TEST(a_request_goes_up_with_the_callers_address)
{
    struct lobby lobby;
    lobby_open(&lobby);
    struct conn *conn = enter(&lobby, false);
    ask(&lobby, conn, request);
    ck_assert_uint_eq(lobby.requests, 1);
    ck_assert_str_eq(lobby.peer, "192.0.2.7");
    ck_assert_str_eq(lobby.protocol, "HTTP/1.1");
    ck_assert(!lobby.secure);
    ck_assert_uint_eq(stats_read(&lobby.stats.connections), 1);
    ck_assert_uint_eq(stats_read(&lobby.stats.connections_open), 1);
    lobby_close(&lobby);
}
END_TEST

START_TEST(over_tls_nothing_is_served_before_the_handshake)
{
    struct lobby lobby;
    lobby_open(&lobby);
    struct conn *conn = enter(&lobby, true);
    fake_conn_open(conn, ALPN_HTTP11);
    fake_loop_settle(lobby.loop);
    ask(&lobby, conn, request);
    ck_assert_uint_eq(lobby.requests, 1);
    ck_assert(lobby.secure);
    lobby_close(&lobby);
}
END_TEST

START_TEST(a_handshake_that_fails_ends_the_session)
{
    struct lobby lobby;
    lobby_open(&lobby);
    struct conn *conn = enter(&lobby, true);
    fake_conn_end(conn, CONN_TLS_FAILED);
    fake_loop_settle(lobby.loop);
    ck_assert(fake_conn_is_closed(conn));
    ck_assert_uint_eq(lobby.sessions.count, 0);
    lobby_close(&lobby);
}
END_TEST

START_TEST(a_caller_who_hangs_up_ends_the_session)
{
    struct lobby lobby;
    lobby_open(&lobby);
    struct conn *conn = enter(&lobby, false);
    fake_conn_end(conn, CONN_EOF);
    fake_loop_settle(lobby.loop);
    ck_assert(fake_conn_is_closed(conn));
    ck_assert_uint_eq(lobby.sessions.count, 0);
    lobby_close(&lobby);
}
END_TEST

START_TEST(a_malformed_request_is_told_of)
{
    struct lobby lobby;
    lobby_open(&lobby);
    struct conn *conn = enter(&lobby, false);
    ask(&lobby, conn, "GET / HTTP/1.1\r\n\r\n"); /* no Host: RFC 9112 3.2 */
    ck_assert_int_eq(lobby.bad, 400);
    ck_assert_uint_eq(lobby.requests, 0);
    lobby_close(&lobby);
}
END_TEST

START_TEST(sessions_have_a_maximum)
{
    struct lobby lobby;
    lobby_open(&lobby);
    lobby.sessions.options.sessions_max = 2;
    for (int i = 0; i < 3; ++i)
        (void)enter(&lobby, false);
    ck_assert_uint_eq(lobby.sessions.count, 2);
    ck_assert_uint_eq(stats_read(&lobby.stats.connections), 3);
    ck_assert_uint_eq(stats_read(&lobby.stats.connections_open), 2);
    lobby_close(&lobby);
}
END_TEST

START_TEST(a_drain_ends_idle_sessions_and_lets_in_no_more)
{
    struct lobby lobby;
    lobby_open(&lobby);
    struct conn *idle = enter(&lobby, false);
    struct conn *busy = enter(&lobby, false);
    ask(&lobby, busy, request);
    sessions_drain(&lobby.sessions);
    fake_loop_settle(lobby.loop);
    ck_assert(fake_conn_is_closed(idle));
    ck_assert(!fake_conn_is_closed(busy));
    (void)enter(&lobby, false);
    ck_assert_uint_eq(lobby.sessions.count, 1);
    lobby_close(&lobby);
}
END_TEST

START_TEST(a_handshake_under_way_is_drained_once_it_stands)
{
    struct lobby lobby;
    lobby_open(&lobby);
    struct conn *conn = enter(&lobby, true);
    sessions_drain(&lobby.sessions);
    ck_assert_uint_eq(lobby.sessions.count, 1);
    ck_assert_uint_eq(lobby.sessions.opening, 1);
    fake_conn_open(conn, ALPN_HTTP11);
    ck_assert_uint_eq(lobby.sessions.opening, 0);
    fake_loop_settle(lobby.loop);
    ck_assert_uint_eq(lobby.sessions.count, 0);
    lobby_close(&lobby);
}
END_TEST

START_TEST(a_handshake_that_ends_is_opening_no_more)
{
    struct lobby lobby;
    lobby_open(&lobby);
    (void)enter(&lobby, false); /* without TLS nothing is to be opened */
    ck_assert_uint_eq(lobby.sessions.opening, 0);
    struct conn *conn = enter(&lobby, true);
    ck_assert_uint_eq(lobby.sessions.opening, 1);
    fake_conn_end(conn, CONN_EOF);
    fake_loop_settle(lobby.loop);
    ck_assert_uint_eq(lobby.sessions.opening, 0);
    ck_assert_uint_eq(lobby.sessions.count, 1);
    lobby_close(&lobby);
}
END_TEST

START_TEST(closing_at_once_tells_the_streams)
{
    struct lobby lobby;
    lobby_open(&lobby);
    struct conn *conn = enter(&lobby, false);
    ask(&lobby, conn, request);
    sessions_close(&lobby.sessions);
    fake_loop_settle(lobby.loop);
    ck_assert_int_eq(stream_fate(lobby.streams[0]), STREAM_LOST);
    ck_assert(fake_conn_is_closed(conn));
    lobby_close(&lobby);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_request_goes_up_with_the_callers_address,
        over_tls_nothing_is_served_before_the_handshake,
        a_handshake_that_fails_ends_the_session,
        a_caller_who_hangs_up_ends_the_session,
        a_malformed_request_is_told_of,
        sessions_have_a_maximum,
        a_drain_ends_idle_sessions_and_lets_in_no_more,
        a_handshake_under_way_is_drained_once_it_stands,
        a_handshake_that_ends_is_opening_no_more,
        closing_at_once_tells_the_streams,
        NULL,
    };
    return checks_run("session", tests);
}
