#include "ctl/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void table_init(struct table *table, unsigned column_count)
{
    must(column_count > 0 && column_count <= TABLE_COLUMNS_MAX);
    *table = (struct table){.column_count = column_count};
}

void table_fini(struct table *table)
{
    for (size_t i = 0; i < table->cell_count; ++i)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct table){.column_count = 0};
}

bool table_add(struct table *table, const char *text)
{
    if (table->cell_count >= (size_t)TABLE_ROWS_MAX * table->column_count)
        return false;
    if (table->cell_count == table->cell_room) {
        table->cell_room = table->cell_room == 0 ? 64 : table->cell_room * 2;
        table->cells = alloc_grow(table->cells, table->cell_room, sizeof(*table->cells));
    }
    char *cell = alloc_text(text, strlen(text));
    for (unsigned char *c = (unsigned char *)cell; *c != '\0'; ++c) {
        bool is_c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0; /* U+0080 to U+009F */
        if (*c < 0x20 || *c == 0x7f || is_c1)
            *c = '?';
        if (is_c1)
            c[1] = '?';
    }
    table->cells[table->cell_count++] = cell;
    return true;
}

/* Characters of UTF-8: bytes that do not continue one. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; ++text)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_cell(const char *text, size_t width, bool right, bool last, FILE *out)
{
    int blanks = (int)(width - width_of(text));
    if (right)
        fprintf(out, "%*s", blanks, "");
    fputs(text, out);
    if (!right && !last)
        fprintf(out, "%*s", blanks, "");
    fputs(last ? "\n" : "  ", out);
}

void table_print(const struct table *table, FILE *out)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    unsigned columns = table->column_count;
    must(table->cell_count % columns == 0);
    for (size_t i = 0; i < table->cell_count; ++i) {
        size_t width = width_of(table->cells[i]);
        if (width > widths[i % columns])
            widths[i % columns] = width;
    }
    for (size_t i = 0; i < table->cell_count; ++i) {
        unsigned column = (unsigned)(i % columns);
        print_cell(table->cells[i], widths[column], table->right[column], column + 1 == columns,
                   out);
    }
}
