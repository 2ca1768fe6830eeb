/* A ledger's entries by account, however often and in whatever order they were read: what they add
 * up to, and whether they can be true. It owns its entries. It never counts a call or a credit
 * twice: account, kind and id name one. */
#ifndef CTL_LEDGER_BOOK_H
#define CTL_LEDGER_BOOK_H

#include "callers/ledger_line.h"

struct ledger_book;

enum { LEDGER_ENTRIES_MAX = 50000000, LEDGER_PROBLEM_MAX = 512 };

struct ledger_account {
    char name[LEDGER_NAME_MAX + 1];
    uint64_t first; /* sequence */
    uint64_t last;
    uint64_t count;
    int64_t total_ucr;    /* balance and held behind the last entry */
    int64_t charged_ucr;  /* what calls took */
    int64_t credited_ucr; /* what was added, less what was taken back */
};

struct ledger_book *ledger_book_new(void);
void ledger_book_free(struct ledger_book *book);

/* Of what an entry was read from: a line of a file, or the API's answer. */
struct ledger_fact {
    struct span account;
    struct span kind;
    struct span id;
    uint64_t place_ms;
    uint64_t place_count;
    uint64_t sequence;
    int64_t value_ucr;
    int64_t total_ucr;
};
enum ledger_added {
    LEDGER_NEW,
    LEDGER_REPEATED,   /* the same again: two gateways, or a run that died, wrote it */
    LEDGER_RENUMBERED, /* the same call with another sequence: replayed after a failover */
    LEDGER_OTHER,      /* the same call with another value */
    LEDGER_FULL
};
enum ledger_added ledger_book_add(struct ledger_book *book, const struct ledger_fact *fact);
struct ledger_fact ledger_fact_of(const struct ledger_line *line);

/* Looks at each account: sequences from 1 without a gap or a double, and behind each entry balance
 * and held are the sum of all up to it. Says what is wrong; how many things. The sums of the
 * accounts are right from here on. */
uint64_t ledger_book_check(struct ledger_book *book,
                           void (*problem)(void *owner, const char *account, const char *sentence),
                           void *owner);

size_t ledger_book_accounts(const struct ledger_book *book);
const struct ledger_account *ledger_book_account(const struct ledger_book *book, size_t index);
const struct ledger_account *ledger_book_find(const struct ledger_book *book, struct span name);
uint64_t ledger_book_entries(const struct ledger_book *book);
/* A call's charge and sequence. False: there is none. */
MUST_USE bool ledger_book_charge(const struct ledger_book *book, struct span account,
                                 struct span invocation, int64_t *charge_ucr, uint64_t *sequence);

#endif
