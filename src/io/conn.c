#include "io/conn.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/conn_parts.h"

enum { WRITE_BYTES_DEFAULT = 65536, OPEN_MS_DEFAULT = 10000, PIECES = 16 };

static void arm_one(struct event *event, bool *on, bool wanted)
{
    if (*on == wanted)
        return;
    must((wanted ? event_add(event, NULL) : event_del(event)) == 0);
    *on = wanted;
}

void conn_arm(struct conn *conn)
{
    bool reads = false;
    bool writes = false;
    switch (conn->state) {
    case CONN_CONNECTING:
        writes = true;
        break;
    case CONN_SHAKING:
        writes = conn->shake_wants_write;
        reads = !writes;
        break;
    case CONN_OPEN:
        reads = (conn_may_read(conn) && !conn->read_wants_write) || conn->write_wants_read;
        writes = conn->blocked || conn->read_wants_write;
        break;
    case CONN_LINGERING:
    case CONN_EMPTYING:
        reads = !conn->peer_ended;
        writes = conn->blocked;
        break;
    case CONN_STARTED:
    case CONN_GONE:
        break;
    }
    bool lives = conn->ended == CONN_NOT_ENDED || conn->state >= CONN_LINGERING;
    arm_one(&conn->readable, &conn->read_on, reads && lives);
    arm_one(&conn->writable, &conn->write_on, writes && lives);
}

static bool is_gone(const struct conn *conn)
{
    return conn->state >= CONN_LINGERING || conn->ended != CONN_NOT_ENDED;
}

void conn_end_with(struct conn *conn, enum conn_end why)
{
    conn->ended = why;
    timer_stop(&conn->timer);
    wake_cancel(&conn->run);
    wake_cancel(&conn->flush);
    conn_arm(conn);
    conn->events->note_ended(conn->owner, why);
}

static void note_opened(struct conn *conn)
{
    conn->state = CONN_OPEN;
    timer_stop(&conn->timer);
    if (conn->ssl != NULL)
        conn_tls_keep_certificate(conn);
    if (conn->events->note_open != NULL)
        conn->events->note_open(conn->owner);
    if (is_gone(conn))
        return;
    if (conn->wants_flush || conn->out.bytes > 0)
        loop_flush(conn->loop, &conn->flush);
    if (conn->ssl != NULL && conn_tls_has_pending(conn))
        loop_wake(conn->loop, &conn->run);
}

static void shake(struct conn *conn)
{
    switch (conn_tls_shake(conn)) {
    case WIRE_MOVED:
        note_opened(conn);
        break;
    case WIRE_WANTS_READ:
        conn->shake_wants_write = false;
        break;
    case WIRE_WANTS_WRITE:
        conn->shake_wants_write = true;
        break;
    default:
        conn_end_with(conn, CONN_TLS_FAILED);
    }
}

static void note_connected(struct conn *conn)
{
    int why = 0;
    socklen_t len = sizeof(why);
    if (getsockopt(conn->wire.fd, SOL_SOCKET, SO_ERROR, &why, &len) != 0 || why != 0) {
        conn_end_with(conn, CONN_CONNECT_FAILED);
    } else if (conn->ssl != NULL) {
        conn->state = CONN_SHAKING;
        shake(conn);
    } else {
        note_opened(conn);
    }
}

static enum wire_result write_once(struct conn *conn, size_t *moved)
{
    if (conn->ssl != NULL)
        return conn_tls_write(conn, moved);
    struct span pieces[PIECES];
    return wire_write(&conn->wire, pieces, buf_spans(&conn->out, pieces, PIECES), moved);
}

bool conn_push(struct conn *conn, size_t *left)
{
    *left = 0;
    while (conn->out.bytes > 0 && !conn->blocked && !conn->write_wants_read) {
        size_t moved;
        switch (write_once(conn, &moved)) {
        case WIRE_MOVED:
            buf_drop(&conn->out, moved);
            *left += moved;
            break;
        case WIRE_WANTS_WRITE:
            conn->blocked = conn->tight = true;
            break;
        case WIRE_WANTS_READ:
            conn->write_wants_read = conn->tight = true;
            break;
        default:
            return false;
        }
    }
    return true;
}

/* Writes, and tells the owner about the room that came of it. */
static void push_and_tell(struct conn *conn, bool wrote)
{
    size_t left;
    if (!conn_push(conn, &left) || (conn->wire.write_lost && !conn_may_read(conn))) {
        conn_end_with(conn, CONN_RESET); /* nobody reads, so nobody would come to see the end */
        return;
    }
    if (left == 0)
        return;
    bool tell = conn->tight && conn->events->note_drained != NULL;
    /* An owner that wrote may have more than fitted; one that wrote nothing will wake us. */
    if (wrote || conn->tight) {
        conn->wants_flush = true;
        loop_flush(conn->loop, &conn->flush);
    }
    conn->tight = conn->blocked;
    if (tell)
        conn->events->note_drained(conn->owner);
}

static void note_flush(void *owner)
{
    struct conn *conn = owner;
    if (conn->state >= CONN_LINGERING) {
        conn_linger_on(conn);
        return;
    }
    if (conn->state != CONN_OPEN)
        return; /* note_opened() comes back to it */
    bool wrote = false;
    if (conn->wants_flush) {
        size_t before = conn->out.bytes;
        conn->wants_flush = false;
        conn->events->flush(conn->owner);
        if (is_gone(conn))
            return;
        wrote = conn->out.bytes > before;
    }
    push_and_tell(conn, wrote);
    if (!is_gone(conn))
        conn_arm(conn);
}

static void note_run(void *owner)
{
    struct conn *conn = owner;
    if (conn->state == CONN_STARTED) {
        if (conn->connect_failed)
            conn_end_with(conn, CONN_CONNECT_FAILED);
        else
            note_opened(conn);
    } else if (conn->state == CONN_OPEN) {
        if (conn->offer_kept && conn->kept_len > 0 && conn->pauses == 0)
            conn_offer_kept(conn);
        conn_read_some(conn);
    }
    conn_arm(conn);
}

static void note_readable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;
    conn->wire.drained = false;
    if (conn->state >= CONN_LINGERING) {
        conn_linger_on(conn);
        return;
    }
    if (conn->state == CONN_SHAKING) {
        shake(conn);
    } else {
        if (conn->write_wants_read) {
            conn->write_wants_read = false;
            push_and_tell(conn, false);
        }
        conn_read_some(conn);
    }
    conn_arm(conn);
}

static void note_writable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;
    conn->blocked = false;
    if (conn->state >= CONN_LINGERING) {
        conn_linger_on(conn);
        return;
    }
    if (conn->state == CONN_CONNECTING) {
        note_connected(conn);
    } else if (conn->state == CONN_SHAKING) {
        shake(conn);
    } else {
        if (conn->read_wants_write) {
            conn->read_wants_write = false;
            conn_read_some(conn);
        }
        if (!is_gone(conn))
            push_and_tell(conn, false);
    }
    conn_arm(conn);
}

static void note_time(void *owner)
{
    struct conn *conn = owner;
    if (conn->state >= CONN_LINGERING)
        conn_destroy(conn);
    else
        conn_end_with(conn, CONN_TIMED_OUT);
}

static struct conn *conn_new(struct loop *loop, int fd, struct tls *tls,
                             const struct conn_options *options, const struct conn_events *events,
                             void *owner)
{
    struct conn *conn = alloc_zeroed(sizeof(*conn));
    conn->loop = loop;
    conn->wire.fd = fd;
    conn->tls = tls != NULL ? tls_take(tls) : NULL;
    conn->events = events;
    conn->owner = owner;
    wake_init(&conn->run, note_run, conn);
    wake_init(&conn->flush, note_flush, conn);
    timer_init(&conn->timer, loop, note_time, conn);
    buf_init(&conn->out,
             options->write_bytes_max > 0 ? options->write_bytes_max : (size_t)WRITE_BYTES_DEFAULT);
    must(event_assign(&conn->readable, loop_base(loop), fd, EV_READ | EV_PERSIST, note_readable,
                      conn) == 0);
    must(event_assign(&conn->writable, loop_base(loop), fd, EV_WRITE | EV_PERSIST, note_writable,
                      conn) == 0);
    return conn;
}

static void limit_opening(struct conn *conn, const struct conn_options *options)
{
    uint32_t open_ms_max = options->open_ms_max > 0 ? options->open_ms_max : OPEN_MS_DEFAULT;
    timer_set(&conn->timer, loop_now(conn->loop) + open_ms_max);
}

struct conn *conn_accept(struct loop *loop, int fd, struct tls *tls,
                         const struct conn_options *options, const struct conn_events *events,
                         void *owner)
{
    struct conn *conn = conn_new(loop, fd, tls, options, events, owner);
    if (tls != NULL) {
        conn_tls_start(conn, NULL);
        conn->state = CONN_SHAKING;
        limit_opening(conn, options);
        conn_arm(conn);
    } else {
        loop_wake(loop, &conn->run);
    }
    return conn;
}

struct conn *conn_connect(struct loop *loop, const struct address *address, struct tls *tls,
                          const char *server_name, const struct conn_options *options,
                          const struct conn_events *events, void *owner)
{
    int fd = socket_connect(address);
    struct conn *conn = conn_new(loop, fd, tls, options, events, owner);
    if (fd < 0) {
        conn->connect_failed = true;
        loop_wake(loop, &conn->run);
        return conn;
    }
    if (tls != NULL)
        conn_tls_start(conn, server_name);
    conn->state = CONN_CONNECTING;
    limit_opening(conn, options);
    conn_arm(conn);
    return conn;
}

void conn_adopt(struct conn *conn, const struct conn_events *events, void *owner)
{
    must(!is_gone(conn));
    conn->events = events;
    conn->owner = owner;
    if (conn->state == CONN_OPEN) {
        conn->offer_kept = true;
        loop_wake(conn->loop, &conn->run);
    }
}

size_t conn_room(const struct conn *conn)
{
    return is_gone(conn) ? 0 : buf_room(&conn->out);
}

void conn_write(struct conn *conn, struct span bytes)
{
    must(bytes.len <= conn_room(conn));
    must(buf_append(&conn->out, bytes.ptr, bytes.len));
    if (buf_room(&conn->out) < conn->out.bytes_max / 2)
        conn->tight = true;
    loop_flush(conn->loop, &conn->flush);
}

void conn_wake(struct conn *conn)
{
    if (is_gone(conn))
        return;
    conn->wants_flush = true;
    loop_flush(conn->loop, &conn->flush);
}

size_t conn_unsent(const struct conn *conn)
{
    return conn->out.bytes;
}

void conn_acknowledge(struct conn *conn)
{
    const int on = 1;
    setsockopt(conn->wire.fd, IPPROTO_TCP, TCP_QUICKACK, &on,
               sizeof(on)); /* UNIX sockets have none */
}

void conn_pause(struct conn *conn, enum conn_pause reason)
{
    conn->pauses |= reason;
    if (!is_gone(conn))
        conn_arm(conn);
}

void conn_resume(struct conn *conn, enum conn_pause reason)
{
    conn->pauses &= ~(unsigned)reason;
    if (is_gone(conn) || conn->state != CONN_OPEN)
        return;
    if (conn->pauses == 0) {
        conn->offer_kept = true;
        loop_wake(conn->loop, &conn->run);
    }
}

bool conn_is_tls(const struct conn *conn)
{
    return conn->tls != NULL;
}

struct span conn_peer_certificate(const struct conn *conn)
{
    return span_of(conn->certificate, conn->certificate_len);
}

static void bury(void *owner)
{
    struct conn *conn = owner;
    if (conn->tls != NULL)
        tls_give(conn->tls);
    free(conn->certificate);
    free(conn->kept);
    free(conn);
}

void conn_destroy(struct conn *conn)
{
    if (conn->state >= CONN_LINGERING && list_is_linked(&conn->grave.node))
        list_remove(&conn->grave.node);
    conn->state = CONN_GONE;
    conn_arm(conn);
    timer_fini(&conn->timer);
    wake_cancel(&conn->run);
    wake_cancel(&conn->flush);
    conn_tls_free(conn);
    if (conn->wire.fd >= 0)
        close(conn->wire.fd);
    buf_fini(&conn->out);
    loop_bury(conn->loop, &conn->grave, bury, conn);
}

void conn_close(struct conn *conn, bool linger)
{
    must(conn->state < CONN_LINGERING);
    if (linger && conn_may_linger(conn))
        conn_linger(conn);
    else
        conn_destroy(conn);
}
