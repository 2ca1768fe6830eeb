/* Reads the head of an HTTP/1.1 message, or its trailers, line by line: strict, and bounded.
 * It owns the line it is in the middle of and the head it fills. It never repairs anything: what
 * RFC 9112 does not allow is refused, because two readers of it would differ. */
#ifndef HTTP_H1_PARSE_H
#define HTTP_H1_PARSE_H

#include "http/http_core.h"

enum h1_kind { H1_REQUEST, H1_ANSWER, H1_TRAILERS };

struct h1_parser {
    enum h1_kind kind;
    const struct http_options *options;
    struct head *head; /* being filled; h1_parser_give() hands it over */
    char *line;        /* the beginning of a line whose end has not come */
    size_t line_bytes;
    size_t line_room;
    unsigned blank_lines; /* before the first line (RFC 9112 2.2) */
    bool begun;           /* the first line was read */
    bool done;
    int minor;       /* HTTP/1.minor */
    int status;      /* to refuse it with; 0 while it is good */
    const char *why; /* it is refused */
};

void h1_parser_init(struct h1_parser *parser, enum h1_kind kind,
                    const struct http_options *options);
void h1_parser_fini(struct h1_parser *parser);
/* Takes up to the end of the head; then `done` or `status` is set. How many bytes were taken. */
size_t h1_parser_take(struct h1_parser *parser, struct span bytes);
/* The head, whole; the caller's from here. A request's target is in head->path as it came. */
struct head *h1_parser_give(struct h1_parser *parser);
/* Whether it is in the middle of a head. */
bool h1_parser_is_busy(const struct h1_parser *parser);

#endif
