/* Dates as people write them, in UTC, and back. Owns nothing. Never reads a time zone. */
#ifndef CTL_MOMENT_H
#define CTL_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

enum { MOMENT_TEXT_MAX = 40 };

/* "2026-11-20" or "2026-11-20T10:30:00Z", 1970 to 9999. `from` and `to` are the first and the last
 * millisecond (unix) of that day or second. */
MUST_USE bool moment_parse(const char *text, int64_t *from_ms, int64_t *to_ms);
/* "2026-11-20 10:30:00Z" of unix seconds; `out` takes MOMENT_TEXT_MAX. Answers `out`. */
const char *moment_text(int64_t unix_s, char *out);

#endif
