#include "gateway/lane.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "callers/accounts.h"
#include "callers/auth.h"
#include "callers/meter.h"
#include "callers/session.h"
#include "callers/store.h"
#include "exchange/exchange.h"
#include "exchange/record.h"
#include "gateway/admin.h"
#include "io/listener.h"
#include "io/mailbox.h"
#include "workers/pools.h"

enum {
    LETTERS_MAX = 16384,
    DRAIN_LOOK_MS = 20,     /* how often a drain looks whether all is over */
    DRAIN_SETTLE_MS = 2500, /* after the last call: then the journal keeps what is not settled */
    SKEW_MS_MAX = 2000,     /* a store's clock further from ours is worth an alarm */
    LAST_MS_MAX = 1000,     /* for exchanges that still live then to settle and be recorded */
    DRAIN_LINGER_MS = 1000  /* after calls were ended: their last bytes leave */
};

struct door {
    struct lane *lane;
    unsigned index; /* of the configuration's listener */
    struct listener *listener;
};

struct lane {
    struct lane_options options;
    pthread_t thread;
    struct loop *loop;
    struct mailbox *mailbox;
    struct snapshot *snapshot;
    struct stats stats;
    struct door doors[CONFIG_LISTENERS_MAX];
    struct store *store;
    struct auth *auth;
    struct meter *meter;
    struct accounts *accounts;
    struct receipts *receipts;
    struct keyring *keyring;
    struct pools *pools;
    struct admin *admin; /* lane 0 */
    struct site site;
    struct sessions sessions;
    struct timer drain_timer;
    char why[320];   /* not ready */
    bool store_said; /* that it is up, or was lost */
    _Atomic bool has_store;
    uint64_t drain_until;  /* lane ms; 0: not draining */
    uint64_t settle_until; /* lane ms; 0: calls still run */
    bool ended_all;
};

/* --- the store ------------------------------------------------------------------------------- */

/* By one lane for all: they see the same servers. */
static void say_store(const struct lane *lane)
{
    char identity[sizeof(((struct redis_facts *)NULL)->identity)] = "";
    if (lane->options.index != 0)
        return;
    for (unsigned i = 0; i < STORE_BUCKETS; ++i) {
        const struct redis_facts *facts = store_facts(lane->store, (uint16_t)i);
        if (facts == NULL || strcmp(facts->identity, identity) == 0)
            continue;
        memcpy(identity, facts->identity, sizeof(identity));
        if (facts->aof == 0)
            log_say(
                lane->options.log, LOG_WARNING, "store-without-aof",
                "a metering store's append-only file is off: it forgets all money when it stops");
        if (facts->skew_ms > SKEW_MS_MAX || facts->skew_ms < -SKEW_MS_MAX)
            log_say(lane->options.log, LOG_ERROR, "store-clock",
                    "a metering store's clock is %lld ms from ours: limits and deadlines go by it",
                    (long long)facts->skew_ms);
        if (lane->options.redis.kind != FLEET_CLUSTER)
            break;
    }
    if (!lane->store_said)
        log_say(lane->options.log, LOG_NOTICE, "store-up", "the metering store answers");
}

static void note_store_up(void *owner)
{
    struct lane *lane = owner;
    meter_note_up(lane->meter);
    keyring_note_up(lane->keyring);
    if (!store_is_up(lane->store))
        return;
    say_store(lane);
    lane->store_said = true;
    lane->has_store = true;
}

static void note_store_down(void *owner)
{
    struct lane *lane = owner;
    meter_note_down(lane->meter);
    if (lane->options.index == 0 && lane->store_said)
        log_say(lane->options.log, LOG_ERROR, "store-lost", "the metering store: %s",
                store_why_down(lane->store));
    lane->store_said = false;
}

static void note_gone_back(void *owner, uint16_t bucket)
{
    const struct lane *lane = owner;
    log_say(
        lane->options.log, LOG_ERROR, "store-gone-back",
        "bucket %u of the metering store ends before what it acknowledged: an old backup? No call "
        "is taken. Restore it from the ledger, or say \"teegatectl store accept --i-know yes\"",
        bucket);
}

static const struct redis_events store_events = {note_store_up, note_store_down, NULL};

/* --- callers --------------------------------------------------------------------------------- */

static void note_request(void *owner, struct session *session, struct stream *stream)
{
    struct lane *lane = owner;
    exchange_open(&lane->site, stream, session_peer(session), session_protocol(session),
                  session_is_secure(session), session_peer_key(session));
}

static void note_bad(void *owner, struct session *session, int status, const char *why)
{
    struct lane *lane = owner;
    record_bad(lane->options.access_log, &lane->stats, session_peer(session),
               session_protocol(session), status, why);
}

static const struct sessions_events sessions_events = {note_request, note_bad};

static void note_accept(void *owner, int fd, const struct address *peer)
{
    struct door *door = owner;
    session_open(&door->lane->sessions, fd, peer, door->lane->snapshot->tls[door->index]);
}

static void open_doors(struct lane *lane)
{
    for (unsigned i = 0; i < CONFIG_LISTENERS_MAX; ++i) {
        struct door *door = &lane->doors[i];
        *door = (struct door){.lane = lane, .index = i};
        if (lane->options.listeners[i] >= 0)
            door->listener =
                listener_open(lane->loop, lane->options.listeners[i], note_accept, door);
    }
}

static void close_doors(struct lane *lane)
{
    for (unsigned i = 0; i < CONFIG_LISTENERS_MAX; ++i) {
        if (lane->doors[i].listener != NULL)
            listener_close(lane->doors[i].listener);
        lane->doors[i].listener = NULL;
    }
}

/* --- a snapshot takes hold ------------------------------------------------------------------- */

static uint32_t share_of_connections(const struct lane *lane, const struct config *config)
{
    uint32_t share = config->connections_max / lane->options.lane_count;
    return share > 0 ? share : 1;
}

static void use_snapshot(struct lane *lane, struct snapshot *snapshot)
{
    struct agents_ref *old_agents = lane->site.agents;
    struct snapshot *old = lane->snapshot;
    uint32_t trailer_wait_ms = lane->site.options.trailer_wait_ms;
    lane->snapshot = snapshot;
    lane->site.agents = agents_ref_take(snapshot->agents);
    lane->site.options = snapshot->config->exchange;
    lane->site.options.trailer_wait_ms = trailer_wait_ms;
    lane->sessions.options.sessions_max = share_of_connections(lane, snapshot->config);
    lane->sessions.options.handshake_ms_max = snapshot->config->callers.head_ms_max;
    lane->sessions.options.http = snapshot->config->callers;
    lane->sessions.options.http.cors = snapshot->config->exchange.cors;
    lane->site.keys = &snapshot->keys;
    auth_use_keys(lane->auth, &snapshot->keys);
    pools_apply(lane->pools, snapshot->registry);
    if (old_agents != NULL)
        agents_ref_give(old_agents);
    if (old != NULL)
        snapshot_give(old);
}

struct apply_letter {
    struct letter letter;
    struct snapshot *snapshot;
};

static void read_apply(struct letter *letter, void *owner)
{
    struct apply_letter *apply = container_of(letter, struct apply_letter, letter);
    use_snapshot(owner, apply->snapshot);
    free(apply);
}

void lane_apply(struct lane *lane, struct snapshot *snapshot)
{
    struct apply_letter *apply = alloc_zeroed(sizeof(*apply));
    apply->letter.read = read_apply;
    apply->snapshot = snapshot_take(snapshot);
    must(mailbox_post(lane->mailbox, &apply->letter));
}

/* --- draining: no new callers, calls finish, settles arrive ----------------------------------- */

static void look_again(struct lane *lane)
{
    timer_set(&lane->drain_timer, loop_now(lane->loop) + DRAIN_LOOK_MS);
}

static void end_calls(struct lane *lane)
{
    if (lane->ended_all)
        return;
    lane->ended_all = true;
    exchange_end_all(&lane->site);
    lane->drain_until = loop_now(lane->loop) + DRAIN_LINGER_MS;
}

/* Handshakes go on while calls do, and are not waited for: nothing was asked on them. */
static bool has_calls(const struct lane *lane)
{
    return lane->site.exchanges.used > 0 || lane->sessions.count > lane->sessions.opening;
}

static void look_at_drain(void *owner)
{
    struct lane *lane = owner;
    uint64_t now = loop_now(lane->loop);
    bool calls = has_calls(lane);
    if (calls && now < lane->drain_until) {
        look_again(lane);
        return;
    }
    if (calls && !lane->ended_all) {
        end_calls(lane);
        look_again(lane);
        return;
    }
    if (lane->settle_until == 0)
        lane->settle_until = now + DRAIN_SETTLE_MS;
    bool settling = meter_pending(lane->meter) > 0 && store_is_up(lane->store);
    if (settling && now < lane->settle_until)
        look_again(lane);
    else
        loop_stop(lane->loop);
}

struct drain_letter {
    struct letter letter;
    uint32_t drain_ms_max;
};

static void read_drain(struct letter *letter, void *owner)
{
    struct lane *lane = owner;
    struct drain_letter *drain = container_of(letter, struct drain_letter, letter);
    lane->drain_until = loop_now(lane->loop) + drain->drain_ms_max;
    lane->site.draining = true;
    free(drain);
    close_doors(lane);
    sessions_drain(&lane->sessions);
    if (lane->admin != NULL)
        admin_drain(lane->admin);
    look_again(lane);
}

void lane_drain(struct lane *lane, uint32_t drain_ms_max)
{
    struct drain_letter *drain = alloc_zeroed(sizeof(*drain));
    drain->letter.read = read_drain;
    drain->drain_ms_max = drain_ms_max;
    must(mailbox_post(lane->mailbox, &drain->letter));
}

/* --- the thread ------------------------------------------------------------------------------ */

static unsigned admin_lanes(void *owner, const struct stats **out, unsigned lanes_max)
{
    const struct lane *lane = owner;
    return lane->options.lanes(lane->options.lanes_owner, out, lanes_max);
}

static const char *why_not_ready(void *owner)
{
    struct lane *lane = owner;
    if (lane->site.draining)
        return "the gateway is draining";
    if (journal_distrusts_store(lane->options.journal))
        return "the metering store lost what it acknowledged: an operator has to look";
    if (store_is_up(lane->store))
        return NULL;
    snprintf(lane->why, sizeof(lane->why), "the metering store cannot be reached: %s",
             store_why_down(lane->store));
    return lane->why;
}

static bool accept_store(void *owner, bool *was)
{
    const struct lane *lane = owner;
    *was = journal_distrusts_store(lane->options.journal);
    if (*was)
        log_say(lane->options.log, LOG_WARNING, "store-accepted",
                "an operator says that the metering store may be gone on with");
    return journal_distrust_store(lane->options.journal, false);
}

static void open_admin(struct lane *lane)
{
    if (lane->options.admin < 0)
        return;
    const struct admin_parts parts = {.accounts = lane->accounts,
                                      .signer = lane->options.signer,
                                      .pools = lane->pools,
                                      .site = &lane->site,
                                      .log = lane->options.log,
                                      .lanes = admin_lanes,
                                      .attester = lane->options.attester,
                                      .why_not_ready = why_not_ready,
                                      .accept_store = accept_store,
                                      .owner = lane};
    lane->admin = admin_open(lane->loop, lane->options.admin, &parts);
}

static void open_parts(struct lane *lane)
{
    const struct config *config = lane->options.snapshot->config;
    const struct meter_options meter_options = {.hold_ms_max = config->hold_ms_max,
                                                .reaps = lane->options.index == 0,
                                                .note_gone_back = note_gone_back,
                                                .owner = lane};
    lane->store = store_open(lane->loop, &lane->options.redis, &store_events, lane);
    lane->meter =
        meter_new(lane->loop, lane->store, lane->options.journal, &meter_options, &lane->stats);
    lane->auth = auth_new(lane->loop, lane->store);
    lane->accounts = accounts_new(lane->loop, lane->store);
    accounts_sign_with(lane->accounts, lane->options.signer);
    lane->receipts = receipts_new(lane->loop, lane->options.signer, &lane->stats);
    lane->keyring = keyring_new(lane->loop, lane->store, lane->options.signer);
    lane->pools = pools_new(lane->loop, lane->options.attester, lane->options.log, &lane->stats);
    site_init(&lane->site);
    lane->site.loop = lane->loop;
    lane->site.pools = lane->pools;
    lane->site.auth = lane->auth;
    lane->site.meter = lane->meter;
    lane->site.accounts = lane->accounts;
    lane->site.store = lane->store;
    lane->site.receipts = lane->receipts;
    lane->site.keyring = lane->keyring;
    lane->site.stats = &lane->stats;
    lane->site.access_log = lane->options.access_log;
    struct sessions_options sessions = {.sessions_max = share_of_connections(lane, config),
                                        .handshake_ms_max = config->callers.head_ms_max,
                                        .http = config->callers};
    sessions.http.cors = config->exchange.cors;
    sessions_init(&lane->sessions, lane->loop, &lane->stats, &sessions, &sessions_events, lane);
    timer_init(&lane->drain_timer, lane->loop, look_at_drain, lane);
}

/* Upper parts first: each still finds what it stands on. */
static void close_parts(struct lane *lane)
{
    close_doors(lane);
    timer_fini(&lane->drain_timer);
    exchange_end_all(&lane->site);
    sessions_close(&lane->sessions);
    /* Time, not turns: the replies of thousands come in many. */
    uint64_t until = loop_now(lane->loop) + LAST_MS_MAX;
    while (lane->site.exchanges.used > 0 && loop_now(lane->loop) < until)
        loop_turn(lane->loop);
    pools_free(lane->pools);
    store_close(lane->store); /* answers all who still wait for it */
    accounts_free(lane->accounts);
    if (lane->admin != NULL)
        admin_close(lane->admin);
    auth_free(lane->auth);
    meter_free(lane->meter);
    receipts_free(lane->receipts);
    keyring_free(lane->keyring);
    site_fini(&lane->site);
    agents_ref_give(lane->site.agents);
    snapshot_give(lane->snapshot);
    mailbox_close(lane->mailbox);
    loop_free(lane->loop);
}

static void *run(void *owner)
{
    struct lane *lane = owner;
    open_doors(lane);
    loop_run(lane->loop);
    close_parts(lane);
    return NULL;
}

struct lane *lane_new(const struct lane_options *options)
{
    struct lane *lane = alloc_zeroed(sizeof(*lane));
    lane->options = *options;
    lane->loop = loop_new();
    lane->mailbox = mailbox_open(lane->loop, LETTERS_MAX, lane);
    open_parts(lane);
    use_snapshot(lane, snapshot_take(options->snapshot));
    open_admin(lane);
    return lane;
}

void lane_start(struct lane *lane)
{
    must(pthread_create(&lane->thread, NULL, run, lane) == 0);
}

void lane_join(struct lane *lane)
{
    pthread_join(lane->thread, NULL);
    free(lane);
}

bool lane_has_store(const struct lane *lane)
{
    return lane->has_store;
}

const struct stats *lane_stats(const struct lane *lane)
{
    return &lane->stats;
}
