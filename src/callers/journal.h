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

/* Opens `<dir>/journal`, taking `<dir>/lock`; NULL and a sentence when another process has it, the
 * disk refuses, or the file is damaged anywhere but at its torn end. Entries not acknowledged by
 * the process before are kept for journal_replay(). Shared by lanes: its functions may be called
 * from any thread. `bytes_max` bounds what is not acknowledged; 0: 64 MiB. */
struct journal *journal_open(const char *dir, size_t bytes_max, char *error, size_t error_size);
void journal_close(struct journal *journal);
/* Bytes of an entry torn by a crash that journal_open() cut off: worth a notice when above 0. No
 * caller saw the end of that call, so nothing is owed for it beyond its checkpoint. */
size_t journal_torn_bytes(const struct journal *journal);
/* The gateway's id (made once, kept in the directory) and this run's epoch (grows by one). */
const char *journal_gateway_id(const struct journal *journal);
uint64_t journal_epoch(const struct journal *journal);

/* The store was found to have lost what it acknowledged: no new call is admitted, by any lane and
 * any later run, until an operator says so. False when the disk does not take the note of it. */
MUST_USE bool journal_distrust_store(struct journal *journal, bool distrust);
bool journal_distrusts_store(const struct journal *journal);

/* One write(2). The entry's number, or 0 when full or the disk refuses. `entry` at most 4 KiB. */
uint64_t journal_write(struct journal *journal, struct span entry);
/* Acknowledgements go to the file with the next entry, or 64 together; one lost in a crash means
 * that its entry is sent once more, and found to be known. */
void journal_acknowledge(struct journal *journal, uint64_t number);
/* Whether a former run wrote that entry. */
bool journal_is_former(const struct journal *journal, uint64_t number);
/* Entries without acknowledgement, oldest first. `visit` may acknowledge. */
void journal_replay(struct journal *journal,
                    void (*visit)(void *arg, uint64_t number, struct span entry), void *arg);
size_t journal_pending(const struct journal *journal); /* entries not yet acknowledged */
/* Whether calls may still begin: an eighth of its maximum is kept for those that run already, and
 * after a write that failed none begins until the disk takes something again. */
bool journal_has_room(struct journal *journal);

#endif
