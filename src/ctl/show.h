/* The API's JSON as people read it: a table of an array's rows, a list of an object's members.
 * It owns nothing beyond a call. It never changes a value: money becomes credits, times become UTC,
 * what is missing becomes "-". */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include <cjson/cJSON.h>
#include <stdio.h>

/* A column of a table: a member, with dots into objects, and its heading. */
struct show_column {
    const char *member; /* NULL ends a list */
    const char *heading;
};

/* One line for each member of `object`: name and value; members of objects in it under
 * "name.member"; arrays are left out. */
void show_members(FILE *out, const cJSON *object);
/* A table of `rows`; a column no row has is left out. `none` is said when there are no rows. */
void show_rows(FILE *out, const cJSON *rows, const struct show_column *columns, const char *none);

/* The texts of an array, a line each. */
void show_texts(FILE *out, const cJSON *texts, const char *none);
/* Says `words` when the answer's member "complete" is false. */
void show_incomplete(FILE *out, const cJSON *object, const char *words);

#endif
