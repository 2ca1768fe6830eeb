#include "io/redis_reader.h"

/* hiredis 1.0 changed the type of the count. */
#if HIREDIS_MAJOR >= 1
typedef size_t member_count;
#else
typedef int member_count;
#endif

/* hiredis allocates an array as soon as its head came: "*2000000000" would cost 16 GB. */
static void *make_array(const redisReadTask *task, member_count count)
{
    struct redis_reader *reader = task->privdata;
    if (count > REDIS_REPLY_MEMBERS_MAX)
        return NULL;
    return reader->originals->createArray(task, count);
}

void redis_reader_init(struct redis_reader *reader)
{
    *reader = (struct redis_reader){.reader = redisReaderCreate()};
    must(reader->reader != NULL);
    reader->originals = reader->reader->fn;
    reader->functions = *reader->originals;
    reader->functions.createArray = make_array;
    reader->reader->fn = &reader->functions;
    reader->reader->privdata = reader;
}

void redis_reader_fini(struct redis_reader *reader)
{
    if (reader->reader != NULL)
        redisReaderFree(reader->reader);
    reader->reader = NULL;
}

void redis_reader_feed(struct redis_reader *reader, struct span bytes)
{
    /* A failure is kept in the reader and told by the next redis_reader_next(). */
    redisReaderFeed(reader->reader, bytes.ptr, bytes.len);
    reader->held += bytes.len;
}

bool redis_reader_next(struct redis_reader *reader, redisReply **reply)
{
    void *whole = NULL;
    *reply = NULL;
    if (redisReaderGetReply(reader->reader, &whole) != REDIS_OK)
        return false;
    if (whole == NULL)
        return reader->held <= REDIS_REPLY_BYTES_MAX;
    size_t left = reader->reader->len - reader->reader->pos;
    bool fits = reader->held - left <= REDIS_REPLY_BYTES_MAX;
    reader->held = left;
    if (fits)
        *reply = whole;
    else
        freeReplyObject(whole);
    return fits;
}
