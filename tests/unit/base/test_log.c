#define _GNU_SOURCE /* pipe2() */
#include "base/log.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit/checks.h"

struct pipe {
    struct log log;
    int out;
    char text[2 * LOG_LINE_MAX];
};

static void pipe_init(struct pipe *pipe, enum log_level level)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    *pipe = (struct pipe){.log = {.fd = fds[1], .level = level}, .out = fds[0]};
}

/* The one line that came, parsed; NULL when none did. */
static cJSON *line_of(struct pipe *pipe)
{
    ssize_t got = read(pipe->out, pipe->text, sizeof(pipe->text) - 1);
    if (got <= 0)
        return NULL;
    pipe->text[got] = '\0';
    ck_assert_int_le(got, LOG_LINE_MAX);
    ck_assert_ptr_eq(strchr(pipe->text, '\n'), pipe->text + got - 1);
    cJSON *tree = cJSON_ParseWithOpts(pipe->text, NULL, 1);
    ck_assert_msg(tree != NULL, "not JSON: %s", pipe->text);
    return tree;
}

static void pipe_fini(struct pipe *pipe)
{
    close(pipe->log.fd);
    close(pipe->out);
}

static const char *member(const cJSON *tree, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(tree, name);
    ck_assert_msg(cJSON_IsString(item), "%s", name);
    return item->valuestring;
}

START_TEST(a_line_has_time_level_event_and_what_was_added)
{
    struct pipe pipe;
    pipe_init(&pipe, LOG_NOTICE);
    log_say(&pipe.log, LOG_WARNING, "start", "%s %d", "lane \"one\"", 7);
    cJSON *tree = line_of(&pipe);
    ck_assert_str_eq(member(tree, "level"), "warning");
    ck_assert_str_eq(member(tree, "event"), "start");
    ck_assert_str_eq(member(tree, "message"), "lane \"one\" 7");
    unsigned year, month, day, hour, minute, second, ms;
    ck_assert_int_eq(sscanf(member(tree, "time"), "%4u-%2u-%2uT%2u:%2u:%2u.%3uZ", &year, &month,
                            &day, &hour, &minute, &second, &ms),
                     7);
    ck_assert_uint_eq(strlen(member(tree, "time")), 24);
    cJSON_Delete(tree);
    pipe_fini(&pipe);
}
END_TEST

START_TEST(lines_above_the_level_are_dropped)
{
    struct pipe pipe;
    pipe_init(&pipe, LOG_WARNING);
    log_say(&pipe.log, LOG_NOTICE, "quiet", "x");
    ck_assert_ptr_null(line_of(&pipe));
    log_say(&pipe.log, LOG_WARNING, "at", "x");
    cJSON_Delete(line_of(&pipe));
    log_say(&pipe.log, LOG_ERROR, "below", "x");
    cJSON_Delete(line_of(&pipe));
    struct log nowhere = {.fd = -1, .level = LOG_DEBUG};
    log_say(&nowhere, LOG_ERROR, "nowhere", "x");
    pipe_fini(&pipe);
}
END_TEST

START_TEST(a_line_too_long_is_cut_and_still_one_object_on_one_line)
{
    struct pipe pipe;
    pipe_init(&pipe, LOG_DEBUG);
    for (size_t len = LOG_LINE_MAX - 200; len < LOG_LINE_MAX + 10; ++len) {
        char text[LOG_LINE_MAX + 10];
        struct log_line line;
        memset(text, 'a', len);
        log_begin(&line, LOG_NOTICE, "request");
        json_text(&line.json, "path", span_of(text, len));
        json_object(&line.json, "after");
        json_u64(&line.json, "number", UINT64_MAX);
        json_end_object(&line.json);
        log_write(&pipe.log, &line);
        cJSON *tree = line_of(&pipe);
        const char *path = member(tree, "path");
        bool is_whole = strlen(path) == len;
        ck_assert(is_whole || strcmp(path + strlen(path) - 3, "...") == 0);
        ck_assert(is_whole || line.json.cut);
        cJSON_Delete(tree);
    }
    pipe_fini(&pipe);
}
END_TEST

START_TEST(newlines_and_bytes_that_are_no_text_cannot_forge_a_line)
{
    struct pipe pipe;
    pipe_init(&pipe, LOG_DEBUG);
    log_say(&pipe.log, LOG_NOTICE, "bad", "%s", "x\n{\"level\":\"error\"}\n\xff\x1b[31m");
    cJSON *tree = line_of(&pipe);
    ck_assert_str_eq(member(tree, "level"), "notice");
    ck_assert_ptr_null(strchr(pipe.text, '\x1b'));
    cJSON_Delete(tree);
    pipe_fini(&pipe);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_line_has_time_level_event_and_what_was_added,
                                  lines_above_the_level_are_dropped,
                                  a_line_too_long_is_cut_and_still_one_object_on_one_line,
                                  newlines_and_bytes_that_are_no_text_cannot_forge_a_line, NULL};
    return checks_run("log", tests);
}
