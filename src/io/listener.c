#define _GNU_SOURCE /* accept4() */
#include "io/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"

enum { ACCEPTS_MAX = 64, REST_MS = 100 };

struct listener {
    struct loop *loop;
    int fd;
    bool closed;
    void (*note_accept)(void *owner, int fd, const struct address *peer);
    void *owner;
    struct event event;
    struct timer rest;
    struct grave grave;
};

enum accepted { ACCEPTED, ACCEPT_SKIPPED, ACCEPT_NONE, ACCEPT_SHORT };

static enum accepted why_not(int why)
{
    switch (why) {
    case EAGAIN:
        return ACCEPT_NONE;
    case ECONNABORTED: /* the peer left before it was taken, or its network failed: accept(2) */
    case EINTR:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
        return ACCEPT_SKIPPED;
    default: /* EMFILE, ENFILE, ENOBUFS, ENOMEM; and what nobody foresaw must not spin either */
        return ACCEPT_SHORT;
    }
}

static enum accepted accept_one(struct listener *listener)
{
    struct address peer = {.len = sizeof(peer.storage)};
    int fd = accept4(listener->fd, (struct sockaddr *)&peer.storage, &peer.len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return why_not(errno);
    if (peer.storage.ss_family != AF_UNIX) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* fails on a dead peer only */
    }
    listener->note_accept(listener->owner, fd, &peer);
    return ACCEPTED;
}

static void note_readable(evutil_socket_t fd, short what, void *arg)
{
    struct listener *listener = arg;
    for (unsigned i = 0; i < ACCEPTS_MAX && !listener->closed; ++i)
        switch (accept_one(listener)) {
        case ACCEPTED:
        case ACCEPT_SKIPPED:
            continue;
        case ACCEPT_SHORT:
            /* The queue stays readable: without a rest this would spin. */
            event_del(&listener->event);
            timer_set(&listener->rest, loop_now(listener->loop) + REST_MS);
            return;
        case ACCEPT_NONE:
            return;
        }
}

static void note_rested(void *owner)
{
    struct listener *listener = owner;
    must(event_add(&listener->event, NULL) == 0);
}

struct listener *listener_open(struct loop *loop, int fd,
                               void (*note_accept)(void *owner, int fd, const struct address *peer),
                               void *owner)
{
    struct listener *listener = alloc_zeroed(sizeof(*listener));
    listener->loop = loop;
    listener->fd = fd;
    listener->note_accept = note_accept;
    listener->owner = owner;
    timer_init(&listener->rest, loop, note_rested, listener);
    must(event_assign(&listener->event, loop_base(loop), fd, EV_READ | EV_PERSIST, note_readable,
                      listener) == 0);
    must(event_add(&listener->event, NULL) == 0);
    return listener;
}

void listener_close(struct listener *listener)
{
    listener->closed = true;
    event_del(&listener->event);
    timer_fini(&listener->rest);
    close(listener->fd);
    loop_bury(listener->loop, &listener->grave, free, listener);
}
