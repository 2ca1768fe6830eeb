#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"

void *alloc_zeroed(size_t bytes)
{
    return alloc_array(1, bytes);
}

void *alloc_array(size_t count, size_t bytes_each)
{
    void *memory = calloc(count > 0 ? count : 1, bytes_each > 0 ? bytes_each : 1);
    must(memory != NULL);
    return memory;
}

void *alloc_grow(void *old, size_t count, size_t bytes_each)
{
    void *memory = reallocarray(old, count > 0 ? count : 1, bytes_each);
    must(memory != NULL);
    return memory;
}

char *alloc_text(const char *text, size_t len)
{
    char *copy = alloc_zeroed(len + 1);
    if (len > 0)
        memcpy(copy, text, len);
    return copy;
}
