/* HTTP/2 frames by hand: what honest peers never send, and how far it gets. */
#include <stdio.h>

#include "base/alloc.h"
#include "ends.h"
#include "unit/checks.h"

static struct ends ends;

/* A queue of frames to feed. */
static char frames[1 << 20];
static size_t frames_len;

enum {
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PUSH,
    PING,
    GOAWAY,
    WINDOW_UPDATE,
    CONTINUATION
};
enum { ACK = 1, END_STREAM = 1, END_HEADERS = 4, PADDED = 8 };
enum { PROTOCOL_ERROR = 1, CALM = 11 };

static void raw(const void *bytes, size_t len)
{
    must(frames_len + len <= sizeof(frames));
    if (len > 0)
        memcpy(frames + frames_len, bytes, len);
    frames_len += len;
}

static void frame(int type, int flags, uint32_t id, const void *payload, size_t len)
{
    const unsigned char header[9] = {
        (unsigned char)(len >> 16), (unsigned char)(len >> 8), (unsigned char)len,
        (unsigned char)type,        (unsigned char)flags,      (unsigned char)(id >> 24),
        (unsigned char)(id >> 16),  (unsigned char)(id >> 8),  (unsigned char)id};
    raw(header, sizeof(header));
    raw(payload, len);
}

/* One field, literal, without indexing, no Huffman code (RFC 7541 6.2.2). */
static size_t literal(char *to, const char *name, const char *value)
{
    size_t name_len = strlen(name), value_len = strlen(value);
    must(name_len < 127 && value_len < 127);
    *to++ = 0;
    *to++ = (char)name_len;
    memcpy(to, name, name_len);
    to += name_len;
    *to++ = (char)value_len;
    memcpy(to, value, value_len);
    return name_len + value_len + 3;
}

/* GET https://a.example/ and what else is given, as `name`, `value`, ..., NULL. */
static size_t block(char *to, const char *const *more)
{
    size_t len = literal(to, ":method", "GET");
    len += literal(to + len, ":scheme", "https");
    len += literal(to + len, ":authority", "a.example");
    len += literal(to + len, ":path", "/");
    for (; more != NULL && *more != NULL; more += 2)
        len += literal(to + len, more[0], more[1]);
    return len;
}

static void request(uint32_t id, int flags, const char *const *more)
{
    char fields[4096];
    frame(HEADERS, END_HEADERS | flags, id, fields, block(fields, more));
}

static void begin(void)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    frames_len = 0;
    ends_init(&ends);
    ends_serve_raw(&ends, ALPN_H2);
    raw(preface, sizeof(preface) - 1);
    frame(SETTINGS, 0, 0, NULL, 0);
    frame(SETTINGS, ACK, 0, NULL, 0);
}

static void send_frames(struct end *end)
{
    fake_conn_feed(end->conn, span_of(frames, frames_len));
    frames_len = 0;
    ends_settle(&ends);
}

/* The error code of the last GOAWAY or, for a stream, RST_STREAM; -1 without. */
static int found_code(struct end *end, int type, uint32_t id)
{
    struct span wrote = fake_conn_wrote(end->conn);
    const unsigned char *at = (const unsigned char *)wrote.ptr;
    const unsigned char *stop = at + wrote.len;
    int code = -1;
    if (!end->options.head_bytes_max)
        return code;
    if (wrote.len > 24 && memcmp(at, "PRI", 3) == 0)
        at += 24;
    while (stop - at >= 9) {
        size_t len = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2];
        uint32_t on = (uint32_t)at[5] << 24 | (uint32_t)at[6] << 16 | (uint32_t)at[7] << 8 | at[8];
        if (at[3] == type && on == id)
            code = at[9 + (type == GOAWAY ? 7 : 3)];
        at += 9 + len;
    }
    return code;
}

static int goaway_code(void)
{
    return found_code(&ends.worker, GOAWAY, 0);
}

START_TEST(a_request_by_hand_is_shown)
{
    begin();
    request(1, END_STREAM, NULL);
    send_frames(&ends.worker);
    ck_assert_uint_eq(ends.worker.party_count, 1);
    ck_assert_uint_eq(ends.worker.bad_count, 0);
    ck_assert(stream_is_ended(ends_nth(&ends.worker, 0)->stream));
    ends_fini(&ends);
}
END_TEST

START_TEST(malformed_heads_are_reset_with_protocol_error)
{
    static const char *const rows[][7] = {
        {"X", "1", NULL},
        {"x y", "1", NULL},
        {"", "1", NULL},
        {"x", " 1", NULL},
        {"x", "1\t", NULL},
        {"x",
         "a\x01"
         "b",
         NULL},
        {"x", "a\rb", NULL},
        {"x", "a\nb", NULL},
        {"x", "a\x7f", NULL},
        {"connection", "close", NULL},
        {"keep-alive", "1", NULL},
        {"proxy-connection", "close", NULL},
        {"transfer-encoding", "chunked", NULL},
        {"upgrade", "websocket", NULL},
        {"te", "gzip", NULL},
        {"te", "trailers, gzip", NULL},
        {":path", "/two", NULL},
        {":protocol", "websocket", NULL},
        {":status", "200", NULL},
        {":unknown", "1", NULL},
        {"x", "1", ":path", "/late", NULL},
        {"host", "b.example", NULL},
        {"host", "a.example", "host", "a.example", NULL},
        {"content-length", "1", NULL},
        {"content-length", "0", "content-length", "0", NULL},
        {"content-length", "-0", NULL},
        {"content-length", "", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        begin();
        request(1, END_STREAM, rows[i]);
        request(3, END_STREAM, NULL);
        send_frames(&ends.worker);
        ck_assert_msg(ends.worker.party_count == 1, "row %zu", i);
        ck_assert_msg(ends.worker.bad_count == 1, "row %zu: %u bad", i, ends.worker.bad_count);
        ck_assert_int_eq(ends.worker.bads[0], 400);
        ck_assert_msg(found_code(&ends.worker, RST_STREAM, 1) == PROTOCOL_ERROR, "row %zu", i);
        ck_assert(!ends.worker.ended);
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(pseudo_fields_that_lack_or_stand_twice_are_refused)
{
    static const char *const all[][2] = {
        {":method", "GET"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", "/"}};
    for (int without = 0; without < 4; ++without) {
        char fields[512];
        size_t len = 0;
        begin();
        for (int i = 0; i < 4; ++i)
            if (i != without)
                len += literal(fields + len, all[i][0], all[i][1]);
        frame(HEADERS, END_HEADERS | END_STREAM, 1, fields, len);
        send_frames(&ends.worker);
        ck_assert_uint_eq(ends.worker.party_count, 0);
        ck_assert_uint_eq(ends.worker.bad_count, 1);
        ck_assert_int_eq(found_code(&ends.worker, RST_STREAM, 1), PROTOCOL_ERROR);
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(host_stands_in_for_authority_and_both_must_agree)
{
    char fields[512];
    begin();
    size_t len = literal(fields, ":method", "GET");
    len += literal(fields + len, ":scheme", "https");
    len += literal(fields + len, ":path", "/");
    len += literal(fields + len, "host", "b.example");
    frame(HEADERS, END_HEADERS | END_STREAM, 1, fields, len);
    send_frames(&ends.worker);
    const struct head *head = stream_head(ends_nth(&ends.worker, 0)->stream);
    ck_assert(span_is(head->authority, SPAN_OF("b.example")));
    ck_assert_ptr_null(head_find(head, SPAN_OF("host")));
    ends_fini(&ends);
}
END_TEST

START_TEST(connect_is_answered_501)
{
    char fields[512];
    begin();
    size_t len = literal(fields, ":method", "CONNECT");
    len += literal(fields + len, ":authority", "a.example:443");
    frame(HEADERS, END_HEADERS, 1, fields, len);
    send_frames(&ends.worker);
    ck_assert_uint_eq(ends.worker.party_count, 0);
    ck_assert_uint_eq(ends.worker.bad_count, 1);
    ck_assert_int_eq(ends.worker.bads[0], 501);
    ck_assert_int_eq(found_code(&ends.worker, RST_STREAM, 1), 0); /* NO_ERROR, behind the answer */
    ends_fini(&ends);
}
END_TEST

START_TEST(a_length_must_be_that_of_the_data_wherever_the_end_is)
{
    static const char *const five[] = {"content-length", "5", NULL};
    for (int way = 0; way < 5; ++way) {
        begin();
        request(1, way == 0 ? END_STREAM : 0, five);
        if (way == 1)
            frame(DATA, END_STREAM, 1, "four", 4);
        if (way == 2)
            frame(DATA, 0, 1, "sixsix", 6);
        if (way == 3 || way == 4)
            frame(DATA, 0, 1, "fivefive", way == 3 ? 4 : 5);
        if (way == 3 || way == 4) {
            char trailers[64];
            frame(HEADERS, END_HEADERS | END_STREAM, 1, trailers, literal(trailers, "t", "1"));
        }
        send_frames(&ends.worker);
        if (way == 4) {
            ck_assert_uint_eq(ends.worker.party_count, 1);
            ck_assert(stream_is_ended(ends_nth(&ends.worker, 0)->stream));
        } else {
            ck_assert_msg(ends.worker.party_count == 0, "way %d", way);
            ck_assert_int_eq(found_code(&ends.worker, RST_STREAM, 1), PROTOCOL_ERROR);
        }
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(a_body_of_the_wrong_length_is_invalid_for_whoever_saw_its_head)
{
    static const char *const five[] = {"content-length", "5", NULL};
    begin();
    request(1, 0, five);
    send_frames(&ends.worker);
    frame(DATA, END_STREAM, 1, "four", 4);
    send_frames(&ends.worker);
    struct party *party = ends_nth(&ends.worker, 0);
    ck_assert(!stream_is_ended(party->stream));
    ck_assert_int_eq(stream_fate(party->stream), STREAM_INVALID);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_stream_below_one_opened_before_ends_the_connection)
{
    begin();
    request(1, END_STREAM, NULL);
    request(7, END_STREAM, NULL);
    request(9, END_STREAM, NULL);
    send_frames(&ends.worker);
    ck_assert_uint_eq(ends.worker.party_count, 3);
    request(5, END_STREAM, NULL);
    send_frames(&ends.worker);
    ck_assert_uint_eq(ends.worker.party_count, 3);
    ck_assert_int_eq(goaway_code(), PROTOCOL_ERROR);
    ck_assert(ends.worker.ended);
    ends_fini(&ends);
}
END_TEST

/* What a flood is made of, one round of it. */
static void flood_ping(unsigned round)
{
    (void)round;
    frame(PING, 0, 0, "12345678", 8);
}
static void flood_settings(unsigned round)
{
    (void)round;
    frame(SETTINGS, 0, 0, NULL, 0);
}
static void flood_priority(unsigned round)
{
    (void)round;
    frame(PRIORITY, 0, 3, "\0\0\0\1\20", 5);
}
static void flood_unknown(unsigned round)
{
    (void)round;
    frame(0xbe, 0, 0, "x", 1);
}
static void flood_empty_data(unsigned round)
{
    if (round == 0)
        request(1, 0, NULL);
    frame(DATA, 0, 1, NULL, 0);
}
static void flood_window(unsigned round)
{
    (void)round;
    frame(WINDOW_UPDATE, 0, 0, "\0\0\0\1", 4);
}
static void flood_reset(unsigned round)
{
    request(2 * round + 1, 0, NULL);
    frame(RST_STREAM, 0, 2 * round + 1, "\0\0\0\10", 4);
}
static void flood_bad_heads(unsigned round)
{
    static const char *const bad[] = {"X", "1", NULL};
    request(2 * round + 1, END_STREAM, bad);
}
/* MadeYouReset, CVE-2025-8671: each makes us reset a stream that was good. */
static void flood_zero_update(unsigned round)
{
    request(2 * round + 1, END_STREAM, NULL);
    frame(WINDOW_UPDATE, 0, 2 * round + 1, "\177\377\377\377", 4);
}
static void flood_large_heads(unsigned round)
{
    static char fields[16000];
    size_t len = block(fields, NULL);
    for (int i = 0; i < 120; ++i)
        len += literal(fields + len, "cookie", "");
    frame(HEADERS, END_HEADERS | END_STREAM, 2 * round + 1, fields, len);
}

START_TEST(floods_end_the_connection_and_a_little_of_the_same_does_not)
{
    static const struct {
        const char *name;
        void (*make)(unsigned round);
    } rows[] = {
        {"ping", flood_ping},
        {"settings", flood_settings},
        {"priority", flood_priority},
        {"unknown", flood_unknown},
        {"empty data", flood_empty_data},
        {"window update", flood_window},
        {"reset", flood_reset},
        {"bad heads", flood_bad_heads},
        {"zero update", flood_zero_update},
        {"large heads", flood_large_heads},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        unsigned round = 0;
        begin();
        for (; round < 50; ++round)
            rows[i].make(round);
        send_frames(&ends.worker);
        ck_assert_msg(!ends.worker.ended, "%s ended at once", rows[i].name);
        while (!ends.worker.ended && round < 3000) {
            for (int k = 0; k < 20; ++k)
                rows[i].make(round++);
            send_frames(&ends.worker);
            fake_conn_forget(ends.worker.conn);
            for (unsigned p = 0; p < ends.worker.party_count; ++p) {
                stream_release(ends.worker.parties[p].stream);
                free(ends.worker.parties[p].body);
            }
            ends.worker.party_count = 0;
        }
        ck_assert_msg(ends.worker.ended, "%s never ended", rows[i].name);
        ck_assert_uint_ge(ends.worker.bad_count, 1);
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(a_peer_that_does_not_read_our_answers_cannot_make_them_pile_up)
{
    int rounds = 0;
    begin();
    request(1, END_STREAM, NULL); /* is being answered: the connection is not idle */
    send_frames(&ends.worker);
    fake_conn_stall(ends.worker.conn, true);
    while (ends.worker.guard == HTTP_GUARD_NONE && ++rounds < 100) {
        fake_loop_advance(ends.loop, 5000); /* slower than any limit on the rate */
        for (int i = 0; i < 100; ++i)
            frame(PING, 0, 0, "12345678", 8);
        send_frames(&ends.worker);
    }
    ck_assert_int_eq(ends.worker.guard, HTTP_GUARD_UNREAD);
    ck_assert_int_le(rounds, 50); /* 64 KiB in the conn, and a thousand behind them */
    ck_assert(!ends.worker.ended);
    fake_loop_advance(ends.loop, 5000); /* its last words do not leave either */
    ends_settle(&ends);
    ck_assert(ends.worker.ended);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_flood_of_continuations_ends_the_connection)
{
    begin();
    char fields[512];
    frame(HEADERS, 0, 1, fields, block(fields, NULL));
    for (int i = 0; i < 20; ++i)
        frame(CONTINUATION, 0, 1, fields, literal(fields, "x", "1"));
    send_frames(&ends.worker);
    ck_assert(ends.worker.ended);
    ck_assert_uint_eq(ends.worker.party_count, 0);
    ends_fini(&ends);
}
END_TEST

/* The bomb: 3,000 bytes once, then a byte for each time it is meant again. */
static void bomb(size_t references)
{
    static char fields[8192];
    size_t len = block(fields, NULL);
    fields[len++] = 0x40; /* literal with incremental indexing, new name */
    fields[len++] = 1;
    fields[len++] = 'x';
    fields[len++] = 0x7f;
    size_t value = 3000 - 127;
    for (; value >= 128; value >>= 7)
        fields[len++] = (char)(value % 128 + 128);
    fields[len++] = (char)value;
    memset(fields + len, 'a', 3000);
    len += 3000;
    memset(fields + len, 0x80 | 62, references);
    frame(HEADERS, END_HEADERS | END_STREAM, 1, fields, len + references);
}

START_TEST(references_to_one_large_field_are_counted_each)
{
    begin();
    bomb(20);
    send_frames(&ends.worker);
    ck_assert_uint_eq(ends.worker.party_count, 1); /* 63,000 bytes are fine */
    ends_fini(&ends);

    begin();
    bomb(995); /* with the five before it, ten times the fields that are allowed */
    send_frames(&ends.worker);
    ck_assert_uint_eq(ends.worker.party_count, 0);
    ck_assert_uint_eq(ends.worker.bad_count, 1);
    ck_assert_int_eq(ends.worker.bads[0], 431);
    ck_assert(!ends.worker.ended);
    ends_fini(&ends);

    begin();
    bomb(996);
    send_frames(&ends.worker);
    ck_assert_uint_eq(ends.worker.party_count, 0);
    ck_assert_int_eq(goaway_code(), CALM);
    ck_assert_int_eq(ends.worker.guard, HTTP_GUARD_LARGE_HEADS);
    ck_assert(ends.worker.ended);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_head_that_dribbles_is_given_up)
{
    char fields[512];
    size_t len = block(fields, NULL);
    for (int way = 0; way < 2; ++way) {
        begin();
        if (way == 0) {
            /* a frame whose payload does not come */
            frame(HEADERS, END_HEADERS | END_STREAM, 1, fields, len);
            --frames_len;
        } else {
            /* frames, and never the last */
            frame(HEADERS, END_STREAM, 1, fields, len);
        }
        send_frames(&ends.worker);
        fake_loop_advance(ends.loop, ends.worker.options.head_ms_max - 1);
        ends_settle(&ends);
        ck_assert(!ends.worker.ended);
        fake_loop_advance(ends.loop, 1);
        ends_settle(&ends);
        ck_assert(ends.worker.ended);
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(streams_above_the_limit_are_refused_and_an_error_once_it_is_agreed)
{
    for (int agreed = 0; agreed < 2; ++agreed) {
        ends_init(&ends);
        ends.worker.options.streams_max = 3;
        ends_serve_raw(&ends, ALPN_H2);
        frames_len = 0;
        raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
        frame(SETTINGS, 0, 0, NULL, 0);
        if (agreed)
            frame(SETTINGS, ACK, 0, NULL, 0);
        for (uint32_t id = 1; id <= 5; id += 2)
            request(id, END_STREAM, NULL);
        send_frames(&ends.worker);
        ck_assert_uint_eq(ends.worker.party_count, 3);
        ck_assert(!ends.worker.ended);
        request(7, END_STREAM, NULL);
        send_frames(&ends.worker);
        ck_assert_uint_eq(ends.worker.party_count, 3);
        if (agreed) {
            ck_assert_int_eq(goaway_code(), PROTOCOL_ERROR);
            ck_assert_int_eq(stream_fate(ends_nth(&ends.worker, 0)->stream), STREAM_INVALID);
        } else {
            ck_assert_int_eq(found_code(&ends.worker, RST_STREAM, 7), 7 /* REFUSED_STREAM */);
            ends_reply(ends_nth(&ends.worker, 0), 200, "");
            ends_settle(&ends);
            request(9, END_STREAM, NULL);
            send_frames(&ends.worker);
            ck_assert_uint_eq(ends.worker.party_count, 4);
        }
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(after_so_many_requests_the_connection_drains_in_two_steps)
{
    begin(); /* for its frames; they go to another connection */
    ends_fini(&ends);
    ends_init(&ends);
    ends.worker.options.requests_max = 2;
    ends_serve_raw(&ends, ALPN_H2);
    request(1, END_STREAM, NULL);
    send_frames(&ends.worker);
    ck_assert_int_eq(goaway_code(), -1);
    request(3, END_STREAM, NULL);
    send_frames(&ends.worker);
    ck_assert_int_eq(goaway_code(), 0);
    /* It crossed the first GOAWAY, which promised nothing was lost: it is served. */
    request(5, END_STREAM, NULL);
    send_frames(&ends.worker);
    ck_assert_uint_eq(ends.worker.party_count, 3);
    fake_conn_forget(ends.worker.conn);
    fake_loop_advance(ends.loop, 1000);
    ends_settle(&ends);
    ck_assert_int_eq(goaway_code(), 0);
    request(7, END_STREAM, NULL);
    send_frames(&ends.worker);
    ck_assert_uint_eq(ends.worker.party_count, 3);
    for (unsigned i = 0; i < 3; ++i) {
        ck_assert(!ends.worker.ended);
        ends_reply(ends_nth(&ends.worker, i), 200, "x");
        ends_settle(&ends);
    }
    ck_assert(ends.worker.ended);
    ends_fini(&ends);
}
END_TEST

START_TEST(what_is_not_http2_ends_the_connection)
{
    begin();
    frames_len = 0;
    raw("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", 35);
    send_frames(&ends.worker);
    ck_assert(ends.worker.ended);
    ck_assert_uint_eq(ends.worker.party_count, 0);
    ends_fini(&ends);

    begin();
    frame(DATA, 0, 0, "x", 1);
    send_frames(&ends.worker);
    ck_assert(ends.worker.ended);
    ck_assert_int_eq(goaway_code(), PROTOCOL_ERROR);
    ck_assert_uint_eq(ends.worker.bad_count, 1);
    ends_fini(&ends);
}
END_TEST

START_TEST(byte_by_byte_and_in_one_piece_a_session_reads_the_same)
{
    for (size_t chop = 0; chop < 4; ++chop) {
        begin();
        fake_conn_chop(ends.worker.conn, chop);
        request(1, 0, NULL);
        frame(DATA, 0, 1, "hello ", 6);
        frame(PING, 0, 0, "12345678", 8);
        frame(DATA, PADDED, 1, "\3you\0\0\0", 7);
        request(3, END_STREAM, NULL);
        char trailers[64];
        frame(HEADERS, END_HEADERS | END_STREAM, 1, trailers, literal(trailers, "sum", "1"));
        send_frames(&ends.worker);
        ck_assert_uint_eq(ends.worker.party_count, 2);
        struct party *party = ends_nth(&ends.worker, 0);
        ck_assert_str_eq(party->body, "hello you");
        ck_assert(stream_is_ended(party->stream));
        ck_assert_str_eq(ends_value(stream_trailers(party->stream), "sum"), "1");
        ends_fini(&ends);
    }
}
END_TEST

/* --- broken workers --------------------------------------------------------------------------- */

static struct party *ask(const char *method)
{
    frames_len = 0;
    ends_init(&ends);
    ends_ask_raw(&ends, ALPN_H2);
    frame(SETTINGS, 0, 0, NULL, 0);
    frame(SETTINGS, ACK, 0, NULL, 0);
    struct party *party = ends_ask(&ends, ends_request(method, "/"), true);
    send_frames(&ends.caller);
    return party;
}

static void answer(int flags, const char *const *fields)
{
    char text[2048];
    size_t len = 0;
    for (; *fields != NULL; fields += 2)
        len += literal(text + len, fields[0], fields[1]);
    frame(HEADERS, END_HEADERS | flags, 1, text, len);
}

START_TEST(broken_answers_are_invalid)
{
    static const char *const rows[][7] = {
        {"x", "1", NULL},
        {":status", "20", NULL},
        {":status", "2000", NULL},
        {":status", "abc", NULL},
        {":status", "600", NULL},
        {":status", "101", NULL},
        {":status", "200", ":status", "200", NULL},
        {":status", "200", ":path", "/", NULL},
        {":status", "200", "X", "1", NULL},
        {":status", "200", "x", "a\nb", NULL},
        {":status", "200", "connection", "close", NULL},
        {":status", "200", "transfer-encoding", "chunked", NULL},
        {":status", "200", "content-length", "1", NULL},
        {":status", "200", "content-length", "x", NULL},
        {":status", "200", "content-length", "0", "content-length", "0", NULL},
        {":status", "100", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        struct party *party = ask("GET");
        answer(END_STREAM, rows[i]);
        send_frames(&ends.caller);
        ck_assert_msg(stream_fate(party->stream) == STREAM_INVALID, "row %zu: %d", i,
                      stream_fate(party->stream));
        ck_assert(!stream_is_ended(party->stream));
        ck_assert_ptr_null(stream_head(party->stream));
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(a_short_body_is_invalid_and_a_broken_one_reset)
{
    static const char *const five[] = {":status", "200", "content-length", "5", NULL};
    struct party *party = ask("GET");
    answer(0, five);
    frame(DATA, END_STREAM, 1, "four", 4);
    send_frames(&ends.caller);
    ck_assert_int_eq(stream_fate(party->stream), STREAM_INVALID);
    ck_assert(!stream_is_ended(party->stream));
    ends_fini(&ends);

    party = ask("GET");
    answer(0, five);
    frame(DATA, 0, 1, "four", 4);
    frame(RST_STREAM, 0, 1, "\0\0\0\0", 4); /* even NO_ERROR: the answer is not whole */
    send_frames(&ends.caller);
    ck_assert_int_eq(stream_fate(party->stream), STREAM_RESET);
    ck_assert(!stream_is_ended(party->stream));
    ends_fini(&ends);
}
END_TEST

START_TEST(interim_answers_are_skipped_up_to_eight)
{
    static const char *const hints[] = {":status", "103", NULL};
    static const char *const ok[] = {":status", "200", NULL};
    for (int count = 7; count <= 9; ++count) {
        struct party *party = ask("GET");
        for (int i = 0; i < count; ++i)
            answer(0, hints);
        answer(END_STREAM, ok);
        send_frames(&ends.caller);
        ck_assert_int_eq(stream_fate(party->stream), count <= 8 ? STREAM_WHOLE : STREAM_INVALID);
        ck_assert_int_eq(stream_is_ended(party->stream), count <= 8);
        ends_fini(&ends);
    }
}
END_TEST

START_TEST(a_head_over_its_limit_is_too_large)
{
    struct party *party = ask("GET");
    static char text[16000];
    size_t len = literal(text, ":status", "200");
    for (int i = 0; i < 101; ++i)
        len += literal(text + len, "x", "1");
    frame(HEADERS, END_HEADERS | END_STREAM, 1, text, len);
    send_frames(&ends.caller);
    ck_assert_int_eq(stream_fate(party->stream), STREAM_TOO_LARGE);
    ck_assert_ptr_null(stream_head(party->stream));
    ends_fini(&ends);
}
END_TEST

START_TEST(a_connection_error_of_the_worker_is_invalid)
{
    struct party *party = ask("GET");
    frame(PUSH, END_HEADERS, 1, "\0\0\0\2\210", 5);
    send_frames(&ends.caller);
    ck_assert_int_eq(stream_fate(party->stream), STREAM_INVALID);
    ck_assert(ends.caller.ended);
    ends_fini(&ends);
}
END_TEST

START_TEST(a_worker_that_never_sends_settings_is_given_up)
{
    frames_len = 0;
    ends_init(&ends);
    ends_ask_raw(&ends, ALPN_H2);
    fake_loop_advance(ends.loop, ends.caller.options.head_ms_max);
    ends_settle(&ends);
    ck_assert(ends.caller.ended);
    ends_fini(&ends);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_request_by_hand_is_shown,
        malformed_heads_are_reset_with_protocol_error,
        pseudo_fields_that_lack_or_stand_twice_are_refused,
        host_stands_in_for_authority_and_both_must_agree,
        connect_is_answered_501,
        a_length_must_be_that_of_the_data_wherever_the_end_is,
        a_body_of_the_wrong_length_is_invalid_for_whoever_saw_its_head,
        a_stream_below_one_opened_before_ends_the_connection,
        floods_end_the_connection_and_a_little_of_the_same_does_not,
        a_peer_that_does_not_read_our_answers_cannot_make_them_pile_up,
        a_flood_of_continuations_ends_the_connection,
        references_to_one_large_field_are_counted_each,
        a_head_that_dribbles_is_given_up,
        streams_above_the_limit_are_refused_and_an_error_once_it_is_agreed,
        after_so_many_requests_the_connection_drains_in_two_steps,
        what_is_not_http2_ends_the_connection,
        byte_by_byte_and_in_one_piece_a_session_reads_the_same,
        broken_answers_are_invalid,
        a_short_body_is_invalid_and_a_broken_one_reset,
        interim_answers_are_skipped_up_to_eight,
        a_head_over_its_limit_is_too_large,
        a_connection_error_of_the_worker_is_invalid,
        a_worker_that_never_sends_settings_is_given_up,
        NULL,
    };
    return checks_run("h2_hostile", tests);
}
