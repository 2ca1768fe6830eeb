#include "callers/ledger_line.h"

#include <math.h>

static const double most = 9007199254740991.0; /* 2^53 - 1 */

static bool take_text(const cJSON *object, const char *name, size_t len_max, struct span *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!cJSON_IsString(item))
        return false;
    *out = span_text(item->valuestring);
    return out->len <= len_max;
}

static bool take_signed(const cJSON *object, const char *name, int64_t *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) <= most) ||
        trunc(item->valuedouble) != item->valuedouble)
        return false;
    *out = (int64_t)item->valuedouble;
    return true;
}

static bool take_number(const cJSON *object, const char *name, uint64_t *out)
{
    int64_t value;
    if (!take_signed(object, name, &value) || value < 0)
        return false;
    *out = (uint64_t)value;
    return true;
}

static bool take_place(const cJSON *data, struct ledger_line *line)
{
    struct span place;
    if (!take_text(data, "entry", 40, &place))
        return false;
    size_t dash = span_find(place, '-');
    return dash < place.len &&
           span_to_u64(span_of(place.ptr, dash), (uint64_t)most, &line->place_ms) &&
           span_to_u64(span_from(place, dash + 1), (uint64_t)most, &line->place_count);
}

static bool read_entry(struct ledger_line *line)
{
    uint64_t bucket;
    bool good = take_text(line->json, "subject", LEDGER_NAME_MAX, &line->account) &&
                take_text(line->json, "id", 256, &line->id) && line->account.len > 0 &&
                line->id.len > 0 && take_place(line->data, line) &&
                take_number(line->data, "bucket", &bucket) && bucket < 256 &&
                take_text(line->data, "kind", 16, &line->kind) &&
                take_number(line->data, "time_ms", &line->time_ms) &&
                take_number(line->data, "sequence", &line->sequence) &&
                take_signed(line->data, "value_ucr", &line->value_ucr) &&
                take_signed(line->data, "balance_ucr", &line->balance_ucr) &&
                take_number(line->data, "held_ucr", &line->held_ucr);
    line->bucket = good ? (uint32_t)bucket : 0;
    return good;
}

static bool read_head(struct ledger_line *line)
{
    return take_number(line->data, "number", &line->number) &&
           take_text(line->data, "gateway", LEDGER_NAME_MAX, &line->gateway) &&
           take_text(line->data, "previous_sha256", 64, &line->previous_sha256) &&
           (line->previous_sha256.len == 0 || line->previous_sha256.len == 64);
}

bool ledger_line_read(struct span text, struct ledger_line *out)
{
    struct span version, type;
    const char *end = NULL;
    *out = (struct ledger_line){0};
    if (text.len == 0 || text.len > LEDGER_LINE_MAX)
        return false;
    out->json = cJSON_ParseWithLengthOpts(text.ptr, text.len, &end, false);
    out->data = cJSON_GetObjectItemCaseSensitive(out->json, "data");
    bool good = end == text.ptr + text.len && cJSON_IsObject(out->data) &&
                take_text(out->json, "specversion", 8, &version) &&
                span_is(version, SPAN_OF("1.0")) && take_text(out->json, "type", 64, &type);
    out->is_head = good && span_is(type, SPAN_OF(LEDGER_SEGMENT_TYPE));
    if (good && (out->is_head ? read_head(out) : read_entry(out)))
        return true;
    ledger_line_fini(out);
    return false;
}

void ledger_line_fini(struct ledger_line *line)
{
    cJSON_Delete(line->json);
    line->json = NULL;
}

struct span ledger_line_text(const struct ledger_line *line, const char *member)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(line->data, member);
    return cJSON_IsString(item) ? span_text(item->valuestring) : SPAN_NONE;
}
