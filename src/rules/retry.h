/* Again, elsewhere? Owns nothing but its counts. Only what certainly was not processed is tried
 * again, within a budget a pool shares, so that a sick pool is not asked twice as often. */
#ifndef RULES_RETRY_H
#define RULES_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

enum { RETRY_ATTEMPTS_MAX = 3 };

/* Tokens in thousandths: each first attempt adds a fifth of one, each retry takes one; never above
 * 10, and starting with the floor of 3. */
struct retry_budget {
    uint32_t thousandths;
};
void retry_budget_init(struct retry_budget *budget);
void retry_budget_earn(struct retry_budget *budget);

/* May the attempt that ended with `fault`, number `attempts` (from 1), be followed by another?
 * Takes from the budget when so. `begun`: a byte of the answer went to the caller; `replayable`:
 * the request body sent so far is still at hand. */
bool retry_may(struct retry_budget *budget, enum fault fault, unsigned attempts, bool begun,
               bool replayable);

#endif
