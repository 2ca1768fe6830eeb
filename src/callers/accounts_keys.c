#include "callers/accounts.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "callers/apikey.h"
#include "callers/operation.h"
#include "rules/cid.h"

enum {
    KEYS_MAX = 1000, /* of an account; key.lua holds to it */
    KEY_BYTES = 5120,
    KEY_SHORT_BYTES = 512, /* of a list's entry without its CIDs */
    KEY_CALLS_MAX = 64,
    ID_BYTES = KEY_ID_MAX + 1,
    CIDS_BYTES = KEY_CIDS_MAX * CID_TEXT_MAX
};

static void add_keys(const struct operation *op, struct span key_id, struct words *keys)
{
    words_init(keys);
    words_add_key(keys, op->bucket, "a", span_text(op->name));
    words_add_key(keys, op->bucket, "k", key_id);
    words_add_key(keys, op->bucket, "ks", span_text(op->name));
}

/* ------------------------------------------------------------------ mint */

/* The rules in one spelling; NULL, or what is wrong with them. */
static const char *read_scopes(struct span text, const char **scopes)
{
    static const char *const known[][2] = {
        {"", "invoke,read"},
        {"invoke,read", "invoke,read"},
        {"read,invoke", "invoke,read"},
        {"invoke", "invoke"},
        {"read", "read"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); ++i)
        if (span_is(text, span_text(known[i][0]))) {
            *scopes = known[i][1];
            return NULL;
        }
    return "scopes are \"invoke\", \"read\" or \"invoke,read\"";
}

static const char *read_cids(struct span text, char out[CIDS_BYTES])
{
    size_t used = 0;
    out[0] = '\0';
    for (unsigned count = 0; text.len > 0; ++count) {
        size_t end = span_find(text, ',');
        struct cid cid;
        if (count == KEY_CIDS_MAX)
            return "a key lists at most 32 CIDs";
        if (!cid_parse(span_of(text.ptr, end), &cid) || (end < text.len && end + 1 == text.len))
            return "one of the CIDs is not valid";
        if (count > 0)
            out[used++] = ',';
        used += cid_text(&cid, out + used);
        text = span_from(text, end + 1);
    }
    return NULL;
}

static void step_minted(struct operation *op, const struct redisReply *reply)
{
    struct span verdict = answer_word(reply, 0);
    if (span_is(verdict, SPAN_OF("OK")))
        operation_end(op, 201); /* its JSON was written before it was sent */
    else if (span_is(verdict, SPAN_OF("FULL")))
        operation_problem(op, 409, "an account has at most 1000 keys");
    else if (span_is(verdict, SPAN_OF("EXISTS")))
        operation_problem(op, 503, "the key's id was taken; ask again");
    else
        operation_problem(op, 404, "there is no such account");
}

static void mint(struct operation *op, const char *scopes, const char *cids, uint64_t expires_s)
{
    struct apikey_made made;
    struct words keys, args;
    apikey_make(&made, op->bucket);
    struct json *json = operation_json(op, KEY_BYTES);
    json_text(json, "account", span_text(op->name));
    json_text(json, "key_id", span_text(made.id));
    json_text(json, "key", span_text(made.text)); /* here, and never again */
    json_text(json, "scopes", span_text(scopes));
    json_text(json, "cids", span_text(cids));
    json_u64(json, "expires_at", expires_s);
    add_keys(op, span_text(made.id), &keys);
    words_init(&args);
    words_add_text(&args, "mint");
    words_add_text(&args, op->name);
    words_add_text(&args, made.id);
    words_add_text(&args, made.hash);
    words_add_text(&args, made.salt);
    words_add_text(&args, scopes);
    words_add_text(&args, cids);
    words_add_u64(&args, expires_s);
    op->step = step_minted;
    operation_run(op, STORE_KEY, &keys, &args);
    explicit_bzero(&made, sizeof(made));
}

void accounts_key_mint(struct accounts *accounts, struct span name, const struct key_rules *rules,
                       accounts_answer *answer, void *owner, uint64_t id)
{
    struct operation *op = operation_new(accounts, name, answer, owner, id);
    char cids[CIDS_BYTES];
    const char *scopes;
    if (op == NULL)
        return;
    const char *wrong = read_scopes(rules->scopes, &scopes);
    if (wrong == NULL)
        wrong = read_cids(rules->cids, cids);
    if (wrong == NULL && (rules->expires_at < 0 || rules->expires_at > UINT32_MAX * INT64_C(4)))
        wrong = "the expiry is not a time in seconds since 1970";
    if (wrong != NULL)
        operation_problem(op, 400, wrong);
    else
        mint(op, scopes, cids, (uint64_t)rules->expires_at);
}

/* ------------------------------------------------------------------ revoke */

static void step_revoked(struct operation *op, const struct redisReply *reply)
{
    if (!span_is(answer_word(reply, 0), SPAN_OF("OK"))) {
        operation_problem(op, 404, "the account has no such key");
        return;
    }
    struct json *json = operation_json(op, KEY_SHORT_BYTES);
    json_text(json, "account", span_text(op->name));
    json_text(json, "key_id", span_text(op->texts));
    json_bool(json, "revoked", true);
    operation_end(op, 200);
}

void accounts_key_revoke(struct accounts *accounts, struct span name, struct span key_id,
                         accounts_answer *answer, void *owner, uint64_t id)
{
    struct operation *op = operation_new(accounts, name, answer, owner, id);
    struct words keys, args;
    if (op == NULL)
        return;
    if (!apikey_is_id(key_id)) {
        operation_problem(op, 404, "the account has no such key");
        return;
    }
    add_keys(op, key_id, &keys);
    words_init(&args);
    words_add_text(&args, "revoke");
    words_add_text(&args, op->name);
    words_add(&args, key_id);
    op->texts = alloc_text(key_id.ptr, key_id.len);
    op->step = step_revoked;
    operation_run(op, STORE_KEY, &keys, &args);
}

/* ------------------------------------------------------------------ list */

static void ask_keys(struct operation *op)
{
    static const char *const fields[] = {"scopes", "cids", "expires", "made", "revoked"};
    for (unsigned i = 0; i < KEY_CALLS_MAX && op->at < op->count; ++i, ++op->at) {
        struct words words;
        words_init(&words);
        words_add_text(&words, "HMGET");
        words_add_key(&words, op->bucket, "k", span_text(op->texts + op->at * ID_BYTES));
        for (size_t k = 0; k < sizeof(fields) / sizeof(*fields); ++k)
            words_add_text(&words, fields[k]);
        operation_call(op, &words);
    }
}

/* Replies come in the order of the calls: `end` counts them. */
static void step_key(struct operation *op, const struct redisReply *reply)
{
    struct json *json = &op->json;
    json_object(json, NULL);
    json_text(json, "key_id", span_text(op->texts + op->end++ * ID_BYTES));
    json_text(json, "scopes", answer_word(reply, 0));
    json_text(json, "cids", answer_word(reply, 1));
    json_u64(json, "expires_at", answer_number(reply, 2));
    json_u64(json, "made_at", answer_number(reply, 3));
    json_bool(json, "revoked", !span_is(answer_word(reply, 4), SPAN_OF("0")));
    json_u64(json, "revoked_at", answer_number(reply, 4));
    json_end_object(json);
    if (op->calls > 0)
        return;
    if (op->at < op->count) {
        ask_keys(op);
        return;
    }
    json_end_array(json);
    operation_end(op, 200);
}

static void step_key_ids(struct operation *op, const struct redisReply *reply)
{
    size_t count = answer_count(reply);
    op->texts = alloc_array(count, ID_BYTES);
    for (size_t i = 0; i < count && op->count < KEYS_MAX; ++i) {
        struct span key_id = answer_word(reply, i);
        if (apikey_is_id(key_id))
            memcpy(op->texts + op->count++ * ID_BYTES, key_id.ptr, key_id.len);
    }
    /* Room for the longest lists of CIDs, up to 1 MiB in all; the JSON says when it was cut. */
    size_t bytes = KEY_BYTES + op->count * (size_t)(KEY_SHORT_BYTES + CIDS_BYTES);
    struct json *json = operation_json(op, bytes < (1 << 20) ? bytes : 1 << 20);
    json_text(json, "account", span_text(op->name));
    json_array(json, "keys");
    op->step = step_key;
    if (op->count > 0) {
        ask_keys(op);
        return;
    }
    json_end_array(json);
    operation_end(op, 200);
}

static void step_key_account(struct operation *op, const struct redisReply *reply)
{
    struct words words;
    if (answer_integer(reply) != 1) {
        operation_problem(op, 404, "there is no such account");
        return;
    }
    words_init(&words);
    words_add_text(&words, "SMEMBERS");
    words_add_key(&words, op->bucket, "ks", span_text(op->name));
    op->step = step_key_ids;
    operation_call(op, &words);
}

void accounts_key_list(struct accounts *accounts, struct span name, accounts_answer *answer,
                       void *owner, uint64_t id)
{
    struct operation *op = operation_new(accounts, name, answer, owner, id);
    struct words words;
    if (op == NULL)
        return;
    words_init(&words);
    words_add_text(&words, "EXISTS");
    words_add_key(&words, op->bucket, "a", span_text(op->name));
    op->step = step_key_account;
    operation_call(op, &words);
}
