#include "callers/answers.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/slots.h"
#include "callers/answer.h"

enum {
    ASK_MS_MAX = 1000,
    ASKED_MAX = 65536,
    SENDING_MAX = 1048576 /* a quarter of what may wait to be sent to Redis */
};

struct asked {
    struct answers_wait *wait; /* NULL: nobody waits any more */
    bool fetches;
    size_t bytes; /* of what is kept */
};

struct answers {
    struct loop *loop;
    struct store *store;
    struct slots asked;
    size_t sending;
};

struct answers *answers_new(struct loop *loop, struct store *store)
{
    struct answers *answers = alloc_zeroed(sizeof(*answers));
    answers->loop = loop;
    answers->store = store;
    slots_init(&answers->asked, ASKED_MAX);
    return answers;
}

void answers_free(struct answers *answers)
{
    must(answers->asked.used == 0); /* store_close() answered them */
    slots_fini(&answers->asked);
    free(answers);
}

static void note_reply(void *owner, uint64_t id, const struct redisReply *reply)
{
    struct answers *answers = owner;
    struct asked *asked = slots_find(&answers->asked, id);
    struct answers_wait *wait = asked->wait;
    struct span text = asked->fetches ? answer_text(reply) : SPAN_NONE;
    answers->sending -= asked->bytes;
    slots_give(&answers->asked, id);
    free(asked);
    if (wait == NULL)
        return;
    wait->id = 0;
    /* Nobody else writes there, but what is longer was not written by us. */
    if (text.len > 0 && text.len <= ANSWERS_BYTES_MAX) {
        wait->text = alloc_text(text.ptr, text.len);
        wait->text_len = text.len;
    }
    wait->answer(wait);
}

static bool ask(struct answers *answers, const struct words *words, struct answers_wait *wait,
                bool fetches, size_t bytes)
{
    uint64_t deadline_at = loop_now(answers->loop) + ASK_MS_MAX;
    struct asked *asked = alloc_zeroed(sizeof(*asked));
    *asked = (struct asked){wait, fetches, bytes};
    wait->text = NULL;
    wait->text_len = 0;
    wait->id = slots_take(&answers->asked, asked);
    if (wait->id != 0 &&
        store_call(answers->store, words, deadline_at, note_reply, answers, wait->id)) {
        answers->sending += bytes;
        return true;
    }
    if (wait->id != 0)
        slots_give(&answers->asked, wait->id);
    wait->id = 0;
    free(asked);
    return false;
}

bool answers_keep(struct answers *answers, uint16_t bucket, struct span invocation,
                  struct span text, struct answers_wait *wait)
{
    struct words words;
    if (text.len > ANSWERS_BYTES_MAX || text.len > SENDING_MAX - answers->sending)
        return false;
    words_init(&words);
    words_add_text(&words, "SET");
    words_add_key(&words, bucket, "rsp", invocation);
    words_add(&words, text);
    words_add_text(&words, "EX");
    words_add_u64(&words, ANSWERS_LIFE_S);
    return ask(answers, &words, wait, false, text.len);
}

bool answers_fetch(struct answers *answers, uint16_t bucket, struct span invocation,
                   struct answers_wait *wait)
{
    struct words words;
    words_init(&words);
    words_add_text(&words, "GET");
    words_add_key(&words, bucket, "rsp", invocation);
    return ask(answers, &words, wait, true, 0);
}

void answers_cancel(struct answers *answers, struct answers_wait *wait)
{
    struct asked *asked = wait->id == 0 ? NULL : slots_find(&answers->asked, wait->id);
    if (asked != NULL && asked->wait == wait)
        asked->wait = NULL;
    wait->id = 0;
    free(wait->text);
    wait->text = NULL;
}
