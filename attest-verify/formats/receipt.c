#include "formats/receipt.h"

#include "bytes/base64url.h"

#include <string.h>

enum { TEXT_MAX = 160, DIGEST_CHARS = 43 };

static const uint64_t number_max = (UINT64_C(1) << 53) - 1;

/* --- a text that has one spelling --------------------------------------------------------------
 */

struct scan {
    const uint8_t *at, *end;
    bool good; /* until something was not as it must be */
};

static struct scan scan_over(const uint8_t *text, size_t len)
{
    return (struct scan){.at = text, .end = text + len, .good = true};
}

static bool expect(struct scan *scan, const char *literal)
{
    size_t len = strlen(literal);
    scan->good =
        scan->good && (size_t)(scan->end - scan->at) >= len && memcmp(scan->at, literal, len) == 0;
    if (scan->good)
        scan->at += len;
    return scan->good;
}

static bool next_is(const struct scan *scan, char c)
{
    return scan->good && scan->at < scan->end && *scan->at == (uint8_t)c;
}

/* Up to the closing quote, which it takes too. No text of a record needs an escape. */
static void take_text(struct scan *scan, struct attest_bytes *out)
{
    out->ptr = scan->at;
    while (scan->good && scan->at < scan->end && *scan->at != '"') {
        scan->good = *scan->at > 0x20 && *scan->at < 0x7f && *scan->at != '\\' &&
                     scan->at - out->ptr < TEXT_MAX;
        ++scan->at;
    }
    out->len = (size_t)(scan->at - out->ptr);
    expect(scan, "\"");
}

static void take_number(struct scan *scan, uint64_t *out)
{
    const uint8_t *first = scan->at;
    *out = 0;
    while (scan->good && scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
        *out = *out * 10 + (uint64_t)(*scan->at - '0');
        ++scan->at;
        scan->good = *out <= number_max;
    }
    scan->good = scan->good && scan->at > first && (*first != '0' || scan->at - first == 1);
}

static void take_digest(struct scan *scan, bool *known, uint8_t out[32])
{
    struct attest_bytes text;
    size_t len;
    take_text(scan, &text);
    *known = text.len > 0;
    scan->good =
        scan->good && (text.len == 0 || (av_base64url_decode(text, out, 32, &len) && len == 32));
}

static void take_bool(struct scan *scan, bool *out)
{
    *out = next_is(scan, 't');
    expect(scan, *out ? "true" : "false");
}

/* --- the record --------------------------------------------------------------------------------
 */

static void take_units(struct scan *scan, struct attest_receipt *receipt)
{
    receipt->unit_count = 0;
    while (scan->good && !next_is(scan, '}')) {
        if (receipt->unit_count == ATTEST_RECEIPT_UNITS_MAX) {
            scan->good = false;
            return;
        }
        struct attest_receipt_unit *unit = &receipt->units[receipt->unit_count];
        expect(scan, receipt->unit_count++ > 0 ? ",\"" : "\"");
        take_text(scan, &unit->name);
        expect(scan, ":");
        take_number(scan, &unit->count);
    }
}

static void take_usage(struct scan *scan, struct attest_receipt *receipt)
{
    expect(scan, ",\"usage\":{\"ms\":");
    take_number(scan, &receipt->ms);
    expect(scan, ",\"in\":");
    take_number(scan, &receipt->in);
    expect(scan, ",\"out\":");
    take_number(scan, &receipt->out);
    expect(scan, ",\"units\":{");
    take_units(scan, receipt);
    expect(scan, "}}");
}

static void take_body(struct scan *scan, const char *name, struct attest_receipt_body *body)
{
    expect(scan, name);
    expect(scan, "{\"sha256\":\"");
    take_digest(scan, &body->digested, body->sha256);
    expect(scan, ",\"whole\":");
    take_bool(scan, &body->whole);
    expect(scan, "}");
}

static void take_who(struct scan *scan, struct attest_receipt *receipt)
{
    bool evidence, policy;
    expect(scan, "{\"v\":1,\"invocation\":\"");
    take_text(scan, &receipt->invocation);
    expect(scan, ",\"parent\":\"");
    take_text(scan, &receipt->parent);
    expect(scan, ",\"root\":\"");
    take_text(scan, &receipt->root);
    expect(scan, ",\"account\":\"");
    take_text(scan, &receipt->account);
    expect(scan, ",\"cid\":\"");
    take_text(scan, &receipt->cid);
    expect(scan, ",\"worker_key\":\"");
    take_digest(scan, &receipt->attested, receipt->worker_key);
    expect(scan, ",\"evidence\":\"");
    take_digest(scan, &evidence, receipt->evidence);
    expect(scan, ",\"policy\":\"");
    take_digest(scan, &policy, receipt->policy);
    scan->good = scan->good && evidence == receipt->attested && policy == receipt->attested;
}

static void take_what(struct scan *scan, struct attest_receipt *receipt)
{
    expect(scan, ",\"attempts\":");
    take_number(scan, &receipt->attempts);
    take_usage(scan, receipt);
    expect(scan, ",\"ceiling\":");
    take_number(scan, &receipt->ceiling);
    expect(scan, ",\"charge\":");
    take_number(scan, &receipt->charge);
    expect(scan, ",\"outcome\":\"");
    take_text(scan, &receipt->outcome);
    expect(scan, ",\"status\":");
    take_number(scan, &receipt->status);
    expect(scan, ",\"sequence\":");
    take_number(scan, &receipt->sequence);
    expect(scan, ",\"began\":");
    take_number(scan, &receipt->began);
    expect(scan, ",\"ended\":");
    take_number(scan, &receipt->ended);
}

bool av_receipt_read_record(const struct receipt_parts *parts, struct attest_receipt *receipt,
                            const char **wrong)
{
    *wrong = "the record is not in the form a gateway writes";
    if (!av_base64url_decode(parts->record, receipt->record, sizeof receipt->record,
                             &receipt->record_len))
        return false;
    struct scan scan = scan_over(receipt->record, receipt->record_len);
    take_who(&scan, receipt);
    take_what(&scan, receipt);
    take_body(&scan, ",\"request\":", &receipt->request);
    take_body(&scan, ",\"response\":", &receipt->response);
    return expect(&scan, "}") && scan.at == scan.end;
}

/* --- the parts ---------------------------------------------------------------------------------
 */

static bool is_line_end(uint8_t c)
{
    return c == '\n' || c == '\r';
}

bool av_receipt_split(struct attest_bytes text, struct receipt_parts *parts, const char **wrong)
{
    struct attest_bytes *const all[] = {&parts->record, &parts->path, &parts->header,
                                        &parts->payload, &parts->signature};
    size_t at = 0;
    while (text.len > 0 && is_line_end(text.ptr[text.len - 1]))
        --text.len;
    *wrong = "it is larger than a receipt can be";
    if (text.len > ATTEST_RECEIPT_BYTES_MAX)
        return false;
    *wrong = "it is not five parts with dots between them";
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {
        size_t from = at;
        while (at < text.len && text.ptr[at] != '.')
            ++at;
        *all[i] = (struct attest_bytes){.ptr = text.ptr + from, .len = at - from};
        bool is_last = i + 1 == sizeof all / sizeof *all;
        if ((at == text.len) != is_last)
            return false;
        ++at;
    }
    parts->signed_text = (struct attest_bytes){.ptr = parts->header.ptr,
                                               .len = parts->header.len + 1 + parts->payload.len};
    return true;
}

static bool read_header(const struct receipt_parts *parts, struct attest_receipt *receipt)
{
    uint8_t bytes[256];
    size_t len;
    struct attest_bytes kid;
    if (!av_base64url_decode(parts->header, bytes, sizeof bytes, &len))
        return false;
    struct scan scan = scan_over(bytes, len);
    expect(&scan, "{\"alg\":\"EdDSA\",\"typ\":\"teegate-root\",\"kid\":\"");
    take_text(&scan, &kid);
    if (!expect(&scan, "}") || scan.at != scan.end || kid.len != DIGEST_CHARS)
        return false;
    memcpy(receipt->kid, kid.ptr, kid.len);
    receipt->kid[kid.len] = '\0';
    return true;
}

static bool read_payload(const struct receipt_parts *parts, struct attest_receipt *receipt,
                         struct receipt_proof *proof)
{
    uint8_t bytes[256];
    size_t len;
    bool known;
    if (!av_base64url_decode(parts->payload, bytes, sizeof bytes, &len))
        return false;
    struct scan scan = scan_over(bytes, len);
    expect(&scan, "{\"root\":\"");
    take_digest(&scan, &known, proof->root);
    expect(&scan, ",\"size\":");
    take_number(&scan, &receipt->size);
    expect(&scan, ",\"at\":");
    take_number(&scan, &receipt->signed_at);
    return expect(&scan, "}") && scan.at == scan.end && known;
}

static bool read_path(const struct receipt_parts *parts, struct attest_receipt *receipt,
                      struct receipt_proof *proof)
{
    uint8_t bytes[2 + sizeof proof->path];
    size_t len;
    if (!av_base64url_decode(parts->path, bytes, sizeof bytes, &len) || len < 2 ||
        (len - 2) % RECEIPT_HASH_BYTES != 0)
        return false;
    receipt->index = (uint16_t)(bytes[0] << 8 | bytes[1]);
    proof->path_len = (len - 2) / RECEIPT_HASH_BYTES;
    memcpy(proof->path, bytes + 2, len - 2);
    return true;
}

bool av_receipt_read_proof(const struct receipt_parts *parts, struct attest_receipt *receipt,
                           struct receipt_proof *proof, const char **wrong)
{
    size_t len;
    *wrong = "the signed root is not in the form a gateway writes";
    if (!read_header(parts, receipt) || !read_payload(parts, receipt, proof))
        return false;
    *wrong = "the signature is not 64 bytes";
    if (!av_base64url_decode(parts->signature, proof->signature, sizeof proof->signature, &len) ||
        len != sizeof proof->signature)
        return false;
    *wrong = "the path is not an index and whole hashes";
    return read_path(parts, receipt, proof);
}
