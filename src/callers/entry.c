#include "callers/entry.h"

#include <stdio.h>
#include <time.h>

#include "base/must.h"
#include "rules/price.h"

int64_t entry_signed(struct span text)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t value;
    if (!span_to_u64(span_from(text, negative), PRICE_UCR_MAX, &value))
        return 0;
    return negative ? -(int64_t)value : (int64_t)value;
}

uint64_t entry_count(struct span text)
{
    uint64_t value;
    return span_to_u64(text, PRICE_UCR_MAX, &value) ? value : 0;
}

bool entry_place_parse(struct span id, struct entry_place *out)
{
    size_t dash = span_find(id, '-');
    return dash < id.len && span_to_u64(span_of(id.ptr, dash), PRICE_UCR_MAX, &out->ms) &&
           span_to_u64(span_from(id, dash + 1), PRICE_UCR_MAX, &out->count);
}

bool entry_place_is_before(const struct entry_place *one, const struct entry_place *other)
{
    return one->ms < other->ms || (one->ms == other->ms && one->count < other->count);
}

enum entry_form { AS_TEXT, AS_TEXT_IF_ANY, AS_NUMBER, AS_SIGNED };

static const struct {
    const char *field, *name;
    enum entry_form as;
    bool copy_only;
} members[] = {
    {"k", "kind", AS_TEXT, false},
    {"s", "sequence", AS_NUMBER, false},
    {"v", "value_ucr", AS_SIGNED, false},
    {"b", "balance_ucr", AS_SIGNED, false},
    {"h", "held_ucr", AS_NUMBER, false},
    {"c", "ceiling_ucr", AS_NUMBER, false},
    {"ov", "over_ucr", AS_NUMBER, false},
    {"o", "outcome", AS_TEXT, false},
    {"st", "status", AS_NUMBER, false},
    {"cid", "cid", AS_TEXT, false},
    {"u", "usage", AS_TEXT, false},
    {"w", "worker", AS_TEXT, false},
    {"key", "key_id", AS_TEXT, false},
    {"at", "began_at_ms", AS_NUMBER, false},
    {"n", "note", AS_TEXT, false},
    {"par", "parent", AS_TEXT_IF_ANY, false},
    {"root", "root", AS_TEXT, false},
    {"p", "price", AS_TEXT_IF_ANY, true},
    {"sub", "subcalls_ucr", AS_NUMBER, true},
    {"r", "receipt_note", AS_TEXT_IF_ANY, true},
};

void entry_write(struct json *json, const struct redisReply *entry, bool whole)
{
    const struct redisReply *fields = answer_at(entry, 1);
    bool charge = span_is(answer_field(fields, "k"), SPAN_OF("chg"));
    struct entry_place place = {0, 0};
    bool placed = entry_place_parse(answer_word(entry, 0), &place);
    json_u64(json, "time_ms", placed ? place.ms : 0);
    json_text(json, charge ? "invocation" : "reference", answer_field(fields, "i"));
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); ++i) {
        struct span text = answer_field(fields, members[i].field);
        bool left_out = members[i].as == AS_TEXT_IF_ANY && text.len == 0;
        if (text.ptr == NULL || left_out || (members[i].copy_only && !whole))
            continue;
        if (members[i].as == AS_TEXT || members[i].as == AS_TEXT_IF_ANY)
            json_text(json, members[i].name, text);
        else if (members[i].as == AS_NUMBER)
            json_u64(json, members[i].name, entry_count(text));
        else
            json_i64(json, members[i].name, entry_signed(text));
    }
}

/* ------------------------------------------------------------------ a line */

struct span entry_time_text(uint64_t unix_ms, char out[ENTRY_TIME_MAX])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm utc;
    char date[24];
    if (gmtime_r(&seconds, &utc) == NULL || utc.tm_year > 8099)
        return SPAN_NONE;
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    int len = snprintf(out, ENTRY_TIME_MAX, "%s.%03dZ", date, (int)(unix_ms % 1000));
    return span_of(out, (size_t)len);
}

static struct span type_of(struct span kind)
{
    static const struct {
        const char *kind, *type;
    } types[] = {{"chg", "teegate.ledger.charge"},
                 {"top", "teegate.ledger.credit"},
                 {"adj", "teegate.ledger.adjustment"}};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); ++i)
        if (span_is(kind, span_text(types[i].kind)))
            return span_text(types[i].type);
    return SPAN_OF("teegate.ledger.entry");
}

size_t entry_write_line(const struct redisReply *entry, uint16_t bucket, char out[ENTRY_LINE_MAX])
{
    const struct redisReply *fields = answer_at(entry, 1);
    struct span account = answer_field(fields, "a");
    struct span id = answer_field(fields, "i");
    struct entry_place place;
    struct json json;
    char source[128];
    char moment[ENTRY_TIME_MAX];
    if (account.len == 0 || account.len > 64 || id.len == 0 ||
        !entry_place_parse(answer_word(entry, 0), &place))
        return 0;
    int len =
        snprintf(source, sizeof(source), "/teegate/ledger/%.*s", (int)account.len, account.ptr);
    json_init(&json, out, ENTRY_LINE_MAX - 1);
    json_object(&json, NULL);
    json_text(&json, "specversion", SPAN_OF("1.0"));
    json_text(&json, "id", id);
    json_text(&json, "source", span_of(source, (size_t)len));
    json_text(&json, "type", type_of(answer_field(fields, "k")));
    json_text(&json, "subject", account);
    json_text(&json, "time", entry_time_text(place.ms, moment));
    json_text(&json, "datacontenttype", SPAN_OF("application/json"));
    json_object(&json, "data");
    json_text(&json, "entry", answer_word(entry, 0));
    json_u64(&json, "bucket", bucket);
    entry_write(&json, entry, true);
    json_end_object(&json);
    json_end_object(&json);
    must(!json.cut); /* the scripts bound every field of it */
    struct span written = json_written(&json);
    out[written.len] = '\n';
    return written.len + 1;
}
