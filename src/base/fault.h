/* What can go wrong with an exchange: one row of tables/faults.def each, and what follows from it.
 * Owns nothing. Never used for bugs (must) or for mistakes in configuration (a sentence). */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>

enum fault {
    FAULT_NONE = 0,
#define FAULT(name, word, status, whose, elsewhere, charge, again, title) FAULT_##name,
#include "tables/faults.def"
#undef FAULT
    FAULT_COUNT
};

enum fault_whose {
    WHOSE_CALLER,
    WHOSE_MONEY,
    WHOSE_AGENT,
    WHOSE_WORKER,
    WHOSE_ATTESTATION,
    WHOSE_GATEWAY
};
enum fault_elsewhere { ELSEWHERE_NEVER, ELSEWHERE_ANOTHER };
enum fault_charge { CHARGE_FREE, CHARGE_ACTUAL };

struct fault_row {
    const char *name;
    const char *word; /* the code callers see: the name in lower kebab case */
    int status;
    enum fault_whose whose;
    enum fault_elsewhere elsewhere;
    enum fault_charge charge;
    bool again;
    const char *title;
};

/* The row of a fault; FAULT_NONE has one too ("none", 200). */
const struct fault_row *fault_row(enum fault fault);
const char *fault_word(enum fault fault);
const char *fault_whose_word(enum fault_whose whose);

#endif
