#include "http/h2.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "http/field.h"
#include "http/refusal.h"

enum { INFORMATIONAL_MAX = 8 /* 1xx before an answer; a flood of them is an attack */ };
enum { BOMB_FACTOR = 10 };
enum { REFUSAL_GLITCHES = 10 /* a refused head cost us more than a stray PING */ };

static struct h2 *session_of(const struct stream *stream)
{
    return stream->http->codec_state;
}

/* --- received --------------------------------------------------------------------------------- */

static void note_pseudo(struct h2 *h2, struct stream *stream, struct span name, struct span value)
{
    struct head *head = stream->partial;
    struct span *place = NULL;
    if (span_is(name, SPAN_OF(":method"))) {
        place = &head->method;
    } else if (span_is(name, SPAN_OF(":scheme"))) {
        place = &head->scheme;
    } else if (span_is(name, SPAN_OF(":authority"))) {
        place = &head->authority;
    } else if (span_is(name, SPAN_OF(":path"))) {
        place = &head->path;
        if (value.len > h2->http->options.target_bytes_max) {
            stream->refuse_status = 414;
            return;
        }
    } else if (span_is(name, SPAN_OF(":status"))) {
        uint64_t status;
        if (value.len == 3 && span_to_u64(value, 599, &status))
            head->status = (int)status;
        return;
    }
    if (place == NULL)
        stream->bad = "an unknown pseudo-field";
    else if (!head_set_text(head, place, value))
        stream->too_large = true;
}

void h2_stream_note_field(struct h2 *h2, struct stream *stream, struct span name, struct span value,
                          bool sensitive)
{
    struct head *head = stream->partial;
    /* Some more than is allowed is a mistake; a multiple of it is a bomb (CVE-2026-49975), and to
     * read on in it would be the damage. */
    if (++stream->fields_seen > BOMB_FACTOR * h2->http->options.fields_max)
        h2_trip(h2, HTTP_GUARD_LARGE_HEADS);
    /* Nothing is stored for what will be refused anyway. */
    if (head == NULL || stream->too_large || stream->bad != NULL)
        return;
    if (name.len > 0 && name.ptr[0] == ':') {
        note_pseudo(h2, stream, name, value);
        return;
    }
    if (!field_is_name(name) || !field_is_value(value)) {
        stream->bad = "a field with characters that are not allowed (RFC 9113 8.2.1)";
        return;
    }
    if (!head_add(head, name, value)) {
        stream->too_large = true;
        return;
    }
    head->fields[head->field_count - 1].sensitive = sensitive;
}

/* Nobody above ever sees this request: we answer it, or reset it. */
static void refuse(struct h2 *h2, struct stream *stream, const struct head *head, int status,
                   const char *why)
{
    struct http *http = h2->http;
    http_note_bad(http, status, why);
    stream->released = true;
    if (status == 431 && !h2->killed)
        http_note_guard(http, HTTP_GUARD_LARGE_HEADS);
    h2_note_glitch(h2, HTTP_GUARD_BAD_REQUESTS, REFUSAL_GLITCHES);
    if (status == 400) {
        h2_stream_kill(stream, NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    stream->refuse_status = status;
    struct refusal refusal;
    refusal_make(&refusal, http, head, status, why);
    stream->asked_head = span_is(head->method, SPAN_OF("HEAD"));
    stream_send_head(stream, refusal.head, false);
    stream_send(stream, span_of(refusal.body, refusal.body_len));
    stream_send_end(stream, NULL);
}

static struct head *take_partial(struct stream *stream)
{
    struct head *head = stream->partial;
    stream->partial = NULL;
    return head;
}

static void note_request(struct h2 *h2, struct stream *stream, struct head *head, bool ended)
{
    struct head_facts facts = {.length = -1};
    int status = stream->refuse_status;
    facts.why = "the target is too long";
    if (stream->bad != NULL) {
        status = 400;
        facts.why = stream->bad;
    } else if (stream->too_large) {
        status = 431;
        facts.why = "too many or too large fields";
    } else if (status == 0) {
        status = head_check_request(head, true, &facts);
    }
    if (status == 0 && ended && facts.length > 0) {
        status = 400;
        facts.why = "a content-length, and no body";
    }
    if (status != 0) {
        refuse(h2, stream, head, status, facts.why);
        head_free(head);
        return;
    }
    /* Trailers are a matter of course in HTTP/2, whatever `te` says. */
    facts.takes_trailers = true;
    if (ended)
        facts.expects_continue = false;
    stream_note_head(stream, head, &facts);
}

static void end_badly(struct stream *stream, enum stream_end fate, uint32_t code)
{
    if (stream->fate == STREAM_WHOLE)
        stream->fate = fate;
    h2_stream_kill(stream, code);
    stream_wake(stream);
}

static void note_answer(struct stream *stream, struct head *head, bool ended)
{
    struct head_facts facts;
    bool good = stream->bad == NULL && head_check_answer(head, &facts);
    if (stream->too_large) {
        head_free(head);
        end_badly(stream, STREAM_TOO_LARGE, NGHTTP2_CANCEL);
        return;
    }
    if (good && head->status < 200) {
        good = head->status != 101 && !ended && ++stream->informational <= INFORMATIONAL_MAX;
        head_free(head);
        if (!good)
            end_badly(stream, STREAM_INVALID, NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    bool bodiless = stream->asked_head || (good && (head->status == 204 || head->status == 304));
    if (good && bodiless)
        facts.length = 0;
    if (!good || (ended && facts.length > 0)) {
        head_free(head);
        end_badly(stream, STREAM_INVALID, NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    stream_note_head(stream, head, &facts);
}

static void note_trailers(struct stream *stream, struct head *head)
{
    if (stream->too_large || stream->bad != NULL) {
        head_free(head);
        end_badly(stream, stream->too_large ? STREAM_TOO_LARGE : STREAM_INVALID,
                  NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    head_check_trailers(head);
    if (head->field_count > 0)
        stream->trailers = head;
    else
        head_free(head);
}

void h2_stream_note_head(struct h2 *h2, struct stream *stream, bool ended)
{
    struct head *head = take_partial(stream);
    if (head == NULL)
        return;
    if (stream->headed)
        note_trailers(stream, head);
    else if (stream->serves)
        note_request(h2, stream, head, ended);
    else
        note_answer(stream, head, ended);
}

void h2_stream_note_end(struct h2 *h2, struct stream *stream)
{
    (void)h2;
    if (stream->fate != STREAM_WHOLE || stream->dying)
        return;
    stream->in_ended = true;
    stream->expects_continue = false;
    stream_wake(stream);
}

void h2_stream_note_closed(struct stream *stream, uint32_t code)
{
    enum stream_end fate = STREAM_INVALID;
    if (code == NGHTTP2_REFUSED_STREAM && !stream->serves && !stream->headed)
        fate = STREAM_REFUSED;
    else if (stream->peer_reset)
        fate = STREAM_RESET;
    else if (session_of(stream)->dying_at != 0)
        fate = STREAM_LOST;
    stream_detach(stream, fate);
}

/* --- sent ------------------------------------------------------------------------------------- */

void h2_stream_mark(struct stream *stream)
{
    struct h2 *h2 = session_of(stream);
    if (!list_is_linked(&stream->dirty))
        list_append(&h2->dirty, &stream->dirty);
    if (!h2->http->closed)
        conn_wake(h2->http->conn);
}

void h2_stream_kill(struct stream *stream, uint32_t code)
{
    if (stream->dying)
        return;
    stream->dying = true;
    stream->reset_code = code;
    buf_drop(&stream->out, stream->out.bytes);
    h2_stream_mark(stream);
}

/* Names and values are copied by the library: a head may go before its frame does. */
struct nv_list {
    nghttp2_nv *list;
    size_t count;
};

static void nv_add(struct nv_list *nvs, struct span name, struct span value, bool sensitive)
{
    nvs->list[nvs->count++] =
        (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.ptr,
                     .value = (uint8_t *)(uintptr_t)(value.ptr == NULL ? "" : value.ptr),
                     .namelen = name.len,
                     .valuelen = value.len,
                     .flags = sensitive ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE};
}

static void nv_add_fields(struct nv_list *nvs, const struct head *head)
{
    for (uint32_t i = 0; i < head->field_count; ++i) {
        const struct field *field = &head->fields[i];
        bool credential = span_is(field->name, SPAN_OF("authorization"));
        if (!field_is_hop(field->name) && !span_is(field->name, SPAN_OF("host")))
            nv_add(nvs, field->name, field->value, field->sensitive || credential);
    }
}

/* Inside the library's read callback, where it is made to be called (nghttp2_submit_trailer). */
static void submit_trailers(struct h2 *h2, struct stream *stream)
{
    const struct head *head = stream->out_trailers;
    struct nv_list nvs = {.list = alloc_array(head->field_count, sizeof(nghttp2_nv))};
    nv_add_fields(&nvs, head);
    if (nghttp2_submit_trailer(h2->session, stream->id, nvs.list, nvs.count) != 0)
        h2_stream_kill(stream, NGHTTP2_INTERNAL_ERROR);
    free(nvs.list);
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct stream *stream = source->ptr;
    (void)session;
    (void)id;
    if (stream->dying)
        return NGHTTP2_ERR_DEFERRED;
    size_t count = buf_read(&stream->out, to, room);
    if (count > 0)
        stream_note_sent(stream, count);
    if (stream->out.bytes == 0 && stream->out_ended) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (stream->out_trailers != NULL) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            submit_trailers(user, stream);
        }
    } else if (count == 0) {
        stream->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    return (ssize_t)count;
}

static void submit_answer(struct h2 *h2, struct stream *stream, struct nv_list *nvs,
                          const nghttp2_data_provider *body)
{
    char status[8];
    snprintf(status, sizeof(status), "%03d", stream->out_head->status);
    nv_add(nvs, SPAN_OF(":status"), span_text(status), false);
    nv_add_fields(nvs, stream->out_head);
    if (nghttp2_submit_response(h2->session, stream->id, nvs->list, nvs->count, body) != 0)
        h2_stream_kill(stream, NGHTTP2_INTERNAL_ERROR);
}

static void submit_request(struct h2 *h2, struct stream *stream, struct nv_list *nvs,
                           const nghttp2_data_provider *body)
{
    const struct head *head = stream->out_head;
    nv_add(nvs, SPAN_OF(":method"), head->method, false);
    nv_add(nvs, SPAN_OF(":scheme"), head->scheme, false);
    nv_add(nvs, SPAN_OF(":authority"), head->authority, false);
    nv_add(nvs, SPAN_OF(":path"), head->path, false);
    nv_add_fields(nvs, head);
    nv_add(nvs, SPAN_OF("te"), SPAN_OF("trailers"), false);
    int32_t id = nghttp2_submit_request(h2->session, NULL, nvs->list, nvs->count, body, stream);
    if (id > 0)
        stream->id = id;
    else
        stream_detach(stream, STREAM_REFUSED);
}

static void submit_head(struct h2 *h2, struct stream *stream)
{
    const nghttp2_data_provider body = {.source = {.ptr = stream}, .read_callback = read_body};
    bool bare = stream->out_ended && stream->out.bytes == 0 && stream->out_trailers == NULL;
    struct nv_list nvs = {.list =
                              alloc_array(stream->out_head->field_count + 8, sizeof(nghttp2_nv))};
    stream->submitted = true;
    if (stream->serves)
        submit_answer(h2, stream, &nvs, bare ? NULL : &body);
    else
        submit_request(h2, stream, &nvs, bare ? NULL : &body);
    free(nvs.list);
    head_free(stream->out_head);
    stream->out_head = NULL;
}

static void submit_continue(struct h2 *h2, struct stream *stream)
{
    nghttp2_nv status;
    struct nv_list nvs = {.list = &status};
    stream->out_continue = false;
    nv_add(&nvs, SPAN_OF(":status"), SPAN_OF("100"), false);
    if (nghttp2_submit_headers(h2->session, NGHTTP2_FLAG_NONE, stream->id, NULL, nvs.list,
                               nvs.count, NULL) != 0)
        h2_stream_kill(stream, NGHTTP2_INTERNAL_ERROR);
}

static void submit_reset(struct h2 *h2, struct stream *stream)
{
    if (stream->reset_sent)
        return;
    stream->reset_sent = true;
    /* A request that never left: the peer knows nothing of it. */
    if (stream->id == 0 || nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, stream->id,
                                                     stream->reset_code) != 0)
        stream_detach(stream, STREAM_REFUSED);
}

void h2_stream_sync(struct h2 *h2, struct stream *stream)
{
    if (stream->dying) {
        submit_reset(h2, stream);
        return;
    }
    if (stream->taken > 0) {
        /* Fails only when memory is out, and then the session with it. */
        h2->broken |= nghttp2_session_consume_stream(h2->session, stream->id, stream->taken) != 0;
        stream->taken = 0;
    }
    if (stream->out_continue)
        submit_continue(h2, stream);
    if (stream->out_headed && !stream->submitted) {
        submit_head(h2, stream);
    } else if (stream->deferred && (stream->out.bytes > 0 || stream->out_ended)) {
        stream->deferred = false;
        h2->broken |= nghttp2_session_resume_data(h2->session, stream->id) != 0;
    }
}
