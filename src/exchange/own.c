#include <stdlib.h>

#include "base/alloc.h"
#include "exchange/life.h"

enum { EVIDENCE_LIVE_MAX = 32 };

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

static void note_evidence(void *owner, uint64_t id, struct span json)
{
    struct site *site = owner;
    struct exchange *x = slots_find(&site->exchanges, id);
    if (x == NULL || !x->own_asking)
        return;
    x->own_asking = false;
    x->own_status = json.len > 0 ? 200 : 404;
    x->own_json = json.len > 0 ? alloc_text(json.ptr, json.len) : NULL;
    loop_wake(site->loop, &x->wake);
}

/* Such answers are large: only so many are held for callers that may take them slowly. */
static void ask_evidence(struct exchange *x)
{
    struct site *site = x->site;
    if (site->evidence_live == EVIDENCE_LIVE_MAX ||
        !pools_show_evidence(site->pools, span_text(x->target.worker), note_evidence, site, x->id))
        return;
    x->own_asking = true;
    x->own_evidence = true;
    ++site->evidence_live;
}

void own_ask(struct exchange *x)
{
    struct span account = span_text(x->auth.caller.account);
    x->own_status = 0;
    if (x->target.kind == TARGET_EVIDENCE) {
        ask_evidence(x);
        return;
    }
    x->own_asking = true;
    if (x->target.kind == TARGET_ACCOUNT)
        accounts_show(x->site->accounts, account, note_accounts, x->site, x->id);
    else
        accounts_invocation(x->site->accounts, account, x->target.name, note_accounts, x->site,
                            x->id);
}

enum fault own_take(struct exchange *x)
{
    if (x->own_status == 0)
        return FAULT_OVERLOADED;
    if (x->own_status == 404)
        return FAULT_NOT_FOUND;
    if (x->own_status == 503)
        return FAULT_METERING_UNAVAILABLE;
    if (x->own_status < 200 || x->own_status > 299)
        return FAULT_INTERNAL;
    size_t len = strlen(x->own_json);
    reply_own_json(&x->reply, x->own_status, x->own_json, len, x->invocation.text, &x->form);
    x->own_json = NULL;
    return FAULT_NONE;
}
