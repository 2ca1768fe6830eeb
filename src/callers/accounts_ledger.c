#include "callers/accounts.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "callers/meter.h"
#include "callers/operation.h"
#include "callers/receipts.h"

enum {
    ENTRIES_MAX = 1000,
    ENTRY_BYTES = 1536,
    HEAD_BYTES = 1024,
    PAGE = 500,          /* entries of the bucket read at once */
    LOOKED_MAX = 100000, /* entries of the bucket looked at for one answer */
    HOLDS_MAX = 1000,    /* live holds of the bucket looked at, and shown */
    HOLD_BYTES = 1024,
    HOLD_CALLS_MAX = 100,
    INVOCATION_BYTES = 8192
};

static int64_t signed_of(struct span text)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t value;
    if (!span_to_u64(span_from(text, negative), PRICE_UCR_MAX, &value))
        return 0;
    return negative ? -(int64_t)value : (int64_t)value;
}

static uint64_t count_of(struct span text)
{
    uint64_t value;
    return span_to_u64(text, PRICE_UCR_MAX, &value) ? value : 0;
}

/* ------------------------------------------------------------------ ledger entries */

static const struct {
    const char *field, *name;
    enum { AS_TEXT, AS_TEXT_IF_ANY, AS_NUMBER, AS_SIGNED } as;
} entry_members[] = {
    {"k", "kind", AS_TEXT},        {"s", "sequence", AS_NUMBER},
    {"v", "value_ucr", AS_SIGNED}, {"b", "balance_ucr", AS_SIGNED},
    {"h", "held_ucr", AS_NUMBER},  {"c", "ceiling_ucr", AS_NUMBER},
    {"ov", "over_ucr", AS_NUMBER}, {"o", "outcome", AS_TEXT},
    {"st", "status", AS_NUMBER},   {"cid", "cid", AS_TEXT},
    {"u", "usage", AS_TEXT},       {"w", "worker", AS_TEXT},
    {"key", "key_id", AS_TEXT},    {"at", "began_at_ms", AS_NUMBER},
    {"n", "note", AS_TEXT},        {"par", "parent", AS_TEXT_IF_ANY},
    {"root", "root", AS_TEXT},
};

static void write_entry(struct json *json, const struct redisReply *entry)
{
    const struct redisReply *fields = answer_at(entry, 1);
    bool charge = span_is(answer_field(fields, "k"), SPAN_OF("chg"));
    json_u64(json, "time_ms", answer_time(answer_word(entry, 0)));
    json_text(json, charge ? "invocation" : "reference", answer_field(fields, "i"));
    for (size_t i = 0; i < sizeof(entry_members) / sizeof(*entry_members); ++i) {
        struct span text = answer_field(fields, entry_members[i].field);
        if (text.ptr == NULL || (entry_members[i].as == AS_TEXT_IF_ANY && text.len == 0))
            continue;
        if (entry_members[i].as == AS_TEXT || entry_members[i].as == AS_TEXT_IF_ANY)
            json_text(json, entry_members[i].name, text);
        else if (entry_members[i].as == AS_NUMBER)
            json_u64(json, entry_members[i].name, count_of(text));
        else
            json_i64(json, entry_members[i].name, signed_of(text));
    }
}

static bool is_of_account(const struct operation *op, const struct redisReply *entry)
{
    return span_is(answer_field(answer_at(entry, 1), "a"), span_text(op->name));
}

/* The page of the bucket's ledger before `op->cursor`, newest first. */
static void ask_page(struct operation *op)
{
    struct words words;
    words_init(&words);
    words_add_text(&words, "XREVRANGE");
    words_add_key(&words, op->bucket, "L", SPAN_NONE);
    words_add_text(&words, op->cursor);
    words_add_u64(&words, op->end);
    words_add_text(&words, "COUNT");
    words_add_u64(&words, PAGE);
    operation_call(op, &words);
}

/* Sets the cursor behind the page; false when it was the last, or enough was looked at. */
static bool next_page(struct operation *op, const struct redisReply *page)
{
    size_t count = answer_count(page);
    op->at += count;
    if (count < PAGE)
        return false;
    struct span last = answer_word(answer_at(page, count - 1), 0);
    snprintf(op->cursor, sizeof(op->cursor), "(%.*s", (int)last.len, last.ptr);
    return op->at < LOOKED_MAX;
}

/* ------------------------------------------------------------------ spend */

static void end_spend(struct operation *op, bool complete)
{
    struct json *json = &op->json;
    json_end_array(json);
    json_u64(json, "charged_ucr", op->sums[0]);
    json_i64(json, "credited_ucr", (int64_t)op->sums[1]);
    json_bool(json, "complete", complete);
    operation_end(op, 200);
}

static void add_entry(struct operation *op, const struct redisReply *entry)
{
    const struct redisReply *fields = answer_at(entry, 1);
    int64_t value = signed_of(answer_field(fields, "v"));
    if (span_is(answer_field(fields, "k"), SPAN_OF("chg")))
        op->sums[0] += (uint64_t)-value;
    else
        op->sums[1] += (uint64_t)value; /* modulo 2^64: read back as signed */
    json_object(&op->json, NULL);
    write_entry(&op->json, entry);
    json_end_object(&op->json);
    ++op->count;
}

static void step_spend(struct operation *op, const struct redisReply *page)
{
    for (size_t i = 0; i < answer_count(page); ++i) {
        const struct redisReply *entry = answer_at(page, i);
        if (!is_of_account(op, entry))
            continue;
        if (op->count == op->count_max) {
            end_spend(op, false);
            return;
        }
        add_entry(op, entry);
    }
    bool more = answer_count(page) == PAGE;
    if (next_page(op, page))
        ask_page(op);
    else
        end_spend(op, !more);
}

static void step_spend_account(struct operation *op, const struct redisReply *reply)
{
    if (answer_integer(reply) != 1) {
        operation_problem(op, 404, "there is no such account");
        return;
    }
    struct json *json = operation_json(op, HEAD_BYTES + (size_t)op->count_max * ENTRY_BYTES);
    json_text(json, "account", span_text(op->name));
    json_array(json, "entries");
    op->step = step_spend;
    ask_page(op);
}

void accounts_spend(struct accounts *accounts, struct span name, int64_t from_unix_ms,
                    int64_t to_unix_ms, uint32_t count_max, accounts_answer *answer, void *owner,
                    uint64_t id)
{
    struct operation *op = operation_new(accounts, name, answer, owner, id);
    struct words words;
    if (op == NULL)
        return;
    if (from_unix_ms < 0 || to_unix_ms < from_unix_ms) {
        operation_problem(op, 400, "the time to begin is after the one to end, or before 1970");
        return;
    }
    op->end = (uint64_t)from_unix_ms;
    op->count_max = count_max > 0 && count_max < ENTRIES_MAX ? count_max : ENTRIES_MAX;
    snprintf(op->cursor, sizeof(op->cursor), "%" PRId64, to_unix_ms);
    words_init(&words);
    words_add_text(&words, "EXISTS");
    words_add_key(&words, op->bucket, "a", span_text(op->name));
    op->step = step_spend_account;
    operation_call(op, &words);
}

/* ------------------------------------------------------------------ holds */

static void ask_peek(struct operation *op, struct span invocation)
{
    struct words keys, args;
    words_init(&keys);
    words_add_key(&keys, op->bucket, "h", invocation);
    words_add_key(&keys, op->bucket, "x", SPAN_NONE);
    words_init(&args);
    words_add(&args, invocation);
    operation_run(op, STORE_PEEK, &keys, &args);
}

/* The bill of a call and all below it, as far as those have ended. */
static void write_bill(struct json *json, uint64_t own_ucr, uint64_t below_ucr)
{
    json_u64(json, "subcalls_ucr", below_ucr);
    json_u64(json, "total_ucr", own_ucr + below_ucr);
}

static void write_place(struct json *json, const struct redisReply *record)
{
    if (answer_field(record, "par").len > 0)
        json_text(json, "parent", answer_field(record, "par"));
    if (answer_field(record, "root").len > 0)
        json_text(json, "root", answer_field(record, "root"));
}

static void write_hold(struct json *json, const struct redisReply *record)
{
    json_text(json, "cid", answer_field(record, "cid"));
    json_text(json, "key_id", answer_field(record, "key"));
    json_u64(json, "ceiling_ucr", count_of(answer_field(record, "c")));
    json_u64(json, "cost_so_far_ucr", count_of(answer_field(record, "cp")));
    json_u64(json, "sub_budget_left_ucr", count_of(answer_field(record, "sb")));
    json_u64(json, "began_at_ms", count_of(answer_field(record, "at")));
    json_u64(json, "deadline_ms", count_of(answer_field(record, "deadline")));
}

static void ask_holds(struct operation *op);

/* Replies come in the order of the calls: `end` counts them. */
static void step_hold(struct operation *op, const struct redisReply *record)
{
    struct json *json = &op->json;
    const char *invocation = op->texts + op->end++ * INVOCATION_TEXT_MAX;
    if (span_is(answer_field(record, "st"), SPAN_OF("H")) &&
        span_is(answer_field(record, "acct"), span_text(op->name))) {
        json_object(json, NULL);
        json_text(json, "invocation", span_text(invocation));
        write_place(json, record);
        write_hold(json, record);
        json_text(json, "gateway", answer_field(record, "gw"));
        json_end_object(json);
    }
    if (op->calls == 0)
        ask_holds(op);
}

static void ask_holds(struct operation *op)
{
    for (unsigned i = 0; i < HOLD_CALLS_MAX && op->at < op->count; ++i)
        ask_peek(op, span_text(op->texts + op->at++ * INVOCATION_TEXT_MAX));
    if (op->calls > 0 || list_is_linked(&op->node))
        return;
    json_end_array(&op->json);
    json_bool(&op->json, "complete", op->count < HOLDS_MAX);
    operation_end(op, 200);
}

static void step_live(struct operation *op, const struct redisReply *reply)
{
    size_t count = answer_count(reply);
    op->texts = alloc_array(count, INVOCATION_TEXT_MAX);
    for (size_t i = 0; i < count; ++i) {
        struct span invocation = answer_word(reply, i);
        if (invocation.len > 0 && invocation.len < INVOCATION_TEXT_MAX)
            memcpy(op->texts + op->count++ * INVOCATION_TEXT_MAX, invocation.ptr, invocation.len);
    }
    struct json *json = operation_json(op, HEAD_BYTES + (size_t)op->count * HOLD_BYTES);
    json_text(json, "account", span_text(op->name));
    json_array(json, "holds");
    op->step = step_hold;
    ask_holds(op);
}

void accounts_holds(struct accounts *accounts, struct span name, accounts_answer *answer,
                    void *owner, uint64_t id)
{
    struct operation *op = operation_new(accounts, name, answer, owner, id);
    struct words words;
    if (op == NULL)
        return;
    words_init(&words);
    words_add_text(&words, "ZRANGE");
    words_add_key(&words, op->bucket, "x", SPAN_NONE);
    words_add_u64(&words, 0);
    words_add_u64(&words, HOLDS_MAX - 1);
    op->step = step_live;
    operation_call(op, &words);
}

/* ------------------------------------------------------------------ one invocation */

static void end_unknown(struct operation *op)
{
    operation_problem(op, 404, "the account has no such invocation");
}

static void end_settled(struct operation *op, const struct redisReply *entry)
{
    struct json *json = operation_json(op, INVOCATION_BYTES);
    json_text(json, "state", SPAN_OF("settled"));
    const struct redisReply *fields = answer_at(entry, 1);
    uint64_t charge = (uint64_t)-signed_of(answer_field(fields, "v"));
    uint64_t below = count_of(answer_field(fields, "sub"));
    /* The tombstone goes on counting those that end later; when it has gone, so have they. */
    if (below < op->sums[0])
        below = op->sums[0];
    json_u64(json, "charge_ucr", charge);
    write_bill(json, charge, below);
    write_entry(json, entry);
    char receipt[RECEIPT_MAX + 1];
    size_t len = accounts_receipt(op->accounts, entry, receipt);
    if (len > 0)
        json_text(json, "receipt", span_of(receipt, len));
    operation_end(op, 200);
}

/* Its tombstone has gone: the ledger's newest entries may still have it. */
static void step_search(struct operation *op, const struct redisReply *page)
{
    for (size_t i = 0; i < answer_count(page); ++i) {
        const struct redisReply *entry = answer_at(page, i);
        const struct redisReply *fields = answer_at(entry, 1);
        if (is_of_account(op, entry) && span_is(answer_field(fields, "k"), SPAN_OF("chg")) &&
            span_is(answer_field(fields, "i"), span_text(op->texts))) {
            end_settled(op, entry);
            return;
        }
    }
    if (next_page(op, page))
        ask_page(op);
    else
        end_unknown(op);
}

static void search(struct operation *op)
{
    snprintf(op->cursor, sizeof(op->cursor), "+");
    op->end = 0;
    op->at = LOOKED_MAX - 4 * PAGE; /* a caller may ask for that, so it is not to cost much */
    op->step = step_search;
    ask_page(op);
}

static void step_invocation(struct operation *op, const struct redisReply *record)
{
    struct span state = answer_field(record, "st");
    if (answer_count(record) == 0) {
        search(op);
        return;
    }
    if (!span_is(answer_field(record, "acct"), span_text(op->name))) {
        end_unknown(op);
        return;
    }
    if (span_is(state, SPAN_OF("S"))) {
        struct span entry = answer_field(record, "lid");
        struct words words;
        words_init(&words);
        words_add_text(&words, "XRANGE");
        words_add_key(&words, op->bucket, "L", SPAN_NONE);
        words_add(&words, entry);
        words_add(&words, entry);
        op->sums[0] = count_of(answer_field(record, "subs"));
        op->at = LOOKED_MAX; /* no page behind this one */
        op->step = step_search;
        operation_call(op, &words);
        return;
    }
    bool live = span_is(state, SPAN_OF("H"));
    struct json *json = operation_json(op, INVOCATION_BYTES);
    json_text(json, "state", live ? SPAN_OF("live") : SPAN_OF("released"));
    json_text(json, "invocation", span_text(op->texts));
    write_place(json, record);
    write_bill(json, live ? count_of(answer_field(record, "cp")) : 0,
               count_of(answer_field(record, "subs")));
    if (live)
        write_hold(json, record);
    operation_end(op, 200);
}

void accounts_invocation(struct accounts *accounts, struct span name, struct span invocation,
                         accounts_answer *answer, void *owner, uint64_t id)
{
    struct operation *op = operation_new(accounts, name, answer, owner, id);
    if (op == NULL)
        return;
    bool good = invocation.len > 0 && invocation.len < INVOCATION_TEXT_MAX;
    for (size_t i = 0; good && i < invocation.len; ++i)
        good = (invocation.ptr[i] >= 'a' && invocation.ptr[i] <= 'z') ||
               (invocation.ptr[i] >= '2' && invocation.ptr[i] <= '7');
    if (!good) {
        end_unknown(op);
        return;
    }
    op->texts = alloc_text(invocation.ptr, invocation.len);
    op->step = step_invocation;
    ask_peek(op, invocation);
}
