/* Any bytes as a quote: taken apart, and judged with nothing to trust. */
#include "collateral/chain.h"
#include "formats/pck.h"
#include "formats/quote.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attest_bytes bytes = {.ptr = data, .len = size};
    struct attest_request request = {.padded = size % 2};
    struct attest_verdict verdict;
    struct chain chain;
    struct pck pck;
    attest_verify_quote(&request, bytes, &verdict);
    if (attest_is_trusted(&verdict))
        abort();
    if (av_pck_parse_extension(bytes, &pck) && size < 64)
        abort(); /* shorter than the values it must hold */
    if (av_chain_parse(bytes, CHAIN_PCK, NULL, NULL, 0, &chain))
        av_chain_fini(&chain);
    return 0;
}
