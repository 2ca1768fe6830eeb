/* Random operations on a few accounts of one bucket and the trees of calls they pay for, by the
 * real scripts in a real redis-server; after each, the books of metering.md 9 (I1 to I3, I5 to I7,
 * I9 to I11) are balanced and the answer is compared with what the rules say. test_model
 * [OPERATIONS [SEED]]: 50,000 unless it says otherwise. */

/* What a crash would lose is not the matter here, and a disk would be most of the time it takes. */
#define REDIS_SERVER_FSYNC "no"
#include "scripts_caller.h"
#include "unit/checks.h"

enum { ACCOUNTS = 6, CALLS_MAX = 60000, LIVE_MAX = 240, DEPTH_MOST = 3, KIDS_MOST = 2 };

struct books { /* an account as Redis has it */
    char st;
    int64_t bal, held, spent, tup, seq, inf, cred, conc, rT, dN, dU, dM, mN, mU, mM, maxc;
};

enum { NOBODY = -1 };

struct call { /* what the test knows of an invocation */
    int account;
    enum { FRESH, LIVE, SETTLED, RELEASED } state;
    int64_t ceiling, checkpoint, charge;
    int64_t sub, sub_first;    /* the sub-budget now, and as it was held */
    bool this_day, this_month; /* its windows are the running ones */
    unsigned ledger_lines;
    int at;                     /* in `live` */
    int parent, root;           /* NOBODY and itself for a root */
    int64_t depth, kids, below; /* below: charged to those under it, as handed up */
    int64_t tree_charge;        /* of a root: charged in its whole tree, itself included */
    int tree_live;              /* of a root: calls of its tree that live, itself included */
};

static struct scripts_caller c;
static struct books books[ACCOUNTS], before[ACCOUNTS];
static struct call calls[CALLS_MAX];
static int call_count;
static int live[LIVE_MAX + 1], live_count;
static int64_t ledger_sum[ACCOUNTS], ledger_seq[ACCOUNTS];
static int64_t window_spent[ACCOUNTS][2]; /* settled in the running day, month */
static char ledger_last[64] = "0-0";
static int64_t ledger_lines;
static uint64_t seed = 20261120;
static int operations = 50000;
static int operation;
static unsigned done[20]; /* how often each verdict was met */

static const char *const names[ACCOUNTS] = {"ann", "ben", "cat", "dan", "eve", "fay"};

static uint64_t roll(uint64_t most) /* xorshift64*: the same run for the same seed */
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * 2685821657736338717ULL % (most + 1);
}

/* What is looked at after every operation, asked for at once: the accounts, the ledger's new lines,
 * the deadlines and the live holds as this test has them. */
static void ask_all(void)
{
    static char keys[LIVE_MAX][32];
    const char *words[LIVE_MAX + 2] = {"MGET", TAG "none"};
    for (int i = 0; i < ACCOUNTS; ++i)
        redisAppendCommand(c.redis,
                           "HMGET " TAG
                           "a:%s st bal held spent tup seq inf cred conc rT dN dU dM mN mU mM maxc",
                           names[i]);
    redisAppendCommand(c.redis, "XRANGE " TAG "L (%s +", ledger_last);
    redisAppendCommand(c.redis, "ZRANGE " TAG "x 0 -1");
    for (int i = 0; i < live_count; ++i) {
        snprintf(keys[i], sizeof(keys[i]), TAG "h:i%d", live[i]);
        words[i + 2] = keys[i];
    }
    redisAppendCommandArgv(c.redis, live_count + 2, words, NULL);
}

static redisReply *next_reply(void)
{
    redisReply *reply = NULL;
    ck_assert_int_eq(redisGetReply(c.redis, (void **)&reply), REDIS_OK);
    return reply;
}

static void read_books(void)
{
    for (int i = 0; i < ACCOUNTS; ++i) {
        redisReply *reply = next_reply();
        struct books *b = &books[i];
        int64_t *fields[] = {&b->bal,  &b->held, &b->spent, &b->tup, &b->seq, &b->inf,
                             &b->cred, &b->conc, &b->rT,    &b->dN,  &b->dU,  &b->dM,
                             &b->mN,   &b->mU,   &b->mM,    &b->maxc};
        ck_assert_uint_eq(reply->elements, 17);
        b->st = reply->element[0]->str[0];
        for (size_t k = 0; k < 16; ++k)
            *fields[k] = caller_number(reply, k + 1);
        freeReplyObject(reply);
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
    redisReply *lines = next_reply();
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
    freeReplyObject(lines);
}

/* The fields of a record, by their places in record.lua. */
enum { F_CEILING = 2, F_SUB, F_CHECKPOINT, F_DAY, F_MONTH, F_DEPTH, F_KIDS = 18, F_BELOW, F_MOST };

static int split_record(char *text, char *fields[F_MOST])
{
    int count = 0;
    for (char *field; count < F_MOST && (field = strsep(&text, "|")) != NULL;)
        fields[count++] = field;
    return count;
}

static int64_t number_of(const char *field)
{
    return strtoll(field, NULL, 10);
}

static void check_hold(const struct call *call, char *text)
{
    char *fields[F_MOST];
    ck_assert_int_eq(split_record(text, fields), F_MOST);
    ck_assert_str_eq(fields[0], "H");
    ck_assert_int_eq(number_of(fields[F_CEILING]), call->ceiling);
    ck_assert_int_eq(number_of(fields[F_SUB]), call->sub);
    ck_assert_int_eq(number_of(fields[F_CHECKPOINT]), call->checkpoint);
    ck_assert_int_eq(number_of(fields[F_DEPTH]), call->depth);
    ck_assert_int_eq(number_of(fields[F_KIDS]), call->kids);
    ck_assert_int_eq(number_of(fields[F_BELOW]), call->below);
}

/* I3 and I10 from the live holds themselves. */
static void check_holds(void)
{
    int64_t held[ACCOUNTS] = {0}, roots[ACCOUNTS] = {0};
    redisReply *members = next_reply();
    ck_assert_uint_eq(members->elements, (size_t)live_count);
    for (size_t i = 0; i < members->elements; ++i)
        ck_assert_int_eq(calls[atoi(members->element[i]->str + 1)].state, LIVE);
    freeReplyObject(members);
    redisReply *records = next_reply();
    for (int i = 0; i < live_count; ++i) {
        const struct call *call = &calls[live[i]];
        ck_assert_int_eq(records->element[i + 1]->type, REDIS_REPLY_STRING);
        check_hold(call, records->element[i + 1]->str);
        held[call->account] += call->ceiling + call->sub;
        roots[call->account] += call->parent == NOBODY;
    }
    freeReplyObject(records);
    for (int i = 0; i < ACCOUNTS; ++i) {
        ck_assert_int_eq(books[i].held, held[i]);
        ck_assert_int_eq(books[i].inf, roots[i]);
    }
}

static void check_books(void)
{
    ask_all();
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
        for (int k = 0; k < live_count; ++k) {
            const struct call *call = &calls[live[k]];
            if (call->account != i)
                continue;
            day += call->this_day ? call->ceiling + call->sub : 0;
            month += call->this_month ? call->ceiling + call->sub : 0;
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

static const char *verdict_below(const struct books *b, const struct call *call)
{
    const struct call *above = &calls[call->parent];
    if (above->state != LIVE || above->account != call->account)
        return "NOPARENT";
    if (b->st != 'A')
        return "SUSPENDED";
    if (above->depth + 1 > DEPTH_MOST)
        return "DEPTH";
    if (above->kids >= KIDS_MOST)
        return "KIDS";
    return call->ceiling + call->sub > above->sub ? "SUBFUNDS" : "OK";
}

static const char *verdict_by_rule(const struct books *b, const struct call *call)
{
    int64_t need = call->ceiling + call->sub;
    if (call->parent != NOBODY)
        return verdict_below(b, call);
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
    static const char *const all[] = {"OK",       "SUSPENDED", "CONC", "DAY",     "MONTH",
                                      "FUNDS",    "CALLMAX",   "RATE", "DUP",     "NOHOLD",
                                      "NOPARENT", "DEPTH",     "KIDS", "SUBFUNDS"};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); ++i)
        if (strcmp(all[i], verdict) == 0)
            ++done[i];
}

/* ------------------------------------------------------------------ trees */

static void begin_live(int k)
{
    struct call *call = &calls[k];
    call->state = LIVE;
    call->at = live_count;
    live[live_count++] = k;
    ++calls[call->root].tree_live;
    if (call->parent == NOBODY)
        return;
    struct call *above = &calls[call->parent];
    above->sub -= call->ceiling + call->sub;
    ++above->kids;
    call->depth = above->depth + 1;
    call->this_day = above->this_day;
    call->this_month = above->this_month;
}

/* I7 for the tree: all that was charged in it, against what its root held. */
static void check_tree(const struct call *root)
{
    ck_assert_int_le(root->tree_charge, root->ceiling + root->sub_first);
    if (root->tree_live > 0)
        return;
    char *fields[F_MOST];
    redisReply *reply = caller_say(&c, "GET " TAG "h:i%d", (int)(root - calls));
    ck_assert_int_eq(reply->type, REDIS_REPLY_STRING);
    bool settled = root->state == SETTLED;
    ck_assert_int_eq(split_record(reply->str, fields), settled ? 12 : 7);
    ck_assert_int_eq(number_of(fields[settled ? 11 : 6]), root->below);
    ck_assert_int_eq(root->below + root->charge, root->tree_charge);
}

static void end_live(struct call *call, int64_t charge)
{
    struct call *root = &calls[call->root];
    int last = live[--live_count];
    live[call->at] = last;
    calls[last].at = call->at;
    call->charge = charge;
    root->tree_charge += charge;
    --root->tree_live;
    window_spent[call->account][0] += call->this_day ? charge : 0;
    window_spent[call->account][1] += call->this_month ? charge : 0;
    if (call->parent == NOBODY)
        return;
    struct call *above = &calls[call->parent];
    above->below += charge + call->below;
    if (above->state == LIVE) {
        above->sub += call->ceiling + call->sub - charge;
        --above->kids;
    } else if (root != above) {
        root->below += charge + call->below;
    }
}

/* The words by which the scripts are told of a call's place; they live until the next. */
static const struct caller_place *place_of(const struct call *call)
{
    static char parent[16], root[16];
    static struct caller_place place = {parent, root, "3", "2"};
    if (call->parent == NOBODY)
        return NULL;
    snprintf(parent, sizeof(parent), "i%d", call->parent);
    snprintf(root, sizeof(root), "i%d", call->root);
    return &place;
}

/* Mostly a live one; NULL when there is none at all. */
static struct call *some_call(char *inv, size_t size)
{
    if (call_count == 0)
        return NULL;
    bool any = live_count == 0 || roll(15) == 0;
    int k = any ? (int)roll((uint64_t)call_count - 1) : live[roll((uint64_t)live_count - 1)];
    snprintf(inv, size, "i%d", k);
    return &calls[k];
}

/* ------------------------------------------------------------------ the operations */

static int fresh_call(void)
{
    char inv[16];
    int k = call_count;
    const struct call *above = roll(1) == 0 ? some_call(inv, sizeof(inv)) : NULL;
    const struct call *other = above != NULL ? some_call(inv, sizeof(inv)) : NULL;
    if (other != NULL && other->depth > above->depth) /* so that trees grow deep, too */
        above = other;
    ck_assert_int_lt(call_count, CALLS_MAX);
    struct call call = {.account = (int)roll(ACCOUNTS - 1), .parent = NOBODY, .root = k};
    /* Now and then a call another pays for: there is no such parent for this one. */
    if (above != NULL && roll(15) != 0)
        call.account = above->account;
    if (above != NULL) {
        call.parent = (int)(above - calls);
        call.root = above->root;
    }
    calls[call_count++] = call;
    return k;
}

static void check_root_hold(const struct call *call, const struct books *b)
{
    int64_t day = b->dN, month = b->mN;
    ask_all();
    read_books();
    if (books[call->account].dN != day)
        window_spent[call->account][0] = 0;
    if (books[call->account].mN != month)
        window_spent[call->account][1] = 0;
    read_ledger();
    check_holds();
    check_books();
    ck_assert_int_eq(books[call->account].bal, b->bal - call->ceiling - call->sub);
}

static void do_settle(void);

static void do_hold(void)
{
    if (live_count == LIVE_MAX)
        return do_settle();
    /* Now and then an id that was used before. */
    bool again = roll(9) == 0 && call_count > 0;
    int k = again ? (int)roll((uint64_t)call_count - 1) : fresh_call();
    struct call *call = &calls[k], asked = *call;
    bool nested = call->parent != NOBODY;
    asked.ceiling = (int64_t)roll(nested ? 60 : roll(3) == 0 ? 2000 : 300);
    asked.sub = asked.sub_first = roll(1) == 0 ? (int64_t)roll(nested ? 100 : 500) : 0;
    const char *account = names[call->account];
    char inv[16];
    snprintf(inv, sizeof(inv), "i%d", k);
    NUMBER(ceiling, asked.ceiling);
    NUMBER(sub, asked.sub);
    const char *verdict = caller_word(
        say_hold_below(&c, place_of(call), account, inv, "t", "", ceiling, sub, "600000"), 0);
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
    if (!nested && b->rT > 0 && strcmp(verdict, "RATE") == 0) {
        ck_assert_int_eq(b->st, 'A');
        return nothing_changed();
    }
    ck_assert_str_eq(verdict, verdict_by_rule(b, &asked));
    if (strcmp(verdict, "OK") != 0)
        return nothing_changed();
    *call = asked;
    call->this_day = call->this_month = true;
    begin_live(k);
    if (nested)
        nothing_changed(); /* but the two holds, which check_holds() compared */
    else
        check_root_hold(call, b);
}

static void end_call(struct call *call, const redisReply *reply, int64_t charge)
{
    count_verdict(caller_word(reply, 0));
    if (call->state == LIVE) {
        ck_assert_str_eq(caller_word(reply, 0), "OK");
        ck_assert_int_eq(caller_number(reply, 1), charge);
        ck_assert_int_le(charge, call->ceiling); /* I7 */
        call->state = SETTLED;
        end_live(call, charge);
        check_tree(&calls[call->root]);
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
    end_call(call, say_settle_below(&c, place_of(call), names[call->account], inv, "t", text),
             cost < call->ceiling ? cost : call->ceiling);
}

static void do_release(void)
{
    char inv[16];
    struct call *call = some_call(inv, sizeof(inv));
    if (call == NULL)
        return;
    const char *verdict =
        caller_word(say_release_below(&c, place_of(call), names[call->account], inv, "t"), 0);
    count_verdict(verdict);
    if (call->state == LIVE) {
        ck_assert_str_eq(verdict, "OK");
        call->state = RELEASED;
        end_live(call, 0);
        check_tree(&calls[call->root]);
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
    const char *account = names[call->account];
    if (call->state == LIVE && how < 2) { /* another run's, or not overdue: hands off */
        const char *verdict = caller_word(
            say_reap_below(&c, place_of(call), account, inv, how == 0 ? "gw1:9" : "", "0"), 0);
        ck_assert_str_eq(verdict, "LIVE");
        return nothing_changed();
    }
    if (call->state == LIVE && how == 2)
        caller_say(&c, "ZADD " TAG "x XX 1000 %s", inv);
    end_call(call,
             say_reap_below(&c, place_of(call), account, inv, how == 2 ? "" : "gw1:1", "60000"),
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

static void move_into_past(int k, int64_t day, int64_t month)
{
    char text[512], *fields[F_MOST];
    snprintf(text, sizeof(text), "%s", caller_say(&c, "GET " TAG "h:i%d", k)->str);
    ck_assert_int_eq(split_record(text, fields), F_MOST);
    NUMBER(day_text, day);
    NUMBER(month_text, month);
    fields[F_DAY] = day_text;
    fields[F_MONTH] = month_text;
    char whole[512];
    size_t used = 0;
    for (int i = 0; i < F_MOST; ++i)
        used += (size_t)snprintf(whole + used, sizeof(whole) - used, "%s%s", i > 0 ? "|" : "",
                                 fields[i]);
    caller_say(&c, "SET " TAG "h:i%d %s", k, whole);
}

/* The account's day (and month) ends: it and its holds move into the past. */
static void do_midnight(void)
{
    int account = (int)roll(ACCOUNTS - 1);
    bool month_too = roll(1) == 0;
    const struct books *b = &before[account];
    if (b->dN == 0)
        return;
    for (int k = 0; k < live_count; ++k) {
        struct call *call = &calls[live[k]];
        if (call->account != account)
            continue;
        call->this_day = false;
        call->this_month = call->this_month && !month_too;
        move_into_past(live[k], b->dN - 1, b->mN - !call->this_month);
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

enum { VERDICTS = 14 };

/* A run that never met a verdict proves nothing about it. One account's rate goes by real time, so
 * how many operations that takes is not the same on every machine. */
static int first_unmet(void)
{
    for (int i = 0; i < VERDICTS; ++i)
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
    caller_start(&c);
    make_accounts();
    check_books();
    int most = 5 * operations;
    for (operation = 0; operation < most; ++operation) {
        if (operation >= operations && first_unmet() < 0)
            break;
        memcpy(before, books, sizeof(books));
        deeds[roll(sizeof(deeds) / sizeof(*deeds) - 1)]();
    }
    ck_assert_int_ge(operation, operations);
    ck_assert_msg(operations < 20000 || first_unmet() < 0, "verdict %d was never met",
                  first_unmet());
    caller_stop(&c);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc > 1)
        operations = (int)strtol(argv[1], NULL, 10);
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 10) | 1;
    const TTest *tests[] = {the_books_balance_after_every_operation, NULL};
    return checks_run("model", tests);
}
