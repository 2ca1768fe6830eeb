#include "http/stream.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "http/field.h"
#include "http/http_core.h"

enum { WINDOW_INITIAL = 65535 /* RFC 9113 6.9.2: until our SETTINGS are acknowledged */ };
/* Less is no progress, while more waits: a byte now and then would hold a stream for ever. */
enum { ADVANCE_BYTES = 1024 };

/* --- life ------------------------------------------------------------------------------------- */

static void stream_run(void *owner)
{
    struct stream *stream = owner;
    if (!stream->shown) {
        stream->shown = true;
        stream->http->events->note_request(stream->http->owner, stream);
    } else if (stream->note != NULL && !stream->over) {
        stream->note(stream->user);
    }
}

struct stream *stream_new(struct http *http)
{
    struct stream *stream = alloc_zeroed(sizeof(*stream));
    const struct http_options *options = &http->options;
    size_t window = options->stream_window_bytes;
    stream->http = http;
    stream->loop = http->loop;
    stream->serves = http->serves;
    stream->length = stream->out_length = -1;
    list_init(&stream->node);
    list_init(&stream->dirty);
    wake_init(&stream->wake, stream_run, stream);
    buf_init(&stream->in, window < WINDOW_INITIAL ? WINDOW_INITIAL : window);
    buf_init(&stream->out, options->send_bytes_max);
    list_append(&http->streams, &stream->node);
    ++http->live;
    ++http->requests;
    http->idle_at = 0;
    return stream;
}

static void stream_bury(void *owner)
{
    struct stream *stream = owner;
    wake_cancel(&stream->wake);
    head_free(stream->head);
    head_free(stream->partial);
    head_free(stream->trailers);
    head_free(stream->out_head);
    head_free(stream->out_trailers);
    buf_fini(&stream->in);
    buf_fini(&stream->out);
    free(stream);
}

bool stream_is_complete(const struct stream *stream)
{
    return stream->serves ? stream->out_sent : stream->in_ended;
}

void stream_wake(struct stream *stream)
{
    if (!stream->released && !stream->over)
        loop_wake(stream->loop, &stream->wake);
}

void stream_detach(struct stream *stream, enum stream_end fate)
{
    struct http *http = stream->http;
    must(http != NULL);
    stream->http = NULL;
    list_remove(&stream->node);
    list_remove(&stream->dirty);
    if (--http->live == 0)
        http->idle_at = loop_now(http->loop);
    if (stream->fate == STREAM_WHOLE && !stream_is_complete(stream))
        stream->fate = fate;
    head_free(stream->partial);
    stream->partial = NULL;
    buf_drop(&stream->out, stream->out.bytes);
    if (!http->serves)
        http_wake_room(http);
    else
        loop_wake(http->loop, &http->wake);
    if (stream->released || !stream->shown) {
        wake_cancel(&stream->wake);
        loop_bury(stream->loop, &stream->grave, stream_bury, stream);
        return;
    }
    stream_wake(stream);
}

void stream_release(struct stream *stream)
{
    must(!stream->released);
    stream->released = true;
    stream->note = NULL;
    wake_cancel(&stream->wake);
    if (stream->http == NULL)
        loop_bury(stream->loop, &stream->grave, stream_bury, stream);
    else
        stream->http->codec->release(stream);
}

void stream_reset(struct stream *stream, enum stream_reset reason)
{
    if (stream->over)
        return;
    stream->over = true;
    wake_cancel(&stream->wake);
    buf_drop(&stream->out, stream->out.bytes);
    buf_drop(&stream->in, stream->in.bytes);
    if (stream->http != NULL)
        stream->http->codec->reset(stream, reason);
}

void stream_set_note(struct stream *stream, void (*note)(void *user), void *user)
{
    stream->note = note;
    stream->user = user;
}

/* --- received --------------------------------------------------------------------------------- */

struct head *stream_head(const struct stream *stream)
{
    return stream->head;
}

struct head *stream_take_head(struct stream *stream)
{
    struct head *head = stream->head;
    stream->head = NULL;
    return head;
}

int64_t stream_length(const struct stream *stream)
{
    return stream->length;
}

size_t stream_bytes(const struct stream *stream)
{
    return stream->in.bytes;
}

struct span stream_front(const struct stream *stream)
{
    return buf_front(&stream->in);
}

size_t stream_spans(const struct stream *stream, struct span *out, size_t count_max)
{
    return buf_spans(&stream->in, out, count_max);
}

static void note_taken(struct stream *stream, size_t count)
{
    if (stream->http != NULL && count > 0)
        stream->http->codec->taken(stream, count);
}

void stream_take(struct stream *stream, size_t count)
{
    buf_drop(&stream->in, count);
    note_taken(stream, count);
}

bool stream_is_ended(const struct stream *stream)
{
    return stream->in_ended;
}

struct head *stream_trailers(const struct stream *stream)
{
    return stream->in_ended ? stream->trailers : NULL;
}

enum stream_end stream_fate(const struct stream *stream)
{
    return stream->fate;
}

bool stream_expects_continue(const struct stream *stream)
{
    return stream->expects_continue;
}

bool stream_takes_trailers(const struct stream *stream)
{
    return stream->takes_trailers;
}

void stream_note_head(struct stream *stream, struct head *head, const struct head_facts *facts)
{
    stream->head = head;
    stream->headed = true;
    stream->length = facts->length;
    if (stream->serves) {
        stream->expects_continue = facts->expects_continue;
        stream->takes_trailers = facts->takes_trailers;
        stream->asked_head = span_is(head->method, SPAN_OF("HEAD"));
    }
    stream_wake(stream);
}

/* --- sent ------------------------------------------------------------------------------------- */

static bool is_sending(const struct stream *stream)
{
    return stream->http != NULL && !stream->over && stream->fate == STREAM_WHOLE;
}

static void note_changed(struct stream *stream)
{
    stream->http->codec->changed(stream);
}

/* What we were given is not what its head said: never to look like success. */
static void break_off(struct stream *stream)
{
    stream->fate = STREAM_INVALID;
    stream_wake(stream);
    buf_drop(&stream->out, stream->out.bytes);
    stream->http->codec->reset(stream, RESET_INTERNAL);
}

void stream_send_head(struct stream *stream, struct head *head, bool ended)
{
    if (!is_sending(stream)) {
        head_free(head);
        return;
    }
    must(!stream->out_headed);
    const struct field *length = head_find(head, SPAN_OF("content-length"));
    stream->out_head = head;
    stream->out_headed = true;
    stream->expects_continue = false;
    if (length != NULL)
        must(field_is_length(length->value, &stream->out_length));
    if (stream->serves) {
        stream->out_bodiless = stream->asked_head || head->status == 204 || head->status == 304;
        http_add_date(stream->http, head);
    } else {
        stream->asked_head = span_is(head->method, SPAN_OF("HEAD"));
    }
    if (ended)
        stream_send_end(stream, NULL);
    else
        note_changed(stream);
}

void stream_send_continue(struct stream *stream)
{
    if (!is_sending(stream) || stream->out_headed || !stream->expects_continue)
        return;
    stream->expects_continue = false;
    stream->out_continue = true;
    note_changed(stream);
}

size_t stream_room(const struct stream *stream)
{
    if (!is_sending(stream) || !stream->out_headed || stream->out_ended)
        return 0;
    return buf_room(&stream->out);
}

static void note_given(struct stream *stream, size_t count)
{
    if (count == 0)
        return;
    stream->given += count;
    if (stream->out_bodiless) {
        buf_drop(&stream->out, stream->out.bytes);
    } else if (stream->out_length >= 0 && stream->given > (uint64_t)stream->out_length) {
        break_off(stream);
        return;
    }
    note_changed(stream);
}

void stream_send(struct stream *stream, struct span bytes)
{
    must(bytes.len <= stream_room(stream));
    must(buf_append(&stream->out, bytes.ptr, bytes.len));
    note_given(stream, bytes.len);
}

size_t stream_move(struct stream *to, struct stream *from, size_t count)
{
    size_t room = stream_room(to);
    size_t moved = buf_move(&to->out, &from->in, count < room ? count : room);
    note_taken(from, moved);
    note_given(to, moved);
    return moved;
}

void stream_send_end(struct stream *stream, struct head *trailers)
{
    if (!is_sending(stream) || stream->out_ended) {
        head_free(trailers);
        return;
    }
    must(stream->out_headed);
    if (stream->out_length >= 0 && !stream->out_bodiless &&
        stream->given != (uint64_t)stream->out_length) {
        head_free(trailers);
        break_off(stream);
        return;
    }
    if (trailers != NULL && trailers->field_count == 0) {
        head_free(trailers);
        trailers = NULL;
    }
    stream->out_ended = true;
    stream->out_trailers = trailers;
    note_changed(stream);
}

bool stream_is_sent(const struct stream *stream)
{
    return stream->out_sent;
}

uint64_t stream_sent_bytes(const struct stream *stream)
{
    return stream->advanced;
}

/* Wakes its user once half of the buffer is free again, so that small frames do not wake it each.
 */
void stream_note_sent(struct stream *stream, size_t count)
{
    size_t half = stream->out.bytes_max / 2;
    size_t before = stream->out.bytes + count;
    stream->sent += count;
    if (stream->out.bytes == 0 || stream->sent - stream->advanced >= ADVANCE_BYTES)
        stream->advanced = stream->sent;
    if (!stream->out_ended && before > half && stream->out.bytes <= half)
        stream_wake(stream);
}

void stream_note_all_sent(struct stream *stream)
{
    stream->out_sent = true;
    stream_wake(stream);
}
