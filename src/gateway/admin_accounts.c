/* The routes of accounts, keys and money: a JSON body becomes one call of callers/accounts. */
#include <stdio.h>
#include <string.h>

#include "gateway/admin_core.h"
#include "gateway/admin_members.h"
#include "rules/cid.h"

enum {
    ERROR_MAX = 512,
    SPEND_COUNT_DEFAULT = 100,
    SPEND_COUNT_MAX = 1000,
    KEY_CIDS_JOINED_MAX = 8192
};

/* --- between the two ---------------------------------------------------------------------------
 */

static void note_answer(void *owner, uint64_t id, int status, struct span json)
{
    struct admin *admin = owner;
    struct admin_request *request = slots_find(&admin->requests, id);
    if (request == NULL || request->status != 0)
        return; /* its operator has left, or was told that it took too long */
    if (status < 400)
        admin_answer_json(request, status, json);
    else
        admin_pass_problem(request, status, json);
}

/* What every call of callers/accounts ends with. */
#define ANSWER_TO(request) note_answer, (request)->admin, (request)->id

static struct accounts *accounts_of(struct admin_request *request)
{
    return request->admin->parts.accounts;
}

static struct span name_of(const struct admin_request *request)
{
    return span_text(request->words[0]);
}

static bool read_body(struct admin_request *request, const struct member *list, unsigned count)
{
    char error[ERROR_MAX];
    if (members_read(span_of(request->body, request->body_len), list, count, error, sizeof(error)))
        return true;
    admin_refuse(request, FAULT_BAD_REQUEST, "%s", error);
    return false;
}

/* A view without parameters. */
static bool has_no_query(struct admin_request *request)
{
    return admin_query(request, NULL, 0);
}

/* --- accounts ----------------------------------------------------------------------------------
 */

enum { LIMIT_MEMBERS = 8 };

static void limits_init(struct account_limits *limits)
{
    *limits = (struct account_limits){UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
                                      UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
}

static bool limits_are_given(const struct account_limits *limits)
{
    struct account_limits none;
    limits_init(&none);
    return memcmp(limits, &none, sizeof(none)) != 0;
}

static void limit_members(struct member *list, struct account_limits *limits)
{
    const struct member members[LIMIT_MEMBERS] = {
        {"credit_line_ucr", MEMBER_NUMBER, &limits->credit_line_ucr, MEMBER_MOST, false, NULL},
        {"concurrency", MEMBER_NUMBER, &limits->concurrency, 1000000, false, NULL},
        {"rate_per_minute", MEMBER_NUMBER, &limits->rate_per_minute, 60000000, false, NULL},
        {"rate_burst", MEMBER_NUMBER, &limits->rate_burst, 1000000, false, NULL},
        {"day_ucr", MEMBER_NUMBER, &limits->day_ucr, MEMBER_MOST, false, NULL},
        {"month_ucr", MEMBER_NUMBER, &limits->month_ucr, MEMBER_MOST, false, NULL},
        {"call_ucr", MEMBER_NUMBER, &limits->call_ucr, MEMBER_MOST, false, NULL},
        {"sub_budget_ucr", MEMBER_NUMBER, &limits->sub_budget_ucr, MEMBER_MOST, false, NULL},
    };
    memcpy(list, members, sizeof(members));
}

void admin_create_account(struct admin_request *request)
{
    struct account_limits limits;
    char name[MEMBER_TEXT_MAX];
    struct member list[LIMIT_MEMBERS + 1];
    limits_init(&limits);
    limit_members(list, &limits);
    list[LIMIT_MEMBERS] = (struct member){"name", MEMBER_TEXT, name, 0, true, NULL};
    if (has_no_query(request) && read_body(request, list, LIMIT_MEMBERS + 1))
        accounts_create(accounts_of(request), span_text(name), &limits, ANSWER_TO(request));
}

void admin_list_accounts(struct admin_request *request)
{
    if (has_no_query(request))
        accounts_list(accounts_of(request), ANSWER_TO(request));
}

void admin_show_account(struct admin_request *request)
{
    if (has_no_query(request))
        accounts_show(accounts_of(request), name_of(request), ANSWER_TO(request));
}

/* One change a call: two could be half done when the store goes away between them. */
void admin_change_account(struct admin_request *request)
{
    struct account_limits limits;
    bool suspended = false;
    bool suspends = false;
    struct member list[LIMIT_MEMBERS + 1];
    limits_init(&limits);
    limit_members(list, &limits);
    list[LIMIT_MEMBERS] =
        (struct member){"suspended", MEMBER_BOOL, &suspended, 0, false, &suspends};
    if (!has_no_query(request) || !read_body(request, list, LIMIT_MEMBERS + 1))
        return;
    if (suspends == limits_are_given(&limits))
        admin_refuse(request, FAULT_BAD_REQUEST,
                     "found %s, expected either \"suspended\" or one or more limits",
                     suspends ? "both" : "neither");
    else if (suspends)
        accounts_suspend(accounts_of(request), name_of(request), suspended, ANSWER_TO(request));
    else
        accounts_limit(accounts_of(request), name_of(request), &limits, ANSWER_TO(request));
}

void admin_credit_account(struct admin_request *request)
{
    int64_t amount = 0;
    char reference[MEMBER_TEXT_MAX] = "";
    char note[MEMBER_TEXT_MAX] = "";
    const struct member list[] = {
        {"amount_ucr", MEMBER_SIGNED, &amount, MEMBER_MOST, true, NULL},
        {"reference", MEMBER_TEXT, reference, 0, true, NULL},
        {"note", MEMBER_TEXT, note, 0, false, NULL},
    };
    if (!has_no_query(request) || !read_body(request, list, sizeof(list) / sizeof(list[0])))
        return;
    if (amount == 0)
        admin_refuse(request, FAULT_BAD_REQUEST, "\"amount_ucr\" is 0, expected more or less");
    else if (reference[0] == '\0')
        admin_refuse(request, FAULT_BAD_REQUEST,
                     "\"reference\" is empty; it keeps the same credit from being given twice");
    else
        accounts_credit(accounts_of(request), name_of(request), amount, span_text(reference),
                        span_text(note), ANSWER_TO(request));
}

/* --- keys --------------------------------------------------------------------------------------
 */

/* Every spelling of a CID becomes its canonical one: everything inside is keyed on that. */
static bool canonical_cids(struct admin_request *request, const char *given, char *out)
{
    size_t used = 0;
    unsigned count = 0;
    for (struct span rest = span_text(given); rest.len > 0;) {
        struct span one = span_of(rest.ptr, span_find(rest, ','));
        struct cid cid;
        rest = span_from(rest, one.len + 1);
        if (!cid_parse(one, &cid)) {
            admin_refuse(request, FAULT_BAD_REQUEST, "\"%.*s\" among \"cids\" is not a valid CID",
                         (int)(one.len < 100 ? one.len : 100), one.ptr);
            return false;
        }
        if (++count > KEY_CIDS_MAX) {
            admin_refuse(request, FAULT_BAD_REQUEST, "\"cids\" is expected to have at most %d CIDs",
                         KEY_CIDS_MAX);
            return false;
        }
        if (used > 0)
            out[used++] = ',';
        must(used + CID_TEXT_MAX < KEY_CIDS_JOINED_MAX);
        used += cid_text(&cid, out + used);
    }
    out[used] = '\0';
    return true;
}

void admin_mint_key(struct admin_request *request)
{
    char scopes[MEMBER_LIST_MAX] = "";
    char given[MEMBER_LIST_MAX] = "";
    char cids[KEY_CIDS_JOINED_MAX];
    uint64_t expires_at = 0;
    const struct member list[] = {
        {"scopes", MEMBER_TEXTS, scopes, 0, false, NULL},
        {"cids", MEMBER_TEXTS, given, 0, false, NULL},
        {"expires_at", MEMBER_NUMBER, &expires_at, MEMBER_MOST, false, NULL},
    };
    /* No body is a key of the default rules. */
    bool read = has_no_query(request) && (request->body_len == 0 ||
                                          read_body(request, list, sizeof(list) / sizeof(list[0])));
    if (!read || !canonical_cids(request, given, cids))
        return;
    const struct key_rules rules = {
        .scopes = span_text(scopes), .cids = span_text(cids), .expires_at = (int64_t)expires_at};
    accounts_key_mint(accounts_of(request), name_of(request), &rules, ANSWER_TO(request));
}

void admin_list_keys(struct admin_request *request)
{
    if (has_no_query(request))
        accounts_key_list(accounts_of(request), name_of(request), ANSWER_TO(request));
}

void admin_revoke_key(struct admin_request *request)
{
    if (has_no_query(request))
        accounts_key_revoke(accounts_of(request), name_of(request), span_text(request->words[1]),
                            ANSWER_TO(request));
}

/* --- what was spent, what is held ------------------------------------------------------------- */

void admin_show_spend(struct admin_request *request)
{
    uint64_t from = 0;
    uint64_t to = MEMBER_MOST;
    uint64_t count = SPEND_COUNT_DEFAULT;
    const struct admin_parameter list[] = {
        {"from", &from, MEMBER_MOST}, /* unix ms, both ends included */
        {"to", &to, MEMBER_MOST},
        {"count", &count, SPEND_COUNT_MAX},
    };
    if (!admin_query(request, list, sizeof(list) / sizeof(list[0])))
        return;
    if (from > to || count == 0)
        admin_refuse(request, FAULT_BAD_REQUEST, "%s",
                     count == 0 ? "\"count\" is 0, expected 1 to 1000"
                                : "\"from\" is later than \"to\"");
    else
        accounts_spend(accounts_of(request), name_of(request), (int64_t)from, (int64_t)to,
                       (uint32_t)count, ANSWER_TO(request));
}

void admin_show_holds(struct admin_request *request)
{
    if (has_no_query(request))
        accounts_holds(accounts_of(request), name_of(request), ANSWER_TO(request));
}

void admin_release_hold(struct admin_request *request)
{
    if (has_no_query(request))
        accounts_hold_release(accounts_of(request), name_of(request), span_text(request->words[1]),
                              ANSWER_TO(request));
}

void admin_check_store(struct admin_request *request)
{
    if (has_no_query(request))
        accounts_store_check(accounts_of(request), ANSWER_TO(request));
}
