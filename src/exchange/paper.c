/* The receipt of one call: its facts, put together when it settles, and the asking. */
#include <string.h>

#include "base/clock.h"
#include "exchange/life.h"

static void note_body(struct receipt_body *body, const struct digest *digest, bool whole)
{
    body->whole = whole;
    body->digested = digest->on;
    if (digest->on)
        digest_read(digest, body->sha256);
}

/* Of the last worker that had the request: what it was trusted by. */
void paper_note_worker(struct exchange *x)
{
    const struct proof *proof = x->attempt.wait.lease.proof;
    struct receipt_note *note = &x->paper.note;
    note->attested = proof != NULL;
    if (proof == NULL)
        return;
    memcpy(note->worker_key, proof->key_sha256, sizeof(note->worker_key));
    memcpy(note->evidence, proof->evidence_sha256, sizeof(note->evidence));
    memcpy(note->policy, proof->policy_sha256, sizeof(note->policy));
}

void paper_note_end(struct exchange *x)
{
    struct receipt_note *note = &x->paper.note;
    const struct price *price = &x->bill.price;
    bool answered = x->fault == FAULT_NONE;
    uint64_t age_ms = x->alarm.now - x->opened_at;
    /* Behind this the answer's rest is given, and nothing else: it is in the digest already. */
    bool all = !answered || relay_seal(&x->relay);
    note_body(&note->request, &x->relay.up_digest, relay_is_request_whole(&x->relay));
    note_body(&note->response, &x->relay.down_digest, answered && all);
    note->attempts = x->attempt.count;
    note->began_ms = (uint64_t)clock_unix_ms() - age_ms;
    note->unit_count = price->unit_count;
    for (uint32_t i = 0; i < price->unit_count; ++i)
        memcpy(note->units[i], price->units[i].name, sizeof(note->units[i]));
}

static void note_made(struct receipt_wait *wait)
{
    struct exchange *x = container_of(wait, struct exchange, paper.wait);
    x->paper.asking = false;
    exchange_note_news(x);
}

/* Settled, and by this very call; or not metered, and it ran. */
static bool is_due(const struct exchange *x)
{
    return x->site->receipts != NULL && x->paper.outcome != NULL &&
           (!x->bill.metered || (x->bill.settled && x->bill.settle_wait.sequence != 0));
}

static void ask(struct exchange *x)
{
    const struct settle_wait *settle = &x->bill.settle_wait;
    bool metered = x->bill.metered;
    struct receipt_facts facts = {
        .invocation = span_text(x->invocation.text),
        .parent = span_text(x->bill.hold.parent),
        .root = span_text(x->bill.hold.parent[0] != '\0' ? x->bill.hold.root : x->invocation.text),
        .account = span_text(x->auth.caller.account),
        .cid = span_text(x->cid),
        .note = &x->paper.note,
        .usage = x->usage,
        .ceiling_ucr = metered ? x->bill.hold.ceiling_ucr : 0,
        .charge_ucr = x->bill.cost_ucr,
        .outcome = span_text(x->paper.outcome),
        .status = (uint64_t)x->paper.status,
        .sequence = metered ? settle->sequence : 0,
        .ended_ms = metered ? settle->ended_ms : (uint64_t)clock_unix_ms(),
    };
    x->paper.asking = true;
    x->paper.wait.answer = note_made;
    receipts_ask(x->site->receipts, &x->paper.wait, &facts);
}

bool paper_is_in(struct exchange *x)
{
    if (!x->paper.asked && is_due(x))
        ask(x);
    x->paper.asked = true;
    return !x->paper.asking;
}
