#include "exchange/heads.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "callers/reply.h"

/* What http/ lets in at most (64 KiB, 100 fields by default, more by option) and what is added. */
enum { HEADS_BYTES_MAX = 131072, HEADS_FIELDS_MAX = 256, PATH_MAX_BYTES = 20480 };

static bool is_in(struct span name, const struct span *names, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        if (span_is(name, names[i]))
            return true;
    return false;
}

#define IS_IN(name, table) is_in((name), (table), sizeof(table) / sizeof((table)[0]))

/* Connection-specific (RFC 9110 7.6.1): http/ drops them already, and what must never pass is
 * refused twice. */
static const struct span hop_by_hop[] = {
    SPAN_OF("connection"),          SPAN_OF("keep-alive"),
    SPAN_OF("proxy-connection"),    SPAN_OF("proxy-authenticate"),
    SPAN_OF("proxy-authorization"), SPAN_OF("te"),
    SPAN_OF("transfer-encoding"),   SPAN_OF("upgrade"),
    SPAN_OF("http2-settings"),
};

static bool is_ours(struct span name)
{
    return span_starts(name, SPAN_OF("agent-"));
}

static bool add_text(struct head *head, struct span name, const char *text)
{
    return head_add(head, name, span_text(text));
}

static bool add_u64(struct head *head, struct span name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    return add_text(head, name, text);
}

static bool add_copy(struct head *head, const struct field *field)
{
    if (!head_add(head, field->name, field->value))
        return false;
    head->fields[head->field_count - 1].sensitive = field->sensitive;
    return true;
}

/* --- reading the caller's head --------------------------------------------------------------- */

static bool scheme_of(const struct field *field, struct span scheme, struct span *rest)
{
    if (field == NULL || field->value.len <= scheme.len ||
        !span_is_nocase(span_of(field->value.ptr, scheme.len), scheme))
        return false;
    *rest = span_trim(span_from(field->value, scheme.len));
    return rest->len > 0;
}

/* With Agent-Key the agent gets `Authorization`, unless that too is a credential of ours. */
static enum fault credential_of_key(const struct field *key, const struct field *authorization,
                                    struct credential *out)
{
    struct span bearer, token;
    out->key = span_trim(key->value);
    bool has_bearer = scheme_of(authorization, SPAN_OF("bearer "), &bearer);
    bool has_token = scheme_of(authorization, SPAN_OF("agent "), &token);
    if ((has_token && span_starts(token, SPAN_OF("tgt1."))) ||
        (has_bearer && span_starts(bearer, SPAN_OF("tgt1."))))
        return FAULT_BAD_REQUEST;
    out->drops_authorization = has_bearer && span_starts(bearer, SPAN_OF("tgk_"));
    if (out->drops_authorization && !span_is_secret(bearer, out->key))
        return FAULT_BAD_REQUEST;
    return FAULT_NONE;
}

enum fault heads_credential(const struct head *request, struct credential *out)
{
    const struct span authorization = SPAN_OF("authorization");
    const struct span agent_key = SPAN_OF("agent-key");
    *out = (struct credential){.key = SPAN_NONE};
    if (head_count(request, authorization) > 1 || head_count(request, agent_key) > 1)
        return FAULT_BAD_REQUEST;
    const struct field *key = head_find(request, agent_key);
    const struct field *field = head_find(request, authorization);
    if (key != NULL)
        return credential_of_key(key, field, out);
    out->drops_authorization = true;
    out->is_token = scheme_of(field, SPAN_OF("agent "), &out->key);
    if (!out->is_token)
        (void)scheme_of(field, SPAN_OF("bearer "), &out->key);
    return FAULT_NONE;
}

/* A whole number of at most 15 digits (RFC 9651 3.3.1). */
static enum fault read_budget(const struct head *request, struct span name, uint64_t *out)
{
    const uint64_t integer_max = UINT64_C(999999999999999);
    const struct field *field = head_find(request, name);
    if (field == NULL)
        return FAULT_NONE;
    if (head_count(request, name) > 1 || field->value.len > 64 ||
        !span_to_u64(span_trim(field->value), integer_max, out))
        return FAULT_BAD_BUDGET;
    return FAULT_NONE;
}

enum fault heads_max_cost(const struct head *request, uint64_t *out)
{
    return read_budget(request, SPAN_OF("agent-max-cost"), out);
}

enum fault heads_sub_budget(const struct head *request, uint64_t *out, bool *given)
{
    const struct span name = SPAN_OF("agent-sub-budget");
    *given = head_find(request, name) != NULL;
    return read_budget(request, name, out);
}

bool heads_is_preflight(const struct head *request)
{
    return span_is(request->method, SPAN_OF("OPTIONS")) &&
           head_find(request, SPAN_OF("origin")) != NULL &&
           head_find(request, SPAN_OF("access-control-request-method")) != NULL;
}

bool heads_is_service_worker(const struct head *request)
{
    const struct field *field = head_find(request, SPAN_OF("service-worker"));
    return field != NULL && span_is_nocase(span_trim(field->value), SPAN_OF("script"));
}

static bool is_media_type(const struct head *head, struct span type)
{
    const struct field *field = head_find(head, SPAN_OF("content-type"));
    if (field == NULL)
        return false;
    struct span value = span_trim(span_of(field->value.ptr, span_find(field->value, ';')));
    return span_is_nocase(value, type);
}

bool heads_is_event_stream(const struct head *answer)
{
    return is_media_type(answer, SPAN_OF("text/event-stream"));
}

/* --- the request ------------------------------------------------------------------------------ */

struct path {
    char text[PATH_MAX_BYTES];
    size_t len;
};

static bool path_add(struct path *path, struct span more)
{
    if (more.len > sizeof(path->text) - path->len)
        return false;
    if (more.len > 0)
        memcpy(path->text + path->len, more.ptr, more.len);
    path->len += more.len;
    return true;
}

static bool path_fill(struct path *path, const struct worker_request *from)
{
    static const struct span cid = SPAN_OF("{cid}");
    static const struct span rest = SPAN_OF("{rest}");
    struct span left = span_text(from->path_template);
    bool fits = true;
    while (left.len > 0 && fits) {
        size_t step = 1;
        if (span_starts(left, cid)) {
            step = cid.len;
            fits = path_add(path, span_text(from->cid));
        } else if (span_starts(left, rest)) {
            step = rest.len;
            fits = path_add(path, from->target->rest);
        } else {
            fits = path_add(path, span_of(left.ptr, 1));
        }
        left = span_from(left, step);
    }
    if (fits && from->target->has_query)
        fits = path_add(path, SPAN_OF("?")) && path_add(path, from->target->query);
    return fits;
}

/* CGI and its heirs read `_` as `-`: what must not come from a caller must not come by that either.
 */
static struct span as_cgi_reads(struct span name, char *text, size_t size)
{
    if (name.len > size || memchr(name.ptr, '_', name.len) == NULL)
        return name;
    for (size_t i = 0; i < name.len; ++i)
        text[i] = name.ptr[i] == '_' ? '-' : name.ptr[i];
    return span_of(text, name.len);
}

/* Fields of callers that go no further. The path form is one origin for all agents, so cookies
 * (one agent's, readable by all) stay out. `proxy` is CGI's HTTP_PROXY (CVE-2016-5385). */
static bool is_for_worker(struct span name, bool drops_authorization)
{
    static const struct span never[] = {
        SPAN_OF("host"),      SPAN_OF("expect"), SPAN_OF("content-length"), SPAN_OF("forwarded"),
        SPAN_OF("x-real-ip"), SPAN_OF("cookie"), SPAN_OF("service-worker"), SPAN_OF("proxy"),
    };
    char text[256]; /* a longer name begins with all that is looked at here */
    name = as_cgi_reads(span_of(name.ptr, name.len < sizeof(text) ? name.len : sizeof(text)), text,
                        sizeof(text));
    if (is_ours(name) || span_starts(name, SPAN_OF("x-forwarded-")) ||
        span_starts(name, SPAN_OF("proxy-")))
        return false;
    if (drops_authorization && span_is(name, SPAN_OF("authorization")))
        return false;
    return !IS_IN(name, never) && !IS_IN(name, hop_by_hop);
}

static bool copy_for_worker(struct head *head, const struct worker_request *from)
{
    for (uint32_t i = 0; i < from->caller->field_count; ++i) {
        const struct field *field = &from->caller->fields[i];
        if (!is_for_worker(field->name, from->drops_authorization))
            continue;
        if (!add_copy(head, field))
            return false;
        if (span_is(field->name, SPAN_OF("authorization")))
            head->fields[head->field_count - 1].sensitive = true;
    }
    return true;
}

/* RFC 7239 4, 6: an IPv6 address stands in brackets and quotes. */
static bool add_forwarded(struct head *head, const struct worker_request *from)
{
    char text[192];
    const char *proto = from->secure ? "https" : "http";
    struct span peer = span_text(from->peer);
    if (peer.len == 0 || peer.len > 100 || span_starts(peer, SPAN_OF("unix:")))
        snprintf(text, sizeof(text), "for=unknown;proto=%s", proto);
    else if (peer.ptr[0] == '[')
        snprintf(text, sizeof(text), "for=\"%s\";proto=%s", from->peer, proto);
    else if (span_find(peer, ':') < peer.len)
        snprintf(text, sizeof(text), "for=\"[%s]\";proto=%s", from->peer, proto);
    else
        snprintf(text, sizeof(text), "for=%s;proto=%s", from->peer, proto);
    return add_text(head, SPAN_OF("forwarded"), text);
}

static bool add_for_worker(struct head *head, const struct worker_request *from)
{
    return add_text(head, SPAN_OF("agent-invocation-id"), from->invocation) &&
           (from->agent_caller == NULL || from->agent_caller[0] == '\0' ||
            add_text(head, SPAN_OF("agent-caller"), from->agent_caller)) &&
           (from->left_ms == 0 || add_u64(head, SPAN_OF("agent-deadline"), from->left_ms)) &&
           add_forwarded(head, from) &&
           (from->length < 0 || add_u64(head, SPAN_OF("content-length"), (uint64_t)from->length)) &&
           add_text(head, SPAN_OF("te"), "trailers");
}

struct head *heads_for_worker(const struct worker_request *from)
{
    struct path path = {.len = 0};
    struct head *head = head_new(HEADS_BYTES_MAX, HEADS_FIELDS_MAX);
    bool fits = path_fill(&path, from) &&
                head_set_text(head, &head->method, from->caller->method) &&
                head_set_text(head, &head->path, span_of(path.text, path.len)) &&
                copy_for_worker(head, from) && add_for_worker(head, from);
    if (!fits) {
        head_free(head);
        return NULL;
    }
    return head;
}

bool heads_add_token(struct head *request, struct span token)
{
    if (!head_add(request, SPAN_OF("agent-invocation-token"), token))
        return false;
    request->fields[request->field_count - 1].sensitive = true;
    return true;
}

struct head *heads_request_trailers(const struct head *caller)
{
    if (caller == NULL || caller->field_count == 0)
        return NULL;
    struct head *head = head_new(HEADS_BYTES_MAX, HEADS_FIELDS_MAX);
    for (uint32_t i = 0; i < caller->field_count; ++i) {
        const struct field *field = &caller->fields[i];
        /* Trailers that do not fit are left out (RFC 9110 6.5.1: they may be discarded). */
        if (is_for_worker(field->name, true) && !add_copy(head, field))
            break;
    }
    return head;
}

/* --- the answer ------------------------------------------------------------------------------- */

/* What an agent would say for the whole origin, and so for all agents of the path form: cookies,
 * and where browsers go, report or keep its data. */
static bool is_for_caller(struct span name, bool cors)
{
    static const struct span of_the_origin[] = {
        SPAN_OF("set-cookie"),
        SPAN_OF("alt-svc"),
        SPAN_OF("clear-site-data"),
        SPAN_OF("nel"),
        SPAN_OF("report-to"),
        SPAN_OF("reporting-endpoints"),
        SPAN_OF("service-worker-allowed"),
        SPAN_OF("strict-transport-security"),
    };
    if (is_ours(name) || IS_IN(name, of_the_origin))
        return false;
    if (span_starts(name, SPAN_OF("ratelimit")))
        return false;
    if (cors && span_starts(name, SPAN_OF("access-control-")))
        return false;
    return !IS_IN(name, hop_by_hop);
}

static bool copy_for_caller(struct head *head, const struct head *worker, bool cors)
{
    for (uint32_t i = 0; worker != NULL && i < worker->field_count; ++i)
        if (is_for_caller(worker->fields[i].name, cors) && !add_copy(head, &worker->fields[i]))
            return false;
    return true;
}

/* Whether a browser may make a document with scripts of it: HTML, and every XML (XHTML in it runs).
 * Several types, or none, leave the choice to the browser (Fetch standard, "extract a MIME type":
 * the last one of a list counts). */
static bool may_be_page(const struct head *head)
{
    const struct span name = SPAN_OF("content-type");
    if (head_count(head, name) != 1)
        return true;
    struct span value = head_find(head, name)->value;
    struct span type = span_trim(span_of(value.ptr, span_find(value, ';')));
    return span_find(value, ',') < value.len || span_find(type, '/') == type.len ||
           span_is_nocase(type, SPAN_OF("text/html")) ||
           (type.len >= 3 && span_is_nocase(span_from(type, type.len - 3), SPAN_OF("xml")));
}

/* Pages of all agents share the origin of the path form: a sandbox keeps them apart (DESIGN 8). */
static bool add_sandbox(struct head *head)
{
    return !may_be_page(head) || head_add(head, SPAN_OF("content-security-policy"),
                                          SPAN_OF("sandbox allow-scripts allow-forms"));
}

static bool add_policies(struct head *head, bool cors)
{
    if (head_find(head, SPAN_OF("cache-control")) == NULL &&
        !add_text(head, SPAN_OF("cache-control"), "private, no-store"))
        return false;
    head_drop(head, SPAN_OF("x-content-type-options"));
    return add_text(head, SPAN_OF("x-content-type-options"), "nosniff") && add_sandbox(head) &&
           (!cors || reply_add_cors(head));
}

bool heads_add_limits(struct head *head, const struct meter_facts *facts)
{
    char policy[192] = "";
    char now[128] = "";
    int policy_len = 0;
    int now_len = 0;
    if (facts->rate_limit > 0) {
        policy_len = snprintf(policy, sizeof(policy), "\"rate\";q=%" PRIu64 ";w=%" PRIu64,
                              facts->rate_limit, facts->rate_window_s);
        now_len = snprintf(now, sizeof(now), "\"rate\";r=%" PRIu64, facts->rate_remaining);
    }
    if (facts->concurrency_limit > 0) {
        uint64_t left = facts->concurrency_live < facts->concurrency_limit
                            ? facts->concurrency_limit - facts->concurrency_live
                            : 0;
        snprintf(policy + policy_len, sizeof(policy) - (size_t)policy_len,
                 "%s\"concurrency\";q=%" PRIu64 ";qu=\"concurrent-requests\"",
                 policy_len > 0 ? ", " : "", facts->concurrency_limit);
        snprintf(now + now_len, sizeof(now) - (size_t)now_len, "%s\"concurrency\";r=%" PRIu64,
                 now_len > 0 ? ", " : "", left);
    }
    if (policy[0] == '\0')
        return true;
    return add_text(head, SPAN_OF("ratelimit-policy"), policy) &&
           add_text(head, SPAN_OF("ratelimit"), now);
}

static bool add_usage(struct head *head, const struct ending *ending)
{
    char text[192 + PRICE_UNITS_MAX * (PRICE_UNIT_NAME_MAX + 24)];
    int len = snprintf(text, sizeof(text), "ms=%" PRIu64 ", in=%" PRIu64 ", out=%" PRIu64,
                       ending->usage->ms, ending->usage->bytes_in, ending->usage->bytes_out);
    for (uint32_t i = 0; i < ending->price->unit_count; ++i)
        len += snprintf(text + len, sizeof(text) - (size_t)len, ", %s=%" PRIu64,
                        ending->price->units[i].name, ending->usage->units[i]);
    return add_text(head, SPAN_OF("agent-usage"), text);
}

bool heads_add_ending(struct head *head, const struct ending *ending)
{
    char cost[48];
    snprintf(cost, sizeof(cost), "%" PRIu64 "%s", ending->cost_ucr,
             ending->pending ? ";status=pending" : "");
    return (!ending->priced || add_text(head, SPAN_OF("agent-cost"), cost)) &&
           add_usage(head, ending) && add_text(head, SPAN_OF("agent-outcome"), ending->outcome) &&
           (ending->receipt == NULL || add_text(head, SPAN_OF("agent-receipt"), ending->receipt));
}

struct head *heads_for_caller(const struct caller_answer *from)
{
    struct head *head = head_new(HEADS_BYTES_MAX, HEADS_FIELDS_MAX);
    head->status = from->worker->status;
    bool fits = copy_for_caller(head, from->worker, from->cors) && add_policies(head, from->cors) &&
                add_text(head, SPAN_OF("agent-invocation-id"), from->invocation) &&
                add_text(head, SPAN_OF("agent-worker"), from->worker_id);
    if (fits && from->measurement[0] != '\0')
        fits = add_text(head, SPAN_OF("agent-measurement"), from->measurement);
    if (fits && from->facts != NULL)
        fits = add_u64(head, SPAN_OF("agent-cost-ceiling"), from->ceiling_ucr) &&
               heads_add_limits(head, from->facts);
    if (fits && from->ending != NULL)
        fits = heads_add_ending(head, from->ending);
    if (!fits) {
        head_free(head);
        return NULL;
    }
    return head;
}

struct head *heads_answer_trailers(const struct head *worker)
{
    struct head *head = head_new(HEADS_BYTES_MAX, HEADS_FIELDS_MAX);
    if (copy_for_caller(head, worker, true))
        return head;
    head_free(head); /* trailers may be discarded (RFC 9110 6.5.1) */
    return head_new(HEADS_BYTES_MAX, HEADS_FIELDS_MAX);
}
