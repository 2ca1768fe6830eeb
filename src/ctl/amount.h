/* Amounts of money as people write them, and back: credits with up to six decimals.
 * Owns nothing. Never rounds: what has more decimals than a micro-credit is refused. */
#ifndef CTL_AMOUNT_H
#define CTL_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

/* What JSON and the store carry exactly (metering.md 4.2). */
#define AMOUNT_MOST ((INT64_C(1) << 53) - 1)

enum { AMOUNT_TEXT_MAX = 32 };

/* "10", "0.25", "-3.5" in credits, or "250000ucr" in micro-credits. */
MUST_USE bool amount_parse(const char *text, int64_t *out);
/* "10.000000", always six decimals; `out` takes AMOUNT_TEXT_MAX. Answers `out`. */
const char *amount_text(int64_t ucr, char *out);

#endif
