#include <stdlib.h>

#include "base/alloc.h"
#include "io/conn_parts.h"
#include "io/loop_parts.h"

/* READ_BUDGET: what one conn may read per event before the others get their turn. */
enum { KEPT_MAX = 65536, KEPT_STEP = 4096, READ_BUDGET = 256 * 1024 };
_Static_assert((int)LOOP_SCRATCH_BYTES <= (int)KEPT_MAX, "what one read brings can be kept whole");

bool conn_may_read(const struct conn *conn)
{
    return conn->state == CONN_OPEN && conn->ended == CONN_NOT_ENDED && conn->pauses == 0 &&
           conn->kept_len < KEPT_MAX;
}

/* Offers `bytes`; how many of them were not taken. The conn may be closed afterwards. */
static size_t offer(struct conn *conn, struct span bytes)
{
    size_t taken = conn->events->note_bytes(conn->owner, bytes);
    must(taken <= bytes.len);
    return bytes.len - taken;
}

static void keep_grow(struct conn *conn, size_t bytes)
{
    size_t wanted = conn->kept_bytes > 0 ? conn->kept_bytes : KEPT_STEP;
    while (wanted < bytes)
        wanted *= 2;
    if (wanted > KEPT_MAX)
        wanted = KEPT_MAX;
    if (wanted > conn->kept_bytes) {
        conn->kept = alloc_grow(conn->kept, wanted, 1);
        conn->kept_bytes = wanted;
    }
}

static void keep_drop(struct conn *conn)
{
    free(conn->kept);
    conn->kept = NULL;
    conn->kept_len = conn->kept_bytes = 0;
}

void conn_offer_kept(struct conn *conn)
{
    conn->offer_kept = false;
    size_t left = offer(conn, span_of(conn->kept, conn->kept_len));
    if (conn->state != CONN_OPEN)
        return; /* closed: the memory goes with the conn, the owner may still look at it */
    if (left == 0) {
        keep_drop(conn);
    } else {
        memmove(conn->kept, conn->kept + conn->kept_len - left, left);
        conn->kept_len = left;
    }
}

static void offer_new(struct conn *conn, char *scratch, size_t bytes)
{
    size_t left = offer(conn, span_of(scratch, bytes));
    if (conn->state != CONN_OPEN || left == 0)
        return;
    keep_grow(conn, left);
    memcpy(conn->kept, scratch + bytes - left, left);
    conn->kept_len = left;
}

static enum wire_result read_into(struct conn *conn, char *memory, size_t bytes, size_t *moved)
{
    return conn->ssl != NULL ? conn_tls_read(conn, memory, bytes, moved)
                             : wire_read(&conn->wire, memory, bytes, moved);
}

/* One read, offered. Behind what is kept when something is: the owner sees it in one piece. */
static enum wire_result read_once(struct conn *conn, size_t *moved)
{
    if (conn->kept_len == 0) {
        char *scratch = loop_scratch(conn->loop);
        enum wire_result result = read_into(conn, scratch, LOOP_SCRATCH_BYTES, moved);
        if (result == WIRE_MOVED)
            offer_new(conn, scratch, *moved);
        return result;
    }
    keep_grow(conn, conn->kept_len + KEPT_STEP);
    enum wire_result result =
        read_into(conn, conn->kept + conn->kept_len, conn->kept_bytes - conn->kept_len, moved);
    if (result == WIRE_MOVED) {
        conn->kept_len += *moved;
        conn_offer_kept(conn);
    }
    return result;
}

void conn_read_some(struct conn *conn)
{
    size_t total = 0;
    while (conn_may_read(conn)) {
        size_t moved;
        if (total >= READ_BUDGET) {
            loop_wake(conn->loop, &conn->run);
            return;
        }
        switch (read_once(conn, &moved)) {
        case WIRE_MOVED:
            total += moved;
            break;
        case WIRE_WANTS_READ:
            return;
        case WIRE_WANTS_WRITE:
            conn->read_wants_write = true;
            return;
        case WIRE_ENDED:
            /* When writing failed, the kernel has told its error to the writer and shows the
             * reader an end in order: only TLS can tell that it was one. */
            conn_end_with(conn, conn->wire.write_lost && conn->ssl == NULL ? CONN_RESET : CONN_EOF);
            return;
        case WIRE_BROKEN:
            conn_end_with(conn, CONN_RESET);
            return;
        }
    }
}
