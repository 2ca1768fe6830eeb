/* Bytes of a Redis server into replies, by hiredis, with limits on what one reply may cost.
 * It owns the bytes of the reply that is not complete. It never hands out a reply above 16 MiB,
 * one with an array above 2^20 members, or one nested deeper than hiredis takes (7 in 0.14, 9
 * later). */
#ifndef IO_REDIS_READER_H
#define IO_REDIS_READER_H

#include <hiredis/hiredis.h>

#include "base/must.h"
#include "base/span.h"

struct redis_reader {
    redisReader *reader;
    redisReplyObjectFunctions functions;
    const redisReplyObjectFunctions *originals;
    size_t held; /* fed since the end of the last reply */
};

enum { REDIS_REPLY_BYTES_MAX = 16 * 1024 * 1024, REDIS_REPLY_MEMBERS_MAX = 1 << 20 };

void redis_reader_init(struct redis_reader *reader);
void redis_reader_fini(struct redis_reader *reader);
void redis_reader_feed(struct redis_reader *reader, struct span bytes);
/* The next whole reply, freeReplyObject() it, or NULL when more is needed. False when what came is
 * no reply or above a limit: the connection is worth nothing any more. */
MUST_USE bool redis_reader_next(struct redis_reader *reader, redisReply **reply);

#endif
