/* The files of an exported ledger, read one after the other, as callers/segments wrote them.
 * It owns nothing beyond a call. It never trusts a file: its number, its head, the SHA-256 its
 * follower names and every line are looked at, and what is wrong is said, with file and line. */
#ifndef CTL_LEDGER_FOLDER_H
#define CTL_LEDGER_FOLDER_H

#include "callers/ledger_line.h"

/* What reading it says. */
struct ledger_reader {
    void (*entry)(void *owner, const struct ledger_line *line);
    /* A sentence on something that is wrong with a file. */
    void (*problem)(void *owner, const char *sentence);
    void *owner;
    /* counted while it is read */
    uint64_t gateways;
    uint64_t files;
    uint64_t lines;
    uint64_t first_missing; /* gateways whose first file is not file 1: older ones were put away */
};

enum { LEDGER_GATEWAYS_MAX = 1024, LEDGER_SENTENCE_MAX = 1024 };

/* `path` is the folder of ledger.export, or that of one gateway in it. False and a sentence when it
 * cannot be read at all, or holds no ledger. A last line without an end is being written: left out
 * of the last file, wrong in any other. */
MUST_USE bool ledger_folder_read(const char *path, struct ledger_reader *reader, char *error,
                                 size_t error_size);

#endif
