/* Any bytes as a CID. One that is read has a canonical text, and that text means the same bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "rules/cid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cid cid, again;
    char text[CID_TEXT_MAX], text_again[CID_TEXT_MAX];
    if (!cid_parse(span_of(data, size), &cid))
        return 0;
    size_t len = cid_text(&cid, text);
    if (cid.len == 0 || cid.len > CID_BYTES_MAX || cid.bytes[0] != 1 || len >= sizeof(text) ||
        text[len] != '\0' || strlen(text) != len)
        abort();
    if (!cid_parse(span_of(text, len), &again) || !span_is(cid_span(&cid), cid_span(&again)))
        abort();
    if (cid_text(&again, text_again) != len || memcmp(text, text_again, len) != 0)
        abort();
    return 0;
}
