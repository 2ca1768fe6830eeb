/* A redis-server of a test's own or a scripted one, one client, and turns until something is so.
 * It owns the process, the folder and the loop. It never waits longer than peers.h does. */
#ifndef REDIS_HALL_H
#define REDIS_HALL_H

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "io/redis.h"
#include "unit/io/peers.h"

/* A real redis-server in a folder of its own, and one client. */
struct store {
    struct hall hall;
    char folder[64]; /* not in the build's: a UNIX path has 107 bytes at most */
    char path[80];
    pid_t child;
    int door; /* instead of a child: a scripted server's listener */
    int peer; /* and its connection */
    struct redis *redis;
    struct redis_options options;
    unsigned ups, downs;
    bool close_at_answer;
    char story[4096]; /* every answer, as text */
    unsigned answers;
    uint64_t last_id;
};

static inline void note_up(void *owner)
{
    ++((struct store *)owner)->ups;
}

static inline void note_down(void *owner)
{
    struct store *store = owner;
    ++store->downs;
    ck_assert(!redis_is_up(store->redis));
}

static const struct redis_events events = {note_up, note_down, NULL};

static inline void tell(struct store *store, const char *text)
{
    size_t len = strlen(store->story);
    snprintf(store->story + len, sizeof(store->story) - len, "%s%.60s", len > 0 ? " " : "", text);
}

static inline void note_answer(void *owner, uint64_t id, const struct redisReply *reply)
{
    struct store *store = owner;
    char number[32];
    ++store->answers;
    store->last_id = id;
    if (store->close_at_answer && store->redis != NULL) {
        struct redis *redis = store->redis;
        store->redis = NULL;
        redis_close(redis);
    }
    if (reply == NULL) {
        tell(store, "NULL");
    } else if (reply->type == REDIS_REPLY_INTEGER) {
        snprintf(number, sizeof(number), "%lld", reply->integer);
        tell(store, number);
    } else if (reply->type == REDIS_REPLY_ARRAY) {
        snprintf(number, sizeof(number), "[%u]", (unsigned)reply->elements);
        tell(store, number);
    } else {
        tell(store, reply->str != NULL ? reply->str : "nil");
    }
}

static inline void server_start(struct store *store, const char *password)
{
    fflush(NULL);
    store->child = fork();
    ck_assert_int_ge(store->child, 0);
    if (store->child == 0) {
        int nothing = open("/dev/null", O_RDWR);
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", store->path, "--save",
               "", "--appendonly", "no", "--enable-debug-command", "yes", "--requirepass", password,
               "--dir", store->folder, (char *)NULL);
        _exit(127);
    }
}

static inline void server_kill(struct store *store)
{
    int status;
    if (store->child <= 0)
        return;
    kill(store->child, SIGKILL);
    waitpid(store->child, &status, 0);
    /* 127: redis-server is not installed, and these tests need it. */
    ck_assert_msg(!WIFEXITED(status) || WEXITSTATUS(status) != 127, "there is no redis-server");
    store->child = 0;
}

static inline void store_init(struct store *store)
{
    char text[400], error[256];
    *store = (struct store){.folder = P_tmpdir "/redis-test-XXXXXX", .door = -1, .peer = -1};
    hall_init(&store->hall, 0);
    ck_assert_ptr_nonnull(mkdtemp(store->folder));
    snprintf(store->path, sizeof(store->path), "%s/s", store->folder);
    snprintf(text, sizeof(text), "unix:%s", store->path);
    ck_assert_msg(address_parse(&store->options.address, span_text(text), error, sizeof(error)),
                  "%s", error);
}

static inline void store_open(struct store *store)
{
    store->redis = redis_open(store->hall.loop, &store->options, &events, store);
}

/* With a server, up. */
static inline void store_start(struct store *store)
{
    store_init(store);
    server_start(store, "");
    store_open(store);
    HALL_UNTIL(&store->hall, redis_is_up(store->redis));
}

static inline void store_fini(struct store *store)
{
    if (store->redis != NULL)
        redis_close(store->redis);
    server_kill(store);
    if (store->door >= 0)
        close(store->door);
    if (store->peer >= 0)
        close(store->peer);
    unlink(store->path);
    ck_assert_int_eq(rmdir(store->folder), 0);
    hall_fini(&store->hall);
}

static inline bool ask_by(struct store *store, const char *line, uint64_t id, uint64_t wait_ms)
{
    struct span words[16];
    unsigned count = 0;
    struct span left = span_text(line);
    while (left.len > 0) {
        size_t space = span_find(left, ' ');
        words[count++] = span_of(left.ptr, space);
        left = span_from(left, space + 1);
    }
    return redis_call(store->redis, words, count, loop_now(store->hall.loop) + wait_ms, note_answer,
                      store, id);
}

static inline void ask(struct store *store, const char *line)
{
    ck_assert_msg(ask_by(store, line, 0, 5000), "%s", line);
}

static inline void wait_answers(struct store *store, unsigned count)
{
    HALL_UNTIL(&store->hall, store->answers >= count);
    ck_assert_uint_eq(store->answers, count);
}

/* A server that says what the test tells it to. */
static inline void script_start(struct store *store)
{
    char error[256];
    store_init(store);
    store->door = socket_listen(&store->options.address, false, error, sizeof(error));
    ck_assert_msg(store->door >= 0, "%s", error);
    store_open(store);
}

static inline bool script_takes(struct store *store)
{
    if (store->peer >= 0)
        close(store->peer);
    store->peer = accept(store->door, NULL, NULL);
    return store->peer >= 0;
}

/* What came, up to `text` at its end. */
static inline bool script_hears(struct store *store, const char *text)
{
    static char heard[8192];
    ssize_t got = recv(store->peer, heard, sizeof(heard), MSG_PEEK | MSG_DONTWAIT);
    size_t len = strlen(text);
    if (got < (ssize_t)len || memcmp(heard + got - len, text, len) != 0)
        return false;
    recv(store->peer, heard, sizeof(heard), MSG_DONTWAIT);
    return true;
}

static inline void script_says(struct store *store, struct span text)
{
    ck_assert_int_eq(send(store->peer, text.ptr, text.len, MSG_NOSIGNAL), (ssize_t)text.len);
}

#define GREETING "SETNAME\r\n$7\r\nteegate\r\n*1\r\n$4\r\nPING\r\n"

static inline void script_greets(struct store *store)
{
    HALL_UNTIL(&store->hall, script_takes(store));
    HALL_UNTIL(&store->hall, script_hears(store, GREETING));
    script_says(store, SPAN_OF("+OK\r\n+PONG\r\n"));
    HALL_UNTIL(&store->hall, redis_is_up(store->redis));
}

#endif
