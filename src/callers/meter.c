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
#include "callers/replay.h"
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
    uint16_t bucket;
    bool sub_default; /* the answer says how much that is; the text ends with 0 for it */
    size_t text_len;
    char text[]; /* owed_write_hold()'s */
};

struct meter {
    struct loop *loop;
    struct store *store;
    struct journal *journal;
    struct stats *stats;
    struct meter_options options;
    struct replay *replay;
    struct debts *debts;
    struct reaper *reaper; /* NULL: another lane's does it */
    struct slots asked;
    struct slots marked; /* checkpoints in flight */
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

/* Unknown, it may stand; or it does, and nobody wants it. */
static void release_asked(struct meter *meter, const struct asked *asked)
{
    char text[OWED_TEXT_MAX];
    struct owed owed;
    must(owed_read(span_of(asked->text, asked->text_len), &owed));
    debts_release(meter->debts, span_of(text, owed_write_release(text, &owed)), asked->ttl_ms);
}

static void keep_hold(struct meter *meter, const struct asked *asked,
                      const struct redisReply *reply)
{
    char text[OWED_TEXT_MAX];
    size_t len = asked->text_len;
    memcpy(text, asked->text, len);
    if (asked->sub_default) {
        --len; /* its "0" */
        int more = snprintf(text + len, sizeof(text) - len, "%" PRIu64, answer_number(reply, 7));
        must(more > 0 && (size_t)more < sizeof(text) - len);
        len += (size_t)more;
    }
    replay_keep(meter->replay, asked->bucket, span_of(text, len), SPAN_NONE);
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
    if (fault == FAULT_NONE)
        keep_hold(meter, asked, reply);
    if (fault == FAULT_METERING_UNAVAILABLE || (fault == FAULT_NONE && wait == NULL))
        release_asked(meter, asked);
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
    size_t len = owed_write_hold(text, hold, hold->sub_default ? 0 : hold->sub_ucr);
    struct asked *asked = alloc_zeroed(sizeof(*asked) + len);
    uint64_t id = slots_take(&meter->asked, asked);
    asked->wait = wait;
    asked->ttl_ms = hold->ttl_ms;
    asked->bucket = hold->caller.bucket;
    asked->sub_default = hold->sub_default;
    asked->text_len = len;
    memcpy(asked->text, text, len);
    if (id != 0 && send_hold(meter, hold, id))
        return id;
    if (id != 0)
        slots_give(&meter->asked, id);
    free(asked);
    return 0;
}

static bool may_admit(const struct meter *meter, uint16_t bucket)
{
    return journal_has_room(meter->journal) && !journal_distrusts_store(meter->journal) &&
           !replay_pauses(meter->replay, bucket);
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
    if (may_admit(meter, hold->caller.bucket))
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

/* A checkpoint Redis was asked for. */
struct marked {
    uint16_t bucket;
    size_t text_len;
    char text[]; /* owed_write_checkpoint()'s */
};

static void note_checkpoint(void *owner, uint64_t id, const struct redisReply *reply)
{
    struct meter *meter = owner;
    struct marked *marked = slots_find(&meter->marked, id);
    if (answer_count(reply) == 0) /* the next one says more than a repeated one */
        stats_add(&meter->stats->redis_errors, 1);
    else
        replay_keep(meter->replay, marked->bucket, span_of(marked->text, marked->text_len),
                    SPAN_NONE);
    slots_give(&meter->marked, id);
    free(marked);
}

static bool send_checkpoint(struct meter *meter, const struct marked *marked, uint64_t id)
{
    uint64_t deadline_at = loop_now(meter->loop) + meter->options.settle_ms_max;
    struct words keys, args;
    struct owed owed;
    must(owed_read(span_of(marked->text, marked->text_len), &owed));
    owed_checkpoint_words(&owed, &keys, &args);
    return store_run(meter->store, STORE_CHECKPOINT, &keys, &args, deadline_at, note_checkpoint,
                     meter, id);
}

void meter_checkpoint(struct meter *meter, const struct hold *hold, uint64_t cost_ucr)
{
    char text[OWED_TEXT_MAX];
    must(cost_ucr <= hold->ceiling_ucr);
    size_t len = owed_write_checkpoint(text, hold, cost_ucr);
    struct marked *marked = alloc_zeroed(sizeof(*marked) + len);
    marked->bucket = hold->caller.bucket;
    marked->text_len = len;
    memcpy(marked->text, text, len);
    uint64_t id = slots_take(&meter->marked, marked);
    if (id != 0 && send_checkpoint(meter, marked, id))
        return;
    stats_add(&meter->stats->redis_errors, 1);
    if (id != 0)
        slots_give(&meter->marked, id);
    free(marked);
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
    replay_note_up(meter->replay);
    if (meter->reaper != NULL)
        reaper_note_up(meter->reaper);
    debts_note_up(meter->debts, meter->reaper != NULL);
}

void meter_note_down(struct meter *meter)
{
    replay_note_down(meter->replay);
    if (meter->reaper != NULL && !store_is_up(meter->store))
        reaper_note_down(meter->reaper);
}

static void note_open(void *owner)
{
    struct meter *meter = owner;
    debts_note_up(meter->debts, meter->reaper != NULL);
}

static void note_gone_back(void *owner, uint16_t bucket)
{
    struct meter *meter = owner;
    if (!journal_distrust_store(meter->journal, true))
        stats_add(&meter->stats->redis_errors, 1); /* this run refuses all the same */
    if (meter->options.note_gone_back != NULL)
        meter->options.note_gone_back(meter->options.owner, bucket);
}

static bool is_distrusted(void *owner)
{
    const struct meter *meter = owner;
    return journal_distrusts_store(meter->journal);
}

static struct replay *make_replay(struct meter *meter)
{
    return replay_new(meter->loop, meter->store,
                      &(struct replay_options){.kept_ms = meter->options.replay_ms,
                                               .gateway = meter->gateway,
                                               .note_open = note_open,
                                               .note_gone_back = note_gone_back,
                                               .is_distrusted = is_distrusted,
                                               .owner = meter},
                      meter->stats);
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
    slots_init(&meter->marked, meter->options.waits_max);
    meter->replay = make_replay(meter);
    list_init(&meter->refused);
    wake_init(&meter->wake, run_refused, meter);
    meter->debts = debts_new(loop, store, journal,
                             &(struct debts_options){.replay = meter->replay,
                                                     .settle_ms_max = meter->options.settle_ms_max,
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
    must(meter->marked.used == 0);
    slots_fini(&meter->asked);
    slots_fini(&meter->marked);
    wake_cancel(&meter->wake);
    debts_free(meter->debts);
    replay_free(meter->replay);
    if (meter->reaper != NULL)
        reaper_free(meter->reaper);
    free(meter);
}
