/* One JSON object on standard output, laid out for people.
 * Owns the tree it is given, and frees it. Never prints half of what it could print whole. */
#ifndef AV_PRINT_H
#define AV_PRINT_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/* `json` may be NULL: memory was out. False when it could not be printed, and `wrong` says why. */
bool av_print_json(cJSON *json, const char **wrong);

#endif
