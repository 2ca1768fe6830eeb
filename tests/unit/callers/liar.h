/* A server between the lane and a real redis-server that passes all on, but for one command, which
 * it answers badly. It owns its thread, its listener and its connections. What the real one did or
 * did not do is known, so that sums can be checked in it. */
#ifndef LIAR_H
#define LIAR_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "redis_server.h"

/* What comes instead; `done`: the real server runs the command all the same. */
struct lie {
    const char *name;
    const char *text; /* NULL: as `how` says */
    bool done;
    enum { LIE_TEXT, LIE_HALF, LIE_LATE, LIE_HUGE, LIE_CUT } how;
};

static const struct lie lies[] = {
    {"loading", "-LOADING Redis is loading the dataset in memory\r\n", false, LIE_TEXT},
    {"out of memory", "-OOM command not allowed when used memory > 'maxmemory'.\r\n", false,
     LIE_TEXT},
    {"read only", "-READONLY You can't write against a read only replica.\r\n", false, LIE_TEXT},
    {"master down", "-MASTERDOWN Link with MASTER is down\r\n", false, LIE_TEXT},
    {"no script", "-NOSCRIPT No matching script. Please use EVAL.\r\n", false, LIE_TEXT},
    {"disk full", "-MISCONF Errors writing to the AOF file\r\n", false, LIE_TEXT},
    {"busy", "-BUSY Redis is busy running a script.\r\n", false, LIE_TEXT},
    {"an integer", ":7\r\n", true, LIE_TEXT},
    {"a text", "$2\r\nOK\r\n", true, LIE_TEXT},
    {"nothing", "$-1\r\n", true, LIE_TEXT},
    {"an empty array", "*0\r\n", true, LIE_TEXT},
    {"a word nobody knows", "*1\r\n$3\r\nWAT\r\n", true, LIE_TEXT},
    {"an array of arrays", "*2\r\n*1\r\n:1\r\n*0\r\n", true, LIE_TEXT},
    {"half a reply", NULL, true, LIE_HALF},
    {"a late reply", NULL, true, LIE_LATE},
    {"a huge reply", NULL, true, LIE_HUGE},
    {"garbage", "HTTP/1.1 200 OK\r\n\r\n", true, LIE_TEXT},
    {"a cut before", NULL, false, LIE_CUT},
    {"a cut after", NULL, true, LIE_CUT},
};
enum { LIES = sizeof(lies) / sizeof(*lies), LATE_MS = 130 };

struct liar {
    char real_path[80];
    char path[96];
    int door;
    pthread_t thread;
    atomic_int lie;   /* the next one; -1: none */
    atomic_uint told; /* how many were */
    atomic_bool over;
    _Atomic(const char *) about; /* a text in the command */
    int peer, real;
};

static inline void liar_say(const struct liar *liar, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(liar->peer, text, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* it went, which is its right */
        text += sent;
        len -= (size_t)sent;
    }
}

/* The whole reply of the real server to one command; its length. */
static inline size_t liar_ask(const struct liar *liar, const char *command, size_t len, char *out,
                              size_t out_size)
{
    size_t used = 0;
    void *reply = NULL;
    redisReader *reader = redisReaderCreate();
    must(write(liar->real, command, len) == (ssize_t)len);
    while (reply == NULL) {
        ssize_t got = read(liar->real, out + used, out_size - used);
        must(got > 0);
        must(redisReaderFeed(reader, out + used, (size_t)got) == REDIS_OK);
        must(redisReaderGetReply(reader, &reply) == REDIS_OK);
        used += (size_t)got;
    }
    freeReplyObject(reply);
    redisReaderFree(reader);
    return used;
}

static inline void liar_hang_up(struct liar *liar)
{
    close(liar->peer);
    close(liar->real);
    liar->peer = liar->real = -1;
}

static inline void liar_lie(struct liar *liar, const struct lie *lie, const char *reply, size_t len)
{
    static char much[1 << 20];
    if (lie->how == LIE_TEXT) {
        liar_say(liar, lie->text, strlen(lie->text));
    } else if (lie->how == LIE_HALF) {
        liar_say(liar, reply, len / 2);
        liar_hang_up(liar);
    } else if (lie->how == LIE_LATE) {
        redis_server_pause_ms(LATE_MS);
        liar_say(liar, reply, len);
    } else if (lie->how == LIE_HUGE) {
        liar_say(liar, "$20000000\r\n", 11);
        for (int i = 0; i < 18; ++i)
            liar_say(liar, much, sizeof(much));
    } else {
        liar_hang_up(liar);
    }
}

static inline void liar_pass(struct liar *liar, const char *command, size_t len)
{
    static char reply[1 << 20];
    const char *about = atomic_load(&liar->about);
    int which = atomic_load(&liar->lie);
    const struct lie *lie =
        which >= 0 && about != NULL && memmem(command, len, about, strlen(about)) != NULL
            ? &lies[which]
            : NULL;
    size_t reply_len = 0;
    if (lie == NULL || lie->done)
        reply_len = liar_ask(liar, command, len, reply, sizeof(reply));
    if (lie == NULL) {
        liar_say(liar, reply, reply_len);
        return;
    }
    atomic_store(&liar->lie, -1);
    liar_lie(liar, lie, reply, reply_len);
    atomic_fetch_add(&liar->told, 1);
}

/* The length of the command that begins at `bytes`; 0: it is not whole yet. */
static inline size_t liar_command(const char *bytes, size_t len)
{
    const char *end = memchr(bytes, '\n', len);
    if (end == NULL)
        return 0;
    size_t at = (size_t)(end - bytes) + 1;
    for (long words = strtol(bytes + 1, NULL, 10); words > 0; --words) {
        end = at < len ? memchr(bytes + at, '\n', len - at) : NULL;
        if (end == NULL)
            return 0;
        long word = strtol(bytes + at + 1, NULL, 10);
        at = (size_t)(end - bytes) + 1 + (size_t)word + 2;
        if (at > len)
            return 0;
    }
    return at;
}

static inline void liar_serve(struct liar *liar)
{
    static char bytes[1 << 20];
    size_t held = 0;
    while (liar->peer >= 0 && !atomic_load(&liar->over)) {
        struct pollfd waits = {.fd = liar->peer, .events = POLLIN};
        if (poll(&waits, 1, 10) == 0)
            continue;
        ssize_t got = read(liar->peer, bytes + held, sizeof(bytes) - held);
        if (got <= 0)
            break;
        held += (size_t)got;
        for (size_t len; liar->peer >= 0 && (len = liar_command(bytes, held)) > 0;) {
            liar_pass(liar, bytes, len);
            held -= len;
            memmove(bytes, bytes + len, held);
        }
    }
    if (liar->peer >= 0)
        liar_hang_up(liar);
}

static inline void *liar_run(void *arg)
{
    struct liar *liar = arg;
    while (!atomic_load(&liar->over)) {
        struct pollfd waits = {.fd = liar->door, .events = POLLIN};
        if (poll(&waits, 1, 10) == 0)
            continue;
        liar->peer = accept(liar->door, NULL, NULL);
        redisContext *real = redisConnectUnix(liar->real_path);
        must(liar->peer >= 0 && real != NULL && real->err == 0);
        liar->real = dup(real->fd);
        redisFree(real);
        liar_serve(liar);
    }
    return NULL;
}

static inline void liar_start(struct liar *liar, const struct redis_server *server)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    *liar = (struct liar){.peer = -1, .real = -1};
    snprintf(liar->real_path, sizeof(liar->real_path), "%s", server->path);
    atomic_store(&liar->lie, -1);
    snprintf(liar->path, sizeof(liar->path), "%s/liar", server->dir);
    snprintf(name.sun_path, sizeof(name.sun_path), "%s", liar->path);
    liar->door = socket(AF_UNIX, SOCK_STREAM, 0);
    must(bind(liar->door, (struct sockaddr *)&name, sizeof(name)) == 0);
    must(listen(liar->door, 8) == 0);
    must(pthread_create(&liar->thread, NULL, liar_run, liar) == 0);
}

static inline void liar_stop(struct liar *liar)
{
    atomic_store(&liar->over, true);
    pthread_join(liar->thread, NULL);
    close(liar->door);
    unlink(liar->path);
}

/* The next command with `about` in it is lied about. */
static inline void liar_will(struct liar *liar, unsigned lie, const char *about)
{
    atomic_store(&liar->about, about);
    atomic_store(&liar->lie, (int)lie);
}

#endif
