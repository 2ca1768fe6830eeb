#define _GNU_SOURCE
#include "exchange/record.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit/checks.h"

static char text[8192];

static const char *written(const struct log *log)
{
    ssize_t count = pread(log->fd, text, sizeof(text) - 1, 0);
    text[count < 0 ? 0 : count] = '\0';
    return text;
}

static struct record record_of(enum fault fault)
{
    return (struct record){.invocation = "inv",
                           .peer = "192.0.2.7",
                           .protocol = "HTTP/2",
                           .method = "GET",
                           .cid = "bafy",
                           .account = "alice",
                           .key_id = "k1",
                           .status = 502,
                           .fault = fault,
                           .outcome = fault_word(fault)};
}

START_TEST(a_record_is_one_line_and_one_count)
{
    struct stats stats = {0};
    struct log log = {memfd_create("log", 0), LOG_NOTICE};
    struct record record = record_of(FAULT_CUT_SHORT);
    record.attempt_count = 1;
    snprintf(record.attempts[0].worker, sizeof(record.attempts[0].worker), "w\"1");
    record.attempts[0].fault = FAULT_CUT_SHORT;
    record_write(&record, &log, &stats);
    const char *line = written(&log);
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    ck_assert_ptr_nonnull(strstr(line, "\"outcome\":\"cut-short\",\"whose\":\"worker\""));
    ck_assert_ptr_nonnull(strstr(line, "\"worker\":\"w\\\"1\",\"fault\":\"cut-short\""));
    ck_assert_uint_eq(stats_read(&stats.faults[FAULT_CUT_SHORT]), 1);
    close(log.fd);
}
END_TEST

START_TEST(a_good_call_counts_as_none)
{
    struct stats stats = {0};
    struct log log = {memfd_create("log", 0), LOG_NOTICE};
    struct record record = record_of(FAULT_NONE);
    record_write(&record, &log, &stats);
    ck_assert_ptr_nonnull(strstr(written(&log), "\"whose\":\"\""));
    ck_assert_uint_eq(stats_read(&stats.faults[FAULT_NONE]), 1);
    close(log.fd);
}
END_TEST

START_TEST(three_attempts_with_long_details_stay_one_whole_line)
{
    struct stats stats = {0};
    struct log log = {memfd_create("log", 0), LOG_NOTICE};
    struct record record = record_of(FAULT_UNTRUSTED);
    record.attempt_count = RECORD_ATTEMPTS_MAX;
    for (unsigned i = 0; i < RECORD_ATTEMPTS_MAX; ++i) {
        memset(record.attempts[i].worker, 'w', sizeof(record.attempts[i].worker) - 1);
        memset(record.attempts[i].detail, '\x01', sizeof(record.attempts[i].detail) - 1);
    }
    record_write(&record, &log, &stats);
    const char *line = written(&log);
    ck_assert_uint_le(strlen(line), LOG_LINE_MAX);
    ck_assert_str_eq(line + strlen(line) - 2, "}\n");
    close(log.fd);
}
END_TEST

START_TEST(a_bad_request_is_a_line_too_and_counted_by_its_status)
{
    static const struct {
        int status;
        enum fault fault;
    } rows[] = {{400, FAULT_BAD_REQUEST},        {408, FAULT_REQUEST_TIMEOUT},
                {413, FAULT_REQUEST_TOO_LARGE},  {414, FAULT_BAD_REQUEST},
                {417, FAULT_EXPECTATION_FAILED}, {431, FAULT_FIELDS_TOO_LARGE},
                {501, FAULT_BAD_REQUEST}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct stats stats = {0};
        struct log log = {memfd_create("log", 0), LOG_NOTICE};
        record_bad(&log, &stats, "192.0.2.7", "HTTP/1.1", rows[i].status, "two lengths");
        ck_assert_ptr_nonnull(strstr(written(&log), "\"why\":\"two lengths\""));
        ck_assert_uint_eq(stats_read(&stats.faults[rows[i].fault]), 1);
        ck_assert_uint_eq(stats_read(&stats.requests), 1);
        close(log.fd);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_record_is_one_line_and_one_count,
        a_good_call_counts_as_none,
        three_attempts_with_long_details_stay_one_whole_line,
        a_bad_request_is_a_line_too_and_counted_by_its_status,
        NULL,
    };
    return checks_run("record", tests);
}
