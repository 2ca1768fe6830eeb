/* The folder that makes a process this gateway: its lock, its id, and the number of this run.
 * It owns the lock until it is closed. It never lets two processes be one gateway. */
#ifndef CALLERS_STATEDIR_H
#define CALLERS_STATEDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/must.h"
#include "base/span.h"

enum { GATEWAY_ID_CHARS = 20, EPOCH_MAX = 1 << 23 };

struct statedir {
    int fd; /* of the folder */
    int lock_fd;
    uint64_t epoch;
    char gateway_id[GATEWAY_ID_CHARS + 1];
};

/* Takes the lock, reads or makes the id, counts the epoch on. False and a sentence. */
MUST_USE bool statedir_open(struct statedir *statedir, const char *dir, char *error,
                            size_t error_size);
void statedir_close(struct statedir *statedir);

/* The file `name` of the folder `dir`, as far as `size` bytes go; how many, or -1 and errno. */
ssize_t statedir_read(int dir, const char *name, char *out, size_t size);
/* Replaces it: whole, or as it was before. For its owner alone (mode 0600). */
MUST_USE bool statedir_write(int dir, const char *name, struct span bytes);

#endif
