/* Any bytes as an API key. One that is read is made of its parts and nothing else. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "callers/apikey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct apikey key;
    char again[APIKEY_TEXT_MAX + KEY_ID_MAX];
    struct span text = span_of(data, size);
    if (!apikey_parse(text, &key))
        return 0;
    int len = snprintf(again, sizeof(again), "tgk_%03u_%.*s_%.*s", key.bucket, (int)key.id.len,
                       key.id.ptr, (int)key.secret.len, key.secret.ptr);
    if (len <= 0 || !span_is(text, span_of(again, (size_t)len)))
        abort();
    return 0;
}
