#include "callers/debts.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/slots.h"
#include "callers/answer.h"
#include "callers/owed.h"
#include "callers/replay.h"

enum {
    BACKOFF_MS_FIRST = 100,
    BACKOFF_MS_MAX = 5000,
    TICK_MS_LEAST = 20, /* a tick walks all that is parked */
    SPILLED_MS = 1000   /* between two looks whether there is memory for the journal's rest */
};

#define WAIT_IS_UNKNOWN UINT64_MAX /* an id: the wait stands in `unknown` */

struct debt {
    struct list node; /* in `parked` while it is not with Redis */
    uint64_t id;
    struct settle_wait *wait; /* or NULL */
    uint64_t number;          /* in the journal; 0: a release */
    uint64_t again_at;        /* lane ms */
    uint64_t until;           /* without a number it is given up then */
    uint32_t backoff_ms;
    uint32_t version; /* replay_version() when it was sent */
    uint16_t bucket;
    bool former;
    bool unwritten; /* a settle the journal refused */
    size_t text_len;
    char text[]; /* owed_write()'s */
};

struct debts {
    struct loop *loop;
    struct store *store;
    struct journal *journal;
    struct stats *stats;
    struct debts_options options;
    struct replay *replay;
    struct slots slots;
    struct list parked;
    struct list unknown; /* waits to be answered «not known yet» */
    struct wake wake;
    struct timer tick;
    uint32_t former_count; /* debts of former runs not yet acknowledged */
    bool replayed;
    bool spilled; /* the journal has entries that no debt here stands for */
};

static void send_debt(struct debts *debts, struct debt *debt);

static struct debt *debt_new(struct debts *debts, struct span text)
{
    struct debt *debt = alloc_zeroed(sizeof(*debt) + text.len);
    list_init(&debt->node);
    debt->backoff_ms = BACKOFF_MS_FIRST;
    debt->text_len = text.len;
    memcpy(debt->text, text.ptr, text.len);
    debt->id = slots_take(&debts->slots, debt);
    if (debt->id != 0)
        return debt;
    free(debt);
    return NULL;
}

static void debt_end(struct debts *debts, struct debt *debt)
{
    bool former = debt->former;
    if (list_is_linked(&debt->node))
        list_remove(&debt->node);
    slots_give(&debts->slots, debt->id);
    free(debt);
    if (former && --debts->former_count == 0 && !debts->spilled)
        debts->options.note_former_over(debts->options.owner);
}

static void tick_at(struct debts *debts, uint64_t at)
{
    uint64_t soonest = loop_now(debts->loop) + TICK_MS_LEAST;
    if (at < soonest)
        at = soonest;
    if (debts->tick.at == 0 || at < debts->tick.at)
        timer_set(&debts->tick, at);
}

static void park(struct debts *debts, struct debt *debt)
{
    debt->again_at = loop_now(debts->loop) + debt->backoff_ms;
    debt->backoff_ms *= 2;
    if (debt->backoff_ms > BACKOFF_MS_MAX)
        debt->backoff_ms = BACKOFF_MS_MAX;
    list_append(&debts->parked, &debt->node);
    tick_at(debts, debt->again_at);
}

/* ------------------------------------------------------------------ answers */

static void run_unknown(void *owner)
{
    struct debts *debts = owner;
    struct list *node;
    while ((node = list_take(&debts->unknown)) != NULL) {
        struct settle_wait *wait = container_of(node, struct settle_wait, node);
        wait->id = 0;
        wait->answer(wait);
    }
}

/* The wait is told, later, that the charge is not known yet; the debt stays. */
static void answer_unknown(struct debts *debts, struct settle_wait *wait)
{
    if (wait == NULL)
        return;
    wait->id = WAIT_IS_UNKNOWN;
    list_append(&debts->unknown, &wait->node);
    loop_wake(debts->loop, &debts->wake);
}

static void note_unanswered(struct debts *debts, struct debt *debt)
{
    stats_add(&debts->stats->redis_errors, 1);
    answer_unknown(debts, debt->wait);
    debt->wait = NULL;
    if (debt->number == 0 && loop_now(debts->loop) >= debt->until)
        debt_end(debts, debt);
    else
        park(debts, debt);
}

static void note_settled(struct debts *debts, const struct debt *debt, bool held, uint64_t charge)
{
    if (debt->number != 0)
        journal_acknowledge(debts->journal, debt->number);
    stats_add(held ? &debts->stats->settles : &debts->stats->settles_unheld, 1);
    stats_add(&debts->stats->credits_charged_ucr, charge);
}

/* It found no hold with a server that has not got all of them again. */
static bool is_too_early(const struct debts *debts, const struct debt *debt)
{
    return !debt->former && (!replay_is_open(debts->replay, debt->bucket) ||
                             replay_version(debts->replay, debt->bucket) != debt->version);
}

/* OK and DUP carry the charge; NOHOLD: there was none to charge, or it is too long ago to say. */
static void note_owed(void *owner, uint64_t id, const struct redisReply *reply)
{
    struct debts *debts = owner;
    struct debt *debt = slots_find(&debts->slots, id);
    struct span verdict = answer_word(reply, 0);
    uint64_t charge = 0;
    bool held = (span_is(verdict, SPAN_OF("OK")) || span_is(verdict, SPAN_OF("DUP"))) &&
                span_to_u64(answer_word(reply, 1), PRICE_UCR_MAX, &charge);
    must(debt != NULL);
    if ((!held && !span_is(verdict, SPAN_OF("NOHOLD"))) || (!held && is_too_early(debts, debt))) {
        note_unanswered(debts, debt);
        return;
    }
    replay_keep(debts->replay, debt->bucket, span_of(debt->text, debt->text_len),
                answer_word(reply, 3));
    struct settle_wait *wait = debt->wait;
    if (debt->number != 0 || debt->unwritten)
        note_settled(debts, debt, held, charge);
    debt_end(debts, debt);
    if (wait == NULL)
        return;
    wait->id = 0;
    wait->settled = true;
    wait->charged_ucr = charge;
    /* DUP may be somebody else's entry: a reaper's. */
    if (span_is(verdict, SPAN_OF("OK"))) {
        wait->sequence = answer_number(reply, 2);
        wait->ended_ms = answer_time(answer_word(reply, 3));
    }
    wait->answer(wait);
}

/* ------------------------------------------------------------------ sending */

static void send_debt(struct debts *debts, struct debt *debt)
{
    struct owed owed;
    struct words keys, args;
    uint64_t deadline_at = loop_now(debts->loop) + debts->options.settle_ms_max;
    must(owed_read(span_of(debt->text, debt->text_len), &owed));
    owed_words(&owed, &keys, &args);
    debt->bucket = owed.bucket;
    debt->version = replay_version(debts->replay, owed.bucket);
    if (replay_is_open(debts->replay, owed.bucket) &&
        store_run(debts->store, STORE_SETTLE, &keys, &args, deadline_at, note_owed, debts,
                  debt->id))
        return;
    answer_unknown(debts, debt->wait);
    debt->wait = NULL;
    park(debts, debt);
}

/* An entry of the journal for which there is no debt. */
static void visit_entry(void *arg, uint64_t number, struct span entry)
{
    struct debts *debts = arg;
    struct owed owed;
    bool former = journal_is_former(debts->journal, number);
    if (!owed_read(entry, &owed)) {
        stats_add(&debts->stats->redis_errors, 1); /* kept in the file: a newer version's */
        return;
    }
    struct debt *debt = debt_new(debts, entry);
    if (debt == NULL) {
        debts->spilled = true;
        return;
    }
    debt->number = number;
    debt->former = former;
    debts->former_count += former;
    stats_add(&debts->stats->settles_replayed, 1);
    send_debt(debts, debt);
}

static void visit_former(void *arg, uint64_t number, struct span entry)
{
    struct debts *debts = arg;
    if (journal_is_former(debts->journal, number))
        visit_entry(arg, number, entry);
}

/* Entries of other lanes may be among those visited: sent twice they are found to be known. */
static void take_spilled(struct debts *debts)
{
    if (!debts->spilled)
        return;
    if (debts->slots.used > 0 || !store_is_up(debts->store)) {
        tick_at(debts, loop_now(debts->loop) + SPILLED_MS);
        return;
    }
    debts->spilled = false;
    journal_replay(debts->journal, visit_entry, debts);
    if (debts->spilled)
        tick_at(debts, loop_now(debts->loop) + SPILLED_MS);
    else if (debts->former_count == 0)
        debts->options.note_former_over(debts->options.owner);
}

static void note_tick(void *owner)
{
    struct debts *debts = owner;
    uint64_t now = loop_now(debts->loop);
    struct list due, *node;
    list_init(&due);
    list_move_all(&due, &debts->parked);
    while ((node = list_take(&due)) != NULL) {
        struct debt *debt = container_of(node, struct debt, node);
        if (debt->number == 0 && debt->until <= now) {
            debt_end(debts, debt);
        } else if (debt->again_at <= now) {
            send_debt(debts, debt);
        } else {
            list_append(&debts->parked, &debt->node);
            tick_at(debts, debt->again_at);
        }
    }
    take_spilled(debts);
}

void debts_note_up(struct debts *debts, bool replay)
{
    struct list *node;
    list_each (node, &debts->parked)
        container_of(node, struct debt, node)->again_at = 0;
    tick_at(debts, 0);
    if (!replay || debts->replayed)
        return;
    debts->replayed = true;
    journal_replay(debts->journal, visit_former, debts);
    if (debts->former_count == 0 && !debts->spilled)
        debts->options.note_former_over(debts->options.owner);
}

/* ------------------------------------------------------------------ the verbs */

bool debts_settle(struct debts *debts, const struct hold *hold, const struct settlement *settlement,
                  struct settle_wait *wait)
{
    char memory[OWED_TEXT_MAX];
    must(settlement->cost_ucr <= hold->ceiling_ucr);
    struct span text = span_of(memory, owed_write(memory, hold, settlement));
    uint64_t number = journal_write(debts->journal, text);
    bool unwritten = number == 0;
    if (unwritten)
        stats_add(&debts->stats->settles_unwritten, 1);
    if (unwritten && (wait == NULL || !store_is_up(debts->store)))
        return false;
    if (wait != NULL) {
        wait->settled = false;
        wait->unwritten = unwritten;
        wait->charged_ucr = wait->sequence = wait->ended_ms = 0;
        list_init(&wait->node);
    }
    struct debt *debt = debt_new(debts, text);
    if (debt == NULL && unwritten)
        return false;
    if (debt == NULL) {
        debts->spilled = true;
        tick_at(debts, loop_now(debts->loop) + SPILLED_MS);
        answer_unknown(debts, wait);
        return true;
    }
    debt->number = number;
    debt->unwritten = unwritten;
    debt->until = loop_now(debts->loop) + hold->ttl_ms; /* if unwritten; then it is overdue */
    debt->wait = wait;
    if (wait != NULL)
        wait->id = debt->id;
    send_debt(debts, debt);
    return true;
}

void debts_release(struct debts *debts, struct span text, uint32_t ttl_ms)
{
    struct debt *debt = debt_new(debts, text);
    if (debt == NULL)
        return;
    debt->until = loop_now(debts->loop) + ttl_ms;
    send_debt(debts, debt);
}

void debts_cancel(struct debts *debts, struct settle_wait *wait)
{
    if (wait->id == WAIT_IS_UNKNOWN) {
        list_remove(&wait->node);
    } else {
        struct debt *debt = slots_find(&debts->slots, wait->id);
        if (debt != NULL && debt->wait == wait)
            debt->wait = NULL;
    }
    wait->id = 0;
}

uint32_t debts_pending(const struct debts *debts)
{
    return debts->slots.used + debts->spilled + !list_is_empty(&debts->unknown);
}

struct debts *debts_new(struct loop *loop, struct store *store, struct journal *journal,
                        const struct debts_options *options, struct stats *stats)
{
    struct debts *debts = alloc_zeroed(sizeof(*debts));
    debts->loop = loop;
    debts->store = store;
    debts->journal = journal;
    debts->stats = stats;
    debts->options = *options;
    debts->replay = options->replay;
    slots_init(&debts->slots, options->count_max);
    list_init(&debts->parked);
    list_init(&debts->unknown);
    wake_init(&debts->wake, run_unknown, debts);
    timer_init(&debts->tick, loop, note_tick, debts);
    return debts;
}

void debts_free(struct debts *debts)
{
    for (uint32_t i = 0; i < debts->slots.count; ++i)
        free(slots_at(&debts->slots, i));
    slots_fini(&debts->slots);
    wake_cancel(&debts->wake);
    timer_fini(&debts->tick);
    free(debts);
}
