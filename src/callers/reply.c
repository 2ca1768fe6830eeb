#include "callers/reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "config.h"

enum { REPLY_HEAD_MAX = 8192, REPLY_FIELDS_MAX = 40, ASKED_FIELDS_MAX = 1024 };

/* --- small parts ---------------------------------------------------------------------------- */

static struct head *head_for(int status, const char *invocation)
{
    struct head *head = head_new(REPLY_HEAD_MAX, REPLY_FIELDS_MAX);
    head->status = status;
    if (invocation != NULL)
        must(head_add(head, SPAN_OF("agent-invocation-id"), span_text(invocation)));
    return head;
}

static void add(struct head *head, struct span name, const char *value)
{
    must(head_add(head, name, span_text(value)));
}

static void add_u64(struct head *head, struct span name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    add(head, name, text);
}

bool reply_add_cors(struct head *head)
{
    /* No credentials mode: keys travel in fields the script sets itself, so "*" is right. */
    return head_add(head, SPAN_OF("access-control-allow-origin"), SPAN_OF("*")) &&
           head_add(head, SPAN_OF("access-control-expose-headers"),
                    SPAN_OF("agent-invocation-id, agent-worker, agent-measurement, "
                            "agent-cost-ceiling, agent-cost, agent-usage, agent-outcome, "
                            "agent-receipt, ratelimit, ratelimit-policy, retry-after"));
}

static void finish(struct reply *reply, const char *type, const struct reply_form *form)
{
    add(reply->head, SPAN_OF("content-type"), type);
    add_u64(reply->head, SPAN_OF("content-length"), reply->body_len);
    add(reply->head, SPAN_OF("cache-control"), "private, no-store");
    add(reply->head, SPAN_OF("x-content-type-options"), "nosniff");
    if (form->cors)
        must(reply_add_cors(reply->head));
    reply->head_only = form->head_only;
}

/* --- Accept --------------------------------------------------------------------------------- */

/* The weight of a range's parameters in thousandths (RFC 9110 12.4.2); malformed is 0. */
static unsigned weight_of(struct span parameters)
{
    while (parameters.len > 0) {
        size_t stop = span_find(parameters, ';');
        struct span one = span_trim(span_of(parameters.ptr, stop));
        parameters = span_from(parameters, stop + 1);
        if (one.len < 3 || (one.ptr[0] | 0x20) != 'q' || one.ptr[1] != '=')
            continue;
        if (one.ptr[2] == '1')
            return 1000;
        unsigned weight = 0;
        unsigned scale = 100;
        for (size_t i = 4; i < one.len && scale > 0; ++i, scale /= 10) {
            if (one.ptr[i] < '0' || one.ptr[i] > '9')
                return 0;
            weight += (unsigned)(one.ptr[i] - '0') * scale;
        }
        return weight;
    }
    return 1000;
}

bool reply_wants_html(const struct head *request)
{
    const struct field *accept = head_find(request, SPAN_OF("accept"));
    if (accept == NULL)
        return false;
    unsigned html = 0;
    unsigned json = 0;
    for (struct span rest = accept->value; rest.len > 0;) {
        size_t stop = span_find(rest, ',');
        struct span range = span_of(rest.ptr, stop);
        rest = span_from(rest, stop + 1);
        size_t name_len = span_find(range, ';');
        struct span name = span_trim(span_of(range.ptr, name_len));
        unsigned weight = weight_of(span_from(range, name_len + 1));
        if (span_is_nocase(name, SPAN_OF("text/html")))
            html = weight;
        else if ((span_is_nocase(name, SPAN_OF("application/json")) ||
                  span_is_nocase(name, SPAN_OF("application/problem+json"))) &&
                 weight > json)
            json = weight;
    }
    return html > json;
}

/* --- problems ------------------------------------------------------------------------------- */

static const char *type_of(const struct fault_row *row, enum fault fault, char *out, size_t size)
{
    switch (fault) {
    case FAULT_QUOTA_EXCEEDED:
        return "https://iana.org/assignments/http-problem-types#quota-exceeded";
    case FAULT_OVERLOADED:
        return "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";
    default:
        snprintf(out, size, "urn:teegate:problem:%s", row->word);
        return out;
    }
}

size_t reply_problem_json(char *out, size_t out_size, const struct problem *problem)
{
    const struct fault_row *row = fault_row(problem->fault);
    char type[96];
    struct json json;
    json_init(&json, out, out_size);
    json_object(&json, NULL);
    json_text(&json, "type", span_text(type_of(row, problem->fault, type, sizeof(type))));
    json_text(&json, "title", span_text(row->title));
    json_i64(&json, "status", row->status);
    json_text(&json, "code", span_text(row->word));
    json_text(&json, "whose", span_text(fault_whose_word(row->whose)));
    json_bool(&json, "retryable", row->again);
    if (problem->invocation != NULL)
        json_text(&json, "invocation", span_text(problem->invocation));
    if (problem->has_money) {
        json_u64(&json, "required", problem->required_ucr);
        json_u64(&json, problem->fault == FAULT_PARENT_BUDGET_EXHAUSTED ? "remaining" : "available",
                 problem->available_ucr);
    }
    if (problem->violated != NULL) {
        json_array(&json, "violated-policies");
        json_text(&json, NULL, span_text(problem->violated));
        json_end_array(&json);
    }
    /* Last, because it alone can be long: what has no room is cut here. */
    json_text(&json, "detail", span_text(problem->detail != NULL ? problem->detail : row->title));
    json_end_object(&json);
    return json_written(&json).len;
}

static size_t append(char *out, size_t size, size_t at, const char *text)
{
    while (*text != '\0' && at < size)
        out[at++] = *text++;
    return at;
}

static size_t append_escaped(char *out, size_t size, size_t at, const char *text)
{
    for (; *text != '\0'; ++text) {
        char one[2] = {*text, '\0'};
        const char *safe = one;
        if (*text == '<')
            safe = "&lt;";
        else if (*text == '>')
            safe = "&gt;";
        else if (*text == '&')
            safe = "&amp;";
        else if (*text == '"')
            safe = "&quot;";
        if (at + strlen(safe) > size)
            break;
        at = append(out, size, at, safe);
    }
    return at;
}

static size_t page(char *out, size_t size, const struct problem *problem)
{
    const struct fault_row *row = fault_row(problem->fault);
    char status[8];
    snprintf(status, sizeof(status), "%d", row->status);
    size_t at = append(out, size, 0,
                       "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width\">"
                       "<style>body{font:16px/1.5 sans-serif;max-width:40em;margin:15vh auto;"
                       "padding:0 1em}code{background:#8882;padding:0 .3em}</style><title>");
    at = append(out, size, at, status);
    at = append(out, size, at, "</title><h1>");
    at = append(out, size, at, row->title);
    at = append(out, size, at, "</h1><p>");
    /* The rest below needs less than 256 bytes: only the detail can be long. */
    at = append_escaped(out, size - 256, at, problem->detail != NULL ? problem->detail : "");
    at = append(out, size, at, "</p><p>");
    at = append(out, size, at, status);
    at = append(out, size, at, " <code>");
    at = append(out, size, at, row->word);
    at = append(out, size, at, "</code>");
    if (problem->invocation != NULL) {
        at = append(out, size, at, " invocation <code>");
        at = append_escaped(out, size, at, problem->invocation);
        at = append(out, size, at, "</code>");
    }
    return append(out, size, at, row->again ? "</p><p>You may try again later.</p>\n" : "</p>\n");
}

static void add_retry_after(struct head *head, const struct problem *problem, int status)
{
    if (status != 429 && status != 503)
        return;
    uint64_t seconds = (problem->retry_after_ms + 999) / 1000;
    if (seconds == 0) {
        /* 1 to 5 s, not the same for all: callers refused together should not return together. */
        unsigned spread = 0;
        for (const char *c = problem->invocation; c != NULL && *c != '\0'; ++c)
            spread += (unsigned char)*c;
        seconds = 1 + spread % 5;
    }
    add_u64(head, SPAN_OF("retry-after"), seconds);
}

void reply_fault(struct reply *reply, const struct problem *problem, const struct reply_form *form)
{
    const struct fault_row *row = fault_row(problem->fault);
    must(problem->fault != FAULT_NONE && reply->head == NULL);
    reply->status = row->status;
    reply->head = head_for(row->status, problem->invocation);
    reply->body = alloc_zeroed(REPLY_PROBLEM_MAX);
    reply->body_len = form->html ? page(reply->body, REPLY_PROBLEM_MAX, problem)
                                 : reply_problem_json(reply->body, REPLY_PROBLEM_MAX, problem);
    add_retry_after(reply->head, problem, row->status);
    if (row->status == 401)
        add(reply->head, SPAN_OF("www-authenticate"),
            "Bearer realm=\"teegate\", Agent realm=\"teegate\"");
    if (problem->allow != NULL)
        add(reply->head, SPAN_OF("allow"), problem->allow);
    if (form->html)
        add(reply->head, SPAN_OF("content-security-policy"),
            "default-src 'none'; style-src 'unsafe-inline'");
    finish(reply, form->html ? "text/html; charset=utf-8" : "application/problem+json", form);
}

/* --- others --------------------------------------------------------------------------------- */

void reply_own_json(struct reply *reply, int status, char *json, size_t len, const char *invocation,
                    const struct reply_form *form)
{
    must(reply->head == NULL);
    reply->status = status;
    reply->head = head_for(status, invocation);
    reply->body = json;
    reply->body_len = len;
    finish(reply, status < 400 ? "application/json" : "application/problem+json", form);
}

void reply_json(struct reply *reply, int status, struct span json, const char *invocation,
                const struct reply_form *form)
{
    must(json.len <= REPLY_BODY_MAX);
    reply_own_json(reply, status, alloc_text(json.ptr, json.len), json.len, invocation, form);
}

/* Field names and commas, as browsers write them; anything else is not repeated. */
static bool is_name_list(struct span text)
{
    if (text.len == 0 || text.len > ASKED_FIELDS_MAX)
        return false;
    for (size_t i = 0; i < text.len; ++i) {
        char c = text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == ',' || c == ' ';
        if (!plain)
            return false;
    }
    return true;
}

void reply_preflight(struct reply *reply, const struct head *request, const char *invocation)
{
    must(reply->head == NULL);
    const struct field *asked = head_find(request, SPAN_OF("access-control-request-headers"));
    reply->status = 204;
    reply->head = head_for(204, invocation);
    reply->head_only = true;
    add(reply->head, SPAN_OF("access-control-allow-origin"), "*");
    add(reply->head, SPAN_OF("access-control-allow-methods"),
        "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    /* "*" would not cover Authorization (Fetch standard, 3.3.4), so the list is repeated. */
    if (asked != NULL && is_name_list(asked->value))
        must(head_add(reply->head, SPAN_OF("access-control-allow-headers"), asked->value));
    add(reply->head, SPAN_OF("access-control-max-age"), "600");
    add(reply->head, SPAN_OF("vary"), "access-control-request-headers");
}

static void show_key(struct json *json, const struct signer_key *key)
{
    json_object(json, NULL);
    json_text(json, "kty", SPAN_OF("OKP"));
    json_text(json, "crv", SPAN_OF("Ed25519"));
    json_text(json, "alg", SPAN_OF("EdDSA"));
    json_text(json, "use", SPAN_OF("sig"));
    json_text(json, "kid", span_text(key->kid));
    json_text(json, "x", span_text(key->x));
    json_end_object(json);
}

void reply_well_known(struct reply *reply, const struct signer_key *keys, unsigned key_count,
                      const char *invocation, const struct reply_form *form)
{
    char text[REPLY_BODY_MAX];
    struct json json;
    json_init(&json, text, sizeof(text));
    json_object(&json, NULL);
    json_text(&json, "name", SPAN_OF("teegate"));
    json_text(&json, "version", SPAN_OF(PACKAGE_VERSION));
    json_array(&json, "tees");
    json_text(&json, NULL, SPAN_OF("tdx"));
    json_text(&json, NULL, SPAN_OF("sgx"));
    json_end_array(&json);
    json_object(&json, "receipt_keys");
    json_array(&json, "keys");
    for (unsigned i = 0; i < key_count; ++i)
        show_key(&json, &keys[i]);
    json_end_array(&json);
    json_end_object(&json);
    json_end_object(&json);
    reply_json(reply, 200, json_written(&json), invocation, form);
}

void reply_fini(struct reply *reply)
{
    head_free(reply->head);
    free(reply->body);
    *reply = (struct reply){0};
}

bool reply_push(struct reply *reply, struct stream *stream)
{
    if (reply->ended)
        return true;
    if (reply->head != NULL) {
        reply->ended = reply->head_only || reply->body_len == 0;
        stream_send_head(stream, reply->head, reply->ended);
        reply->head = NULL;
    }
    if (reply->ended)
        return true;
    size_t room = stream_room(stream);
    size_t count = reply->body_len - reply->given;
    if (count > room)
        count = room;
    if (count > 0)
        stream_send(stream, span_of(reply->body + reply->given, count));
    reply->given += count;
    if (reply->given < reply->body_len)
        return false;
    stream_send_end(stream, NULL);
    return reply->ended = true;
}
