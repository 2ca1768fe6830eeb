/* What the process says of itself and of each request: one JSON object a line, to one descriptor.
 * It owns the descriptor's place, not the descriptor. It never holds a secret, a key or a query
 * string: those who fill a line see to that. A line is one write(2), so lanes need no lock. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/json.h"

enum { LOG_LINE_MAX = 4096 };

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_DEBUG };

struct log {
    int fd;
    enum log_level level;
};

struct log_line {
    struct json json;
    enum log_level level;
    char memory[LOG_LINE_MAX];
};

/* Opens a line with "time", "level" and "event"; add members to line->json, then log_write(). */
void log_begin(struct log_line *line, enum log_level level, const char *event);
/* Closes the object and writes it; lines above the level asked for are dropped. */
void log_write(const struct log *log, struct log_line *line);
/* A line with one member, "message". */
void log_say(const struct log *log, enum log_level level, const char *event, const char *format,
             ...) __attribute__((format(printf, 4, 5)));

#endif
