/* The exported ledger of one gateway on disk: files `ledger-00000001.ndjson` and on, of one line an
 * entry. The first line of each names the SHA-256 of the file before, so that none can be changed
 * or taken away unseen. It owns the folder's lock and the last file. It never calls anything
 * written before it has reached the disk, and what a crash tore it cuts off. */
#ifndef CALLERS_SEGMENTS_H
#define CALLERS_SEGMENTS_H

#include "callers/ledger_line.h"

struct segments;

struct segments_options {
    const char *dir;        /* made when it is missing, and its `gateway` in it */
    const char *gateway;    /* id: the folder of this gateway in `dir` */
    uint64_t segment_bytes; /* a file at or above it is followed by the next */
};

/* Calls `visit` for every entry of the last file. NULL and a sentence when the folder cannot be
 * used, another process does, or a whole line of the last file is none of ours. */
struct segments *segments_open(const struct segments_options *options,
                               void (*visit)(void *owner, const struct ledger_line *line),
                               void *owner, char *error, size_t error_size);
void segments_close(struct segments *segments);
/* Whole lines, to the disk. False and a sentence, and nothing was written. A new file is begun
 * first when the last one is full or of another day (UTC). */
MUST_USE bool segments_write(struct segments *segments, struct span lines, int64_t now_unix_ms,
                             char *error, size_t error_size);
/* The number of the last file; 0: none was begun yet. */
uint64_t segments_number(const struct segments *segments);
/* Bytes a crash had left of a torn line, cut off when it was opened. */
uint64_t segments_torn_bytes(const struct segments *segments);

#endif
