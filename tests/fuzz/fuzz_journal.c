/* Any bytes as the journal's file, and as an entry in it. A frame that is read is written back as
 * it was; an entry that is read makes a call within its bounds. */
#include <stdint.h>
#include <stdlib.h>

#include "callers/frame.h"
#include "callers/meter.h"
#include "callers/owed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_entry(struct span text)
{
    struct owed owed;
    struct words keys, args;
    if (!owed_read(text, &owed))
        return;
    owed_words(&owed, &keys, &args);
    if (keys.count != 4 || (args.count != 4 && args.count != 11))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char again[FRAME_HEAD_BYTES + FRAME_CONTENT_MAX];
    struct span rest = span_of(data, size);
    struct frame frame;
    try_entry(rest);
    for (size_t bytes; (bytes = frame_read(rest, &frame)) > 0; rest = span_from(rest, bytes)) {
        if (bytes > rest.len || frame_write(again, &frame) != bytes ||
            memcmp(again, rest.ptr, bytes) != 0)
            abort();
        try_entry(frame.content);
    }
    return 0;
}
