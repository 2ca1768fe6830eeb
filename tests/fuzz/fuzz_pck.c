/* Any bytes as Intel's extension of a PCK certificate, and as each kind of certificate chain. */
#include "collateral/chain.h"
#include "formats/pck.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t counts[] = {[CHAIN_PCK] = 3,
                                    [CHAIN_CRL_ISSUER] = 2,
                                    [CHAIN_TCB_SIGNER] = 2,
                                    [CHAIN_VCEK] = 3,
                                    [CHAIN_VLEK] = 3};
    struct attest_bytes bytes = {.ptr = data, .len = size};
    struct pck pck;
    if (av_pck_parse_extension(bytes, &pck)) {
        bytes.len = size - 1;
        if (av_pck_parse_extension(bytes, &pck))
            abort();
        bytes.len = size;
    }
    for (enum chain_kind kind = CHAIN_PCK; kind <= CHAIN_VLEK; ++kind) {
        struct chain chain, again;
        if (!av_chain_parse(bytes, kind, NULL, NULL, 0, &chain))
            continue;
        const struct chain *like = &chain;
        if (chain.count != counts[kind] || !av_chain_parse(bytes, kind, NULL, &like, 1, &again))
            abort();
        for (size_t i = 0; i < chain.count; ++i) {
            bool read = av_pck_from_certificate(chain.certificates[i], &pck);
            if (X509_cmp(chain.certificates[i], again.certificates[i]) != 0 || (read && size < 64))
                abort();
        }
        av_chain_fini(&again);
        av_chain_fini(&chain);
    }
    return 0;
}
