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

static void write_body(struct refusal *refusal, int status, const char *why)
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

void refusal_make(struct refusal *refusal, struct http *http, int status, const char *why)
{
    char length[24];
    struct head *head = head_new(1024, 8);
    write_body(refusal, status, why);
    snprintf(length, sizeof(length), "%zu", refusal->body_len);
    head->status = status;
    must(head_add(head, SPAN_OF("content-type"), SPAN_OF("application/problem+json")));
    must(head_add(head, SPAN_OF("content-length"), span_text(length)));
    http_add_date(http, head);
    refusal->head = head;
}
