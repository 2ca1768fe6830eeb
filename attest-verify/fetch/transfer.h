/* One GET after the other from one endpoint, within one deadline.
 * Owns the libcurl handle, and what a reply holds until fetch_reply_fini().
 * Never follows a redirection, uses a proxy of the environment, or takes more than 2 MiB. */
#ifndef FETCH_TRANSFER_H
#define FETCH_TRANSFER_H

#include "attest_verify.h"

#include <curl/curl.h>
#include <stdatomic.h>

enum { REPLY_BODY_BYTES_MAX = 2 * 1024 * 1024, REPLY_HEAD_BYTES_MAX = 128 * 1024 };

struct reply {
    uint8_t *body;
    size_t len;
    char *chain; /* PEM, decoded from its field; NULL when there is none */
};
void fetch_reply_fini(struct reply *reply);

struct transfer {
    CURL *easy;
    const atomic_bool *cancelled; /* lent */
    int64_t deadline_ms;          /* monotonic */
    unsigned connect_ms;
    const char *ca_file; /* lent; or NULL */
    bool is_unreached;   /* by one GET at least: no answer came, or not in time */
};

bool transfer_init(struct transfer *transfer, const atomic_bool *cancelled, unsigned connect_ms,
                   unsigned whole_ms, const char *ca_file);
void transfer_fini(struct transfer *transfer);

/* A body with status 200, and the PEM chain in the one field of `fields` (two names of one thing;
 * NULL when none is expected). False, and in `error` what came instead. */
bool transfer_get(struct transfer *transfer, const char *url, const char *const fields[2],
                  struct reply *reply, char *error, size_t error_size);

#endif
