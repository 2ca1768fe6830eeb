/* HTTP/2 on both sides at once: what one end gives, the other receives, and nothing more. */
#include <stdio.h>

#include "ends.h"
#include "unit/checks.h"

static struct ends ends;

START_TEST(a_request_and_its_answer_arrive_whole)
{
    ends_join(&ends, ALPN_H2);
    struct head *request = ends_request("POST", "/ipfs/x?y=1");
    ends_add(request, "content-type", "text/plain");
    struct party *ask = ends_ask(&ends, request, false);
    ends_send(ask, "question");
    stream_send_end(ask->stream, NULL);
    ends_settle(&ends);

    ck_assert_uint_eq(ends.worker.party_count, 1);
    struct party *answer = ends_nth(&ends.worker, 0);
    const struct head *head = stream_head(answer->stream);
    ck_assert_str_eq(head->method.ptr, "POST");
    ck_assert_str_eq(head->path.ptr, "/ipfs/x?y=1");
    ck_assert_str_eq(head->authority.ptr, "agent.example");
    ck_assert_str_eq(ends_value(head, "content-type"), "text/plain");
    ck_assert_str_eq(answer->body, "question");
    ck_assert(stream_is_ended(answer->stream));
    ck_assert(!stream_is_ended(ask->stream));

    ends_reply(answer, 200, "forty-two");
    ends_settle(&ends);
    ck_assert_int_eq(stream_head(ask->stream)->status, 200);
    ck_assert_str_ne(ends_value(stream_head(ask->stream), "date"), "");
    ck_assert_str_eq(ask->body, "forty-two");
    ck_assert(stream_is_ended(ask->stream));
    ck_assert(stream_is_sent(answer->stream));
    ck_assert_uint_eq(stream_sent_bytes(answer->stream), 9);
    ck_assert_int_eq(stream_fate(ask->stream), STREAM_WHOLE);
    ck_assert_int_eq(stream_fate(answer->stream), STREAM_WHOLE);
    ck_assert_uint_eq(http_live(ends.caller.http), 0);
    ck_assert_uint_eq(http_live(ends.worker.http), 0);
    ends_fini(&ends);
}
END_TEST

START_TEST(what_the_user_does_not_take_stays_within_the_stream_window)
{
    ends_init(&ends);
    ends.worker.greedy = false;
    ends.caller.options.send_bytes_max = 1 << 20;
    ends_open(&ends, ALPN_H2);
    struct party *ask = ends_ask(&ends, ends_request("POST", "/ipfs/x"), false);
    char *text = calloc(1, 1 << 20);
    for (size_t i = 0; i < 1 << 20; ++i)
        text[i] = (char)('a' + i % 23);
    stream_send(ask->stream, span_of(text, 1 << 20));
    stream_send_end(ask->stream, NULL);
    ends_settle(&ends);

    struct party *answer = ends_nth(&ends.worker, 0);
    ck_assert_uint_eq(stream_bytes(answer->stream), ends.worker.options.stream_window_bytes);
    ck_assert_uint_eq(stream_sent_bytes(ask->stream), ends.worker.options.stream_window_bytes);
    ck_assert(!stream_is_sent(ask->stream));

    /* Taken little by little it arrives whole, and never more than the window is held. */
    size_t got = 0;
    while (got < 1 << 20) {
        struct span front = stream_front(answer->stream);
        ck_assert_uint_gt(front.len, 0);
        ck_assert_uint_le(stream_bytes(answer->stream), ends.worker.options.stream_window_bytes);
        size_t step = front.len < 5000 ? front.len : 5000;
        ck_assert(memcmp(front.ptr, text + got, step) == 0);
        stream_take(answer->stream, step);
        got += step;
        ends_settle(&ends);
    }
    ck_assert(stream_is_ended(answer->stream));
    ck_assert(stream_is_sent(ask->stream));
    free(text);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_small_window_is_held_to_once_it_is_agreed)
{
    static const uint32_t windows[] = {1, 4096, 65535, 65536, 200000};
    for (size_t i = 0; i < sizeof(windows) / sizeof(*windows); ++i) {
        ends_init(&ends);
        ends.worker.greedy = false;
        ends.worker.options.stream_window_bytes = windows[i];
        ends.caller.options.send_bytes_max = 300000;
        ends_open(&ends, ALPN_H2);
        struct party *ask = ends_ask(&ends, ends_request("POST", "/ipfs/x"), false);
        ck_assert_uint_eq(stream_room(ask->stream), 300000);
        char *text = calloc(1, 300000);
        stream_send(ask->stream, span_of(text, 300000));
        ck_assert_uint_eq(stream_room(ask->stream), 0);
        free(text);
        ends_settle(&ends);
        struct party *answer = ends_nth(&ends.worker, 0);
        ck_assert_uint_eq(stream_bytes(answer->stream), windows[i]);
        ck_assert_uint_eq(stream_room(ask->stream), windows[i]);
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(a_stalled_stream_does_not_hold_up_its_neighbour)
{
    ends_init(&ends);
    ends.worker.greedy = false;
    ends.caller.options.send_bytes_max = 1 << 20;
    ends_open(&ends, ALPN_H2);
    struct party *asks[20];
    char *text = calloc(1, 65536);
    for (int i = 0; i < 20; ++i) {
        asks[i] = ends_ask(&ends, ends_request("POST", "/ipfs/x"), false);
        stream_send(asks[i]->stream, span_of(text, 65536));
    }
    ends_settle(&ends);
    /* 20 windows are more than the connection's; all of them are held all the same. */
    for (unsigned i = 0; i < 20; ++i)
        ck_assert_uint_eq(stream_bytes(ends_nth(&ends.worker, i)->stream), 65536);
    free(text);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_body_moved_from_stream_to_stream_is_whole_and_exact)
{
    ends_init(&ends);
    ends.worker.greedy = false;
    ends_open(&ends, ALPN_H2);
    struct party *ask = ends_ask(&ends, ends_request("POST", "/echo"), false);
    ends_settle(&ends);
    struct party *echo = ends_nth(&ends.worker, 0);
    stream_send_head(echo->stream, ends_answer(200), false);
    size_t sent = 0, moved = 0;
    const size_t total = 700001;
    unsigned char sum_in = 0, sum_out = 0;
    for (int turn = 0; turn < 10000 && !stream_is_ended(ask->stream); ++turn) {
        char piece[9001];
        size_t count = sizeof(piece);
        if (count > total - sent)
            count = total - sent;
        if (count > 0 && stream_room(ask->stream) >= count) {
            for (size_t i = 0; i < count; ++i) {
                piece[i] = (char)((sent + i) * 7 >> 3);
                sum_in = (unsigned char)(sum_in * 31 + (unsigned char)piece[i]);
            }
            stream_send(ask->stream, span_of(piece, count));
            if ((sent += count) == total)
                stream_send_end(ask->stream, NULL);
        }
        moved += stream_move(echo->stream, echo->stream, 1 << 20);
        if (stream_is_ended(echo->stream) && stream_bytes(echo->stream) == 0)
            stream_send_end(echo->stream, NULL);
        loop_turn(ends.loop);
    }
    for (size_t i = 0; i < ask->bytes; ++i)
        sum_out = (unsigned char)(sum_out * 31 + (unsigned char)ask->body[i]);
    ck_assert_uint_eq(moved, total);
    ck_assert_uint_eq(ask->bytes, total);
    ck_assert_uint_eq(sum_in, sum_out);
    ends_fini(&ends);
}
END_TEST

START_TEST(trailers_pass_both_ways_without_what_may_not_be_there)
{
    ends_join(&ends, ALPN_H2);
    struct party *ask = ends_ask(&ends, ends_request("POST", "/ipfs/x"), false);
    struct head *trailers = head_new(1000, 10);
    ends_add(trailers, "checksum", "1234");
    ends_add(trailers, "content-type", "text/plain");
    ends_send(ask, "body");
    stream_send_end(ask->stream, trailers);
    ends_settle(&ends);
    struct party *answer = ends_nth(&ends.worker, 0);
    ck_assert(stream_is_ended(answer->stream));
    ck_assert(stream_takes_trailers(answer->stream));
    ck_assert_str_eq(ends_value(stream_trailers(answer->stream), "checksum"), "1234");
    ck_assert_uint_eq(stream_trailers(answer->stream)->field_count, 1);

    trailers = head_new(1000, 10);
    ends_add(trailers, "agent-cost", "12");
    stream_send_head(answer->stream, ends_answer(200), false);
    stream_send_end(answer->stream, trailers);
    ends_settle(&ends);
    ck_assert(stream_is_sent(answer->stream));
    ck_assert(stream_is_ended(ask->stream));
    ck_assert_str_eq(ends_value(stream_trailers(ask->stream), "agent-cost"), "12");
    ends_fini(&ends);
}
END_TEST

START_TEST(the_reasons_of_a_reset_tell_the_worst_from_the_harmless)
{
    static const struct {
        enum stream_reset reason;
        bool headed;
        enum stream_end fate;
    } rows[] = {{RESET_REFUSED, false, STREAM_REFUSED},
                {RESET_INTERNAL, false, STREAM_RESET},
                {RESET_CANCEL, false, STREAM_RESET},
                {RESET_INTERNAL, true, STREAM_RESET},
                {RESET_REFUSED, true, STREAM_RESET}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ends_join(&ends, ALPN_H2);
        struct party *ask = ends_ask(&ends, ends_request("GET", "/ipfs/x"), true);
        ends_settle(&ends);
        struct party *answer = ends_nth(&ends.worker, 0);
        if (rows[i].headed) {
            stream_send_head(answer->stream, ends_answer(200), false);
            ends_settle(&ends);
        }
        unsigned notes = answer->notes;
        stream_reset(answer->stream, rows[i].reason);
        ends_settle(&ends);
        ck_assert_int_eq(stream_fate(ask->stream), rows[i].fate);
        ck_assert(!stream_is_ended(ask->stream));
        ck_assert_uint_eq(answer->notes, notes);
        ck_assert_uint_eq(http_live(ends.caller.http), 0);
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(a_caller_who_leaves_is_a_reset_for_the_worker)
{
    ends_join(&ends, ALPN_H2);
    struct party *ask = ends_ask(&ends, ends_request("GET", "/ipfs/x"), true);
    ends_settle(&ends);
    ends_release(ask);
    ends_settle(&ends);
    struct party *answer = ends_nth(&ends.worker, 0);
    ck_assert_int_eq(stream_fate(answer->stream), STREAM_RESET);
    ck_assert_uint_eq(stream_room(answer->stream), 0);
    /* What it sends now goes nowhere, and harms nobody. */
    stream_send_head(answer->stream, ends_answer(200), true);
    ends_settle(&ends);
    ck_assert(!stream_is_sent(answer->stream));
    ends_fini(&ends);
}
END_TEST

START_TEST(an_answer_before_the_end_of_the_request_is_whole)
{
    ends_join(&ends, ALPN_H2);
    struct party *ask = ends_ask(&ends, ends_request("POST", "/ipfs/x"), false);
    ends_settle(&ends);
    struct party *answer = ends_nth(&ends.worker, 0);
    ends_reply(answer, 403, "no");
    ends_settle(&ends);
    ck_assert(stream_is_sent(answer->stream));
    ends_release(answer);
    ends_settle(&ends);
    ck_assert(stream_is_ended(ask->stream));
    ck_assert_int_eq(stream_fate(ask->stream), STREAM_WHOLE);
    ck_assert_str_eq(ask->body, "no");
    ck_assert_uint_eq(stream_room(ask->stream), 0);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_body_that_is_not_as_long_as_it_said_is_never_a_success)
{
    static const char *const bodies[] = {"short", "much too long for that"};
    for (int i = 0; i < 2; ++i) {
        ends_join(&ends, ALPN_H2);
        struct party *ask = ends_ask(&ends, ends_request("GET", "/ipfs/x"), true);
        ends_settle(&ends);
        struct party *answer = ends_nth(&ends.worker, 0);
        struct head *head = ends_answer(200);
        ends_add(head, "content-length", "10");
        stream_send_head(answer->stream, head, false);
        ends_send(answer, bodies[i]);
        stream_send_end(answer->stream, NULL);
        ends_settle(&ends);
        ck_assert(!stream_is_ended(ask->stream));
        ck_assert_int_eq(stream_fate(ask->stream), STREAM_RESET);
        ck_assert_int_eq(stream_fate(answer->stream), STREAM_INVALID);
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(a_byte_more_than_the_length_never_goes)
{
    ends_join(&ends, ALPN_H2);
    struct head *request = ends_request("POST", "/ipfs/x");
    ends_add(request, "content-length", "4");
    struct party *ask = ends_ask(&ends, request, false);
    ends_send(ask, "four");
    ends_settle(&ends);
    struct party *answer = ends_nth(&ends.worker, 0);
    ck_assert_str_eq(answer->body, "four");
    ck_assert_int_eq(stream_fate(ask->stream), STREAM_WHOLE);
    ends_send(ask, "!");
    ends_settle(&ends);
    ck_assert_int_eq(stream_fate(ask->stream), STREAM_INVALID);
    ck_assert_int_eq(stream_fate(answer->stream), STREAM_RESET);
    ck_assert_str_eq(answer->body, "four");
    ends_fini(&ends);
}
END_TEST

START_TEST(room_is_one_before_the_settings_and_theirs_after)
{
    ends_init(&ends);
    ends.worker.options.streams_max = 3;
    ends_open(&ends, ALPN_H2);
    ck_assert_uint_eq(http_room(ends.caller.http), 3);
    ck_assert_uint_ge(ends.caller.rooms, 1);
    struct party *one = ends_ask(&ends, ends_request("GET", "/ipfs/1"), true);
    ends_ask(&ends, ends_request("GET", "/ipfs/2"), true);
    ends_ask(&ends, ends_request("GET", "/ipfs/3"), true);
    ck_assert_uint_eq(http_room(ends.caller.http), 0);
    ends_settle(&ends);
    ck_assert_uint_eq(ends.worker.party_count, 3);
    unsigned rooms = ends.caller.rooms;
    ends_reply(ends_nth(&ends.worker, 0), 200, "");
    ends_settle(&ends);
    ck_assert(stream_is_ended(one->stream));
    ck_assert_uint_eq(ends.caller.rooms, rooms + 1);
    ck_assert_uint_eq(http_room(ends.caller.http), 1);
    ends_fini(&ends);

    ends_init(&ends);
    ends_ask_raw(&ends, ALPN_H2);
    ck_assert_uint_eq(http_room(ends.caller.http), 1);
    ends_ask(&ends, ends_request("GET", "/ipfs/1"), true);
    ck_assert_uint_eq(http_room(ends.caller.http), 0);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_drain_lets_streams_finish_and_refuses_none_that_crossed_it)
{
    ends_join(&ends, ALPN_H2);
    struct party *first = ends_ask(&ends, ends_request("GET", "/ipfs/1"), true);
    ends_settle(&ends);
    /* This one is on its way when the drain begins. */
    struct party *second = ends_ask(&ends, ends_request("GET", "/ipfs/2"), true);
    http_drain(ends.worker.http);
    ends_settle(&ends);
    ck_assert_uint_eq(ends.worker.party_count, 2);
    ck_assert_uint_eq(http_room(ends.caller.http), 0);
    ck_assert(!ends.worker.ended);
    ends_reply(ends_nth(&ends.worker, 0), 200, "one");
    ends_reply(ends_nth(&ends.worker, 1), 200, "two");
    ends_settle(&ends);
    ck_assert_str_eq(first->body, "one");
    ck_assert_str_eq(second->body, "two");
    ck_assert(ends.worker.ended);
    ck_assert(ends.caller.ended);
    ck_assert_int_eq(ends.worker.end, CONN_NOT_ENDED);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_stream_above_the_last_of_goaway_is_refused)
{
    static const char settings[] = "\0\0\0\4\0\0\0\0\0";
    static const char goaway[] = "\0\0\10\7\0\0\0\0\0\0\0\0\1\0\0\0\0";
    ends_init(&ends);
    ends_ask_raw(&ends, ALPN_H2);
    fake_conn_feed(ends.caller.conn, span_of(settings, sizeof(settings) - 1));
    ends_settle(&ends);
    struct party *one = ends_ask(&ends, ends_request("GET", "/ipfs/1"), true);
    struct party *two = ends_ask(&ends, ends_request("GET", "/ipfs/2"), true);
    ends_settle(&ends);
    fake_conn_feed(ends.caller.conn, span_of(goaway, sizeof(goaway) - 1));
    ends_settle(&ends);
    ck_assert_int_eq(stream_fate(one->stream), STREAM_WHOLE);
    ck_assert_int_eq(stream_fate(two->stream), STREAM_REFUSED);
    ck_assert_uint_eq(http_room(ends.caller.http), 0);
    fake_conn_end(ends.caller.conn, CONN_RESET);
    ends_settle(&ends);
    ck_assert_int_eq(stream_fate(one->stream), STREAM_LOST);
    ck_assert(ends.caller.ended);
    ck_assert_int_eq(ends.caller.end, CONN_RESET);
    ends_fini(&ends);
}
END_TEST

START_TEST(closing_loses_what_is_open_and_keeps_what_is_complete)
{
    ends_join(&ends, ALPN_H2);
    struct party *done = ends_ask(&ends, ends_request("GET", "/ipfs/1"), true);
    struct party *open = ends_ask(&ends, ends_request("GET", "/ipfs/2"), true);
    done->greedy = false;
    ends_settle(&ends);
    ends_reply(ends_nth(&ends.worker, 0), 200, "all of it");
    ends_settle(&ends);
    http_close(ends.caller.http);
    ends.caller.http = NULL;
    ends_settle(&ends);
    ck_assert_int_eq(stream_fate(open->stream), STREAM_LOST);
    ck_assert_int_eq(stream_fate(done->stream), STREAM_WHOLE);
    ck_assert(stream_is_ended(done->stream));
    ck_assert_uint_eq(stream_bytes(done->stream), 9);
    ck_assert_int_eq(stream_fate(ends_nth(&ends.worker, 1)->stream), STREAM_LOST);
    ck_assert(ends.worker.ended);
    ends_fini(&ends);
}
END_TEST

static void close_all(void *user)
{
    struct party *party = user;
    http_close(ends.worker.http);
    ends.worker.http = NULL;
    ends_release(party);
}

START_TEST(the_connection_may_be_closed_and_the_stream_released_inside_a_note)
{
    ends_join(&ends, ALPN_H2);
    struct party *ask = ends_ask(&ends, ends_request("POST", "/ipfs/1"), false);
    ends_settle(&ends);
    struct party *answer = ends_nth(&ends.worker, 0);
    stream_set_note(answer->stream, close_all, answer);
    ends_send(ask, "x");
    ends_settle(&ends);
    ck_assert_ptr_null(ends.worker.http);
    ck_assert_int_eq(stream_fate(ask->stream), STREAM_LOST);
    ends_fini(&ends);
}
END_TEST

START_TEST(heads_are_held_to_their_limits)
{
    static const struct {
        unsigned fields;
        size_t bytes;
        int status;
    } rows[] = {{99, 0, 0}, {100, 0, 0}, {101, 0, 431}, {0, 60000, 0}, {0, 66000, 431}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ends_join(&ends, ALPN_H2);
        struct head *request = ends_request("GET", "/ipfs/x");
        request->bytes_max = 1 << 20;
        char name[16];
        /* The connection adds `te`, which is counted too. */
        for (unsigned k = 1; k < rows[i].fields; ++k) {
            snprintf(name, sizeof(name), "x-%u", k);
            ends_add(request, name, "1");
        }
        char *large = calloc(1, 1 + rows[i].bytes);
        memset(large, 'a', rows[i].bytes);
        if (rows[i].bytes > 0)
            ends_add(request, "x-large", large);
        struct party *ask = ends_ask(&ends, request, true);
        ends_settle(&ends);
        ck_assert_uint_eq(ends.worker.party_count, rows[i].status == 0);
        ck_assert_uint_eq(ends.worker.bad_count, rows[i].status != 0);
        if (rows[i].status != 0) {
            ck_assert_int_eq(ends.worker.bads[0], rows[i].status);
            ck_assert_int_eq(stream_head(ask->stream)->status, rows[i].status);
        }
        free(large);
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(cookie_crumbs_count_each_and_are_joined)
{
    ends_join(&ends, ALPN_H2);
    struct head *request = ends_request("GET", "/ipfs/x");
    ends_add(request, "cookie", "a=1");
    ends_add(request, "x-between", "1");
    ends_add(request, "cookie", "b=2");
    ends_add(request, "cookie", "c=3");
    ends_add(request, "cookie", "");
    ends_ask(&ends, request, true);
    ends_settle(&ends);
    const struct head *head = stream_head(ends_nth(&ends.worker, 0)->stream);
    ck_assert_str_eq(ends_value(head, "x-between"), "1");
    ck_assert_uint_eq(head_count(head, SPAN_OF("cookie")), 1);
    ck_assert(span_is(head_find(head, SPAN_OF("cookie"))->value, SPAN_OF("a=1; b=2; c=3")));

    request = ends_request("GET", "/ipfs/x");
    for (int i = 0; i < 101; ++i)
        ends_add(request, "cookie", "");
    ends_ask(&ends, request, true);
    ends_settle(&ends);
    ck_assert_uint_eq(ends.worker.party_count, 1);
    ck_assert_int_eq(ends.worker.bads[0], 431);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_long_target_is_414)
{
    static const int over[] = {0, 1};
    for (int i = 0; i < 2; ++i) {
        ends_join(&ends, ALPN_H2);
        size_t len = ends.worker.options.target_bytes_max + (size_t)over[i];
        char *path = calloc(1, len + 1);
        memset(path, 'a', len);
        path[0] = '/';
        struct party *ask = ends_ask(&ends, ends_request("GET", path), true);
        ends_settle(&ends);
        ck_assert_uint_eq(ends.worker.party_count, 1 - over[i]);
        if (over[i])
            ck_assert_int_eq(stream_head(ask->stream)->status, 414);
        free(path);
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(malformed_requests_are_reset_and_shown_to_nobody)
{
    static const struct {
        const char *method, *scheme, *authority, *path, *name, *value;
        int status;
    } rows[] = {
        {"GET", "https", "a.example", "nopath", NULL, NULL, 400},
        {"GET", "https", "a.example", "*", NULL, NULL, 400},
        {"GET", "https", "a.example", "/a#b", NULL, NULL, 400},
        {"GET", "https", "a.example", "/a\\b", NULL, NULL, 400},
        {"GET", "https", "a.example", "/a b", NULL, NULL, 400},
        {"GET", "https", "me@a.example", "/", NULL, NULL, 400},
        {"GET", "https", "a.example/x", "/", NULL, NULL, 400},
        {"GET", "https", "a.example, b.example", "/", NULL, NULL, 400},
        {"GET", "https", "a.example:99999", "/", NULL, NULL, 400},
        {"GET", "ftp", "a.example", "/", NULL, NULL, 400},
        {"GET", "https", "a.example", "/", "content-length", "5", 400},
        {"GET", "https", "a.example", "/", "content-length", "+0", 400},
        {"GET", "https", "a.example", "/", "content-length", "00", 400},
        {"GET", "https", "a.example", "/", "expect", "tea", 417},
        {"GET", "https", "a.example", "/", "x", "a\nb", 400},
        {"GET", "https", "a.example", "/", "x", "a\x01", 400},
        {"GET", "https", "a.example", "/", "x", " a", 400},
        {"GET", "https", "a.example", "/", "x y", "a", 400},
        {"CONNECT", "https", "a.example", "/", NULL, NULL, 400},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ends_join(&ends, ALPN_H2);
        struct head *request = head_new(4096, 10);
        ck_assert(head_set_text(request, &request->method, span_text(rows[i].method)));
        ck_assert(head_set_text(request, &request->scheme, span_text(rows[i].scheme)));
        ck_assert(head_set_text(request, &request->authority, span_text(rows[i].authority)));
        ck_assert(head_set_text(request, &request->path, span_text(rows[i].path)));
        /* The client end checks lengths of its own; a trick passes them: length 5, no body. */
        struct party *ask;
        if (rows[i].name != NULL && strcmp(rows[i].name, "content-length") != 0)
            ends_add(request, rows[i].name, rows[i].value);
        if (rows[i].name != NULL && strcmp(rows[i].name, "content-length") == 0) {
            ask = ends_ask(&ends, request, false);
            ends_add(request, rows[i].name, rows[i].value);
            stream_send_end(ask->stream, NULL);
        } else {
            ask = ends_ask(&ends, request, true);
        }
        ends_settle(&ends);
        ck_assert_msg(ends.worker.party_count == 0, "row %zu was shown", i);
        ck_assert_msg(ends.worker.bad_count == 1, "row %zu: %u", i, ends.worker.bad_count);
        ck_assert_int_eq(ends.worker.bads[0], rows[i].status);
        if (rows[i].status == 400)
            ck_assert_int_eq(stream_fate(ask->stream), STREAM_RESET);
        else
            ck_assert_int_eq(stream_head(ask->stream)->status, rows[i].status);
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(continue_is_asked_for_and_given_once)
{
    ends_join(&ends, ALPN_H2);
    struct head *request = ends_request("POST", "/ipfs/x");
    ends_add(request, "expect", "100-continue");
    struct party *ask = ends_ask(&ends, request, false);
    ends_settle(&ends);
    struct party *answer = ends_nth(&ends.worker, 0);
    ck_assert(stream_expects_continue(answer->stream));
    ck_assert_ptr_null(head_find(stream_head(answer->stream), SPAN_OF("expect")));
    stream_send_continue(answer->stream);
    ck_assert(!stream_expects_continue(answer->stream));
    ends_settle(&ends);
    ck_assert_ptr_null(stream_head(ask->stream));
    ends_send(ask, "body");
    stream_send_end(ask->stream, NULL);
    ends_settle(&ends);
    ck_assert_str_eq(answer->body, "body");
    ends_reply(answer, 204, "");
    ends_settle(&ends);
    ck_assert_int_eq(stream_head(ask->stream)->status, 204);
    ck_assert(stream_is_ended(ask->stream));
    ends_fini(&ends);
}
END_TEST

START_TEST(a_head_request_gets_a_length_and_no_body)
{
    ends_join(&ends, ALPN_H2);
    struct party *ask = ends_ask(&ends, ends_request("HEAD", "/ipfs/x"), true);
    ends_settle(&ends);
    struct party *answer = ends_nth(&ends.worker, 0);
    struct head *head = ends_answer(200);
    ends_add(head, "content-length", "9");
    stream_send_head(answer->stream, head, false);
    ends_send(answer, "forty-two");
    stream_send_end(answer->stream, NULL);
    ends_settle(&ends);
    ck_assert(stream_is_ended(ask->stream));
    ck_assert_int_eq(stream_fate(ask->stream), STREAM_WHOLE);
    ck_assert_str_eq(ends_value(stream_head(ask->stream), "content-length"), "9");
    ck_assert_int_eq(stream_length(ask->stream), 0);
    ck_assert_uint_eq(ask->bytes, 0);
    ends_fini(&ends);
}
END_TEST

START_TEST(resets_in_rapid_succession_close_the_connection)
{
    ends_join(&ends, ALPN_H2);
    unsigned opened = 0;
    while (!ends.caller.ended && opened < 5000) {
        struct stream *stream =
            http_request(ends.caller.http, ends_request("GET", "/ipfs/x"), true, NULL, NULL);
        loop_turn(ends.loop);
        stream_release(stream);
        loop_turn(ends.loop);
        ++opened;
        /* The users of those that came are not the point here. */
        for (unsigned i = 0; i < ends.worker.party_count; ++i) {
            stream_release(ends.worker.parties[i].stream);
            free(ends.worker.parties[i].body);
        }
        ends.worker.party_count = 0;
    }
    ends_settle(&ends);
    ck_assert_uint_ge(opened, 450);
    ck_assert_uint_le(opened, 550);
    ck_assert(ends.worker.ended);
    ck_assert_uint_ge(ends.worker.bad_count, 1);
    ends_fini(&ends);
}
END_TEST

START_TEST(an_idle_connection_is_drained_and_a_silent_one_dropped)
{
    ends_join(&ends, ALPN_H2);
    fake_loop_advance(ends.loop, ends.worker.options.idle_ms_max - 1);
    ends_settle(&ends);
    ck_assert(!ends.worker.ended);
    fake_loop_advance(ends.loop, 1);
    ends_settle(&ends);
    fake_loop_advance(ends.loop, 1000);
    ends_settle(&ends);
    ck_assert(ends.worker.ended);
    ck_assert(ends.caller.ended);
    ends_fini(&ends);

    ends_init(&ends);
    ends_serve_raw(&ends, ALPN_H2);
    fake_loop_advance(ends.loop, ends.worker.options.head_ms_max - 1);
    ends_settle(&ends);
    ck_assert(!ends.worker.ended);
    fake_loop_advance(ends.loop, 1);
    ends_settle(&ends);
    ck_assert(ends.worker.ended);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_peer_that_takes_nothing_does_not_keep_dead_streams_for_ever)
{
    ends_join(&ends, ALPN_H2);
    struct party *asks[8];
    for (int i = 0; i < 8; ++i)
        asks[i] = ends_ask(&ends, ends_request("GET", "/ipfs/x"), true);
    ends_settle(&ends);
    fake_conn_stall(ends.worker.conn, true);
    char piece[16384] = {0};
    for (unsigned i = 0; i < 8; ++i) {
        struct stream *stream = ends_nth(&ends.worker, i)->stream;
        stream_send_head(stream, ends_answer(200), false);
        stream_send(stream, span_of(piece, sizeof(piece)));
    }
    ends_settle(&ends);
    for (unsigned i = 1; i < 8; ++i)
        ends_release(ends_nth(&ends.worker, i));
    /* As long as one has a user, its patience counts. */
    fake_loop_advance(ends.loop, 60000);
    ends_settle(&ends);
    ck_assert(!ends.worker.ended);
    ends_release(ends_nth(&ends.worker, 0));
    fake_loop_advance(ends.loop, 30000);
    ends_settle(&ends);
    ck_assert(ends.worker.ended);
    ck_assert_int_eq(ends.worker.end, CONN_TIMED_OUT);
    ck_assert_int_eq(ends.worker.guard, HTTP_GUARD_BLOCKED);
    ck_assert_int_eq(stream_fate(asks[0]->stream), STREAM_LOST);
    ends_fini(&ends);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_request_and_its_answer_arrive_whole,
        what_the_user_does_not_take_stays_within_the_stream_window,
        a_small_window_is_held_to_once_it_is_agreed,
        a_stalled_stream_does_not_hold_up_its_neighbour,
        a_body_moved_from_stream_to_stream_is_whole_and_exact,
        trailers_pass_both_ways_without_what_may_not_be_there,
        the_reasons_of_a_reset_tell_the_worst_from_the_harmless,
        a_caller_who_leaves_is_a_reset_for_the_worker,
        an_answer_before_the_end_of_the_request_is_whole,
        a_body_that_is_not_as_long_as_it_said_is_never_a_success,
        a_byte_more_than_the_length_never_goes,
        room_is_one_before_the_settings_and_theirs_after,
        a_drain_lets_streams_finish_and_refuses_none_that_crossed_it,
        a_stream_above_the_last_of_goaway_is_refused,
        closing_loses_what_is_open_and_keeps_what_is_complete,
        the_connection_may_be_closed_and_the_stream_released_inside_a_note,
        heads_are_held_to_their_limits,
        cookie_crumbs_count_each_and_are_joined,
        a_long_target_is_414,
        malformed_requests_are_reset_and_shown_to_nobody,
        continue_is_asked_for_and_given_once,
        a_head_request_gets_a_length_and_no_body,
        resets_in_rapid_succession_close_the_connection,
        an_idle_connection_is_drained_and_a_silent_one_dropped,
        a_peer_that_takes_nothing_does_not_keep_dead_streams_for_ever,
        NULL,
    };
    return checks_run("h2", tests);
}
