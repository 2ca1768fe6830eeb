#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/amount.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/groups.h"
#include "ctl/ledger.h"
#include "ctl/show.h"

enum { ENTRIES_MAX = 1000, ENTRIES_DEFAULT = 100 };

/* --- entries -----------------------------------------------------------------------------------
 */

#define MORE "There are more entries: narrow --from and --to, or raise --count (1000 at most)."

static void show_rest(struct ctl_call *call, const cJSON *json)
{
    show_incomplete(call->out, json, MORE);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "older_exported")))
        fprintf(call->out, "\nOlder entries are in the exported ledger: teegatectl ledger spend\n");
}

static void show_sums(struct ctl_call *call, const cJSON *json)
{
    static const struct show_column sums[] = {
        {"charged_ucr", "CHARGED"}, {"credited_ucr", "CREDITED"}, {NULL, NULL}};
    cJSON *rows = cJSON_CreateArray();
    must(rows != NULL && cJSON_AddItemReferenceToArray(rows, (cJSON *)json));
    fprintf(call->out, "\n");
    show_rows(call->out, rows, sums, "No sums.");
    cJSON_Delete(rows);
}

static void show_entries(struct ctl_call *call, const cJSON *json)
{
    static const struct show_column columns[] = {
        {"time_ms", "TIME"},
        {"kind", "KIND"},
        {"value_ucr", "VALUE"},
        {"balance_ucr", "BALANCE"},
        {"outcome", "OUTCOME"},
        {"status", "STATUS"},
        {"worker", "WORKER"},
        {"key_id", "KEY"},
        {"invocation", "INVOCATION"},
        {"reference", "REFERENCE"},
        {"cid", "AGENT"},
        {"note", "NOTE"},
        {NULL, NULL},
    };
    const cJSON *entries = cJSON_GetObjectItemCaseSensitive(json, "entries");
    show_rows(call->out, entries, columns, "No entries.");
    if (cJSON_GetArraySize(entries) > 0)
        show_sums(call, json);
    show_rest(call, json);
}

/* --- sums by -----------------------------------------------------------------------------------
 */

static const char *text_of(const cJSON *entry, const char *member)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(entry, member);
    return cJSON_IsString(item) && item->valuestring[0] != '\0' ? item->valuestring : "-";
}

static int64_t number_of(const cJSON *entry, const char *member)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(entry, member);
    double most = (double)AMOUNT_MOST;
    if (!cJSON_IsNumber(item) || item->valuedouble > most || item->valuedouble < -most)
        return 0;
    return (int64_t)item->valuedouble;
}

/* A charge takes from the balance, so its value is negative. */
static void show_groups(struct ctl_call *call, const cJSON *json)
{
    const cJSON *entries = cJSON_GetObjectItemCaseSensitive(json, "entries");
    struct groups groups;
    const cJSON *entry;
    groups_init(&groups, args_value(call, "--by")->text);
    cJSON_ArrayForEach(entry, entries) if (strcmp(text_of(entry, "kind"), "chg") == 0)
        groups_add(&groups, span_text(text_of(entry, groups.by)), number_of(entry, "time_ms"),
                   -number_of(entry, "value_ucr"));
    groups_print(&groups, call->out);
    show_rest(call, json);
    groups_fini(&groups);
}

/* --- the command -------------------------------------------------------------------------------
 */

/* False, and said: the last is before the first. */
static bool spans_time(struct ctl_call *call)
{
    const struct ctl_value *from = args_value(call, "--from");
    const struct ctl_value *to = args_value(call, "--to");
    if (from->text == NULL || to->text == NULL || from->number <= to->last)
        return true;
    fprintf(call->err, "teegatectl: %s: --from %s is later than --to %s.\n", call->command->name,
            from->text, to->text);
    return false;
}

int ctl_spend(struct ctl_call *call)
{
    const struct ctl_value *from = args_value(call, "--from");
    const struct ctl_value *to = args_value(call, "--to");
    const struct ctl_value *count = args_value(call, "--count");
    bool sums = args_value(call, "--by")->text != NULL;
    struct ask_path path;
    char query[160];
    if (count->text != NULL && (count->number < 1 || count->number > ENTRIES_MAX)) {
        fprintf(call->err, "teegatectl: spend: --count: found %s, expected 1 to %d.\n", count->text,
                ENTRIES_MAX);
        return CTL_WRONG_USE;
    }
    if (!spans_time(call))
        return CTL_WRONG_USE;
    int64_t entries = count->text != NULL ? count->number : sums ? ENTRIES_MAX : ENTRIES_DEFAULT;
    int64_t last = to->text != NULL ? to->last : AMOUNT_MOST;
    snprintf(query, sizeof(query), "/spend?from=%" PRId64 "&to=%" PRId64 "&count=%" PRId64,
             from->number, last, entries);
    ask_path_account(&path, call->operands[0], query);
    return ask_and_show(call, "GET", path.text, NULL, sums ? show_groups : show_entries);
}

/* --- the same of the exported ledger --------------------------------------------------------- */

struct sums {
    struct groups groups;
    struct span account; /* empty: all */
    int64_t from_ms, to_ms;
};

static void add_line(void *owner, const struct ledger_line *line)
{
    struct sums *sums = owner;
    bool wanted = span_is(line->kind, SPAN_OF("chg")) &&
                  (sums->account.len == 0 || span_is(line->account, sums->account)) &&
                  (int64_t)line->time_ms >= sums->from_ms && (int64_t)line->time_ms <= sums->to_ms;
    bool by_account = strcmp(sums->groups.by, "account") == 0;
    if (wanted)
        groups_add(&sums->groups,
                   by_account ? line->account : ledger_line_text(line, sums->groups.by),
                   (int64_t)line->time_ms, -line->value_ucr);
}

static void show_sums_of(struct ctl_call *call, struct sums *sums, uint64_t problems)
{
    if (call->json)
        groups_print_json(&sums->groups, call->out);
    else
        groups_print(&sums->groups, call->out);
    if (problems > 0)
        fprintf(call->err,
                "teegatectl: something is wrong with this ledger: 'teegatectl ledger verify' "
                "says what.\n");
}

int ctl_ledger_spend(struct ctl_call *call)
{
    const struct ctl_value *to = args_value(call, "--to");
    struct sums sums = {.account = span_text(args_value(call, "--account")->text),
                        .from_ms = args_value(call, "--from")->number,
                        .to_ms = to->text != NULL ? to->last : AMOUNT_MOST};
    struct ledger_report report = {.entry = add_line, .owner = &sums};
    if (!spans_time(call))
        return CTL_WRONG_USE;
    groups_init(&sums.groups, args_value(call, "--by")->text);
    int outcome = ledger_report_init(&report, call);
    if (outcome == CTL_OK)
        show_sums_of(call, &sums, report.problem_count);
    if (outcome == CTL_OK && report.problem_count > 0)
        outcome = CTL_REFUSED;
    ledger_report_fini(&report);
    groups_fini(&sums.groups);
    return outcome;
}
