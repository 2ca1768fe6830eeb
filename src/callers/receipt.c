#include "callers/receipt.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/base64url.h"
#include "base/json.h"

enum { DIGEST_CHARS = BASE64URL_CHARS(RECEIPT_DIGEST_BYTES), RECORD_ROOM = 4096, NOTE_PARTS = 10 };

/* --- the record ----------------------------------------------------------------------------- */

static void write_digest(struct json *json, const char *name, bool known,
                         const uint8_t digest[RECEIPT_DIGEST_BYTES])
{
    char text[DIGEST_CHARS + 1] = "";
    size_t len = known ? base64url_write(text, span_of(digest, RECEIPT_DIGEST_BYTES)) : 0;
    json_text(json, name, span_of(text, len));
}

static void write_usage(struct json *json, const struct receipt_facts *facts, bool by_name)
{
    const struct receipt_note *note = facts->note;
    json_object(json, "usage");
    json_u64(json, "ms", facts->usage.ms);
    json_u64(json, "in", facts->usage.bytes_in);
    json_u64(json, "out", facts->usage.bytes_out);
    json_object(json, "units");
    for (unsigned i = 0; i < PRICE_UNITS_MAX; ++i) {
        char place[8];
        snprintf(place, sizeof(place), "u%u", i);
        bool named = by_name && i < note->unit_count && note->units[i][0] != '\0';
        if (facts->usage.units[i] > 0)
            json_u64(json, named ? note->units[i] : place, facts->usage.units[i]);
    }
    json_end_object(json);
    json_end_object(json);
}

static void write_body(struct json *json, const char *name, const struct receipt_body *body)
{
    json_object(json, name);
    write_digest(json, "sha256", body->digested, body->sha256);
    json_bool(json, "whole", body->whole);
    json_end_object(json);
}

static void write_members(struct json *json, const struct receipt_facts *facts, bool by_name)
{
    const struct receipt_note *note = facts->note;
    json_object(json, NULL);
    json_u64(json, "v", 1);
    json_text(json, "invocation", facts->invocation);
    json_text(json, "parent", facts->parent);
    json_text(json, "root", facts->root);
    json_text(json, "account", facts->account);
    json_text(json, "cid", facts->cid);
    write_digest(json, "worker_key", note->attested, note->worker_key);
    write_digest(json, "evidence", note->attested, note->evidence);
    write_digest(json, "policy", note->attested, note->policy);
    json_u64(json, "attempts", note->attempts);
    write_usage(json, facts, by_name);
    json_u64(json, "ceiling", facts->ceiling_ucr);
    json_u64(json, "charge", facts->charge_ucr);
    json_text(json, "outcome", facts->outcome);
    json_u64(json, "status", facts->status);
    json_u64(json, "sequence", facts->sequence);
    json_u64(json, "began", note->began_ms);
    json_u64(json, "ended", facts->ended_ms);
    write_body(json, "request", &note->request);
    write_body(json, "response", &note->response);
    json_end_object(json);
}

size_t receipt_record(char out[RECEIPT_RECORD_MAX], const struct receipt_facts *facts)
{
    char text[RECORD_ROOM];
    struct json json;
    json_init(&json, text, sizeof(text));
    write_members(&json, facts, true);
    if (json.cut || json_written(&json).len > RECEIPT_RECORD_MAX) {
        json_init(&json, text, sizeof(text));
        write_members(&json, facts, false);
    }
    struct span written = json_written(&json);
    must(!json.cut && written.len <= RECEIPT_RECORD_MAX);
    memcpy(out, written.ptr, written.len);
    return written.len;
}

/* --- the note ------------------------------------------------------------------------------- */

static void digest_text(char out[DIGEST_CHARS + 1], bool known,
                        const uint8_t digest[RECEIPT_DIGEST_BYTES])
{
    out[0] = '\0';
    if (known)
        base64url_write(out, span_of(digest, RECEIPT_DIGEST_BYTES));
}

/* The ledger takes no '*', which a unit's name may have; a name has no '~' (RFC 9651 3.1.2). */
static size_t write_units(char *out, size_t size, const struct receipt_note *note)
{
    size_t len = 0;
    for (unsigned i = 0; i < note->unit_count; ++i) {
        if (i > 0)
            out[len++] = ',';
        for (const char *c = note->units[i]; *c != '\0'; ++c)
            out[len++] = *c == '*' ? '~' : *c;
        must(len < size - PRICE_UNIT_NAME_MAX);
    }
    out[len] = '\0';
    return len;
}

size_t receipt_note_write(char out[RECEIPT_NOTE_MAX], const struct receipt_note *note)
{
    char key[DIGEST_CHARS + 1], evidence[DIGEST_CHARS + 1], policy[DIGEST_CHARS + 1];
    char request[DIGEST_CHARS + 1], response[DIGEST_CHARS + 1];
    char units[(PRICE_UNITS_MAX + 1) * PRICE_UNIT_NAME_MAX + 1];
    digest_text(key, note->attested, note->worker_key);
    digest_text(evidence, note->attested, note->evidence);
    digest_text(policy, note->attested, note->policy);
    digest_text(request, note->request.digested, note->request.sha256);
    digest_text(response, note->response.digested, note->response.sha256);
    write_units(units, sizeof(units), note);
    int len = snprintf(out, RECEIPT_NOTE_MAX, "1;%s;%s;%s;%u;%" PRIu64 ";%s;%s;%s%s;%s", key,
                       evidence, policy, note->attempts, note->began_ms, request, response,
                       note->request.whole ? "q" : "", note->response.whole ? "r" : "", units);
    must(len > 0 && len < RECEIPT_NOTE_MAX);
    return (size_t)len;
}

static bool read_digest(struct span text, bool *known, uint8_t digest[RECEIPT_DIGEST_BYTES])
{
    *known = text.len > 0;
    return text.len == 0 || base64url_read(text, digest, RECEIPT_DIGEST_BYTES);
}

static bool read_units(struct span text, struct receipt_note *note)
{
    while (text.len > 0) {
        struct span name = span_of(text.ptr, span_find(text, ','));
        text = span_from(text, name.len + 1);
        if (note->unit_count == PRICE_UNITS_MAX || name.len == 0 || name.len >= PRICE_UNIT_NAME_MAX)
            return false;
        char *to = note->units[note->unit_count++];
        for (size_t i = 0; i < name.len; ++i)
            to[i] = name.ptr[i] == '~' ? '*' : name.ptr[i];
        to[name.len] = '\0';
    }
    return true;
}

static bool read_flags(struct span text, struct receipt_note *note)
{
    note->request.whole = span_starts(text, SPAN_OF("q"));
    text = span_from(text, note->request.whole);
    note->response.whole = span_starts(text, SPAN_OF("r"));
    return text.len == note->response.whole;
}

bool receipt_note_read(struct span text, struct receipt_note *note)
{
    struct span parts[NOTE_PARTS];
    for (unsigned i = 0; i < NOTE_PARTS; ++i) {
        size_t end = span_find(text, ';');
        if ((end == text.len) != (i == NOTE_PARTS - 1))
            return false;
        parts[i] = span_of(text.ptr, end);
        text = span_from(text, end + 1);
    }
    uint64_t attempts;
    bool evidence, policy;
    *note = (struct receipt_note){.attested = false};
    if (!span_is(parts[0], SPAN_OF("1")) ||
        !read_digest(parts[1], &note->attested, note->worker_key) ||
        !read_digest(parts[2], &evidence, note->evidence) ||
        !read_digest(parts[3], &policy, note->policy) || evidence != note->attested ||
        policy != note->attested || !span_to_u64(parts[4], 1000, &attempts) ||
        !span_to_u64(parts[5], PRICE_UCR_MAX, &note->began_ms) ||
        !read_digest(parts[6], &note->request.digested, note->request.sha256) ||
        !read_digest(parts[7], &note->response.digested, note->response.sha256))
        return false;
    note->attempts = (unsigned)attempts;
    return read_flags(parts[8], note) && read_units(parts[9], note);
}
