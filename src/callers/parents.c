#include "callers/parents.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/slots.h"
#include "callers/answer.h"

enum { ASKS_MAX = 65536, ASK_MS_MAX = 250 };

struct ask {
    struct auth_wait *wait; /* NULL: nobody waits any more */
    uint16_t bucket;
};

struct parents {
    struct loop *loop;
    struct store *store;
    struct slots asks;
};

static bool copy_word(char *out, size_t size, struct span word)
{
    if (word.len == 0 || word.len >= size || memchr(word.ptr, '\0', word.len) != NULL)
        return false;
    memcpy(out, word.ptr, word.len);
    out[word.len] = '\0';
    return true;
}

/* The hold script looks again, in one step with the money: this is for who pays, and for calls that
 * are not metered. */
static enum fault read_parent(const struct redisReply *record, uint16_t bucket,
                              struct auth_wait *wait)
{
    struct caller *caller = &wait->caller;
    struct span key_id = answer_field(record, "key");
    if (!answer_is_array(record))
        return FAULT_METERING_UNAVAILABLE;
    if (!span_is(answer_field(record, "st"), SPAN_OF("H")))
        return FAULT_PARENT_NOT_RUNNING;
    caller->bucket = bucket;
    if (!copy_word(caller->account, sizeof(caller->account), answer_field(record, "acct")) ||
        !copy_word(wait->lineage.root, sizeof(wait->lineage.root), answer_field(record, "root")) ||
        (key_id.len > 0 && !copy_word(caller->key_id, sizeof(caller->key_id), key_id)) ||
        store_bucket(span_text(caller->account)) != bucket)
        return FAULT_PARENT_NOT_RUNNING;
    return FAULT_NONE;
}

static void note_parent(void *owner, uint64_t id, const struct redisReply *reply)
{
    struct parents *parents = owner;
    struct ask *ask = slots_find(&parents->asks, id);
    struct auth_wait *wait = ask->wait;
    uint16_t bucket = ask->bucket;
    slots_give(&parents->asks, id);
    free(ask);
    if (wait == NULL)
        return;
    wait->id = 0;
    wait->fault = read_parent(reply, bucket, wait);
    wait->answer(wait);
}

static bool send_ask(struct parents *parents, const struct ask *ask, uint64_t id)
{
    struct span parent = span_text(ask->wait->lineage.parent);
    struct words keys, args;
    words_init(&keys);
    words_add_key(&keys, ask->bucket, "h", parent);
    words_add_key(&keys, ask->bucket, "x", SPAN_NONE);
    words_init(&args);
    words_add(&args, parent);
    return store_run(parents->store, STORE_PEEK, &keys, &args, loop_now(parents->loop) + ASK_MS_MAX,
                     note_parent, parents, id);
}

bool parents_ask(struct parents *parents, uint16_t bucket, struct auth_wait *wait)
{
    struct ask *ask = alloc_zeroed(sizeof(*ask));
    *ask = (struct ask){.wait = wait, .bucket = bucket};
    uint64_t id = slots_take(&parents->asks, ask);
    if (id != 0 && send_ask(parents, ask, id)) {
        wait->id = id;
        return true;
    }
    if (id != 0)
        slots_give(&parents->asks, id);
    free(ask);
    return false;
}

void parents_cancel(struct parents *parents, struct auth_wait *wait)
{
    struct ask *ask = slots_find(&parents->asks, wait->id);
    if (ask != NULL && ask->wait == wait)
        ask->wait = NULL;
}

struct parents *parents_new(struct loop *loop, struct store *store)
{
    struct parents *parents = alloc_zeroed(sizeof(*parents));
    parents->loop = loop;
    parents->store = store;
    slots_init(&parents->asks, ASKS_MAX);
    return parents;
}

void parents_free(struct parents *parents)
{
    must(parents->asks.used == 0); /* store_close() answered them */
    slots_fini(&parents->asks);
    free(parents);
}
