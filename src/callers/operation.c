#include "callers/operation.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/slots.h"

enum {
    OPERATIONS_MAX = 1024, /* at once, of a lane */
    CALL_MS_MAX = 2000,
    PROBLEM_BYTES = 1024
};

struct accounts {
    struct loop *loop;
    struct store *store;
    const struct signer *signer;
    struct slots operations;
    struct list ready;
    struct wake wake;
};

bool account_name_is_good(struct span name)
{
    if (name.len == 0 || name.len > ACCOUNT_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; ++i) {
        char c = name.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                     c == '@' || c == '-';
        if (!plain)
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------ ends */

static void operation_free(struct operation *op)
{
    if (op->id != 0)
        slots_give(&op->accounts->operations, op->id);
    if (op->memory != NULL) /* a new key's secret may stand in it */
        OPENSSL_cleanse(op->memory, (size_t)(op->json.at - op->memory));
    free(op->memory);
    free(op->texts);
    free(op);
}

static void run_ready(void *owner)
{
    struct accounts *accounts = owner;
    struct list *node;
    while ((node = list_take(&accounts->ready)) != NULL) {
        struct operation *op = container_of(node, struct operation, node);
        op->answer(op->owner, op->user_id, op->status, json_written(&op->json));
        operation_free(op);
    }
}

struct json *operation_json(struct operation *op, size_t bytes)
{
    free(op->memory);
    op->memory = alloc_zeroed(bytes);
    json_init(&op->json, op->memory, bytes);
    json_object(&op->json, NULL);
    return &op->json;
}

void operation_end(struct operation *op, int status)
{
    must(!list_is_linked(&op->node) && op->calls == 0);
    json_end_object(&op->json);
    op->status = status;
    list_append(&op->accounts->ready, &op->node);
    loop_wake(op->accounts->loop, &op->accounts->wake);
}

void operation_problem(struct operation *op, int status, const char *detail)
{
    struct json *json = operation_json(op, PROBLEM_BYTES);
    json_u64(json, "status", (uint64_t)status);
    json_text(json, "detail", span_text(detail));
    operation_end(op, status);
}

struct operation *operation_new(struct accounts *accounts, struct span name,
                                accounts_answer *answer, void *owner, uint64_t id)
{
    struct operation *op = alloc_zeroed(sizeof(*op));
    list_init(&op->node);
    op->accounts = accounts;
    op->answer = answer;
    op->owner = owner;
    op->user_id = id;
    op->id = slots_take(&accounts->operations, op);
    if (op->id == 0) {
        operation_problem(op, 503, "too many operations at once");
        return NULL;
    }
    if (!account_name_is_good(name)) {
        operation_problem(op, 400, "an account's name is 1 to 64 characters of a-z 0-9 . _ @ -");
        return NULL;
    }
    memcpy(op->name, name.ptr, name.len);
    op->bucket = store_bucket(name);
    return op;
}

/* ------------------------------------------------------------------ calls */

static void note_reply(void *owner, uint64_t id, const struct redisReply *reply)
{
    struct accounts *accounts = owner;
    struct operation *op = slots_find(&accounts->operations, id);
    must(op != NULL && op->calls > 0);
    --op->calls;
    if (reply == NULL || answer_is_error(reply))
        op->failed = true;
    if (!op->failed)
        op->step(op, reply);
    else if (op->calls == 0)
        operation_problem(op, 503,
                          "the metering store does not answer; what was asked may have been done");
}

/* A call that could not be sent. With others out, the last of their replies ends the operation. */
static void note_unsent(struct operation *op)
{
    op->failed = true;
    if (op->calls == 0 && !list_is_linked(&op->node))
        operation_problem(op, 503, "the metering store cannot be reached");
}

static uint64_t deadline(const struct operation *op)
{
    return loop_now(op->accounts->loop) + CALL_MS_MAX;
}

void operation_call(struct operation *op, const struct words *words)
{
    if (!op->failed &&
        store_call(op->accounts->store, words, deadline(op), note_reply, op->accounts, op->id))
        ++op->calls;
    else
        note_unsent(op);
}

void operation_run(struct operation *op, enum store_script script, const struct words *keys,
                   const struct words *args)
{
    if (!op->failed && store_run(op->accounts->store, script, keys, args, deadline(op), note_reply,
                                 op->accounts, op->id))
        ++op->calls;
    else
        note_unsent(op);
}

/* ------------------------------------------------------------------ their home */

void accounts_sign_with(struct accounts *accounts, const struct signer *signer)
{
    accounts->signer = signer;
}

const struct signer *accounts_signer(const struct accounts *accounts)
{
    return accounts->signer;
}

struct accounts *accounts_new(struct loop *loop, struct store *store)
{
    struct accounts *accounts = alloc_zeroed(sizeof(*accounts));
    accounts->loop = loop;
    accounts->store = store;
    slots_init(&accounts->operations, OPERATIONS_MAX);
    list_init(&accounts->ready);
    wake_init(&accounts->wake, run_ready, accounts);
    return accounts;
}

void accounts_free(struct accounts *accounts)
{
    struct list *node;
    while ((node = list_take(&accounts->ready)) != NULL)
        operation_free(container_of(node, struct operation, node));
    must(accounts->operations.used == 0); /* store_close() answered them */
    slots_fini(&accounts->operations);
    wake_cancel(&accounts->wake);
    free(accounts);
}
