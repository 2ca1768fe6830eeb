#include <sys/socket.h>

#include "io/conn_parts.h"
#include "io/loop_parts.h"

/* DISCARD_BUDGET: per event, as for conns that have an owner. */
enum { LINGER_MS_MAX = 5000, DISCARD_BUDGET = 256 * 1024 };

bool conn_may_linger(const struct conn *conn)
{
    /* A peer that ended its side in order may still read ours. */
    return conn->state == CONN_OPEN && !conn->wire.write_lost &&
           (conn->ended == CONN_NOT_ENDED || conn->ended == CONN_EOF);
}

static void destroy_kept(void *owner)
{
    conn_destroy(owner);
}

void conn_linger(struct conn *conn)
{
    conn->state = CONN_LINGERING;
    conn->peer_ended = conn->ended == CONN_EOF;
    conn->write_wants_read = conn->read_wants_write = false;
    wake_cancel(&conn->run);
    loop_keep(conn->loop, &conn->grave, destroy_kept, conn);
    timer_set(&conn->timer, loop_now(conn->loop) + LINGER_MS_MAX);
    loop_flush(conn->loop, &conn->flush);
    conn_arm(conn);
}

/* Closing with bytes unread makes the kernel send a reset, which can overtake what we wrote last
 * (RFC 9112 9.6): so they are read. TLS or not: nobody needs to understand them. */
static bool discard(struct conn *conn)
{
    for (size_t total = 0; !conn->peer_ended && total < DISCARD_BUDGET;) {
        size_t moved;
        switch (wire_read(&conn->wire, loop_scratch(conn->loop), LOOP_SCRATCH_BYTES, &moved)) {
        case WIRE_MOVED:
            total += moved;
            break;
        case WIRE_ENDED:
            conn->peer_ended = true;
            break;
        case WIRE_BROKEN:
            return false;
        default:
            return true;
        }
    }
    return true;
}

/* The rest is written: says so to the peer. */
static bool end_our_side(struct conn *conn)
{
    if (conn->ssl != NULL)
        switch (conn_tls_end(conn)) {
        case WIRE_MOVED:
            break;
        case WIRE_WANTS_WRITE:
            conn->blocked = true;
            return true;
        default:
            return false;
        }
    conn->state = CONN_EMPTYING;
    return shutdown(conn->wire.fd, SHUT_WR) == 0;
}

static bool go_on(struct conn *conn)
{
    size_t left;
    if (conn->state == CONN_LINGERING) {
        if (!conn_push(conn, &left) || conn->wire.write_lost || conn->write_wants_read)
            return false;
        if (conn->out.bytes == 0 && !conn->blocked && !end_our_side(conn))
            return false;
    }
    return discard(conn) && !(conn->state == CONN_EMPTYING && conn->peer_ended);
}

void conn_linger_on(struct conn *conn)
{
    if (conn->state == CONN_GONE)
        return;
    if (go_on(conn))
        conn_arm(conn);
    else
        conn_destroy(conn);
}
