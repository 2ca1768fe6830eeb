/* Aligned columns for people. It owns copies of its cells. It never lets a byte through that a
 * terminal would act on, and never holds more than its maximum of rows. */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/must.h"

enum { TABLE_COLUMNS_MAX = 24, TABLE_ROWS_MAX = 100000 };

struct table {
    unsigned column_count;
    bool right[TABLE_COLUMNS_MAX]; /* numbers stand at the right */
    char **cells;                  /* rows of column_count */
    size_t cell_count;
    size_t cell_room;
};

void table_init(struct table *table, unsigned column_count);
void table_fini(struct table *table);
/* The next cell, row by row; control characters become '?'. False when it is full. */
MUST_USE bool table_add(struct table *table, const char *text);
/* Two blanks between columns, none at a line's end. The last row must be whole. */
void table_print(const struct table *table, FILE *out);

#endif
