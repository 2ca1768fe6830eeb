/* Any bytes as a document that decides about trust: what the strict reader takes, a lenient one
 * reads the same, and the strict one reads again when it is written anew. */
#include "bytes/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 64 * 1024 };

static int depth_of(const cJSON *item)
{
    int deepest = 0;
    if (!cJSON_IsObject(item) && !cJSON_IsArray(item))
        return 0;
    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        int depth = depth_of(child);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[128] = "";
    cJSON *tree = av_json_parse((struct attest_bytes){.ptr = data, .len = size}, BYTES_MAX, error,
                                sizeof error);
    if (tree == NULL) {
        if (error[0] == '\0')
            abort();
        return 0;
    }
    cJSON *lenient = cJSON_ParseWithLength((const char *)data, size);
    char *text = cJSON_PrintUnformatted(tree);
    if (text == NULL || !cJSON_Compare(tree, lenient, 1) || depth_of(tree) > JSON_DEPTH_MAX)
        abort();
    struct attest_bytes written = {.ptr = (const uint8_t *)text, .len = strlen(text)};
    cJSON *again = av_json_parse(written, 8 * BYTES_MAX, error, sizeof error);
    if (again == NULL || !cJSON_Compare(tree, again, 1))
        abort();
    cJSON_Delete(again);
    cJSON_free(text);
    cJSON_Delete(lenient);
    cJSON_Delete(tree);
    return 0;
}
