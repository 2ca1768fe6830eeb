#include "ctl/groups.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ctl/amount.h"
#include "ctl/moment.h"
#include "ctl/table.h"

struct group {
    char name[GROUP_NAME_MAX];
    uint64_t count;
    int64_t charged_ucr;
};

void groups_init(struct groups *groups, const char *by)
{
    *groups = (struct groups){.by = by};
    map_init(&groups->names, GROUPS_MAX, clock_monotonic_us());
    groups->list = alloc_array(GROUPS_MAX, sizeof(*groups->list));
}

void groups_fini(struct groups *groups)
{
    for (size_t i = 0; i < groups->count; ++i)
        free(groups->list[i]);
    free(groups->list);
    map_fini(&groups->names);
}

static bool is_by_day(const struct groups *groups)
{
    return strcmp(groups->by, "day") == 0;
}

static struct group *group_of(struct groups *groups, struct span name)
{
    struct group *group = map_find(&groups->names, name);
    if (group != NULL)
        return group;
    if (groups->count == GROUPS_MAX)
        return NULL;
    group = alloc_zeroed(sizeof(*group));
    must(name.len < GROUP_NAME_MAX);
    memcpy(group->name, name.ptr, name.len);
    must(map_add(&groups->names, name, group));
    groups->list[groups->count++] = group;
    return group;
}

void groups_add(struct groups *groups, struct span name, int64_t time_ms, int64_t charged_ucr)
{
    char moment[MOMENT_TEXT_MAX];
    if (is_by_day(groups)) {
        moment_text(time_ms / 1000, moment);
        name = span_of(moment, strnlen(moment, strlen("2026-11-20")));
    }
    if (name.len == 0)
        name = SPAN_OF("-");
    if (name.len >= GROUP_NAME_MAX)
        name.len = GROUP_NAME_MAX - 1;
    struct group *group = group_of(groups, name);
    if (group == NULL) {
        groups->cut = true;
        return;
    }
    ++group->count;
    group->charged_ucr += charged_ucr;
}

static int by_charge(const void *one, const void *other)
{
    const struct group *a = *(struct group *const *)one;
    const struct group *b = *(struct group *const *)other;
    if (a->charged_ucr != b->charged_ucr)
        return a->charged_ucr > b->charged_ucr ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int by_name(const void *one, const void *other)
{
    return strcmp((*(struct group *const *)other)->name, (*(struct group *const *)one)->name);
}

static void sort(struct groups *groups)
{
    if (groups->count > 0)
        qsort(groups->list, groups->count, sizeof(*groups->list),
              is_by_day(groups) ? by_name : by_charge);
}

static const char *heading_of(const char *by)
{
    static const char *const headings[][2] = {
        {"cid", "AGENT"}, {"day", "DAY"}, {"worker", "WORKER"}, {"account", "ACCOUNT"}};
    for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); ++i)
        if (strcmp(headings[i][0], by) == 0)
            return headings[i][1];
    return by;
}

/* Before the last row the table may be full: it takes as many. */
static void print_rows(const struct groups *groups, struct table *table)
{
    bool whole = table_add(table, heading_of(groups->by)) && table_add(table, "CALLS") &&
                 table_add(table, "CHARGED");
    for (size_t i = 0; i < groups->count && i < TABLE_ROWS_MAX - 1 && whole; ++i) {
        char count[24];
        char amount[AMOUNT_TEXT_MAX];
        snprintf(count, sizeof(count), "%" PRIu64, groups->list[i]->count);
        whole = table_add(table, groups->list[i]->name) && table_add(table, count) &&
                table_add(table, amount_text(groups->list[i]->charged_ucr, amount));
    }
    must(whole);
}

void groups_print(struct groups *groups, FILE *out)
{
    struct table table;
    if (groups->count == 0) {
        fprintf(out, "No charges.\n");
        return;
    }
    sort(groups);
    table_init(&table, 3);
    table.right[1] = table.right[2] = true;
    print_rows(groups, &table);
    table_print(&table, out);
    table_fini(&table);
    if (groups->cut)
        fprintf(out, "\nThere are more than %d: these are not all.\n", GROUPS_MAX);
}

void groups_print_json(struct groups *groups, FILE *out)
{
    cJSON *json = cJSON_CreateObject();
    bool made = cJSON_AddStringToObject(json, "by", groups->by) != NULL;
    cJSON *rows = cJSON_AddArrayToObject(json, "groups");
    sort(groups);
    for (size_t i = 0; i < groups->count && made; ++i) {
        const struct group *group = groups->list[i];
        cJSON *row = cJSON_CreateObject();
        made = cJSON_AddStringToObject(row, groups->by, group->name) != NULL &&
               cJSON_AddNumberToObject(row, "calls", (double)group->count) != NULL &&
               cJSON_AddNumberToObject(row, "charged_ucr", (double)group->charged_ucr) != NULL &&
               cJSON_AddItemToArray(rows, row);
    }
    made = made && cJSON_AddBoolToObject(json, "complete", !groups->cut) != NULL;
    char *text = made ? cJSON_PrintUnformatted(json) : NULL;
    must(text != NULL);
    fprintf(out, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(json);
}
