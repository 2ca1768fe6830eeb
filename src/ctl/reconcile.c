/* teegatectl ledger reconcile: the store's accounts, and receipts, against the exported ledger. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/base64url.h"
#include "ctl/amount.h"
#include "ctl/commands.h"
#include "ctl/ledger.h"

enum { TAIL_MAX = 1000, RECEIPT_TEXT_MAX = 8192, RECORD_MAX = 6144, PATH_BYTES = 4096 };

static bool number_of(const cJSON *json, const char *member, int64_t *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, member);
    double most = (double)AMOUNT_MOST;
    if (!cJSON_IsNumber(item) || item->valuedouble > most || item->valuedouble < -most)
        return false;
    *out = (int64_t)item->valuedouble;
    return true;
}

static struct span text_of(const cJSON *json, const char *member)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, member);
    return cJSON_IsString(item) ? span_text(item->valuestring) : SPAN_NONE;
}

/* CTL_OK and the parsed answer, to be deleted. */
static int ask_json(struct ctl_call *call, const char *target, cJSON **json)
{
    struct answer answer;
    int outcome = ask(call, "GET", target, NULL, &answer);
    *json = NULL;
    if (outcome != CTL_OK)
        return outcome;
    *json = cJSON_ParseWithLength(answer.body, answer.body_len);
    answer_fini(&answer);
    if (*json != NULL)
        return CTL_OK;
    fprintf(call->err, "teegatectl: the gateway's answer is not JSON.\n");
    return CTL_AWAY;
}

/* --- accounts ----------------------------------------------------------------------------------
 */

struct state { /* of an account, as the store has it */
    int64_t balance, held, spent, credited, sequence;
};

static bool read_state(const cJSON *json, struct state *state)
{
    return number_of(json, "balance_ucr", &state->balance) &&
           number_of(json, "held_ucr", &state->held) &&
           number_of(json, "spent_ucr", &state->spent) &&
           number_of(json, "credited_ucr", &state->credited) &&
           number_of(json, "ledger_entries", &state->sequence);
}

/* What the files do not have yet, or what the store was restored without. */
static void add_tail(struct ledger_report *report, const char *name, const struct state *state,
                     const cJSON *entries)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, entries)
    {
        int64_t sequence, value, balance, held, time_ms;
        struct span kind = text_of(entry, "kind");
        bool charge = span_is(kind, SPAN_OF("chg"));
        if (!number_of(entry, "sequence", &sequence) || !number_of(entry, "value_ucr", &value) ||
            !number_of(entry, "balance_ucr", &balance) || !number_of(entry, "held_ucr", &held) ||
            !number_of(entry, "time_ms", &time_ms) || sequence > state->sequence)
            continue; /* made since the account was shown */
        const struct ledger_fact fact = {
            .account = span_text(name),
            .kind = kind,
            .id = text_of(entry, charge ? "invocation" : "reference"),
            .place_ms = (uint64_t)time_ms,
            .sequence = (uint64_t)sequence,
            .value_ucr = value,
            .total_ucr = balance + held,
        };
        if (kind.len > 16 || fact.id.len == 0 || fact.id.len > 256)
            continue;
        if (ledger_book_add(report->book, &fact) == LEDGER_OTHER)
            ledger_report_problem(report, name,
                                  "%.*s is %" PRId64 " micro-credits in the store, and another "
                                  "amount in the ledger",
                                  (int)fact.id.len, fact.id.ptr, value);
    }
}

struct states {
    struct {
        char name[LEDGER_NAME_MAX + 1];
        struct state state;
    } * list;
    size_t count;
};

static int read_account(struct ledger_report *report, const char *name, struct states *states)
{
    struct ask_path path;
    cJSON *json = NULL;
    struct state state;
    char query[64];
    ask_path_account(&path, name, "");
    int outcome = ask_json(report->call, path.text, &json);
    if (outcome != CTL_OK)
        return outcome;
    bool good = read_state(json, &state);
    cJSON_Delete(json);
    if (!good) {
        fprintf(report->call->err, "teegatectl: the gateway's answer on %s lacks sums.\n", name);
        return CTL_AWAY;
    }
    snprintf(query, sizeof(query), "/spend?count=%d", TAIL_MAX);
    ask_path_account(&path, name, query);
    outcome = ask_json(report->call, path.text, &json);
    if (outcome != CTL_OK)
        return outcome;
    add_tail(report, name, &state, cJSON_GetObjectItemCaseSensitive(json, "entries"));
    cJSON_Delete(json);
    snprintf(states->list[states->count].name, LEDGER_NAME_MAX + 1, "%s", name);
    states->list[states->count++].state = state;
    return CTL_OK;
}

static void compare(struct ledger_report *report, const char *name, const char *what, int64_t store,
                    int64_t ledger)
{
    char a[AMOUNT_TEXT_MAX], b[AMOUNT_TEXT_MAX], c[AMOUNT_TEXT_MAX];
    if (store != ledger)
        ledger_report_problem(report, name, "%s is %s in the store, %s in the ledger: %s too %s",
                              what, amount_text(store, a), amount_text(ledger, b),
                              amount_text(store > ledger ? store - ledger : ledger - store, c),
                              store > ledger ? "much" : "little");
}

static void compare_account(struct ledger_report *report, const char *name,
                            const struct state *state)
{
    static const struct ledger_account none = {.first = 0};
    const struct ledger_account *account = ledger_book_find(report->book, span_text(name));
    if (account == NULL)
        account = &none;
    if ((uint64_t)state->sequence != account->last)
        ledger_report_problem(report, name,
                              "the store counts %" PRId64 " entries, the ledger ends with %" PRIu64,
                              state->sequence, account->last);
    compare(report, name, "balance and held", state->balance + state->held, account->total_ucr);
    compare(report, name, "spent", state->spent, account->charged_ucr);
    compare(report, name, "credited", state->credited, account->credited_ucr);
}

static void note_nothing(void *owner, const char *account, const char *sentence)
{
    /* Said of the files already; the tail's own show in the sums. */
    (void)owner, (void)account, (void)sentence;
}

static void find_unknown(struct ledger_report *report, const struct states *states)
{
    for (size_t i = 0; i < ledger_book_accounts(report->book); ++i) {
        const struct ledger_account *account = ledger_book_account(report->book, i);
        size_t at = 0;
        while (at < states->count && strcmp(states->list[at].name, account->name) != 0)
            ++at;
        if (at == states->count)
            ledger_report_problem(report, account->name,
                                  "the ledger has this account, the store has not");
    }
}

static int read_accounts(struct ledger_report *report, const cJSON *names, struct states *states)
{
    const cJSON *name;
    int count = cJSON_GetArraySize(names);
    int outcome = CTL_OK;
    states->list = alloc_array((size_t)count + 1, sizeof(*states->list));
    cJSON_ArrayForEach(name, names)
    {
        bool good = cJSON_IsString(name) && strlen(name->valuestring) <= LEDGER_NAME_MAX;
        if (outcome == CTL_OK && good)
            outcome = read_account(report, name->valuestring, states);
    }
    return outcome;
}

static int compare_store(struct ledger_report *report)
{
    struct states states = {NULL, 0};
    cJSON *json = NULL;
    int outcome = ask_json(report->call, "/accounts", &json);
    if (outcome == CTL_OK)
        outcome =
            read_accounts(report, cJSON_GetObjectItemCaseSensitive(json, "accounts"), &states);
    if (outcome == CTL_OK) {
        ledger_book_check(report->book, note_nothing, NULL);
        for (size_t i = 0; i < states.count; ++i)
            compare_account(report, states.list[i].name, &states.list[i].state);
        if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(json, "complete")))
            ledger_report_problem(report, "", "there are more accounts than the gateway lists");
        else
            find_unknown(report, &states);
        must(cJSON_AddNumberToObject(report->json, "store_accounts", (double)states.count) != NULL);
    }
    cJSON_Delete(json);
    free(states.list);
    return outcome;
}

/* --- receipts ----------------------------------------------------------------------------------
 */

/* The record is the first of a receipt's parts: one JSON object. What its signature is worth,
 * attest-verify says. */
static void compare_record(struct ledger_report *report, const char *where, const cJSON *record)
{
    char account[LEDGER_NAME_MAX + 1];
    struct span name = text_of(record, "account");
    struct span invocation = text_of(record, "invocation");
    int64_t charge, sequence, ledger_charge;
    uint64_t ledger_sequence;
    if (name.len == 0 || name.len > LEDGER_NAME_MAX || invocation.len == 0 ||
        invocation.len > 256 || !number_of(record, "charge", &charge) ||
        !number_of(record, "sequence", &sequence)) {
        ledger_report_problem(report, "", "%s: the receipt lacks account, invocation or charge",
                              where);
        return;
    }
    snprintf(account, sizeof(account), "%.*s", (int)name.len, name.ptr);
    if (sequence == 0 && charge == 0)
        return; /* not metered: it has no entry */
    if (!ledger_book_charge(report->book, name, invocation, &ledger_charge, &ledger_sequence))
        ledger_report_problem(report, account, "%s: the ledger has no call %.*s", where,
                              (int)invocation.len, invocation.ptr);
    else if (ledger_charge != charge || ledger_sequence != (uint64_t)sequence)
        ledger_report_problem(report, account,
                              "%s: call %.*s is charged %" PRId64 " micro-credits as sequence "
                              "%" PRId64 ", in the ledger %" PRId64 " as %" PRIu64,
                              where, (int)invocation.len, invocation.ptr, charge, sequence,
                              ledger_charge, ledger_sequence);
}

static void compare_receipt(struct ledger_report *report, const char *where, struct span text)
{
    char record[RECORD_MAX];
    struct span part = span_of(text.ptr, span_find(text, '.'));
    size_t bytes = part.len * 3 / 4;
    if (part.len == text.len || bytes > sizeof(record) || !base64url_read(part, record, bytes)) {
        ledger_report_problem(report, "", "%s: this is no receipt", where);
        return;
    }
    cJSON *json = cJSON_ParseWithLength(record, bytes);
    compare_record(report, where, json);
    cJSON_Delete(json);
}

static uint64_t read_receipts_of(struct ledger_report *report, const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t room = 0;
    uint64_t count = 0, line = 0;
    ssize_t len;
    if (file == NULL) {
        ledger_report_problem(report, "", "%s: %s", path, strerror(errno));
        return 0;
    }
    while ((len = getline(&text, &room, file)) > 0 && len <= RECEIPT_TEXT_MAX) {
        char where[PATH_BYTES + 32];
        struct span receipt = span_of(text, strcspn(text, " \t\r\n"));
        snprintf(where, sizeof(where), "%s:%" PRIu64, path, ++line);
        if (receipt.len == 0)
            continue;
        compare_receipt(report, where, receipt);
        ++count;
    }
    if (len > RECEIPT_TEXT_MAX)
        ledger_report_problem(report, "", "%s:%" PRIu64 ": the line is too long for a receipt",
                              path, line + 1);
    free(text);
    fclose(file);
    return count;
}

static uint64_t read_receipts(struct ledger_report *report, const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    uint64_t count = 0;
    if (dir == NULL)
        return read_receipts_of(report, path);
    while ((entry = readdir(dir)) != NULL) {
        char file[PATH_BYTES];
        int len = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && len < (int)sizeof(file))
            count += read_receipts_of(report, file);
    }
    closedir(dir);
    return count;
}

/* --- the command -------------------------------------------------------------------------------
 */

int ctl_ledger_reconcile(struct ctl_call *call)
{
    struct ledger_report report = {0};
    const struct ctl_value *receipts = args_value(call, "--receipts");
    int outcome = ledger_report_init(&report, call);
    if (outcome == CTL_OK)
        outcome = compare_store(&report);
    if (outcome == CTL_OK && receipts->text != NULL) {
        uint64_t count = read_receipts(&report, receipts->text);
        must(cJSON_AddNumberToObject(report.json, "receipts", (double)count) != NULL);
    }
    if (outcome == CTL_OK)
        outcome = ledger_report_end(&report, "Store and ledger agree to the micro-credit.");
    ledger_report_fini(&report);
    return outcome;
}
