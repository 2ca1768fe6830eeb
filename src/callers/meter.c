#include "callers/meter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/slots.h"
#include "callers/answer.h"
#include "callers/debts.h"
#include "callers/owed.h"
#include "callers/reaper.h"
#include "callers/token.h"

enum {
    HOLD_MS_DEFAULT = 250,
    SETTLE_MS_DEFAULT = 2000,
    WAITS_DEFAULT = 65536,
    REAP_EVERY_MS_DEFAULT = 5000,
    REAP_QUIET_MS_DEFAULT = 30000,
    REAP_GRACE_MS_DEFAULT = 60000,
    INVOCATION_CHARS = 26,
    RATE_WINDOW_S = 60
};

#define WAIT_IS_REFUSED UINT64_MAX /* an id: the wait stands in `refused` */

/* A hold Redis was asked for. */
struct asked {
    struct meter_wait *wait; /* NULL: nobody waits any more */
    uint32_t ttl_ms;
    size_t text_len;
    char text[]; /* what releases it, should its answer not be known or not be wanted */
};

struct meter {
    struct loop *loop;
    struct store *store;
    struct journal *journal;
    struct stats *stats;
    struct meter_options options;
    struct debts *debts;
    struct reaper *reaper; /* NULL: another lane's does it */
    struct slots asked;
    struct list refused; /* waits whose fault needs no Redis, answered in the run phase */
    struct wake wake;
    char gateway[64]; /* id:epoch */
};

void invocation_make(struct invocation *out)
{
    token_make(out->text, INVOCATION_CHARS);
}

/* ------------------------------------------------------------------ answers to a hold */

static void run_refused(void *owner)
{
    struct meter *meter = owner;
    struct list *node;
    while ((node = list_take(&meter->refused)) != NULL) {
        struct meter_wait *wait = container_of(node, struct meter_wait, node);
        wait->id = 0;
        wait->answer(wait);
    }
}

static void refuse_later(struct meter *meter, struct meter_wait *wait, enum fault fault)
{
    stats_add(&meter->stats->holds_refused, 1);
    wait->id = WAIT_IS_REFUSED;
    wait->fault = fault;
    list_append(&meter->refused, &wait->node);
    loop_wake(meter->loop, &meter->wake);
}

/* hold.lua's verdicts; anything else is an error of the server or of this program. */
static enum fault verdict_of(const struct redisReply *reply, const char **violated)
{
    static const struct {
        const char *word;
        enum fault fault;
        const char *violated;
    } verdicts[] = {
        {"OK", FAULT_NONE, ""},
        {"FUNDS", FAULT_INSUFFICIENT_CREDIT, ""},
        {"CALLMAX", FAULT_INSUFFICIENT_CREDIT, "spend-call"},
        {"RATE", FAULT_QUOTA_EXCEEDED, "rate"},
        {"CONC", FAULT_QUOTA_EXCEEDED, "concurrency"},
        {"DAY", FAULT_QUOTA_EXCEEDED, "spend-day"},
        {"MONTH", FAULT_QUOTA_EXCEEDED, "spend-month"},
        {"SUSPENDED", FAULT_ACCOUNT_SUSPENDED, ""},
        {"LIVE", FAULT_INVOCATION_EXISTS, ""},
        {"DONE", FAULT_INVOCATION_EXISTS, ""},
        {"MISMATCH", FAULT_INVOCATION_EXISTS, ""},
        {"NOACCT", FAULT_UNAUTHENTICATED, ""},
        {"SUBFUNDS", FAULT_PARENT_BUDGET_EXHAUSTED, ""},
        {"NOPARENT", FAULT_PARENT_NOT_RUNNING, ""},
        {"DEPTH", FAULT_DEPTH_EXCEEDED, ""},
        {"KIDS", FAULT_QUOTA_EXCEEDED, "subcalls"},
    };
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); ++i)
        if (span_is(answer_word(reply, 0), span_text(verdicts[i].word))) {
            *violated = verdicts[i].violated;
            return verdicts[i].fault;
        }
    *violated = "";
    return FAULT_METERING_UNAVAILABLE;
}

static void read_facts(const struct redisReply *reply, const char *violated,
                       struct meter_facts *facts)
{
    snprintf(facts->violated, sizeof(facts->violated), "%s", violated);
    if (answer_count(reply) < 8)
        return;
    facts->available_ucr = answer_number(reply, 1);
    facts->retry_after_ms = answer_number(reply, 2);
    facts->rate_limit = answer_number(reply, 3);
    facts->rate_window_s = RATE_WINDOW_S;
    facts->rate_remaining = answer_number(reply, 4);
    facts->concurrency_limit = answer_number(reply, 5);
    facts->concurrency_live = answer_number(reply, 6);
    facts->sub_ucr = answer_number(reply, 7);
}

static void note_hold(void *owner, uint64_t id, const struct redisReply *reply)
{
    struct meter *meter = owner;
    struct asked *asked = slots_find(&meter->asked, id);
    const char *violated;
    enum fault fault = verdict_of(reply, &violated);
    struct meter_wait *wait = asked->wait;
    slots_give(&meter->asked, id);
    if (fault == FAULT_METERING_UNAVAILABLE)
        stats_add(&meter->stats->redis_errors, 1);
    stats_add(fault == FAULT_NONE ? &meter->stats->holds : &meter->stats->holds_refused, 1);
    /* Unknown: it may stand. Known and unwanted: it does. Both end the same way. */
    if (fault == FAULT_METERING_UNAVAILABLE || (fault == FAULT_NONE && wait == NULL))
        debts_release(meter->debts, span_of(asked->text, asked->text_len), asked->ttl_ms);
    free(asked);
    if (wait == NULL)
        return;
    wait->id = 0;
    wait->fault = fault;
    read_facts(reply, violated, &wait->facts);
    wait->answer(wait);
}

/* ------------------------------------------------------------------ asking */

static bool send_hold(struct meter *meter, const struct hold *hold, uint64_t id)
{
    struct span invocation = span_text(hold->id.text);
    struct span account = span_text(hold->caller.account);
    uint64_t deadline_at = loop_now(meter->loop) + meter->options.hold_ms_max;
    struct words keys, args;
    words_init(&keys);
    words_add_key(&keys, hold->caller.bucket, "a", account);
    words_add_key(&keys, hold->caller.bucket, "h", invocation);
    words_add_key(&keys, hold->caller.bucket, "x", SPAN_NONE);
    if (hold->parent[0] != '\0')
        words_add_key(&keys, hold->caller.bucket, "h", span_text(hold->parent));
    words_init(&args);
    words_add(&args, invocation);
    words_add_hex(&args, hold->attempt);
    words_add(&args, account);
    words_add_text(&args, ""); /* fingerprint */
    words_add_u64(&args, hold->ceiling_ucr);
    if (hold->sub_default)
        words_add_text(&args, "-");
    else
        words_add_u64(&args, hold->sub_ucr);
    words_add_u64(&args, hold->ttl_ms);
    words_add_text(&args, meter->gateway);
    words_add_text(&args, hold->parent);
    words_add_u64(&args, hold->depth_max);
    words_add_u64(&args, hold->children_max);
    words_add_text(&args, hold->cid);
    words_add_text(&args, ""); /* price */
    words_add_text(&args, hold->caller.key_id);
    return store_run(meter->store, STORE_HOLD, &keys, &args, deadline_at, note_hold, meter, id);
}

static uint64_t ask(struct meter *meter, const struct hold *hold, struct meter_wait *wait)
{
    char text[OWED_TEXT_MAX];
    size_t len = owed_write(text, hold, NULL);
    struct asked *asked = alloc_zeroed(sizeof(*asked) + len);
    uint64_t id = slots_take(&meter->asked, asked);
    asked->wait = wait;
    asked->ttl_ms = hold->ttl_ms;
    asked->text_len = len;
    memcpy(asked->text, text, len);
    if (id != 0 && send_hold(meter, hold, id))
        return id;
    if (id != 0)
        slots_give(&meter->asked, id);
    free(asked);
    return 0;
}

void meter_hold(struct meter *meter, struct hold *hold, struct meter_wait *wait)
{
    must(hold->ttl_ms > 0);
    wait->fault = FAULT_NONE;
    wait->facts = (struct meter_facts){0};
    list_init(&wait->node);
    hold->placed = false;
    must(getrandom(&hold->attempt, sizeof(hold->attempt), 0) == sizeof(hold->attempt));
    if (hold->ceiling_ucr > PRICE_UCR_MAX ||
        (!hold->sub_default && hold->sub_ucr > PRICE_UCR_MAX - hold->ceiling_ucr)) {
        bool is_root = hold->parent[0] == '\0';
        refuse_later(meter, wait,
                     is_root ? FAULT_INSUFFICIENT_CREDIT : FAULT_PARENT_BUDGET_EXHAUSTED);
        return;
    }
    if (journal_has_room(meter->journal))
        wait->id = ask(meter, hold, wait);
    else
        wait->id = 0;
    hold->placed = wait->id != 0;
    if (!hold->placed)
        refuse_later(meter, wait, FAULT_METERING_UNAVAILABLE);
}

void meter_hold_cancel(struct meter *meter, struct meter_wait *wait)
{
    if (wait->id == WAIT_IS_REFUSED) {
        list_remove(&wait->node);
    } else {
        struct asked *asked = slots_find(&meter->asked, wait->id);
        if (asked != NULL && asked->wait == wait)
            asked->wait = NULL;
    }
    wait->id = 0;
}

static void note_checkpoint(void *owner, uint64_t id, const struct redisReply *reply)
{
    struct meter *meter = owner;
    if (answer_count(reply) == 0)
        stats_add(&meter->stats->redis_errors, 1); /* the next one says more than a repeated one */
}

void meter_checkpoint(struct meter *meter, const struct hold *hold, uint64_t cost_ucr)
{
    struct span invocation = span_text(hold->id.text);
    uint64_t deadline_at = loop_now(meter->loop) + meter->options.settle_ms_max;
    struct words keys, args;
    must(cost_ucr <= hold->ceiling_ucr);
    words_init(&keys);
    words_add_key(&keys, hold->caller.bucket, "h", invocation);
    words_add_key(&keys, hold->caller.bucket, "x", SPAN_NONE);
    words_init(&args);
    words_add(&args, invocation);
    words_add_hex(&args, hold->attempt);
    words_add_u64(&args, cost_ucr);
    words_add_u64(&args, hold->ttl_ms);
    if (!store_run(meter->store, STORE_CHECKPOINT, &keys, &args, deadline_at, note_checkpoint,
                   meter, 0))
        stats_add(&meter->stats->redis_errors, 1);
}

bool meter_settle(struct meter *meter, const struct hold *hold, const struct settlement *settlement,
                  struct settle_wait *wait)
{
    return debts_settle(meter->debts, hold, settlement, wait);
}

void meter_settle_cancel(struct meter *meter, struct settle_wait *wait)
{
    debts_cancel(meter->debts, wait);
}

void meter_release(struct meter *meter, const struct hold *hold)
{
    char text[OWED_TEXT_MAX];
    if (hold->placed)
        debts_release(meter->debts, span_of(text, owed_write(text, hold, NULL)), hold->ttl_ms);
}

uint32_t meter_pending(const struct meter *meter)
{
    return meter->asked.used + !list_is_empty(&meter->refused) + debts_pending(meter->debts);
}

/* ------------------------------------------------------------------ its life */

void meter_note_up(struct meter *meter)
{
    store_load_scripts(meter->store);
    if (meter->reaper != NULL)
        reaper_note_up(meter->reaper);
    debts_note_up(meter->debts, meter->reaper != NULL);
}

void meter_note_down(struct meter *meter)
{
    if (meter->reaper != NULL)
        reaper_note_down(meter->reaper);
}

static void note_former_over(void *owner)
{
    struct meter *meter = owner;
    if (meter->reaper != NULL)
        reaper_take_former(meter->reaper);
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static struct reaper *make_reaper(struct meter *meter)
{
    const struct meter_options *options = &meter->options;
    return reaper_new(meter->loop, meter->store,
                      &(struct reaper_options){
                          .gateway_id = journal_gateway_id(meter->journal),
                          .epoch = journal_epoch(meter->journal),
                          .every_ms = or_default(options->reap_every_ms, REAP_EVERY_MS_DEFAULT),
                          .quiet_ms = or_default(options->reap_quiet_ms, REAP_QUIET_MS_DEFAULT),
                          .grace_ms = or_default(options->reap_grace_ms, REAP_GRACE_MS_DEFAULT),
                      },
                      meter->stats);
}

struct meter *meter_new(struct loop *loop, struct store *store, struct journal *journal,
                        const struct meter_options *options, struct stats *stats)
{
    struct meter *meter = alloc_zeroed(sizeof(*meter));
    meter->loop = loop;
    meter->store = store;
    meter->journal = journal;
    meter->stats = stats;
    meter->options = *options;
    meter->options.hold_ms_max = or_default(options->hold_ms_max, HOLD_MS_DEFAULT);
    meter->options.settle_ms_max = or_default(options->settle_ms_max, SETTLE_MS_DEFAULT);
    meter->options.waits_max = or_default(options->waits_max, WAITS_DEFAULT);
    snprintf(meter->gateway, sizeof(meter->gateway), "%s:%" PRIu64, journal_gateway_id(journal),
             journal_epoch(journal));
    slots_init(&meter->asked, meter->options.waits_max);
    list_init(&meter->refused);
    wake_init(&meter->wake, run_refused, meter);
    meter->debts = debts_new(loop, store, journal,
                             &(struct debts_options){.settle_ms_max = meter->options.settle_ms_max,
                                                     .count_max = meter->options.waits_max,
                                                     .note_former_over = note_former_over,
                                                     .owner = meter},
                             stats);
    if (options->reaps)
        meter->reaper = make_reaper(meter);
    return meter;
}

void meter_free(struct meter *meter)
{
    must(meter->asked.used == 0); /* store_close() answered them */
    slots_fini(&meter->asked);
    wake_cancel(&meter->wake);
    debts_free(meter->debts);
    if (meter->reaper != NULL)
        reaper_free(meter->reaper);
    free(meter);
}
