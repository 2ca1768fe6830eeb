/* A fake of callers/accounts: it writes down what was asked as one line and answers what the test
 * set, in a later turn, or when the test says so. It never touches a store. */
#ifndef FAKE_ACCOUNTS_H
#define FAKE_ACCOUNTS_H

#include "callers/accounts.h"

enum { FAKE_ASKED_MAX = 9000, FAKE_WAITING_MAX = 128 };

struct fake_accounts {
    char asked[FAKE_ASKED_MAX]; /* the last question, as a line */
    unsigned asked_count;
    int status; /* of the answers to come; 0 at first: 200 */
    const char *json;
    bool holds_back;
    unsigned waiting;
};

/* The fake behind what accounts_new() gave. */
struct fake_accounts *fake_accounts(struct accounts *accounts);
/* Answers all that wait. */
void fake_accounts_answer(struct accounts *accounts);

#endif
