/* Any bytes as an RA-TLS certificate, and as the CBOR inside one. */
#include "bytes/cbor.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attest_bytes bytes = {.ptr = data, .len = size};
    struct attest_request request = {.now = 1750000000};
    struct attest_verdict verdict;
    attest_verify_certificate(&request, bytes, &verdict);
    if (attest_is_trusted(&verdict))
        abort();
    struct cursor cursor = av_cursor_over(bytes);
    while (cursor.left > 0 && av_cbor_skip(&cursor))
        continue;
    return 0;
}
