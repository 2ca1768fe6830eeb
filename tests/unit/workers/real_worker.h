/* A worker on a thread of its own: real TLS, real HTTP, a certificate from a folder.
 * It owns its thread, loop and listener. It counts what reaches it, and answers "hello". */
#ifndef UNIT_WORKERS_REAL_WORKER_H
#define UNIT_WORKERS_REAL_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct real_worker;

/* On a free port of 127.0.0.1. `dumb`: it speaks TLS only, and counts bytes. */
struct real_worker *real_worker_start(const char *certificate, const char *key, bool dumb);
unsigned real_worker_port(const struct real_worker *worker);
unsigned real_worker_conns(struct real_worker *worker);    /* accepted */
unsigned real_worker_ended(struct real_worker *worker);    /* gone by the gateway's doing */
unsigned real_worker_requests(struct real_worker *worker); /* heads that were whole */
unsigned real_worker_bytes(struct real_worker *worker);    /* of a dumb one: after TLS */
void real_worker_stop(struct real_worker *worker);

#endif
