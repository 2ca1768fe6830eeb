#include "exchange/life.h"

struct usage carry_usage(const struct exchange *x)
{
    struct usage usage = x->usage; /* its units, if any came */
    usage.ms = x->ran_at == 0 ? 0 : x->alarm.now - x->ran_at;
    if (x->agent->total_ms_max != 0 && usage.ms > x->agent->total_ms_max)
        usage.ms = x->agent->total_ms_max; /* the timer may fire late; that is not the caller's */
    usage.bytes_in = x->relay.given;
    usage.bytes_out = x->relay.down;
    return usage;
}

/* The agent's limits on bodies, and the budget's where that is less. NONE or BUDGET. */
static enum fault bound_bodies(struct exchange *x)
{
    struct relay *relay = &x->relay;
    relay->up_max = x->agent->request_bytes_max;
    relay->down_max = x->agent->response_bytes_max;
    x->down_fault = FAULT_ANSWER_TOO_LARGE;
    if (x->length > 0) {
        /* The last byte waits for the journal (DESIGN 8, Settling). */
        relay->down_max = (uint64_t)x->length - 1;
        x->down_fault = FAULT_NONE;
    }
    if (!x->bill.lowered || x->ran_at == 0)
        return FAULT_NONE;
    struct usage usage = carry_usage(x);
    bill_roll(&x->bill, &usage, &x->alarm);
    struct bill_reach reach = bill_reach(&x->bill, &usage);
    if (reach.bytes_in < relay->up_max)
        relay->up_max = reach.bytes_in;
    if (reach.bytes_out < relay->down_max) {
        relay->down_max = reach.bytes_out;
        x->down_fault = x->bill.extending ? FAULT_NONE : FAULT_BUDGET;
    }
    bool over = alarm_passed(&x->alarm, x->ran_at + reach.ms) && !x->bill.extending;
    return over ? FAULT_BUDGET : FAULT_NONE;
}

/* Moves the request on; what is wrong with it. */
enum fault carry_up(struct exchange *x)
{
    struct relay *relay = &x->relay;
    enum fault fault = bound_bodies(x);
    if (fault != FAULT_NONE)
        return fault;
    relay_up(relay, x->alarm.now);
    if (relay->broken)
        return FAULT_CONTENT_DIGEST_MISMATCH;
    if (relay_is_over_up(relay) && !x->bill.extending)
        return relay->up_max < x->agent->request_bytes_max ? FAULT_BUDGET : FAULT_REQUEST_TOO_LARGE;
    if (mark_passed(&relay->upload, x->site->options.upload_idle_ms_max, &x->alarm))
        return FAULT_REQUEST_TIMEOUT;
    return FAULT_NONE;
}

/* A worker that may still wait for the request is not to blame, or callers who dawdle could have
 * every worker ejected. */
enum fault carry_slow_fault(const struct exchange *x)
{
    return x->relay.upload.since != 0 ? FAULT_REQUEST_TIMEOUT : FAULT_TOO_SLOW;
}

enum fault carry_worker_fault(const struct exchange *x)
{
    const struct stream *worker = x->relay.worker;
    enum stream_end fate = stream_fate(worker);
    bool invalid = fate == STREAM_INVALID || fate == STREAM_TOO_LARGE;
    /* A reset behind a whole answer only says that the request is not wanted (RFC 9113 8.1). */
    if (fate == STREAM_WHOLE || (stream_is_ended(worker) && !invalid))
        return FAULT_NONE;
    return FAULT_CUT_SHORT;
}

void carry_look_at_answer(struct exchange *x)
{
    struct stream *worker = x->relay.worker;
    const struct head *head = stream_head(worker);
    const struct field *units = head_find(head, SPAN_OF("agent-usage"));
    x->record.status = head->status;
    x->length = stream_length(worker);
    x->event_stream = heads_is_event_stream(head);
    x->relay.tracks_tail = x->event_stream;
    x->bodiless = x->form.head_only || head->status == 204 || head->status == 304 || x->length == 0;
    if (x->bodiless)
        x->length = 0;
    if (units != NULL)
        bill_note_units(&x->bill, units->value, &x->usage);
    /* In HTTP/1.1 only a chunked body has trailers (RFC 9112 7.1.2). */
    bool chunked = x->length < 0 || span_is(span_text(x->record.protocol), SPAN_OF("HTTP/2"));
    if (stream_takes_trailers(x->caller) && chunked && !x->bodiless)
        x->ends = ENDS_TRAILERS;
}

enum fault carry_judge_size(struct exchange *x)
{
    uint64_t bytes = x->length > 0 ? (uint64_t)x->length : stream_bytes(x->relay.worker);
    if (bytes > x->agent->response_bytes_max)
        return FAULT_ANSWER_TOO_LARGE;
    struct usage usage = carry_usage(x);
    if (x->bill.lowered && !x->bill.rolls && bytes > bill_reach(&x->bill, &usage).bytes_out)
        return FAULT_BUDGET;
    return FAULT_NONE;
}

enum fault carry_down(struct exchange *x)
{
    struct relay *relay = &x->relay;
    enum fault fault = bound_bodies(x);
    if (fault != FAULT_NONE)
        return fault;
    relay_down(relay, x->alarm.now);
    if (x->down_fault != FAULT_NONE && relay_is_over_down(relay))
        return x->down_fault;
    fault = carry_worker_fault(x);
    if (fault != FAULT_NONE)
        return fault;
    if (mark_passed(&relay->idle, x->agent->idle_ms_max, &x->alarm))
        return carry_slow_fault(x);
    if (mark_passed_unnoted(&relay->stall, x->agent->stall_ms_max, &x->alarm))
        return FAULT_CALLER_STALLED;
    return FAULT_NONE;
}

void carry_take_trailers(struct exchange *x)
{
    const struct head *trailers = stream_trailers(x->relay.worker);
    if (trailers == NULL)
        return;
    const struct field *units = head_find(trailers, SPAN_OF("agent-usage"));
    if (units != NULL)
        bill_note_units(&x->bill, units->value, &x->usage);
}
