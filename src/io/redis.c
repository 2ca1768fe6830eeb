#include "io/redis.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "io/conn.h"
#include "io/redis_reader.h"

enum {
    WORDS_MAX = 256,
    OUT_BYTES_MAX = 4 * 1024 * 1024,
    SCRIPT_BYTES_MAX = 32 * 1024 * 1024, /* commands kept in case their script is missing */
    CALLS_MAX_DEFAULT = 65536,
    CONNECT_MS_DEFAULT = 2000,
    CALL_MS_MAX = 60 * 1000,
    OVERDUE_MS = 5000,
    ASKING_BYTES = 16,
    LOOK_MS = 10,     /* between two looks at the deadlines, which walk all calls */
    TIMEOUTS_MAX = 5, /* deadlines passed without a reply in between */
    BACKOFF_MS_FIRST = 200,
    BACKOFF_MS_MAX = 800 /* calls are taken within a second of its return */
};

enum redis_state { REDIS_AWAY, REDIS_CONNECTING, REDIS_GREETING, REDIS_UP, REDIS_CLOSED };

/* One place in the order of replies. */
struct call {
    struct list node;
    struct list late; /* while its deadline is being told */
    redis_answer *answer;
    void *owner;
    uint64_t id;
    uint64_t deadline_at;
    bool answered; /* with NULL: the reply, when it comes, is thrown away */
    bool asking;   /* behind ASKING */

    const struct redis_script *script; /* NULL: not, or not any more, to be sent again */
    char *command;
    size_t command_len;
    size_t tail_at; /* where the number of keys stands */
    unsigned word_count;
};

struct redis {
    struct loop *loop;
    struct redis_options options;
    const struct redis_events *events;
    void *owner;
    enum redis_state state;
    struct conn *conn;
    struct redis_reader reader;
    struct list calls; /* in the order of their replies */
    struct list late;
    unsigned call_count;
    unsigned timeouts; /* in a row */
    bool asking;       /* the next call goes behind ASKING */
    bool failed;       /* since it was up, or made */
    size_t script_bytes;
    uint32_t backoff_ms;
    uint64_t looked_at;
    struct timer look;
    struct timer again;
    struct grave grave;
    struct redis_facts facts;
    char why[160];
};

static void call_free(struct redis *redis, struct call *call)
{
    if (list_is_linked(&call->late))
        list_remove(&call->late);
    redis->script_bytes -= call->command_len;
    redisFreeCommand(call->command);
    free(call);
}

static void call_forget_command(struct redis *redis, struct call *call)
{
    redis->script_bytes -= call->command_len;
    redisFreeCommand(call->command);
    call->command = NULL;
    call->command_len = 0;
    call->script = NULL;
}

static void call_answer(struct call *call, const redisReply *reply)
{
    if (call->answered)
        return;
    call->answered = true;
    call->answer(call->owner, call->id, reply);
}

/* Whoever is told may close the client: nothing is held over a call but `redis` itself. */
static void answer_all_unknown(struct redis *redis)
{
    struct list *node;
    while ((node = list_take(&redis->calls)) != NULL) {
        struct call *call = container_of(node, struct call, node);
        --redis->call_count;
        call_answer(call, NULL);
        call_free(redis, call);
    }
}

static void try_later(struct redis *redis)
{
    uint32_t random = 0;
    ssize_t got = getrandom(&random, sizeof(random), GRND_NONBLOCK);
    (void)got; /* without it the lanes come back together: no more than that */
    /* Half of it to all of it: 100 ms at the least. */
    uint32_t half = redis->backoff_ms / 2;
    timer_set(&redis->again, loop_now(redis->loop) + half + random % (half + 1));
    redis->backoff_ms *= 2;
    if (redis->backoff_ms > BACKOFF_MS_MAX)
        redis->backoff_ms = BACKOFF_MS_MAX;
}

static void lose(struct redis *redis, const char *why, const char *detail)
{
    bool was_up = redis->state == REDIS_UP;
    snprintf(redis->why, sizeof(redis->why), "%s%s", why, detail);
    redis->state = REDIS_AWAY;
    redis->failed = true;
    conn_close(redis->conn, false);
    redis->conn = NULL;
    redis_reader_fini(&redis->reader);
    timer_stop(&redis->look);
    answer_all_unknown(redis);
    if (redis->state != REDIS_CLOSED && was_up && redis->events->note_down != NULL)
        redis->events->note_down(redis->owner);
    if (redis->state != REDIS_CLOSED)
        try_later(redis);
}

static void look_at(struct redis *redis, uint64_t at)
{
    uint64_t soonest = redis->looked_at + LOOK_MS;
    if (at < soonest)
        at = soonest;
    if (redis->look.at == 0 || at < redis->look.at)
        timer_set(&redis->look, at);
}

static void note_look(void *owner)
{
    struct redis *redis = owner;
    struct list *node;
    uint64_t now = loop_now(redis->loop);
    uint64_t next = UINT64_MAX;
    bool overdue = false;
    redis->looked_at = now;
    list_each (node, &redis->calls) {
        struct call *call = container_of(node, struct call, node);
        uint64_t gone_at = call->deadline_at + OVERDUE_MS;
        overdue |= gone_at <= now;
        if (!call->answered && call->deadline_at <= now)
            list_append(&redis->late, &call->late);
        uint64_t at = call->deadline_at > now ? call->deadline_at : gone_at;
        next = at < next ? at : next;
    }
    while ((node = list_take(&redis->late)) != NULL) {
        ++redis->timeouts;
        call_answer(container_of(node, struct call, late), NULL);
    }
    if (redis->conn == NULL)
        return; /* lost or closed by who was told */
    if (redis->timeouts >= TIMEOUTS_MAX && redis->state == REDIS_UP)
        lose(redis, "it left five commands in a row unanswered", "");
    else if (overdue)
        lose(redis, "it left a command unanswered", "");
    else if (next != UINT64_MAX)
        look_at(redis, next);
}

static struct call *call_new(struct redis *redis, uint64_t deadline_at, redis_answer *answer,
                             void *owner, uint64_t id)
{
    struct call *call = alloc_zeroed(sizeof(*call));
    uint64_t most = loop_now(redis->loop) + CALL_MS_MAX;
    list_init(&call->node);
    list_init(&call->late);
    call->deadline_at = deadline_at < most ? deadline_at : most;
    call->answer = answer;
    call->owner = owner;
    call->id = id;
    return call;
}

static void note_nothing(void *owner, uint64_t id, const redisReply *reply)
{
    /* Whatever it says, the command behind it tells. */
}

/* Its reply takes a place of its own in the order. */
static void send_asking(struct redis *redis)
{
    struct call *call = call_new(redis, UINT64_MAX, note_nothing, redis, 0);
    conn_write(redis->conn, SPAN_OF("*1\r\n$6\r\nASKING\r\n"));
    list_append(&redis->calls, &call->node);
    ++redis->call_count;
}

/* Sends `command` (its caller's) and appends `call` to those in flight. */
static bool send_call(struct redis *redis, struct call *call, struct span command)
{
    call->asking = redis->asking;
    redis->asking = false;
    if (conn_room(redis->conn) < command.len + ASKING_BYTES)
        return false;
    if (call->asking)
        send_asking(redis);
    conn_write(redis->conn, command);
    list_append(&redis->calls, &call->node);
    look_at(redis, call->deadline_at);
    return true;
}

/* The command in RESP, redisFreeCommand() it. */
static struct span format(const struct span *words, unsigned word_count)
{
    const char *texts[WORDS_MAX];
    size_t lens[WORDS_MAX];
    char *command = NULL;
    must(word_count > 0 && word_count <= WORDS_MAX);
    for (unsigned i = 0; i < word_count; ++i) {
        texts[i] = words[i].len > 0 ? words[i].ptr : "";
        lens[i] = words[i].len;
    }
    int len = redisFormatCommandArgv(&command, (int)word_count, texts, lens);
    must(len > 0);
    return span_of(command, (size_t)len);
}

static bool call_words(struct redis *redis, const struct span *words, unsigned word_count,
                       struct call *call)
{
    struct span command = format(words, word_count);
    bool sent = send_call(redis, call, command);
    redisFreeCommand((char *)command.ptr);
    if (sent)
        ++redis->call_count;
    else
        call_free(redis, call);
    return sent;
}

static bool is_error(const redisReply *reply, struct span code)
{
    return reply->type == REDIS_REPLY_ERROR && span_starts(span_of(reply->str, reply->len), code);
}

/* The server does not have the script: the same again with its text. False when that has no room.
 */
static bool send_text(struct redis *redis, struct call *call)
{
    char head[64];
    struct span text = span_text(call->script->text);
    struct span tail = span_of(call->command + call->tail_at, call->command_len - call->tail_at);
    int head_len =
        snprintf(head, sizeof(head), "*%u\r\n$4\r\nEVAL\r\n$%zu\r\n", call->word_count, text.len);
    must(head_len > 0 && (size_t)head_len < sizeof(head));
    size_t len = (size_t)head_len + text.len + 2 + tail.len;
    if (conn_room(redis->conn) < len + ASKING_BYTES)
        return false;
    if (call->asking)
        send_asking(redis);
    conn_write(redis->conn, span_of(head, (size_t)head_len));
    conn_write(redis->conn, text);
    conn_write(redis->conn, SPAN_OF("\r\n"));
    conn_write(redis->conn, tail);
    call_forget_command(redis, call);
    list_append(&redis->calls, &call->node);
    return true;
}

static void note_reply(struct redis *redis, const redisReply *reply)
{
    struct call *call = container_of(list_take(&redis->calls), struct call, node);
    const struct conn *conn = redis->conn;
    redis->timeouts = 0;
    if (call->script != NULL && !call->answered && is_error(reply, SPAN_OF("NOSCRIPT")) &&
        send_text(redis, call))
        return;
    --redis->call_count;
    call_answer(call, reply);
    call_free(redis, call);
    if (redis->conn == conn && redis->options.inspect && is_error(reply, SPAN_OF("READONLY")))
        lose(redis, "it takes no writes any more: it became a replica", "");
}

/* ["message", channel, text]: it has no place in the order. */
static bool is_message(const struct redis *redis, const redisReply *reply)
{
    return redis->events->note_message != NULL && reply->type == REDIS_REPLY_ARRAY &&
           reply->elements == 3 && reply->element[0]->type == REDIS_REPLY_STRING &&
           strcmp(reply->element[0]->str, "message") == 0;
}

static size_t note_bytes(void *owner, struct span bytes)
{
    struct redis *redis = owner;
    const struct conn *conn = redis->conn;
    redis_reader_feed(&redis->reader, bytes);
    while (redis->conn == conn) {
        redisReply *reply;
        if (!redis_reader_next(&redis->reader, &reply)) {
            lose(redis, "it sent what is no reply, or one too large", "");
        } else if (reply == NULL) {
            break;
        } else if (is_message(redis, reply)) {
            redis->events->note_message(redis->owner, reply);
            freeReplyObject(reply);
        } else if (list_is_empty(&redis->calls)) {
            lose(redis, "it sent a reply nobody asked for", "");
            freeReplyObject(reply);
        } else {
            note_reply(redis, reply);
            freeReplyObject(reply);
        }
    }
    return bytes.len;
}

static void note_up(struct redis *redis)
{
    redis->state = REDIS_UP;
    redis->failed = false;
    redis->backoff_ms = BACKOFF_MS_FIRST;
    redis->why[0] = '\0';
    if (redis->events->note_up != NULL)
        redis->events->note_up(redis->owner);
}

static void note_auth(void *owner, uint64_t id, const redisReply *reply)
{
    struct redis *redis = owner;
    if (redis->state != REDIS_GREETING)
        return;
    if (reply == NULL)
        lose(redis, "it did not answer in time", "");
    else if (reply->type == REDIS_REPLY_ERROR)
        lose(redis, "it refused the password: ", reply->str);
}

static void note_named(void *owner, uint64_t id, const redisReply *reply)
{
    /* A user that may not name itself is served all the same. */
}

static void note_ping(void *owner, uint64_t id, const redisReply *reply)
{
    struct redis *redis = owner;
    if (redis->state != REDIS_GREETING)
        return;
    if (reply == NULL)
        lose(redis, "it did not answer in time", "");
    else if (is_error(reply, SPAN_OF("NOAUTH")))
        lose(redis, "it wants a password: ", reply->str);
    else if (is_error(reply, SPAN_OF("LOADING")) || is_error(reply, SPAN_OF("MASTERDOWN")))
        lose(redis, "it is not ready yet: ", reply->str);
    else if (!redis->options.inspect)
        note_up(redis); /* nor need a user be allowed to ping */
}

static void note_role(void *owner, uint64_t id, const redisReply *reply)
{
    redis_facts_role(&((struct redis *)owner)->facts, reply);
}

static void note_time(void *owner, uint64_t id, const redisReply *reply)
{
    redis_facts_time(&((struct redis *)owner)->facts, reply);
}

/* The last of the greeting of a server that is to hold money. */
static void note_info(void *owner, uint64_t id, const redisReply *reply)
{
    struct redis *redis = owner;
    char why[sizeof(redis->why)];
    struct redis_facts *facts = &redis->facts;
    char role[sizeof(facts->role)];
    if (redis->state != REDIS_GREETING)
        return;
    if (reply == NULL) {
        lose(redis, "it did not answer in time", "");
        return;
    }
    memcpy(role, facts->role, sizeof(role));
    redis_facts_info(facts, reply);
    if (role[0] != '\0')
        memcpy(facts->role, role, sizeof(role));
    if (redis_facts_are_good(facts, redis->options.needs_aof, why, sizeof(why)))
        note_up(redis);
    else
        lose(redis, why, "");
}

static void greet(struct redis *redis, const struct span *words, unsigned count,
                  redis_answer *answer)
{
    uint64_t deadline_at = loop_now(redis->loop) + redis->options.connect_ms_max;
    must(call_words(redis, words, count, call_new(redis, deadline_at, answer, redis, 0)));
}

/* The certificate's chain was verified by the handshake; now whether it is this server's. */
static bool is_named(struct redis *redis)
{
    char address[ADDRESS_TEXT_MAX];
    const struct redis_options *options = &redis->options;
    return tls_certificate_names(conn_peer_certificate(redis->conn),
                                 options->tls_name[0] != '\0'
                                     ? options->tls_name
                                     : address_text(&options->address, false, address));
}

/* The name shows who is who in CLIENT LIST. The ping's reply shows that the server answers: one
 * that still loads its file takes names, and refuses everything that touches its keys. */
static void note_open(void *owner)
{
    static const struct span name[] = {{"CLIENT", 6}, {"SETNAME", 7}, {"teegate", 7}};
    static const struct span ping[] = {{"PING", 4}}, role[] = {{"ROLE", 4}};
    static const struct span time[] = {{"TIME", 4}}, info[] = {{"INFO", 4}};
    struct redis *redis = owner;
    const struct redis_options *options = &redis->options;
    redis->state = REDIS_GREETING;
    redis_facts_init(&redis->facts);
    if (options->tls != NULL && !is_named(redis)) {
        lose(redis, "its certificate is not for ",
             options->tls_name[0] != '\0' ? options->tls_name : "its address");
        return;
    }
    if (options->password[0] != '\0') {
        struct span auth[3] = {SPAN_OF("AUTH")};
        unsigned count = 1;
        if (options->user[0] != '\0')
            auth[count++] = span_text(options->user);
        auth[count++] = span_text(options->password);
        greet(redis, auth, count, note_auth);
    }
    greet(redis, name, 3, note_named);
    greet(redis, ping, 1, note_ping);
    if (!options->inspect)
        return;
    greet(redis, role, 1, note_role);
    greet(redis, time, 1, note_time);
    greet(redis, info, 1, note_info);
}

static void note_flush(void *owner)
{
    /* Commands are handed to the conn as they are made; it writes them once a turn. */
}

static void note_ended(void *owner, enum conn_end end)
{
    static const char *const words[] = {
        [CONN_NOT_ENDED] = "",
        [CONN_EOF] = "it closed the connection",
        [CONN_RESET] = "the connection broke",
        [CONN_CONNECT_FAILED] = "nobody takes the connection",
        [CONN_TLS_FAILED] = "TLS failed",
        [CONN_TIMED_OUT] = "the connection did not come up in time",
    };
    lose(owner, words[end], "");
}

static void note_again(void *owner)
{
    static const struct conn_events events = {note_open, note_bytes, note_flush, NULL, note_ended};
    struct redis *redis = owner;
    struct conn_options options = {.open_ms_max = redis->options.connect_ms_max,
                                   .write_bytes_max = OUT_BYTES_MAX};
    redis->state = REDIS_CONNECTING;
    redis->timeouts = 0;
    redis->asking = false;
    redis_reader_init(&redis->reader);
    redis->conn = conn_connect(redis->loop, &redis->options.address, redis->options.tls,
                               redis->options.tls_name[0] != '\0' ? redis->options.tls_name : NULL,
                               &options, &events, redis);
}

struct redis *redis_open(struct loop *loop, const struct redis_options *options,
                         const struct redis_events *events, void *owner)
{
    struct redis *redis = alloc_zeroed(sizeof(*redis));
    redis->loop = loop;
    redis->options = *options;
    if (redis->options.connect_ms_max == 0)
        redis->options.connect_ms_max = CONNECT_MS_DEFAULT;
    if (redis->options.calls_max == 0)
        redis->options.calls_max = CALLS_MAX_DEFAULT;
    redis->events = events;
    redis->owner = owner;
    redis->backoff_ms = BACKOFF_MS_FIRST;
    list_init(&redis->calls);
    list_init(&redis->late);
    timer_init(&redis->look, loop, note_look, redis);
    timer_init(&redis->again, loop, note_again, redis);
    snprintf(redis->why, sizeof(redis->why), "it was not reached yet");
    note_again(redis);
    return redis;
}

void redis_close(struct redis *redis)
{
    must(redis->state != REDIS_CLOSED);
    redis->state = REDIS_CLOSED;
    if (redis->conn != NULL)
        conn_close(redis->conn, false);
    redis->conn = NULL;
    redis_reader_fini(&redis->reader);
    timer_fini(&redis->look);
    timer_fini(&redis->again);
    answer_all_unknown(redis);
    loop_bury(redis->loop, &redis->grave, free, redis);
}

bool redis_is_up(const struct redis *redis)
{
    return redis->state == REDIS_UP;
}

const char *redis_why_down(const struct redis *redis)
{
    return redis->why;
}

bool redis_has_failed(const struct redis *redis)
{
    return redis->failed;
}

const struct redis_facts *redis_facts(const struct redis *redis)
{
    return &redis->facts;
}

const struct address *redis_address(const struct redis *redis)
{
    return &redis->options.address;
}

void redis_ask_next(struct redis *redis)
{
    redis->asking = true;
}

static bool may_call(const struct redis *redis)
{
    return redis->state == REDIS_UP && redis->call_count < redis->options.calls_max;
}

bool redis_call(struct redis *redis, const struct span *words, unsigned word_count,
                uint64_t deadline_at, redis_answer *answer, void *owner, uint64_t id)
{
    return may_call(redis) &&
           call_words(redis, words, word_count, call_new(redis, deadline_at, answer, owner, id));
}

bool redis_eval(struct redis *redis, const struct redis_script *script, const struct span *keys,
                unsigned key_count, const struct span *args, unsigned arg_count,
                uint64_t deadline_at, redis_answer *answer, void *owner, uint64_t id)
{
    struct span words[WORDS_MAX];
    char number[16];
    unsigned count = 0;
    must(key_count <= WORDS_MAX && arg_count <= WORDS_MAX &&
         3 + key_count + arg_count <= WORDS_MAX);
    if (!may_call(redis))
        return false;
    snprintf(number, sizeof(number), "%u", key_count);
    words[count++] = SPAN_OF("EVALSHA");
    words[count++] = span_of(script->sha1, 40);
    words[count++] = span_text(number);
    for (unsigned i = 0; i < key_count; ++i)
        words[count++] = keys[i];
    for (unsigned i = 0; i < arg_count; ++i)
        words[count++] = args[i];
    struct span command = format(words, count);
    struct call *call = call_new(redis, deadline_at, answer, owner, id);
    call->script = script;
    call->command = (char *)command.ptr;
    call->command_len = command.len;
    call->word_count = count;
    /* "*N", then EVALSHA and the digest with their lengths. */
    call->tail_at = span_find(command, '\n') + 1 + sizeof("$7\r\nEVALSHA\r\n$40\r\n") - 1 + 40 + 2;
    redis->script_bytes += command.len;
    bool sent = redis->script_bytes <= SCRIPT_BYTES_MAX && send_call(redis, call, command);
    if (sent)
        ++redis->call_count;
    else
        call_free(redis, call);
    return sent;
}

void redis_script_init(struct redis_script *script, const char *name, const char *text)
{
    unsigned char digest[20];
    *script = (struct redis_script){.name = name, .text = text};
    must(EVP_Digest(text, strlen(text), digest, NULL, EVP_sha1(), NULL) == 1);
    for (unsigned i = 0; i < sizeof(digest); ++i)
        snprintf(script->sha1 + 2 * i, 3, "%02x", digest[i]);
}
