/* Any bytes as a worker's answer to a challenge: taken apart. */
#include "evidence/answer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attest_bytes json = {.ptr = data, .len = size};
    struct answer answer = {0};
    struct attest_verdict verdict;
    av_verdict_init(&verdict);
    bool parsed = av_answer_parse(json, &answer, &verdict);
    /* Each three bytes take four characters of it. */
    if (parsed && (answer.evidence.len == 0 || answer.evidence.len > size / 4 * 3 + 3))
        abort();
    if (parsed && answer.tee != ATTEST_TEE_SNP && answer.endorsements.leaf.len > 0)
        abort();
    if (parsed != (verdict.reason == ATTEST_INTERNAL))
        abort();
    av_answer_fini(&answer);
    return 0;
}
