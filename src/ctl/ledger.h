/* What the ledger's commands share: a folder read into a book, and the report of what is wrong.
 * A report owns its JSON and its book. It never keeps more problems than it shows, but counts all.
 */
#ifndef CTL_LEDGER_H
#define CTL_LEDGER_H

#include "ctl/ask.h"
#include "ctl/ledger_book.h"
#include "ctl/ledger_folder.h"

enum { LEDGER_PROBLEMS_SHOWN_MAX = 1000 };

struct ledger_report {
    struct ctl_call *call;
    struct ledger_book *book;
    cJSON *json;
    cJSON *problems; /* of json */
    uint64_t problem_count;
    uint64_t repeated;
    uint64_t renumbered;
    /* each entry that was new to the book; NULL: nobody wants them */
    void (*entry)(void *owner, const struct ledger_line *line);
    void *owner;
};

/* Reads the folder named by the call's operand. CTL_OK, or CTL_WRONG_USE and said on call->err;
 * to be finished in either case. */
MUST_USE int ledger_report_init(struct ledger_report *report, struct ctl_call *call);
void ledger_report_fini(struct ledger_report *report);
/* `account` may be empty. */
void ledger_report_problem(struct ledger_report *report, const char *account, const char *format,
                           ...) __attribute__((format(printf, 3, 4)));
/* Shows it; CTL_OK when nothing is wrong, else CTL_REFUSED. `good` is said when nothing is. */
int ledger_report_end(struct ledger_report *report, const char *good);

#endif
