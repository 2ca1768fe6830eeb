#include "fakes/fake_accounts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

void fake_accounts_answer(struct accounts *accounts)
{
    accounts->answer(accounts->owner, accounts->id, accounts->status, span_text(accounts->json));
}

static void answer(void *owner)
{
    struct accounts *accounts = owner;
    if (!accounts->hangs)
        fake_accounts_answer(accounts);
}

struct accounts *fake_accounts_new(struct loop *loop)
{
    struct accounts *accounts = alloc_zeroed(sizeof(*accounts));
    accounts->loop = loop;
    accounts->status = 200;
    accounts->json = "{\"balance\":5}";
    wake_init(&accounts->wake, answer, accounts);
    return accounts;
}

void accounts_free(struct accounts *accounts)
{
    wake_cancel(&accounts->wake);
    free(accounts);
}

static void ask(struct accounts *accounts, struct span name, struct span invocation,
                accounts_answer *answer_to, void *owner, uint64_t id)
{
    snprintf(accounts->name, sizeof(accounts->name), "%.*s", (int)name.len, name.ptr);
    snprintf(accounts->invocation, sizeof(accounts->invocation), "%.*s", (int)invocation.len,
             invocation.len > 0 ? invocation.ptr : "");
    accounts->answer = answer_to;
    accounts->owner = owner;
    accounts->id = id;
    loop_wake(accounts->loop, &accounts->wake);
}

void accounts_show(struct accounts *accounts, struct span name, accounts_answer *answer_to,
                   void *owner, uint64_t id)
{
    ask(accounts, name, SPAN_NONE, answer_to, owner, id);
}

void accounts_invocation(struct accounts *accounts, struct span name, struct span invocation,
                         accounts_answer *answer_to, void *owner, uint64_t id)
{
    ask(accounts, name, invocation, answer_to, owner, id);
}

void accounts_sign_with(struct accounts *accounts, const struct signer *signer)
{
}
