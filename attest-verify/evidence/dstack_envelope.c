#include "evidence/dstack_envelope.h"

#include "bytes/msgpack.h"
#include "bytes/scale.h"
#include "formats/snp_table.h"

#include <string.h>

enum { VERSION_0 = 0x00, FIXMAP = 0x80, FIXMAP_MASK = 0xf0, VERSION_1 = 1 };
enum { CERTIFICATES_MAX = 2 };

/* The events of the envelope, in the order read. Both versions list RTMR3's twice: in the event log
 * of the quote and as runtime events. Either may be left out; together they must say the same. */
struct logs {
    struct event_log quotes, runtime;
};

static bool settle_logs(const struct logs *logs, struct event_log *out)
{
    bool has_quotes = logs->quotes.extensions > 0, has_runtime = logs->runtime.extensions > 0;
    *out = has_quotes ? logs->quotes : logs->runtime;
    return !has_quotes || !has_runtime || av_event_logs_agree(&logs->quotes, &logs->runtime);
}

/* A runtime event names neither register nor type: it has dstack's. */
static struct event runtime_event(struct attest_bytes name, struct attest_bytes payload)
{
    return (struct event){
        .imr = EVENT_RUNTIME_IMR, .type = EVENT_RUNTIME_TYPE, .name = name, .payload = payload};
}

/* What a report comes with: nothing, the host's table of certificates, or ASK and VCEK. */
static bool settle_certificates(const struct attest_bytes *items, size_t count,
                                struct attest_snp_endorsements *out)
{
    if (count == 1)
        return av_snp_table_parse(items[0], out);
    if (count == 0)
        return true;
    *out = (struct attest_snp_endorsements){.leaf = items[1], .ica = items[0]};
    return items[0].len > 0 && items[1].len > 0;
}

/* --- V0: SCALE --- */

static bool scale_event(struct cursor *cursor, struct event_log *log)
{
    struct event event;
    return av_cursor_u32le(cursor, &event.imr) && av_cursor_u32le(cursor, &event.type) &&
           av_scale_bytes(cursor, &event.digest) && av_scale_bytes(cursor, &event.name) &&
           av_scale_bytes(cursor, &event.payload) && av_event_log_add(log, &event);
}

static bool scale_runtime_event(struct cursor *cursor, struct event_log *log)
{
    struct attest_bytes name, payload;
    if (!av_scale_bytes(cursor, &name) || !av_scale_bytes(cursor, &payload))
        return false;
    struct event event = runtime_event(name, payload);
    return av_event_log_add(log, &event);
}

static bool scale_events(struct cursor *cursor,
                         bool (*each)(struct cursor *cursor, struct event_log *log),
                         struct event_log *log)
{
    size_t count;
    if (!av_scale_length(cursor, &count))
        return false;
    for (size_t i = 0; i < count; ++i)
        if (!each(cursor, log))
            return false;
    return true;
}

/* Of a report: {report, certificates, configuration}. */
static bool scale_report(struct cursor *cursor, struct dstack_envelope *out)
{
    struct attest_bytes items[CERTIFICATES_MAX];
    size_t count;
    out->is_report = true;
    if (!av_scale_bytes(cursor, &out->quote) || !av_scale_length(cursor, &count) ||
        count > CERTIFICATES_MAX)
        return false;
    for (size_t i = 0; i < count; ++i)
        if (!av_scale_bytes(cursor, &items[i]))
            return false;
    return av_scale_bytes(cursor, &out->mr_config) &&
           settle_certificates(items, count, &out->endorsements);
}

/* Of a quote: {quote, event log}. */
static bool scale_quote(struct cursor *cursor, struct dstack_envelope *out, struct logs *logs)
{
    return av_scale_bytes(cursor, &out->quote) && scale_events(cursor, scale_event, &logs->quotes);
}

/* {version 0, {kind, its own}, runtime events, report data, config}; nothing after it. */
static bool parse_v0(struct cursor cursor, struct dstack_envelope *out)
{
    enum { KIND_SNP = 3 };
    static const char *const kinds[] = {NULL, "GCP TDX", "AWS Nitro", NULL, "AWS Nitro TPM"};
    struct logs logs = {0};
    struct attest_bytes config;
    uint8_t version, kind;
    if (!av_cursor_u8(&cursor, &version) || !av_cursor_u8(&cursor, &kind) ||
        kind >= sizeof kinds / sizeof *kinds)
        return false;
    out->unsupported = kinds[kind];
    if (out->unsupported != NULL)
        return true;
    return (kind == KIND_SNP ? scale_report(&cursor, out) : scale_quote(&cursor, out, &logs)) &&
           scale_events(&cursor, scale_runtime_event, &logs.runtime) &&
           av_cursor_take(&cursor, DSTACK_REPORT_DATA_BYTES, &out->report_data) &&
           av_scale_bytes(&cursor, &config) && cursor.left == 0 && settle_logs(&logs, &out->log);
}

/* --- V1: MessagePack --- */

/* A map that is the whole of `bytes`. */
static bool whole_map(struct attest_bytes bytes, const char *const *names, size_t count,
                      struct attest_bytes *values)
{
    struct cursor cursor = av_cursor_over(bytes);
    return av_msgpack_map(&cursor, names, count, values) && cursor.left == 0;
}

static bool whole_uint(struct attest_bytes bytes, uint64_t max, uint64_t *out)
{
    struct cursor cursor = av_cursor_over(bytes);
    return av_msgpack_uint(&cursor, max, out) && cursor.left == 0;
}

static bool whole_text(struct attest_bytes bytes, struct attest_bytes *out)
{
    struct cursor cursor = av_cursor_over(bytes);
    return av_msgpack_text(&cursor, out) && cursor.left == 0;
}

static bool whole_octets(struct attest_bytes bytes, struct msgpack_room *room,
                         struct attest_bytes *out)
{
    struct cursor cursor = av_cursor_over(bytes);
    return av_msgpack_octets(&cursor, room, out) && cursor.left == 0;
}

/* Version 1, or no word of it: the digest is made in the way that ra-tls c describes. */
static bool is_first_version(struct attest_bytes value)
{
    uint64_t version;
    return value.len == 0 || (whole_uint(value, VERSION_1, &version) && version == VERSION_1);
}

static bool pack_event(struct attest_bytes bytes, struct msgpack_room *room, struct event_log *log)
{
    enum { IMR, TYPE, DIGEST, NAME, PAYLOAD, VERSION, INPUT, COUNT };
    static const char *const names[COUNT] = {"imr",           "event_type", "digest",    "event",
                                             "event_payload", "version",    "hash_input"};
    struct attest_bytes values[COUNT];
    struct event event = {0};
    uint64_t imr, type;
    if (!whole_map(bytes, names, COUNT, values) || !is_first_version(values[VERSION]) ||
        !whole_uint(values[IMR], UINT32_MAX, &imr) ||
        !whole_uint(values[TYPE], UINT32_MAX, &type) || !whole_text(values[NAME], &event.name) ||
        !whole_octets(values[PAYLOAD], room, &event.payload) ||
        (values[DIGEST].len > 0 && !whole_octets(values[DIGEST], room, &event.digest)))
        return false;
    event.imr = (uint32_t)imr;
    event.type = (uint32_t)type;
    return av_event_log_add(log, &event);
}

static bool pack_runtime_event(struct attest_bytes bytes, struct msgpack_room *room,
                               struct event_log *log)
{
    enum { NAME, PAYLOAD, VERSION, COUNT };
    static const char *const names[COUNT] = {"event", "payload", "version"};
    struct attest_bytes values[COUNT], name, payload;
    if (!whole_map(bytes, names, COUNT, values) || !is_first_version(values[VERSION]) ||
        !whole_text(values[NAME], &name) || !whole_octets(values[PAYLOAD], room, &payload))
        return false;
    struct event event = runtime_event(name, payload);
    return av_event_log_add(log, &event);
}

static bool pack_events(struct attest_bytes bytes, struct msgpack_room *room,
                        bool (*each)(struct attest_bytes bytes, struct msgpack_room *room,
                                     struct event_log *log),
                        struct event_log *log)
{
    struct cursor cursor = av_cursor_over(bytes);
    size_t count;
    if (!av_msgpack_array(&cursor, &count))
        return false;
    for (size_t i = 0; i < count; ++i) {
        struct cursor begin = cursor;
        if (!av_msgpack_skip(&cursor) ||
            !each((struct attest_bytes){.ptr = begin.at, .len = begin.left - cursor.left}, room,
                  log))
            return false;
    }
    return cursor.left == 0;
}

/* {kind, data}: which of the kinds, and the data still encoded. */
static bool tagged(struct attest_bytes bytes, const char *const *kinds, size_t kind_count,
                   size_t *kind, struct attest_bytes *data)
{
    static const char *const names[] = {"kind", "data"};
    struct attest_bytes values[2], word;
    if (!whole_map(bytes, names, 2, values) || !whole_text(values[0], &word))
        return false;
    *data = values[1];
    for (*kind = 0; *kind < kind_count; ++*kind)
        if (strlen(kinds[*kind]) == word.len && memcmp(kinds[*kind], word.ptr, word.len) == 0)
            return true;
    return false;
}

static bool pack_certificates(struct attest_bytes bytes, struct msgpack_room *room,
                              struct attest_snp_endorsements *out)
{
    struct cursor cursor = av_cursor_over(bytes);
    struct attest_bytes items[CERTIFICATES_MAX];
    size_t count;
    if (!av_msgpack_array(&cursor, &count) || count > CERTIFICATES_MAX)
        return false;
    for (size_t i = 0; i < count; ++i)
        if (!av_msgpack_octets(&cursor, room, &items[i]))
            return false;
    return cursor.left == 0 && settle_certificates(items, count, out);
}

static bool pack_report(struct attest_bytes data, struct msgpack_room *room,
                        struct dstack_envelope *out)
{
    static const char *const names[] = {"report", "cert_chain", "mr_config"};
    struct attest_bytes values[3];
    out->is_report = true;
    return whole_map(data, names, 3, values) && whole_octets(values[0], room, &out->quote) &&
           pack_certificates(values[1], room, &out->endorsements) &&
           whole_text(values[2], &out->mr_config);
}

static bool pack_quote(struct attest_bytes data, struct msgpack_room *room,
                       struct dstack_envelope *out, struct logs *logs)
{
    static const char *const names[] = {"quote", "event_log"};
    struct attest_bytes values[2];
    return whole_map(data, names, 2, values) && whole_octets(values[0], room, &out->quote) &&
           pack_events(values[1], room, pack_event, &logs->quotes);
}

static bool parse_platform(struct attest_bytes bytes, struct msgpack_room *room,
                           struct dstack_envelope *out, struct logs *logs)
{
    enum { KIND_TDX, KIND_SNP };
    static const char *const kinds[] = {"tdx", "sev-snp", "gcp-tdx", "nitro-enclave",
                                        "aws-nitro-tpm"};
    struct attest_bytes data;
    size_t kind;
    if (!tagged(bytes, kinds, sizeof kinds / sizeof *kinds, &kind, &data))
        return false;
    if (kind == KIND_TDX)
        return pack_quote(data, room, out, logs);
    if (kind == KIND_SNP)
        return pack_report(data, room, out);
    out->unsupported = kinds[kind];
    return true;
}

/* A pod has one member more than the plain stack, which says how its report data came about: ours
 * comes from the key. */
static bool parse_stack(struct attest_bytes bytes, struct msgpack_room *room,
                        struct dstack_envelope *out, struct logs *logs)
{
    enum { REPORT_DATA, EVENTS, CONFIG, POD_PAYLOAD, COUNT };
    static const char *const kinds[] = {"dstack", "dstack-pod"};
    static const char *const names[COUNT] = {"report_data", "runtime_events", "config",
                                             "report_data_payload"};
    struct attest_bytes data, values[COUNT], text;
    size_t kind;
    return tagged(bytes, kinds, 2, &kind, &data) &&
           whole_map(data, names, kind == 0 ? POD_PAYLOAD : COUNT, values) &&
           whole_octets(values[REPORT_DATA], room, &out->report_data) &&
           out->report_data.len == DSTACK_REPORT_DATA_BYTES &&
           pack_events(values[EVENTS], room, pack_runtime_event, &logs->runtime) &&
           whole_text(values[CONFIG], &text) &&
           (kind == 0 || whole_text(values[POD_PAYLOAD], &text));
}

static bool parse_v1(struct attest_bytes bytes, uint8_t *at, struct dstack_envelope *out)
{
    static const char *const names[] = {"version", "platform", "stack"};
    struct msgpack_room room = {.at = at, .left = bytes.len};
    struct attest_bytes values[3];
    struct logs logs = {0};
    uint64_t version;
    if (!whole_map(bytes, names, 3, values) || !whole_uint(values[0], VERSION_1, &version) ||
        version != VERSION_1 || !parse_platform(values[1], &room, out, &logs))
        return false;
    return out->unsupported != NULL ||
           (parse_stack(values[2], &room, out, &logs) && settle_logs(&logs, &out->log));
}

bool av_dstack_envelope_parse(struct attest_bytes bytes, uint8_t *room, struct dstack_envelope *out)
{
    *out = (struct dstack_envelope){0};
    if (bytes.len == 0)
        return false;
    if (bytes.ptr[0] == VERSION_0)
        return parse_v0(av_cursor_over(bytes), out);
    return (bytes.ptr[0] & FIXMAP_MASK) == FIXMAP && parse_v1(bytes, room, out);
}
