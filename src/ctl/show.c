#include "ctl/show.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/must.h"
#include "ctl/amount.h"
#include "ctl/moment.h"
#include "ctl/table.h"

enum { CELL_MAX = 1024, NAME_MAX_SHOWN = 128, DEPTH_MAX = 4 };

static bool ends_with(const char *text, const char *tail)
{
    size_t len = strlen(text);
    size_t tail_len = strlen(tail);
    return len >= tail_len && strcmp(text + len - tail_len, tail) == 0;
}

/* Members that hold unix milliseconds. */
static bool is_moment_ms(const char *member)
{
    return ends_with(member, "_at_ms") || ends_with(member, "time_ms") ||
           ends_with(member, "deadline_ms");
}

/* --- values ------------------------------------------------------------------------------------
 */

static void number_text(const char *member, double value, char *out)
{
    bool whole = value >= -(double)AMOUNT_MOST && value <= (double)AMOUNT_MOST &&
                 (double)(int64_t)value == value;
    if (!whole) {
        snprintf(out, CELL_MAX, "%g", value);
        return;
    }
    int64_t number = (int64_t)value;
    if (ends_with(member, "_ucr"))
        amount_text(number, out);
    else if (is_moment_ms(member))
        moment_text(number / 1000, out);
    else if (ends_with(member, "_at") && number == 0)
        snprintf(out, CELL_MAX, "never");
    else if (ends_with(member, "_at"))
        moment_text(number, out);
    else
        snprintf(out, CELL_MAX, "%" PRId64, number);
}

/* Texts of an array with commas between. */
static void list_text(const cJSON *array, char *out)
{
    const cJSON *item;
    size_t used = 0;
    out[0] = '\0';
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsString(item))
            continue;
        size_t len = strlen(item->valuestring);
        if (used + len + 6 > CELL_MAX) {
            memcpy(out + used, ",...", 5);
            return;
        }
        if (used > 0)
            out[used++] = ',';
        memcpy(out + used, item->valuestring, len + 1);
        used += len;
    }
}

static void value_text(const char *member, const cJSON *value, char *out)
{
    out[0] = '\0';
    if (cJSON_IsNumber(value))
        number_text(member, value->valuedouble, out);
    else if (cJSON_IsString(value))
        snprintf(out, CELL_MAX, "%s", value->valuestring);
    else if (cJSON_IsBool(value))
        snprintf(out, CELL_MAX, "%s", cJSON_IsTrue(value) ? "yes" : "no");
    else if (cJSON_IsArray(value))
        list_text(value, out);
    if (out[0] == '\0')
        snprintf(out, CELL_MAX, "-");
}

/* --- an object ---------------------------------------------------------------------------------
 */

/* "balance_ucr" is shown as "balance": its value says the rest. */
static void name_text(const char *prefix, const char *member, char *out)
{
    size_t len = strlen(member);
    if (ends_with(member, "_ucr"))
        len -= strlen("_ucr");
    else if (is_moment_ms(member))
        len -= ends_with(member, "_at_ms") ? strlen("_at_ms") : strlen("_ms");
    snprintf(out, NAME_MAX_SHOWN, "%s%s%.*s", prefix, prefix[0] != '\0' ? "." : "", (int)len,
             member);
    for (char *c = out; *c != '\0'; ++c)
        if (*c == '_')
            *c = ' ';
}

static bool add_members(struct table *table, const char *prefix, const cJSON *object,
                        unsigned depth)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        char name[NAME_MAX_SHOWN];
        char cell[CELL_MAX];
        name_text(prefix, item->string, name);
        if (cJSON_IsObject(item)) {
            if (depth < DEPTH_MAX && !add_members(table, name, item, depth + 1))
                return false;
            continue;
        }
        if (cJSON_IsArray(item) && cJSON_IsObject(item->child))
            continue;
        value_text(item->string, item, cell);
        if (strcmp(prefix, "limits") == 0 && cJSON_IsNumber(item) && item->valuedouble == 0)
            snprintf(cell, sizeof(cell), "none"); /* what 0 means there */
        if (!table_add(table, name) || !table_add(table, cell))
            return false;
    }
    return true;
}

static void print(struct table *table, bool whole, FILE *out)
{
    table_print(table, out);
    if (!whole)
        fprintf(out, "... and more: see -o json\n");
    table_fini(table);
}

void show_members(FILE *out, const cJSON *object)
{
    struct table table;
    table_init(&table, 2);
    bool whole = add_members(&table, "", object, 0);
    print(&table, whole, out);
}

/* --- an array ----------------------------------------------------------------------------------
 */

static const cJSON *find(const cJSON *row, const char *member)
{
    char part[NAME_MAX_SHOWN];
    size_t len = strcspn(member, ".");
    must(len < sizeof(part));
    memcpy(part, member, len);
    part[len] = '\0';
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(row, part);
    if (member[len] == '\0' || found == NULL)
        return found;
    return find(found, member + len + 1);
}

static bool has_column(const cJSON *rows, const char *member, bool *numbers)
{
    const cJSON *row;
    bool found = false;
    *numbers = true;
    cJSON_ArrayForEach(row, rows)
    {
        const cJSON *value = find(row, member);
        found = found || value != NULL;
        *numbers = *numbers && (value == NULL || cJSON_IsNumber(value) || cJSON_IsNull(value));
    }
    return found;
}

static unsigned choose(const cJSON *rows, const struct show_column *columns,
                       const struct show_column **chosen, bool *right)
{
    unsigned count = 0;
    for (; columns->member != NULL; ++columns) {
        bool numbers;
        if (!has_column(rows, columns->member, &numbers))
            continue;
        must(count < TABLE_COLUMNS_MAX);
        right[count] =
            numbers && !ends_with(columns->member, "_at") && !is_moment_ms(columns->member);
        chosen[count++] = columns;
    }
    return count;
}

static bool add_rows(struct table *table, const cJSON *rows, const struct show_column **chosen)
{
    const cJSON *row;
    for (unsigned i = 0; i < table->column_count; ++i)
        if (!table_add(table, chosen[i]->heading))
            return false;
    cJSON_ArrayForEach(row, rows)
    {
        for (unsigned i = 0; i < table->column_count; ++i) {
            char cell[CELL_MAX];
            value_text(chosen[i]->member, find(row, chosen[i]->member), cell);
            if (!table_add(table, cell))
                return false;
        }
    }
    return true;
}

void show_rows(FILE *out, const cJSON *rows, const struct show_column *columns, const char *none)
{
    const struct show_column *chosen[TABLE_COLUMNS_MAX];
    bool right[TABLE_COLUMNS_MAX] = {false};
    unsigned count = choose(rows, columns, chosen, right);
    if (count == 0) {
        fprintf(out, "%s\n", none);
        return;
    }
    struct table table;
    table_init(&table, count);
    memcpy(table.right, right, sizeof(right));
    bool whole = add_rows(&table, rows, chosen);
    print(&table, whole, out);
}

void show_texts(FILE *out, const cJSON *texts, const char *none)
{
    struct table table;
    const cJSON *item;
    bool whole = true;
    table_init(&table, 1);
    cJSON_ArrayForEach(item, texts)
    {
        whole = whole && (!cJSON_IsString(item) || table_add(&table, item->valuestring));
    }
    if (table.cell_count == 0)
        fprintf(out, "%s\n", none);
    print(&table, whole, out);
}

void show_incomplete(FILE *out, const cJSON *object, const char *words)
{
    if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(object, "complete")))
        fprintf(out, "\n%s\n", words);
}
