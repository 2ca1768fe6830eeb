/* One HTTP connection on fakes, fed with whatever a fuzzer thinks of; requests are answered, and
 * answers taken, by a user that checks what http/ promises.
 * It owns nothing between two runs. It never lets a broken promise pass: it aborts. */
#ifndef HTTP_FUZZ_H
#define HTTP_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "io/conn.h"

/* What was seen, so that two ways of feeding the same bytes can be compared. */
struct fuzz_seen {
    uint64_t digest; /* of all messages that were shown */
    unsigned shown;
    unsigned bad;
    int status; /* of the last refusal */
    bool ended;
};

/* Towards callers. `chop`: at most so many bytes a read; 0: all. */
struct fuzz_seen fuzz_serve(const uint8_t *bytes, size_t count, enum conn_alpn alpn, size_t chop);
/* Towards a worker: one request is sent, then `bytes` and the end come. */
struct fuzz_seen fuzz_ask(const uint8_t *bytes, size_t count, enum conn_alpn alpn, size_t chop);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

#endif
