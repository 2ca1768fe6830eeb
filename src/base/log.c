#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static const char *const level_names[] = {"error", "warning", "notice", "debug"};

static void put_time(struct json *json)
{
    int64_t now_ms = clock_unix_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    char date[24];
    char text[32];
    gmtime_r(&seconds, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    int len = snprintf(text, sizeof(text), "%s.%03dZ", date, (int)(now_ms % 1000));
    json_text(json, "time", span_of(text, (size_t)len));
}

void log_begin(struct log_line *line, enum log_level level, const char *event)
{
    /* Two bytes stay for the closing brace and the line's end, whatever else is cut. */
    line->level = level;
    json_init(&line->json, line->memory, sizeof(line->memory) - 2);
    json_object(&line->json, NULL);
    put_time(&line->json);
    json_text(&line->json, "level", span_text(level_names[level]));
    json_text(&line->json, "event", span_text(event));
}

void log_write(const struct log *log, struct log_line *line)
{
    char *at = line->json.at;
    *at++ = '}';
    *at++ = '\n';
    if (line->level > log->level || log->fd < 0)
        return;
    ssize_t written = write(log->fd, line->memory, (size_t)(at - line->memory));
    (void)written; /* a log that cannot be written has nobody to tell */
}

void log_say(const struct log *log, enum log_level level, const char *event, const char *format,
             ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    struct log_line line;
    log_begin(&line, level, event);
    json_text(&line.json, "message", span_text(message));
    log_write(log, &line);
}
