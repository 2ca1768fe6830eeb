/* Answers about accounts, as the test says; implements what callers may ask of callers/accounts.h.
 * It owns the question. It never answers before it returns. */
#ifndef FAKE_ACCOUNTS_H
#define FAKE_ACCOUNTS_H

#include "callers/accounts.h"

struct accounts {
    struct loop *loop;
    struct wake wake;
    int status; /* planned */
    const char *json;
    bool hangs;
    char name[64];
    char invocation[80]; /* empty: the account was asked for */
    accounts_answer *answer;
    void *owner;
    uint64_t id;
};

struct accounts *fake_accounts_new(struct loop *loop);
/* Answers now what hung. */
void fake_accounts_answer(struct accounts *accounts);

#endif
