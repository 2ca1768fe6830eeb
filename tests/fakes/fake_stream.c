#include "fakes/fake_stream.h"

#include <stdlib.h>

#include "base/alloc.h"

enum { WIRE_MAX = 64 << 20, WINDOW = 65536, SEND_MAX = 32768 };

static struct list streams = {&streams, &streams};
static char *got_text;

struct stream *fake_stream_new(void)
{
    struct stream *stream = alloc_zeroed(sizeof(*stream));
    stream->length = -1;
    stream->window = WINDOW;
    stream->sip = SIZE_MAX;
    buf_init(&stream->wire, WIRE_MAX);
    buf_init(&stream->in, WIRE_MAX);
    buf_init(&stream->out, SEND_MAX);
    buf_init(&stream->got, WIRE_MAX);
    list_init(&stream->node);
    list_append(&streams, &stream->node);
    return stream;
}

static void tell(struct stream *stream)
{
    if (stream->note != NULL && !stream->released && !stream->is_reset)
        stream->note(stream->user);
}

void fake_stream_head(struct stream *stream, struct head *head)
{
    const struct field *length = head_find(head, SPAN_OF("content-length"));
    uint64_t bytes;
    if (length != NULL && span_to_u64(length->value, WIRE_MAX, &bytes))
        stream->length = (int64_t)bytes;
    stream->head = head;
    tell(stream);
}

void fake_stream_feed(struct stream *stream, struct span bytes)
{
    must(buf_append(&stream->wire, bytes.ptr, bytes.len));
}

void fake_stream_feed_end(struct stream *stream, struct head *trailers)
{
    stream->wire_ended = true;
    stream->trailers = trailers;
}

void fake_stream_fail(struct stream *stream, enum stream_end fate)
{
    stream->fate = fate;
    tell(stream);
}

static bool pump_in(struct stream *stream)
{
    size_t before = stream->in.bytes;
    if (stream->in.bytes < stream->window)
        buf_move(&stream->in, &stream->wire, stream->window - stream->in.bytes);
    bool ends = stream->wire_ended && stream->wire.bytes == 0 && !stream->in_ended;
    stream->in_ended |= ends;
    return ends || stream->in.bytes > before;
}

/* Notes as sparingly as the real one: room for half the buffer again, or all gone. */
static bool pump_out(struct stream *stream, bool *moved)
{
    size_t before = stream->out.bytes;
    size_t count = buf_move(&stream->got, &stream->out,
                            stream->out.bytes < stream->sip ? stream->out.bytes : stream->sip);
    stream->sent += count;
    bool ends = stream->out_ended && stream->out.bytes == 0 && !stream->out_sent && stream->sip > 0;
    stream->out_sent |= ends;
    *moved |= ends || count > 0;
    return ends || (before > SEND_MAX / 2 && stream->out.bytes <= SEND_MAX / 2);
}

bool fake_streams_pump(void)
{
    bool moved = false;
    struct list *node;
    list_each (node, &streams) {
        struct stream *stream = container_of(node, struct stream, node);
        if (stream->is_reset || stream->fate != STREAM_WHOLE)
            continue;
        bool in = !stream->released && pump_in(stream);
        moved |= in;
        if (pump_out(stream, &moved) || in)
            tell(stream);
    }
    return moved;
}

struct span fake_stream_got(struct stream *stream)
{
    size_t count = stream->got.bytes;
    free(got_text);
    got_text = alloc_zeroed(count + 1);
    buf_read(&stream->got, got_text, count);
    return span_of(got_text, count);
}

unsigned fake_streams_live(void)
{
    unsigned live = 0;
    struct list *node;
    list_each (node, &streams)
        live += !container_of(node, struct stream, node)->released;
    return live;
}

void fake_streams_free(void)
{
    struct list *node;
    free(got_text);
    got_text = NULL;
    while ((node = list_take(&streams)) != NULL) {
        struct stream *stream = container_of(node, struct stream, node);
        head_free(stream->head);
        head_free(stream->trailers);
        head_free(stream->out_head);
        head_free(stream->out_trailers);
        buf_fini(&stream->wire);
        buf_fini(&stream->in);
        buf_fini(&stream->out);
        buf_fini(&stream->got);
        free(stream);
    }
}

/* --- stream.h ------------------------------------------------------------------------------- */

struct head *stream_head(const struct stream *stream)
{
    must(!stream->released);
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
    must(!stream->released);
    return stream->length;
}

size_t stream_bytes(const struct stream *stream)
{
    must(!stream->released);
    return stream->in.bytes;
}

struct span stream_front(const struct stream *stream)
{
    must(!stream->released);
    return buf_front(&stream->in);
}

size_t stream_spans(const struct stream *stream, struct span *out, size_t count_max)
{
    must(!stream->released);
    return buf_spans(&stream->in, out, count_max);
}

void stream_take(struct stream *stream, size_t count)
{
    must(!stream->released);
    buf_drop(&stream->in, count);
}

bool stream_is_ended(const struct stream *stream)
{
    must(!stream->released);
    return stream->in_ended;
}

struct head *stream_trailers(const struct stream *stream)
{
    must(!stream->released);
    return stream->in_ended ? stream->trailers : NULL;
}

enum stream_end stream_fate(const struct stream *stream)
{
    must(!stream->released);
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

static bool is_sending(const struct stream *stream)
{
    must(!stream->released);
    return stream->fate == STREAM_WHOLE && !stream->is_reset;
}

static int64_t out_length(const struct stream *stream)
{
    uint64_t bytes;
    const struct field *field =
        stream->out_head == NULL ? NULL : head_find(stream->out_head, SPAN_OF("content-length"));
    return field != NULL && span_to_u64(field->value, WIRE_MAX, &bytes) ? (int64_t)bytes : -1;
}

static void note_complete(struct stream *stream)
{
    int64_t length = out_length(stream);
    if (stream->complete ||
        !(stream->out_ended || (length >= 0 && stream->given >= (uint64_t)length)))
        return;
    stream->complete = true;
    if (stream->on_complete != NULL)
        stream->on_complete(stream->arg, stream);
}

void stream_send_head(struct stream *stream, struct head *head, bool ended)
{
    must(!stream->out_headed);
    if (!is_sending(stream)) {
        head_free(head);
        return;
    }
    stream->out_head = head;
    stream->out_headed = true;
    stream->expects_continue = false;
    stream->out_ended = ended;
    note_complete(stream);
}

void stream_send_continue(struct stream *stream)
{
    stream->continued = true;
    stream->expects_continue = false;
}

size_t stream_room(const struct stream *stream)
{
    if (!is_sending(stream) || !stream->out_headed || stream->out_ended)
        return 0;
    return buf_room(&stream->out);
}

static void note_given(struct stream *stream, size_t count)
{
    int64_t length = out_length(stream);
    stream->given += count;
    must(length < 0 || stream->given <= (uint64_t)length);
    note_complete(stream);
}

void stream_send(struct stream *stream, struct span bytes)
{
    must(bytes.len <= stream_room(stream));
    must(buf_append(&stream->out, bytes.ptr, bytes.len));
    note_given(stream, bytes.len);
}

size_t stream_move(struct stream *to, struct stream *from, size_t count)
{
    must(!to->released && !from->released);
    size_t room = stream_room(to);
    size_t moved = buf_move(&to->out, &from->in, count < room ? count : room);
    note_given(to, moved);
    return moved;
}

void stream_send_end(struct stream *stream, struct head *trailers)
{
    if (!is_sending(stream)) {
        head_free(trailers);
        return;
    }
    must(stream->out_headed && !stream->out_ended);
    must(out_length(stream) < 0 || stream->given == (uint64_t)out_length(stream));
    stream->out_ended = true;
    stream->out_trailers = trailers;
    note_complete(stream);
}

bool stream_is_sent(const struct stream *stream)
{
    must(!stream->released);
    return stream->out_sent;
}

uint64_t stream_sent_bytes(const struct stream *stream)
{
    must(!stream->released);
    return stream->sent;
}

void stream_reset(struct stream *stream, enum stream_reset reason)
{
    must(!stream->released);
    if (stream->is_reset)
        return;
    stream->is_reset = true;
    stream->reset = reason;
    buf_drop(&stream->out, stream->out.bytes);
}

void stream_release(struct stream *stream)
{
    must(!stream->released);
    stream->released = true;
    stream->note = NULL;
}

void stream_set_note(struct stream *stream, void (*note)(void *user), void *user)
{
    stream->note = note;
    stream->user = user;
}
