/* Watches the frames of an HTTP/2 peer go by, beside the library: counts what honest peers rarely
 * send, and sees streams opened below one that was opened before (RFC 9113 5.1.1).
 * It owns its counts. It never looks into a payload. */
#ifndef HTTP_H2_GUARD_H
#define HTTP_H2_GUARD_H

#include "base/span.h"
#include "http/guard.h"

/* How many skipped ranges of stream ids are remembered; the oldest is forgotten first. */
enum { H2_SKIPPED_MAX = 32 };

enum h2_verdict { H2_FINE, H2_OUT_OF_ORDER, H2_STRAY_PRIORITY, H2_TOO_LONG, H2_TOO_MUCH };

/* Fills by the piece and empties with time. */
struct h2_bucket {
    uint32_t filled;
    uint64_t at;
};

struct h2_guard {
    bool serves;
    uint32_t preface_left; /* bytes of the preface to pass over */
    uint32_t payload_left;
    uint8_t header[9];
    unsigned header_bytes;
    uint32_t last_id;
    struct {
        uint32_t from, to;
    } skipped[H2_SKIPPED_MAX];
    unsigned skipped_count;
    uint64_t block_at; /* since when a header block is incomplete; 0: none is */
    bool block_ends;   /* its last frame is being received */
    struct h2_bucket buckets[HTTP_GUARD_COUNT]; /* HTTP_GUARD_GLITCHES: of all together */
    enum http_guard tripped;                    /* the first that was too full */
    uint32_t window_updates;                    /* that may still come without being a glitch */
};

void h2_guard_init(struct h2_guard *guard, bool serves, uint64_t now);
/* How many of `bytes` the library may see; `verdict` says why not all. */
size_t h2_guard_scan(struct h2_guard *guard, struct span bytes, uint64_t now,
                     enum h2_verdict *verdict);
/* A glitch of that kind, which weighs so much among all; HTTP_GUARD_NONE, or which limit is
 * passed. */
enum http_guard h2_guard_count(struct h2_guard *guard, enum http_guard kind, uint32_t weight,
                               uint64_t now);
/* Three quarters of all that is forgiven are used up: time to part in peace. */
bool h2_guard_is_hot(const struct h2_guard *guard);
/* We sent DATA: the peer may answer with window updates. */
void h2_guard_note_data(struct h2_guard *guard);

#endif
