/* A real redis-server of a test's own: a private UNIX socket in a temporary folder, no TCP port.
 * It owns the process and the folder. The server never outlives the test's process. */
#ifndef REDIS_SERVER_H
#define REDIS_SERVER_H

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"

struct redis_server {
    char dir[64];
    char path[80]; /* of the socket */
    pid_t pid;
};

static inline void redis_server_pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* "always": what was answered is in the file whatever comes next. With "everysec" a slow fsync
 * keeps answered writes in memory, and a mere kill -9 loses them (metering.md 3.3): that takes the
 * replay of acknowledged operations, which is not what these tests are about. */
#ifndef REDIS_SERVER_FSYNC
#define REDIS_SERVER_FSYNC "always"
#endif

/* Starts the process and waits until it answers; what an append-only file holds is there again. */
static inline void redis_server_run(struct redis_server *server)
{
    pid_t parent = getpid();
    server->pid = fork();
    must(server->pid >= 0);
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent || chdir(server->dir) != 0)
            _exit(126);
        int quiet = open("server.log", O_CREAT | O_APPEND | O_WRONLY, 0600);
        dup2(quiet, STDOUT_FILENO);
        dup2(quiet, STDERR_FILENO);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", "socket", "--save",
               "", "--appendonly", "yes", "--appendfsync", REDIS_SERVER_FSYNC, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 1000; ++i) {
        redisContext *try = redisConnectUnix(server->path);
        redisReply *reply = try != NULL && try->err == 0 ? redisCommand(try, "PING") : NULL;
        bool up = reply != NULL && reply->type == REDIS_REPLY_STATUS;
        if (reply != NULL)
            freeReplyObject(reply);
        if (try != NULL)
            redisFree(try);
        if (up)
            return;
        must(waitpid(server->pid, NULL, WNOHANG) == 0); /* no redis-server in PATH? */
        redis_server_pause_ms(10);
    }
    must(!"redis-server did not come up");
}

static inline void redis_server_start(struct redis_server *server)
{
    snprintf(server->dir, sizeof(server->dir), P_tmpdir "/teegate-test-XXXXXX");
    must(mkdtemp(server->dir) != NULL);
    snprintf(server->path, sizeof(server->path), "%s/socket", server->dir);
    redis_server_run(server);
}

static inline void redis_server_kill(struct redis_server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    unlink(server->path);
}

static inline void redis_server_stop(struct redis_server *server)
{
    redis_server_kill(server);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", server->dir, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

static inline redisContext *redis_server_connect(const struct redis_server *server)
{
    redisContext *redis = redisConnectUnix(server->path);
    must(redis != NULL && redis->err == 0);
    return redis;
}

#endif
