/* The words of one command or script call, put together on the stack.
 * It owns the numbers and keys written into it; texts are pointed to. It never takes more words or
 * bytes than it has room for: the callers of store are fixed forms, so that is a bug. */
#ifndef CALLERS_WORDS_H
#define CALLERS_WORDS_H

#include "base/span.h"

enum { WORDS_MAX = 32, WORDS_BYTES = 2048 };

struct words {
    struct span at[WORDS_MAX];
    unsigned count;
    size_t used;
    char memory[WORDS_BYTES];
};

void words_init(struct words *words);
void words_add(struct words *words, struct span text); /* not copied */
void words_add_text(struct words *words, const char *text);
void words_add_u64(struct words *words, uint64_t value);
void words_add_hex(struct words *words, uint64_t value);
/* A key of `bucket`, as store_key() makes it. */
void words_add_key(struct words *words, uint16_t bucket, const char *kind, struct span name);

#endif
