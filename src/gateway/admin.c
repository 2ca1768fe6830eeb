#include "gateway/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "gateway/admin_core.h"

enum { HEAD_FIELDS = 8, HEAD_BYTES = 2048 };

/* --- a request's end ---------------------------------------------------------------------------
 */

static void bury(void *owner)
{
    struct admin_request *request = owner;
    timer_fini(&request->timer);
    free(request->body);
    free(request->answer);
    free(request);
}

/* Who changed what is asked for later, so each change has a line; `status` 0: nobody heard. */
static void log_change(const struct admin_request *request)
{
    const struct head *head = stream_head(request->stream);
    struct log_line line;
    if (!admin_takes_body(request) && !span_is(head->method, SPAN_OF("DELETE")))
        return;
    log_begin(&line, LOG_NOTICE, "admin");
    json_text(&line.json, "method", head->method);
    json_i64(&line.json, "status", request->status);
    json_text(&line.json, "path", span_of(head->path.ptr, span_find(head->path, '?')));
    log_write(request->admin->parts.log, &line);
}

static void end(struct admin_request *request)
{
    struct admin *admin = request->admin;
    log_change(request);
    slots_give(&admin->requests, request->id);
    admin->at_work -= request->at_work;
    timer_stop(&request->timer);
    wake_cancel(&request->wake);
    stream_release(request->stream);
    loop_bury(admin->loop, &request->grave, bury, request);
}

/* --- its answer --------------------------------------------------------------------------------
 */

static struct head *head_of(const struct admin_request *request)
{
    struct head *head = head_new(HEAD_BYTES, HEAD_FIELDS);
    char length[24];
    snprintf(length, sizeof(length), "%zu", request->answer_len);
    head->status = request->status;
    must(head_add(head, SPAN_OF("content-type"), span_text(request->type)));
    must(head_add(head, SPAN_OF("content-length"), span_text(length)));
    must(head_add(head, SPAN_OF("cache-control"), SPAN_OF("no-store")));
    must(head_add(head, SPAN_OF("x-content-type-options"), SPAN_OF("nosniff")));
    if (request->allow[0] != '\0')
        must(head_add(head, SPAN_OF("allow"), span_text(request->allow)));
    if (request->status == 503)
        must(head_add(head, SPAN_OF("retry-after"), SPAN_OF("1")));
    return head;
}

static void push(struct admin_request *request)
{
    if (!request->head_sent) {
        request->head_sent = true;
        stream_send_head(request->stream, head_of(request), false);
    }
    size_t left = request->answer_len - request->answer_given;
    size_t room = stream_room(request->stream);
    size_t count = left < room ? left : room;
    if (left == 0)
        return;
    stream_send(request->stream, span_of(request->answer + request->answer_given, count));
    request->answer_given += count;
    if (count == left)
        stream_send_end(request->stream, NULL);
}

/* --- its body ----------------------------------------------------------------------------------
 */

static void refuse_body(struct admin_request *request)
{
    admin_refuse(request, FAULT_REQUEST_TOO_LARGE,
                 "the body of an admin request has at most %d bytes", ADMIN_BODY_MAX);
}

/* False once the request is refused for its body. */
static bool read_body(struct admin_request *request)
{
    while (stream_bytes(request->stream) > 0) {
        struct span front = stream_front(request->stream);
        if (front.len > ADMIN_BODY_MAX - request->body_len) {
            refuse_body(request);
            return false;
        }
        request->body = alloc_grow(request->body, request->body_len + front.len, 1);
        memcpy(request->body + request->body_len, front.ptr, front.len);
        request->body_len += front.len;
        stream_take(request->stream, front.len);
    }
    return true;
}

/* --- its life ----------------------------------------------------------------------------------
 */

static void ask(struct admin_request *request)
{
    request->asked = true;
    if (request->body_len > 0 && !admin_takes_body(request))
        admin_refuse(request, FAULT_BAD_REQUEST, "this method takes no body, and %zu bytes came",
                     request->body_len);
    else
        admin_route(request);
}

static void step(struct admin_request *request)
{
    if (stream_fate(request->stream) != STREAM_WHOLE || stream_is_sent(request->stream)) {
        end(request);
        return;
    }
    if (request->status == 0 && !request->asked && read_body(request) &&
        stream_is_ended(request->stream))
        ask(request);
    if (request->status != 0)
        push(request);
}

static void note(void *user)
{
    step(user);
}

static void set_timer(struct admin_request *request)
{
    struct admin *admin = request->admin;
    uint32_t most = admin->parts.request_ms_max;
    timer_set(&request->timer, loop_now(admin->loop) + (most == 0 ? ADMIN_REQUEST_MS_MAX : most));
}

/* The first time it is said; who does not take that in as long again is left. */
static void fire(void *owner)
{
    struct admin_request *request = owner;
    if (request->status != 0) {
        stream_reset(request->stream, RESET_CANCEL);
        end(request);
        return;
    }
    if (request->asked)
        admin_refuse(request, FAULT_METERING_UNAVAILABLE,
                     "no answer came in time; whether a change was made is not known");
    else
        admin_refuse(request, FAULT_REQUEST_TIMEOUT, "the body stopped after %zu bytes",
                     request->body_len);
    set_timer(request);
}

static void note_request(void *owner, struct stream *stream)
{
    struct admin_link *link = owner;
    struct admin *admin = link->admin;
    struct admin_request *request = alloc_zeroed(sizeof(*request));
    request->admin = admin;
    request->stream = stream;
    request->id = slots_take(&admin->requests, request);
    must(request->id != 0); /* connections times streams */
    request->at_work = admin->at_work < ADMIN_REQUESTS_MAX;
    admin->at_work += request->at_work;
    timer_init(&request->timer, admin->loop, fire, request);
    wake_init(&request->wake, note, request);
    set_timer(request);
    stream_set_note(stream, note, request);
    if (!request->at_work)
        admin_refuse(request, FAULT_OVERLOADED, "%d admin requests are at work already",
                     ADMIN_REQUESTS_MAX);
    else if (stream_length(stream) > ADMIN_BODY_MAX)
        refuse_body(request);
    else if (stream_expects_continue(stream))
        stream_send_continue(stream);
    step(request);
}

/* --- connections -------------------------------------------------------------------------------
 */

static void close_link(struct admin_link *link)
{
    http_close(link->http);
    list_remove(&link->node);
    --link->admin->link_count;
    free(link);
}

static void note_link_ended(void *owner, enum conn_end why)
{
    (void)why;
    close_link(owner);
}

static const struct http_events http_events = {.note_request = note_request,
                                               .note_ended = note_link_ended};

static void http_options_of(struct http_options *options)
{
    http_options_default(options);
    options->head_bytes_max = 16384;
    options->target_bytes_max = 4096;
    options->streams_max = ADMIN_STREAMS_MAX;
    options->idle_ms_max = 60000;
}

/* Said without HTTP behind it: there is no room for the connection, but a word fits its socket. */
static void turn_away(int fd)
{
    static const char body[] =
        "{\"type\":\"urn:teegate:problem:overloaded\",\"title\":\"The gateway is at one of its "
        "limits\",\"status\":503,\"code\":\"overloaded\",\"whose\":\"gateway\",\"retryable\":true,"
        "\"detail\":\"all connections to the admin socket are taken; try again\"}";
    char answer[1024];
    int len = snprintf(answer, sizeof(answer),
                       "HTTP/1.1 503 Service Unavailable\r\n"
                       "Content-Type: application/problem+json\r\n"
                       "Content-Length: %zu\r\n"
                       "Retry-After: 1\r\n"
                       "Connection: close\r\n\r\n%s",
                       sizeof(body) - 1, body);
    must(len > 0 && (size_t)len < sizeof(answer));
    /* A fresh socket has room; one that has not is closed without a word. */
    ssize_t sent = send(fd, answer, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent;
    close(fd);
}

static void note_accept(void *owner, int fd, const struct address *peer)
{
    struct admin *admin = owner;
    struct http_options options;
    (void)peer;
    if (admin->link_count >= ADMIN_CONNECTIONS_MAX) {
        turn_away(fd);
        return;
    }
    static const struct conn_options conn_options = {0};
    static const struct conn_events none = {0};
    http_options_of(&options);
    struct admin_link *link = alloc_zeroed(sizeof(*link));
    struct conn *conn = conn_accept(admin->loop, fd, NULL, &conn_options, &none, NULL);
    link->admin = admin;
    link->http = http_serve(admin->loop, conn, &options, &http_events, link);
    list_init(&link->node);
    list_append(&admin->links, &link->node);
    ++admin->link_count;
}

/* --- life --------------------------------------------------------------------------------------
 */

struct admin *admin_open(struct loop *loop, int listening_fd, const struct admin_parts *parts)
{
    struct admin *admin = alloc_zeroed(sizeof(*admin));
    admin->loop = loop;
    admin->parts = *parts;
    list_init(&admin->links);
    slots_init(&admin->requests, ADMIN_CONNECTIONS_MAX * ADMIN_STREAMS_MAX * 2);
    admin->listener = listener_open(loop, listening_fd, note_accept, admin);
    return admin;
}

void admin_drain(struct admin *admin)
{
    struct list *node;
    struct list *after;
    if (admin->listener == NULL)
        return;
    listener_close(admin->listener);
    admin->listener = NULL;
    list_each_safe (node, after, &admin->links)
        http_drain(container_of(node, struct admin_link, node)->http);
}

unsigned admin_connections(const struct admin *admin)
{
    return admin->link_count;
}

void admin_close(struct admin *admin)
{
    admin_drain(admin);
    for (uint32_t i = 0; i < admin->requests.count; ++i) {
        struct admin_request *request = slots_at(&admin->requests, i);
        if (request != NULL)
            end(request);
    }
    while (!list_is_empty(&admin->links))
        close_link(container_of(admin->links.next, struct admin_link, node));
    slots_fini(&admin->requests);
    free(admin);
}
