/* One entry of a bucket's ledger, as members of a JSON object.
 * It owns nothing. It never leaves out a member that is there, nor shows one as what it is not. */
#ifndef CALLERS_ENTRY_H
#define CALLERS_ENTRY_H

#include "base/json.h"
#include "callers/answer.h"

/* Where an entry stands in its bucket: a stream's id, of which `ms` is the store's unix time. */
struct entry_place {
    uint64_t ms;
    uint64_t count;
};

/* False: `id` is no stream's id. */
bool entry_place_parse(struct span id, struct entry_place *out);
bool entry_place_is_before(const struct entry_place *one, const struct entry_place *other);

/* Numbers as the scripts write them; 0 for anything else. */
int64_t entry_signed(struct span text);
uint64_t entry_count(struct span text);

/* The members of a ledger's entry [id, [name, value, ..]]; `whole` adds what only a copy needs. */
void entry_write(struct json *json, const struct redisReply *entry, bool whole);
/* The same as one line of an exported ledger, a CloudEvent (its specification 1.0) and a line's
 * end. How many bytes of `out`; 0: it is no entry of ours. */
enum { ENTRY_LINE_MAX = 8192 };
size_t entry_write_line(const struct redisReply *entry, uint16_t bucket, char out[ENTRY_LINE_MAX]);

/* "2026-11-20T10:30:00.123Z"; `out` takes ENTRY_TIME_MAX. */
enum { ENTRY_TIME_MAX = 40 };
struct span entry_time_text(uint64_t unix_ms, char out[ENTRY_TIME_MAX]);

#endif
