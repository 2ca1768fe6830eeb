/* What is written when an exchange is over: one log line, and the counters.
 * It owns nothing: it is filled along the way and written once. It never holds a query string, a
 * field's value or a key. Requests refused before they became an exchange get a line too. */
#ifndef EXCHANGE_RECORD_H
#define EXCHANGE_RECORD_H

#include "base/fault.h"
#include "base/log.h"
#include "base/stats.h"
#include "rules/price.h"

enum { RECORD_ATTEMPTS_MAX = 3 };

struct record_attempt {
    char worker[64];
    enum fault fault; /* how it ended; NONE: it answered */
    char detail[320];
    uint32_t connect_ms; /* from asking the pool to having a stream */
};

struct record {
    const char *invocation; /* "" when none was made */
    const char *peer;
    const char *protocol; /* "HTTP/2", "HTTP/1.1" */
    char method[16];
    const char *cid;     /* canonical, or "" */
    const char *account; /* or "" */
    const char *key_id;
    const char *parent; /* invocation it was made by, with a token; NULL or "": none */
    const char *root;
    int status; /* sent to the caller; 0: nothing */
    enum fault fault;
    const char *outcome; /* "ok", "agent-error", or the fault's word */
    struct record_attempt attempts[RECORD_ATTEMPTS_MAX];
    unsigned attempt_count;
    struct usage usage;
    uint64_t ceiling_ucr;
    uint64_t cost_ucr;
    bool charged; /* false: settling still unknown, or nothing was held */
    /* ms since the head was read; 0: not reached */
    uint32_t auth_ms;
    uint32_t hold_ms;
    uint32_t first_byte_ms;
    uint32_t total_ms;
};

void record_write(const struct record *record, const struct log *log, struct stats *stats);
/* A request that was malformed before anyone above http/ saw it. */
void record_bad(const struct log *log, struct stats *stats, const char *peer, const char *protocol,
                int status, const char *why);

#endif
