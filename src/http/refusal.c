#include "http/refusal.h"

#include <stdio.h>

#include "base/fault.h"
#include "base/json.h"

static enum fault fault_of(int status)
{
    switch (status) {
    case 408:
        return FAULT_REQUEST_TIMEOUT;
    case 413:
        return FAULT_REQUEST_TOO_LARGE;
    case 414:
    case 431:
        return FAULT_FIELDS_TOO_LARGE;
    case 417:
        return FAULT_EXPECTATION_FAILED;
    default:
        return FAULT_BAD_REQUEST;
    }
}

static void write_problem(struct refusal *refusal, int status, const char *why)
{
    const struct fault_row *row = fault_row(fault_of(status));
    char type[96];
    struct json json;
    snprintf(type, sizeof(type), "urn:teegate:problem:%s", row->word);
    json_init(&json, refusal->body, sizeof(refusal->body));
    json_object(&json, NULL);
    json_text(&json, "type", span_text(type));
    json_text(&json, "title", span_text(row->title));
    json_i64(&json, "status", status);
    json_text(&json, "code", span_text(row->word));
    json_text(&json, "whose", span_text(fault_whose_word(row->whose)));
    json_bool(&json, "retryable", row->again);
    json_text(&json, "detail", span_text(why));
    json_end_object(&json);
    refusal->body_len = json_written(&json).len;
}

/* All words are the gateway's own: there is nothing to escape. */
static void write_page(struct refusal *refusal, int status, const char *why)
{
    const char *title = fault_row(fault_of(status))->title;
    int len = snprintf(refusal->body, sizeof(refusal->body),
                       "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width\">"
                       "<title>%d</title><h1>%s</h1><p>%s</p></html>",
                       status, title, why);
    must(len > 0 && (size_t)len < sizeof(refusal->body));
    refusal->body_len = (size_t)len;
}

/* As browsers write it when they go to a page: HTML before all else. */
static bool wants_page(const struct head *head)
{
    const struct field *accept = head == NULL ? NULL : head_find(head, SPAN_OF("accept"));
    return accept != NULL && span_starts(accept->value, SPAN_OF("text/html"));
}

void refusal_make(struct refusal *refusal, struct http *http, const struct head *request,
                  int status, const char *why)
{
    char length[24];
    struct head *head = head_new(1024, 8);
    bool page = wants_page(request);
    if (page)
        write_page(refusal, status, why);
    else
        write_problem(refusal, status, why);
    snprintf(length, sizeof(length), "%zu", refusal->body_len);
    head->status = status;
    must(
        head_add(head, SPAN_OF("content-type"),
                 page ? SPAN_OF("text/html; charset=utf-8") : SPAN_OF("application/problem+json")));
    must(head_add(head, SPAN_OF("content-length"), span_text(length)));
    must(head_add(head, SPAN_OF("cache-control"), SPAN_OF("private, no-store")));
    must(head_add(head, SPAN_OF("x-content-type-options"), SPAN_OF("nosniff")));
    if (page)
        must(head_add(head, SPAN_OF("content-security-policy"), SPAN_OF("default-src 'none'")));
    /* Without asking for the origin: the field may be what could not be read. */
    if (http->options.cors)
        must(head_add(head, SPAN_OF("access-control-allow-origin"), SPAN_OF("*")));
    http_add_date(http, head);
    refusal->head = head;
}
