/* Small control allocations: they abort when memory is out, because everything a stranger can size
 * is bounded before it is allocated. The memory is the caller's to free(). Never returns NULL. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

void *alloc_zeroed(size_t bytes);
void *alloc_array(size_t count, size_t bytes_each); /* zeroed; overflow is a bug */
void *alloc_grow(void *old, size_t count, size_t bytes_each);
char *alloc_text(const char *text, size_t len); /* a NUL-ended copy */

#endif
