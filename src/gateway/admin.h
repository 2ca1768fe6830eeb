/* The operators' side: health, metrics, accounts, keys and views, as JSON over HTTP on a UNIX
 * socket. It owns its listening descriptor, its connections and its requests. It never asks for a
 * credential (the socket's mode is the credential), never shows a secret but a new key's once, and
 * never waits: every change is asked of callers/accounts and answered when that answers. */
#ifndef GATEWAY_ADMIN_H
#define GATEWAY_ADMIN_H

#include "base/log.h"
#include "base/stats.h"
#include "callers/accounts.h"
#include "callers/signer.h"
#include "exchange/exchange.h"
#include "workers/pools.h"

struct admin;

enum {
    ADMIN_CONNECTIONS_MAX = 64,   /* one more is told 503 and closed */
    ADMIN_REQUESTS_MAX = 64,      /* at work; one more is answered 503 */
    ADMIN_BODY_MAX = 65536,       /* of a request; one byte more is 413 */
    ADMIN_REQUEST_MS_MAX = 30000, /* body and answer together; then 408 or 503 */
    ADMIN_LANES_MAX = 256,
    ADMIN_EXCHANGES_SHOWN_MAX = 1000
};

/* All lent, of lane 0. The accounts go first (accounts_free(), then admin_close()): their answers
 * name the admin. The others live longer than it. */
struct admin_parts {
    struct accounts *accounts;
    struct signer *signer; /* NULL: there are no receipt keys */
    struct pools *pools;
    struct site *site;
    const struct log *log;   /* every change gets a line; views get none */
    uint32_t request_ms_max; /* 0: ADMIN_REQUEST_MS_MAX */
    /* Copies the counters' places of all lanes that run, at most `lanes_max`; how many. */
    unsigned (*lanes)(void *owner, const struct stats **out, unsigned lanes_max);
    const struct attester *attester; /* its counters stand beside the lanes'; NULL: none */
    /* NULL when calls can be taken; else a sentence that says why not, good until the next call. */
    const char *(*why_not_ready)(void *owner);
    /* An operator says that the store may be gone on with, though it lost what it acknowledged.
     * `was` is set to whether that was needed. False when the disk does not take the note. */
    bool (*accept_store)(void *owner, bool *was);
    void *owner;
};

/* Owns `listening_fd`. `parts` is copied. */
struct admin *admin_open(struct loop *loop, int listening_fd, const struct admin_parts *parts);
/* No new connections; requests under way are answered. */
void admin_drain(struct admin *admin);
/* Connections now: 0 is the end of a drain. */
unsigned admin_connections(const struct admin *admin);
void admin_close(struct admin *admin); /* at once; after accounts_free() */

#endif
