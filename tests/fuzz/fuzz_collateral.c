/* Any bytes as a collateral document, and as each of the signed texts inside one. */
#include "collateral/collateral.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[256];
    const char *wrong = NULL;
    struct attest_bytes bytes = {.ptr = data, .len = size};
    attest_collateral_free(attest_collateral_parse(bytes, error, sizeof error));
    cJSON *json = av_json_parse(bytes, TCB_DOCUMENT_BYTES_MAX, error, sizeof error);
    struct tcb_document tcb;
    struct qe_document qe;
    if (!av_tcb_document_parse(json, &tcb, &wrong) && wrong == NULL)
        abort();
    av_tcb_document_fini(&tcb);
    if (!av_qe_document_parse(json, &qe, &wrong) && wrong == NULL)
        abort();
    av_qe_document_fini(&qe);
    cJSON_Delete(json);
    return 0;
}
