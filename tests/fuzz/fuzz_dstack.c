/* Any bytes as dstack's envelope, as its event log, packed or not, and as the MessagePack inside.
 */
#include "bytes/msgpack.h"
#include "evidence/dstack_envelope.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was found lies within the input or the room, and the log within its limits. */
static void check_envelope(struct attest_bytes bytes)
{
    struct dstack_envelope envelope;
    uint8_t *room = malloc(bytes.len + 1);
    if (room == NULL)
        abort();
    if (av_dstack_envelope_parse(bytes, room, &envelope) && envelope.unsupported == NULL &&
        (envelope.quote.len > bytes.len || envelope.report_data.len != DSTACK_REPORT_DATA_BYTES ||
         envelope.log.events > EVENT_LOG_EVENTS_MAX))
        abort();
    const struct attest_bytes parts[] = {envelope.quote, envelope.mr_config,
                                         envelope.endorsements.leaf, envelope.endorsements.ica,
                                         envelope.endorsements.ark};
    for (size_t part = 0; part < sizeof parts / sizeof *parts; ++part) {
        size_t sum = 0;
        for (size_t i = 0; i < parts[part].len; ++i)
            sum += parts[part].ptr[i];
        if (sum > parts[part].len * UINT8_MAX)
            abort();
    }
    free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attest_bytes bytes = {.ptr = data, .len = size};
    struct event_log log = {0};
    struct cursor cursor = av_cursor_over(bytes);
    check_envelope(bytes);
    if (av_event_log_parse(bytes, &log) && log.extensions > log.events)
        abort();
    while (cursor.left > 0 && av_msgpack_skip(&cursor))
        continue;
    return 0;
}
