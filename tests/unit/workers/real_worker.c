#include "unit/workers/real_worker.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "http/http.h"
#include "io/listener.h"
#include "io/mailbox.h"
#include "unit/checks.h"

enum { PEERS_MAX = 32 };

struct peer {
    struct real_worker *worker;
    struct conn *conn;
    struct http *http;
};

struct real_worker {
    pthread_t thread;
    struct loop *loop;
    struct mailbox *mailbox;
    struct letter stop;
    struct listener *listener;
    struct tls *tls;
    unsigned port;
    bool dumb;
    _Atomic unsigned conns, ended, requests, bytes;
    struct peer peers[PEERS_MAX];
};

/* --- one request ---------------------------------------------------------------------------- */

static void note_sent(void *user)
{
    struct stream *stream = user;
    if (stream_is_sent(stream) || stream_fate(stream) != STREAM_WHOLE)
        stream_release(stream);
}

static void note_request(void *owner, struct stream *stream)
{
    struct peer *peer = owner;
    struct head *head = head_new(4096, 8);
    atomic_fetch_add(&peer->worker->requests, 1);
    head->status = 200;
    stream_set_note(stream, note_sent, stream);
    stream_send_head(stream, head, false);
    stream_send(stream, SPAN_OF("hello"));
    stream_send_end(stream, NULL);
}

static void end_peer(struct peer *peer)
{
    if (peer->http != NULL)
        http_close(peer->http);
    else if (peer->conn != NULL)
        conn_close(peer->conn, false);
    peer->http = NULL;
    peer->conn = NULL;
}

static void note_ended(void *owner, enum conn_end end)
{
    atomic_fetch_add(&((struct peer *)owner)->worker->ended, 1);
    end_peer(owner);
}

static const struct http_events http_events = {.note_request = note_request,
                                               .note_ended = note_ended};

/* --- one connection ------------------------------------------------------------------------- */

static void note_open(void *owner)
{
    struct peer *peer = owner;
    struct http_options options;
    if (peer->worker->dumb)
        return;
    http_options_default(&options);
    peer->http = http_serve(peer->worker->loop, peer->conn, &options, &http_events, peer);
}

static size_t note_bytes(void *owner, struct span bytes)
{
    atomic_fetch_add(&((struct peer *)owner)->worker->bytes, (unsigned)bytes.len);
    return bytes.len;
}

static void flush_nothing(void *owner)
{
}

static const struct conn_events conn_events = {.note_open = note_open,
                                               .note_bytes = note_bytes,
                                               .flush = flush_nothing,
                                               .note_ended = note_ended};

static void note_accept(void *owner, int fd, const struct address *from)
{
    struct real_worker *worker = owner;
    struct conn_options options = {.open_ms_max = 5000};
    unsigned index = atomic_fetch_add(&worker->conns, 1);
    ck_assert_uint_lt(index, PEERS_MAX);
    struct peer *peer = &worker->peers[index];
    peer->worker = worker;
    peer->conn = conn_accept(worker->loop, fd, worker->tls, &options, &conn_events, peer);
}

/* --- the thread ------------------------------------------------------------------------------ */

static void note_stop(struct letter *letter, void *owner)
{
    loop_stop(((struct real_worker *)owner)->loop);
}

static void *run(void *arg)
{
    loop_run(((struct real_worker *)arg)->loop);
    return NULL;
}

struct real_worker *real_worker_start(const char *certificate, const char *key, bool dumb)
{
    char error[512] = "";
    struct address address;
    struct real_worker *worker = alloc_zeroed(sizeof(*worker));
    worker->dumb = dumb;
    worker->loop = loop_new();
    worker->mailbox = mailbox_open(worker->loop, 4, worker);
    worker->tls = tls_for_callers(certificate, key, TLS_CLIENT_OFF, error, sizeof(error));
    ck_assert_msg(worker->tls != NULL, "%s", error);
    ck_assert(address_parse(&address, SPAN_OF("127.0.0.1:0"), error, sizeof(error)));
    int fd = socket_listen(&address, false, error, sizeof(error));
    ck_assert_msg(fd >= 0 && socket_local(fd, &address), "%s", error);
    worker->port = ntohs(((struct sockaddr_in *)&address.storage)->sin_port);
    worker->listener = listener_open(worker->loop, fd, note_accept, worker);
    ck_assert_int_eq(pthread_create(&worker->thread, NULL, run, worker), 0);
    return worker;
}

void real_worker_stop(struct real_worker *worker)
{
    worker->stop.read = note_stop;
    ck_assert(mailbox_post(worker->mailbox, &worker->stop));
    ck_assert_int_eq(pthread_join(worker->thread, NULL), 0);
    for (unsigned i = 0; i < PEERS_MAX; ++i)
        end_peer(&worker->peers[i]);
    listener_close(worker->listener);
    mailbox_close(worker->mailbox);
    loop_free(worker->loop);
    tls_give(worker->tls);
    free(worker);
}

unsigned real_worker_port(const struct real_worker *worker)
{
    return worker->port;
}

unsigned real_worker_conns(struct real_worker *worker)
{
    return atomic_load(&worker->conns);
}

unsigned real_worker_ended(struct real_worker *worker)
{
    return atomic_load(&worker->ended);
}

unsigned real_worker_requests(struct real_worker *worker)
{
    return atomic_load(&worker->requests);
}

unsigned real_worker_bytes(struct real_worker *worker)
{
    return atomic_load(&worker->bytes);
}
