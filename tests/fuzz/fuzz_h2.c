/* HTTP/2 frames: an even number of bytes plays a caller behind its preface, an odd one a worker. */
#include <stdlib.h>

#include "base/alloc.h"
#include "fuzz/http_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static const char begin[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    const size_t preface = 24;
    if (count > 1 << 18)
        return 0;
    size_t skip = count % 2 == 0 ? 0 : preface;
    size_t len = sizeof(begin) - 1 - skip;
    uint8_t *all = alloc_zeroed(len + count);
    memcpy(all, begin + skip, len);
    if (count > 0)
        memcpy(all + len, bytes, count);
    if (skip == 0)
        fuzz_serve(all, len + count, ALPN_H2, count % 3);
    else
        fuzz_ask(all, len + count, ALPN_H2, count % 3);
    free(all);
    return 0;
}
