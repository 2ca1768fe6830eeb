#include "callers/accounts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "callers/operation.h"
#include "rules/price.h"

enum {
    SHOW_BYTES = 4096,
    NAMES_MAX = 10000,
    NAME_BYTES = ACCOUNT_NAME_MAX + 1,
    LIST_CALLS_MAX = 32, /* buckets asked at once */
    REFERENCE_MAX = 128,
    NOTE_MAX = 256,
    MS_A_DAY = 86400000
};

/* ------------------------------------------------------------------ show */

static const char *const shown[] = {"st",   "bal",  "held", "spent", "tup", "seq", "inf",
                                    "cred", "conc", "rpm",  "burst", "dM",  "mM",  "maxc",
                                    "subd", "dN",   "dU",   "mN",    "mU"};
enum { SHOWN = sizeof(shown) / sizeof(*shown) };

static struct span shown_word(const struct redisReply *reply, const char *name)
{
    for (size_t i = 0; i < SHOWN; ++i)
        if (strcmp(shown[i], name) == 0)
            return answer_word(reply, i);
    return SPAN_NONE;
}

static uint64_t shown_number(const struct redisReply *reply, const char *name)
{
    uint64_t value;
    return span_to_u64(shown_word(reply, name), PRICE_UCR_MAX, &value) ? value : 0;
}

static int64_t shown_signed(const struct redisReply *reply, const char *name)
{
    struct span word = shown_word(reply, name);
    bool negative = word.len > 0 && word.ptr[0] == '-';
    uint64_t value;
    if (!span_to_u64(span_from(word, negative), PRICE_UCR_MAX, &value))
        return 0;
    return negative ? -(int64_t)value : (int64_t)value;
}

static void write_limits(struct json *json, const struct redisReply *reply)
{
    json_object(json, "limits");
    json_u64(json, "credit_line_ucr", shown_number(reply, "cred"));
    json_u64(json, "concurrency", shown_number(reply, "conc"));
    json_u64(json, "rate_per_minute", shown_number(reply, "rpm"));
    json_u64(json, "rate_burst", shown_number(reply, "burst"));
    json_u64(json, "day_ucr", shown_number(reply, "dM"));
    json_u64(json, "month_ucr", shown_number(reply, "mM"));
    json_u64(json, "call_ucr", shown_number(reply, "maxc"));
    json_u64(json, "sub_budget_ucr", shown_number(reply, "subd"));
    json_end_object(json);
}

/* Used today and this month, holds included; windows that are over count nothing. */
static void write_windows(struct json *json, const struct redisReply *reply)
{
    time_t now = (time_t)(clock_unix_ms() / 1000);
    struct tm utc;
    must(gmtime_r(&now, &utc) != NULL);
    uint64_t day = (uint64_t)(clock_unix_ms() / MS_A_DAY);
    uint64_t month = (uint64_t)(utc.tm_year + 1900) * 12 + (uint64_t)utc.tm_mon;
    json_u64(json, "day_used_ucr",
             shown_number(reply, "dN") == day ? shown_number(reply, "dU") : 0);
    json_u64(json, "month_used_ucr",
             shown_number(reply, "mN") == month ? shown_number(reply, "mU") : 0);
}

static void step_show(struct operation *op, const struct redisReply *reply)
{
    struct span state = shown_word(reply, "st");
    if (state.len == 0) {
        operation_problem(op, 404, "there is no such account");
        return;
    }
    int64_t balance = shown_signed(reply, "bal");
    int64_t available = balance + (int64_t)shown_number(reply, "cred");
    struct json *json = operation_json(op, SHOW_BYTES);
    json_text(json, "account", span_text(op->name));
    json_text(json, "state",
              span_is(state, SPAN_OF("A")) ? SPAN_OF("active") : SPAN_OF("suspended"));
    json_i64(json, "balance_ucr", balance);
    json_u64(json, "available_ucr", available > 0 ? (uint64_t)available : 0);
    json_u64(json, "held_ucr", shown_number(reply, "held"));
    json_u64(json, "spent_ucr", shown_number(reply, "spent"));
    json_i64(json, "credited_ucr", shown_signed(reply, "tup"));
    json_u64(json, "live_calls", shown_number(reply, "inf"));
    json_u64(json, "ledger_entries", shown_number(reply, "seq"));
    write_windows(json, reply);
    write_limits(json, reply);
    operation_end(op, op->status);
}

void operation_show(struct operation *op, int status)
{
    struct words words;
    words_init(&words);
    words_add_text(&words, "HMGET");
    words_add_key(&words, op->bucket, "a", span_text(op->name));
    for (size_t i = 0; i < SHOWN; ++i)
        words_add_text(&words, shown[i]);
    op->status = status;
    op->step = step_show;
    operation_call(op, &words);
}

void accounts_show(struct accounts *accounts, struct span name, accounts_answer *answer,
                   void *owner, uint64_t id)
{
    struct operation *op = operation_new(accounts, name, answer, owner, id);
    if (op != NULL)
        operation_show(op, 200);
}

/* ------------------------------------------------------------------ make and change */

static void step_changed(struct operation *op, const struct redisReply *reply)
{
    struct span verdict = answer_word(reply, 0);
    if (span_is(verdict, SPAN_OF("OK")))
        operation_show(op, op->status);
    else if (span_is(verdict, SPAN_OF("EXISTS")))
        operation_problem(op, 409, "an account of this name stands already");
    else
        operation_problem(op, 404, "there is no such account");
}

static void begin_change(struct operation *op, const char *verb, struct words *args)
{
    words_init(args);
    words_add_text(args, verb);
    words_add_text(args, op->name);
}

static void run_change(struct operation *op, const struct words *args, int status)
{
    struct words keys;
    words_init(&keys);
    words_add_key(&keys, op->bucket, "a", span_text(op->name));
    words_add_key(&keys, op->bucket, "accounts", SPAN_NONE);
    op->status = status;
    op->step = step_changed;
    operation_run(op, STORE_ACCOUNT, &keys, args);
}

/* NULL, or what is wrong with a limit. */
static const char *add_limits(struct words *args, const struct account_limits *limits)
{
    enum { RATE_MAX = 60000000 }; /* one a microsecond: the least step of the script's clock */
    const struct {
        const char *field;
        uint64_t value, most;
        const char *wrong;
    } rows[] = {
        {"cred", limits->credit_line_ucr, PRICE_UCR_MAX, "the credit line is above 2^53 - 1"},
        {"conc", limits->concurrency, PRICE_UCR_MAX, "the concurrency is above 2^53 - 1"},
        {"rpm", limits->rate_per_minute, RATE_MAX, "the rate is above 60000000 a minute"},
        {"burst", limits->rate_burst, RATE_MAX, "the burst is above 60000000"},
        {"dM", limits->day_ucr, PRICE_UCR_MAX, "the day's limit is above 2^53 - 1"},
        {"mM", limits->month_ucr, PRICE_UCR_MAX, "the month's limit is above 2^53 - 1"},
        {"maxc", limits->call_ucr, PRICE_UCR_MAX, "the call's limit is above 2^53 - 1"},
        {"subd", limits->sub_budget_ucr, PRICE_UCR_MAX, "the sub-budget is above 2^53 - 1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        if (rows[i].value == UINT64_MAX)
            continue;
        if (rows[i].value > rows[i].most)
            return rows[i].wrong;
        words_add_text(args, rows[i].field);
        words_add_u64(args, rows[i].value);
    }
    return NULL;
}

static void change_limits(struct operation *op, const char *verb,
                          const struct account_limits *limits, int status)
{
    struct words args;
    begin_change(op, verb, &args);
    const char *wrong = limits != NULL ? add_limits(&args, limits) : NULL;
    if (wrong != NULL)
        operation_problem(op, 400, wrong);
    else
        run_change(op, &args, status);
}

void accounts_create(struct accounts *accounts, struct span name,
                     const struct account_limits *limits, accounts_answer *answer, void *owner,
                     uint64_t id)
{
    struct operation *op = operation_new(accounts, name, answer, owner, id);
    if (op != NULL)
        change_limits(op, "create", limits, 201);
}

void accounts_limit(struct accounts *accounts, struct span name,
                    const struct account_limits *limits, accounts_answer *answer, void *owner,
                    uint64_t id)
{
    struct operation *op = operation_new(accounts, name, answer, owner, id);
    if (op != NULL)
        change_limits(op, "edit", limits, 200);
}

void accounts_suspend(struct accounts *accounts, struct span name, bool suspended,
                      accounts_answer *answer, void *owner, uint64_t id)
{
    struct operation *op = operation_new(accounts, name, answer, owner, id);
    struct words args;
    if (op == NULL)
        return;
    begin_change(op, "edit", &args);
    words_add_text(&args, "st");
    words_add_text(&args, suspended ? "S" : "A");
    run_change(op, &args, 200);
}

/* ------------------------------------------------------------------ credit */

static void step_credited(struct operation *op, const struct redisReply *reply)
{
    static const struct {
        const char *word;
        int status;
        const char *detail;
    } problems[] = {
        {"MISMATCH", 409, "this reference stands already with another amount"},
        {"FUNDS", 409, "more is taken than the account has"},
        {"RANGE", 400, "the account would pass 2^53 - 1 micro-credits"},
        {"NOACCT", 404, "there is no such account"},
    };
    struct span verdict = answer_word(reply, 0);
    for (size_t i = 0; i < sizeof(problems) / sizeof(*problems); ++i)
        if (span_is(verdict, span_text(problems[i].word))) {
            operation_problem(op, problems[i].status, problems[i].detail);
            return;
        }
    struct span balance = answer_word(reply, 1);
    bool negative = balance.len > 0 && balance.ptr[0] == '-';
    uint64_t amount = 0;
    if (!span_to_u64(span_from(balance, negative), PRICE_UCR_MAX, &amount)) {
        operation_problem(op, 503, "the metering store gave no balance");
        return;
    }
    struct json *json = operation_json(op, SHOW_BYTES);
    json_text(json, "account", span_text(op->name));
    json_text(json, "reference", span_of(op->texts, op->text_bytes));
    json_bool(json, "applied", span_is(verdict, SPAN_OF("OK")));
    json_i64(json, "balance_ucr", negative ? -(int64_t)amount : (int64_t)amount);
    json_u64(json, "sequence", answer_number(reply, 2));
    operation_end(op, 200);
}

/* What record.lua's word() takes. */
static bool is_reference(struct span text)
{
    if (text.len == 0 || text.len > REFERENCE_MAX)
        return false;
    for (size_t i = 0; i < text.len; ++i) {
        char c = text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == '\0' || strchr("._:@+/=,;~-", c) == NULL))
            return false;
    }
    return true;
}

void accounts_credit(struct accounts *accounts, struct span name, int64_t amount_ucr,
                     struct span reference, struct span note, accounts_answer *answer, void *owner,
                     uint64_t id)
{
    struct operation *op = operation_new(accounts, name, answer, owner, id);
    uint64_t size = amount_ucr < 0 ? -(uint64_t)amount_ucr : (uint64_t)amount_ucr;
    char key[ACCOUNT_NAME_MAX + REFERENCE_MAX + 2];
    struct words keys, args;
    if (op == NULL)
        return;
    if (size == 0 || size > PRICE_UCR_MAX) {
        operation_problem(op, 400, "an amount is 1 to 2^53 - 1 micro-credits, or as much below 0");
        return;
    }
    if (!is_reference(reference)) {
        operation_problem(op, 400, "a reference is 1 to 128 letters, digits or ._:@+/=,;~-");
        return;
    }
    if (note.len > NOTE_MAX) {
        operation_problem(op, 400, "a note is at most 256 bytes");
        return;
    }
    int len = snprintf(key, sizeof(key), "%s:%.*s", op->name, (int)reference.len, reference.ptr);
    words_init(&keys);
    words_add_key(&keys, op->bucket, "a", span_text(op->name));
    words_add_key(&keys, op->bucket, "r", span_of(key, (size_t)len));
    words_add_key(&keys, op->bucket, "L", SPAN_NONE);
    words_init(&args);
    words_add_text(&args, op->name);
    words_add_text(&args, amount_ucr < 0 ? "-" : "+");
    words_add_u64(&args, size);
    words_add(&args, reference);
    words_add(&args, note);
    op->texts = alloc_text(reference.ptr, reference.len);
    op->text_bytes = reference.len;
    op->step = step_credited;
    operation_run(op, STORE_CREDIT, &keys, &args);
}

/* ------------------------------------------------------------------ list */

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void end_list(struct operation *op)
{
    if (op->count > 0)
        qsort(op->texts, op->count, NAME_BYTES, by_name);
    struct json *json = operation_json(op, SHOW_BYTES + (size_t)op->count * (NAME_BYTES + 4));
    json_array(json, "accounts");
    for (uint32_t i = 0; i < op->count; ++i)
        json_text(json, NULL, span_text(op->texts + (size_t)i * NAME_BYTES));
    json_end_array(json);
    json_bool(json, "complete", op->count < NAMES_MAX);
    operation_end(op, 200);
}

/* The next buckets, some at once. No bucket answers with more than is wanted in all. */
static void ask_names(struct operation *op)
{
    for (unsigned i = 0; i < LIST_CALLS_MAX && op->at < STORE_BUCKETS; ++i) {
        struct words words;
        words_init(&words);
        words_add_text(&words, "SRANDMEMBER"); /* without repeating: all, when there are fewer */
        words_add_key(&words, (uint16_t)op->at++, "accounts", SPAN_NONE);
        words_add_u64(&words, NAMES_MAX - op->count);
        operation_call(op, &words);
    }
}

static void step_names(struct operation *op, const struct redisReply *reply)
{
    size_t count = answer_count(reply);
    for (size_t i = 0; i < count && op->count < NAMES_MAX; ++i) {
        struct span name = answer_word(reply, i);
        if (!account_name_is_good(name))
            continue;
        op->texts =
            op->count % 256 == 0 ? alloc_grow(op->texts, op->count + 256, NAME_BYTES) : op->texts;
        char *to = op->texts + (size_t)op->count++ * NAME_BYTES;
        memset(to, 0, NAME_BYTES);
        memcpy(to, name.ptr, name.len);
    }
    if (op->calls > 0)
        return;
    if (op->at < STORE_BUCKETS && op->count < NAMES_MAX)
        ask_names(op);
    else
        end_list(op);
}

void accounts_list(struct accounts *accounts, accounts_answer *answer, void *owner, uint64_t id)
{
    struct operation *op = operation_new(accounts, SPAN_OF("-"), answer, owner, id);
    if (op == NULL)
        return;
    op->step = step_names;
    ask_names(op);
}
