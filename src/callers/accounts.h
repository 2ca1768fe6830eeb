/* What operators do to accounts and keys: one call each, answered as a JSON text.
 * It owns the operations in flight. It never shows a key's secret but once, in the answer that
 * minted it, and every change of money is idempotent by its reference. */
#ifndef CALLERS_ACCOUNTS_H
#define CALLERS_ACCOUNTS_H

#include "callers/store.h"

struct accounts;
struct signer;

/* `status` as in HTTP; `json` (a JSON object) lives until the function returns. On errors it is a
 * problem with "detail". */
typedef void accounts_answer(void *owner, uint64_t id, int status, struct span json);

struct accounts *accounts_new(struct loop *loop, struct store *store);
void accounts_free(struct accounts *accounts);
/* Settled invocations are shown with a receipt from now on; lent. */
void accounts_sign_with(struct accounts *accounts, const struct signer *signer);

struct account_limits { /* UINT64_MAX: leave as it is; 0: no limit (credit line and
                         * sub-budget: none) */
    uint64_t credit_line_ucr;
    uint64_t concurrency;
    uint64_t rate_per_minute;
    uint64_t rate_burst;
    uint64_t day_ucr;
    uint64_t month_ucr;
    uint64_t call_ucr;
    uint64_t sub_budget_ucr; /* of a call that names none */
};

/* Each may answer 503 (store away). Names: 1 to 64 of [a-z0-9._@-]. */
void accounts_create(struct accounts *accounts, struct span name,
                     const struct account_limits *limits, accounts_answer *answer, void *owner,
                     uint64_t id); /* 201, 400, 409 */
void accounts_show(struct accounts *accounts, struct span name, accounts_answer *answer,
                   void *owner, uint64_t id); /* 200, 404 */
void accounts_list(struct accounts *accounts, accounts_answer *answer, void *owner, uint64_t id);
void accounts_limit(struct accounts *accounts, struct span name,
                    const struct account_limits *limits, accounts_answer *answer, void *owner,
                    uint64_t id);
void accounts_suspend(struct accounts *accounts, struct span name, bool suspended,
                      accounts_answer *answer, void *owner, uint64_t id);
/* Adds (or, negative, takes) micro-credits; the same reference twice answers 200 with
 * "applied":false and changes nothing; with another amount 409. */
void accounts_credit(struct accounts *accounts, struct span name, int64_t amount_ucr,
                     struct span reference, struct span note, accounts_answer *answer, void *owner,
                     uint64_t id);
struct key_rules {
    struct span scopes; /* "invoke", "read" or both with a comma; empty: "invoke,read" */
    struct span cids;   /* canonical CIDs with commas; empty: any */
    int64_t expires_at; /* unix seconds; 0: never */
};
void accounts_key_mint(struct accounts *accounts, struct span name, const struct key_rules *rules,
                       accounts_answer *answer, void *owner, uint64_t id);
void accounts_key_list(struct accounts *accounts, struct span name, accounts_answer *answer,
                       void *owner, uint64_t id);
void accounts_key_revoke(struct accounts *accounts, struct span name, struct span key_id,
                         accounts_answer *answer, void *owner, uint64_t id);
/* Ledger entries of an account, newest first, at most `count_max` (1000), and sums. */
void accounts_spend(struct accounts *accounts, struct span name, int64_t from_unix_ms,
                    int64_t to_unix_ms, uint32_t count_max, accounts_answer *answer, void *owner,
                    uint64_t id);
/* Live holds of an account. */
void accounts_holds(struct accounts *accounts, struct span name, accounts_answer *answer,
                    void *owner, uint64_t id);
/* A caller's own view of one of its invocations: settled, live or unknown (404). */
void accounts_invocation(struct accounts *accounts, struct span name, struct span invocation,
                         accounts_answer *answer, void *owner, uint64_t id);

#endif
