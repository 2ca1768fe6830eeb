#include "callers/answer.h"

#include <hiredis/hiredis.h>

#include "rules/price.h"

bool answer_is_array(const struct redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_ARRAY;
}

bool answer_is_error(const struct redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_ERROR;
}

struct span answer_error(const struct redisReply *reply)
{
    return answer_is_error(reply) ? span_of(reply->str, reply->len) : SPAN_NONE;
}

bool answer_is_outage(const struct redisReply *reply)
{
    static const char *const words[] = {
        "LOADING ",  "READONLY ",   "MASTERDOWN ", "CLUSTERDOWN ", "OOM ",
        "TRYAGAIN ", "MOVED ",      "ASK ",        "BUSY ",        "MISCONF ",
        "NOAUTH ",   "NOREPLICAS ", "NOPERM ",     "NOSCRIPT ",    "UNKILLABLE ",
    };
    struct span error = answer_error(reply);
    for (size_t i = 0; error.len > 0 && i < sizeof(words) / sizeof(*words); ++i)
        if (span_starts(error, span_text(words[i])))
            return true;
    return reply == NULL;
}

size_t answer_count(const struct redisReply *reply)
{
    return answer_is_array(reply) ? reply->elements : 0;
}

const struct redisReply *answer_at(const struct redisReply *reply, size_t index)
{
    return index < answer_count(reply) ? reply->element[index] : NULL;
}

struct span answer_text(const struct redisReply *reply)
{
    if (reply == NULL || (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS))
        return SPAN_NONE;
    return span_of(reply->str, reply->len);
}

struct span answer_word(const struct redisReply *reply, size_t index)
{
    return answer_text(answer_at(reply, index));
}

uint64_t answer_number(const struct redisReply *reply, size_t index)
{
    uint64_t value;
    return span_to_u64(answer_word(reply, index), PRICE_UCR_MAX, &value) ? value : 0;
}

int64_t answer_integer(const struct redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_INTEGER ? reply->integer : -1;
}

uint64_t answer_time(struct span stream_id)
{
    uint64_t value;
    struct span ms = span_of(stream_id.ptr, span_find(stream_id, '-'));
    return span_to_u64(ms, PRICE_UCR_MAX, &value) ? value : 0;
}

struct span answer_field(const struct redisReply *reply, const char *name)
{
    for (size_t i = 0; i + 1 < answer_count(reply); i += 2)
        if (span_is(answer_word(reply, i), span_text(name)))
            return answer_word(reply, i + 1);
    return SPAN_NONE;
}
