#include <stdlib.h>

#include "base/alloc.h"
#include "exchange/life.h"

bool own_answer(struct exchange *x)
{
    if (x->site->options.cors && heads_is_preflight(x->head)) {
        reply_preflight(&x->reply, x->head, x->invocation.text);
        return true;
    }
    if (x->target.kind != TARGET_WELL_KNOWN)
        return false;
    struct signer_key keys[KEYRING_MAX];
    unsigned count = x->site->keyring == NULL ? 0 : keyring_keys(x->site->keyring, keys);
    reply_well_known(&x->reply, keys, count, x->invocation.text, &x->form);
    return true;
}

static void note_accounts(void *owner, uint64_t id, int status, struct span json)
{
    struct site *site = owner;
    struct exchange *x = slots_find(&site->exchanges, id);
    if (x == NULL || !x->own_asking)
        return; /* its caller left */
    bool fits = json.len <= REPLY_BODY_MAX;
    x->own_asking = false;
    x->own_status = fits ? status : 500;
    x->own_json = fits ? alloc_text(json.ptr, json.len) : NULL;
    loop_wake(site->loop, &x->wake);
}

void own_ask(struct exchange *x)
{
    struct span account = span_text(x->auth.caller.account);
    x->own_asking = true;
    if (x->target.kind == TARGET_ACCOUNT)
        accounts_show(x->site->accounts, account, note_accounts, x->site, x->id);
    else
        accounts_invocation(x->site->accounts, account, x->target.name, note_accounts, x->site,
                            x->id);
}

enum fault own_take(struct exchange *x)
{
    if (x->own_status == 404)
        return FAULT_NOT_FOUND;
    if (x->own_status == 503)
        return FAULT_METERING_UNAVAILABLE;
    if (x->own_status < 200 || x->own_status > 299)
        return FAULT_INTERNAL;
    reply_json(&x->reply, x->own_status, span_text(x->own_json), x->invocation.text, &x->form);
    return FAULT_NONE;
}
