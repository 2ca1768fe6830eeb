/* The scripts, called one after the other over a plain connection, for tests of the scripts alone.
 * It owns nothing but the last reply. It never checks what comes back: tests do. */
#ifndef SCRIPTS_CALLER_H
#define SCRIPTS_CALLER_H

#include <check.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>

#include "callers/scripts.h"
#include "redis_server.h"

#define TAG "tg:{b007}:"

enum { SCRIPTS_CALLER_MAX = 8 };

struct scripts_caller {
    struct redis_server server;
    redisContext *redis;
    redisReply *reply;
    char keys[6][256];
    struct {
        const char *text;
        char sha[48];
    } scripts[SCRIPTS_CALLER_MAX];
};

static inline void caller_start(struct scripts_caller *caller)
{
    *caller = (struct scripts_caller){0};
    redis_server_start(&caller->server);
    caller->redis = redis_server_connect(&caller->server);
}

static inline void caller_stop(struct scripts_caller *caller)
{
    if (caller->reply != NULL)
        freeReplyObject(caller->reply);
    redisFree(caller->redis);
    redis_server_stop(&caller->server);
}

/* One command of words; the reply lives until the next. */
static inline redisReply *caller_command(struct scripts_caller *caller, int count,
                                         const char **words)
{
    if (caller->reply != NULL)
        freeReplyObject(caller->reply);
    caller->reply = redisCommandArgv(caller->redis, count, words, NULL);
    if (caller->reply == NULL)
        fprintf(stderr, "redis-server, on %s: %s\n", words[0], caller->redis->errstr);
    must(caller->reply != NULL);
    return caller->reply;
}

static inline redisReply *caller_say(struct scripts_caller *caller, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* printf, then blanks part the words. */
static inline redisReply *caller_say(struct scripts_caller *caller, const char *format, ...)
{
    char text[8192];
    va_list args;
    va_start(args, format);
    must(vsnprintf(text, sizeof(text), format, args) < (int)sizeof(text));
    va_end(args);
    const char *words[512];
    int count = 0;
    char *rest = text;
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        words[count++] = word;
    return caller_command(caller, count, words);
}

/* The digest of a script this server has been told of, by its text; told at its first use. */
static inline const char *caller_sha(struct scripts_caller *caller, const char *script)
{
    int i = 0;
    while (i < SCRIPTS_CALLER_MAX && caller->scripts[i].text != NULL)
        if (caller->scripts[i++].text == script)
            return caller->scripts[i - 1].sha;
    must(i < SCRIPTS_CALLER_MAX);
    redisReply *reply = redisCommand(caller->redis, "SCRIPT LOAD %s", script);
    must(reply != NULL && reply->type == REDIS_REPLY_STRING);
    caller->scripts[i].text = script;
    snprintf(caller->scripts[i].sha, sizeof(caller->scripts[i].sha), "%s", reply->str);
    freeReplyObject(reply);
    return caller->scripts[i].sha;
}

/* EVALSHA with `key_count` keys; the words after the script, up to NULL, are keys and arguments. */
static inline redisReply *caller_eval(struct scripts_caller *caller, const char *script,
                                      int key_count, const char *const *more)
{
    char count_text[8];
    const char *words[64] = {"EVALSHA", caller_sha(caller, script), count_text};
    int count = 3;
    snprintf(count_text, sizeof(count_text), "%d", key_count);
    for (; *more != NULL; ++more)
        words[count++] = *more;
    return caller_command(caller, count, words);
}

static inline const char *caller_word(const redisReply *reply, size_t i)
{
    if (reply->type == REDIS_REPLY_ERROR)
        return reply->str;
    if (reply->type != REDIS_REPLY_ARRAY || i >= reply->elements ||
        reply->element[i]->type != REDIS_REPLY_STRING)
        return "";
    return reply->element[i]->str;
}

static inline int64_t caller_number(const redisReply *reply, size_t i)
{
    return strtoll(caller_word(reply, i), NULL, 10);
}

static inline const char *caller_key(struct scripts_caller *caller, int slot, const char *kind,
                                     const char *name)
{
    snprintf(caller->keys[slot], sizeof(caller->keys[slot]), TAG "%s:%s", kind, name);
    return caller->keys[slot];
}

#define NUMBER(name, value) \
    char name[24];          \
    snprintf(name, sizeof(name), "%" PRId64, (int64_t)(value))

/* A call's place in its tree: the parent's and the root's invocation; NULL: it is a root. */
struct caller_place {
    const char *parent, *root;
    const char *depth_most, *kids_most;
};

static inline redisReply *say_hold_below(struct scripts_caller *c, const struct caller_place *place,
                                         const char *account, const char *inv, const char *try,
                                         const char *fp, const char *ceiling, const char *sub,
                                         const char *ttl)
{
    const char *words[24] = {caller_key(c, 0, "a", account), caller_key(c, 1, "h", inv), TAG "x"};
    int count = 3;
    if (place != NULL)
        words[count++] = caller_key(c, 2, "h", place->parent);
    const char *const more[] = {inv,
                                try,
                                account,
                                fp,
                                ceiling,
                                sub,
                                ttl,
                                "gw1:1",
                                place != NULL ? place->parent : "",
                                place != NULL ? place->depth_most : "0",
                                place != NULL ? place->kids_most : "0",
                                "bafyagent",
                                "",
                                place != NULL ? "" : "key1",
                                NULL};
    int keys = count;
    for (int i = 0; more[i] != NULL; ++i)
        words[count++] = more[i];
    return caller_eval(c, script_hold, keys, words);
}

static inline redisReply *say_hold(struct scripts_caller *c, const char *account, const char *inv,
                                   const char *try, const char *fp, const char *ceiling,
                                   const char *sub, const char *ttl)
{
    return say_hold_below(c, NULL, account, inv, try, fp, ceiling, sub, ttl);
}

/* The settle script; `more` are its arguments behind the account. */
static inline redisReply *say_end(struct scripts_caller *c, const struct caller_place *place,
                                  const char *mode, const char *account, const char *inv,
                                  const char *const *more)
{
    const char *words[24] = {caller_key(c, 0, "a", account), caller_key(c, 1, "h", inv), TAG "x",
                             TAG "L"};
    int count = 4;
    if (place != NULL) {
        words[count++] = caller_key(c, 2, "h", place->parent);
        words[count++] = caller_key(c, 3, "h", place->root);
    }
    int keys = count;
    words[count++] = mode;
    words[count++] = inv;
    words[count++] = account;
    for (; *more != NULL; ++more)
        words[count++] = *more;
    return caller_eval(c, script_settle, keys, words);
}

static inline redisReply *say_settle_below(struct scripts_caller *c,
                                           const struct caller_place *place, const char *account,
                                           const char *inv, const char *try, const char *cost)
{
    return say_end(c, place, "S", account, inv,
                   (const char *[]){try, cost, "0", "ok", "200", "ms=1,in=2,out=3", "w1", NULL});
}

static inline redisReply *say_settle(struct scripts_caller *c, const char *account, const char *inv,
                                     const char *try, const char *cost)
{
    return say_settle_below(c, NULL, account, inv, try, cost);
}

static inline redisReply *say_release_below(struct scripts_caller *c,
                                            const struct caller_place *place, const char *account,
                                            const char *inv, const char *try)
{
    return say_end(c, place, "X", account, inv, (const char *[]){try, NULL});
}

static inline redisReply *say_release(struct scripts_caller *c, const char *account,
                                      const char *inv, const char *try)
{
    return say_release_below(c, NULL, account, inv, try);
}

static inline redisReply *say_reap_below(struct scripts_caller *c, const struct caller_place *place,
                                         const char *account, const char *inv, const char *gateway,
                                         const char *grace)
{
    return say_end(c, place, "R", account, inv, (const char *[]){gateway, grace, NULL});
}

static inline redisReply *say_reap(struct scripts_caller *c, const char *account, const char *inv,
                                   const char *gateway, const char *grace)
{
    return say_reap_below(c, NULL, account, inv, gateway, grace);
}

static inline redisReply *say_checkpoint(struct scripts_caller *c, const char *inv, const char *try,
                                         const char *cost, const char *ttl)
{
    return caller_eval(
        c, script_checkpoint, 2,
        (const char *[]){caller_key(c, 1, "h", inv), TAG "x", inv, try, cost, ttl, NULL});
}

static inline redisReply *say_credit(struct scripts_caller *c, const char *account,
                                     const char *sign, const char *amount, const char *reference)
{
    return caller_eval(c, script_credit, 3,
                       (const char *[]){caller_key(c, 0, "a", account),
                                        caller_key(c, 1, "r", reference), TAG "L", account, sign,
                                        amount, reference, "a note", NULL});
}

/* "create" or "edit", and up to eight words of names and values. */
static inline redisReply *say_account(struct scripts_caller *c, const char *op, const char *account,
                                      const char *const *pairs)
{
    const char *more[20] = {caller_key(c, 0, "a", account), TAG "accounts", op, account};
    int count = 4;
    for (; pairs != NULL && *pairs != NULL; ++pairs)
        more[count++] = *pairs;
    return caller_eval(c, script_account, 2, more);
}

#endif
