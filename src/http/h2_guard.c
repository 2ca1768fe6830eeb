#include "http/h2_guard.h"

enum {
    FRAME_DATA = 0,
    FRAME_HEADERS = 1,
    FRAME_PRIORITY = 2,
    FRAME_RST_STREAM = 3,
    FRAME_SETTINGS = 4,
    FRAME_PING = 6,
    FRAME_WINDOW_UPDATE = 8,
    FRAME_CONTINUATION = 9,
    FRAME_PRIORITY_UPDATE = 16 /* RFC 9218 7.1 */
};
enum { FLAG_ACK = 1, FLAG_END_STREAM = 1, FLAG_END_HEADERS = 4 };
enum { PREFACE_BYTES = 24, HEADER_BYTES = 9 };

enum { FRAME_BYTES_MAX = 16384 /* RFC 9113 4.2; our SETTINGS never say more */ };

/* So many at once, and so many a second: browsers send a handful of resets and pings a second,
 * floods tens of thousands. */
static const struct {
    uint32_t most, per_s;
} limits[HTTP_GUARD_COUNT] = {
    [HTTP_GUARD_RESETS] = {500, 33},        [HTTP_GUARD_STREAM_ERRORS] = {300, 10},
    [HTTP_GUARD_BAD_REQUESTS] = {80, 5},    [HTTP_GUARD_EMPTY_FRAMES] = {200, 10},
    [HTTP_GUARD_SETTINGS] = {100, 5},       [HTTP_GUARD_PINGS] = {300, 20},
    [HTTP_GUARD_PRIORITIES] = {500, 50},    [HTTP_GUARD_WINDOW_UPDATES] = {500, 50},
    [HTTP_GUARD_UNKNOWN_FRAMES] = {100, 5}, [HTTP_GUARD_DRIPS] = {200, 10},
    [HTTP_GUARD_CRUMBS] = {5000, 500},      [HTTP_GUARD_GLITCHES] = {1000, 50},
};
/* Of DATA: with its header it costs more than twice what it carries. */
enum { CRUMB_BYTES = 8 };
/* Window updates are normal, two for each DATA frame; Envoy allows ten. */
enum { UPDATES_PER_DATA = 10, UPDATES_MAX = 10000 };

void h2_guard_init(struct h2_guard *guard, bool serves, uint64_t now)
{
    *guard = (struct h2_guard){.serves = serves,
                               .preface_left = serves ? PREFACE_BYTES : 0,
                               .window_updates = UPDATES_PER_DATA};
    for (int i = 0; i < HTTP_GUARD_COUNT; ++i)
        guard->buckets[i].at = now;
}

static bool fill(struct h2_guard *guard, enum http_guard kind, uint32_t count, uint64_t now)
{
    struct h2_bucket *bucket = &guard->buckets[kind];
    uint64_t healed = (now - bucket->at) * limits[kind].per_s / 1000;
    if (healed > 0) {
        bucket->filled -= healed < bucket->filled ? (uint32_t)healed : bucket->filled;
        bucket->at = now;
    }
    bucket->filled += count;
    return bucket->filled <= limits[kind].most;
}

enum http_guard h2_guard_count(struct h2_guard *guard, enum http_guard kind, uint32_t weight,
                               uint64_t now)
{
    bool good = fill(guard, kind, 1, now);
    if (guard->tripped != HTTP_GUARD_NONE)
        return guard->tripped;
    if (!good)
        guard->tripped = kind;
    else if (!fill(guard, HTTP_GUARD_GLITCHES, weight, now))
        guard->tripped = HTTP_GUARD_GLITCHES;
    return guard->tripped;
}

bool h2_guard_is_hot(const struct h2_guard *guard)
{
    return guard->buckets[HTTP_GUARD_GLITCHES].filled > limits[HTTP_GUARD_GLITCHES].most / 4 * 3;
}

void h2_guard_note_data(struct h2_guard *guard)
{
    if (guard->window_updates < UPDATES_MAX)
        guard->window_updates += UPDATES_PER_DATA;
}

/* What kind of glitch such a frame is by itself. */
static enum http_guard glitch_of(struct h2_guard *guard, uint8_t type, uint8_t flags,
                                 uint32_t length)
{
    switch (type) {
    case FRAME_DATA:
        if ((flags & FLAG_END_STREAM) != 0 || length > CRUMB_BYTES)
            return HTTP_GUARD_NONE;
        return length == 0 ? HTTP_GUARD_EMPTY_FRAMES : HTTP_GUARD_CRUMBS;
    case FRAME_HEADERS:
        return HTTP_GUARD_NONE;
    case FRAME_CONTINUATION:
        return length == 0 ? HTTP_GUARD_EMPTY_FRAMES : HTTP_GUARD_NONE;
    case FRAME_SETTINGS:
        return (flags & FLAG_ACK) == 0 ? HTTP_GUARD_SETTINGS : HTTP_GUARD_NONE;
    case FRAME_PING:
        return (flags & FLAG_ACK) == 0 ? HTTP_GUARD_PINGS : HTTP_GUARD_NONE;
    case FRAME_WINDOW_UPDATE:
        if (guard->window_updates == 0)
            return HTTP_GUARD_WINDOW_UPDATES;
        --guard->window_updates;
        return HTTP_GUARD_NONE;
    case FRAME_RST_STREAM:
        return HTTP_GUARD_RESETS;
    case FRAME_PRIORITY:
    case FRAME_PRIORITY_UPDATE:
        return HTTP_GUARD_PRIORITIES;
    default: /* and those that nobody should send */
        return HTTP_GUARD_UNKNOWN_FRAMES;
    }
}

static bool was_skipped(const struct h2_guard *guard, uint32_t id)
{
    for (unsigned i = 0; i < guard->skipped_count; ++i)
        if (id >= guard->skipped[i].from && id <= guard->skipped[i].to)
            return true;
    return false;
}

/* A new id closes all idle ones below it; the library only ignores those that come later. */
static bool is_in_order(struct h2_guard *guard, uint32_t id)
{
    if (!guard->serves || id % 2 == 0)
        return true;
    if (id <= guard->last_id)
        return !was_skipped(guard, id);
    uint32_t expected = guard->last_id == 0 ? 1 : guard->last_id + 2;
    if (id > expected) {
        if (guard->skipped_count == H2_SKIPPED_MAX) {
            memmove(guard->skipped, guard->skipped + 1,
                    sizeof(guard->skipped) - sizeof(guard->skipped[0]));
            --guard->skipped_count;
        }
        guard->skipped[guard->skipped_count].from = expected;
        guard->skipped[guard->skipped_count].to = id - 2;
        ++guard->skipped_count;
    }
    guard->last_id = id;
    return true;
}

static enum h2_verdict judge(struct h2_guard *guard, uint64_t now)
{
    const uint8_t *header = guard->header;
    uint32_t length = (uint32_t)header[0] << 16 | (uint32_t)header[1] << 8 | header[2];
    uint8_t type = header[3];
    uint8_t flags = header[4];
    uint32_t id = ((uint32_t)header[5] << 24 | (uint32_t)header[6] << 16 |
                   (uint32_t)header[7] << 8 | header[8]) &
                  0x7fffffff;
    guard->payload_left = length;
    if (length > FRAME_BYTES_MAX) /* the library takes longer CONTINUATIONs */
        return H2_TOO_LONG;
    if (type == FRAME_PRIORITY && id == 0) /* and this (RFC 9113 6.3) */
        return H2_STRAY_PRIORITY;
    if (type == FRAME_HEADERS || type == FRAME_CONTINUATION) {
        if (guard->block_at == 0)
            guard->block_at = now;
        guard->block_ends = (flags & FLAG_END_HEADERS) != 0;
    }
    if (type == FRAME_HEADERS && !is_in_order(guard, id))
        return H2_OUT_OF_ORDER;
    enum http_guard kind = glitch_of(guard, type, flags, length);
    /* Small pieces are usual where people type: they have their own limit alone. */
    uint32_t weight = kind == HTTP_GUARD_CRUMBS ? 0 : 1;
    if (kind != HTTP_GUARD_NONE && h2_guard_count(guard, kind, weight, now) != HTTP_GUARD_NONE)
        return H2_TOO_MUCH;
    return H2_FINE;
}

static size_t pass(uint32_t *left, size_t available)
{
    size_t step = *left < available ? *left : available;
    *left -= (uint32_t)step;
    return step;
}

static void end_frame(struct h2_guard *guard)
{
    guard->header_bytes = 0;
    if (guard->block_ends) {
        guard->block_ends = false;
        guard->block_at = 0;
    }
}

size_t h2_guard_scan(struct h2_guard *guard, struct span bytes, uint64_t now,
                     enum h2_verdict *verdict)
{
    size_t at = pass(&guard->preface_left, bytes.len);
    *verdict = H2_FINE;
    while (at < bytes.len) {
        if (guard->header_bytes < HEADER_BYTES) {
            guard->header[guard->header_bytes++] = (uint8_t)bytes.ptr[at++];
            if (guard->header_bytes < HEADER_BYTES)
                continue;
            *verdict = judge(guard, now);
            if (*verdict != H2_FINE)
                return at < HEADER_BYTES ? 0 : at - HEADER_BYTES;
        }
        at += pass(&guard->payload_left, bytes.len - at);
        if (guard->payload_left == 0)
            end_frame(guard);
    }
    return at;
}
