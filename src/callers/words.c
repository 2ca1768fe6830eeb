#include "callers/words.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/must.h"
#include "callers/store.h"

void words_init(struct words *words)
{
    words->count = 0;
    words->used = 0;
}

void words_add(struct words *words, struct span text)
{
    must(words->count < WORDS_MAX);
    words->at[words->count++] = text;
}

void words_add_text(struct words *words, const char *text)
{
    words_add(words, span_text(text));
}

/* Where the next number goes; its words_wrote() follows. */
static char *number_room(struct words *words)
{
    must(words->used + 24 <= WORDS_BYTES);
    return words->memory + words->used;
}

static void words_wrote(struct words *words, int len)
{
    words_add(words, span_of(words->memory + words->used, (size_t)len));
    words->used += (size_t)len;
}

void words_add_u64(struct words *words, uint64_t value)
{
    words_wrote(words, snprintf(number_room(words), 24, "%" PRIu64, value));
}

void words_add_hex(struct words *words, uint64_t value)
{
    words_wrote(words, snprintf(number_room(words), 24, "%016" PRIx64, value));
}

void words_add_key(struct words *words, uint16_t bucket, const char *kind, struct span name)
{
    must(words->used + 256 <= WORDS_BYTES);
    struct span key = store_key(words->memory + words->used, bucket, kind, name);
    words->used += key.len;
    words_add(words, key);
}
