/* HTTP/1.1 from workers: in one piece and in small ones, the same must be seen. */
#include "base/must.h"
#include "fuzz/http_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    if (count == 0 || count > 1 << 20)
        return 0;
    struct fuzz_seen whole = fuzz_ask(bytes, count, ALPN_HTTP11, 0);
    struct fuzz_seen pieces = fuzz_ask(bytes, count, ALPN_HTTP11, 1 + count % 7);
    must(whole.shown == 1 && pieces.shown == 1);
    must(whole.digest == pieces.digest && whole.ended == pieces.ended);
    return 0;
}
