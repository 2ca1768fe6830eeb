#include "exchange/exchange.h"

#include <stdio.h>

#include "base/clock.h"
#include "exchange/life.h"

/* clang-format off */
#define STEPS(S) \
    S(open) S(identify) S(own) S(gather) S(admit) S(recall) S(place) S(attempt) S(answer) S(stream) S(settle) \
    S(finish) S(refuse) S(end)
/* clang-format on */

#define S(name) static enum step_outcome do_##name(struct exchange *x);
STEPS(S)
#undef S
#define S(name) static const struct step step_##name = {#name, do_##name};
STEPS(S)
#undef S
const struct step *const exchange_first = &step_open;

enum {
    ASK_MS_MAX = 10000, /* for an answer about who the caller is, or what it asks about itself */
    LINGER_MS = 30000   /* for a caller to take what it was given last */
};

static enum step_outcome go(struct exchange *x, const struct step *step)
{
    x->step = step;
    return STEP_NEXT;
}

/* The worker, or the wait for one, is given back at once: it works for nobody any more. */
static void leave_worker(struct exchange *x, enum fault fault)
{
    relay_part(&x->relay);
    attempt_close(&x->attempt, fault, x->alarm.now);
}

static enum step_outcome fail(struct exchange *x, enum fault fault)
{
    must(!x->closing && fault != FAULT_NONE);
    x->closing = true;
    x->fault = fault;
    if (x->auth_asking)
        auth_cancel(x->site->auth, &x->auth);
    x->auth_asking = x->own_asking = false;
    if (x->bill.asking)
        bill_cancel(&x->bill);
    if (x->answers.id != 0)
        answers_cancel(x->site->answers, &x->answers);
    return go(x, &step_settle);
}

void exchange_note_news(void *user)
{
    struct exchange *x = user;
    loop_wake(x->site->loop, &x->wake);
}

static enum step_outcome fail_saying(struct exchange *x, enum fault fault, const char *sentence)
{
    snprintf(x->detail, sizeof(x->detail), "%s", sentence);
    return fail(x, fault);
}

/* --- OPEN ----------------------------------------------------------------------------------- */

static bool is_reading(const struct head *head)
{
    return span_is(head->method, SPAN_OF("GET")) || span_is(head->method, SPAN_OF("HEAD"));
}

static bool is_served(const struct head *head)
{
    return !span_is(head->method, SPAN_OF("CONNECT")) && !span_is(head->method, SPAN_OF("TRACE"));
}

static enum step_outcome fail_path(struct exchange *x, enum fault fault)
{
    struct span path = x->head->path;
    path.len = span_find(path, '?');
    if (fault == FAULT_BAD_PATH)
        snprintf(x->detail, sizeof(x->detail), "invalid path \"%.*s\"",
                 (int)(path.len < 200 ? path.len : 200), path.ptr);
    return fail(x, fault);
}

static void note_auth(struct auth_wait *wait)
{
    struct exchange *x = container_of(wait, struct exchange, auth);
    x->auth_asking = false;
    exchange_note_news(x);
}

static enum step_outcome do_open(struct exchange *x)
{
    if (x->site->exchanges.used > x->site->options.exchanges_max)
        return fail(x, FAULT_OVERLOADED);
    enum fault fault = target_parse(x->head->path, &x->target);
    if (!is_served(x->head))
        return fail(x, FAULT_METHOD_NOT_ALLOWED);
    if (fault != FAULT_NONE)
        return fail_path(x, fault);
    if (own_answer(x))
        return go(x, &step_end);
    if (x->target.kind != TARGET_AGENT && !is_reading(x->head))
        return fail(x, FAULT_METHOD_NOT_ALLOWED);
    if (x->target.kind == TARGET_AGENT && heads_is_service_worker(x->head))
        return fail_saying(x, FAULT_BAD_REQUEST, "Service workers would see every agent's calls");
    fault = heads_credential(x->head, &x->credential);
    if (fault != FAULT_NONE)
        return fail_saying(x, fault, "The credentials disagree, or one is given twice");
    if (x->credential.key.len == 0)
        return fail(x, FAULT_UNAUTHENTICATED);
    const struct cid *cid = NULL;
    if (x->target.kind == TARGET_AGENT) {
        cid = &x->target.cid;
        cid_text(cid, x->cid);
    }
    if (x->credential.is_token && cid == NULL)
        return fail_saying(x, FAULT_UNAUTHENTICATED, "An invocation token is good for agents only");
    x->auth_asking = true;
    x->auth.answer = note_auth;
    x->patience_at = x->alarm.now + ASK_MS_MAX;
    if (x->credential.is_token)
        auth_check_token(x->site->auth, x->credential.key, cid,
                         x->has_peer_key ? x->peer_key : NULL, &x->auth);
    else
        auth_check(x->site->auth, x->credential.key, cid, &x->auth);
    return go(x, &step_identify);
}

/* --- IDENTIFY, OWN -------------------------------------------------------------------------- */

static enum step_outcome wait_for_store(struct exchange *x)
{
    bool late = alarm_passed(&x->alarm, x->patience_at);
    enum fault fault =
        x->target.kind == TARGET_EVIDENCE ? FAULT_OVERLOADED : FAULT_METERING_UNAVAILABLE;
    return late ? fail(x, fault) : STEP_WAIT;
}

/* Nobody is there for the answer once the parent's own time is over. */
static void end_with_parent(struct exchange *x)
{
    uint64_t deadline_ms = x->auth.lineage.deadline_ms;
    uint64_t now_ms = (uint64_t)clock_unix_ms();
    if (deadline_ms == 0)
        return;
    uint64_t parent_at = x->alarm.now + (deadline_ms > now_ms ? deadline_ms - now_ms : 0);
    if (x->total_at == 0 || parent_at < x->total_at)
        x->total_at = parent_at;
}

static enum step_outcome do_identify(struct exchange *x)
{
    if (x->auth_asking)
        return wait_for_store(x);
    x->record.auth_ms = (uint32_t)(x->alarm.now - x->opened_at);
    if (x->auth.fault != FAULT_NONE)
        return fail(x, x->auth.fault);
    if (x->target.kind != TARGET_AGENT) {
        x->patience_at = x->alarm.now + ASK_MS_MAX;
        own_ask(x);
        return go(x, &step_own);
    }
    x->agents = agents_ref_take(x->site->agents);
    x->agent = agents_find(&x->agents->agents, &x->target.cid);
    if (x->agent == NULL)
        return fail(x, FAULT_NO_SUCH_AGENT);
    if (x->agent->total_ms_max != 0)
        x->total_at = x->opened_at + x->agent->total_ms_max;
    end_with_parent(x);
    if (!x->agent->metered)
        return go(x,
                  &step_admit); /* no hold, nothing to know it by: the key is the agent's alone */
    enum fault fault = again_read(x);
    if (fault != FAULT_NONE)
        return fail(x, fault);
    return go(x, x->claim.key_len > 0 ? &step_gather : &step_admit);
}

static enum step_outcome do_own(struct exchange *x)
{
    if (x->own_asking)
        return wait_for_store(x);
    enum fault fault = own_take(x);
    return fault == FAULT_NONE ? go(x, &step_end) : fail(x, fault);
}

/* --- GATHER --------------------------------------------------------------------------------- */

static enum step_outcome do_gather(struct exchange *x)
{
    enum fault fault;
    if (!again_gather(x, &fault))
        return STEP_WAIT;
    return fault == FAULT_NONE ? go(x, &step_admit) : fail(x, fault);
}

/* --- ADMIT ---------------------------------------------------------------------------------- */

/* Declared, or known because all of it is here; else -1. */
static int64_t request_length(const struct exchange *x)
{
    int64_t length = stream_length(x->caller);
    if (length < 0 && stream_is_ended(x->caller))
        length = (int64_t)(x->relay.taken + stream_bytes(x->caller));
    return length;
}

static enum step_outcome ask_hold(struct exchange *x)
{
    const struct exchange_options *options = &x->site->options;
    enum fault fault = bill_open(&x->bill, x->agent, x->head, &x->auth.lineage, request_length(x),
                                 options->checkpoint_ms, x->detail, sizeof(x->detail));
    if (fault != FAULT_NONE)
        return fail(x, fault);
    x->bill.hold.children_max = options->subcalls_live;
    memcpy(x->bill.hold.fingerprint, x->fingerprint, sizeof(x->fingerprint));
    if (!x->agent->metered)
        return go(x, &step_place);
    bill_hold(&x->bill, &x->invocation, &x->auth.caller, x->cid, x->alarm.now);
    return STEP_WAIT;
}

static enum step_outcome do_admit(struct exchange *x)
{
    if (x->bill.meter == NULL) {
        bill_init(&x->bill, x->site->meter, exchange_note_news, x);
        return ask_hold(x);
    }
    if (x->bill.asking)
        return STEP_WAIT;
    x->record.hold_ms = (uint32_t)(x->alarm.now - x->opened_at);
    enum fault fault = bill_take_hold(&x->bill);
    if (fault == FAULT_IDEMPOTENCY_RESULT_NOT_STORED && again_ask(x)) {
        x->patience_at = x->alarm.now + ASK_MS_MAX;
        return go(x, &step_recall);
    }
    return fault == FAULT_NONE ? go(x, &step_place) : fail(x, fault);
}

/* --- RECALL --------------------------------------------------------------------------------- */

static enum step_outcome do_recall(struct exchange *x)
{
    if (x->answers.id != 0)
        return wait_for_store(x);
    return again_take(x) ? go(x, &step_end) : fail(x, FAULT_IDEMPOTENCY_RESULT_NOT_STORED);
}

/* --- PLACE ---------------------------------------------------------------------------------- */

static bool has_no_body(const struct exchange *x)
{
    return x->relay.taken == 0 && stream_is_ended(x->caller) && stream_bytes(x->caller) == 0 &&
           stream_trailers(x->caller) == NULL;
}

static enum step_outcome do_place(struct exchange *x)
{
    struct head *request = say_request(x);
    if (request == NULL)
        return fail(x, FAULT_FIELDS_TOO_LARGE);
    struct retry_budget *budget = pools_budget(x->site->pools, x->agent->pool);
    if (x->attempt.count == 0 && budget != NULL)
        retry_budget_earn(budget);
    uint64_t deadline_at = x->alarm.now + x->site->options.place_ms_max;
    if (x->total_at != 0 && x->total_at < deadline_at)
        deadline_at = x->total_at;
    stats_add(&x->site->stats->attempts, 1);
    x->ran_at = 0;
    attempt_open(&x->attempt, x->agent->pool, request, has_no_body(x), x->alarm.now, deadline_at);
    return go(x, &step_attempt);
}

/* --- ATTEMPT -------------------------------------------------------------------------------- */

static enum step_outcome try_again_or_fail(struct exchange *x, enum fault fault)
{
    struct retry_budget *budget = pools_budget(x->site->pools, x->agent->pool);
    bool replayable = relay_is_replayable(&x->relay);
    leave_worker(x, fault);
    /* Nobody else is there to be asked: what the one who was asked did is the better answer. */
    if (fault == FAULT_NO_WORKER && x->tried != FAULT_NONE)
        return fail(x, x->tried);
    x->tried = fault;
    if (x->agent->retry == RETRY_NEVER || budget == NULL ||
        !retry_may(budget, fault, x->attempt.count, false, replayable))
        return fail(x, fault);
    stats_add(&x->site->stats->tries_again, 1);
    return go(x, &step_place);
}

static void begin_worker(struct exchange *x)
{
    x->ran_at = x->alarm.now;
    paper_note_worker(x);
    relay_join(&x->relay, attempt_stream(&x->attempt), x->attempt.wait.request_ended);
    /* Only now: a call that is refused never uploads. */
    if (stream_expects_continue(x->caller))
        stream_send_continue(x->caller);
}

static enum step_outcome do_attempt(struct exchange *x)
{
    bill_keep(&x->bill, &x->alarm);
    if (x->attempt.asking)
        return STEP_WAIT;
    if (attempt_begins(&x->attempt, x->alarm.now))
        begin_worker(x);
    enum fault fault = attempt_fault(&x->attempt);
    if (fault != FAULT_NONE && attempt_head(&x->attempt) == NULL)
        return try_again_or_fail(x, fault);
    fault = carry_up(x);
    if (fault != FAULT_NONE)
        return fail(x, fault);
    if (attempt_head(&x->attempt) != NULL) {
        x->record.first_byte_ms = (uint32_t)(x->alarm.now - x->opened_at);
        return go(x, &step_answer);
    }
    uint32_t ms_max = x->agent->first_byte_ms_max;
    if (ms_max != 0 && alarm_passed(&x->alarm, x->ran_at + ms_max))
        return fail(x, carry_slow_fault(x));
    return STEP_WAIT;
}

/* --- ANSWER --------------------------------------------------------------------------------- */

static bool answer_is_whole(const struct exchange *x)
{
    return stream_is_ended(x->relay.worker) && stream_bytes(x->relay.worker) <= ANSWER_WHOLE_MAX;
}

static enum step_outcome do_answer(struct exchange *x)
{
    carry_look_at_answer(x);
    again_begin_answer(x);
    enum fault fault = carry_up(x);
    if (fault == FAULT_NONE)
        fault = carry_worker_fault(x);
    if (fault == FAULT_NONE)
        fault = carry_judge_size(x);
    if (fault != FAULT_NONE)
        return fail(x, fault);
    relay_forget(&x->relay);
    if (x->ends == ENDS_NOWHERE && !x->event_stream && answer_is_whole(x)) {
        x->ends = ENDS_FIELDS;
        return go(x, &step_settle);
    }
    if (x->bodiless) {
        /* Its head would be its end, and that waits for the journal: for the worker's end first. */
        mark_note(&x->relay.idle, true, false, x->alarm.now);
        if (mark_passed(&x->relay.idle, x->agent->idle_ms_max, &x->alarm))
            return fail(x, FAULT_TOO_SLOW);
        return stream_is_ended(x->relay.worker) ? go(x, &step_settle) : STEP_WAIT;
    }
    return say_send_head(x) ? go(x, &step_stream) : fail(x, FAULT_WORKER_INVALID);
}

/* --- STREAM --------------------------------------------------------------------------------- */

static bool answer_is_over(const struct exchange *x)
{
    return stream_is_ended(x->relay.worker) &&
           stream_bytes(x->relay.worker) <= (x->length > 0 ? 1u : 0u);
}

static enum step_outcome do_stream(struct exchange *x)
{
    enum fault fault = carry_up(x);
    if (fault == FAULT_NONE)
        fault = carry_down(x);
    if (fault != FAULT_NONE)
        return fail(x, fault);
    if (answer_is_over(x))
        return go(x, &step_settle);
    struct usage usage = carry_usage(x);
    bill_checkpoint(&x->bill, &usage, &x->alarm);
    return STEP_WAIT;
}

/* --- SETTLE --------------------------------------------------------------------------------- */

static void note_over(struct exchange *x)
{
    struct worker_load *load = x->attempt.wait.lease.worker->load;
    stats_add(&x->site->stats->units_over, 1);
    if (load != NULL)
        worker_load_note_over(load);
}

/* Closes the bill: a charge for what ran, by the fault's row. False when the journal refuses. */
static bool close_bill(struct exchange *x)
{
    bool ran = x->ran_at != 0;
    if (x->agent == NULL)
        return true;
    if (x->fault == FAULT_NONE)
        carry_take_trailers(x);
    x->usage = carry_usage(x);
    if (x->fault == FAULT_NONE)
        x->usage.bytes_out += stream_bytes(x->relay.worker); /* they follow, and nothing else */
    if (!ran || fault_row(x->fault)->charge == CHARGE_FREE) {
        bill_release(&x->bill);
        return true;
    }
    x->bill.waived =
        x->fault == FAULT_NONE && x->record.status >= 500 && x->agent->free_on == FREE_ON_5XX;
    paper_note_end(x);
    x->paper.outcome = say_outcome(x);
    x->paper.status = x->record.status;
    bool journalled = bill_settle(&x->bill, &x->usage, x->paper.outcome, x->paper.status,
                                  x->attempt.worker, &x->paper.note);
    if (x->bill.over_ucr > 0)
        note_over(x);
    if (journalled && x->fault == FAULT_NONE)
        again_keep(x);
    return journalled;
}

static enum step_outcome do_settle(struct exchange *x)
{
    x->closing = true;
    x->total_at = 0;
    x->patience_at = x->alarm.now + x->site->options.trailer_wait_ms;
    if (x->fault != FAULT_NONE && !x->head_sent)
        x->record.status = x->gone ? 0 : fault_row(x->fault)->status;
    if (!close_bill(x) && x->fault == FAULT_NONE)
        x->fault = FAULT_METERING_UNAVAILABLE;
    if (x->fault == FAULT_NONE)
        return go(x, &step_finish);
    leave_worker(x, x->fault);
    return go(x, &step_refuse);
}

/* --- FINISH --------------------------------------------------------------------------------- */

/* The cost is known for certain, or was waited for as long as is done. */
static bool cost_is_in(struct exchange *x)
{
    return !x->bill.settling || alarm_passed(&x->alarm, x->patience_at);
}

/* And with it the receipt, which only what is known for certain has; and the answer is kept by now,
 * so that who asks again at once finds it. */
static bool end_is_in(struct exchange *x)
{
    bool kept = x->answers.id == 0 || alarm_passed(&x->alarm, x->patience_at);
    return cost_is_in(x) && paper_is_in(x) && kept;
}

static enum step_outcome break_off(struct exchange *x, enum fault fault)
{
    x->fault = fault;
    leave_worker(x, fault);
    return go(x, &step_refuse);
}

static enum step_outcome do_finish(struct exchange *x)
{
    struct relay *relay = &x->relay;
    if (x->gone)
        return break_off(x, FAULT_CALLER_LEFT);
    if (!bill_is_safe(&x->bill)) /* no end is told whose charge a crash could still lose */
        return x->bill.settling ? STEP_WAIT : break_off(x, FAULT_METERING_UNAVAILABLE);
    if (!x->head_sent) {
        if (x->ends == ENDS_FIELDS && !end_is_in(x))
            return STEP_WAIT;
        if (!say_send_head(x))
            return break_off(x, FAULT_WORKER_INVALID);
    }
    if (relay->worker != NULL && !x->bodiless) {
        uint32_t stall_ms_max = x->agent->stall_ms_max;
        relay->down_max = UINT64_MAX;
        relay_down(relay, x->alarm.now);
        if (mark_passed_unnoted(&relay->stall, stall_ms_max > 0 ? stall_ms_max : LINGER_MS,
                                &x->alarm))
            return break_off(x, FAULT_CALLER_STALLED);
        if (stream_bytes(relay->worker) > 0)
            return STEP_WAIT;
        if (x->ends == ENDS_TRAILERS)
            x->trailers = heads_answer_trailers(stream_trailers(relay->worker));
    }
    leave_worker(x, FAULT_NONE);
    if (x->bodiless)
        return go(x, &step_end);
    if (x->ends != ENDS_TRAILERS) {
        stream_send_end(x->caller, NULL);
        return go(x, &step_end);
    }
    if (!end_is_in(x))
        return STEP_WAIT;
    struct ending ending = say_ending(x);
    /* Full of the worker's own, they go without ours: GET /v1/invocations has them. */
    (void)!heads_add_ending(x->trailers, &ending);
    stream_send_end(x->caller, x->trailers);
    x->trailers = NULL;
    return go(x, &step_end);
}

/* --- REFUSE --------------------------------------------------------------------------------- */

static enum step_outcome do_refuse(struct exchange *x)
{
    if (x->gone)
        return go(x, &step_end);
    if (!x->head_sent) {
        if (!end_is_in(x))
            return STEP_WAIT;
        say_refuse(x);
        return go(x, &step_end);
    }
    if (!say_has_told_event(x))
        return STEP_WAIT;
    stream_reset(x->caller, RESET_INTERNAL);
    x->gone = true;
    return go(x, &step_end);
}

/* --- END ------------------------------------------------------------------------------------ */

/* What was given to the caller has left; one who does not take it is given up. */
static bool has_left(struct exchange *x)
{
    struct stream *caller = x->caller;
    if (x->reply.status != 0)
        (void)reply_push(&x->reply, caller);
    uint64_t bytes = stream_sent_bytes(caller);
    bool sent = stream_is_sent(caller);
    mark_note(&x->lag, !sent, bytes > x->lag_seen, x->alarm.now);
    x->lag_seen = bytes;
    if (!mark_passed_unnoted(&x->lag, LINGER_MS, &x->alarm))
        return sent;
    if (x->fault == FAULT_NONE)
        x->fault = FAULT_CALLER_STALLED;
    stream_reset(caller, RESET_CANCEL);
    return true;
}

static enum step_outcome do_end(struct exchange *x)
{
    x->closing = true;
    if (!x->gone && !has_left(x))
        return STEP_WAIT;
    if (x->fault == FAULT_NONE && x->gone && !stream_is_sent(x->caller))
        x->fault = FAULT_CALLER_LEFT;
    if (!cost_is_in(x))
        return STEP_WAIT;
    say_record(x);
    door_close(x);
    return STEP_DONE;
}

/* --- the life ------------------------------------------------------------------------------- */

/* The one fact that counts in every step: whether there is still somebody to answer, in time. */
static void look_at_caller(struct exchange *x)
{
    enum stream_end fate = stream_fate(x->caller);
    if (!x->gone && (x->sent_away || fate != STREAM_WHOLE)) {
        bool cut = fate == STREAM_INVALID || fate == STREAM_TOO_LARGE;
        x->gone = true;
        if (!x->closing)
            (void)fail(x, cut ? FAULT_BODY_CUT : FAULT_CALLER_LEFT);
    } else if (!x->closing && alarm_passed(&x->alarm, x->total_at)) {
        (void)fail(x, FAULT_DEADLINE);
    }
}

void exchange_run(void *owner)
{
    struct exchange *x = owner;
    enum step_outcome outcome = STEP_NEXT;
    x->alarm = (struct alarm){loop_now(x->site->loop), 0};
    while (outcome == STEP_NEXT) {
        look_at_caller(x);
        outcome = x->step->run(x);
    }
    /* An earlier setting may stand: it only makes the exchange look once more than needed. */
    uint64_t at = x->alarm.look_at;
    if (outcome == STEP_WAIT && at != 0 && (x->timer.at == 0 || at < x->timer.at))
        timer_set(&x->timer, at);
}
