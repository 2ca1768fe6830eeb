#include "program/print.h"

#include "program/call.h"

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

int av_print_json(const char *command, cJSON *json)
{
    char *text = json != NULL ? cJSON_Print(json) : NULL;
    cJSON_Delete(json);
    if (text == NULL)
        return call_is_wrong(command, "out of memory");
    bool printed = put_laid_out(text);
    cJSON_free(text);
    return printed ? 0 : call_is_wrong(command, "cannot write to standard output");
}
