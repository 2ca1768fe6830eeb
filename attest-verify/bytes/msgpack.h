/* A strict reader of the little MessagePack that dstack's newer envelopes use.
 * Owns nothing: what it hands out points into the bytes read, or into the caller's room.
 * Never accepts a map with a key twice or with one that is not asked for, or nesting beyond
 * MSGPACK_DEPTH_MAX. */
#ifndef AV_MSGPACK_H
#define AV_MSGPACK_H

#include "bytes/cursor.h"

enum { MSGPACK_DEPTH_MAX = 8, MSGPACK_MEMBERS_MAX = 8 };

/* Where bytes are put together that are written as an array of numbers. As many bytes of room as
 * there are bytes to read are always enough. */
struct msgpack_room {
    uint8_t *at;
    size_t left;
};

AV_MUST_USE bool av_msgpack_uint(struct cursor *cursor, uint64_t max, uint64_t *out);
AV_MUST_USE bool av_msgpack_text(struct cursor *cursor, struct attest_bytes *out);

/* Bytes, as binary or as an array of numbers below 256. */
AV_MUST_USE bool av_msgpack_octets(struct cursor *cursor, struct msgpack_room *room,
                                   struct attest_bytes *out);

/* The head of an array; its items, each at least a byte, follow. */
AV_MUST_USE bool av_msgpack_array(struct cursor *cursor, size_t *count);

/* A whole map with keys among the `count` names: the still encoded value of each, in their order;
 * no bytes for one that is not there. */
AV_MUST_USE bool av_msgpack_map(struct cursor *cursor, const char *const *names, size_t count,
                                struct attest_bytes *values);

/* Any one well-formed item. */
AV_MUST_USE bool av_msgpack_skip(struct cursor *cursor);

#endif
