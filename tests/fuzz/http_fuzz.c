#include "fuzz/http_fuzz.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "fakes/fake_conn.h"
#include "fakes/fake_loop.h"
#include "http/field.h"
#include "http/http.h"

struct run {
    struct loop *loop;
    struct conn *conn;
    struct http *http;
    struct list users;
    struct fuzz_seen seen;
};

struct user {
    struct list node;
    struct run *run;
    struct stream *stream;
    uint64_t digest;
    uint64_t bytes;
};

static void digest(uint64_t *sum, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; ++i)
        *sum = (*sum ^ (unsigned char)bytes.ptr[i]) * UINT64_C(1099511628211);
    *sum = (*sum ^ 256) * UINT64_C(1099511628211);
}

static void check_fields(const struct head *head, uint64_t *sum)
{
    static const char *const never[] = {"connection", "transfer-encoding", "host", "upgrade", "te"};
    must(head->field_count <= head->fields_max);
    for (uint32_t i = 0; i < head->field_count; ++i) {
        const struct field *field = &head->fields[i];
        must(field_is_name(field->name));
        must(field_is_value(field->value));
        digest(sum, field->name);
        digest(sum, field->value);
    }
    for (size_t i = 0; i < sizeof(never) / sizeof(*never); ++i)
        must(head_find(head, span_text(never[i])) == NULL);
    must(head_count(head, SPAN_OF("content-length")) <= 1);
}

static void check_request(const struct head *head, uint64_t *sum)
{
    must(field_is_token(head->method));
    must(!span_is(head->method, SPAN_OF("CONNECT")));
    must(head->path.len > 0 && (head->path.ptr[0] == '/' || span_is(head->path, SPAN_OF("*"))));
    must(head->authority.len == 0 || field_is_authority(head->authority));
    must(head_count(head, SPAN_OF("cookie")) <= 1);
    digest(sum, head->method);
    digest(sum, head->path);
    digest(sum, head->authority);
}

static void user_end(struct user *user)
{
    enum stream_end fate = stream_fate(user->stream);
    struct run *run = user->run;
    if (stream_is_ended(user->stream)) {
        int64_t length = stream_length(user->stream);
        must(length < 0 || (uint64_t)length == user->bytes);
        if (stream_trailers(user->stream) != NULL)
            check_fields(stream_trailers(user->stream), &user->digest);
        user->digest ^= 1;
    }
    run->seen.digest += user->digest * (uint64_t)(3 + fate);
    ++run->seen.shown;
    list_remove(&user->node);
    stream_release(user->stream);
    free(user);
}

static void take_all(struct user *user)
{
    while (stream_bytes(user->stream) > 0) {
        struct span front = stream_front(user->stream);
        for (size_t i = 0; i < front.len; ++i)
            user->digest = (user->digest ^ (unsigned char)front.ptr[i]) * UINT64_C(1099511628211);
        user->bytes += front.len;
        stream_take(user->stream, front.len);
    }
}

static void note_caller(void *arg)
{
    struct user *user = arg;
    take_all(user);
    if (stream_is_sent(user->stream) || stream_fate(user->stream) != STREAM_WHOLE) {
        user_end(user);
    } else if (stream_is_ended(user->stream)) {
        struct head *head = head_new(4096, 16);
        head->status = 200;
        stream_send_head(user->stream, head, false);
        stream_send(user->stream, SPAN_OF("answer"));
        stream_send_end(user->stream, NULL);
    } else if (stream_expects_continue(user->stream)) {
        stream_send_continue(user->stream);
    }
}

static struct user *user_new(struct run *run)
{
    struct user *user = alloc_zeroed(sizeof(*user));
    user->run = run;
    user->digest = UINT64_C(14695981039346656037);
    list_init(&user->node);
    list_append(&run->users, &user->node);
    return user;
}

static void note_request(void *owner, struct stream *stream)
{
    struct user *user = user_new(owner);
    user->stream = stream;
    check_request(stream_head(stream), &user->digest);
    check_fields(stream_head(stream), &user->digest);
    stream_set_note(stream, note_caller, user);
    note_caller(user);
}

static void note_worker(void *arg)
{
    struct user *user = arg;
    take_all(user);
    if (!stream_is_ended(user->stream) && stream_fate(user->stream) == STREAM_WHOLE)
        return;
    if (stream_head(user->stream) != NULL) {
        const struct head *head = stream_head(user->stream);
        must(head->status >= 200 && head->status <= 599);
        user->digest = user->digest * 31 + (uint64_t)head->status;
        check_fields(head, &user->digest);
    }
    must(!stream_is_ended(user->stream) || stream_head(user->stream) != NULL);
    user_end(user);
}

static void note_bad(void *owner, int status, const char *why)
{
    struct run *run = owner;
    must(why != NULL && status >= 400 && status < 600);
    ++run->seen.bad;
    run->seen.status = status;
}

static void note_ended(void *owner, enum conn_end end)
{
    struct run *run = owner;
    (void)end;
    must(!run->seen.ended);
    run->seen.ended = true;
    http_close(run->http);
    run->http = NULL;
}

static const struct http_events events = {
    .note_request = note_request, .note_bad = note_bad, .note_ended = note_ended};

static void run_begin(struct run *run, enum conn_alpn alpn, size_t chop)
{
    *run = (struct run){.loop = loop_new()};
    list_init(&run->users);
    run->conn = fake_conn_new(run->loop, alpn, true);
    fake_conn_chop(run->conn, chop);
}

static struct fuzz_seen run_end(struct run *run)
{
    struct fuzz_seen seen = run->seen;
    struct list *node;
    fake_conn_end(run->conn, CONN_EOF);
    fake_loop_settle(run->loop);
    while ((node = list_take(&run->users)) != NULL)
        user_end(container_of(node, struct user, node));
    if (run->http != NULL)
        http_close(run->http);
    seen.digest = run->seen.digest;
    seen.shown = run->seen.shown;
    loop_turn(run->loop);
    fake_conns_free();
    loop_free(run->loop);
    return seen;
}

struct fuzz_seen fuzz_serve(const uint8_t *bytes, size_t count, enum conn_alpn alpn, size_t chop)
{
    struct run run;
    struct http_options options;
    run_begin(&run, alpn, chop);
    http_options_default(&options);
    run.http = http_serve(run.loop, run.conn, &options, &events, &run);
    fake_conn_feed(run.conn, span_of(bytes, count));
    fake_loop_settle(run.loop);
    return run_end(&run);
}

struct fuzz_seen fuzz_ask(const uint8_t *bytes, size_t count, enum conn_alpn alpn, size_t chop)
{
    struct run run;
    struct http_options options;
    run_begin(&run, alpn, chop);
    http_options_default(&options);
    run.http = http_client(run.loop, run.conn, &options, &events, &run);
    struct head *head = head_new(4096, 16);
    must(head_set_text(head, &head->method, count % 8 == 7 ? SPAN_OF("HEAD") : SPAN_OF("GET")));
    must(head_set_text(head, &head->scheme, SPAN_OF("https")));
    must(head_set_text(head, &head->authority, SPAN_OF("a.example")));
    must(head_set_text(head, &head->path, SPAN_OF("/")));
    struct user *user = user_new(&run);
    user->stream = http_request(run.http, head, true, note_worker, user);
    fake_loop_settle(run.loop);
    fake_conn_feed(run.conn, span_of(bytes, count));
    fake_loop_settle(run.loop);
    return run_end(&run);
}
