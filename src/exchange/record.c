#include "exchange/record.h"

static void write_attempts(struct json *json, const struct record *record)
{
    json_array(json, "attempts");
    for (unsigned i = 0; i < record->attempt_count; ++i) {
        const struct record_attempt *attempt = &record->attempts[i];
        json_object(json, NULL);
        json_text(json, "worker", span_text(attempt->worker));
        json_text(json, "fault", span_text(fault_word(attempt->fault)));
        json_u64(json, "connect_ms", attempt->connect_ms);
        if (attempt->detail[0] != '\0')
            json_text(json, "detail", span_text(attempt->detail));
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_ids(struct json *json, const struct record *record)
{
    json_text(json, "invocation", span_text(record->invocation));
    json_text(json, "peer", span_text(record->peer));
    json_text(json, "protocol", span_text(record->protocol));
    json_text(json, "method", span_text(record->method));
    json_text(json, "cid", span_text(record->cid));
    json_text(json, "account", span_text(record->account));
    json_text(json, "key", span_text(record->key_id));
    if (record->parent != NULL && record->parent[0] != '\0') {
        json_text(json, "parent", span_text(record->parent));
        json_text(json, "root", span_text(record->root));
    }
}

static void write_money(struct json *json, const struct record *record)
{
    json_u64(json, "ms", record->usage.ms);
    json_u64(json, "bytes_in", record->usage.bytes_in);
    json_u64(json, "bytes_out", record->usage.bytes_out);
    json_u64(json, "ceiling_ucr", record->ceiling_ucr);
    json_u64(json, "cost_ucr", record->cost_ucr);
    json_bool(json, "charged", record->charged);
}

static void write_times(struct json *json, const struct record *record)
{
    json_u64(json, "auth_ms", record->auth_ms);
    json_u64(json, "hold_ms", record->hold_ms);
    json_u64(json, "first_byte_ms", record->first_byte_ms);
    json_u64(json, "total_ms", record->total_ms);
}

void record_write(const struct record *record, const struct log *log, struct stats *stats)
{
    struct log_line line;
    log_begin(&line, LOG_NOTICE, "request");
    write_ids(&line.json, record);
    json_i64(&line.json, "status", record->status);
    json_text(&line.json, "outcome", span_text(record->outcome));
    json_text(&line.json, "whose",
              span_text(record->fault == FAULT_NONE
                            ? ""
                            : fault_whose_word(fault_row(record->fault)->whose)));
    write_money(&line.json, record);
    write_times(&line.json, record);
    write_attempts(&line.json, record);
    log_write(log, &line);
    stats_add(&stats->faults[record->fault], 1);
}

void record_bad(const struct log *log, struct stats *stats, const char *peer, const char *protocol,
                int status, const char *why)
{
    struct log_line line;
    log_begin(&line, LOG_NOTICE, "bad-request");
    json_text(&line.json, "peer", span_text(peer));
    json_text(&line.json, "protocol", span_text(protocol));
    json_i64(&line.json, "status", status);
    json_text(&line.json, "why", span_text(why));
    log_write(log, &line);
    stats_add(&stats->requests, 1);
    enum fault fault = FAULT_BAD_REQUEST;
    if (status == 408)
        fault = FAULT_REQUEST_TIMEOUT;
    else if (status == 413)
        fault = FAULT_REQUEST_TOO_LARGE;
    else if (status == 417)
        fault = FAULT_EXPECTATION_FAILED;
    else if (status == 431)
        fault = FAULT_FIELDS_TOO_LARGE;
    stats_add(&stats->faults[fault], 1);
}
