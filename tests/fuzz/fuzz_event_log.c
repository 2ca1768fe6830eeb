/* Any bytes as dstack's event log, and as JSON packed as dstack packs it. What is read leads to the
 * same RTMR3 when it is read again, and says nothing of what it does not hold. */
#include "formats/event_log.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_log(struct attest_bytes bytes)
{
    struct event_log log = {0}, again = {0};
    if (!av_event_log_parse(bytes, &log))
        return;
    if (log.extensions > log.events || log.events > EVENT_LOG_EVENTS_MAX ||
        !av_event_log_parse(bytes, &again) || !av_event_logs_agree(&log, &again))
        abort();
    const struct quote_field *field = NULL;
    for (size_t i = 0; (field = av_quote_field_next(BODY_LOG, field)) != NULL; ++i)
        if ((av_event_log_id(&log, field).len == field->len) != log.has_id[i])
            abort();
    static const uint8_t zeros[48];
    if ((memcmp(log.rtmr3, zeros, sizeof zeros) == 0) != (log.extensions == 0))
        abort();
}

/* Packed, it is the same log, unless it is too large for that. */
static void check_packed(struct attest_bytes bytes)
{
    enum { ROOM = EVENT_LOG_UNPACKED_MAX + 1024, GZIP_WINDOW = 16 + MAX_WBITS, MEMORY = 8 };
    if (bytes.len > EVENT_LOG_UNPACKED_MAX)
        return;
    uint8_t *packed = malloc(ROOM);
    z_stream stream = {.next_in = (Bytef *)bytes.ptr, .avail_in = (uInt)bytes.len};
    if (packed == NULL ||
        deflateInit2(&stream, 1, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    memcpy(packed, "ELGZv1", 6);
    stream.next_out = packed + 6;
    stream.avail_out = ROOM - 6;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        abort();
    struct attest_bytes wrapped = {.ptr = packed, .len = ROOM - stream.avail_out};
    struct event_log plain = {0}, unpacked = {0};
    bool is_packed = bytes.len >= 6 && memcmp(bytes.ptr, "ELGZv1", 6) == 0;
    bool read = !is_packed && av_event_log_parse(bytes, &plain);
    if (av_event_log_parse(wrapped, &unpacked) != read ||
        (read && !av_event_logs_agree(&plain, &unpacked)))
        abort();
    deflateEnd(&stream);
    free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attest_bytes bytes = {.ptr = data, .len = size};
    check_log(bytes);
    check_packed(bytes);
    return 0;
}
