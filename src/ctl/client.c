#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

enum { READ_BYTES = 65536, HEAD_MAX = 8192 };

struct client {
    int fd;
    uint32_t ms_max;
    uint64_t deadline_ms;
    char *error;
    const char *path;
};

static bool say(struct client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool say(struct client *client, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(client->error, CLIENT_ERROR_MAX, format, args);
    va_end(args);
    return false;
}

static bool say_away(struct client *client, int why)
{
    if (why == EACCES || why == EPERM)
        return say(client,
                   "the socket %s may not be used by this user: %s\n"
                   "Run teegatectl as root or as the user that runs the gateway.",
                   client->path, strerror(why));
    return say(client,
               "no gateway answers at the socket %s: %s\n"
               "Start it (systemctl start teegate, or teegate -c FILE), or name its socket with "
               "--socket PATH\n(the key admin.socket of its configuration).",
               client->path, strerror(why));
}

/* Waits for `events` until the deadline. */
static bool wait_for(struct client *client, short events)
{
    for (;;) {
        uint64_t now = clock_monotonic_ms();
        if (now >= client->deadline_ms)
            return say(client, "the gateway at %s did not answer within %u ms.", client->path,
                       client->ms_max);
        struct pollfd pollfd = {.fd = client->fd, .events = events};
        int ready = poll(&pollfd, 1, (int)(client->deadline_ms - now));
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return say(client, "waiting for the gateway failed: %s", strerror(errno));
    }
}

static bool start(struct client *client)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(client->path);
    if (len == 0 || len >= sizeof(address.sun_path))
        return say(client, "the socket's path has %zu bytes, expected 1 to %zu.", len,
                   sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, client->path, len + 1);
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (client->fd < 0)
        return say(client, "no socket can be made: %s", strerror(errno));
    /* Connecting over UNIX sockets is at once or not at all; EAGAIN is a full queue (unix(7)). */
    while (connect(client->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        if (errno != EINTR)
            return say_away(client, errno);
    }
    return true;
}

/* Writes all of it. A peer that takes no more may have answered already, so that is no failure. */
static bool put(struct client *client, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t count = send(client->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (count >= 0)
            bytes = span_from(bytes, (size_t)count);
        else if (errno == EAGAIN && !wait_for(client, POLLOUT))
            return false;
        else if (errno == EPIPE || errno == ECONNRESET)
            return true;
        else if (errno != EAGAIN && errno != EINTR)
            return say(client, "asking the gateway at %s failed: %s", client->path,
                       strerror(errno));
    }
    return true;
}

static bool ask(struct client *client, const char *method, const char *target, struct span body)
{
    char head[HEAD_MAX];
    char length[96] = "";
    if (body.len > 0)
        snprintf(length, sizeof(length),
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.len);
    int len = snprintf(head, sizeof(head),
                       "%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: teegatectl\r\n"
                       "Accept: application/json\r\nConnection: close\r\n%s\r\n",
                       method, target, length);
    must(len > 0 && len < HEAD_MAX);
    return put(client, span_of(head, (size_t)len)) && put(client, body);
}

static bool listen_to(struct client *client, struct answer *answer)
{
    char bytes[READ_BYTES];
    while (answer->state == ANSWER_MORE) {
        if (!wait_for(client, POLLIN))
            return false;
        ssize_t count = recv(client->fd, bytes, sizeof(bytes), 0);
        if (count > 0)
            answer_feed(answer, span_of(bytes, (size_t)count));
        else if (count == 0 || errno == ECONNRESET)
            answer_end(answer);
        else if (errno != EINTR && errno != EAGAIN)
            return say(client, "reading from the gateway at %s failed: %s", client->path,
                       strerror(errno));
    }
    if (answer->state == ANSWER_BAD)
        return say(client,
                   "what answers at %s is not the gateway, or broke: %s.\n"
                   "Is another program listening there?",
                   client->path, answer->why);
    return true;
}

bool client_call(const char *socket_path, uint32_t ms_max, const char *method, const char *target,
                 struct span body, struct answer *answer, char error[CLIENT_ERROR_MAX])
{
    struct client client = {.fd = -1,
                            .ms_max = ms_max,
                            .deadline_ms = clock_monotonic_ms() + ms_max,
                            .error = error,
                            .path = socket_path};
    answer_init(answer);
    bool answered =
        start(&client) && ask(&client, method, target, body) && listen_to(&client, answer);
    if (client.fd >= 0)
        close(client.fd);
    return answered;
}
