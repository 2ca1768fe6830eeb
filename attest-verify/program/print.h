/* JSON on standard output, laid out as the program always does.
 * Owns nothing: it frees the tree it is given.
 * Never prints half an object and calls it success. */
#ifndef AV_PRINT_H
#define AV_PRINT_H

#include <cjson/cJSON.h>

/* 0, or EXIT_WRONG_CALL after a sentence when memory is out or nothing can be written. */
int av_print_json(const char *command, cJSON *json);

#endif
