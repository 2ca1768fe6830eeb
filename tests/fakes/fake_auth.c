#include "fakes/fake_auth.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

static void answer(void *owner)
{
    struct auth *auth = owner;
    struct auth_wait *wait = auth->wait;
    if (wait == NULL || auth->hangs)
        return;
    auth->wait = NULL;
    wait->fault = auth->fault;
    if (auth->fault == FAULT_NONE) {
        snprintf(wait->caller.account, sizeof(wait->caller.account), "alice");
        snprintf(wait->caller.key_id, sizeof(wait->caller.key_id), "k1");
        wait->lineage = auth->lineage;
    }
    wait->answer(wait);
}

struct auth *fake_auth_new(struct loop *loop)
{
    struct auth *auth = alloc_zeroed(sizeof(*auth));
    auth->loop = loop;
    wake_init(&auth->wake, answer, auth);
    return auth;
}

struct auth *auth_new(struct loop *loop, struct store *store)
{
    return fake_auth_new(loop);
}

void auth_free(struct auth *auth)
{
    must(auth->wait == NULL);
    wake_cancel(&auth->wake);
    free(auth);
}

void auth_check(struct auth *auth, struct span credential, const struct cid *cid,
                struct auth_wait *wait)
{
    must(auth->wait == NULL);
    snprintf(auth->credential, sizeof(auth->credential), "%.*s", (int)credential.len,
             credential.ptr);
    auth->for_agent = cid != NULL;
    auth->wait = wait;
    ++auth->checks;
    loop_wake(auth->loop, &auth->wake);
}

void auth_check_token(struct auth *auth, struct span text, const struct cid *cid,
                      const uint8_t *peer_key, struct auth_wait *wait)
{
    auth->had_peer_key = peer_key != NULL;
    ++auth->token_checks;
    auth_check(auth, text, cid, wait);
}

void auth_use_keys(struct auth *auth, const struct token_keys *keys)
{
}

void auth_cancel(struct auth *auth, struct auth_wait *wait)
{
    must(auth->wait == NULL || auth->wait == wait);
    auth->wait = NULL;
    ++auth->cancels;
}
