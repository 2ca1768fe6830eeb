/* One connection to one Redis server: commands out, replies to whoever asked, in order.
 * It owns the connection, reconnects by itself (100 ms to 2 s, with jitter) and owns the waits in
 * flight. It never blocks, never repeats a command by itself, and never keeps more than
 * `calls_max`: no reply by the deadline, or a lost connection, is answered with NULL, which means
 * «unknown». */
#ifndef IO_REDIS_H
#define IO_REDIS_H

#include "base/span.h"
#include "io/loop.h"
#include "io/redis_facts.h"
#include "io/socket.h"
#include "io/tls.h"

struct redis;
struct redisReply;

struct redis_options {
    struct address address;
    char user[64]; /* ACL user; empty: none */
    char password[128];
    uint32_t connect_ms_max; /* default 2000 */
    uint32_t calls_max;      /* in flight; default 65536 */
    struct tls *tls;         /* tls_for_store(), lent; NULL: cleartext */
    char tls_name[256];      /* in the server's certificate; empty: its address must be */
    bool inspect;   /* it is to hold money: up only as a master that redis_facts_are_good() */
    bool needs_aof; /* then also its append-only file */
};

struct redis_events {
    /* Connected, authenticated and answering. May ask at once. */
    void (*note_up)(void *owner);
    void (*note_down)(void *owner);
    /* A message of a channel, which nobody asked for. NULL: such a reply ends the connection. */
    void (*note_message)(void *owner, const struct redisReply *message);
};

/* `reply` lives until the function returns; NULL: unknown (lost, late, or never sent: see
 * redis_is_up()). `id` is what the caller gave: an id, never a pointer to something that may go. */
typedef void redis_answer(void *owner, uint64_t id, const struct redisReply *reply);

/* A Lua script, embedded; `sha1` is filled by redis_script_init(). */
struct redis_script {
    const char *name;
    const char *text;
    char sha1[41];
};
void redis_script_init(struct redis_script *script, const char *name, const char *text);

struct redis *redis_open(struct loop *loop, const struct redis_options *options,
                         const struct redis_events *events, void *owner);
void redis_close(struct redis *redis); /* waits are answered NULL first */
bool redis_is_up(const struct redis *redis);
/* Words for an operator on why it is not up, to follow the server's name; empty when it is. */
const char *redis_why_down(const struct redis *redis);

/* It was tried, and is not up. */
bool redis_has_failed(const struct redis *redis);
/* What it said of itself when it came up (`inspect`). */
const struct redis_facts *redis_facts(const struct redis *redis);
const struct address *redis_address(const struct redis *redis);

/* At most 256 words, and 60 s until the deadline (a later one counts as that). Late replies are
 * thrown away, in their place. The connection is made anew with one 5 s behind its deadline, after
 * five that passed theirs without a reply to any in between, and when the server takes no writes
 * any more (READONLY). */

/* Sends one command this turn; all of a turn leave in one write. False when `calls_max` is reached,
 * more than 4 MiB wait to be sent, or the server is away: then `answer` is never called. */
MUST_USE bool redis_call(struct redis *redis, const struct span *words, unsigned word_count,
                         uint64_t deadline_at, redis_answer *answer, void *owner, uint64_t id);
/* EVALSHA; on NOSCRIPT it sends EVAL once by itself (the first was not run: nothing is doubled). */
MUST_USE bool redis_eval(struct redis *redis, const struct redis_script *script,
                         const struct span *keys, unsigned key_count, const struct span *args,
                         unsigned arg_count, uint64_t deadline_at, redis_answer *answer,
                         void *owner, uint64_t id);
/* The next call is sent behind ASKING: its slot is on its way to this server. */
void redis_ask_next(struct redis *redis);

#endif
