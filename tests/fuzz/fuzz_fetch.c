/* Any bytes as what an endpoint answered: what is cut out of JSON is what a parser finds there. */
#include "bytes/json.h"
#include "fetch/answer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cut(struct attest_bytes whole)
{
    char error[256];
    struct attest_bytes value;
    bool is_cut = answer_cut(whole, "tcbInfo", &value);
    cJSON *tree = av_json_parse(whole, REPLY_BODY_BYTES_MAX, error, sizeof error);
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(tree, "tcbInfo");
    if (tree != NULL && is_cut) {
        if (member == NULL)
            abort();
        cJSON *again = cJSON_ParseWithLength((const char *)value.ptr, value.len);
        if (again == NULL || !cJSON_Compare(again, member, 1))
            abort();
        cJSON_Delete(again);
    }
    cJSON_Delete(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[256];
    uint8_t *body = malloc(size + 1);
    if (body == NULL)
        return 0;
    for (size_t i = 0; i < size; ++i)
        body[i] = data[i];
    struct reply reply = {.body = body, .len = size, .chain = (char[]){""}};
    struct reply replies[PARTS] = {reply, reply, reply, reply};
    check_cut((struct attest_bytes){.ptr = data, .len = size});
    free(answer_document(replies, error, sizeof error));
    free(body);
    return 0;
}
