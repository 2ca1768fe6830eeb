#include "base/fault.h"

#include "base/must.h"

static const struct fault_row rows[FAULT_COUNT] = {
    [FAULT_NONE] = {"NONE", "none", 200, WHOSE_GATEWAY, ELSEWHERE_NEVER, CHARGE_ACTUAL, false, ""},
#define FAULT(name, word, status, whose, elsewhere, charge, again, title)                   \
    [FAULT_##name] = {#name,           word,  status, WHOSE_##whose, ELSEWHERE_##elsewhere, \
                      CHARGE_##charge, again, title},
#include "tables/faults.def"
#undef FAULT
};

const struct fault_row *fault_row(enum fault fault)
{
    must(fault < FAULT_COUNT);
    return &rows[fault];
}

const char *fault_word(enum fault fault)
{
    return fault_row(fault)->word;
}

const char *fault_whose_word(enum fault_whose whose)
{
    static const char *const words[] = {"caller", "money",       "agent",
                                        "worker", "attestation", "gateway"};
    must(whose <= WHOSE_GATEWAY);
    return words[whose];
}
