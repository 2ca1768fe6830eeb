#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

void must_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "teegate: bug: %s does not hold at %s:%d\n", cond, file, line);
    abort();
}
