#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/fleet_parts.h"

/* Asked again and again while the master is away; a switch is told by the Sentinel itself. */
enum { ASK_MS = 200, ASK_MS_MAX = 1000, LOOK_MS = 5000, CONNECT_MS_MAX = 1000 };

static void turn_to_next(struct fleet *fleet);

static void use_master(struct fleet *fleet, struct span host, struct span port)
{
    char text[ADDRESS_TEXT_MAX], error[256];
    struct address address;
    bool v6 = span_find(host, ':') < host.len;
    int len = snprintf(text, sizeof(text), v6 ? "[%.*s]:%.*s" : "%.*s:%.*s", (int)host.len,
                       host.ptr, (int)port.len, port.ptr);
    if (len < 0 || (size_t)len >= sizeof(text) ||
        !address_parse(&address, span_of(text, (size_t)len), error, sizeof(error)))
        return; /* a name, or nothing we can connect to: the next one may say it better */
    if (fleet->nodes[0].redis != NULL) {
        char now[ADDRESS_TEXT_MAX], then[ADDRESS_TEXT_MAX];
        if (strcmp(address_text(&address, true, now),
                   address_text(redis_address(fleet->nodes[0].redis), true, then)) == 0)
            return;
        fleet_node_close(fleet, 0);
    }
    must(fleet_node_for(fleet, &address) == 0);
}

static struct span word_of(const redisReply *reply, size_t index)
{
    const redisReply *word = index < reply->elements ? reply->element[index] : NULL;
    return word != NULL && word->type == REDIS_REPLY_STRING ? span_of(word->str, word->len)
                                                            : SPAN_NONE;
}

static void note_named(void *owner, uint64_t id, const redisReply *reply)
{
    struct fleet *fleet = owner;
    if (fleet->closed)
        return;
    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
        use_master(fleet, word_of(reply, 0), word_of(reply, 1));
    else if (reply != NULL)
        turn_to_next(fleet); /* it does not know this master */
}

static void note_nothing(void *owner, uint64_t id, const redisReply *reply)
{
    /* Without its messages the master's end is noticed by its connection. */
}

static void send_ask(struct fleet *fleet)
{
    static const struct span leave[] = {{"UNSUBSCRIBE", 11}, {"+switch-master", 14}};
    static const struct span hear[] = {{"SUBSCRIBE", 9}, {"+switch-master", 14}};
    const struct span ask[] = {SPAN_OF("SENTINEL"), SPAN_OF("get-master-addr-by-name"),
                               span_text(fleet->options.master)};
    struct redis *redis = fleet->finder.redis;
    uint64_t deadline_at = loop_now(fleet->loop) + ASK_MS_MAX;
    /* A connection that listens may ask nothing else. */
    bool sent = (!fleet->finder.heard ||
                 redis_call(redis, leave, 2, deadline_at, note_nothing, fleet, 0)) &&
                redis_call(redis, ask, 3, deadline_at, note_named, fleet, 0) &&
                redis_call(redis, hear, 2, deadline_at, note_nothing, fleet, 0);
    fleet->finder.heard = sent;
}

static void note_up(void *owner)
{
    struct fleet *fleet = owner;
    fleet->finder.heard = false;
    send_ask(fleet);
}

static void note_down(void *owner)
{
    turn_to_next(owner);
}

/* "<master> <old address> <old port> <new address> <new port>" */
static void note_message(void *owner, const redisReply *message)
{
    struct fleet *fleet = owner;
    struct span words[5] = {SPAN_NONE};
    struct span left = word_of(message, 2);
    for (unsigned i = 0; i < 5 && left.len > 0; ++i) {
        size_t space = span_find(left, ' ');
        words[i] = span_of(left.ptr, space);
        left = span_from(left, space + 1);
    }
    if (span_is(words[0], span_text(fleet->options.master)) && words[4].len > 0)
        use_master(fleet, words[3], words[4]);
}

static void open_finder(struct fleet *fleet)
{
    static const struct redis_events events = {note_up, note_down, note_message};
    struct redis_options options = fleet->asks_them;
    options.address = fleet->options.seeds[fleet->finder.seed];
    fleet->finder.redis = redis_open(fleet->loop, &options, &events, fleet);
}

/* Later: the one that is left may be calling. */
static void turn_to_next(struct fleet *fleet)
{
    fleet->finder.seed = (fleet->finder.seed + 1) % fleet->options.seed_count;
    timer_set(&fleet->finder.tick, loop_now(fleet->loop) + ASK_MS);
}

static bool is_asked(const struct fleet *fleet)
{
    const struct address *at = redis_address(fleet->finder.redis);
    return memcmp(at, &fleet->options.seeds[fleet->finder.seed], sizeof(*at)) == 0;
}

static void note_tick(void *owner)
{
    struct fleet *fleet = owner;
    bool found = fleet_node_is_up(fleet, 0);
    timer_set(&fleet->finder.tick, loop_now(fleet->loop) + (found ? LOOK_MS : ASK_MS));
    if (redis_has_failed(fleet->finder.redis) && is_asked(fleet))
        fleet->finder.seed = (fleet->finder.seed + 1) % fleet->options.seed_count;
    if (!is_asked(fleet)) {
        redis_close(fleet->finder.redis);
        open_finder(fleet);
    } else if (redis_is_up(fleet->finder.redis)) {
        send_ask(fleet);
    }
}

void finder_ask(struct fleet *fleet)
{
    if (!fleet->closed)
        timer_set(&fleet->finder.tick, loop_now(fleet->loop) + 1);
}

void finder_start(struct fleet *fleet)
{
    fleet->asks_them = fleet->options.server;
    fleet->asks_them.inspect = false;
    fleet->asks_them.calls_max = 16;
    fleet->asks_them.connect_ms_max = CONNECT_MS_MAX;
    snprintf(fleet->asks_them.user, sizeof(fleet->asks_them.user), "%s",
             fleet->options.sentinel_user);
    snprintf(fleet->asks_them.password, sizeof(fleet->asks_them.password), "%s",
             fleet->options.sentinel_password);
    timer_init(&fleet->finder.tick, fleet->loop, note_tick, fleet);
    open_finder(fleet);
    timer_set(&fleet->finder.tick, loop_now(fleet->loop) + ASK_MS);
}

void finder_stop(struct fleet *fleet)
{
    timer_fini(&fleet->finder.tick);
    redis_close(fleet->finder.redis);
}
