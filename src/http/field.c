#include "http/field.h"

enum {
    TOKEN = 1,  /* tchar, RFC 9110 5.6.2 */
    VALUE = 2,  /* field-vchar, SP, HTAB; RFC 9110 5.5 */
    TARGET = 4, /* visible ASCII but "#" and "\" */
    HOST = 8,   /* unreserved, RFC 3986 2.3 */
    HEX = 16
};

/* What each byte is; test_field.c derives it again from the grammar. */
static const unsigned char classes[256] = {
    0,  0,  0,  0,  0,  0,  0,  0,  0,  2,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
    0,  0,  0,  0,  0,  0,  0,  0,  2,  7,  6,  3,  7,  7,  7,  7,  6,  6,  7,  7,  6,  15, 15, 6,
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 6,  6,  6,  6,  6,  6,  6,  31, 31, 31, 31, 31, 31, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 6,  2,  6,  7,  15,
    7,  31, 31, 31, 31, 31, 31, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15, 15, 15, 6,  7,  6,  15, 0,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,
    2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,
    2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,
    2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,
    2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,
    2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,
};

static unsigned char_class(char c)
{
    return classes[(unsigned char)c];
}

static bool all_are(struct span text, unsigned class)
{
    for (size_t i = 0; i < text.len; ++i)
        if ((char_class(text.ptr[i]) & class) == 0)
            return false;
    return true;
}

bool field_is_token(struct span text)
{
    return text.len > 0 && all_are(text, TOKEN);
}

bool field_is_name(struct span text)
{
    for (size_t i = 0; i < text.len; ++i)
        if (text.ptr[i] >= 'A' && text.ptr[i] <= 'Z')
            return false;
    return field_is_token(text);
}

bool field_is_value(struct span text)
{
    return all_are(text, VALUE) && span_trim(text).len == text.len;
}

static bool is_port(struct span text)
{
    uint64_t port;
    return text.len <= 5 && span_to_u64(text, 65535, &port);
}

static bool is_bracketed(struct span text, struct span *rest)
{
    size_t end = span_find(text, ']');
    if (end == text.len || end < 3)
        return false;
    *rest = span_from(text, end + 1);
    for (size_t i = 1; i < end; ++i)
        if (text.ptr[i] != ':' && text.ptr[i] != '.' && (char_class(text.ptr[i]) & HEX) == 0)
            return false;
    return span_find(text, ':') < end;
}

bool field_is_authority(struct span text)
{
    struct span rest;
    if (text.len == 0 || text.len > 512)
        return false;
    if (text.ptr[0] == '[') {
        if (!is_bracketed(text, &rest))
            return false;
    } else {
        size_t end = span_find(text, ':');
        if (end == 0 || !all_are(span_of(text.ptr, end), HOST))
            return false;
        rest = span_from(text, end);
    }
    return rest.len == 0 || (rest.ptr[0] == ':' && is_port(span_from(rest, 1)));
}

bool field_is_target(struct span text)
{
    return text.len > 0 && all_are(text, TARGET);
}

bool field_is_length(struct span text, int64_t *out)
{
    uint64_t value;
    if ((text.len > 1 && text.ptr[0] == '0') || !span_to_u64(text, UINT64_C(1) << 62, &value))
        return false;
    *out = (int64_t)value;
    return true;
}

static bool is_one_of(struct span name, const char *const *names)
{
    for (; *names != NULL; ++names)
        if (span_is(name, span_text(*names)))
            return true;
    return false;
}

bool field_is_hop(struct span name)
{
    static const char *const names[] = {
        "connection",        "keep-alive", "proxy-connection", "te",
        "transfer-encoding", "upgrade",    "http2-settings",   NULL};
    return is_one_of(name, names);
}

bool field_is_barred_from_trailers(struct span name)
{
    static const char *const names[] = {"age",
                                        "authorization",
                                        "cache-control",
                                        "content-encoding",
                                        "content-length",
                                        "content-location",
                                        "content-range",
                                        "content-type",
                                        "cookie",
                                        "date",
                                        "expect",
                                        "expires",
                                        "forwarded",
                                        "host",
                                        "if-match",
                                        "if-modified-since",
                                        "if-none-match",
                                        "if-range",
                                        "if-unmodified-since",
                                        "location",
                                        "max-forwards",
                                        "pragma",
                                        "proxy-authenticate",
                                        "proxy-authorization",
                                        "range",
                                        "retry-after",
                                        "set-cookie",
                                        "trailer",
                                        "vary",
                                        "warning",
                                        "www-authenticate",
                                        NULL};
    return field_is_hop(name) || is_one_of(name, names);
}

bool field_list_next(struct span *list, struct span *member)
{
    while (list->len > 0) {
        size_t comma = span_find(*list, ',');
        *member = span_trim(span_of(list->ptr, comma));
        *list = span_from(*list, comma + 1);
        if (member->len > 0)
            return true;
    }
    return false;
}

bool field_list_has(struct span list, struct span token)
{
    struct span member;
    while (field_list_next(&list, &member)) {
        member.len = span_find(member, ';');
        if (span_is_nocase(span_trim(member), token))
            return true;
    }
    return false;
}
