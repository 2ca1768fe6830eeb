/* One key of the configuration: its row of tables/options.def, and its value from text.
 * Owns nothing: values go to the struct the row's scope names. Never opens a file. */
#ifndef GATEWAY_OPTION_H
#define GATEWAY_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "base/span.h"

enum option_scope { SCOPE_PROCESS, SCOPE_LISTENER, SCOPE_POOL, SCOPE_WORKER, SCOPE_AGENT };
enum option_type {
    TYPE_COUNT,
    TYPE_BYTES,
    TYPE_SMALL,
    TYPE_MS,
    TYPE_BOOL,
    TYPE_FILE,
    TYPE_TEXT,
    TYPE_WORD,
    TYPE_UCR,
    TYPE_PCR
};

struct option {
    enum option_scope scope;
    const char *path;
    enum option_type type;
    size_t offset;
    size_t bytes;       /* of the field */
    const char *preset; /* the default; NULL: must be given */
    uint64_t least;
    uint64_t most;
    const char *one_of;
    const char *words;
};

/* The row, or NULL. */
const struct option *option_find(enum option_scope scope, struct span path);
/* Rows of a scope in order: index 0 up, NULL behind the last. */
const struct option *option_at(enum option_scope scope, unsigned index);
/* Is there a row whose path begins with `path` and a dot? */
bool option_is_section(enum option_scope scope, struct span path);
/* Writes the value into `target` (the scope's struct). `folder` is what a FILE is relative to.
 * False, and what is allowed in `allowed`, when the text is not of the row's type or out of its
 * range. */
MUST_USE bool option_set(const struct option *option, void *target, struct span text,
                         const char *folder, char *allowed, size_t allowed_size);
/* Presets of all rows of `scope` that have one. */
void option_presets(enum option_scope scope, void *target);
/* The unit a value is written in, for manuals: "duration", "size" .. */
const char *option_type_word(const struct option *option);

#endif
