/* A listening descriptor on a loop: hands over accepted descriptors.
 * It owns its descriptor. It never spins when descriptors run out: it rests for 100 ms. */
#ifndef IO_LISTENER_H
#define IO_LISTENER_H

#include "io/loop.h"
#include "io/socket.h"

struct listener;

/* `note_accept` owns `fd` (non-blocking, close-on-exec, TCP_NODELAY). At most 64 a turn. */
struct listener *listener_open(struct loop *loop, int fd,
                               void (*note_accept)(void *owner, int fd, const struct address *peer),
                               void *owner);
void listener_close(struct listener *listener);

#endif
