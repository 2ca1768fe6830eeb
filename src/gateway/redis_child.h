/* The embedded metering store: a private redis-server on a UNIX socket, with an append-only file.
 * It owns the process and the folder <state>/redis. It never listens on a network, and never keeps
 * a store's data anywhere but in that folder. */
#ifndef GATEWAY_REDIS_CHILD_H
#define GATEWAY_REDIS_CHILD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/log.h"
#include "base/must.h"

struct redis_child {
    char folder[PATH_MAX];
    char socket[PATH_MAX];
    int lock; /* shared with the server: free once both have ended */
    pid_t pid;
    uint64_t started_at; /* monotonic ms */
    unsigned deaths;     /* in a row, each sooner than 10 s after its start */
    const struct log *log;
};

/* Waits for the end of a former run's, 10 s at most; starts it and waits, 10 s at most, until it
 * answers on its socket. A sentence on failure. */
MUST_USE bool redis_child_start(struct redis_child *child, const char *state_dir,
                                const struct log *log, char *error, size_t error_size);
/* For SIGCHLD and once a second: notices its death, and starts it again, at most once a second. */
void redis_child_supervise(struct redis_child *child);
/* SIGTERM (it writes its file out), SIGKILL after 10 s; waits for its end. */
void redis_child_stop(struct redis_child *child);

#endif
