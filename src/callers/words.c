#include "callers/words.h"

#include "base/must.h"
#include "callers/pen.h"
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

static struct pen pen_of(struct words *words)
{
    return (struct pen){words->memory + words->used, words->memory + WORDS_BYTES};
}

static void words_wrote(struct words *words, const struct pen *pen)
{
    size_t len = (size_t)(pen->at - (words->memory + words->used));
    words_add(words, span_of(words->memory + words->used, len));
    words->used += len;
}

void words_add_u64(struct words *words, uint64_t value)
{
    struct pen pen = pen_of(words);
    pen_u64(&pen, value, 1);
    words_wrote(words, &pen);
}

void words_add_hex(struct words *words, uint64_t value)
{
    struct pen pen = pen_of(words);
    pen_hex(&pen, value);
    words_wrote(words, &pen);
}

void words_add_key(struct words *words, uint16_t bucket, const char *kind, struct span name)
{
    must(words->used + 256 <= WORDS_BYTES);
    struct span key = store_key(words->memory + words->used, bucket, kind, name);
    words->used += key.len;
    words_add(words, key);
}
