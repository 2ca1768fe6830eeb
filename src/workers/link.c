#include "workers/link.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "workers/link_say.h"
#include "workers/trust.h"

/* AGAIN: a READY link is judged again after so long at most, and so long before its verdict runs
 * out, if it lasts twice as long. LATER: when the attester takes no more questions.
 * PATIENCE: a worker that waits longer for its verdict may leave without blame. SETTLE: how
 * long a new link may keep those who wait for the worker's SETTINGS (proxies 4, «stream limit known
 * too late»). IDLE: without a stream; then it is closed. LINGER: a drained link without streams
 * whose end is not told by then. STREAM_WINDOW as in DESIGN 5: the unconsumed window is the buffer.
 */
enum {
    SETTLE_MS_MAX = 500,
    IDLE_MS_MAX = 300000,
    LINGER_MS_MAX = 5000,
    AGAIN_MS_MAX = 3600000,
    AGAIN_MS_BEFORE = 60000,
    AGAIN_MS_LEAST = 500,
    LATER_MS = 100,
    PATIENCE_MS = 1000,
    STREAM_WINDOW_BYTES = 65536
};

/* link->noted */
enum {
    NOTED_OPEN = 1,
    NOTED_VERDICT = 2,
    NOTED_ROOM = 4,
    NOTED_ENDED = 8,
    NOTED_TIME = 16,
    NOTED_ANSWER = 32,
    NOTED_ANSWER_VERDICT = 64
};

static void link_run(void *owner);

/* --- notes --------------------------------------------------------------------------------- */

static void note(struct link *link, unsigned fact)
{
    link->noted |= fact;
    loop_wake(link->site->loop, &link->wake);
}

static void note_open(void *owner)
{
    note(owner, NOTED_OPEN);
}

/* Bytes before the verdict stay where they are: nobody reads them. */
static size_t note_bytes(void *owner, struct span bytes)
{
    return 0;
}

static void flush_nothing(void *owner)
{
}

static void note_ended(void *owner, enum conn_end end)
{
    struct link *link = owner;
    link->end = end;
    note(link, NOTED_ENDED);
}

static void note_room(void *owner)
{
    note(owner, NOTED_ROOM);
}

static void note_time(void *owner)
{
    note(owner, NOTED_TIME);
}

static void note_answer(void *user)
{
    note(user, NOTED_ANSWER);
}

/* What the worker answered to its challenge is not judged again, so that no later verdict on its
 * certificate outlasts the verdict on that. */
static void bound_by_answer(struct link *link)
{
    uint64_t now = loop_now(link->site->loop);
    uint64_t left = link->answer_ends_at > now ? link->answer_ends_at - now : 0;
    if (link->answer_expires < link->judged.expires)
        link->judged.expires = link->answer_expires;
    if (left < link->judged.lasts_ms)
        link->judged.lasts_ms = left;
}

/* On the answer to the challenge: it is the certificate's proof that says what the worker is. */
static void note_answer_verdict(void *owner, uint64_t id, const struct proof *proof)
{
    struct link_site *site = owner;
    struct link *link = slots_find(&site->links, id);
    if (link == NULL || link->state != LINK_CHALLENGING)
        return;
    link->judged.trusted = proof->trusted;
    memcpy(link->judged.reason, proof->reason, sizeof(proof->reason));
    memcpy(link->judged.detail, proof->detail, sizeof(proof->detail));
    uint64_t now = loop_now(site->loop);
    link->answer_expires = proof->expires;
    if (proof->lasts_ms < UINT64_MAX - now)
        link->answer_ends_at = now + proof->lasts_ms;
    bound_by_answer(link);
    note(link, NOTED_ANSWER_VERDICT);
}

/* Every question has an id of its own, so this answers the last one. */
static void note_verdict(void *owner, uint64_t id, const struct proof *proof)
{
    struct link_site *site = owner;
    struct link *link = slots_find(&site->links, id);
    if (link == NULL || !link->asking)
        return;
    link->asking = false;
    link->judged = *proof;
    bound_by_answer(link);
    note(link, NOTED_VERDICT);
}

static const struct conn_events conn_events = {
    .note_open = note_open,
    .note_bytes = note_bytes,
    .flush = flush_nothing,
    .note_ended = note_ended,
};

static const struct http_events http_events = {
    .note_room = note_room,
    .note_ended = note_ended,
};

/* --- states -------------------------------------------------------------------------------- */

static const char *const state_words[] = {"connecting", "attesting", "challenging",
                                          "ready",      "draining",  "over"};

const char *link_state_word(enum link_state state)
{
    return state_words[state];
}

/* The one place where a link changes its state. */
static void link_move(struct link *link, enum link_state to)
{
    static const unsigned next[] = {
        [LINK_CONNECTING] = 1U << LINK_ATTESTING | 1U << LINK_OVER,
        [LINK_ATTESTING] = 1U << LINK_CHALLENGING | 1U << LINK_READY | 1U << LINK_OVER,
        [LINK_CHALLENGING] = 1U << LINK_READY | 1U << LINK_OVER,
        [LINK_READY] = 1U << LINK_DRAINING | 1U << LINK_OVER,
        [LINK_DRAINING] = 1U << LINK_OVER,
        [LINK_OVER] = 0,
    };
    must((next[link->state] & 1U << to) != 0);
    if (link->state == LINK_READY)
        stats_sub(&link->site->stats->links_ready, 1);
    if (to == LINK_READY)
        stats_add(&link->site->stats->links_ready, 1);
    link->state = to;
}

static void bury(void *owner)
{
    struct link *link = owner;
    registry_give(link->registry);
    trust_give(link->trust);
    free(link->certificate);
    free(link);
}

static void bury_when_done(struct link *link)
{
    if (link->state != LINK_OVER || link->live > 0)
        return;
    list_remove(&link->node);
    loop_bury(link->site->loop, &link->grave, bury, link);
}

/* Lets go of everything but what streams that are still lent look at. */
static void link_end(struct link *link)
{
    link_move(link, LINK_OVER);
    timer_fini(&link->timer);
    challenge_fini(&link->challenge); /* its stream's release notes room: before the wake goes */
    wake_cancel(&link->wake);
    slots_give(&link->site->links, link->id);
    if (link->http != NULL)
        http_close(link->http);
    else if (link->conn != NULL)
        conn_close(link->conn, false);
    link->http = NULL;
    link->conn = NULL;
    bury_when_done(link);
}

static void tell(struct link *link, enum link_news news)
{
    if (link->note != NULL)
        link->note(link->owner, link, news);
}

/* `detail` is in place. */
static void link_fail(struct link *link, enum fault fault, bool blames)
{
    link->fault = fault;
    link->blames = blames;
    link_say_failed(link);
    link_end(link);
    tell(link, LINK_NEWS_OVER);
}

/* --- connecting ---------------------------------------------------------------------------- */

void link_site_init(struct link_site *site, uint32_t links_max)
{
    slots_init(&site->links, links_max);
}

void link_site_fini(struct link_site *site)
{
    slots_fini(&site->links);
}

/* RFC 6066 3: an address is no server name. */
static const char *server_name_of(const struct worker *worker)
{
    return strcmp(worker->name, "localhost") == 0 ? worker->name : NULL;
}

struct link *link_open(struct link_site *site, struct registry *registry,
                       const struct pool_facts *pool, const struct worker *worker,
                       void (*note_news)(void *owner, struct link *link, enum link_news news),
                       void *owner)
{
    struct link *link = alloc_zeroed(sizeof(*link));
    link->answer_expires = INT64_MAX;
    link->answer_ends_at = UINT64_MAX;
    link->id = slots_take(&site->links, link);
    if (link->id == 0) {
        free(link);
        return NULL;
    }
    list_init(&link->node);
    link->site = site;
    link->registry = registry_take(registry);
    link->pool = pool;
    link->worker = worker;
    link->trust = trust_take(pool->trust);
    link->note = note_news;
    link->owner = owner;
    wake_init(&link->wake, link_run, link);
    timer_init(&link->timer, site->loop, note_time, link);
    /* One term for connect, TLS and verdict together. */
    timer_set(&link->timer, loop_now(site->loop) + pool->connect_ms_max);
    struct conn_options options = {.open_ms_max = pool->connect_ms_max};
    link->conn = conn_connect(site->loop, &worker->address, site->tls, server_name_of(worker),
                              &options, &conn_events, link);
    stats_add(&site->stats->links_opened, 1);
    return link;
}

/* What a verifier would refuse for its size is not kept. */
static void keep_certificate(struct link *link, struct span certificate)
{
    if (certificate.len == 0 || certificate.len > ATTESTER_CERTIFICATE_BYTES_MAX)
        return;
    link->certificate = alloc_text(certificate.ptr, certificate.len);
    link->certificate_bytes = certificate.len;
}

/* Under a new id: what was asked before is answered to nobody. */
static bool ask(struct link *link, struct span certificate)
{
    struct link_site *site = link->site;
    const struct subject subject = {link->pool->name, link->worker->id};
    slots_give(&site->links, link->id);
    link->id = slots_take(&site->links, link);
    must(link->id != 0); /* one has just been given */
    link->asking = attester_ask(site->attester, link->trust, &subject, certificate, site->mailbox,
                                note_verdict, link->id);
    return link->asking;
}

/* It has more to do than it takes. */
static void fail_for_attester(struct link *link)
{
    snprintf(link->detail, sizeof(link->detail), "%d verifications are waiting already",
             ATTESTER_WAITS_MAX);
    link_fail(link, FAULT_OVERLOADED, false);
}

/* The handshake is whole on both sides: only now is it proven that the worker has the key its
 * evidence speaks of (ra-tls (d) 8). */
static void step_connecting(struct link *link, unsigned noted)
{
    if ((noted & NOTED_TIME) != 0) {
        snprintf(link->detail, sizeof(link->detail), "no connection within %u ms",
                 link->pool->connect_ms_max);
        link_fail(link, FAULT_CONNECT_FAILED, true);
        return;
    }
    if ((noted & NOTED_OPEN) == 0)
        return;
    struct span certificate = conn_peer_certificate(link->conn);
    conn_pause(link->conn, PAUSE_LIMIT);
    link_move(link, LINK_ATTESTING);
    link->attesting_at = loop_now(link->site->loop);
    keep_certificate(link, certificate);
    if (!ask(link, certificate))
        fail_for_attester(link);
}

/* --- the verdict --------------------------------------------------------------------------- */

static struct http_options options_for(const struct pool_facts *pool)
{
    struct http_options options;
    http_options_default(&options);
    options.streams_max = pool->streams_per_link;
    options.stream_window_bytes = STREAM_WINDOW_BYTES;
    options.idle_ms_max = 2 * IDLE_MS_MAX; /* the link's own term comes first */
    return options;
}

/* When a READY link is to be looked at again: its verdict's end, the end of settling, or a whole
 * idle term from now on. */
static void arm(struct link *link)
{
    uint64_t idle_from = link->live > 0 ? loop_now(link->site->loop) : link->idle_since;
    uint64_t at = link->settled ? idle_from + IDLE_MS_MAX : link->idle_since + SETTLE_MS_MAX;
    if (!link->asking && link->again_at < at)
        at = link->again_at;
    timer_set(&link->timer, link->expires_at < at ? link->expires_at : at);
}

/* A trusting verdict takes hold: until when, and when it is to be renewed. With little time left,
 * at half of that, again and again: fresh collateral may come until the last moment. */
static void take_hold(struct link *link, const struct proof *proof)
{
    uint64_t now = loop_now(link->site->loop);
    uint64_t lasts = proof->lasts_ms < UINT64_MAX - now ? proof->lasts_ms : UINT64_MAX - now;
    uint64_t wait = lasts >= 2 * AGAIN_MS_BEFORE ? lasts - AGAIN_MS_BEFORE : lasts / 2;
    if (wait < AGAIN_MS_LEAST)
        wait = lasts;
    link->proof = *proof;
    link->expires_at = now + lasts;
    link->again_at = now + (wait < AGAIN_MS_MAX ? wait : AGAIN_MS_MAX);
}

static void see_room(struct link *link)
{
    uint32_t most = http_room(link->http) + http_live(link->http);
    if (most > link->most_seen)
        link->most_seen = most;
}

/* From here on there may be HTTP: the certificate's evidence is trusted. */
static void begin_http(struct link *link)
{
    must(link->state == LINK_ATTESTING && link->judged.trusted);
    struct http_options options = options_for(link->pool);
    struct conn *conn = link->conn;
    link->conn = NULL;
    link->http = http_client(link->site->loop, conn, &options, &http_events, link);
    conn_resume(conn, PAUSE_LIMIT);
}

/* The only way to READY. */
static void link_admit(struct link *link, const struct proof *proof)
{
    /* From ATTESTING only where the pool wants no challenge. */
    must(link->state ==
         (link->pool->challenge == CHALLENGE_OFF ? LINK_ATTESTING : LINK_CHALLENGING));
    must(link->state == LINK_ATTESTING || link->challenge.state == CHALLENGE_ANSWERED);
    must(proof->trusted);
    must(proof->lasts_ms > 0);
    take_hold(link, proof);
    link->idle_since = loop_now(link->site->loop);
    challenge_fini(&link->challenge);
    link_move(link, LINK_READY);
    /* HTTP/1.1 has no SETTINGS to wait for. */
    link->takes_one = strcmp(http_version(link->http), "HTTP/2") != 0;
    see_room(link);
    link->settled = link->takes_one || link->most_seen > 1;
    if (link->again_due)
        link->again_at = link->idle_since;
    arm(link);
    tell(link, LINK_NEWS_READY);
}

/* By a verdict that does not trust. A READY link lets its streams finish: they were sent under a
 * verdict that stood. */
static void link_refuse(struct link *link)
{
    const struct proof *judged = &link->judged;
    link->fault = judged->unjudged ? FAULT_NOT_YET_VERIFIED : FAULT_UNTRUSTED;
    snprintf(link->detail, sizeof(link->detail), "%s: %s", judged->reason, judged->detail);
    if (link->state == LINK_READY)
        link_drain(link);
    else
        link_end(link);
    tell(link, judged->unjudged ? LINK_NEWS_UNJUDGED : LINK_NEWS_REFUSED);
}

/* The attester's delay, or the vendor's, never the worker's: its health is not touched. */
static void link_give_up(struct link *link)
{
    link->fault = FAULT_NOT_YET_VERIFIED;
    link->judged = (struct proof){.unjudged = true};
    snprintf(link->judged.reason, sizeof(link->judged.reason), "not-yet-verified");
    snprintf(link->judged.detail, sizeof(link->judged.detail),
             "no verdict within %u ms of connecting", link->pool->connect_ms_max);
    snprintf(link->detail, sizeof(link->detail), "%s", link->judged.detail);
    link_say_failed(link);
    link_end(link);
    tell(link, LINK_NEWS_UNJUDGED);
}

static bool is_trusted(const struct link *link)
{
    return link->judged.trusted && link->judged.lasts_ms > 0;
}

static void begin_challenge(struct link *link);

static void step_attesting(struct link *link, unsigned noted)
{
    if ((noted & NOTED_VERDICT) != 0) {
        link_say_verdict(link);
        if (!is_trusted(link)) {
            link_refuse(link);
        } else if (link->pool->challenge != CHALLENGE_OFF) {
            begin_challenge(link);
        } else {
            begin_http(link);
            link_admit(link, &link->judged);
        }
    } else if ((noted & NOTED_TIME) != 0) {
        link_give_up(link);
    }
}

/* --- the challenge ------------------------------------------------------------------------- */

/* As the challenge itself found it, before any evidence was read. */
static void refuse_challenge(struct link *link)
{
    struct proof *proof = &link->judged;
    proof->trusted = false;
    proof->lasts_ms = 0;
    snprintf(proof->reason, sizeof(proof->reason), "%s", link->challenge.reason);
    snprintf(proof->detail, sizeof(proof->detail), "%s", link->challenge.detail);
    link_say_challenge(link);
    link_refuse(link);
}

static void begin_challenge(struct link *link)
{
    uint64_t now = loop_now(link->site->loop);
    link->challenge_at = now;
    challenge_prepare(&link->challenge, link->conn);
    if (link->challenge.state == CHALLENGE_REFUSED) {
        refuse_challenge(link);
        return;
    }
    begin_http(link);
    link_move(link, LINK_CHALLENGING);
    timer_set(&link->timer, now + CHALLENGE_MS_MAX);
    challenge_send(&link->challenge, link->http, link->worker->authority, note_answer, link);
}

/* The worker has done its part in time; the attester has the time it has for certificates. */
static void judge_answer(struct link *link)
{
    timer_set(&link->timer, loop_now(link->site->loop) + link->pool->connect_ms_max);
    if (!challenge_judge(&link->challenge, link->site->attester, link->trust, link->site->mailbox,
                         note_answer_verdict, link->id))
        fail_for_attester(link);
}

static void step_challenging(struct link *link, unsigned noted)
{
    bool is_judged = link->challenge.state == CHALLENGE_ANSWERED;
    if ((noted & NOTED_ANSWER_VERDICT) != 0) {
        link_say_challenge(link);
        if (is_trusted(link))
            link_admit(link, &link->judged);
        else
            link_refuse(link);
        return;
    }
    if (is_judged && (noted & NOTED_TIME) != 0) {
        snprintf(link->detail, sizeof(link->detail),
                 "no verdict on the answer to the challenge within %u ms",
                 link->pool->connect_ms_max);
        link_fail(link, FAULT_CONNECT_FAILED, false);
        return;
    }
    if (is_judged)
        return;
    challenge_read(&link->challenge);
    if (link->challenge.state == CHALLENGE_ASKED && (noted & NOTED_TIME) != 0)
        challenge_note_late(&link->challenge);
    if (link->challenge.state == CHALLENGE_REFUSED)
        refuse_challenge(link);
    else if (link->challenge.state == CHALLENGE_ANSWERED)
        judge_answer(link);
}

/* --- ready --------------------------------------------------------------------------------- */

bool link_is_leaving(const struct link *link)
{
    return link->state == LINK_READY && http_room(link->http) == 0 &&
           http_live(link->http) < link->most_seen;
}

uint32_t link_room(const struct link *link)
{
    if (link->state != LINK_READY || link->live >= link->pool->streams_per_link)
        return 0;
    uint32_t room = http_room(link->http);
    uint32_t ours = link->pool->streams_per_link - link->live;
    return room < ours ? room : ours;
}

struct stream *link_lend(struct link *link, struct head *request, bool ended,
                         void (*note_stream)(void *user), void *user)
{
    must(link->state == LINK_READY);
    must(link->live < link->pool->streams_per_link);
    see_room(link);
    ++link->live;
    return http_request(link->http, request, ended, note_stream, user);
}

void link_return(struct link *link, struct stream *stream)
{
    must(link->live > 0);
    stream_release(stream);
    --link->live;
    link->idle_since = loop_now(link->site->loop);
    if (link->state == LINK_DRAINING && link->live == 0)
        timer_set(&link->timer, link->idle_since + LINGER_MS_MAX);
    bury_when_done(link);
}

void link_drain(struct link *link)
{
    if (link->state < LINK_READY) {
        link_end(link);
        return;
    }
    if (link->state != LINK_READY)
        return;
    link_move(link, LINK_DRAINING);
    timer_stop(&link->timer);
    if (link->live == 0)
        timer_set(&link->timer, loop_now(link->site->loop) + LINGER_MS_MAX);
    http_drain(link->http);
}

void link_judge_again(struct link *link, struct trust *trust)
{
    bool same = trust_is_same(link->trust, trust);
    trust_give(link->trust);
    link->trust = trust_take(trust);
    link->noted &= ~(unsigned)NOTED_VERDICT; /* of the old grounds, in this very turn */
    if (link->state == LINK_CHALLENGING) {
        /* Its certificate was judged by the old grounds, and its answer may have been. */
        link->again_due = true;
        if (!same)
            link_end(link);
    } else if (link->state == LINK_READY) {
        link->asking = false;
        link->again_at = loop_now(link->site->loop);
        note(link, NOTED_TIME);
    } else if (link->state == LINK_ATTESTING &&
               !ask(link, span_of(link->certificate, link->certificate_bytes))) {
        note(link, NOTED_TIME); /* no verdict will come */
    }
}

static void ask_again(struct link *link)
{
    stats_add(&link->site->stats->verdicts_again, 1);
    if (!ask(link, span_of(link->certificate, link->certificate_bytes)))
        link->again_at = loop_now(link->site->loop) + LATER_MS;
}

/* False when it is READY no more. */
static bool is_still_trusted(struct link *link)
{
    link_say_verdict(link);
    if (link->judged.trusted && link->judged.lasts_ms > 0) {
        take_hold(link, &link->judged);
        arm(link);
        tell(link, LINK_NEWS_JUDGED);
        return true;
    }
    stats_add(&link->site->stats->verdicts_turned, 1);
    link_refuse(link);
    return false;
}

static void step_ready(struct link *link, unsigned noted)
{
    uint64_t now = loop_now(link->site->loop);
    if ((noted & NOTED_VERDICT) != 0 && now < link->answer_ends_at && !is_still_trusted(link))
        return;
    if (now >= link->expires_at) {
        link_drain(link);
        tell(link, LINK_NEWS_EXPIRED);
        return;
    }
    if ((noted & NOTED_TIME) != 0) {
        if (link->live == 0 && now >= link->idle_since + IDLE_MS_MAX) {
            link_drain(link);
            return;
        }
        if (now >= link->again_at && !link->asking)
            ask_again(link);
        link->settled = true;
        arm(link);
    }
    /* Before SETTINGS there is room for one. */
    see_room(link);
    link->settled = link->settled || link->most_seen > 1;
    tell(link, LINK_NEWS_ROOM);
}

/* --- its end ------------------------------------------------------------------------------- */

void link_close(struct link *link)
{
    link->note = NULL;
    link->owner = NULL;
    if (link->state != LINK_OVER)
        link_end(link);
}

static void step_draining(struct link *link, unsigned noted)
{
    if ((noted & NOTED_TIME) == 0 || link->live > 0)
        return;
    link_end(link);
    tell(link, LINK_NEWS_OVER);
}

/* An end of its own. In order, of a link that is drained or idle, it is nobody's fault. */
static void step_ended(struct link *link)
{
    bool young = link->state < LINK_READY;
    if (link->state == LINK_CHALLENGING && challenge_has_begun(&link->challenge)) {
        challenge_read(&link->challenge);
        if (link->challenge.state != CHALLENGE_REFUSED)
            challenge_note_lost(&link->challenge);
        refuse_challenge(link);
        return;
    }
    if (!young && (link->state == LINK_DRAINING || link->live == 0)) {
        link_end(link);
        tell(link, LINK_NEWS_OVER);
        return;
    }
    link_explain_end(link);
    /* Left waiting for its verdict, it may lose patience. */
    bool waited = link->state == LINK_ATTESTING &&
                  loop_now(link->site->loop) >= link->attesting_at + PATIENCE_MS;
    link_fail(link, FAULT_CONNECT_FAILED, young && !waited);
}

static void link_run(void *owner)
{
    static void (*const steps[])(struct link *, unsigned) = {
        [LINK_CONNECTING] = step_connecting,   [LINK_ATTESTING] = step_attesting,
        [LINK_CHALLENGING] = step_challenging, [LINK_READY] = step_ready,
        [LINK_DRAINING] = step_draining,
    };
    struct link *link = owner;
    unsigned noted = link->noted;
    link->noted = 0;
    must(link->state != LINK_OVER);
    if ((noted & NOTED_ENDED) != 0)
        step_ended(link);
    else
        steps[link->state](link, noted);
}
