#include "ends.h"

#include <stdlib.h>

#include "base/alloc.h"

static void party_note(void *user)
{
    struct party *party = user;
    ++party->notes;
    while (party->greedy && stream_bytes(party->stream) > 0) {
        struct span front = stream_front(party->stream);
        party->body = alloc_grow(party->body, party->bytes + front.len + 1, 1);
        memcpy(party->body + party->bytes, front.ptr, front.len);
        party->bytes += front.len;
        party->body[party->bytes] = '\0';
        stream_take(party->stream, front.len);
    }
}

static struct party *party_new(struct end *end, struct stream *stream)
{
    must(end->party_count < PARTIES_MAX);
    struct party *party = &end->parties[end->party_count++];
    party->stream = stream;
    party->body = alloc_zeroed(1);
    return party;
}

static void note_request(void *owner, struct stream *stream)
{
    struct end *end = owner;
    struct party *party = party_new(end, stream);
    party->greedy = end->greedy;
    stream_set_note(stream, party_note, party);
    party_note(party);
}

static void note_guard(void *owner, enum http_guard guard)
{
    struct end *end = owner;
    end->guard = guard;
}

static void note_bad(void *owner, int status, const char *why)
{
    struct end *end = owner;
    if (end->bad_count < BADS_MAX)
        end->bads[end->bad_count] = status;
    ++end->bad_count;
    end->why = why;
}

static void note_room(void *owner)
{
    ++((struct end *)owner)->rooms;
}

static void note_ended(void *owner, enum conn_end how)
{
    struct end *end = owner;
    must(!end->ended);
    end->ended = true;
    end->end = how;
    http_close(end->http);
    end->http = NULL;
}

static const struct http_events events = {.note_request = note_request,
                                          .note_bad = note_bad,
                                          .note_guard = note_guard,
                                          .note_room = note_room,
                                          .note_ended = note_ended};

void ends_init(struct ends *ends)
{
    memset(ends, 0, sizeof(*ends));
    ends->loop = loop_new();
    http_options_default(&ends->caller.options);
    http_options_default(&ends->worker.options);
    ends->worker.greedy = true;
}

void ends_open(struct ends *ends, enum conn_alpn alpn)
{
    ends->caller.conn = fake_conn_new(ends->loop, alpn, true);
    ends->worker.conn = fake_conn_new(ends->loop, alpn, true);
    fake_conn_join(ends->caller.conn, ends->worker.conn);
    ends->worker.http =
        http_serve(ends->loop, ends->worker.conn, &ends->worker.options, &events, &ends->worker);
    ends->caller.http =
        http_client(ends->loop, ends->caller.conn, &ends->caller.options, &events, &ends->caller);
    ends_settle(ends);
}

void ends_join(struct ends *ends, enum conn_alpn alpn)
{
    ends_init(ends);
    ends_open(ends, alpn);
}

void ends_serve_raw(struct ends *ends, enum conn_alpn alpn)
{
    ends->worker.conn = fake_conn_new(ends->loop, alpn, alpn != ALPN_NONE);
    ends->worker.http =
        http_serve(ends->loop, ends->worker.conn, &ends->worker.options, &events, &ends->worker);
    ends_settle(ends);
}

void ends_ask_raw(struct ends *ends, enum conn_alpn alpn)
{
    ends->caller.conn = fake_conn_new(ends->loop, alpn, alpn != ALPN_NONE);
    ends->caller.http =
        http_client(ends->loop, ends->caller.conn, &ends->caller.options, &events, &ends->caller);
    ends_settle(ends);
}

void ends_settle(struct ends *ends)
{
    fake_loop_settle(ends->loop);
}

static void end_fini(struct end *end)
{
    for (unsigned i = 0; i < end->party_count; ++i) {
        if (!end->parties[i].gone)
            stream_release(end->parties[i].stream);
        free(end->parties[i].body);
    }
    if (end->http != NULL)
        http_close(end->http);
}

void ends_fini(struct ends *ends)
{
    end_fini(&ends->caller);
    end_fini(&ends->worker);
    loop_turn(ends->loop);
    fake_conns_free();
    loop_free(ends->loop);
}

void ends_add(struct head *head, const char *name, const char *value)
{
    must(head_add(head, span_text(name), span_text(value)));
}

struct head *ends_request(const char *method, const char *path)
{
    struct head *head = head_new(65536, 200);
    must(head_set_text(head, &head->method, span_text(method)));
    must(head_set_text(head, &head->path, span_text(path)));
    must(head_set_text(head, &head->scheme, SPAN_OF("https")));
    must(head_set_text(head, &head->authority, SPAN_OF("agent.example")));
    return head;
}

struct head *ends_answer(int status)
{
    struct head *head = head_new(65536, 200);
    head->status = status;
    return head;
}

const char *ends_value(const struct head *head, const char *name)
{
    const struct field *field = head == NULL ? NULL : head_find(head, span_text(name));
    return field == NULL ? "" : field->value.ptr;
}

struct party *ends_ask(struct ends *ends, struct head *request, bool ended)
{
    struct party *party = party_new(&ends->caller, NULL);
    party->greedy = true;
    party->stream = http_request(ends->caller.http, request, ended, party_note, party);
    return party;
}

struct party *ends_nth(struct end *end, unsigned index)
{
    must(index < end->party_count);
    return &end->parties[index];
}

void ends_send(struct party *party, const char *text)
{
    stream_send(party->stream, span_text(text));
}

void ends_reply(struct party *party, int status, const char *body)
{
    stream_send_head(party->stream, ends_answer(status), *body == '\0');
    if (*body == '\0')
        return;
    ends_send(party, body);
    stream_send_end(party->stream, NULL);
}

void ends_release(struct party *party)
{
    must(!party->gone);
    party->gone = true;
    stream_release(party->stream);
}
