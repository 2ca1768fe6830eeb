/* A line of an exported ledger, read strictly: an entry, or the head of a segment.
 * It owns its parsed JSON; the spans live as long. It never guesses: a member that is missing or of
 * another form makes it no line. */
#ifndef CALLERS_LEDGER_LINE_H
#define CALLERS_LEDGER_LINE_H

#include <cjson/cJSON.h>

#include "base/must.h"
#include "base/span.h"

enum { LEDGER_LINE_MAX = 16384, LEDGER_NAME_MAX = 64 };

#define LEDGER_SEGMENT_TYPE "teegate.ledger.segment"

struct ledger_line {
    cJSON *json;
    const cJSON *data;
    bool is_head;
    /* of a head */
    uint64_t number;
    struct span previous_sha256; /* 64 hex digits; of the first segment empty */
    struct span gateway;
    /* of an entry */
    struct span account;
    struct span kind; /* chg, top, adj */
    struct span id;
    uint64_t time_ms;
    uint64_t place_ms; /* in its bucket's stream */
    uint64_t place_count;
    uint32_t bucket;
    uint64_t sequence;
    int64_t value_ucr;
    int64_t balance_ucr;
    uint64_t held_ucr;
};

/* False: it is none, and there is nothing to finish. `text` without its line's end. */
MUST_USE bool ledger_line_read(struct span text, struct ledger_line *out);
void ledger_line_fini(struct ledger_line *line);
/* A text among an entry's members; empty when it has none. */
struct span ledger_line_text(const struct ledger_line *line, const char *member);

#endif
