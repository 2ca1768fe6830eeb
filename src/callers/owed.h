/* What is owed to Redis about one hold, as lines of text: the journal's entry, the ring's, and
 * enough to make the call again after any restart. It owns nothing: the lines point into the text.
 * It never reads a text it did not wholly understand. */
#ifndef CALLERS_OWED_H
#define CALLERS_OWED_H

#include "callers/words.h"

struct hold;
struct settlement;

enum { OWED_TEXT_MAX = 2048 };

struct owed {
    uint16_t bucket;
    struct span mode; /* "H" hold, "C" checkpoint, "S" settle, "X" release */
    struct span invocation;
    struct span account;
    struct span attempt;
    struct span parent, root;                         /* empty: it has none */
    struct span cost;                                 /* settle, checkpoint */
    struct span over, outcome, status, usage, worker; /* settle */
    struct span note;                      /* settle; empty in entries of former versions */
    struct span ttl;                       /* hold, checkpoint */
    struct span ceiling, cid, key_id, sub; /* hold */
};

/* Writes the text of a settle, or without a settlement of a release; its length. */
size_t owed_write(char out[OWED_TEXT_MAX], const struct hold *hold,
                  const struct settlement *settlement);
/* A hold's, with the sub-budget it was given, and a checkpoint's. */
size_t owed_write_hold(char out[OWED_TEXT_MAX], const struct hold *hold, uint64_t sub_ucr);
size_t owed_write_checkpoint(char out[OWED_TEXT_MAX], const struct hold *hold, uint64_t cost_ucr);
/* The release of what `hold` is the text of. */
size_t owed_write_release(char out[OWED_TEXT_MAX], const struct owed *hold);
bool owed_read(struct span text, struct owed *owed);
/* The settle script's keys; `parent` empty: it has none. */
void owed_keys(struct words *keys, uint16_t bucket, struct span account, struct span invocation,
               struct span parent, struct span root);
/* The hold script's, which places it again by force; `gateway` with its epoch. */
void owed_hold_words(const struct owed *owed, const char *gateway, struct words *keys,
                     struct words *args);
void owed_checkpoint_words(const struct owed *owed, struct words *keys, struct words *args);
/* The settle script's keys and arguments. */
void owed_words(const struct owed *owed, struct words *keys, struct words *args);

#endif
