/* Two ends of an HTTP connection on fakes, and users of streams that do what a test tells them.
 * It owns the loop, the conns, the connections and what was received. It never takes more bytes of
 * a body than a test allows. */
#ifndef ENDS_H
#define ENDS_H

#include "fakes/fake_conn.h"
#include "fakes/fake_loop.h"
#include "http/http.h"

enum { PARTIES_MAX = 64, BADS_MAX = 64 };

/* The user of one stream at one end. */
struct party {
    struct stream *stream;
    unsigned notes;
    bool greedy; /* takes all that comes */
    char *body;  /* what it took */
    size_t bytes;
    bool gone; /* released */
};

struct end {
    struct http *http;
    struct conn *conn;
    struct http_options options;
    struct party parties[PARTIES_MAX];
    unsigned party_count;
    unsigned rooms;
    bool greedy; /* for the parties of requests that come */
    bool ended;
    enum conn_end end;
    int bads[BADS_MAX];
    unsigned bad_count;
    enum http_guard guard; /* the last that acted */
    const char *why;
};

struct ends {
    struct loop *loop;
    struct end caller; /* the client */
    struct end worker; /* the server */
};

/* Both ends on joined conns, and settled. */
void ends_join(struct ends *ends, enum conn_alpn alpn);
/* Options may be changed between these two. */
void ends_init(struct ends *ends);
void ends_open(struct ends *ends, enum conn_alpn alpn);
/* One end alone; the test is the peer. */
void ends_serve_raw(struct ends *ends, enum conn_alpn alpn);
void ends_ask_raw(struct ends *ends, enum conn_alpn alpn);
void ends_fini(struct ends *ends);
void ends_settle(struct ends *ends);

struct head *ends_request(const char *method, const char *path);
struct head *ends_answer(int status);
void ends_add(struct head *head, const char *name, const char *value);
/* The value of the first field of that name, NUL-ended, or "". */
const char *ends_value(const struct head *head, const char *name);

/* Opens a stream; its party is greedy. */
struct party *ends_ask(struct ends *ends, struct head *request, bool ended);
/* The n-th request that came. */
struct party *ends_nth(struct end *end, unsigned index);
void ends_send(struct party *party, const char *text);
/* A short whole answer. */
void ends_reply(struct party *party, int status, const char *body);
void ends_release(struct party *party);

#endif
