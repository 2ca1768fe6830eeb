#include "io/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4096, HOST_MAX = INET6_ADDRSTRLEN };

static bool say(char *error, size_t error_size, struct span text, const char *what)
{
    int shown = text.len < 150 ? (int)text.len : 150;
    snprintf(error, error_size, "\"%.*s\": %s", shown, text.len > 0 ? text.ptr : "", what);
    return false;
}

static bool parse_unix(struct address *address, struct span path)
{
    struct sockaddr_un *to = (struct sockaddr_un *)&address->storage;
    if (path.len == 0 || path.ptr[0] != '/' || path.len >= sizeof(to->sun_path) ||
        span_find(path, '\0') != path.len)
        return false;
    to->sun_family = AF_UNIX;
    memcpy(to->sun_path, path.ptr, path.len);
    address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
    return true;
}

static bool parse_host(struct address *address, struct span host, bool is_ipv6, uint16_t port)
{
    char text[HOST_MAX];
    if (host.len == 0 || host.len >= sizeof(text) || span_find(host, '\0') != host.len)
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    if (is_ipv6) {
        struct sockaddr_in6 *to = (struct sockaddr_in6 *)&address->storage;
        to->sin6_family = AF_INET6;
        to->sin6_port = htons(port);
        address->len = sizeof(*to);
        return inet_pton(AF_INET6, text, &to->sin6_addr) == 1;
    }
    struct sockaddr_in *to = (struct sockaddr_in *)&address->storage;
    to->sin_family = AF_INET;
    to->sin_port = htons(port);
    address->len = sizeof(*to);
    return inet_pton(AF_INET, text, &to->sin_addr) == 1;
}

bool address_parse(struct address *address, struct span text, char *error, size_t error_size)
{
    *address = (struct address){0};
    if (span_starts(text, SPAN_OF("unix:")))
        return parse_unix(address, span_from(text, 5)) ||
               say(error, error_size, text, "a path from / on with at most 107 bytes is needed");

    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':')
        --colon;
    uint64_t port;
    if (colon == 0 || !span_to_u64(span_from(text, colon), 65535, &port))
        return say(error, error_size, text, "a port from 0 to 65535 is needed behind the last ':'");
    struct span host = span_of(text.ptr, colon - 1);
    bool is_ipv6 = host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (is_ipv6)
        host = span_of(host.ptr + 1, host.len - 2);
    return parse_host(address, host, is_ipv6, (uint16_t)port) ||
           say(error, error_size, text,
               "an IPv4 address, an IPv6 address in [], or unix:/path is needed");
}

const char *address_text(const struct address *address, bool with_port, char *out)
{
    char host[HOST_MAX] = "";
    switch (address->storage.ss_family) {
    case AF_UNIX: {
        const struct sockaddr_un *from = (const struct sockaddr_un *)&address->storage;
        size_t held = address->len > offsetof(struct sockaddr_un, sun_path)
                          ? address->len - offsetof(struct sockaddr_un, sun_path)
                          : 0; /* a peer that is not bound has no path at all */
        snprintf(out, ADDRESS_TEXT_MAX, "unix:%.*s", (int)held, from->sun_path);
        break;
    }
    case AF_INET6: {
        const struct sockaddr_in6 *from = (const struct sockaddr_in6 *)&address->storage;
        inet_ntop(AF_INET6, &from->sin6_addr, host, sizeof(host));
        if (with_port)
            snprintf(out, ADDRESS_TEXT_MAX, "[%s]:%u", host, ntohs(from->sin6_port));
        else
            snprintf(out, ADDRESS_TEXT_MAX, "%s", host);
        break;
    }
    case AF_INET: {
        const struct sockaddr_in *from = (const struct sockaddr_in *)&address->storage;
        inet_ntop(AF_INET, &from->sin_addr, host, sizeof(host));
        if (with_port)
            snprintf(out, ADDRESS_TEXT_MAX, "%s:%u", host, ntohs(from->sin_port));
        else
            snprintf(out, ADDRESS_TEXT_MAX, "%s", host);
        break;
    }
    default:
        snprintf(out, ADDRESS_TEXT_MAX, "?");
    }
    return out;
}

static int open_socket(const struct address *address)
{
    return socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int close_keeping_errno(int fd)
{
    int kept = errno;
    close(fd);
    errno = kept;
    return -1;
}

static bool set(int fd, int level, int name)
{
    int on = 1;
    return setsockopt(fd, level, name, &on, sizeof(on)) == 0;
}

/* Takes away a socket file behind which nobody listens; 0, or errno. */
static int remove_stale(const struct address *address)
{
    const char *path = ((const struct sockaddr_un *)&address->storage)->sun_path;
    struct stat found;
    if (lstat(path, &found) != 0)
        return errno == ENOENT ? 0 : errno;
    if (!S_ISSOCK(found.st_mode))
        return EEXIST;
    int probe = open_socket(address);
    if (probe < 0)
        return errno;
    int failed = connect(probe, (const struct sockaddr *)&address->storage, address->len);
    int why = failed != 0 ? errno : 0;
    close(probe);
    if (why != ECONNREFUSED)
        return EADDRINUSE; /* it answered, or its queue is full: somebody is there */
    return unlink(path) == 0 ? 0 : errno;
}

static bool prepare(int fd, const struct address *address, bool share)
{
    switch (address->storage.ss_family) {
    case AF_UNIX: {
        /* On Linux the file bind() makes takes its mode from the descriptor: there is no moment
         * in which it is open to others. */
        if (fchmod(fd, 0600) != 0)
            return false;
        int why = remove_stale(address);
        errno = why;
        return why == 0;
    }
    case AF_INET6:
        if (!set(fd, IPPROTO_IPV6, IPV6_V6ONLY))
            return false;
        break;
    default:
        break;
    }
    return set(fd, SOL_SOCKET, SO_REUSEADDR) && (!share || set(fd, SOL_SOCKET, SO_REUSEPORT));
}

int socket_listen(const struct address *address, bool share, char *error, size_t error_size)
{
    int fd = open_socket(address);
    if (fd >= 0 && (!prepare(fd, address, share) ||
                    bind(fd, (const struct sockaddr *)&address->storage, address->len) != 0 ||
                    listen(fd, BACKLOG) != 0))
        fd = close_keeping_errno(fd);
    if (fd < 0) {
        char text[ADDRESS_TEXT_MAX];
        char why[128] = "";
        int unknown = strerror_r(errno, why, sizeof(why));
        (void)unknown; /* it writes a sentence then, too */
        snprintf(error, error_size, "cannot listen on %s: %s", address_text(address, true, text),
                 why);
    }
    return fd;
}

int socket_connect(const struct address *address)
{
    int fd = open_socket(address);
    if (fd < 0)
        return -1;
    if (address->storage.ss_family != AF_UNIX && !set(fd, IPPROTO_TCP, TCP_NODELAY))
        return close_keeping_errno(fd);
    if (connect(fd, (const struct sockaddr *)&address->storage, address->len) != 0 &&
        errno != EINPROGRESS)
        return close_keeping_errno(fd);
    return fd;
}

bool socket_local(int fd, struct address *out)
{
    *out = (struct address){.len = sizeof(out->storage)};
    return getsockname(fd, (struct sockaddr *)&out->storage, &out->len) == 0;
}
