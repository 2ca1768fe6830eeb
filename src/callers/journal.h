/* The gateway's own record of what is owed to Redis: settles, written before the caller sees the
 * end of an answer, and acknowledged when Redis has them. It owns the file and its lock: one
 * process per state directory. It never loses an entry that was written before a crash of the
 * process, and refuses (a fault) above its maximum of bytes not yet acknowledged. */
#ifndef CALLERS_JOURNAL_H
#define CALLERS_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "base/span.h"

struct journal;

/* Opens `<dir>/journal`, taking its lock; NULL and a sentence when another process has it. Entries
 * not acknowledged by the process before are kept for journal_replay(). Shared by lanes: its
 * functions may be called from any thread. `bytes_max` default 64 MiB. */
struct journal *journal_open(const char *dir, size_t bytes_max, char *error, size_t error_size);
void journal_close(struct journal *journal);
/* The gateway's id (made once, kept in the directory) and this run's epoch (grows by one). */
const char *journal_gateway_id(const struct journal *journal);
uint64_t journal_epoch(const struct journal *journal);

/* One write(2). The entry's number, or 0 when full or the disk refuses. `entry` at most 4 KiB. */
uint64_t journal_write(struct journal *journal, struct span entry);
void journal_acknowledge(struct journal *journal, uint64_t number);
/* Entries without acknowledgement, oldest first. */
void journal_replay(struct journal *journal,
                    void (*visit)(void *arg, uint64_t number, struct span entry), void *arg);
size_t journal_pending(const struct journal *journal); /* entries not yet acknowledged */

#endif
