/* HTTP/1.1 towards workers: their answers, good and broken, and both ends of ours together. */
#include <stdio.h>

#include "ends.h"
#include "unit/checks.h"

static struct ends ends;

#define OK "HTTP/1.1 200 OK\r\n"

/* Asks, and plays the worker with `text`; then the worker's end, if any. */
static struct party *ask(const char *method, const char *text, size_t len, enum conn_end end,
                         size_t chop)
{
    ends_init(&ends);
    ends_ask_raw(&ends, ALPN_HTTP11);
    struct party *party = ends_ask(&ends, ends_request(method, "/ipfs/x"), true);
    ends_settle(&ends);
    fake_conn_chop(ends.caller.conn, chop);
    fake_conn_feed(ends.caller.conn, span_of(text, len));
    if (end != CONN_NOT_ENDED)
        fake_conn_end(ends.caller.conn, end);
    ends_settle(&ends);
    return party;
}

static const struct {
    const char *method, *text;
    int status;
    const char *body;
    bool keeps, closes;
} good[] = {
    {"GET", OK "Content-Length: 5\r\n\r\nhello", 200, "hello", true, false},
    {"GET", OK "content-length:0\r\n\r\n", 200, "", true, false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello", true,
     false},
    {"GET", OK "\r\nhello", 200, "hello", false, true},
    {"GET", OK "\r\n", 200, "", false, true},
    {"GET", OK "Connection: close\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", false, false},
    {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", false, false},
    {"GET", "HTTP/1.1 404 \r\nContent-Length: 2\r\n\r\nno", 404, "no", true, false},
    {"GET", "HTTP/1.1 404\r\nContent-Length: 2\r\n\r\nno", 404, "no", true, false},
    {"GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true, false},
    {"GET", "HTTP/1.1 304 x\r\nContent-Length: 50\r\n\r\n", 304, "", true, false},
    {"HEAD", OK "Content-Length: 50\r\n\r\n", 200, "", true, false},
    {"HEAD", OK "Transfer-Encoding: chunked\r\n\r\n", 200, "", true, false},
    {"GET",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK
     "Content-Length: 5\r\n\r\nhello",
     200, "hello", true, false},
};

START_TEST(a_well_formed_answer_arrives_and_the_connection_goes_on_if_it_may)
{
    for (size_t chop = 0; chop < 3; ++chop) {
        for (size_t i = 0; i < sizeof(good) / sizeof(*good); ++i) {
            struct party *party = ask(good[i].method, good[i].text, strlen(good[i].text),
                                      good[i].closes ? CONN_EOF : CONN_NOT_ENDED, chop);
            ck_assert_msg(stream_head(party->stream) != NULL, "%s", good[i].text);
            ck_assert_int_eq(stream_head(party->stream)->status, good[i].status);
            ck_assert_str_eq(party->body, good[i].body);
            ck_assert_msg(stream_is_ended(party->stream), "%s", good[i].text);
            ck_assert_int_eq(stream_fate(party->stream), STREAM_WHOLE);
            ck_assert_int_eq(ends.caller.ended, !good[i].keeps);
            if (good[i].keeps)
                ck_assert_uint_eq(http_room(ends.caller.http), 1);
            ends_fini(&ends);
        }
    }
}
END_TEST

static const struct {
    const char *text;
    bool headed; /* the head was good */
} invalid[] = {
    {"<html>hello</html>\r\n", false},
    {"\r\n" OK "Content-Length: 0\r\n\r\n", false},
    {"HTTP/2.0 200 OK\r\n\r\n", false},
    {"HTTP/1.2 200 OK\r\n\r\n", false},
    {"http/1.1 200 OK\r\n\r\n", false},
    {"HTTP/1.1  200 OK\r\n\r\n", false},
    {"HTTP/1.1 20 OK\r\n\r\n", false},
    {"HTTP/1.1 2000 OK\r\n\r\n", false},
    {"HTTP/1.1 099 OK\r\n\r\n", false},
    {"HTTP/1.1 600 OK\r\n\r\n", false},
    {"HTTP/1.1 2x0 OK\r\n\r\n", false},
    {"HTTP/1.1 200 O\x01K\r\n\r\n", false},
    {"HTTP/1.1 200 OK\n\r\n", false},
    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", false},
    {"HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n", false},
    {"HTTP/1.1 204 x\r\nContent-Length: 3\r\n\r\nabc", false},
    {"HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false},
    {OK "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false},
    {OK "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", false},
    {OK "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", false},
    {OK "Content-Length: 3,3\r\n\r\nabc", false},
    {OK "Content-Length: +3\r\n\r\nabc", false},
    {OK "Content-Length: 03\r\n\r\nabc", false},
    {OK "Content-Length: \r\n\r\nabc", false},
    {OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", false},
    {OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false},
    {OK "Transfer-Encoding: identity\r\n\r\nabc", false},
    {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false},
    {OK "X: 1\r\n folded\r\n\r\n", false},
    {OK " X: 1\r\n\r\n", false},
    {OK "X : 1\r\n\r\n", false},
    {OK ": 1\r\n\r\n", false},
    {OK "X\r\n\r\n", false},
    {OK "X: 1\n\r\n", false},
    {OK "X: a\x01\r\n\r\n", false},
    {OK "X: a\rb\r\n\r\n", false},
    {OK "Transfer-Encoding: chunked\r\n\r\nx\r\n", true},
    {OK "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", true},
    {OK "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", true},
    {OK "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", true},
    {OK "Transfer-Encoding: chunked\r\n\r\n0\r\nX\r\n\r\n", true},
};

START_TEST(a_broken_answer_is_invalid_and_its_connection_ends)
{
    for (size_t chop = 0; chop < 2; ++chop) {
        for (size_t i = 0; i < sizeof(invalid) / sizeof(*invalid); ++i) {
            struct party *party =
                ask("GET", invalid[i].text, strlen(invalid[i].text), CONN_NOT_ENDED, chop);
            ck_assert_msg(stream_fate(party->stream) == STREAM_INVALID, "%s", invalid[i].text);
            ck_assert_msg(!stream_is_ended(party->stream), "%s", invalid[i].text);
            ck_assert_int_eq(stream_head(party->stream) != NULL, invalid[i].headed);
            ck_assert(ends.caller.ended);
            ck_assert(!fake_conn_lingers(ends.caller.conn));
            ends_fini(&ends);
        }
    }
}
END_TEST

START_TEST(a_nul_in_a_head_is_invalid)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n";
    struct party *party = ask("GET", text, sizeof(text) - 1, CONN_NOT_ENDED, 0);
    ck_assert_int_eq(stream_fate(party->stream), STREAM_INVALID);
    ends_fini(&ends);
}
END_TEST

START_TEST(an_answer_that_stops_short_is_lost_and_never_ends_cleanly)
{
    static const char *const cut[] = {"",
                                      "HT",
                                      "hello",
                                      OK,
                                      OK "Content-Length: 5\r\n\r\n",
                                      OK "Content-Length: 5\r\n\r\nhell",
                                      OK "Transfer-Encoding: chunked\r\n\r\n",
                                      OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello",
                                      OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                                      OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
                                      "HTTP/1.1 100 Continue\r\n\r\n"};
    for (size_t i = 0; i < sizeof(cut) / sizeof(*cut); ++i) {
        struct party *party = ask("GET", cut[i], strlen(cut[i]), CONN_EOF, 0);
        ck_assert_msg(stream_fate(party->stream) == STREAM_LOST, "%s", cut[i]);
        ck_assert(!stream_is_ended(party->stream));
        ck_assert(ends.caller.ended);
        ends_fini(&ends);
    }
    struct party *party = ask("GET", OK "\r\nhello", strlen(OK "\r\nhello"), CONN_RESET, 0);
    ck_assert_int_eq(stream_fate(party->stream), STREAM_LOST);
    ck_assert(!stream_is_ended(party->stream));
    ends_fini(&ends);
}
END_TEST

START_TEST(interim_answers_are_skipped_up_to_eight)
{
    for (int count = 7; count <= 9; ++count) {
        char text[1024] = "";
        for (int i = 0; i < count; ++i)
            strncat(text, "HTTP/1.1 102 Processing\r\n\r\n", 64);
        strncat(text, OK "Content-Length: 0\r\n\r\n", 64);
        struct party *party = ask("GET", text, strlen(text), CONN_NOT_ENDED, 0);
        ck_assert_int_eq(stream_fate(party->stream), count <= 8 ? STREAM_WHOLE : STREAM_INVALID);
        ck_assert_int_eq(stream_is_ended(party->stream), count <= 8);
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(a_head_over_its_limit_is_too_large)
{
    static const struct {
        size_t bytes;
        enum stream_end fate;
    } rows[] = {{65000, STREAM_WHOLE}, {66000, STREAM_TOO_LARGE}, {300000, STREAM_TOO_LARGE}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        char *text = calloc(1, rows[i].bytes + 100);
        static const char begin[] = OK "Content-Length: 0\r\nX: ";
        size_t len = sizeof(begin) - 1;
        memcpy(text, begin, len);
        memset(text + len, 'a', rows[i].bytes);
        memcpy(text + len + rows[i].bytes, "\r\n\r\n", 4);
        struct party *party = ask("GET", text, len + rows[i].bytes + 4, CONN_NOT_ENDED, 0);
        ck_assert_int_eq(stream_fate(party->stream), rows[i].fate);
        free(text);
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(bytes_that_nobody_asked_for_end_the_connection)
{
    /* Behind an answer, on an idle connection. */
    static const char two[] = OK "Content-Length: 2\r\n\r\nno" OK "Content-Length: 4\r\n\r\nfake";
    struct party *party = ask("GET", two, sizeof(two) - 1, CONN_NOT_ENDED, 0);
    ck_assert_str_eq(party->body, "no");
    ck_assert_int_eq(stream_fate(party->stream), STREAM_WHOLE);
    ck_assert(ends.caller.ended);
    ends_fini(&ends);

    /* Before the request has gone: it never will, so it may be tried elsewhere. */
    ends_init(&ends);
    ends_ask_raw(&ends, ALPN_HTTP11);
    fake_conn_feed(ends.caller.conn, SPAN_OF(OK "Content-Length: 4\r\n\r\nfake"));
    party = ends_ask(&ends, ends_request("GET", "/"), true);
    ends_settle(&ends);
    ck_assert_int_eq(stream_fate(party->stream), STREAM_REFUSED);
    ck_assert_ptr_null(stream_head(party->stream));
    ck_assert_uint_eq(fake_conn_wrote(ends.caller.conn).len, 0);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_request_that_never_left_is_refused_not_lost)
{
    ends_init(&ends);
    ends_ask_raw(&ends, ALPN_HTTP11);
    struct party *party = ends_ask(&ends, ends_request("GET", "/"), true);
    fake_conn_end(ends.caller.conn, CONN_RESET);
    ends_settle(&ends);
    ck_assert_int_eq(stream_fate(party->stream), STREAM_REFUSED);
    ck_assert_uint_eq(fake_conn_wrote(ends.caller.conn).len, 0);
    ends_fini(&ends);
}
END_TEST

START_TEST(requests_are_written_as_they_should_be)
{
    static const struct {
        const char *method, *length, *body;
        bool parts;
        const char *has, *has_not;
    } rows[] = {
        {"GET", NULL, "", false, "GET /ipfs/x HTTP/1.1\r\nhost: agent.example\r\n",
         "content-length"},
        {"POST", NULL, "", false, "content-length: 0\r\n", "chunked"},
        {"POST", "5", "hello", true, "\r\n\r\nhello", "chunked"},
        {"POST", NULL, "hello", true, "\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "content-length"},
        {"POST", NULL, "hello", false, "content-length: 5\r\n", "chunked"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ends_init(&ends);
        ends_ask_raw(&ends, ALPN_HTTP11);
        struct head *head = ends_request(rows[i].method, "/ipfs/x");
        if (rows[i].length != NULL)
            ends_add(head, "content-length", rows[i].length);
        struct party *party = ends_ask(&ends, head, *rows[i].body == '\0');
        if (rows[i].parts)
            ends_settle(&ends);
        if (*rows[i].body != '\0') {
            ends_send(party, rows[i].body);
            stream_send_end(party->stream, NULL);
        }
        ends_settle(&ends);
        const char *wrote = fake_conn_wrote(ends.caller.conn).ptr;
        ck_assert_msg(strstr(wrote, rows[i].has) != NULL, "row %zu: %s", i, wrote);
        ck_assert_msg(strstr(wrote, rows[i].has_not) == NULL, "row %zu: %s", i, wrote);
        ck_assert_ptr_nonnull(strstr(wrote, "\r\nte: trailers\r\nconnection: te\r\n\r\n"));
        ck_assert(stream_is_sent(party->stream));
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(a_field_that_would_split_the_head_is_not_written)
{
    ends_init(&ends);
    ends_ask_raw(&ends, ALPN_HTTP11);
    struct head *head = ends_request("GET", "/");
    ends_add(head, "x", "1\r\nevil: 1");
    ends_add(head, "y: 1\r\nevil", "1");
    ends_ask(&ends, head, true);
    ends_settle(&ends);
    ck_assert_ptr_null(strstr(fake_conn_wrote(ends.caller.conn).ptr, "evil"));
    ends_fini(&ends);
}
END_TEST

START_TEST(both_ends_of_ours_understand_each_other)
{
    ends_join(&ends, ALPN_HTTP11);
    ck_assert_str_eq(http_version(ends.caller.http), "HTTP/1.1");
    ck_assert_uint_eq(ends.caller.rooms, 1);
    for (unsigned i = 0; i < 3; ++i) {
        ck_assert_uint_eq(http_room(ends.caller.http), 1);
        struct party *asker = ends_ask(&ends, ends_request("POST", "/ipfs/x"), false);
        ck_assert_uint_eq(http_room(ends.caller.http), 0);
        ends_settle(&ends);
        struct head *trailers = head_new(1000, 4);
        ends_add(trailers, "sum", "1");
        ends_send(asker, "question");
        stream_send_end(asker->stream, trailers);
        ends_settle(&ends);
        struct party *answer = ends_nth(&ends.worker, i);
        ck_assert_str_eq(answer->body, "question");
        ck_assert_str_eq(ends_value(stream_trailers(answer->stream), "sum"), "1");
        ck_assert(stream_takes_trailers(answer->stream));
        trailers = head_new(1000, 4);
        ends_add(trailers, "agent-usage", "2");
        stream_send_head(answer->stream, ends_answer(200), false);
        ends_send(answer, "answer");
        stream_send_end(answer->stream, trailers);
        ends_settle(&ends);
        ck_assert_str_eq(asker->body, "answer");
        ck_assert_str_eq(ends_value(stream_trailers(asker->stream), "agent-usage"), "2");
        ck_assert_uint_eq(ends.caller.rooms, i + 2);
    }
    http_drain(ends.worker.http);
    ends_settle(&ends);
    ck_assert(ends.worker.ended);
    ck_assert(ends.caller.ended);
    ck_assert_int_eq(ends.caller.end, CONN_EOF);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_large_body_goes_through_small_windows_both_ways)
{
    ends_init(&ends);
    ends.worker.greedy = false;
    ends.worker.options.stream_window_bytes = 5000;
    ends.worker.options.send_bytes_max = 3000;
    ends.caller.options.stream_window_bytes = 7000;
    ends_open(&ends, ALPN_HTTP11);
    struct party *asker = ends_ask(&ends, ends_request("POST", "/echo"), false);
    ends_settle(&ends);
    struct party *echo = ends_nth(&ends.worker, 0);
    stream_send_head(echo->stream, ends_answer(200), false);
    const size_t total = 300001;
    size_t sent = 0;
    for (int turn = 0; turn < 100000 && !stream_is_ended(asker->stream); ++turn) {
        char piece[777];
        size_t count = total - sent < sizeof(piece) ? total - sent : sizeof(piece);
        if (count > 0 && stream_room(asker->stream) >= count) {
            for (size_t i = 0; i < count; ++i)
                piece[i] = (char)((sent + i) % 251);
            stream_send(asker->stream, span_of(piece, count));
            if ((sent += count) == total)
                stream_send_end(asker->stream, NULL);
        }
        ck_assert_uint_le(stream_bytes(echo->stream), 5000);
        stream_move(echo->stream, echo->stream, 1 << 20);
        if (stream_is_ended(echo->stream) && stream_bytes(echo->stream) == 0)
            stream_send_end(echo->stream, NULL);
        loop_turn(ends.loop);
    }
    ck_assert_uint_eq(asker->bytes, total);
    for (size_t i = 0; i < total; ++i)
        ck_assert_int_eq((unsigned char)asker->body[i], (int)(i % 251));
    ends_fini(&ends);
}
END_TEST

START_TEST(an_until_close_body_waits_for_its_reader_before_it_ends)
{
    ends_init(&ends);
    ends.caller.options.stream_window_bytes = 1000;
    ends_ask_raw(&ends, ALPN_HTTP11);
    struct party *party = ends_ask(&ends, ends_request("GET", "/"), true);
    party->greedy = false;
    ends_settle(&ends);
    char body[5000];
    memset(body, 'b', sizeof(body));
    fake_conn_feed(ends.caller.conn, SPAN_OF(OK "\r\n"));
    fake_conn_feed(ends.caller.conn, span_of(body, sizeof(body)));
    fake_conn_end(ends.caller.conn, CONN_EOF);
    ends_settle(&ends);
    size_t got = 0;
    while (stream_bytes(party->stream) > 0) {
        ck_assert_uint_le(stream_bytes(party->stream), 1000);
        ck_assert(!stream_is_ended(party->stream) || got + stream_bytes(party->stream) == 5000);
        got += stream_bytes(party->stream);
        stream_take(party->stream, stream_bytes(party->stream));
        ends_settle(&ends);
    }
    ck_assert_uint_eq(got, 5000);
    ck_assert(stream_is_ended(party->stream));
    ck_assert_int_eq(stream_fate(party->stream), STREAM_WHOLE);
    ends_fini(&ends);
}
END_TEST

START_TEST(an_early_answer_is_whole_and_its_connection_is_not_used_again)
{
    ends_init(&ends);
    ends_ask_raw(&ends, ALPN_HTTP11);
    struct head *head = ends_request("POST", "/");
    ends_add(head, "content-length", "100");
    struct party *party = ends_ask(&ends, head, false);
    ends_send(party, "part");
    ends_settle(&ends);
    fake_conn_feed(ends.caller.conn, SPAN_OF("HTTP/1.1 413 x\r\nContent-Length: 2\r\n\r\nno"));
    ends_settle(&ends);
    ck_assert(stream_is_ended(party->stream));
    ck_assert_int_eq(stream_fate(party->stream), STREAM_WHOLE);
    ck_assert_uint_eq(http_room(ends.caller.http), 0);
    ends_release(party);
    ends_settle(&ends);
    ck_assert(ends.caller.ended);
    ends_fini(&ends);
}
END_TEST

START_TEST(leaving_closes_the_connection_at_once)
{
    ends_join(&ends, ALPN_HTTP11);
    struct party *party = ends_ask(&ends, ends_request("GET", "/"), true);
    ends_settle(&ends);
    ends_release(party);
    ends_settle(&ends);
    ck_assert(ends.caller.ended);
    ck_assert(!fake_conn_lingers(ends.caller.conn));
    ck_assert_int_eq(stream_fate(ends_nth(&ends.worker, 0)->stream), STREAM_LOST);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_reset_by_the_worker_is_never_a_whole_answer)
{
    for (int length = 0; length < 2; ++length) {
        ends_join(&ends, ALPN_HTTP11);
        struct party *party = ends_ask(&ends, ends_request("GET", "/"), true);
        ends_settle(&ends);
        struct party *answer = ends_nth(&ends.worker, 0);
        struct head *head = ends_answer(200);
        if (length)
            ends_add(head, "content-length", "10");
        stream_send_head(answer->stream, head, false);
        ends_send(answer, "part");
        ends_settle(&ends);
        stream_reset(answer->stream, RESET_INTERNAL);
        ends_settle(&ends);
        ck_assert_int_eq(stream_fate(party->stream), STREAM_LOST);
        ck_assert(!stream_is_ended(party->stream));
        ends_fini(&ends);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_well_formed_answer_arrives_and_the_connection_goes_on_if_it_may,
        a_broken_answer_is_invalid_and_its_connection_ends,
        a_nul_in_a_head_is_invalid,
        an_answer_that_stops_short_is_lost_and_never_ends_cleanly,
        interim_answers_are_skipped_up_to_eight,
        a_head_over_its_limit_is_too_large,
        bytes_that_nobody_asked_for_end_the_connection,
        a_request_that_never_left_is_refused_not_lost,
        requests_are_written_as_they_should_be,
        a_field_that_would_split_the_head_is_not_written,
        both_ends_of_ours_understand_each_other,
        a_large_body_goes_through_small_windows_both_ways,
        an_until_close_body_waits_for_its_reader_before_it_ends,
        an_early_answer_is_whole_and_its_connection_is_not_used_again,
        leaving_closes_the_connection_at_once,
        a_reset_by_the_worker_is_never_a_whole_answer,
        NULL,
    };
    return checks_run("h1_ask", tests);
}
