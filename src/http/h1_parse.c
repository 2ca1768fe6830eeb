#include "http/h1_parse.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "http/field.h"

enum {
    BLANK_LINES_MAX = 1,
    METHOD_MAX = 32,
    NAME_MAX_BYTES = 256,
    START_LINE_EXTRA = 64, /* of a request line: what is not target */
    STATUS_LINE_MAX = 1024
};

void h1_parser_init(struct h1_parser *parser, enum h1_kind kind, const struct http_options *options)
{
    *parser = (struct h1_parser){.kind = kind, .options = options, .begun = kind == H1_TRAILERS};
}

void h1_parser_fini(struct h1_parser *parser)
{
    head_free(parser->head);
    free(parser->line);
    parser->head = NULL;
    parser->line = NULL;
    parser->line_bytes = parser->line_room = 0;
}

bool h1_parser_is_busy(const struct h1_parser *parser)
{
    return parser->head != NULL || parser->line_bytes > 0 || parser->blank_lines > 0;
}

struct head *h1_parser_give(struct h1_parser *parser)
{
    struct head *head = parser->head;
    must(parser->done);
    parser->head = NULL;
    return head;
}

static void refuse(struct h1_parser *parser, int status, const char *why)
{
    parser->status = status;
    parser->why = why;
}

/* --- the first line --------------------------------------------------------------------------- */

/* 1 for HTTP/1.1, 0 for HTTP/1.0, -1 for another version, -2 for no version at all. */
static int parse_version(struct span text)
{
    /* In capitals (RFC 9112 2.3). */
    if (text.len != 8 || memcmp(text.ptr, "HTTP/", 5) != 0 || text.ptr[6] != '.' ||
        text.ptr[5] < '0' || text.ptr[5] > '9' || text.ptr[7] < '0' || text.ptr[7] > '9')
        return -2;
    if (text.ptr[5] != '1' || text.ptr[7] > '1')
        return -1;
    return text.ptr[7] - '0';
}

static void take_request_line(struct h1_parser *parser, struct span line)
{
    struct head *head = parser->head;
    size_t first = span_find(line, ' ');
    struct span method = span_of(line.ptr, first);
    struct span rest = span_from(line, first + 1);
    size_t second = span_find(rest, ' ');
    struct span target = span_of(rest.ptr, second);
    int minor = parse_version(span_from(rest, second + 1));
    if (!field_is_token(method) || method.len > METHOD_MAX)
        refuse(parser, 400, "no valid method");
    else if (target.len > parser->options->target_bytes_max)
        refuse(parser, 414, "the target is too long");
    else if (!field_is_target(target))
        refuse(parser, 400, "no valid target");
    else if (minor == -2)
        refuse(parser, 400, "no valid version");
    else if (minor == -1)
        refuse(parser, 505, "a version other than HTTP/1.0 and HTTP/1.1");
    else if (!head_set_text(head, &head->method, method) ||
             !head_set_text(head, &head->path, target))
        refuse(parser, 431, "the head is too large");
    parser->minor = minor;
}

static void take_status_line(struct h1_parser *parser, struct span line)
{
    uint64_t status = 0;
    parser->minor = parse_version(span_of(line.ptr, line.len < 8 ? line.len : 8));
    bool good = parser->minor >= 0 && line.len >= 12 && line.ptr[8] == ' ' &&
                span_to_u64(span_of(line.ptr + 9, 3), 599, &status) && status >= 100 &&
                (line.len == 12 || line.ptr[12] == ' ');
    for (size_t i = 13; good && i < line.len; ++i)
        good = line.ptr[i] == '\t' || ((unsigned char)line.ptr[i] >= ' ' && line.ptr[i] != 0x7f);
    if (!good)
        refuse(parser, 400, "no valid status line");
    parser->head->status = (int)status;
}

/* --- the fields ------------------------------------------------------------------------------- */

static bool lower_name(struct span name, char *out)
{
    if (name.len > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < name.len; ++i) {
        char c = name.ptr[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return true;
}

static void take_field(struct h1_parser *parser, struct span line)
{
    char name[NAME_MAX_BYTES];
    size_t colon = span_find(line, ':');
    struct span value = span_trim(span_from(line, colon + 1));
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        refuse(parser, 400, "a folded line (RFC 9112 5.2)");
    else if (colon == line.len || !field_is_token(span_of(line.ptr, colon)))
        refuse(parser, 400, "no valid field name");
    else if (!field_is_value(value))
        refuse(parser, 400, "no valid field value");
    else if (!lower_name(span_of(line.ptr, colon), name) ||
             !head_add(parser->head, span_of(name, colon), value))
        refuse(parser, 431, "too many or too large fields");
}

/* `line` with its LF. */
static void take_line(struct h1_parser *parser, struct span line)
{
    if (line.len < 2 || line.ptr[line.len - 2] != '\r') {
        refuse(parser, 400, "a line that does not end in CRLF");
        return;
    }
    line.len -= 2;
    if (parser->head == NULL && (line.len > 0 || parser->begun))
        parser->head = head_new(parser->options->head_bytes_max, parser->options->fields_max);
    if (parser->begun && line.len == 0) {
        parser->done = true;
    } else if (parser->begun) {
        take_field(parser, line);
    } else if (line.len == 0) {
        if (parser->kind == H1_ANSWER || ++parser->blank_lines > BLANK_LINES_MAX)
            refuse(parser, 400, "blank lines before the first");
    } else {
        parser->begun = true;
        if (parser->kind == H1_REQUEST)
            take_request_line(parser, line);
        else
            take_status_line(parser, line);
    }
}

/* --- lines ------------------------------------------------------------------------------------ */

static size_t line_max(const struct h1_parser *parser)
{
    if (parser->begun)
        return parser->options->head_bytes_max;
    if (parser->kind == H1_ANSWER)
        return STATUS_LINE_MAX;
    return parser->options->target_bytes_max + START_LINE_EXTRA;
}

static void refuse_long_line(struct h1_parser *parser)
{
    if (parser->begun)
        refuse(parser, 431, "too large a field");
    else if (parser->kind == H1_REQUEST)
        refuse(parser, 414, "the target is too long");
    else
        refuse(parser, 400, "no valid status line");
}

static void keep(struct h1_parser *parser, struct span bytes)
{
    size_t wanted = parser->line_bytes + bytes.len;
    if (wanted > parser->line_room) {
        size_t room = parser->line_room == 0 ? 256 : parser->line_room;
        while (room < wanted)
            room *= 2;
        parser->line = alloc_grow(parser->line, room, 1);
        parser->line_room = room;
    }
    memcpy(parser->line + parser->line_bytes, bytes.ptr, bytes.len);
    parser->line_bytes = wanted;
}

size_t h1_parser_take(struct h1_parser *parser, struct span bytes)
{
    size_t at = 0;
    while (at < bytes.len && !parser->done && parser->status == 0) {
        struct span rest = span_from(bytes, at);
        size_t end = span_find(rest, '\n');
        bool whole = end < rest.len;
        size_t count = whole ? end + 1 : rest.len;
        size_t most = line_max(parser);
        at += count;
        if (parser->line_bytes + count > most || (!whole && parser->line_bytes + count == most)) {
            refuse_long_line(parser);
            break;
        }
        if (!whole) {
            keep(parser, rest);
            break;
        }
        if (parser->line_bytes == 0) {
            take_line(parser, span_of(rest.ptr, count));
            continue;
        }
        keep(parser, span_of(rest.ptr, count));
        take_line(parser, span_of(parser->line, parser->line_bytes));
        parser->line_bytes = 0;
    }
    return at;
}
