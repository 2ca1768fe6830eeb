#include "fakes/fake_answers.h"

#include <stdlib.h>

#include "base/alloc.h"

static void answer(void *owner)
{
    struct answers *answers = owner;
    struct answers_wait *wait = answers->wait;
    if (wait == NULL || answers->silent)
        return;
    answers->wait = NULL;
    wait->id = 0;
    if (answers->fetches && answers->text != NULL) {
        wait->text = alloc_text(answers->text, answers->text_len);
        wait->text_len = answers->text_len;
    }
    wait->answer(wait);
}

struct answers *fake_answers_new(struct loop *loop)
{
    struct answers *answers = alloc_zeroed(sizeof(*answers));
    answers->loop = loop;
    wake_init(&answers->wake, answer, answers);
    return answers;
}

struct answers *answers_new(struct loop *loop, struct store *store)
{
    return fake_answers_new(loop);
}

void answers_free(struct answers *answers)
{
    must(answers->wait == NULL);
    wake_cancel(&answers->wake);
    free(answers->text);
    free(answers);
}

static bool ask(struct answers *answers, struct answers_wait *wait, bool fetches)
{
    must(answers->wait == NULL);
    wait->text = NULL;
    wait->text_len = 0;
    wait->id = 0;
    if (answers->refuses)
        return false;
    wait->id = 1;
    answers->wait = wait;
    answers->fetches = fetches;
    loop_wake(answers->loop, &answers->wake);
    return true;
}

bool answers_keep(struct answers *answers, uint16_t bucket, struct span invocation,
                  struct span text, struct answers_wait *wait)
{
    ++answers->kept;
    free(answers->text);
    answers->text = alloc_text(text.ptr, text.len);
    answers->text_len = text.len;
    return ask(answers, wait, false);
}

bool answers_fetch(struct answers *answers, uint16_t bucket, struct span invocation,
                   struct answers_wait *wait)
{
    ++answers->fetched;
    return ask(answers, wait, true);
}

void answers_cancel(struct answers *answers, struct answers_wait *wait)
{
    if (answers->wait == wait)
        answers->wait = NULL;
    wait->id = 0;
    free(wait->text);
    wait->text = NULL;
}
