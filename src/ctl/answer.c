#include "ctl/answer.h"

#include <stdlib.h>

#include "base/alloc.h"

enum part { PART_HEAD, PART_BODY, PART_SIZE, PART_CHUNK, PART_CHUNK_END, PART_TRAILER };

void answer_init(struct answer *answer)
{
    *answer = (struct answer){.state = ANSWER_MORE, .part = PART_HEAD};
}

void answer_fini(struct answer *answer)
{
    free(answer->line);
    free(answer->body);
    *answer = (struct answer){.state = ANSWER_BAD, .why = "over"};
}

static bool bad(struct answer *answer, const char *why)
{
    answer->state = ANSWER_BAD;
    answer->why = why;
    return false;
}

static bool done(struct answer *answer)
{
    answer->body = alloc_grow(answer->body, answer->body_len + 1, 1);
    answer->body[answer->body_len] = '\0';
    answer->state = ANSWER_WHOLE;
    return true;
}

/* --- the head ----------------------------------------------------------------------------------
 */

static bool is_token(struct span name)
{
    if (name.len == 0)
        return false;
    for (size_t i = 0; i < name.len; ++i) {
        unsigned char c = (unsigned char)name.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alnum && (c == 0 || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return true;
}

static bool is_text(struct span value)
{
    for (size_t i = 0; i < value.len; ++i) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* Takes one line and its CRLF from the front. False when there is none. */
static bool take_line(struct span *rest, struct span *line)
{
    for (size_t i = 0; i + 1 < rest->len; ++i) {
        if (rest->ptr[i] == '\r' && rest->ptr[i + 1] == '\n') {
            *line = span_of(rest->ptr, i);
            *rest = span_from(*rest, i + 2);
            return true;
        }
    }
    return false;
}

/* RFC 9112 4: HTTP-version SP 3DIGIT SP [ reason ]. */
static bool read_status(struct answer *answer, struct span line)
{
    uint64_t status;
    if (!span_starts(line, SPAN_OF("HTTP/1.1 ")) || line.len < 13 || line.ptr[12] != ' ' ||
        !span_to_u64(span_of(line.ptr + 9, 3), 999, &status) || status < 100 || !is_text(line))
        return bad(answer, "its first line is not HTTP/1.1");
    answer->status = (int)status;
    return true;
}

struct framing {
    bool has_length;
    bool chunked;
    uint64_t length;
};

static bool read_field(struct answer *answer, struct span line, struct framing *framing)
{
    size_t colon = span_find(line, ':');
    struct span name = span_of(line.ptr, colon);
    struct span value = span_trim(span_from(line, colon + 1));
    if (colon == line.len || !is_token(name) || !is_text(value))
        return bad(answer, "a field of its head is malformed");
    if (span_is_nocase(name, SPAN_OF("content-length"))) {
        if (framing->has_length)
            return bad(answer, "it has two lengths");
        if (!span_to_u64(value, INT64_MAX, &framing->length))
            return bad(answer, "its length is not a number");
        framing->has_length = true;
    } else if (span_is_nocase(name, SPAN_OF("transfer-encoding"))) {
        if (framing->chunked || !span_is_nocase(value, SPAN_OF("chunked")))
            return bad(answer, "its transfer coding is not known");
        framing->chunked = true;
    }
    return true;
}

static bool start_body(struct answer *answer, const struct framing *framing)
{
    if (framing->has_length && framing->chunked)
        return bad(answer, "it has a length and chunks");
    if (answer->status == 204 || answer->status == 304)
        return done(answer);
    if (framing->chunked) {
        answer->part = PART_SIZE;
        return true;
    }
    if (!framing->has_length)
        return bad(answer, "it has neither a length nor chunks");
    if (framing->length > ANSWER_BODY_MAX)
        return bad(answer, "its body is larger than 16 MiB");
    if (framing->length == 0)
        return done(answer);
    answer->left = framing->length;
    answer->part = PART_BODY;
    return true;
}

static bool read_head(struct answer *answer)
{
    struct span rest = span_of(answer->line, answer->line_len);
    struct span line;
    struct framing framing = {.has_length = false};
    answer->line_len = 0;
    if (!take_line(&rest, &line) || !read_status(answer, line))
        return false;
    while (take_line(&rest, &line) && line.len > 0)
        if (!read_field(answer, line, &framing))
            return false;
    if (answer->status >= 200)
        return start_body(answer, &framing);
    /* Informational: another head follows (RFC 9110 15.2); 101 was never asked for. */
    return answer->status == 101 ? bad(answer, "it changes the protocol") : true;
}

/* --- lines: the head as one, and those around chunks -------------------------------------------
 */

/* Collects bytes up to `end`; answers how many were used, and `whole` when it is there. */
static size_t collect(struct answer *answer, struct span bytes, struct span end, size_t most,
                      bool *whole)
{
    size_t used = 0;
    *whole = false;
    if (answer->line == NULL)
        answer->line = alloc_zeroed(ANSWER_HEAD_MAX);
    while (used < bytes.len && !*whole) {
        if (answer->line_len == most) {
            bad(answer, "its head or a line of it is too long");
            return used;
        }
        answer->line[answer->line_len++] = bytes.ptr[used++];
        if (answer->line_len >= end.len)
            *whole = memcmp(answer->line + answer->line_len - end.len, end.ptr, end.len) == 0;
    }
    return used;
}

/* chunk-size without extensions: the gateway sends none. */
static bool read_size(struct answer *answer)
{
    size_t len = answer->line_len - 2;
    uint64_t size = 0;
    if (len == 0 || len > 8)
        return bad(answer, "a chunk's size is malformed");
    for (size_t i = 0; i < len; ++i) {
        char c = answer->line[i];
        char low = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            size = size * 16 + (uint64_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            size = size * 16 + (uint64_t)(low - 'a' + 10);
        else
            return bad(answer, "a chunk's size is malformed");
    }
    if (size > ANSWER_BODY_MAX - answer->body_len)
        return bad(answer, "its body is larger than 16 MiB");
    answer->left = size;
    answer->part = size == 0 ? PART_TRAILER : PART_CHUNK;
    return true;
}

static bool read_line(struct answer *answer)
{
    size_t len = answer->line_len;
    struct framing none = {.has_length = true, .chunked = true};
    bool read = true;
    if (answer->part == PART_SIZE)
        read = read_size(answer);
    else if (answer->part == PART_TRAILER && len == 2)
        read = done(answer);
    else if (answer->part == PART_TRAILER) /* framing has no place in trailers (RFC 9110 6.5.1) */
        read = read_field(answer, span_of(answer->line, len - 2), &none);
    else if (len == 2)
        answer->part = PART_SIZE;
    else
        read = bad(answer, "a chunk is longer than its size");
    answer->line_len = 0;
    return read;
}

/* --- bytes -------------------------------------------------------------------------------------
 */

static size_t take_body(struct answer *answer, struct span bytes)
{
    size_t count = bytes.len < answer->left ? bytes.len : (size_t)answer->left;
    if (answer->body_room - answer->body_len < count + 1) {
        answer->body_room = (answer->body_len + count + 1) * 2;
        answer->body = alloc_grow(answer->body, answer->body_room, 1);
    }
    memcpy(answer->body + answer->body_len, bytes.ptr, count);
    answer->body_len += count;
    answer->left -= count;
    if (answer->left == 0 && answer->part == PART_BODY)
        done(answer);
    else if (answer->left == 0)
        answer->part = PART_CHUNK_END;
    return count;
}

static size_t take_line_bytes(struct answer *answer, struct span bytes)
{
    bool is_head = answer->part == PART_HEAD;
    bool whole;
    size_t used = collect(answer, bytes, is_head ? SPAN_OF("\r\n\r\n") : SPAN_OF("\r\n"),
                          is_head ? ANSWER_HEAD_MAX : ANSWER_LINE_MAX, &whole);
    if (whole && is_head)
        read_head(answer);
    else if (whole)
        read_line(answer);
    return used;
}

enum answer_state answer_feed(struct answer *answer, struct span bytes)
{
    while (bytes.len > 0 && answer->state == ANSWER_MORE) {
        bool in_body = answer->part == PART_BODY || answer->part == PART_CHUNK;
        size_t used = in_body ? take_body(answer, bytes) : take_line_bytes(answer, bytes);
        bytes = span_from(bytes, used);
    }
    if (bytes.len > 0 && answer->state == ANSWER_WHOLE)
        bad(answer, "there is more behind its end");
    return answer->state;
}

enum answer_state answer_end(struct answer *answer)
{
    if (answer->state == ANSWER_MORE)
        bad(answer, answer->part == PART_HEAD && answer->line_len == 0
                        ? "the connection ended without an answer"
                        : "it broke off");
    return answer->state;
}
