/* One collateral document fetched on a thread of its own, so that nobody else waits for a network.
 * It owns its thread, its fetch and what was brought back. It never touches anything of whoever
 * sent it but the mailbox it comes back to. */
#ifndef WORKERS_ERRAND_H
#define WORKERS_ERRAND_H

#include <pthread.h>

#include "fetch/fetch.h"
#include "io/mailbox.h"
#include "workers/trust.h"

struct errand {
    struct letter letter; /* posted once, when it is over */
    void *sender;         /* whoever's it is */
    /* what came of it; to be read once it is over */
    bool found;
    struct fetch_document document;
    char error[FETCH_ERROR_BYTES];
    /* its own */
    struct fetch *fetch;
    struct fetch_request request;
    struct trust *trust; /* counted: its roots are asked with */
    struct mailbox *mailbox;
    pthread_t thread;
};

/* Sends it for the document of `platform` that holds under the roots of `trust` at `now`; `renew`
 * asks the endpoints though the store has one. `read` gets its letter. NULL and a sentence when
 * store or endpoints cannot be used. */
struct errand *errand_send(const struct fetch_options *options, struct trust *trust,
                           const struct attest_platform *platform, int64_t now, bool renew,
                           struct mailbox *mailbox,
                           void (*read)(struct letter *letter, void *owner), void *sender,
                           char *error, size_t error_size);
/* It fails within about a second; its letter comes all the same. */
void errand_cancel(struct errand *errand);
/* Once its letter has come, or after errand_cancel() with nobody reading letters: waits for its
 * thread, and frees it. */
void errand_end(struct errand *errand);

#endif
