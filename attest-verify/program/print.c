#include "program/print.h"

#include <stdio.h>

/* cJSON lays out with raw tabs, which stand in no string: one after a colon is a space, the others
 * are two. */
static bool put_laid_out(const char *text)
{
    for (char last = '\0'; *text != '\0'; last = *text++)
        if (*text == '\t' ? fputs(last == ':' ? " " : "  ", stdout) < 0 : putchar(*text) == EOF)
            return false;
    return putchar('\n') != EOF && fflush(stdout) == 0;
}

bool av_print_json(cJSON *json, const char **wrong)
{
    char *text = cJSON_Print(json);
    cJSON_Delete(json);
    *wrong = "out of memory";
    if (text == NULL)
        return false;
    bool printed = put_laid_out(text);
    cJSON_free(text);
    *wrong = "cannot write to standard output";
    return printed;
}
