#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "exchange/life.h"

enum {
    BREAK_MS = 1000, /* for the caller to take the event that tells of a broken stream */
    LOOK_MS = 10,    /* a stream does not note that a few bytes left: it is looked at */
    EVENT_MAX = REPLY_PROBLEM_MAX + 64,
    IN_PROGRESS_MS = 1000,   /* nobody knows when the first call ends: soon enough for most */
    TOKEN_LIFE_MS = 86400000 /* the longest limits.time */
};

const char *say_outcome(const struct exchange *x)
{
    if (x->fault != FAULT_NONE)
        return fault_word(x->fault);
    if (x->replayed)
        return "replayed";
    return x->record.status >= 500 && x->agent != NULL ? "agent-error" : "ok";
}

static struct problem problem_of(const struct exchange *x)
{
    const struct meter_facts *facts = &x->bill.hold_wait.facts;
    struct problem problem = {.fault = x->fault,
                              .detail = x->detail[0] != '\0' ? x->detail : NULL,
                              .invocation = x->invocation.text};
    if (x->fault == FAULT_QUOTA_EXCEEDED) {
        problem.retry_after_ms = facts->retry_after_ms;
        problem.violated = facts->violated[0] != '\0' ? facts->violated : NULL;
    }
    if (x->fault == FAULT_INSUFFICIENT_CREDIT || x->fault == FAULT_PARENT_BUDGET_EXHAUSTED) {
        problem.has_money = true;
        problem.required_ucr = x->bill.hold.ceiling_ucr + facts->sub_ucr;
        problem.available_ucr = facts->available_ucr;
    }
    /* More money does not help where the most of one call is in the way. */
    if (x->fault == FAULT_INSUFFICIENT_CREDIT && facts->violated[0] == '\0' &&
        x->site->options.top_up_url[0] != '\0') {
        problem.top_up = x->site->options.top_up_url;
        problem.top_up_for = x->auth.caller.account;
    }
    if (x->fault == FAULT_IDEMPOTENCY_IN_PROGRESS)
        problem.retry_after_ms = IN_PROGRESS_MS;
    problem.has_first = x->fault == FAULT_IDEMPOTENCY_RESULT_NOT_STORED;
    problem.first_status = facts->first_status;
    problem.first_cost_ucr = facts->first_cost_ucr;
    problem.first_outcome = facts->first_outcome;
    if (x->fault == FAULT_METHOD_NOT_ALLOWED)
        problem.allow = x->target.kind == TARGET_AGENT
                            ? "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
                            : "GET, HEAD";
    return problem;
}

struct ending say_ending(const struct exchange *x)
{
    return (struct ending){.priced = x->bill.metered,
                           .pending = x->bill.owed && !x->bill.settled,
                           .cost_ucr = x->bill.cost_ucr,
                           .usage = &x->usage,
                           .price = &x->bill.price,
                           .outcome = say_outcome(x),
                           .receipt = x->paper.wait.text};
}

struct head *say_request(const struct exchange *x)
{
    const struct token_keys *keys = x->site->keys;
    char agent_caller[AGENT_CALLER_CHARS + 1] = "";
    if (keys != NULL)
        invocation_token_caller(agent_caller, keys, x->auth.caller.account, x->cid);
    const char *path = pools_path_template(x->site->pools, x->agent->pool);
    struct worker_request request = {
        .caller = x->head,
        .target = &x->target,
        .cid = x->cid,
        .path_template = path != NULL ? path : HEADS_PATH_TEMPLATE,
        .invocation = x->invocation.text,
        .agent_caller = agent_caller,
        .peer = x->peer,
        .secure = x->secure,
        .drops_authorization = x->credential.drops_authorization,
        .left_ms = x->total_at > x->alarm.now ? x->total_at - x->alarm.now : 0,
        .length = stream_length(x->caller),
    };
    return heads_for_worker(&request);
}

/* Of this call for those below it. It dies with the call; what is without end ends a day from now.
 */
static struct invocation_token token_of(const struct exchange *x, const struct pool_facts *pool,
                                        const struct proof *proof)
{
    const struct lineage *lineage = &x->auth.lineage;
    uint32_t deep = x->site->options.subcalls_depth;
    uint64_t left_ms = x->total_at > x->alarm.now ? x->total_at - x->alarm.now : 0;
    struct invocation_token token = {
        .bucket = x->auth.caller.bucket,
        .expires_ms = (uint64_t)clock_unix_ms() + (x->total_at != 0 ? left_ms : TOKEN_LIFE_MS),
        .depth = lineage->depth,
        .depth_max = lineage->depth > 0 && lineage->depth_max < deep ? lineage->depth_max : deep,
        .most_ucr = x->bill.hold.sub_ucr,
        .bound = pool->binds_tokens,
        .path_len = lineage->path_len + 1,
    };
    /* Two clocks: whatever the lane's says, not a moment beyond the call above it. */
    if (lineage->deadline_ms != 0 && token.expires_ms > lineage->deadline_ms)
        token.expires_ms = lineage->deadline_ms;
    memcpy(token.parent, x->invocation.text, sizeof(token.parent));
    memcpy(token.worker_key, proof->key_sha256, sizeof(token.worker_key));
    memcpy(token.path, lineage->path, lineage->path_len * sizeof(*token.path));
    token.path[lineage->path_len] = invocation_token_path_of(x->cid);
    return token;
}

void say_lending(void *user, struct head *request, const struct pool_facts *pool,
                 const struct proof *proof)
{
    const struct exchange *x = user;
    char text[TOKEN_TEXT_MAX];
    if (x->site->keys == NULL || !x->bill.held || x->bill.hold.sub_ucr == 0)
        return;
    struct invocation_token token = token_of(x, pool, proof);
    size_t len = invocation_token_mint(text, x->site->keys, &token);
    /* A head too full for it goes without: the agent then cannot call others, and nothing else. */
    (void)!heads_add_token(request, span_of(text, len));
    OPENSSL_cleanse(text, sizeof(text));
}

bool say_send_head(struct exchange *x)
{
    const struct lease *lease = &x->attempt.wait.lease;
    struct ending ending = say_ending(x);
    struct caller_answer answer = {
        .worker = stream_head(lease->stream),
        .invocation = x->invocation.text,
        .worker_id = lease->worker->id,
        .measurement = lease->proof != NULL ? lease->proof->measurement : "",
        .facts = x->bill.metered ? &x->bill.hold_wait.facts : NULL,
        .ceiling_ucr = x->bill.hold.ceiling_ucr,
        .cors = x->form.cors,
        .ending = x->ends == ENDS_FIELDS ? &ending : NULL,
    };
    struct head *head = heads_for_caller(&answer);
    if (head == NULL)
        return false;
    stream_send_head(x->caller, head, x->bodiless);
    x->head_sent = true;
    head_free(x->head);
    x->head = NULL;
    return true;
}

static size_t event_of(const struct exchange *x, char *out, size_t size)
{
    static const char begin[] = "event: error\ndata: ";
    const char *tail = x->relay.tail;
    char problem_text[REPLY_PROBLEM_MAX];
    struct problem problem = problem_of(x);
    size_t len = reply_problem_json(problem_text, sizeof(problem_text), &problem);
    /* An event that broke off is closed first, so that ours is read by itself. */
    const char *gap = "\n\n";
    if (x->relay.down == 0 || (tail[0] == '\n' && tail[1] == '\n'))
        gap = "";
    else if (tail[1] == '\n')
        gap = "\n";
    int all = snprintf(out, size, "%s%s%.*s\n\n", gap, begin, (int)len, problem_text);
    must(all > 0 && (size_t)all < size);
    return (size_t)all;
}

void say_refuse(struct exchange *x)
{
    struct problem problem = problem_of(x);
    reply_fault(&x->reply, &problem, &x->form);
    if (!x->bill.metered)
        return;
    struct ending ending = say_ending(x);
    must(heads_add_limits(x->reply.head, &x->bill.hold_wait.facts));
    must(x->ran_at == 0 || heads_add_ending(x->reply.head, &ending));
}

bool say_has_told_event(struct exchange *x)
{
    /* Within a known length it would be taken for the bytes that are missing. */
    if (!x->event_stream || x->length >= 0)
        return true;
    if (x->event_bytes == 0) {
        char event[EVENT_MAX];
        size_t len = event_of(x, event, sizeof(event));
        x->patience_at = x->alarm.now + BREAK_MS;
        x->event_bytes = len;
        if (len > stream_room(x->caller))
            return true;
        stream_send(x->caller, span_of(event, len));
    }
    (void)alarm_passed(&x->alarm, x->alarm.now + LOOK_MS);
    return stream_sent_bytes(x->caller) >= x->relay.down + x->event_bytes ||
           alarm_passed(&x->alarm, x->patience_at);
}

void say_record(struct exchange *x)
{
    struct record *record = &x->record;
    struct stats *stats = x->site->stats;
    record->invocation = x->invocation.text;
    record->peer = x->peer;
    record->cid = x->cid;
    record->account = x->auth.caller.account;
    record->key_id = x->auth.caller.key_id;
    record->parent = x->auth.lineage.parent;
    record->root = x->auth.lineage.root;
    if (x->reply.status != 0)
        record->status = x->reply.status;
    record->fault = x->fault;
    record->outcome = say_outcome(x);
    record->usage = x->usage;
    record->ceiling_ucr = x->bill.metered ? x->bill.hold.ceiling_ucr : 0;
    record->cost_ucr = x->bill.cost_ucr;
    record->charged = x->bill.settled;
    record->total_ms = (uint32_t)(x->alarm.now - x->opened_at);
    stats_add(&stats->caller_bytes_in, x->relay.taken);
    stats_add(&stats->caller_bytes_out, x->relay.down + x->reply.given);
    record_write(record, x->site->access_log, stats);
}
