/* Reads Redis' replies; the one file of this folder that knows hiredis' struct.
 * It owns nothing: spans live as long as the reply. It never takes a reply for what it is not: a
 * missing or wrong element reads as empty, and a number only if it is one. */
#ifndef CALLERS_ANSWER_H
#define CALLERS_ANSWER_H

#include "base/span.h"

struct redisReply;

/* All take NULL, the reply that never came. */
bool answer_is_array(const struct redisReply *reply);
bool answer_is_error(const struct redisReply *reply);
/* An error's text; empty when it is none. */
struct span answer_error(const struct redisReply *reply);
/* No reply, or one by which a server says that it cannot serve now: nothing was done, or it is not
 * known. Never a verdict on the caller. */
bool answer_is_outage(const struct redisReply *reply);
size_t answer_count(const struct redisReply *reply);
const struct redisReply *answer_at(const struct redisReply *reply, size_t index);
/* A string's or status' text. */
struct span answer_text(const struct redisReply *reply);
struct span answer_word(const struct redisReply *reply, size_t index);
/* Decimal digits of element `index`, at most 2^53 - 1; 0 when it is no such number. */
uint64_t answer_number(const struct redisReply *reply, size_t index);
/* An integer reply, or -1. */
int64_t answer_integer(const struct redisReply *reply);
/* A stream id begins with the time, ms since 1970; 0 when it does not. */
uint64_t answer_time(struct span stream_id);
/* The value behind `name` in an array of names and values. */
struct span answer_field(const struct redisReply *reply, const char *name);

#endif
