#include "http/head_check.h"

#include "http/field.h"

static int refuse(struct head_facts *facts, int status, const char *why)
{
    facts->why = why;
    return status;
}

/* Several lengths are refused even when they agree: readers differ on them (RFC 9112 6.3). */
static bool check_length(const struct head *head, struct head_facts *facts)
{
    unsigned found = head_count(head, SPAN_OF("content-length"));
    facts->length = -1;
    if (found == 0)
        return true;
    const struct field *field = head_find(head, SPAN_OF("content-length"));
    return found == 1 && field_is_length(field->value, &facts->length);
}

static bool is_host_agreed(struct head *head, bool needs_host)
{
    unsigned hosts = head_count(head, SPAN_OF("host"));
    if (hosts > 1)
        return false;
    if (hosts == 1) {
        struct span host = head_find(head, SPAN_OF("host"))->value;
        if (head->authority.ptr != NULL && !span_is_nocase(host, head->authority))
            return false;
        /* The field stays in the arena as long as the head does. */
        head->authority = host;
    }
    head_drop(head, SPAN_OF("host"));
    if (head->authority.ptr == NULL)
        return !needs_host;
    return field_is_authority(head->authority);
}

static bool is_path_good(const struct head *head)
{
    if (!field_is_target(head->path))
        return false;
    if (head->path.ptr[0] == '/')
        return true;
    return span_is(head->path, SPAN_OF("*")) && span_is(head->method, SPAN_OF("OPTIONS"));
}

static void join_cookies(struct head *head)
{
    if (head_count(head, SPAN_OF("cookie")) < 2)
        return;
    size_t bytes = 0;
    for (uint32_t i = 0; i < head->field_count; ++i)
        if (span_is(head->fields[i].name, SPAN_OF("cookie")))
            bytes += head->fields[i].value.len + 2;
    char *joined = arena_take(&head->arena, bytes);
    must(joined != NULL);
    size_t at = 0;
    struct field *first = NULL;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < head->field_count; ++i) {
        struct field one = head->fields[i];
        if (!span_is(one.name, SPAN_OF("cookie"))) {
            head->fields[kept++] = one;
            continue;
        }
        /* An empty crumb says nothing, and would leave a blank at the end. */
        if (at > 0 && one.value.len > 0) {
            memcpy(joined + at, "; ", 2);
            at += 2;
        }
        if (one.value.len > 0)
            memcpy(joined + at, one.value.ptr, one.value.len);
        at += one.value.len;
        if (first == NULL) {
            first = &head->fields[kept++];
            *first = one;
        }
        first->sensitive |= one.sensitive;
    }
    first->value = span_of(joined, at);
    head->field_count = kept;
}

static int check_expect(struct head *head, struct head_facts *facts)
{
    const struct field *expect = head_find(head, SPAN_OF("expect"));
    if (expect == NULL)
        return 0;
    if (head_count(head, SPAN_OF("expect")) > 1 ||
        !span_is_nocase(expect->value, SPAN_OF("100-continue")))
        return refuse(facts, 417, "an expectation other than 100-continue");
    facts->expects_continue = true;
    head_drop(head, SPAN_OF("expect"));
    return 0;
}

void head_drop_hops(struct head *head)
{
    for (uint32_t i = 0; i < head->field_count; ++i) {
        if (!span_is(head->fields[i].name, SPAN_OF("connection")))
            continue;
        struct span list = head->fields[i].value;
        struct span option;
        while (field_list_next(&list, &option))
            for (uint32_t k = 0; k < head->field_count; ++k) {
                struct field *named = &head->fields[k];
                /* Naming framing or routing does not take it from us. */
                if (span_is_nocase(named->name, option) &&
                    !span_is(named->name, SPAN_OF("connection")) &&
                    !span_is(named->name, SPAN_OF("content-length")) &&
                    !span_is(named->name, SPAN_OF("host")))
                    named->name = SPAN_NONE;
            }
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < head->field_count; ++i)
        if (head->fields[i].name.len > 0 && !field_is_hop(head->fields[i].name))
            head->fields[kept++] = head->fields[i];
    head->field_count = kept;
}

int head_check_request(struct head *head, bool needs_host, struct head_facts *facts)
{
    *facts = (struct head_facts){.length = -1};
    if (!field_is_token(head->method))
        return refuse(facts, 400, "no valid method");
    if (span_is(head->method, SPAN_OF("CONNECT")))
        return refuse(facts, 501, "CONNECT is not served");
    if (!span_is_nocase(head->scheme, SPAN_OF("https")) &&
        !span_is_nocase(head->scheme, SPAN_OF("http")))
        return refuse(facts, 400, "a scheme that is not http or https");
    if (!is_path_good(head))
        return refuse(facts, 400, "no valid target");
    if (!check_length(head, facts))
        return refuse(facts, 400, "no valid content-length");
    if (!is_host_agreed(head, needs_host))
        return refuse(facts, 400, "no host, or not one valid host");
    for (uint32_t i = 0; i < head->field_count; ++i)
        if (span_is(head->fields[i].name, SPAN_OF("te")) &&
            field_list_has(head->fields[i].value, SPAN_OF("trailers")))
            facts->takes_trailers = true;
    int status = check_expect(head, facts);
    if (status != 0)
        return status;
    head_drop_hops(head);
    join_cookies(head);
    return 0;
}

bool head_check_answer(struct head *head, struct head_facts *facts)
{
    *facts = (struct head_facts){.length = -1};
    if (head->status < 100 || head->status > 599 || !check_length(head, facts))
        return false;
    head_drop_hops(head);
    return true;
}

void head_check_trailers(struct head *head)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < head->field_count; ++i)
        if (!field_is_barred_from_trailers(head->fields[i].name))
            head->fields[kept++] = head->fields[i];
    head->field_count = kept;
}
