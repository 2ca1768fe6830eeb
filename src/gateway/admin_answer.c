#include <cjson/cJSON.h>
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

static void answer_problem(struct admin_request *request, const struct fault_row *row,
                           const char *detail)
{
    char type[96];
    char text[PROBLEM_MAX];
    struct json json;
    snprintf(type, sizeof(type), "urn:teegate:problem:%s", row->word);
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

void admin_refuse(struct admin_request *request, enum fault fault, const char *format, ...)
{
    char detail[DETAIL_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    answer_problem(request, fault_row(fault), detail);
}

/* No exchange can end in a conflict of accounts, so the faults' table has no row for it. */
static const struct fault_row *row_of(int status)
{
    static const struct fault_row conflict = {.word = "conflict",
                                              .status = 409,
                                              .whose = WHOSE_CALLER,
                                              .title = "What stands already contradicts this"};
    switch (status) {
    case 400:
        return fault_row(FAULT_BAD_REQUEST);
    case 404:
        return fault_row(FAULT_NOT_FOUND);
    case 409:
        return &conflict;
    case 503:
        return fault_row(FAULT_METERING_UNAVAILABLE);
    default:
        return fault_row(FAULT_INTERNAL);
    }
}

void admin_pass_problem(struct admin_request *request, int status, struct span json)
{
    cJSON *problem = cJSON_ParseWithLength(json.ptr, json.len);
    const cJSON *detail = cJSON_GetObjectItemCaseSensitive(problem, "detail");
    answer_problem(request, row_of(status), cJSON_IsString(detail) ? detail->valuestring : "");
    cJSON_Delete(problem);
}
