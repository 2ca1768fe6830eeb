#include <stdio.h>
#include <string.h>

#include "gateway/admin_core.h"

enum { SHOWN_MAX = 200 };

struct route {
    const char *method;
    const char *path; /* "*" stands for one part, whatever it is */
    void (*serve)(struct admin_request *request);
};

static const struct route routes[] = {
    {"GET", "/healthz", admin_show_health},
    {"GET", "/readyz", admin_show_ready},
    {"GET", "/metrics", admin_show_metrics},
    {"POST", "/store/accept", admin_accept_store},
    {"GET", "/workers", admin_show_workers},
    {"GET", "/workers/*/evidence", admin_show_evidence},
    {"GET", "/exchanges", admin_show_exchanges},
    {"GET", "/receipts/keys", admin_list_receipt_keys},
    {"POST", "/receipts/rotate", admin_rotate_receipt_key},
    {"POST", "/accounts", admin_create_account},
    {"GET", "/accounts", admin_list_accounts},
    {"GET", "/accounts/*", admin_show_account},
    {"PATCH", "/accounts/*", admin_change_account},
    {"POST", "/accounts/*/credit", admin_credit_account},
    {"POST", "/accounts/*/keys", admin_mint_key},
    {"GET", "/accounts/*/keys", admin_list_keys},
    {"DELETE", "/accounts/*/keys/*", admin_revoke_key},
    {"GET", "/accounts/*/spend", admin_show_spend},
    {"GET", "/accounts/*/holds", admin_show_holds},
};

enum { ROUTE_COUNT = sizeof(routes) / sizeof(routes[0]) };

/* --- paths -------------------------------------------------------------------------------------
 */

/* Takes "/part" from the front of `path`; the part. */
static struct span next_part(struct span *path)
{
    struct span rest = span_from(*path, 1);
    struct span part = span_of(rest.ptr, span_find(rest, '/'));
    *path = span_from(rest, part.len);
    return part;
}

static bool matches(const char *pattern, struct span path, struct span *words)
{
    struct span wanted = span_text(pattern);
    unsigned count = 0;
    while (wanted.len > 0 && path.len > 0) {
        struct span want = next_part(&wanted);
        struct span part = next_part(&path);
        if (span_is(want, SPAN_OF("*")) && part.len > 0) {
            must(count < ADMIN_WORDS_MAX);
            words[count++] = part;
        } else if (!span_is(want, part)) {
            return false;
        }
    }
    return wanted.len == 0 && path.len == 0;
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 2.1. False when it is malformed, has a NUL or is too long. */
static bool decode(struct span from, char out[ADMIN_WORD_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < from.len; ++i) {
        int c = (unsigned char)from.ptr[i];
        if (c == '%') {
            int high = i + 1 < from.len ? hex_of(from.ptr[i + 1]) : -1;
            int low = i + 2 < from.len ? hex_of(from.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = high * 16 + low;
            i += 2;
        }
        if (c == 0 || len == ADMIN_WORD_MAX - 1)
            return false;
        out[len++] = (char)c;
    }
    out[len] = '\0';
    return true;
}

static bool decode_words(struct admin_request *request, const struct span *words)
{
    for (unsigned i = 0; i < ADMIN_WORDS_MAX; ++i)
        if (!decode(words[i], request->words[i]))
            return false;
    return true;
}

/* --- methods -----------------------------------------------------------------------------------
 */

/* HEAD is GET; the stream leaves the body out. */
static struct span method_of(const struct admin_request *request)
{
    struct span method = stream_head(request->stream)->method;
    return span_is(method, SPAN_OF("HEAD")) ? SPAN_OF("GET") : method;
}

bool admin_takes_body(const struct admin_request *request)
{
    struct span method = method_of(request);
    return !span_is(method, SPAN_OF("GET")) && !span_is(method, SPAN_OF("DELETE"));
}

static void allow(struct admin_request *request, const char *method)
{
    size_t used = strlen(request->allow);
    bool is_get = strcmp(method, "GET") == 0;
    snprintf(request->allow + used, sizeof(request->allow) - used, "%s%s%s", used > 0 ? ", " : "",
             method, is_get ? ", HEAD" : "");
}

static int shown(struct span text)
{
    return (int)(text.len < SHOWN_MAX ? text.len : SHOWN_MAX);
}

void admin_route(struct admin_request *request)
{
    struct span target = stream_head(request->stream)->path;
    struct span path = span_of(target.ptr, span_find(target, '?'));
    struct span method = method_of(request);
    request->query = span_from(target, path.len + 1);
    for (unsigned i = 0; i < ROUTE_COUNT; ++i) {
        struct span words[ADMIN_WORDS_MAX] = {SPAN_NONE, SPAN_NONE};
        if (!matches(routes[i].path, path, words))
            continue;
        if (!span_is(method, span_text(routes[i].method))) {
            allow(request, routes[i].method);
            continue;
        }
        request->allow[0] = '\0';
        if (decode_words(request, words))
            routes[i].serve(request);
        else
            admin_refuse(request, FAULT_BAD_REQUEST, "the path \"%.*s\" is not well encoded",
                         shown(path), path.ptr);
        return;
    }
    if (request->allow[0] != '\0')
        admin_refuse(request, FAULT_METHOD_NOT_ALLOWED, "found %.*s, expected one of: %s",
                     shown(method), method.ptr, request->allow);
    else
        admin_refuse(request, FAULT_NOT_FOUND,
                     "there is nothing at \"%.*s\"; there are /healthz, /readyz, /metrics, "
                     "/workers, /exchanges, /receipts and /accounts",
                     shown(path), path.ptr);
}

/* --- queries -----------------------------------------------------------------------------------
 */

static const struct admin_parameter *find(struct span name, const struct admin_parameter *list,
                                          unsigned count)
{
    for (unsigned i = 0; i < count; ++i)
        if (span_is(name, span_text(list[i].name)))
            return &list[i];
    return NULL;
}

static bool take_parameter(struct admin_request *request, struct span one,
                           const struct admin_parameter *list, unsigned count)
{
    struct span name = span_of(one.ptr, span_find(one, '='));
    struct span value = span_from(one, name.len + 1);
    const struct admin_parameter *parameter = find(name, list, count);
    if (parameter == NULL) {
        admin_refuse(request, FAULT_BAD_REQUEST, "the query has an unknown parameter \"%.*s\"",
                     shown(name), name.ptr);
        return false;
    }
    if (!span_to_u64(value, parameter->most, parameter->to)) {
        admin_refuse(request, FAULT_BAD_REQUEST,
                     "the parameter \"%s\" is \"%.*s\", expected a whole number up to %llu",
                     parameter->name, shown(value), value.ptr, (unsigned long long)parameter->most);
        return false;
    }
    return true;
}

bool admin_query(struct admin_request *request, const struct admin_parameter *list, unsigned count)
{
    for (struct span rest = request->query; rest.len > 0;) {
        struct span one = span_of(rest.ptr, span_find(rest, '&'));
        rest = span_from(rest, one.len + 1);
        if (!take_parameter(request, one, list, count))
            return false;
    }
    return true;
}
