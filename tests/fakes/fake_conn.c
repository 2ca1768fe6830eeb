#include "fakes/fake_conn.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/must.h"

enum { KEPT_MAX = 65536, WRITE_MAX = 65536, FEED_MAX = 64 << 20 };

struct conn {
    bool denies_export;
    struct list node;
    struct loop *loop;
    const struct conn_events *events;
    void *owner;
    struct conn *peer;
    struct wake deliver;
    struct wake flush;
    struct buf feed; /* on its way */
    struct buf out;  /* written, not yet taken by the network */
    char *kept;      /* read, not yet taken by the owner */
    size_t kept_bytes;
    char *wrote;
    size_t wrote_bytes;
    size_t write_max;
    size_t chop;
    unsigned paused;
    enum conn_alpn alpn;
    enum conn_end end;
    struct span certificate;
    bool tls, stalled, opening, end_told, closed, lingers;
};

static struct list conns = {&conns, &conns};
static struct conn *last;

static void deliver(void *owner);
static void flush(void *owner);

struct conn *fake_conn_new(struct loop *loop, enum conn_alpn alpn, bool tls)
{
    struct conn *conn = alloc_zeroed(sizeof(*conn));
    list_init(&conn->node);
    list_append(&conns, &conn->node);
    conn->loop = loop;
    conn->alpn = alpn;
    conn->tls = tls;
    conn->write_max = WRITE_MAX;
    conn->kept = alloc_zeroed(KEPT_MAX);
    wake_init(&conn->deliver, deliver, conn);
    wake_init(&conn->flush, flush, conn);
    buf_init(&conn->feed, FEED_MAX);
    buf_init(&conn->out, FEED_MAX);
    return conn;
}

static struct conn *made(struct loop *loop, struct tls *tls, const struct conn_options *options,
                         const struct conn_events *events, void *owner)
{
    struct conn *conn = fake_conn_new(loop, ALPN_NONE, tls != NULL);
    if (options != NULL && options->write_bytes_max > 0)
        conn->write_max = options->write_bytes_max;
    conn_adopt(conn, events, owner);
    last = conn;
    return conn;
}

bool conn_peer_key(const struct conn *conn, uint8_t out[32])
{
    return false;
}

struct conn *conn_accept(struct loop *loop, int fd, struct tls *tls,
                         const struct conn_options *options, const struct conn_events *events,
                         void *owner)
{
    (void)fd;
    return made(loop, tls, options, events, owner);
}

struct conn *conn_connect(struct loop *loop, const struct address *address, struct tls *tls,
                          const char *server_name, const struct conn_options *options,
                          const struct conn_events *events, void *owner)
{
    (void)address;
    (void)server_name;
    struct conn *conn = made(loop, tls, options, events, owner);
    conn->opening = true;
    return conn;
}

void conn_adopt(struct conn *conn, const struct conn_events *events, void *owner)
{
    must(!conn->closed);
    conn->events = events;
    conn->owner = owner;
    loop_wake(conn->loop, &conn->deliver);
}

size_t conn_room(const struct conn *conn)
{
    if (conn->closed || conn->end_told || conn->out.bytes >= conn->write_max)
        return 0;
    return conn->write_max - conn->out.bytes;
}

void conn_write(struct conn *conn, struct span bytes)
{
    must(bytes.len <= conn_room(conn));
    must(buf_append(&conn->out, bytes.ptr, bytes.len));
    loop_flush(conn->loop, &conn->flush);
}

void conn_wake(struct conn *conn)
{
    must(!conn->closed);
    loop_flush(conn->loop, &conn->flush);
}

size_t conn_unsent(const struct conn *conn)
{
    return conn->out.bytes;
}

void conn_acknowledge(struct conn *conn)
{
    (void)conn;
}

void conn_pause(struct conn *conn, enum conn_pause reason)
{
    conn->paused |= (unsigned)reason;
}

void conn_resume(struct conn *conn, enum conn_pause reason)
{
    conn->paused &= ~(unsigned)reason;
    loop_wake(conn->loop, &conn->deliver);
}

enum conn_alpn conn_alpn(const struct conn *conn)
{
    return conn->alpn;
}

bool conn_is_tls(const struct conn *conn)
{
    return conn->tls;
}

struct span conn_peer_certificate(const struct conn *conn)
{
    return conn->certificate;
}

void fake_conn_deny_export(struct conn *conn)
{
    conn->denies_export = true;
}

bool conn_export(struct conn *conn, const char *label, uint8_t *out, size_t out_len)
{
    if (conn->denies_export)
        return false;
    /* Not secret, but the same on both sides and different for each label. */
    for (size_t i = 0; i < out_len; ++i)
        out[i] = (uint8_t)(label[i % strlen(label)] + (int)i);
    return true;
}

static void leave(struct conn *conn);

void conn_close(struct conn *conn, bool linger)
{
    must(!conn->closed);
    conn->closed = true;
    conn->lingers = linger;
    wake_cancel(&conn->deliver);
    if (linger) {
        leave(conn);
    } else {
        buf_drop(&conn->out, conn->out.bytes);
        wake_cancel(&conn->flush);
    }
    if (conn->peer != NULL && (!linger || conn->out.bytes == 0)) {
        fake_conn_end(conn->peer, linger ? CONN_EOF : CONN_RESET);
        conn->peer->peer = NULL;
        conn->peer = NULL;
    }
}

/* Reads, as a real one does: what is on its way, up to 64 KiB kept, unless paused. */
static void deliver(void *owner)
{
    struct conn *conn = owner;
    if (conn->events == NULL || conn->closed || conn->end_told)
        return;
    if (conn->opening && conn->end == CONN_NOT_ENDED)
        return;
    if (conn->end == CONN_RESET)
        buf_drop(&conn->feed, conn->feed.bytes);
    while (!conn->paused && !conn->closed) {
        size_t step = conn->chop > 0 ? conn->chop : KEPT_MAX;
        if (step > KEPT_MAX - conn->kept_bytes)
            step = KEPT_MAX - conn->kept_bytes;
        size_t read = buf_read(&conn->feed, conn->kept + conn->kept_bytes, step);
        conn->kept_bytes += read;
        if (conn->kept_bytes == 0)
            break;
        size_t taken = conn->events->note_bytes(conn->owner, span_of(conn->kept, conn->kept_bytes));
        must(taken <= conn->kept_bytes);
        conn->kept_bytes -= taken;
        memmove(conn->kept, conn->kept + taken, conn->kept_bytes);
        if (taken == 0 && (read == 0 || conn->kept_bytes == KEPT_MAX))
            break;
    }
    if (conn->peer != NULL && conn->peer->out.bytes > 0 && !conn->closed)
        loop_flush(conn->loop, &conn->peer->flush);
    bool read_all = conn->kept_bytes == 0 && conn->feed.bytes == 0;
    if (conn->closed || conn->end == CONN_NOT_ENDED || (conn->end == CONN_EOF && !read_all))
        return;
    conn->end_told = true;
    conn->events->note_ended(conn->owner, conn->end);
}

/* What was written goes to the peer, as far as it reads, or to the test. */
static void leave(struct conn *conn)
{
    if (conn->stalled)
        return;
    if (conn->peer != NULL) {
        size_t room = conn->peer->feed.bytes < KEPT_MAX ? KEPT_MAX - conn->peer->feed.bytes : 0;
        if (buf_move(&conn->peer->feed, &conn->out, room) > 0)
            loop_wake(conn->loop, &conn->peer->deliver);
        return;
    }
    conn->wrote = alloc_grow(conn->wrote, conn->wrote_bytes + conn->out.bytes + 1, 1);
    conn->wrote_bytes += buf_read(&conn->out, conn->wrote + conn->wrote_bytes, conn->out.bytes);
    conn->wrote[conn->wrote_bytes] = '\0';
}

static void flush(void *owner)
{
    struct conn *conn = owner;
    if (!conn->closed && conn->events != NULL && !conn->opening && !conn->end_told)
        conn->events->flush(conn->owner);
    size_t before = conn->out.bytes;
    if (before == 0)
        return;
    leave(conn);
    if (conn->closed) {
        if (conn->lingers && conn->out.bytes == 0 && conn->peer != NULL) {
            fake_conn_end(conn->peer, CONN_EOF);
            conn->peer->peer = NULL;
            conn->peer = NULL;
        }
        return;
    }
    if (conn->out.bytes < before && conn->events->note_drained != NULL && !conn->end_told)
        conn->events->note_drained(conn->owner);
}

void fake_conn_join(struct conn *one, struct conn *other)
{
    one->peer = other;
    other->peer = one;
}

void fake_conn_feed(struct conn *conn, struct span bytes)
{
    must(buf_append(&conn->feed, bytes.ptr, bytes.len));
    if (!conn->closed)
        loop_wake(conn->loop, &conn->deliver);
}

void fake_conn_chop(struct conn *conn, size_t count)
{
    conn->chop = count;
}

void fake_conn_stall(struct conn *conn, bool stalled)
{
    conn->stalled = stalled;
    if (!stalled)
        loop_flush(conn->loop, &conn->flush);
}

void fake_conn_end(struct conn *conn, enum conn_end end)
{
    conn->end = end;
    if (!conn->closed)
        loop_wake(conn->loop, &conn->deliver);
}

struct span fake_conn_wrote(struct conn *conn)
{
    return conn->wrote_bytes > 0 ? span_of(conn->wrote, conn->wrote_bytes) : SPAN_OF("");
}

void fake_conn_forget(struct conn *conn)
{
    conn->wrote_bytes = 0;
}

size_t fake_conn_untaken(const struct conn *conn)
{
    return conn->feed.bytes + conn->kept_bytes;
}

bool fake_conn_is_closed(const struct conn *conn)
{
    return conn->closed;
}

bool fake_conn_lingers(const struct conn *conn)
{
    return conn->closed && conn->lingers;
}

void fake_conn_open(struct conn *conn, enum conn_alpn alpn)
{
    conn->alpn = alpn;
    conn->opening = false;
    if (conn->events->note_open != NULL)
        conn->events->note_open(conn->owner);
    if (!conn->closed)
        loop_wake(conn->loop, &conn->deliver);
}

void fake_conn_set_certificate(struct conn *conn, struct span der)
{
    conn->certificate = der;
}

struct conn *fake_conn_last(void)
{
    return last;
}

void fake_conns_free(void)
{
    struct list *node;
    while ((node = list_take(&conns)) != NULL) {
        struct conn *conn = container_of(node, struct conn, node);
        wake_cancel(&conn->deliver);
        wake_cancel(&conn->flush);
        buf_fini(&conn->feed);
        buf_fini(&conn->out);
        free(conn->kept);
        free(conn->wrote);
        free(conn);
    }
    last = NULL;
}
