#include "unit/gateway/fake_accounts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/must.h"

struct waiting {
    accounts_answer *answer;
    void *owner;
    uint64_t id;
};

struct accounts {
    struct fake_accounts fake;
    struct loop *loop;
    struct wake wake;
    struct waiting waiting[FAKE_WAITING_MAX];
};

struct fake_accounts *fake_accounts(struct accounts *accounts)
{
    return &accounts->fake;
}

void fake_accounts_answer(struct accounts *accounts)
{
    struct fake_accounts *fake = &accounts->fake;
    unsigned count = fake->waiting;
    fake->waiting = 0;
    for (unsigned i = 0; i < count; ++i) {
        struct waiting *waiting = &accounts->waiting[i];
        waiting->answer(waiting->owner, waiting->id, fake->status == 0 ? 200 : fake->status,
                        span_text(fake->json == NULL ? "{\"fake\":true}" : fake->json));
    }
}

static void run(void *owner)
{
    struct accounts *accounts = owner;
    if (!accounts->fake.holds_back)
        fake_accounts_answer(accounts);
}

struct accounts *accounts_new(struct loop *loop, struct store *store)
{
    struct accounts *accounts = alloc_zeroed(sizeof(*accounts));
    (void)store;
    accounts->loop = loop;
    wake_init(&accounts->wake, run, accounts);
    return accounts;
}

void accounts_free(struct accounts *accounts)
{
    wake_cancel(&accounts->wake);
    free(accounts);
}

static void take(struct accounts *accounts, accounts_answer *answer, void *owner, uint64_t id,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

static void take(struct accounts *accounts, accounts_answer *answer, void *owner, uint64_t id,
                 const char *format, ...)
{
    struct fake_accounts *fake = &accounts->fake;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(fake->asked, sizeof(fake->asked), format, args);
    va_end(args);
    must(len > 0 && len < FAKE_ASKED_MAX && fake->waiting < FAKE_WAITING_MAX);
    ++fake->asked_count;
    accounts->waiting[fake->waiting++] = (struct waiting){answer, owner, id};
    loop_wake(accounts->loop, &accounts->wake);
}

/* "-" for what is left as it is. */
static const char *limit(uint64_t value, char out[24])
{
    if (value == UINT64_MAX)
        snprintf(out, 24, "-");
    else
        snprintf(out, 24, "%" PRIu64, value);
    return out;
}

static void take_limits(struct accounts *accounts, const char *verb, struct span name,
                        const struct account_limits *l, accounts_answer *answer, void *owner,
                        uint64_t id)
{
    char t[8][24];
    take(accounts, answer, owner, id,
         "%s %.*s line=%s conc=%s rate=%s burst=%s day=%s month=%s call=%s sub=%s", verb,
         (int)name.len, name.ptr, limit(l->credit_line_ucr, t[0]), limit(l->concurrency, t[1]),
         limit(l->rate_per_minute, t[2]), limit(l->rate_burst, t[3]), limit(l->day_ucr, t[4]),
         limit(l->month_ucr, t[5]), limit(l->call_ucr, t[6]), limit(l->sub_budget_ucr, t[7]));
}

void accounts_create(struct accounts *accounts, struct span name,
                     const struct account_limits *limits, accounts_answer *answer, void *owner,
                     uint64_t id)
{
    take_limits(accounts, "create", name, limits, answer, owner, id);
}

void accounts_show(struct accounts *accounts, struct span name, accounts_answer *answer,
                   void *owner, uint64_t id)
{
    take(accounts, answer, owner, id, "show %.*s", (int)name.len, name.ptr);
}

void accounts_list(struct accounts *accounts, accounts_answer *answer, void *owner, uint64_t id)
{
    take(accounts, answer, owner, id, "list");
}

void accounts_limit(struct accounts *accounts, struct span name,
                    const struct account_limits *limits, accounts_answer *answer, void *owner,
                    uint64_t id)
{
    take_limits(accounts, "limit", name, limits, answer, owner, id);
}

void accounts_suspend(struct accounts *accounts, struct span name, bool suspended,
                      accounts_answer *answer, void *owner, uint64_t id)
{
    take(accounts, answer, owner, id, "%s %.*s", suspended ? "suspend" : "resume", (int)name.len,
         name.ptr);
}

void accounts_credit(struct accounts *accounts, struct span name, int64_t amount_ucr,
                     struct span reference, struct span note, accounts_answer *answer, void *owner,
                     uint64_t id)
{
    take(accounts, answer, owner, id, "credit %.*s %" PRId64 " ref=%.*s note=%.*s", (int)name.len,
         name.ptr, amount_ucr, (int)reference.len, reference.ptr, (int)note.len, note.ptr);
}

void accounts_key_mint(struct accounts *accounts, struct span name, const struct key_rules *rules,
                       accounts_answer *answer, void *owner, uint64_t id)
{
    take(accounts, answer, owner, id, "mint %.*s scopes=%.*s cids=%.*s expires=%" PRId64,
         (int)name.len, name.ptr, (int)rules->scopes.len, rules->scopes.ptr, (int)rules->cids.len,
         rules->cids.ptr, rules->expires_at);
}

void accounts_key_list(struct accounts *accounts, struct span name, accounts_answer *answer,
                       void *owner, uint64_t id)
{
    take(accounts, answer, owner, id, "keys %.*s", (int)name.len, name.ptr);
}

void accounts_key_revoke(struct accounts *accounts, struct span name, struct span key_id,
                         accounts_answer *answer, void *owner, uint64_t id)
{
    take(accounts, answer, owner, id, "revoke %.*s %.*s", (int)name.len, name.ptr, (int)key_id.len,
         key_id.ptr);
}

void accounts_spend(struct accounts *accounts, struct span name, int64_t from_unix_ms,
                    int64_t to_unix_ms, uint32_t count_max, accounts_answer *answer, void *owner,
                    uint64_t id)
{
    take(accounts, answer, owner, id, "spend %.*s %" PRId64 "..%" PRId64 " %" PRIu32, (int)name.len,
         name.ptr, from_unix_ms, to_unix_ms, count_max);
}

void accounts_holds(struct accounts *accounts, struct span name, accounts_answer *answer,
                    void *owner, uint64_t id)
{
    take(accounts, answer, owner, id, "holds %.*s", (int)name.len, name.ptr);
}

void accounts_invocation(struct accounts *accounts, struct span name, struct span invocation,
                         accounts_answer *answer, void *owner, uint64_t id)
{
    take(accounts, answer, owner, id, "invocation %.*s %.*s", (int)name.len, name.ptr,
         (int)invocation.len, invocation.ptr);
}

void accounts_sign_with(struct accounts *accounts, const struct signer *signer)
{
}
