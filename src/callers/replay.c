#include "callers/replay.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "callers/answer.h"
#include "callers/owed.h"
#include "callers/ring.h"

enum {
    BYTES_DEFAULT = 32 * 1024 * 1024,
    KEPT_MS_DEFAULT = 30000, /* above 2 s, which everysec may lose, and the time a failover takes */
    PROOF_MS_DEFAULT = 480000, /* below what a tombstone is kept, record.lua's KEPT_S */
    CALL_MS_MAX = 2000,
    AGAIN_MS = 100,
    WINDOW = 512, /* sent and not yet answered */
    PAUSE_MS_MAX = 1000
};

enum stage { STAGE_IDLE, STAGE_CHECK, STAGE_SEND, STAGE_LATER };

struct place {
    uint64_t served;    /* the run that has all we know; 0: none yet */
    uint64_t next;      /* the one that is being brought up to it */
    uint64_t closed_at; /* lane ms; 0: open */
    uint32_t version;
    struct ledger_id newest; /* acknowledged */
    uint64_t newest_at;
    struct ledger_id beyond; /* the newest that the ring has no more */
    bool gone_back;
};

struct replay {
    struct loop *loop;
    struct store *store;
    struct stats *stats;
    struct replay_options options;
    struct ring ring;
    struct place places[STORE_BUCKETS];
    enum stage stage;
    struct timer tick;
    uint64_t down_at;            /* since when something is away; 0: nothing is */
    uint64_t away_from, away_to; /* of the outage a pass makes up for */
    uint64_t unknown_runs;
    uint32_t waits; /* calls of this pass still out */
    bool failed;    /* one of them found its server away */
    bool again;     /* buckets were closed since the pass began */
    bool walking;
};

static void go_on(struct replay *replay);

/* ------------------------------------------------------------------ keeping */

static void note_dropped(void *owner, const struct ring_entry *entry)
{
    struct replay *replay = owner;
    struct place *place = &replay->places[entry->bucket];
    if (ledger_id_is_before(place->beyond, entry->ledger))
        place->beyond = entry->ledger;
}

void replay_keep(struct replay *replay, uint16_t bucket, struct span text, struct span ledger)
{
    uint64_t now = loop_now(replay->loop);
    struct place *place = &replay->places[bucket];
    struct ring_entry entry = {
        .at = now, .bucket = bucket, .text = text, .ledger = ledger_id_read(ledger)};
    if (ledger_id_is_before(place->newest, entry.ledger)) {
        place->newest = entry.ledger;
        place->newest_at = now;
    }
    ring_add(&replay->ring, &entry);
    /* While a server is away its last entries do not age, as long as they are of use. */
    bool rests = replay->down_at != 0 || replay->stage != STAGE_IDLE;
    uint64_t kept_ms = replay->options.kept_ms + (rests ? replay->options.proof_ms : 0);
    if (now > kept_ms)
        ring_drop_before(&replay->ring, now - kept_ms);
}

/* ------------------------------------------------------------------ what is closed */

/* FNV-1a: runs are told apart, nothing more. */
static uint64_t run_of(struct replay *replay, const struct redis_facts *facts)
{
    uint64_t hash = 14695981039346656037u;
    if (facts->identity[0] == '\0')
        return ++replay->unknown_runs; /* it does not say: it may be another */
    for (const char *c = facts->identity; *c != '\0'; ++c)
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    return hash | (uint64_t)1 << 63;
}

/* Whether all that are away, or were, are there. */
static bool close_changed(struct replay *replay)
{
    bool all = true;
    bool closed = false;
    uint64_t now = loop_now(replay->loop);
    for (unsigned i = 0; i < STORE_BUCKETS; ++i) {
        struct place *place = &replay->places[i];
        const struct redis_facts *facts = store_facts(replay->store, (uint16_t)i);
        all &= facts != NULL;
        if (facts == NULL)
            continue;
        uint64_t run = run_of(replay, facts);
        if (place->served == 0)
            place->served = run; /* the first: nothing was acknowledged before */
        if (place->closed_at == 0 ? run == place->served : run == place->next)
            continue;
        if (place->closed_at == 0)
            place->closed_at = now;
        place->next = run;
        ++place->version;
        closed = true;
    }
    if (closed && replay->down_at != 0) {
        replay->away_from = replay->down_at;
        replay->away_to = now;
    }
    if (all)
        replay->down_at = 0;
    return closed;
}

void replay_note_down(struct replay *replay)
{
    if (replay->down_at == 0)
        replay->down_at = loop_now(replay->loop);
}

void replay_note_up(struct replay *replay)
{
    if (!close_changed(replay))
        return;
    if (replay->stage != STAGE_IDLE) {
        replay->again = true;
        return;
    }
    replay->stage = STAGE_LATER;
    go_on(replay);
}

bool replay_is_open(const struct replay *replay, uint16_t bucket)
{
    return replay->places[bucket].closed_at == 0;
}

bool replay_pauses(const struct replay *replay, uint16_t bucket)
{
    const struct place *place = &replay->places[bucket];
    return place->closed_at != 0 &&
           (place->gone_back || loop_now(replay->loop) < place->closed_at + PAUSE_MS_MAX);
}

uint32_t replay_version(const struct replay *replay, uint16_t bucket)
{
    return replay->places[bucket].version;
}

/* ------------------------------------------------------------------ is it an old backup? */

/* So long away that a settle of the ring may be known and yet not be found. */
static bool needs_proof(const struct replay *replay)
{
    return replay->away_to - replay->away_from > replay->options.proof_ms;
}

static struct ledger_id bound_of(const struct replay *replay, const struct place *place)
{
    return needs_proof(replay) ? place->newest : place->beyond;
}

static void note_ledger(void *owner, uint64_t bucket, const struct redisReply *reply)
{
    struct replay *replay = owner;
    struct place *place = &replay->places[bucket];
    --replay->waits;
    if (answer_is_outage(reply)) {
        replay->failed = true;
    } else {
        struct ledger_id last = ledger_id_read(answer_field(reply, "last-generated-id"));
        if (ledger_id_is_before(last, bound_of(replay, place))) {
            place->gone_back = true;
            place->beyond = last; /* what an operator then says is good is where we go on from */
            place->newest = last;
            stats_add(&replay->stats->store_gone_back, 1);
            replay->options.note_gone_back(replay->options.owner, (uint16_t)bucket);
        }
    }
    if (replay->waits == 0 && !replay->walking)
        go_on(replay);
}

static void ask_ledger(struct replay *replay, uint16_t bucket)
{
    struct words words;
    words_init(&words);
    words_add_text(&words, "XINFO");
    words_add_text(&words, "STREAM");
    words_add_key(&words, bucket, "L", SPAN_NONE);
    ++replay->waits;
    if (store_call(replay->store, &words, loop_now(replay->loop) + CALL_MS_MAX, note_ledger, replay,
                   bucket))
        return;
    --replay->waits;
    replay->failed = true;
}

static void check(struct replay *replay)
{
    const struct ledger_id none = {0, 0};
    replay->walking = true;
    for (unsigned i = 0; i < STORE_BUCKETS && !replay->failed; ++i) {
        const struct place *place = &replay->places[i];
        if (place->closed_at != 0 && !place->gone_back &&
            ledger_id_is_before(none, bound_of(replay, place)))
            ask_ledger(replay, (uint16_t)i);
    }
    replay->walking = false;
}

static bool has_gone_back(const struct replay *replay)
{
    for (unsigned i = 0; i < STORE_BUCKETS; ++i)
        if (replay->places[i].gone_back)
            return true;
    return false;
}

/* ------------------------------------------------------------------ sending */

static void send_more(struct replay *replay);

static void note_sent(void *owner, uint64_t id, const struct redisReply *reply)
{
    struct replay *replay = owner;
    --replay->waits;
    if (answer_is_outage(reply)) {
        stats_add(&replay->stats->redis_errors, 1);
        replay->failed = true;
    }
    if (replay->stage == STAGE_SEND && !replay->walking)
        send_more(replay);
}

static bool is_due(const struct replay *replay, const struct ring_entry *entry)
{
    const struct place *place = &replay->places[entry->bucket];
    uint64_t of_use_ms = replay->options.kept_ms + replay->options.proof_ms;
    if (place->closed_at == 0 || store_facts(replay->store, entry->bucket) == NULL)
        return false;
    if (entry->at + replay->options.kept_ms < replay->away_from)
        return false;
    if (needs_proof(replay))
        return entry->at > place->newest_at; /* those are not settled yet */
    return entry->at + of_use_ms > loop_now(replay->loop);
}

static bool send_entry(struct replay *replay, const struct ring_entry *entry)
{
    struct owed owed;
    struct words keys, args;
    enum store_script script = STORE_SETTLE;
    must(owed_read(entry->text, &owed));
    if (span_is(owed.mode, SPAN_OF("H"))) {
        script = STORE_HOLD;
        owed_hold_words(&owed, replay->options.gateway, &keys, &args);
    } else if (span_is(owed.mode, SPAN_OF("C"))) {
        script = STORE_CHECKPOINT;
        owed_checkpoint_words(&owed, &keys, &args);
    } else {
        owed_words(&owed, &keys, &args);
    }
    return store_run(replay->store, script, &keys, &args, loop_now(replay->loop) + CALL_MS_MAX,
                     note_sent, replay, 0);
}

/* In order, as fast as they are answered. */
static void send_more(struct replay *replay)
{
    struct ring_entry entry;
    replay->walking = true;
    while (!replay->failed && replay->waits < WINDOW && ring_next(&replay->ring, &entry)) {
        if (!is_due(replay, &entry))
            continue;
        ++replay->waits;
        if (send_entry(replay, &entry)) {
            stats_add(&replay->stats->replays, 1);
        } else {
            --replay->waits;
            replay->failed = true;
        }
    }
    replay->walking = false;
    if (replay->waits == 0)
        go_on(replay);
}

/* ------------------------------------------------------------------ a pass */

static void try_again(struct replay *replay)
{
    replay->stage = STAGE_LATER;
    timer_set(&replay->tick, loop_now(replay->loop) + AGAIN_MS);
}

static void open_all(struct replay *replay)
{
    bool closed = false;
    replay->stage = STAGE_IDLE;
    replay->away_from = replay->away_to = 0;
    for (unsigned i = 0; i < STORE_BUCKETS; ++i) {
        struct place *place = &replay->places[i];
        if (place->closed_at != 0 && store_facts(replay->store, (uint16_t)i) != NULL) {
            place->served = place->next;
            place->closed_at = 0;
        }
        closed |= place->closed_at != 0;
    }
    if (closed)
        try_again(replay); /* its server went away meanwhile */
    replay->options.note_open(replay->options.owner);
}

/* After each stage, once nothing of it is out. */
static void go_on(struct replay *replay)
{
    if (replay->stage == STAGE_LATER) {
        replay->failed = false;
        replay->again = false;
        replay->stage = STAGE_CHECK;
        if (has_gone_back(replay)) {
            if (replay->options.is_distrusted(replay->options.owner)) {
                try_again(replay);
                return;
            }
            for (unsigned i = 0; i < STORE_BUCKETS; ++i)
                replay->places[i].gone_back = false;
        }
        check(replay);
        if (replay->waits > 0)
            return;
    }
    if (replay->failed || replay->again ||
        (replay->stage == STAGE_CHECK && has_gone_back(replay))) {
        try_again(replay);
    } else if (replay->stage == STAGE_CHECK) {
        replay->stage = STAGE_SEND;
        ring_rewind(&replay->ring);
        send_more(replay);
    } else {
        open_all(replay);
    }
}

static void note_tick(void *owner)
{
    struct replay *replay = owner;
    if (replay->waits == 0)
        go_on(replay);
    else
        try_again(replay);
}

/* ------------------------------------------------------------------ its life */

struct replay *replay_new(struct loop *loop, struct store *store,
                          const struct replay_options *options, struct stats *stats)
{
    struct replay *replay = alloc_zeroed(sizeof(*replay));
    replay->loop = loop;
    replay->store = store;
    replay->stats = stats;
    replay->options = *options;
    if (replay->options.kept_ms == 0)
        replay->options.kept_ms = KEPT_MS_DEFAULT;
    if (replay->options.proof_ms == 0)
        replay->options.proof_ms = PROOF_MS_DEFAULT;
    if (replay->options.bytes_max == 0)
        replay->options.bytes_max = BYTES_DEFAULT;
    ring_init(&replay->ring, replay->options.bytes_max, note_dropped, replay);
    timer_init(&replay->tick, loop, note_tick, replay);
    return replay;
}

void replay_free(struct replay *replay)
{
    must(replay->waits == 0); /* store_close() answered them */
    timer_fini(&replay->tick);
    ring_fini(&replay->ring);
    free(replay);
}
