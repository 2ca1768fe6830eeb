#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ctl/amount.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/moment.h"
#include "ctl/show.h"
#include "ctl/table.h"

enum { ENTRIES_MAX = 1000, ENTRIES_DEFAULT = 100, GROUP_NAME_MAX = 200 };

/* --- entries -----------------------------------------------------------------------------------
 */

#define MORE "There are more entries: narrow --from and --to, or raise --count (1000 at most)."

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
    show_incomplete(call->out, json, MORE);
}

/* --- sums by -----------------------------------------------------------------------------------
 */

struct group {
    char name[GROUP_NAME_MAX];
    uint64_t count;
    int64_t charged_ucr;
};

struct groups {
    struct group *list;
    size_t count;
};

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

static void name_of(const cJSON *entry, const char *by, char *out)
{
    if (strcmp(by, "day") == 0) {
        char moment[MOMENT_TEXT_MAX];
        moment_text(number_of(entry, "time_ms") / 1000, moment);
        snprintf(out, GROUP_NAME_MAX, "%.10s", moment);
    } else {
        snprintf(out, GROUP_NAME_MAX, "%s", text_of(entry, by));
    }
}

static struct group *group_of(struct groups *groups, const char *name)
{
    for (size_t i = 0; i < groups->count; ++i)
        if (strcmp(groups->list[i].name, name) == 0)
            return &groups->list[i];
    if (groups->count == ENTRIES_MAX)
        return NULL;
    struct group *group = &groups->list[groups->count++];
    snprintf(group->name, sizeof(group->name), "%s", name);
    return group;
}

/* A charge takes from the balance, so its value is negative. */
static void sum_up(struct groups *groups, const cJSON *entries, const char *by)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, entries)
    {
        char name[GROUP_NAME_MAX];
        if (strcmp(text_of(entry, "kind"), "chg") != 0)
            continue;
        name_of(entry, by, name);
        struct group *group = group_of(groups, name);
        if (group == NULL)
            continue;
        ++group->count;
        group->charged_ucr -= number_of(entry, "value_ucr");
    }
}

static int by_charge(const void *one, const void *other)
{
    const struct group *a = one;
    const struct group *b = other;
    if (a->charged_ucr != b->charged_ucr)
        return a->charged_ucr > b->charged_ucr ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int by_name(const void *one, const void *other)
{
    return strcmp(((const struct group *)other)->name, ((const struct group *)one)->name);
}

static void print_groups(struct ctl_call *call, const struct groups *groups, const char *by)
{
    static const char *const headings[][2] = {
        {"cid", "AGENT"}, {"day", "DAY"}, {"worker", "WORKER"}};
    struct table table;
    bool whole = true;
    table_init(&table, 3);
    table.right[1] = table.right[2] = true;
    for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); ++i)
        if (strcmp(headings[i][0], by) == 0)
            whole = table_add(&table, headings[i][1]);
    whole = whole && table_add(&table, "CALLS") && table_add(&table, "CHARGED");
    for (size_t i = 0; i < groups->count && whole; ++i) {
        char count[24];
        char amount[AMOUNT_TEXT_MAX];
        snprintf(count, sizeof(count), "%" PRIu64, groups->list[i].count);
        whole = table_add(&table, groups->list[i].name) && table_add(&table, count) &&
                table_add(&table, amount_text(groups->list[i].charged_ucr, amount));
    }
    must(whole); /* ENTRIES_MAX is far below the table's */
    table_print(&table, call->out);
    table_fini(&table);
}

static void show_groups(struct ctl_call *call, const cJSON *json)
{
    const cJSON *entries = cJSON_GetObjectItemCaseSensitive(json, "entries");
    const char *by = args_value(call, "--by")->text;
    struct groups groups = {.list = alloc_array(ENTRIES_MAX, sizeof(struct group))};
    sum_up(&groups, entries, by);
    if (groups.count > 0)
        qsort(groups.list, groups.count, sizeof(struct group),
              strcmp(by, "day") == 0 ? by_name : by_charge);
    if (groups.count == 0)
        fprintf(call->out, "No charges.\n");
    else
        print_groups(call, &groups, by);
    show_incomplete(call->out, json, MORE);
    free(groups.list);
}

/* --- the command -------------------------------------------------------------------------------
 */

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
    if (from->text != NULL && to->text != NULL && from->number > to->last) {
        fprintf(call->err, "teegatectl: spend: --from %s is later than --to %s.\n", from->text,
                to->text);
        return CTL_WRONG_USE;
    }
    int64_t entries = count->text != NULL ? count->number : sums ? ENTRIES_MAX : ENTRIES_DEFAULT;
    int64_t last = to->text != NULL ? to->last : AMOUNT_MOST;
    snprintf(query, sizeof(query), "/spend?from=%" PRId64 "&to=%" PRId64 "&count=%" PRId64,
             from->number, last, entries);
    ask_path_account(&path, call->operands[0], query);
    return ask_and_show(call, "GET", path.text, NULL, sums ? show_groups : show_entries);
}
