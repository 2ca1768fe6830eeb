/* A request that may be asked again: its body first, then its name and fingerprint; and its answer,
 * which is kept where the agent allows it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "exchange/kept.h"
#include "exchange/life.h"

/* --- who it is ------------------------------------------------------------------------------ */

enum fault again_read(struct exchange *x)
{
    const char *sentence;
    enum fault fault = claim_read(x->head, &x->claim, &sentence);
    if (fault != FAULT_NONE)
        snprintf(x->detail, sizeof(x->detail), "%s", sentence);
    if (x->claim.digest_len > 0) {
        x->relay.check.on = true;
        x->relay.check.wide = x->claim.digest_len == 64;
        memcpy(x->relay.checked, x->claim.digest, x->claim.digest_len);
    }
    return fault;
}

static void make_name(struct exchange *x, const void *digest, size_t digest_len)
{
    claim_name(&x->claim, x->auth.caller.account, x->auth.lineage.parent, &x->invocation);
    claim_fingerprint(x->head, &x->target, x->cid, digest, digest_len, x->fingerprint);
}

static enum fault name_by_body(struct exchange *x)
{
    struct digest digest = {.on = true};
    uint8_t bytes[32];
    if (x->relay.check.on && !relay_is_as_checked(&x->relay))
        return FAULT_CONTENT_DIGEST_MISMATCH;
    digest_add(&digest, span_of(x->relay.kept, x->relay.kept_len));
    digest_read(&digest, bytes);
    digest_fini(&digest);
    make_name(x, bytes, sizeof(bytes));
    return FAULT_NONE;
}

/* A larger body is taken by its word, and held to it as it passes. */
static enum fault name_by_digest(struct exchange *x)
{
    if (x->claim.digest_len > 0) {
        make_name(x, x->claim.digest, x->claim.digest_len);
        return FAULT_NONE;
    }
    snprintf(
        x->detail, sizeof(x->detail),
        "With an Idempotency-Key a body above %zu bytes needs a Content-Digest with sha-256 or "
        "sha-512",
        x->relay.store.bytes_max);
    return FAULT_CONTENT_DIGEST_NEEDED;
}

bool again_gather(struct exchange *x, enum fault *fault)
{
    struct relay *relay = &x->relay;
    int64_t length = stream_length(x->caller);
    if (length > 0 && (uint64_t)length > x->agent->request_bytes_max) {
        *fault = FAULT_REQUEST_TOO_LARGE;
        return true;
    }
    if (length > 0 && (uint64_t)length > relay->store.bytes_max) {
        *fault = name_by_digest(x);
        return true;
    }
    if (stream_expects_continue(x->caller))
        stream_send_continue(x->caller);
    enum gathered gathered = relay_gather(relay, x->alarm.now);
    *fault = FAULT_NONE;
    if (relay->taken > x->agent->request_bytes_max)
        *fault = FAULT_REQUEST_TOO_LARGE;
    else if (gathered == GATHERED_WHOLE)
        *fault = name_by_body(x);
    else if (gathered == GATHERED_LARGER)
        *fault = name_by_digest(x);
    else if (mark_passed(&relay->upload, x->site->options.upload_idle_ms_max, &x->alarm))
        *fault = FAULT_REQUEST_TIMEOUT;
    else
        return false;
    return true;
}

/* --- its answer ----------------------------------------------------------------------------- */

/* NULL: its answer is not kept. */
static const struct seal_keys *keys_of(const struct exchange *x)
{
    bool keeps = x->claim.key_len > 0 && x->agent->store_answers_max > SEAL_MORE;
    bool can =
        x->site->answers != NULL && x->site->keys != NULL && x->site->keys->answers.count > 0;
    return keeps && can ? &x->site->keys->answers : NULL;
}

static struct seal_place place_of(const struct exchange *x)
{
    return (struct seal_place){
        "teegate-answer-v1",
        {span_text(x->auth.caller.account), span_text(x->cid), span_text(x->invocation.text)}};
}

void again_begin_answer(struct exchange *x)
{
    if (keys_of(x) != NULL)
        relay_copy(&x->relay, x->agent->store_answers_max);
}

/* Its sealed text, or NULL when it is too large. */
static char *seal_answer(const struct exchange *x, size_t *len)
{
    const struct lease *lease = &x->attempt.wait.lease;
    const struct stream *worker = x->relay.worker;
    struct kept kept = {.head = stream_head(worker),
                        .trailers = stream_trailers(worker),
                        .body = x->relay.copy,
                        .body_len = x->relay.copy_len};
    size_t text_len;
    struct seal_place place = place_of(x);
    snprintf(kept.worker, sizeof(kept.worker), "%s", lease->worker->id);
    if (lease->proof != NULL)
        snprintf(kept.measurement, sizeof(kept.measurement), "%s", lease->proof->measurement);
    char *text = kept_write(&kept, x->agent->store_answers_max - SEAL_MORE, &text_len);
    if (text == NULL)
        return NULL;
    char *sealed = alloc_zeroed(text_len + SEAL_MORE);
    *len = seal_close(sealed, keys_of(x), &place, span_of(text, text_len));
    free(text);
    return sealed;
}

static void note_answers(struct answers_wait *wait)
{
    exchange_note_news(container_of(wait, struct exchange, answers));
}

void again_keep(struct exchange *x)
{
    size_t len;
    if (keys_of(x) == NULL || x->relay.copy_max == 0)
        return;
    char *sealed = seal_answer(x, &len);
    x->answers.answer = note_answers;
    /* Not kept is said to who asks again: a store too busy for it loses nobody's money. */
    if (sealed != NULL)
        (void)!answers_keep(x->site->answers, x->auth.caller.bucket, span_text(x->invocation.text),
                            span_of(sealed, len), &x->answers);
    free(sealed);
}

bool again_ask(struct exchange *x)
{
    x->answers.answer = note_answers;
    return keys_of(x) != NULL && answers_fetch(x->site->answers, x->auth.caller.bucket,
                                               span_text(x->invocation.text), &x->answers);
}

/* The head as it was, with what is known of the first call. */
static struct head *head_again(const struct exchange *x, const struct kept *kept)
{
    const struct meter_facts *facts = &x->bill.hold_wait.facts;
    char cost[24];
    struct caller_answer answer = {.worker = kept->head,
                                   .invocation = x->invocation.text,
                                   .worker_id = kept->worker,
                                   .measurement = kept->measurement,
                                   .cors = x->form.cors};
    struct head *head = heads_for_caller(&answer);
    if (head == NULL)
        return NULL;
    snprintf(cost, sizeof(cost), "%" PRIu64, facts->first_cost_ucr);
    if (head_add(head, SPAN_OF("idempotent-replayed"), SPAN_OF("true")) &&
        head_add(head, SPAN_OF("agent-cost"), span_text(cost)) &&
        head_add(head, SPAN_OF("agent-outcome"), span_text(facts->first_outcome)))
        return head;
    head_free(head);
    return NULL;
}

static bool make_reply(struct exchange *x, struct kept *kept)
{
    struct head *head = head_again(x, kept);
    struct head *trailers = NULL;
    if (head == NULL)
        return false;
    if (kept->trailers != NULL && stream_takes_trailers(x->caller))
        trailers = heads_answer_trailers(kept->trailers);
    reply_whole(&x->reply, head, kept->body, kept->body_len, trailers, &x->form);
    kept->body = NULL;
    return x->replayed = true;
}

bool again_take(struct exchange *x)
{
    struct answers_wait *wait = &x->answers;
    struct seal_place place = place_of(x);
    struct kept kept;
    size_t len;
    if (wait->text == NULL || keys_of(x) == NULL)
        return false;
    char *text = alloc_zeroed(wait->text_len);
    bool made = seal_open(text, &len, keys_of(x), &place, span_of(wait->text, wait->text_len)) &&
                kept_read(&kept, span_of(text, len));
    if (made) {
        made = make_reply(x, &kept);
        kept_fini(&kept);
    }
    free(text);
    return made;
}
