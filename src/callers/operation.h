/* One of accounts' operations in flight: calls to Redis, one after the other or many at once, and a
 * JSON text at the end. It owns its memory until it is answered, always later than it was begun.
 * It never has more calls out than its verb bounds. */
#ifndef CALLERS_OPERATION_H
#define CALLERS_OPERATION_H

#include "base/json.h"
#include "callers/accounts.h"
#include "callers/answer.h"
#include "callers/auth.h"

struct operation;
struct signer;

/* One reply, NULL already sorted out; when it returns and no call is out, the operation must have
 * been ended, or have sent more. */
typedef void operation_step(struct operation *op, const struct redisReply *reply);

struct operation {
    struct list node; /* among those ready to be answered */
    struct accounts *accounts;
    accounts_answer *answer;
    void *owner;
    uint64_t user_id;
    uint64_t id;
    char name[ACCOUNT_NAME_MAX + 1];
    uint16_t bucket;

    operation_step *step;
    uint32_t calls; /* out now */
    bool failed;    /* one did not answer: 503 when the last is in */

    int status; /* of the answer when it is ready */
    char *memory;
    struct json json;

    /* The verb's own, as it goes on. */
    char *texts; /* freed at the end */
    size_t text_bytes;
    uint64_t at;
    uint64_t end;
    uint32_t count;
    uint32_t count_max;
    uint64_t sums[2];
    char cursor[48];
};

/* NULL: the name is none, and the answer is on its way. */
struct operation *operation_new(struct accounts *accounts, struct span name,
                                accounts_answer *answer, void *owner, uint64_t id);
/* Begins the JSON object of the answer. */
struct json *operation_json(struct operation *op, size_t bytes);
/* Ends: with the JSON, or with a problem. */
void operation_end(struct operation *op, int status);
void operation_problem(struct operation *op, int status, const char *detail);

/* Each sends one call whose reply goes to `op->step`; a call that cannot be sent is a reply that
 * never came. */
void operation_call(struct operation *op, const struct words *words);
void operation_run(struct operation *op, enum store_script script, const struct words *keys,
                   const struct words *args);
/* Shows the account with `status`: accounts_show(), and the end of what changes one. */
void operation_show(struct operation *op, int status);

/* The keys that sign receipts; NULL: there are none. */
const struct signer *accounts_signer(const struct accounts *accounts);
/* The receipt of a ledger entry into `out` (RECEIPT_MAX and a NUL); its length, or 0. */
size_t accounts_receipt(struct accounts *accounts, const struct redisReply *entry, char *out);

bool account_name_is_good(struct span name);

#endif
