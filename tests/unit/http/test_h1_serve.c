/* HTTP/1.1 towards callers, with the raw bytes of good and of hostile ones. */
#include <stdio.h>

#include "ends.h"
#include "unit/checks.h"

static struct ends ends;

#define HOST "Host: a.example\r\n"

struct row {
    const char *text;
    int status;
};

/* Each is refused with this status, the connection closed, and nothing shown above. */
static const struct row hostile[] = {
    /* request line */
    {"GET /\r\n\r\n", 400},
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /  HTTP/1.1\r\n" HOST "\r\n", 400},
    {" GET / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400},
    {"GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"G@T / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GETGETGETGETGETGETGETGETGETGETGETGET / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET / http/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1,1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.10\r\n" HOST "\r\n", 400},
    {"GET / HTTP/01.1\r\n" HOST "\r\n", 400},
    {"GET / HTTPS/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
    {"GET / HTTP/1.2\r\n" HOST "\r\n", 505},
    {"GET / HTTP/0.9\r\n" HOST "\r\n", 505},
    {"GET / HTTP/1.1\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1\r" HOST "\r\n", 400},
    {"\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"\nGET / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a\\b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a\x01 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a\x7f HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET a HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET * HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET a.example:80 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET ftp://a.example/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET http://b.example/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET http:///x HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET http://me@a.example/ HTTP/1.1\r\nHost: me@a.example\r\n\r\n", 400},
    {"GET http://a.example/ HTTP/1.1\r\n\r\n", 400},
    {"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", 501},
    {"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 505},
    /* host */
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a.example/x\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: me@a.example\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
    /* fields */
    {"GET / HTTP/1.1\r\n" HOST "X : 1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST ": 1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X y: 1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X(: 1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X: 1\r\n 2\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X: 1\r\n\t2\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n X: 1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X: a\x01z\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X: a\x7fz\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X: a\rz\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X: a\nY: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X: a\r\n\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X: a\r\n\rX", 0}, /* not whole: nothing happens yet */
    {"GET / HTTP/1.1\r\n" HOST "Expect: tea\r\n\r\n", 417},
    {"GET / HTTP/1.1\r\n" HOST "Expect: 100-continue, tea\r\n\r\n", 417},
    /* length and coding */
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: -3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 03\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3 3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3a\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551619\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
     "\r\n0\r\n\r\n",
     400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked;a=1\r\n\r\n0\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n0\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\x0b"
     "chunked\r\n\r\n0\r\n\r\n",
     400},
    {"POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
};

#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

/* Malformed behind a head that was good: refused too; in one piece, nothing is shown. */
static const struct row hostile_bodies[] = {
    {CHUNKED "x\r\n", 400},
    {CHUNKED "\r\n", 400},
    {CHUNKED ";a\r\n", 400},
    {CHUNKED "+3\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "-3\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3_\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED " 3\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3 \r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3\t;a\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3\rabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3\r\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3\r\nabcd\r\n0\r\n\r\n", 400},
    {CHUNKED "3\r\nabc\n0\r\n\r\n", 400},
    {CHUNKED "3\r\nabc\r0\r\n\r\n", 400},
    {CHUNKED "3\r\nabc0\r\n\r\n", 400},
    {CHUNKED "00000000000000003\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "fffffffffffffffff\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "ffffffffffffffff\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3;\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3;=\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3;a=\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3;a=\"b\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3;a\x01\r\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "3;a\nabc\r\n0\r\n\r\n", 400},
    {CHUNKED "0\r\nX\r\n\r\n", 400},
    {CHUNKED "0\r\nX : 1\r\n\r\n", 400},
    {CHUNKED "0\r\n folded\r\n\r\n", 400},
    {CHUNKED "0\r\nX: 1\n\r\n", 400},
    {CHUNKED "0\r\n\n", 400},
};

static const char *status_line(int status)
{
    static char line[32];
    snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
    return line;
}

static void feed(const char *text, size_t chop)
{
    ends_init(&ends);
    ends_serve_raw(&ends, ALPN_HTTP11);
    fake_conn_chop(ends.worker.conn, chop);
    fake_conn_feed(ends.worker.conn, span_text(text));
    ends_settle(&ends);
}

static void check_refused(const struct row *row, bool shows_nothing)
{
    const char *wrote = fake_conn_wrote(ends.worker.conn).ptr;
    if (shows_nothing)
        ck_assert_msg(ends.worker.party_count == 0, "shown: %s", row->text);
    ck_assert_msg(ends.worker.bad_count == 1, "%u bad: %s", ends.worker.bad_count, row->text);
    ck_assert_msg(ends.worker.bads[0] == row->status, "%d: %s", ends.worker.bads[0], row->text);
    ck_assert_msg(strstr(wrote, status_line(row->status)) == wrote, "%s -> %s", row->text, wrote);
    ck_assert_ptr_nonnull(strstr(wrote, "connection: close\r\n"));
    ck_assert(ends.worker.ended);
    ck_assert(fake_conn_lingers(ends.worker.conn));
}

START_TEST(what_two_readers_could_read_in_two_ways_is_refused)
{
    for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); ++i) {
        feed(hostile[i].text, 0);
        if (hostile[i].status != 0) {
            check_refused(&hostile[i], true);
        } else {
            ck_assert_uint_eq(ends.worker.bad_count + ends.worker.party_count, 0);
            ck_assert(!ends.worker.ended);
        }
        ends_fini(&ends);
    }
    for (size_t i = 0; i < sizeof(hostile_bodies) / sizeof(*hostile_bodies); ++i) {
        feed(hostile_bodies[i].text, 0);
        check_refused(&hostile_bodies[i], true);
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(a_nul_byte_is_refused_wherever_it_stands)
{
    static const char text[] =
        "POST /a HTTP/1.1\r\nHost: a.example\r\nX: y\r\n"
        "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: 1\r\n\r\n";
    size_t data = (size_t)(strstr(text, "abc") - text);
    for (size_t at = 0; at < sizeof(text) - 1; ++at) {
        char broken[sizeof(text)];
        if (at >= data && at < data + 3)
            continue; /* in the body it is as good as any byte */
        memcpy(broken, text, sizeof(text));
        broken[at] = '\0';
        ends_init(&ends);
        ends_serve_raw(&ends, ALPN_HTTP11);
        fake_conn_feed(ends.worker.conn, span_of(broken, sizeof(text) - 1));
        ends_settle(&ends);
        /* The last LF may be missed: then the head or the trailers are only not whole. */
        ck_assert_msg(ends.worker.bad_count == 1 || at == sizeof(text) - 2 ||
                          at == sizeof(text) - 3,
                      "at %zu", at);
        ck_assert(ends.worker.party_count == 0 ||
                  !stream_is_ended(ends_nth(&ends.worker, 0)->stream));
        ends_fini(&ends);
    }
}
END_TEST

static const struct {
    const char *text;
    const char *method, *path, *authority, *body;
    int64_t length;
} good[] = {
    {"GET / HTTP/1.1\r\n" HOST "\r\n", "GET", "/", "a.example", "", -1},
    {"\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "GET", "/", "a.example", "", -1},
    {"GET /a?b=%20c&d HTTP/1.1\r\nhOST:a.example:8080  \r\n\r\n", "GET", "/a?b=%20c&d",
     "a.example:8080", "", -1},
    {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET", "/", "[::1]:80", "", -1},
    {"GET http://a.example HTTP/1.1\r\n" HOST "\r\n", "GET", "/", "a.example", "", -1},
    {"GET HTTPS://A.Example/x HTTP/1.1\r\n" HOST "\r\n", "GET", "/x", "a.example", "", -1},
    {"GET http://a.example?q HTTP/1.1\r\n" HOST "\r\n", "GET", "/?q", "a.example", "", -1},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS", "*", "a.example", "", -1},
    {"OPTIONS http://a.example HTTP/1.1\r\n" HOST "\r\n", "OPTIONS", "*", "a.example", "", -1},
    {"M-SEARCH /x HTTP/1.1\r\n" HOST "\r\n", "M-SEARCH", "/x", "a.example", "", -1},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", "POST", "/", "a.example", "abc", 3},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "POST", "/", "a.example", "", 0},
    {"POST / HTTP/1.0\r\n" HOST "Content-Length: 3\r\n\r\nabc", "POST", "/", "a.example", "abc", 3},
    {CHUNKED "3\r\nabc\r\n0\r\n\r\n", "POST", "/", "a.example", "abc", -1},
    {CHUNKED "0\r\n\r\n", "POST", "/", "a.example", "", -1},
    {CHUNKED "003;a;b=c;d=\"e;\\\"\"\r\nabc\r\nA\r\n0123456789\r\n00\r\nT: 1\r\n\r\n", "POST", "/",
     "a.example", "abc0123456789", -1},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n1\r\n\n\r\n0\r\n\r\n", "POST",
     "/", "a.example", "\n", -1},
    {"GET / HTTP/1.1\r\n" HOST "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
     "HTTP2-Settings: AAMA\r\n\r\n",
     "GET", "/", "a.example", "", -1},
    {"GET / HTTP/1.0\r\n\r\n", "GET", "/", "", "", -1},
};

START_TEST(what_is_well_formed_is_shown_as_it_came)
{
    for (size_t chop = 0; chop < 3; ++chop) {
        for (size_t i = 0; i < sizeof(good) / sizeof(*good); ++i) {
            feed(good[i].text, chop);
            ck_assert_msg(ends.worker.party_count == 1, "not shown: %s", good[i].text);
            struct party *party = ends_nth(&ends.worker, 0);
            const struct head *head = stream_head(party->stream);
            ck_assert(span_is(head->method, span_text(good[i].method)));
            ck_assert(span_is(head->path, span_text(good[i].path)));
            ck_assert(span_is(head->authority, span_text(good[i].authority)));
            ck_assert_str_eq(party->body, good[i].body);
            ck_assert_int_eq(stream_length(party->stream), good[i].length);
            ck_assert(stream_is_ended(party->stream));
            ck_assert_int_eq(stream_fate(party->stream), STREAM_WHOLE);
            for (uint32_t k = 0; k < head->field_count; ++k)
                ck_assert(!span_is(head->fields[k].name, SPAN_OF("host")) &&
                          !span_is(head->fields[k].name, SPAN_OF("connection")) &&
                          !span_is(head->fields[k].name, SPAN_OF("upgrade")) &&
                          !span_is(head->fields[k].name, SPAN_OF("http2-settings")));
            ends_fini(&ends);
        }
    }
}
END_TEST

START_TEST(byte_by_byte_gives_what_one_piece_gives)
{
    for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); ++i) {
        feed(hostile[i].text, 1);
        if (hostile[i].status != 0)
            check_refused(&hostile[i], true);
        ends_fini(&ends);
    }
    for (size_t i = 0; i < sizeof(hostile_bodies) / sizeof(*hostile_bodies); ++i) {
        feed(hostile_bodies[i].text, 1);
        check_refused(&hostile_bodies[i], false);
        ends_fini(&ends);
    }
    /* With a turn for each byte as well, the head is shown before the body turns out bad. */
    for (size_t i = 0; i < sizeof(hostile_bodies) / sizeof(*hostile_bodies); ++i) {
        ends_init(&ends);
        ends_serve_raw(&ends, ALPN_HTTP11);
        for (const char *at = hostile_bodies[i].text; *at != '\0' && !ends.worker.ended; ++at) {
            fake_conn_feed(ends.worker.conn, span_of(at, 1));
            ends_settle(&ends);
        }
        check_refused(&hostile_bodies[i], false);
        ck_assert_uint_eq(ends.worker.party_count, 1);
        ck_assert_int_eq(stream_fate(ends_nth(&ends.worker, 0)->stream), STREAM_INVALID);
        ck_assert(!stream_is_ended(ends_nth(&ends.worker, 0)->stream));
        ends_fini(&ends);
    }
}
END_TEST

static char *repeat(const char *before, char c, size_t count, const char *after)
{
    size_t a = strlen(before), b = strlen(after);
    char *text = calloc(1, a + count + b + 1);
    memcpy(text, before, a);
    memset(text + a, c, count);
    memcpy(text + a + count, after, b);
    return text;
}

static void check_limit(const char *before, char c, size_t count, const char *after, int status)
{
    char *text = repeat(before, c, count, after);
    for (size_t chop = 0; chop < 1001; chop += 1000) {
        feed(text, chop);
        ck_assert_msg(ends.worker.party_count == (status == 0), "%s x %zu", before, count);
        if (status != 0) {
            ck_assert_uint_eq(ends.worker.bad_count, 1);
            ck_assert_int_eq(ends.worker.bads[0], status);
            ck_assert(ends.worker.ended);
        }
        ends_fini(&ends);
    }
    free(text);
}

START_TEST(each_limit_holds_below_at_and_above)
{
    /* The target: one byte is the slash. */
    check_limit("GET /", 'a', 16382, " HTTP/1.1\r\n" HOST "\r\n", 0);
    check_limit("GET /", 'a', 16383, " HTTP/1.1\r\n" HOST "\r\n", 0);
    check_limit("GET /", 'a', 16384, " HTTP/1.1\r\n" HOST "\r\n", 414);
    check_limit("GET /", 'a', 100000, " HTTP/1.1\r\n" HOST "\r\n", 414);
    /* All of the head, counted with 32 for each field: GET and / and host cost 32 * 3 + 17. */
    check_limit("GET / HTTP/1.1\r\n" HOST "X: ", 'a', 65536 - 113 - 33 - 1, "\r\n\r\n", 0);
    check_limit("GET / HTTP/1.1\r\n" HOST "X: ", 'a', 65536 - 113 - 33, "\r\n\r\n", 0);
    check_limit("GET / HTTP/1.1\r\n" HOST "X: ", 'a', 65536 - 113 - 33 + 1, "\r\n\r\n", 431);
    check_limit("GET / HTTP/1.1\r\n" HOST "X: ", 'a', 200000, "\r\n\r\n", 431);
    /* A name. */
    check_limit("GET / HTTP/1.1\r\n" HOST, 'a', 256, ": 1\r\n\r\n", 0);
    check_limit("GET / HTTP/1.1\r\n" HOST, 'a', 257, ": 1\r\n\r\n", 431);
    /* Chunk extensions: ";" and the CR are counted with the name. */
    check_limit(CHUNKED "0;", 'a', 8190, "\r\n\r\n", 0);
    check_limit(CHUNKED "0;", 'a', 8191, "\r\n\r\n", 0);
    check_limit(CHUNKED "0;", 'a', 8192, "\r\n\r\n", 400);

    static const struct {
        int fields, status;
    } rows[] = {{99, 0}, {100, 0}, {101, 431}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        char *text = calloc(1, 4096);
        strncat(text, "GET / HTTP/1.1\r\n" HOST, 100);
        for (int k = 1; k < rows[i].fields; ++k)
            strncat(text, "Cookie: a=b\r\n", 20);
        strncat(text, "\r\n", 3);
        feed(text, 0);
        ck_assert_uint_eq(ends.worker.party_count, rows[i].status == 0);
        if (rows[i].status != 0)
            ck_assert_int_eq(ends.worker.bads[0], rows[i].status);
        ends_fini(&ends);
        free(text);
    }
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    feed("GET /1 HTTP/1.1\r\n" HOST "\r\nPOST /2 HTTP/1.1\r\n" HOST
         "Content-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\n" HOST "\r\n",
         0);
    static const char *const paths[] = {"/1", "/2", "/3"};
    for (unsigned i = 0; i < 3; ++i) {
        ck_assert_uint_eq(ends.worker.party_count, i + 1);
        struct party *party = ends_nth(&ends.worker, i);
        ck_assert(span_is(stream_head(party->stream)->path, span_text(paths[i])));
        ck_assert_str_eq(party->body, i == 1 ? "abc" : "");
        ends_reply(party, 200, paths[i]);
        ends_settle(&ends);
        ck_assert(stream_is_sent(party->stream));
        ends_release(party);
        ends_settle(&ends);
    }
    const char *wrote = fake_conn_wrote(ends.worker.conn).ptr;
    const char *one = strstr(wrote, "\r\n\r\n/1HTTP/1.1 200 OK");
    const char *two = strstr(wrote, "\r\n\r\n/2HTTP/1.1 200 OK");
    ck_assert_ptr_nonnull(one);
    ck_assert_ptr_nonnull(two);
    ck_assert(one < two);
    ck_assert(!ends.worker.ended);
    ends_fini(&ends);
}
END_TEST

START_TEST(framing_follows_what_the_caller_can_read)
{
    static const struct {
        const char *request;
        int status;
        const char *length, *body, *has, *has_not, *tail;
        bool parts, ends;
    } rows[] = {
        {"GET / HTTP/1.1\r\n" HOST "\r\n", 200, NULL, "hello", "content-length: 5\r\n", "chunked",
         "\r\n\r\nhello", false, false},
        {"GET / HTTP/1.1\r\n" HOST "\r\n", 200, NULL, "hello", "transfer-encoding: chunked\r\n",
         "content-length", "\r\n\r\n5\r\nhello\r\n0\r\n\r\n", true, false},
        {"GET / HTTP/1.1\r\n" HOST "\r\n", 200, "5", "hello", "content-length: 5\r\n", "chunked",
         "\r\n\r\nhello", true, false},
        {"GET / HTTP/1.0\r\n" HOST "\r\n", 200, NULL, "hello", "connection: close\r\n", "chunked",
         "\r\n\r\nhello", true, true},
        {"GET / HTTP/1.0\r\n" HOST "\r\n", 200, "5", "hello", "content-length: 5\r\n", "chunked",
         "\r\n\r\nhello", true, true},
        {"GET / HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\n", 200, "5", "hello",
         "connection: close\r\n", "chunked", "\r\n\r\nhello", true, true},
        {"HEAD / HTTP/1.1\r\n" HOST "\r\n", 200, "5", "hello", "content-length: 5\r\n", "chunked",
         "\r\n\r\n", true, false},
        {"HEAD / HTTP/1.1\r\n" HOST "\r\n", 200, NULL, "hello", "HTTP/1.1 200 OK\r\n", "chunked",
         "\r\n\r\n", true, false},
        {"GET / HTTP/1.1\r\n" HOST "\r\n", 204, "0", "", "HTTP/1.1 204 No Content\r\n",
         "content-length", "\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\n" HOST "\r\n", 304, "5", "", "content-length: 5\r\n", "chunked",
         "\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\n" HOST "\r\n", 200, NULL, "", "content-length: 0\r\n", "chunked",
         "\r\n\r\n", false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        feed(rows[i].request, 0);
        struct party *party = ends_nth(&ends.worker, 0);
        struct head *head = ends_answer(rows[i].status);
        if (rows[i].length != NULL)
            ends_add(head, "content-length", rows[i].length);
        ends_add(head, "transfer-encoding", "gzip"); /* ours alone, so it never goes */
        stream_send_head(party->stream, head, false);
        if (rows[i].parts)
            ends_settle(&ends);
        if (*rows[i].body != '\0')
            ends_send(party, rows[i].body);
        if (rows[i].parts)
            ends_settle(&ends);
        ck_assert(!stream_is_sent(party->stream));
        stream_send_end(party->stream, NULL);
        ends_settle(&ends);
        struct span wrote = fake_conn_wrote(ends.worker.conn);
        ck_assert_msg(stream_is_sent(party->stream), "row %zu", i);
        ck_assert_msg(strstr(wrote.ptr, rows[i].has) != NULL, "row %zu: %s", i, wrote.ptr);
        ck_assert_msg(strstr(wrote.ptr, rows[i].has_not) == NULL, "row %zu: %s", i, wrote.ptr);
        ck_assert_ptr_null(strstr(wrote.ptr, "gzip"));
        ck_assert_ptr_nonnull(strstr(wrote.ptr, "\r\ndate: "));
        size_t tail = strlen(rows[i].tail);
        ck_assert_msg(wrote.len > tail &&
                          memcmp(wrote.ptr + wrote.len - tail, rows[i].tail, tail) == 0,
                      "row %zu: %s", i, wrote.ptr);
        ck_assert_msg(ends.worker.ended == rows[i].ends, "row %zu", i);
        if (rows[i].ends)
            ck_assert(fake_conn_lingers(ends.worker.conn));
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(trailers_go_to_those_who_said_so_and_come_without_what_is_barred)
{
    feed("POST / HTTP/1.1\r\n" HOST "TE: trailers, deflate;q=0.5\r\nConnection: TE\r\n"
         "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nSum: 7\r\nContent-Length: 9\r\n"
         "Host: b\r\nAuthorization: Bearer x\r\n\r\n",
         0);
    struct party *party = ends_nth(&ends.worker, 0);
    ck_assert(stream_takes_trailers(party->stream));
    ck_assert_uint_eq(stream_trailers(party->stream)->field_count, 1);
    ck_assert_str_eq(ends_value(stream_trailers(party->stream), "sum"), "7");
    struct head *trailers = head_new(1000, 4);
    ends_add(trailers, "agent-cost", "12");
    stream_send_head(party->stream, ends_answer(200), false);
    ends_send(party, "x");
    stream_send_end(party->stream, trailers);
    ends_settle(&ends);
    ck_assert_ptr_nonnull(strstr(fake_conn_wrote(ends.worker.conn).ptr,
                                 "\r\n\r\n1\r\nx\r\n0\r\nagent-cost: 12\r\n\r\n"));
    ends_fini(&ends);

    feed("GET / HTTP/1.1\r\n" HOST "\r\n", 0);
    party = ends_nth(&ends.worker, 0);
    ck_assert(!stream_takes_trailers(party->stream));
    trailers = head_new(1000, 4);
    ends_add(trailers, "agent-cost", "12");
    stream_send_head(party->stream, ends_answer(200), false);
    stream_send_end(party->stream, trailers);
    ends_settle(&ends);
    ck_assert_ptr_null(strstr(fake_conn_wrote(ends.worker.conn).ptr, "agent-cost"));
    ck_assert(stream_is_sent(party->stream));
    ends_fini(&ends);
}
END_TEST

START_TEST(continue_is_sent_when_asked_and_its_lack_closes)
{
    static const char request[] = "POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\n"
                                  "Content-Length: 3\r\n\r\n";
    feed(request, 0);
    struct party *party = ends_nth(&ends.worker, 0);
    ck_assert(stream_expects_continue(party->stream));
    ck_assert_ptr_null(head_find(stream_head(party->stream), SPAN_OF("expect")));
    stream_send_continue(party->stream);
    ends_settle(&ends);
    ck_assert_str_eq(fake_conn_wrote(ends.worker.conn).ptr, "HTTP/1.1 100 Continue\r\n\r\n");
    fake_conn_feed(ends.worker.conn, SPAN_OF("abc"));
    ends_settle(&ends);
    ck_assert_str_eq(party->body, "abc");
    ends_reply(party, 200, "x");
    ends_settle(&ends);
    ck_assert(!ends.worker.ended);
    ends_fini(&ends);

    /* Whether the body still comes nobody can tell, so nothing behind it may be read as a request.
     */
    feed(request, 0);
    party = ends_nth(&ends.worker, 0);
    ends_reply(party, 403, "x");
    ends_settle(&ends);
    ck_assert(stream_is_sent(party->stream));
    ck_assert_ptr_nonnull(strstr(fake_conn_wrote(ends.worker.conn).ptr, "connection: close\r\n"));
    ends_release(party);
    fake_conn_feed(ends.worker.conn, SPAN_OF("GET /smuggled HTTP/1.1\r\n" HOST "\r\n"));
    ends_settle(&ends);
    ck_assert_uint_eq(ends.worker.party_count, 1);
    ck_assert(ends.worker.ended);
    ck_assert(fake_conn_lingers(ends.worker.conn));
    ends_fini(&ends);
}
END_TEST

START_TEST(an_early_answer_leaves_and_the_rest_of_the_request_is_not_read)
{
    feed("POST / HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nabc", 0);
    struct party *party = ends_nth(&ends.worker, 0);
    ends_reply(party, 413, "too much");
    ends_settle(&ends);
    ck_assert(stream_is_sent(party->stream));
    ck_assert(!ends.worker.ended);
    ends_release(party);
    ends_settle(&ends);
    ck_assert(ends.worker.ended);
    ck_assert(fake_conn_lingers(ends.worker.conn));
    ck_assert_ptr_nonnull(strstr(fake_conn_wrote(ends.worker.conn).ptr, "too much"));
    ends_fini(&ends);
}
END_TEST

START_TEST(a_reset_cuts_the_answer_so_that_it_is_seen)
{
    static const struct {
        const char *request, *last;
        bool lingers;
    } rows[] = {{"GET / HTTP/1.1\r\n" HOST "\r\n", "4\r\npart\r\n", true},
                {"GET / HTTP/1.0\r\n" HOST "\r\n", "part", false}};
    for (int i = 0; i < 2; ++i) {
        feed(rows[i].request, 0);
        struct party *party = ends_nth(&ends.worker, 0);
        stream_send_head(party->stream, ends_answer(200), false);
        ends_send(party, "part");
        ends_settle(&ends);
        unsigned notes = party->notes;
        stream_reset(party->stream, RESET_INTERNAL);
        ends_settle(&ends);
        ck_assert(ends.worker.ended);
        struct span wrote = fake_conn_wrote(ends.worker.conn);
        size_t last = strlen(rows[i].last);
        ck_assert(memcmp(wrote.ptr + wrote.len - last, rows[i].last, last) == 0);
        ck_assert_int_eq(fake_conn_lingers(ends.worker.conn), rows[i].lingers);
        ck_assert_uint_eq(party->notes, notes);
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(what_the_user_does_not_take_stays_within_the_window)
{
    ends_init(&ends);
    ends.worker.greedy = false;
    ends.worker.options.stream_window_bytes = 10000;
    ends_serve_raw(&ends, ALPN_HTTP11);
    char *body = repeat("POST / HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n", 'a', 1000000,
                        "GET /next HTTP/1.1\r\n" HOST "\r\n");
    fake_conn_feed(ends.worker.conn, span_text(body));
    ends_settle(&ends);
    struct party *party = ends_nth(&ends.worker, 0);
    ck_assert_uint_eq(stream_bytes(party->stream), 10000);
    size_t got = 0;
    while (got < 1000000) {
        size_t step = stream_bytes(party->stream);
        ck_assert_uint_gt(step, 0);
        ck_assert_uint_le(step, 10000);
        stream_take(party->stream, step < 3000 ? step : 3000);
        got += step < 3000 ? step : 3000;
        ends_settle(&ends);
    }
    ck_assert(stream_is_ended(party->stream));
    ck_assert_uint_eq(stream_bytes(party->stream), 0);
    ck_assert_uint_eq(ends.worker.party_count, 1);
    ends_reply(party, 200, "ok");
    ends_settle(&ends);
    ck_assert_uint_eq(ends.worker.party_count, 2);
    free(body);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_slow_head_is_408_and_an_idle_connection_ends_in_order)
{
    feed("GET / HTTP/1.1\r\nHos", 0);
    fake_loop_advance(ends.loop, ends.worker.options.head_ms_max - 1);
    fake_conn_feed(ends.worker.conn, SPAN_OF("t"));
    ends_settle(&ends);
    ck_assert_uint_eq(ends.worker.bad_count, 0);
    fake_loop_advance(ends.loop, 1);
    ends_settle(&ends);
    ck_assert_uint_eq(ends.worker.bad_count, 1);
    ck_assert_int_eq(ends.worker.bads[0], 408);
    ck_assert(ends.worker.ended);
    ends_fini(&ends);

    feed("GET / HTTP/1.1\r\n" HOST "\r\n", 0);
    ends_reply(ends_nth(&ends.worker, 0), 200, "x");
    ends_settle(&ends);
    fake_loop_advance(ends.loop, ends.worker.options.idle_ms_max - 1);
    ends_settle(&ends);
    ck_assert(!ends.worker.ended);
    fake_loop_advance(ends.loop, 1);
    ends_settle(&ends);
    ck_assert(ends.worker.ended);
    ck_assert(fake_conn_lingers(ends.worker.conn));
    ends_fini(&ends);
}
END_TEST

START_TEST(a_drain_finishes_the_exchange_and_says_close)
{
    feed("GET / HTTP/1.1\r\n" HOST "\r\n", 0);
    http_drain(ends.worker.http);
    ends_settle(&ends);
    ck_assert(!ends.worker.ended);
    ends_reply(ends_nth(&ends.worker, 0), 200, "x");
    ends_settle(&ends);
    ck_assert_ptr_nonnull(strstr(fake_conn_wrote(ends.worker.conn).ptr, "connection: close\r\n"));
    ck_assert(ends.worker.ended);
    ends_fini(&ends);

    feed("", 0);
    http_drain(ends.worker.http);
    ends_settle(&ends);
    ck_assert(ends.worker.ended);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_caller_who_leaves_is_told_to_the_user)
{
    feed("POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc", 0);
    fake_conn_end(ends.worker.conn, CONN_EOF);
    ends_settle(&ends);
    struct party *party = ends_nth(&ends.worker, 0);
    ck_assert_int_eq(stream_fate(party->stream), STREAM_LOST);
    ck_assert(!stream_is_ended(party->stream));
    ck_assert(ends.worker.ended);
    ends_fini(&ends);
}
END_TEST

START_TEST(cleartext_is_either_version_by_its_first_bytes)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    for (size_t chop = 0; chop < 2; ++chop) {
        ends_init(&ends);
        ends_serve_raw(&ends, ALPN_NONE);
        fake_conn_chop(ends.worker.conn, chop);
        fake_conn_feed(ends.worker.conn, span_of(preface, sizeof(preface) - 1));
        ends_settle(&ends);
        ck_assert_str_eq(http_version(ends.worker.http), "HTTP/2");
        ck_assert_uint_gt(fake_conn_wrote(ends.worker.conn).len, 9);
        ends_fini(&ends);

        ends_init(&ends);
        ends_serve_raw(&ends, ALPN_NONE);
        fake_conn_chop(ends.worker.conn, chop);
        fake_conn_feed(ends.worker.conn, SPAN_OF("PUT / HTTP/1.1\r\n" HOST "\r\n"));
        ends_settle(&ends);
        ck_assert_str_eq(http_version(ends.worker.http), "HTTP/1.1");
        ck_assert_uint_eq(ends.worker.party_count, 1);
        ck_assert(span_is(stream_head(ends_nth(&ends.worker, 0)->stream)->scheme, SPAN_OF("http")));
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(a_full_conn_is_written_to_as_it_empties)
{
    feed("GET / HTTP/1.1\r\n" HOST "\r\n", 0);
    struct party *party = ends_nth(&ends.worker, 0);
    fake_conn_stall(ends.worker.conn, true);
    stream_send_head(party->stream, ends_answer(200), false);
    char piece[1000];
    memset(piece, 'p', sizeof(piece));
    size_t given = 0;
    while (stream_room(party->stream) >= sizeof(piece)) {
        stream_send(party->stream, span_of(piece, sizeof(piece)));
        given += sizeof(piece);
        ends_settle(&ends);
    }
    /* The conn's 64 KiB and ours. */
    ck_assert_uint_gt(given, 64000);
    ck_assert_uint_lt(given, 65536 + 32768);
    ck_assert_uint_le(stream_sent_bytes(party->stream), 65536);
    fake_conn_stall(ends.worker.conn, false);
    ends_settle(&ends);
    ck_assert_uint_eq(stream_sent_bytes(party->stream), given);
    stream_send_end(party->stream, NULL);
    ends_settle(&ends);
    ck_assert(stream_is_sent(party->stream));
    ends_fini(&ends);
}
END_TEST

START_TEST(after_so_many_requests_the_connection_ends)
{
    ends_init(&ends);
    ends.worker.options.requests_max = 2;
    ends_serve_raw(&ends, ALPN_HTTP11);
    for (unsigned i = 0; i < 2; ++i) {
        fake_conn_feed(ends.worker.conn, SPAN_OF("GET / HTTP/1.1\r\n" HOST "\r\n"));
        ends_settle(&ends);
        ck_assert_uint_eq(ends.worker.party_count, i + 1);
        ends_reply(ends_nth(&ends.worker, i), 200, "x");
        ends_settle(&ends);
        ck_assert_int_eq(ends.worker.ended, i == 1);
    }
    ends_fini(&ends);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_two_readers_could_read_in_two_ways_is_refused,
        a_nul_byte_is_refused_wherever_it_stands,
        what_is_well_formed_is_shown_as_it_came,
        byte_by_byte_gives_what_one_piece_gives,
        each_limit_holds_below_at_and_above,
        pipelined_requests_are_answered_in_order,
        framing_follows_what_the_caller_can_read,
        trailers_go_to_those_who_said_so_and_come_without_what_is_barred,
        continue_is_sent_when_asked_and_its_lack_closes,
        an_early_answer_leaves_and_the_rest_of_the_request_is_not_read,
        a_reset_cuts_the_answer_so_that_it_is_seen,
        what_the_user_does_not_take_stays_within_the_window,
        a_slow_head_is_408_and_an_idle_connection_ends_in_order,
        a_drain_finishes_the_exchange_and_says_close,
        a_caller_who_leaves_is_told_to_the_user,
        cleartext_is_either_version_by_its_first_bytes,
        a_full_conn_is_written_to_as_it_empties,
        after_so_many_requests_the_connection_ends,
        NULL,
    };
    return checks_run("h1_serve", tests);
}
