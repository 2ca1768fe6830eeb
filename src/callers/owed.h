/* What is owed to Redis about one hold, as lines of text: the journal's entry, and enough to make
 * the call again after any restart. It owns nothing: the lines point into the text. It never reads
 * a text it did not wholly understand. */
#ifndef CALLERS_OWED_H
#define CALLERS_OWED_H

#include "callers/words.h"

struct hold;
struct settlement;

enum { OWED_TEXT_MAX = 2048 };

struct owed {
    uint16_t bucket;
    struct span mode; /* "S" settle, "X" release */
    struct span invocation;
    struct span account;
    struct span attempt;
    struct span parent, root; /* empty: it has none */
    /* settle alone */
    struct span cost, over, outcome, status, usage, worker;
    struct span note; /* empty in entries of former versions */
};

/* Writes the text of a settle, or without a settlement of a release; its length. */
size_t owed_write(char out[OWED_TEXT_MAX], const struct hold *hold,
                  const struct settlement *settlement);
bool owed_read(struct span text, struct owed *owed);
/* The settle script's keys; `parent` empty: it has none. */
void owed_keys(struct words *keys, uint16_t bucket, struct span account, struct span invocation,
               struct span parent, struct span root);
/* The settle script's keys and arguments. */
void owed_words(const struct owed *owed, struct words *keys, struct words *args);

#endif
