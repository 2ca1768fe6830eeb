#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "gateway/admin_core.h"

enum { PROBLEM_MAX = 4096, DETAIL_MAX = 1024 };

void admin_answer(struct admin_request *request, int status, const char *type, char *text,
                  size_t len)
{
    must(request->status == 0 && status >= 200 && len > 0);
    request->status = status;
    request->type = type;
    request->answer = text;
    request->answer_len = len;
    loop_wake(request->admin->loop, &request->wake);
}

void admin_answer_json(struct admin_request *request, int status, struct span json)
{
    const char *type = status < 400 ? "application/json" : "application/problem+json";
    admin_answer(request, status, type, alloc_text(json.ptr, json.len), json.len);
}

void admin_refuse(struct admin_request *request, enum fault fault, const char *format, ...)
{
    const struct fault_row *row = fault_row(fault);
    char detail[DETAIL_MAX];
    char type[96];
    char text[PROBLEM_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    snprintf(type, sizeof(type), "urn:teegate:problem:%s", row->word);

    struct json json;
    json_init(&json, text, sizeof(text));
    json_object(&json, NULL);
    json_text(&json, "type", span_text(type));
    json_text(&json, "title", span_text(row->title));
    json_i64(&json, "status", row->status);
    json_text(&json, "code", span_text(row->word));
    json_text(&json, "whose", span_text(fault_whose_word(row->whose)));
    json_bool(&json, "retryable", row->again);
    json_text(&json, "detail", span_text(detail));
    json_end_object(&json);
    admin_answer_json(request, row->status, json_written(&json));
}
