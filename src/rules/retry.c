#include "rules/retry.h"

enum { EARNED = 200, SPENT = 1000, FLOOR = 3000, CEILING = 10000 };

void retry_budget_init(struct retry_budget *budget)
{
    budget->thousandths = FLOOR;
}

void retry_budget_earn(struct retry_budget *budget)
{
    budget->thousandths += EARNED;
    if (budget->thousandths > CEILING)
        budget->thousandths = CEILING;
}

bool retry_may(struct retry_budget *budget, enum fault fault, unsigned attempts, bool begun,
               bool replayable)
{
    if (fault_row(fault)->elsewhere != ELSEWHERE_ANOTHER || begun || !replayable)
        return false;
    if (attempts >= RETRY_ATTEMPTS_MAX || budget->thousandths < SPENT)
        return false;
    budget->thousandths -= SPENT;
    return true;
}
