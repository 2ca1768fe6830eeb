/* Random operations on a few accounts of one bucket, by the real scripts in a real redis-server;
 * after each, the books of metering.md 9 (I1 to I3, I5 to I7, I9 to I11) are balanced and the
 * answer is compared with what the rules say. TEEGATE_MODEL_OPERATIONS and TEEGATE_MODEL_SEED ask
 * for more. */
#include "scripts_caller.h"
#include "unit/checks.h"

enum { ACCOUNTS = 6, CALLS_MAX = 20000 };

struct books { /* an account as Redis has it */
    char st;
    int64_t bal, held, spent, tup, seq, inf, cred, conc, rT, dN, dU, dM, mN, mU, mM, maxc;
};

struct call { /* what the test knows of an invocation */
    int account;
    enum { FRESH, LIVE, SETTLED, RELEASED } state;
    int64_t ceiling, sub, checkpoint, charge;
    bool this_day, this_month; /* its windows are the running ones */
    bool aimed;                /* is in `live` of the picture just taken */
    unsigned ledger_lines;
};

static struct scripts_caller c;
static struct books books[ACCOUNTS], before[ACCOUNTS];
static struct call calls[CALLS_MAX];
static int call_count;
static int64_t ledger_sum[ACCOUNTS], ledger_seq[ACCOUNTS];
static int64_t window_spent[ACCOUNTS][2]; /* settled in the running day, month */
static char ledger_last[64] = "0-0";
static int64_t ledger_lines;
static uint64_t seed;
static int operation;
static unsigned done[16]; /* how often each verdict was met */

static const char *const names[ACCOUNTS] = {"ann", "ben", "cat", "dan", "eve", "fay"};

static uint64_t roll(uint64_t most) /* xorshift64*: the same run for the same seed */
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * 2685821657736338717ULL % (most + 1);
}

static void read_books(void)
{
    for (int i = 0; i < ACCOUNTS; ++i) {
        redisReply *reply = caller_say(
            &c,
            "HMGET " TAG "a:%s st bal held spent tup seq inf cred conc rT dN dU dM mN mU mM maxc",
            names[i]);
        struct books *b = &books[i];
        int64_t *fields[] = {&b->bal,  &b->held, &b->spent, &b->tup, &b->seq, &b->inf,
                             &b->cred, &b->conc, &b->rT,    &b->dN,  &b->dU,  &b->dM,
                             &b->mN,   &b->mU,   &b->mM,    &b->maxc};
        ck_assert_uint_eq(reply->elements, 17);
        b->st = reply->element[0]->str[0];
        for (size_t k = 0; k < 16; ++k)
            *fields[k] = caller_number(reply, k + 1);
    }
}

static const char *ledger_field(const redisReply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < fields->elements; i += 2)
        if (strcmp(fields->element[i]->str, name) == 0)
            return fields->element[i + 1]->str;
    return "";
}

static int account_of(const char *name)
{
    for (int i = 0; i < ACCOUNTS; ++i)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

/* I5, I6, and the sums of I2, from the lines written since the last time. */
static void read_ledger(void)
{
    redisReply *lines = caller_say(&c, "XRANGE " TAG "L (%s +", ledger_last);
    for (size_t i = 0; i < lines->elements; ++i) {
        const redisReply *fields = lines->element[i]->element[1];
        int account = account_of(ledger_field(fields, "a"));
        ck_assert_int_ge(account, 0);
        ck_assert_int_eq(strtoll(ledger_field(fields, "s"), NULL, 10), ++ledger_seq[account]);
        ledger_sum[account] += strtoll(ledger_field(fields, "v"), NULL, 10);
        ck_assert_int_eq(strtoll(ledger_field(fields, "b"), NULL, 10) +
                             strtoll(ledger_field(fields, "h"), NULL, 10),
                         ledger_sum[account]);
        if (strcmp(ledger_field(fields, "k"), "chg") == 0) {
            struct call *call = &calls[atoi(ledger_field(fields, "i") + 1)];
            ck_assert_uint_eq(++call->ledger_lines, 1);
            ck_assert_int_eq(-strtoll(ledger_field(fields, "v"), NULL, 10), call->charge);
        }
        snprintf(ledger_last, sizeof(ledger_last), "%s", lines->element[i]->element[0]->str);
        ++ledger_lines;
    }
}

/* I3 and I10 from the live holds themselves. */
static void check_holds(void)
{
    static char text[65536];
    int64_t held[ACCOUNTS] = {0}, live[ACCOUNTS] = {0};
    int live_count = 0;
    for (int i = 0; i < call_count; ++i)
        calls[i].aimed = false;
    redisReply *members = caller_say(&c, "ZRANGE " TAG "x 0 -1");
    size_t used = (size_t)snprintf(text, sizeof(text), "MGET");
    int aimed[512];
    size_t count = members->elements;
    ck_assert_uint_lt(count, 512);
    for (size_t i = 0; i < count; ++i) {
        aimed[i] = atoi(members->element[i]->str + 1);
        calls[aimed[i]].aimed = true;
        used += (size_t)snprintf(text + used, sizeof(text) - used, " " TAG "h:i%d", aimed[i]);
    }
    if (count > 0) {
        static const char *words[520];
        int word_count = 0;
        char *rest = text;
        for (char *word; (word = strsep(&rest, " ")) != NULL;)
            words[word_count++] = word;
        redisReply *records = caller_command(&c, word_count, words);
        for (size_t i = 0; i < count; ++i) {
            long long ceiling, sub, checkpoint;
            ck_assert_int_eq(records->element[i]->type, REDIS_REPLY_STRING);
            ck_assert_int_eq(
                sscanf(records->element[i]->str, "H||%lld|%lld|%lld|", &ceiling, &sub, &checkpoint),
                3);
            const struct call *call = &calls[aimed[i]];
            ck_assert_int_eq(ceiling, call->ceiling);
            ck_assert_int_eq(sub, call->sub);
            ck_assert_int_eq(checkpoint, call->checkpoint);
            held[call->account] += ceiling + sub;
            ++live[call->account];
        }
    }
    for (int i = 0; i < call_count; ++i) {
        ck_assert_int_eq(calls[i].state == LIVE, calls[i].aimed);
        live_count += calls[i].state == LIVE;
    }
    ck_assert_uint_eq((size_t)live_count, count);
    for (int i = 0; i < ACCOUNTS; ++i) {
        ck_assert_int_eq(books[i].held, held[i]);
        ck_assert_int_eq(books[i].inf, live[i]);
    }
}

static void check_books(void)
{
    read_books();
    read_ledger();
    check_holds();
    for (int i = 0; i < ACCOUNTS; ++i) {
        const struct books *b = &books[i];
        ck_assert_int_eq(b->bal + b->held + b->spent, b->tup); /* I1 */
        ck_assert_int_eq(ledger_sum[i], b->bal + b->held);     /* I2 */
        ck_assert_int_ge(b->bal, -b->cred);                    /* I4: lines only grow here */
        ck_assert_int_eq(b->seq, ledger_seq[i]);               /* I6 */
        int64_t day = window_spent[i][0], month = window_spent[i][1];
        for (int k = 0; k < call_count; ++k)
            if (calls[k].account == i && calls[k].state == LIVE) {
                day += calls[k].this_day ? calls[k].ceiling + calls[k].sub : 0;
                month += calls[k].this_month ? calls[k].ceiling + calls[k].sub : 0;
            }
        ck_assert_int_eq(b->dU, day); /* I9 */
        ck_assert_int_eq(b->mU, month);
        ck_assert(b->dM == 0 || b->dU <= b->dM);
        ck_assert(b->mM == 0 || b->mU <= b->mM);
    }
}

/* I11: the accounts, the deadlines and the ledger are as they were; check_books() saw to the holds.
 */
static void nothing_changed(void)
{
    int64_t lines = ledger_lines;
    check_books();
    ck_assert_int_eq(ledger_lines, lines);
    ck_assert_mem_eq(books, before, sizeof(books));
}

static const char *verdict_by_rule(const struct books *b, const struct call *call)
{
    int64_t need = call->ceiling + call->sub;
    if (b->st != 'A')
        return "SUSPENDED";
    if (b->conc > 0 && b->inf >= b->conc)
        return "CONC";
    if (b->dM > 0 && b->dU + need > b->dM)
        return "DAY";
    if (b->mM > 0 && b->mU + need > b->mM)
        return "MONTH";
    if (need > b->bal + b->cred)
        return "FUNDS";
    if (b->maxc > 0 && need > b->maxc)
        return "CALLMAX";
    return "OK";
}

static void count_verdict(const char *verdict)
{
    static const char *const all[] = {"OK",    "SUSPENDED", "CONC", "DAY", "MONTH",
                                      "FUNDS", "CALLMAX",   "RATE", "DUP", "NOHOLD"};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); ++i)
        if (strcmp(all[i], verdict) == 0)
            ++done[i];
}

static void do_hold(void)
{
    /* Now and then an id that was used before. */
    int k = roll(9) == 0 && call_count > 0 ? (int)roll((uint64_t)call_count - 1) : call_count;
    bool fresh = k == call_count;
    if (fresh) {
        ck_assert_int_lt(call_count, CALLS_MAX);
        calls[call_count++] = (struct call){.account = (int)roll(ACCOUNTS - 1)};
    }
    struct call *call = &calls[k], asked = *call;
    asked.ceiling = (int64_t)roll(roll(3) == 0 ? 2000 : 300);
    asked.sub = roll(3) == 0 ? (int64_t)roll(200) : 0;
    const char *account = names[call->account];
    char inv[16];
    snprintf(inv, sizeof(inv), "i%d", k);
    NUMBER(ceiling, asked.ceiling);
    NUMBER(sub, asked.sub);
    const char *verdict =
        caller_word(say_hold(&c, account, inv, "t", "", ceiling, sub, "600000"), 0);
    count_verdict(verdict);
    if (call->state == LIVE || call->state == SETTLED) {
        ck_assert_str_eq(verdict, call->state == LIVE ? "LIVE" : "DONE");
        return nothing_changed();
    }
    if (call->state == RELEASED) { /* released under the same try: it must stay so */
        ck_assert_str_eq(verdict, "VOID");
        return nothing_changed();
    }
    const struct books *b = &before[call->account];
    if (b->rT > 0 && strcmp(verdict, "RATE") == 0) {
        ck_assert_int_eq(b->st, 'A');
        return nothing_changed();
    }
    ck_assert_str_eq(verdict, verdict_by_rule(b, &asked));
    if (strcmp(verdict, "OK") != 0)
        return nothing_changed();
    *call = asked;
    call->state = LIVE;
    call->this_day = call->this_month = true;
    int64_t day = b->dN, month = b->mN;
    read_books();
    if (books[call->account].dN != day)
        window_spent[call->account][0] = 0;
    if (books[call->account].mN != month)
        window_spent[call->account][1] = 0;
    check_books();
    ck_assert_int_eq(books[call->account].bal, b->bal - call->ceiling - call->sub);
}

static struct call *some_call(char *inv, size_t size)
{
    if (call_count == 0)
        return NULL;
    int k = (int)roll((uint64_t)call_count - 1);
    for (int i = 0; i < 64 && calls[k].state != LIVE; ++i) /* mostly a live one */
        k = (int)roll((uint64_t)call_count - 1);
    snprintf(inv, size, "i%d", k);
    return &calls[k];
}

static void end_call(struct call *call, const redisReply *reply, int64_t charge)
{
    count_verdict(caller_word(reply, 0));
    if (call->state == LIVE) {
        ck_assert_str_eq(caller_word(reply, 0), "OK");
        ck_assert_int_eq(caller_number(reply, 1), charge);
        ck_assert_int_le(charge, call->ceiling); /* I7 */
        call->state = SETTLED;
        call->charge = charge;
        window_spent[call->account][0] += call->this_day ? charge : 0;
        window_spent[call->account][1] += call->this_month ? charge : 0;
        return check_books();
    }
    ck_assert_str_eq(caller_word(reply, 0), call->state == SETTLED ? "DUP" : "NOHOLD");
    if (call->state == SETTLED)
        ck_assert_int_eq(caller_number(reply, 1), call->charge);
    nothing_changed();
}

static void do_settle(void)
{
    char inv[16];
    struct call *call = some_call(inv, sizeof(inv));
    if (call == NULL)
        return;
    int64_t cost = (int64_t)roll((uint64_t)call->ceiling + 20);
    NUMBER(text, cost);
    end_call(call, say_settle(&c, names[call->account], inv, "t", text),
             cost < call->ceiling ? cost : call->ceiling);
}

static void do_release(void)
{
    char inv[16];
    struct call *call = some_call(inv, sizeof(inv));
    if (call == NULL)
        return;
    const char *verdict = caller_word(say_release(&c, names[call->account], inv, "t"), 0);
    count_verdict(verdict);
    if (call->state == LIVE) {
        ck_assert_str_eq(verdict, "OK");
        call->state = RELEASED;
        return check_books();
    }
    ck_assert_str_eq(verdict, call->state == SETTLED ? "DUP" : "NOHOLD");
    if (call->state == FRESH)
        call->state = RELEASED; /* the mark that keeps this try from landing */
    nothing_changed();
}

static void do_reap(void)
{
    char inv[16];
    struct call *call = some_call(inv, sizeof(inv));
    if (call == NULL)
        return;
    uint64_t how = roll(3);
    if (call->state == LIVE && how < 2) { /* another run's, or not overdue: hands off */
        const char *verdict =
            caller_word(say_reap(&c, names[call->account], inv, how == 0 ? "gw1:9" : "", "0"), 0);
        ck_assert_str_eq(verdict, "LIVE");
        return nothing_changed();
    }
    if (call->state == LIVE && how == 2)
        caller_say(&c, "ZADD " TAG "x XX 1000 %s", inv);
    end_call(call, say_reap(&c, names[call->account], inv, how == 2 ? "" : "gw1:1", "60000"),
             call->checkpoint);
}

static void do_checkpoint(void)
{
    char inv[16];
    struct call *call = some_call(inv, sizeof(inv));
    if (call == NULL)
        return;
    int64_t cost = (int64_t)roll((uint64_t)call->ceiling + 20);
    NUMBER(text, cost);
    const char *verdict = caller_word(say_checkpoint(&c, inv, "t", text, "600000"), 0);
    ck_assert_str_eq(verdict, call->state == LIVE ? "OK" : "NOHOLD");
    if (cost > call->ceiling)
        cost = call->ceiling;
    if (call->state == LIVE && cost > call->checkpoint)
        call->checkpoint = cost;
    nothing_changed();
}

static void do_credit(void)
{
    static struct {
        int account;
        int64_t amount;
    } given[CALLS_MAX];
    static int given_count;
    bool again = roll(3) == 0 && given_count > 0;
    int k = again ? (int)roll((uint64_t)given_count - 1) : given_count;
    if (!again) {
        given[k].account = (int)roll(ACCOUNTS - 1);
        given[k].amount = 1 + (int64_t)roll(2000);
        if (roll(2) == 0)
            given[k].amount = -given[k].amount;
    }
    int account = given[k].account;
    bool other_amount = again && roll(2) == 0;
    int64_t amount = given[k].amount + (other_amount ? (given[k].amount > 0 ? 1 : -1) : 0);
    char reference[32];
    snprintf(reference, sizeof(reference), "ref%d", k);
    NUMBER(text, amount < 0 ? -amount : amount);
    const char *verdict =
        caller_word(say_credit(&c, names[account], amount < 0 ? "-" : "+", text, reference), 0);
    if (again) {
        ck_assert_str_eq(verdict, other_amount ? "MISMATCH" : "DUP");
        return nothing_changed();
    }
    const struct books *b = &before[account];
    if (b->bal + b->cred + amount < 0 && amount < 0) {
        ck_assert_str_eq(verdict, "FUNDS");
        return nothing_changed();
    }
    ck_assert_str_eq(verdict, "OK");
    ++given_count;
    check_books();
    ck_assert_int_eq(books[account].bal, b->bal + amount);
    ck_assert_int_eq(books[account].tup, b->tup + amount);
}

/* The account's day (and month) ends: it and its holds move into the past. */
static void do_midnight(void)
{
    int account = (int)roll(ACCOUNTS - 1);
    bool month_too = roll(1) == 0;
    const struct books *b = &before[account];
    if (b->dN == 0)
        return;
    for (int k = 0; k < call_count; ++k) {
        struct call *call = &calls[k];
        if (call->account != account || call->state != LIVE || !call->this_day)
            continue;
        char text[512], was[64], is[64], key[32];
        snprintf(key, sizeof(key), "i%d", k);
        snprintf(text, sizeof(text), "%s", caller_say(&c, "GET " TAG "h:%s", key)->str);
        int64_t month = b->mN - (call->this_month ? 0 : 1);
        snprintf(was, sizeof(was), "|%" PRId64 "|%" PRId64 "|", b->dN, month);
        snprintf(is, sizeof(is), "|%" PRId64 "|%" PRId64 "|", b->dN - 1,
                 month - (month_too ? 1 : 0));
        char *at = strstr(text, was);
        ck_assert_ptr_nonnull(at);
        memcpy(at, is, strlen(is));
        caller_say(&c, "SET " TAG "h:%s %s", key, text);
    }
    for (int k = 0; k < call_count; ++k)
        if (calls[k].account == account && calls[k].state == LIVE) {
            if (month_too && !calls[k].this_day && calls[k].this_month) {
                /* Its record keeps yesterday; the month alone goes. */
                char text[512], was[64], is[64];
                snprintf(text, sizeof(text), "%s", caller_say(&c, "GET " TAG "h:i%d", k)->str);
                snprintf(was, sizeof(was), "|%" PRId64 "|0|gw1", b->mN);
                snprintf(is, sizeof(is), "|%" PRId64 "|0|gw1", b->mN - 1);
                char *at = strstr(text, was);
                ck_assert_ptr_nonnull(at);
                memcpy(at, is, strlen(is));
                caller_say(&c, "SET " TAG "h:i%d %s", k, text);
            }
            calls[k].this_day = false;
            calls[k].this_month = calls[k].this_month && !month_too;
        }
    /* As if nothing had been counted in the new windows yet: what a first hold would write. */
    caller_say(&c, "HSET " TAG "a:%s dU 0", names[account]);
    window_spent[account][0] = 0;
    if (month_too) {
        caller_say(&c, "HSET " TAG "a:%s mU 0", names[account]);
        window_spent[account][1] = 0;
    }
    check_books();
}

static void do_suspend(void)
{
    int account = (int)roll(ACCOUNTS - 1);
    const char *state = roll(3) == 0 ? "S" : "A";
    ck_assert_str_eq(
        caller_word(say_account(&c, "edit", names[account], (const char *[]){"st", state, NULL}),
                    0),
        "OK");
    check_books();
    ck_assert_int_eq(books[account].st, state[0]);
}

static void make_accounts(void)
{
    static const char *const limits[ACCOUNTS][9] = {
        {NULL},
        {"cred", "5000", NULL},
        {"conc", "2", "maxc", "280", NULL},
        {"dM", "900", NULL},
        {"mM", "1800", NULL},
        {"rpm", "600", "burst", "1", NULL},
    };
    for (int i = 0; i < ACCOUNTS; ++i)
        ck_assert_str_eq(caller_word(say_account(&c, "create", names[i], limits[i]), 0), "OK");
}

/* A run that never met a verdict proves nothing about it. One account's rate goes by real time, so
 * how many operations that takes is not the same on every machine. */
static int first_unmet(void)
{
    for (int i = 0; i < 10; ++i)
        if (done[i] == 0)
            return i;
    return -1;
}

START_TEST(the_books_balance_after_every_operation)
{
    static void (*const deeds[])(void) = {
        do_hold,    do_hold,       do_hold,       do_hold,   do_hold,   do_settle,   do_settle,
        do_settle,  do_release,    do_reap,       do_reap,   do_credit, do_credit,   do_credit,
        do_suspend, do_checkpoint, do_checkpoint, do_credit, do_hold,   do_midnight,
    };
    const char *text = getenv("TEEGATE_MODEL_OPERATIONS");
    int operations = text != NULL ? (int)strtol(text, NULL, 10) : 3000;
    text = getenv("TEEGATE_MODEL_SEED");
    seed = text != NULL ? strtoull(text, NULL, 10) | 1 : 20261120;
    caller_start(&c);
    make_accounts();
    check_books();
    int most = 5 * operations;
    for (operation = 0; operation < most && call_count < CALLS_MAX - 1; ++operation) {
        if (operation >= operations && first_unmet() < 0)
            break;
        memcpy(before, books, sizeof(books));
        deeds[roll(sizeof(deeds) / sizeof(*deeds) - 1)]();
    }
    ck_assert_msg(operations < 3000 || first_unmet() < 0, "verdict %d was never met",
                  first_unmet());
    caller_stop(&c);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {the_books_balance_after_every_operation, NULL};
    return checks_run("model", tests);
}
