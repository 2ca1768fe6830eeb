#include "exchange/relay.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "exchange/heads.h"

/* A whole answer waits in 16 KiB at most, and a chunk has room for 1 KiB at least. */
enum { KEPT_FIRST = 4096, WAITING_SPANS_MAX = 64 };

void relay_init(struct relay *relay, struct stream *caller, const struct relay_store *store)
{
    *relay = (struct relay){.caller = caller,
                            .store = *store,
                            .keeps = true,
                            .up_max = UINT64_MAX,
                            .down_max = UINT64_MAX};
}

void relay_forget(struct relay *relay)
{
    *relay->store.total -= relay->kept_room;
    free(relay->kept);
    relay->kept = NULL;
    relay->kept_len = relay->kept_room = 0;
    relay->keeps = false;
}

void relay_fini(struct relay *relay)
{
    relay_forget(relay);
    digest_fini(&relay->up_digest);
    digest_fini(&relay->down_digest);
}

void relay_join(struct relay *relay, struct stream *worker, bool ended)
{
    must(relay->worker == NULL);
    relay->worker = worker;
    relay->up_ended = ended;
    relay->upload.since = relay->idle.since = 0;
}

void relay_part(struct relay *relay)
{
    relay->worker = NULL;
    relay->given = 0;
}

bool relay_is_replayable(const struct relay *relay)
{
    return relay->keeps;
}

static size_t least(size_t a, uint64_t b)
{
    return b < a ? (size_t)b : a;
}

/* --- up ------------------------------------------------------------------------------------- */

static bool kept_grow(struct relay *relay, size_t needed)
{
    size_t room = relay->kept_room == 0 ? KEPT_FIRST : relay->kept_room;
    while (room < needed)
        room *= 2;
    if (room > relay->store.bytes_max)
        room = relay->store.bytes_max;
    size_t more = room - relay->kept_room;
    if (*relay->store.total + more > relay->store.total_max)
        return false;
    relay->kept = alloc_grow(relay->kept, room, 1);
    relay->kept_room = room;
    *relay->store.total += more;
    return true;
}

/* Copies the first `count` bytes that are about to leave; at the first that has no room all goes.
 */
static void keep(struct relay *relay, struct span bytes)
{
    if (!relay->keeps)
        return;
    size_t needed = relay->kept_len + bytes.len;
    if (needed > relay->store.bytes_max ||
        (needed > relay->kept_room && !kept_grow(relay, needed))) {
        relay_forget(relay);
        return;
    }
    memcpy(relay->kept + relay->kept_len, bytes.ptr, bytes.len);
    relay->kept_len = needed;
}

static void give_kept(struct relay *relay)
{
    size_t count = least(stream_room(relay->worker), relay->taken - relay->given);
    if (count == 0)
        return;
    stream_send(relay->worker, span_of(relay->kept + relay->given, count));
    relay->given += count;
}

static bool give_fresh(struct relay *relay)
{
    struct span front = stream_front(relay->caller);
    size_t count = least(front.len, stream_room(relay->worker));
    count = least(count, relay->up_max > relay->taken ? relay->up_max - relay->taken : 0);
    if (count == 0)
        return false;
    keep(relay, span_of(front.ptr, count));
    digest_add(&relay->up_digest, span_of(front.ptr, count));
    size_t moved = stream_move(relay->worker, relay->caller, count);
    must(moved == count);
    relay->taken += moved;
    relay->given += moved;
    return true;
}

static void end_up(struct relay *relay)
{
    if (relay->given < relay->taken || !stream_is_ended(relay->caller) ||
        stream_bytes(relay->caller) > 0)
        return;
    relay->up_ended = true;
    stream_send_end(relay->worker, heads_request_trailers(stream_trailers(relay->caller)));
}

void relay_up(struct relay *relay, uint64_t now)
{
    if (relay->worker == NULL || relay->up_ended)
        return;
    uint64_t before = relay->given;
    if (relay->given < relay->taken)
        give_kept(relay);
    if (relay->given == relay->taken)
        while (give_fresh(relay))
            ;
    end_up(relay);
    bool waits = !relay->up_ended && relay->given == relay->taken &&
                 stream_bytes(relay->caller) == 0 && stream_room(relay->worker) > 0;
    mark_note(&relay->upload, waits, relay->given > before, now);
}

bool relay_is_over_up(const struct relay *relay)
{
    return !relay->up_ended && relay->taken >= relay->up_max && stream_bytes(relay->caller) > 0;
}

/* --- down ----------------------------------------------------------------------------------- */

static void note_tail(struct relay *relay, struct span bytes)
{
    if (bytes.len >= 2)
        memcpy(relay->tail, bytes.ptr + bytes.len - 2, 2);
    else if (bytes.len == 1) {
        relay->tail[0] = relay->tail[1];
        relay->tail[1] = bytes.ptr[0];
    }
}

static bool looks_at_bytes(const struct relay *relay)
{
    return relay->tracks_tail || (relay->down_digest.on && !relay->down_digest.sealed);
}

static void look_at(struct relay *relay, struct span bytes)
{
    if (relay->tracks_tail)
        note_tail(relay, bytes);
    digest_add(&relay->down_digest, bytes);
}

static bool move_down(struct relay *relay)
{
    size_t count = stream_bytes(relay->worker);
    if (looks_at_bytes(relay))
        count = stream_front(relay->worker).len;
    count = least(count, stream_room(relay->caller));
    count = least(count, relay->down_max > relay->down ? relay->down_max - relay->down : 0);
    if (count == 0)
        return false;
    if (looks_at_bytes(relay))
        look_at(relay, span_of(stream_front(relay->worker).ptr, count));
    relay->down += stream_move(relay->caller, relay->worker, count);
    return true;
}

void relay_down(struct relay *relay, uint64_t now)
{
    uint64_t before = relay->down;
    while (move_down(relay))
        ;
    /* What `down_max` keeps back here is not what the worker is waited for. */
    bool moves_no_more = stream_bytes(relay->worker) == 0 || relay->down >= relay->down_max;
    bool waits = !stream_is_ended(relay->worker) && moves_no_more && stream_room(relay->caller) > 0;
    mark_note(&relay->idle, waits, relay->down > before, now);
    relay_watch(relay, now);
}

bool relay_is_request_whole(const struct relay *relay)
{
    return relay->up_ended && relay->given == relay->taken;
}

bool relay_seal(struct relay *relay)
{
    struct span waiting[WAITING_SPANS_MAX];
    size_t count = relay->worker == NULL || !relay->down_digest.on
                       ? 0
                       : stream_spans(relay->worker, waiting, WAITING_SPANS_MAX);
    size_t bytes = 0;
    for (size_t i = 0; i < count; ++i) {
        digest_add(&relay->down_digest, waiting[i]);
        bytes += waiting[i].len;
    }
    relay->down_digest.sealed = true;
    return !relay->down_digest.on || relay->worker == NULL || bytes == stream_bytes(relay->worker);
}

bool relay_is_over_down(const struct relay *relay)
{
    return relay->down >= relay->down_max && stream_bytes(relay->worker) > 0;
}

void relay_watch(struct relay *relay, uint64_t now)
{
    uint64_t sent = stream_sent_bytes(relay->caller);
    mark_note(&relay->stall, relay->down > sent, sent > relay->sent_seen, now);
    relay->sent_seen = sent;
}
