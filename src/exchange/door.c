#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "exchange/life.h"

/* Even the refusals have a maximum; behind it the connection's own words must do. */
static void turn_away(struct site *site, struct stream *caller, const char *peer,
                      const char *protocol)
{
    struct record record = {.invocation = "",
                            .peer = peer,
                            .protocol = protocol,
                            .cid = "",
                            .account = "",
                            .key_id = "",
                            .fault = FAULT_OVERLOADED,
                            .outcome = fault_word(FAULT_OVERLOADED)};
    record_write(&record, site->access_log, site->stats);
    stream_reset(caller, RESET_REFUSED);
    stream_release(caller);
}

static void exchange_init(struct exchange *x, struct stream *caller)
{
    struct site *site = x->site;
    struct relay_store store = {site->options.replay_bytes_max, &site->replay_bytes,
                                site->options.replay_total_max};
    x->step = exchange_first;
    x->opened_at = loop_now(site->loop);
    x->length = -1;
    x->caller = caller;
    x->head = stream_take_head(caller);
    x->form = (struct reply_form){
        .html = reply_wants_html(x->head),
        .head_only = span_is(x->head->method, SPAN_OF("HEAD")),
        .cors = site->options.cors && head_find(x->head, SPAN_OF("origin")) != NULL,
    };
    snprintf(x->record.method, sizeof(x->record.method), "%.*s", (int)x->head->method.len,
             x->head->method.ptr);
    invocation_make(&x->invocation);
    wake_init(&x->wake, exchange_run, x);
    timer_init(&x->timer, site->loop, exchange_note_news, x);
    attempt_init(&x->attempt, site->pools, &x->record, exchange_note_news, x);
    x->attempt.lending = say_lending;
    relay_init(&x->relay, caller, &store);
    x->relay.up_digest.on = x->relay.down_digest.on = site->options.body_digests;
    stream_set_note(caller, exchange_note_news, x);
}

void exchange_open(struct site *site, struct stream *caller, const char *peer, const char *protocol,
                   bool secure, const uint8_t *peer_key)
{
    struct exchange *x = alloc_zeroed(sizeof(*x));
    stats_add(&site->stats->requests, 1);
    if (!site_has_room(site) || (x->id = slots_take(&site->exchanges, x)) == 0) {
        free(x);
        turn_away(site, caller, peer, protocol);
        return;
    }
    stats_add(&site->stats->exchanges_live, 1);
    x->site = site;
    x->secure = secure;
    x->has_peer_key = peer_key != NULL;
    if (peer_key != NULL)
        memcpy(x->peer_key, peer_key, sizeof(x->peer_key));
    x->record.protocol = protocol;
    snprintf(x->peer, sizeof(x->peer), "%s", peer);
    exchange_init(x, caller);
    loop_wake(site->loop, &x->wake);
}

static void exchange_bury(void *owner)
{
    free(owner);
}

void door_close(struct exchange *x)
{
    struct site *site = x->site;
    timer_fini(&x->timer);
    wake_cancel(&x->wake);
    bill_cancel(&x->bill);
    relay_fini(&x->relay);
    reply_fini(&x->reply);
    receipt_wait_fini(&x->paper.wait);
    stream_release(x->caller);
    head_free(x->head);
    head_free(x->trailers);
    free(x->own_json);
    site->evidence_live -= x->own_evidence;
    agents_ref_give(x->agents);
    slots_give(&site->exchanges, x->id);
    stats_sub(&site->stats->exchanges_live, 1);
    loop_bury(site->loop, &x->grave, exchange_bury, x);
}
