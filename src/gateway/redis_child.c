#include "gateway/redis_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/socket.h"

enum { START_MS_MAX = 10000, STOP_MS_MAX = 10000, POLL_MS = 10, AGAIN_MS = 1000 };

/* noeviction: any other policy silently deletes holds (metering.md 10). */
#define CONFIG_TEXT                  \
    "port 0\n"                       \
    "unixsocket redis.sock\n"        \
    "unixsocketperm 600\n"           \
    "dir .\n"                        \
    "daemonize no\n"                 \
    "appendonly yes\n"               \
    "appendfsync everysec\n"         \
    "no-appendfsync-on-rewrite no\n" \
    "save \"\"\n"                    \
    "maxmemory-policy noeviction\n"  \
    "loglevel warning\n"             \
    "logfile redis.log\n"

static bool say(char *error, size_t error_size, const char *what, const char *path)
{
    snprintf(error, error_size, "the embedded store: %s %s: %s", what, path, strerror(errno));
    return false;
}

static bool write_config(const struct redis_child *child, char *error, size_t error_size)
{
    char path[PATH_MAX + 32];

    snprintf(path, sizeof(path), "%s/redis.conf", child->folder);
    const struct span text = SPAN_OF(CONFIG_TEXT);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return say(error, error_size, "cannot write", path);
    bool written = write(fd, text.ptr, text.len) == (ssize_t)text.len;
    if (close(fd) != 0 || !written)
        return say(error, error_size, "cannot write", path);
    return true;
}

static void nap(void)
{
    struct timespec pause = {0, POLL_MS * 1000000L};
    nanosleep(&pause, NULL);
}

/* The server holds this lock as well, by inheriting the descriptor: one that outlives a killed
 * gateway still writes its file, and removes the socket when it ends. The next must wait for it. */
static bool take_lock(struct redis_child *child, char *error, size_t error_size)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/lock", child->folder);
    child->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (child->lock < 0)
        return say(error, error_size, "cannot open", path);
    uint64_t until = clock_monotonic_ms() + STOP_MS_MAX;
    for (bool told = false; flock(child->lock, LOCK_EX | LOCK_NB) != 0; told = true) {
        if (!told)
            log_say(child->log, LOG_NOTICE, "store-awaited",
                    "the store of the run before has not ended yet");
        if ((errno != EWOULDBLOCK && errno != EINTR) || clock_monotonic_ms() > until)
            return say(error, error_size, "a redis-server of the run before still has", path);
        nap();
    }
    return true;
}

/* Between fork and exec only async-signal-safe calls. The child dies with the gateway, whatever
 * ended it; PR_SET_PDEATHSIG is bound to the thread that forks, which is the main one. */
static void run_server(const struct redis_child *child, pid_t gateway)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != gateway)
        _exit(127);                 /* it was gone before the signal was asked for */
    fcntl(child->lock, F_SETFD, 0); /* the one descriptor it is given */
    setpgid(0, 0); /* a Ctrl-C at the terminal is for the gateway, which stops it in order */
    if (chdir(child->folder) == 0)
        execlp("redis-server", "redis-server", "redis.conf", (char *)NULL);
    _exit(127);
}

static bool spawn(struct redis_child *child)
{
    pid_t gateway = getpid();
    pid_t pid = fork();
    if (pid == 0)
        run_server(child, gateway);
    child->pid = pid > 0 ? pid : 0;
    child->started_at = clock_monotonic_ms();
    return pid > 0;
}

static bool answers(const struct redis_child *child)
{
    char text[PATH_MAX + 8];
    char why[128];
    struct address address;
    snprintf(text, sizeof(text), "unix:%s", child->socket);
    if (!address_parse(&address, span_text(text), why, sizeof(why)))
        return false;
    int fd = socket_connect(&address);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

static bool has_ended(struct redis_child *child)
{
    if (child->pid == 0)
        return true;
    if (waitpid(child->pid, NULL, WNOHANG) != child->pid)
        return false;
    child->pid = 0;
    return true;
}

bool redis_child_start(struct redis_child *child, const char *state_dir, const struct log *log,
                       char *error, size_t error_size)
{
    *child = (struct redis_child){.log = log, .lock = -1};
    snprintf(child->folder, sizeof(child->folder), "%s/redis", state_dir);
    int len = snprintf(child->socket, sizeof(child->socket), "%s/redis.sock", child->folder);
    if (len > 107) { /* sun_path of unix(7) */
        snprintf(error, error_size, "state_dir: %s is too long for a UNIX socket in it", state_dir);
        return false;
    }
    if (mkdir(child->folder, 0700) != 0 && errno != EEXIST)
        return say(error, error_size, "cannot make", child->folder);
    if (!take_lock(child, error, error_size) || !write_config(child, error, error_size))
        return false;
    unlink(child->socket); /* of a run before: nobody answers there, and we own the folder */
    if (!spawn(child))
        return say(error, error_size, "cannot start", "redis-server");
    uint64_t until = child->started_at + START_MS_MAX;
    while (!answers(child)) {
        if (has_ended(child)) {
            snprintf(error, error_size,
                     "the embedded store: redis-server did not start: is it installed? see "
                     "%s/redis.log",
                     child->folder);
            return false;
        }
        if (clock_monotonic_ms() > until) {
            redis_child_stop(child);
            snprintf(error, error_size, "the embedded store: no answer on %s within %d s",
                     child->socket, START_MS_MAX / 1000);
            return false;
        }
        nap();
    }
    return true;
}

void redis_child_supervise(struct redis_child *child)
{
    if (child->folder[0] == '\0' || !has_ended(child))
        return;
    if (clock_monotonic_ms() - child->started_at < AGAIN_MS)
        return;
    ++child->deaths;
    log_say(child->log, LOG_ERROR, "store-died", "redis-server ended; starting it again (%u)",
            child->deaths);
    if (!spawn(child))
        log_say(child->log, LOG_ERROR, "store-died", "redis-server cannot be started");
}

static void end(struct redis_child *child)
{
    kill(child->pid, SIGTERM);
    uint64_t until = clock_monotonic_ms() + STOP_MS_MAX;
    while (!has_ended(child)) {
        if (clock_monotonic_ms() > until) {
            kill(child->pid, SIGKILL);
            waitpid(child->pid, NULL, 0);
            break;
        }
        nap();
    }
    child->pid = 0;
}

void redis_child_stop(struct redis_child *child)
{
    if (child->folder[0] == '\0')
        return; /* never started */
    if (child->pid != 0)
        end(child);
    if (child->lock >= 0)
        close(child->lock);
    child->lock = -1;
}
