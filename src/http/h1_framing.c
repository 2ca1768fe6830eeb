#include "http/h1_framing.h"

#include "http/field.h"

enum coding { CODING_NONE, CODING_CHUNKED, CODING_BAD };

/* Exactly `chunked`, once, in HTTP/1.1, without a length beside it (RFC 9112 6.1): everything else
 * is how smuggling begins. */
static enum coding find_coding(const struct head *head, int minor)
{
    unsigned found = head_count(head, SPAN_OF("transfer-encoding"));
    if (found == 0)
        return CODING_NONE;
    const struct field *field = head_find(head, SPAN_OF("transfer-encoding"));
    bool good = found == 1 && minor == 1 && span_is_nocase(field->value, SPAN_OF("chunked")) &&
                head_count(head, SPAN_OF("content-length")) == 0;
    return good ? CODING_CHUNKED : CODING_BAD;
}

static bool may_keep(const struct head *head, int minor)
{
    for (uint32_t i = 0; i < head->field_count; ++i)
        if (span_is(head->fields[i].name, SPAN_OF("connection")) &&
            field_list_has(head->fields[i].value, SPAN_OF("close")))
            return false;
    return minor == 1;
}

/* absolute-form, RFC 9112 3.2.2: scheme://authority/path. */
static bool split_absolute(struct head *head)
{
    struct span target = head->path;
    size_t colon = span_find(target, ':');
    struct span rest = span_from(target, colon + 3);
    if (colon == target.len || !span_starts(span_from(target, colon), SPAN_OF("://")))
        return false;
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        ++end;
    head->scheme = span_of(target.ptr, colon);
    head->authority = span_of(rest.ptr, end);
    struct span path = span_from(rest, end);
    if (path.len == 0) {
        head->path = span_is(head->method, SPAN_OF("OPTIONS")) ? SPAN_OF("*") : SPAN_OF("/");
    } else if (path.ptr[0] == '/') {
        head->path = path;
    } else {
        char *whole = arena_take(&head->arena, path.len + 2);
        must(whole != NULL);
        whole[0] = '/';
        memcpy(whole + 1, path.ptr, path.len);
        head->path = span_of(whole, path.len + 1);
    }
    return true;
}

static int refuse(struct head_facts *facts, int status, const char *why)
{
    facts->why = why;
    return status;
}

/* With a body before it nobody can tell where the tunnel begins (CVE-2026-58055). The offer of
 * another protocol, such as h2c, is not one: it may be ignored (RFC 9110 7.8). */
static bool asks_for_tunnel(const struct head *head)
{
    if (span_is(head->method, SPAN_OF("CONNECT")))
        return true;
    for (uint32_t i = 0; i < head->field_count; ++i)
        if (span_is(head->fields[i].name, SPAN_OF("upgrade")) &&
            field_list_has(head->fields[i].value, SPAN_OF("websocket")))
            return true;
    return false;
}

int h1_frame_request(struct head *head, int minor, bool is_tls, struct h1_framing *framing,
                     struct head_facts *facts)
{
    *framing = (struct h1_framing){.keeps = may_keep(head, minor)};
    enum coding coding = find_coding(head, minor);
    unsigned hosts = head_count(head, SPAN_OF("host"));
    if (coding == CODING_BAD)
        return refuse(facts, 400, "no valid transfer-encoding, or one with a length");
    if (hosts > 1 || (hosts == 0 && minor == 1))
        return refuse(facts, 400, "not exactly one host");
    bool is_framed = coding != CODING_NONE || head_count(head, SPAN_OF("content-length")) > 0;
    if (is_framed && asks_for_tunnel(head))
        return refuse(facts, 400, "a body and the wish to tunnel");
    head->scheme = is_tls ? SPAN_OF("https") : SPAN_OF("http");
    bool is_connect = span_is(head->method, SPAN_OF("CONNECT"));
    if (!is_connect && head->path.ptr[0] != '/' && !span_is(head->path, SPAN_OF("*")) &&
        !split_absolute(head))
        return refuse(facts, 400, "no valid target");
    int status = head_check_request(head, minor == 1, facts);
    if (status != 0)
        return status;
    if (coding == CODING_CHUNKED) {
        framing->kind = H1_BODY_CHUNKED;
    } else if (facts->length > 0) {
        framing->kind = H1_BODY_LENGTH;
        framing->length = (uint64_t)facts->length;
    }
    /* RFC 9110 10.1.1: from HTTP/1.0, and without a body, it means nothing. */
    if (minor == 0 || framing->kind == H1_BODY_NONE)
        facts->expects_continue = false;
    return 0;
}

bool h1_frame_answer(struct head *head, int minor, bool asked_head, struct h1_framing *framing,
                     struct head_facts *facts)
{
    *framing = (struct h1_framing){.keeps = may_keep(head, minor)};
    enum coding coding = find_coding(head, minor);
    if (coding == CODING_BAD || !head_check_answer(head, facts))
        return false;
    bool never = head->status < 200 || head->status == 204;
    if (never && (coding != CODING_NONE || facts->length > 0))
        return false;
    if (never || asked_head || head->status == 304) {
        facts->length = 0;
    } else if (coding == CODING_CHUNKED) {
        framing->kind = H1_BODY_CHUNKED;
    } else if (facts->length > 0) {
        framing->kind = H1_BODY_LENGTH;
        framing->length = (uint64_t)facts->length;
    } else if (facts->length < 0) {
        framing->kind = H1_BODY_UNTIL_CLOSE;
        framing->keeps = false;
    }
    return true;
}
