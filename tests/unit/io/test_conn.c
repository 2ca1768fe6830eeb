#include "io/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "unit/io/peers.h"

/* A conn on one end of a socket pair; the other end is the test's own. */
struct pair {
    struct hall hall;
    struct side side;
    int fd;
    int conns_fd;
};

static void pair_init(struct pair *pair, size_t write_bytes_max)
{
    int fds[2];
    *pair = (struct pair){0};
    hall_init(&pair->hall, 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    pair->fd = fds[1];
    pair->conns_fd = fds[0];
    pair->side.hall = &pair->hall;
    struct conn_options options = {.write_bytes_max = write_bytes_max};
    pair->side.conn =
        conn_accept(pair->hall.loop, fds[0], NULL, &options, &side_events, &pair->side);
}

static void pair_fini(struct pair *pair)
{
    side_close(&pair->side);
    if (pair->fd >= 0)
        close(pair->fd);
    hall_fini(&pair->hall);
}

/* Sends the pattern from `from` on, `count` bytes, all at once. */
static void feed(struct pair *pair, size_t from, size_t count)
{
    char *bytes = alloc_zeroed(count);
    for (size_t i = 0; i < count; ++i)
        bytes[i] = pattern_at(from + i);
    ck_assert_int_eq(send(pair->fd, bytes, count, MSG_NOSIGNAL), (ssize_t)count);
    free(bytes);
}

/* Reads what is there. */
static size_t drink(struct pair *pair, size_t count)
{
    char bytes[4096];
    size_t total = 0;
    while (total < count) {
        size_t wanted = count - total < sizeof(bytes) ? count - total : sizeof(bytes);
        ssize_t got = recv(pair->fd, bytes, wanted, 0);
        if (got <= 0)
            break;
        total += (size_t)got;
    }
    return total;
}

static bool is_ended(struct pair *pair)
{
    char byte;
    return recv(pair->fd, &byte, 1, MSG_PEEK) == 0;
}

START_TEST(an_accepted_conn_opens_in_the_next_turn_not_before)
{
    struct pair pair;
    pair_init(&pair, 0);
    ck_assert_uint_eq(pair.side.opens, 0);
    hall_turn(&pair.hall, 0);
    ck_assert_uint_eq(pair.side.opens, 1);
    ck_assert(!conn_is_tls(pair.side.conn));
    ck_assert_int_eq(conn_alpn(pair.side.conn), ALPN_NONE);
    ck_assert_uint_eq(conn_peer_certificate(pair.side.conn).len, 0);
    uint8_t out[32];
    ck_assert(!conn_export(pair.side.conn, "EXPORTER-x", out, sizeof(out)));
    pair_fini(&pair);
}
END_TEST

START_TEST(what_is_not_taken_is_offered_again_with_more_behind_it)
{
    struct pair pair;
    pair_init(&pair, 0);
    pair.side.take_max = 3;
    feed(&pair, 0, 10);
    HALL_UNTIL(&pair.hall, pair.side.offers == 1);
    ck_assert_uint_eq(pair.side.offered, 10);
    hall_turn(&pair.hall, 20); /* nothing new: no offer */
    ck_assert_uint_eq(pair.side.offers, 1);
    feed(&pair, 10, 5);
    HALL_UNTIL(&pair.hall, pair.side.offers == 2);
    ck_assert_uint_eq(pair.side.offered, 12);
    conn_resume(pair.side.conn, PAUSE_WINDOW);
    hall_turn(&pair.hall, 0);
    ck_assert_uint_eq(pair.side.offers, 3);
    ck_assert_uint_eq(pair.side.offered, 9);
    ck_assert_uint_eq(pair.side.got, 9);
    pair_fini(&pair);
}
END_TEST

/* Takes one byte of the first offer and then nothing. */
static size_t take_none(void *owner, struct span bytes)
{
    struct side *side = owner;
    ++side->offers;
    side->offered = bytes.len;
    return 0;
}

START_TEST(at_most_64_kib_are_kept_and_then_reading_rests)
{
    static const struct conn_events none = {NULL, take_none, side_flush, NULL, side_note_ended};
    struct pair pair;
    pair_init(&pair, 0);
    hall_turn(&pair.hall, 0);
    conn_adopt(pair.side.conn, &none, &pair.side);
    for (size_t fed = 0; fed < 65536 + 8192; fed += 4096) {
        feed(&pair, fed, 4096);
        hall_turn(&pair.hall, 5);
    }
    ck_assert_uint_eq(pair.side.offered, 65536);
    unsigned offers = pair.side.offers;
    for (unsigned i = 0; i < 3; ++i)
        hall_turn(&pair.hall, 5);
    ck_assert_uint_eq(pair.side.offers, offers);
    conn_adopt(pair.side.conn, &side_events, &pair.side); /* this one takes all, in order */
    HALL_UNTIL(&pair.hall, pair.side.got == 65536 + 8192);
    pair_fini(&pair);
}
END_TEST

START_TEST(a_new_owner_is_offered_what_the_old_one_left)
{
    struct pair pair;
    struct side next = {.hall = &pair.hall};
    pair_init(&pair, 0);
    pair.side.take_max = 4;
    feed(&pair, 0, 10);
    HALL_UNTIL(&pair.hall, pair.side.offers == 1);
    next.conn = pair.side.conn;
    next.got = 4; /* where the pattern goes on */
    pair.side.conn = NULL;
    conn_adopt(next.conn, &side_events, &next);
    ck_assert_uint_eq(next.offers, 0);
    hall_turn(&pair.hall, 0);
    ck_assert_uint_eq(next.got, 10);
    side_close(&next);
    pair_fini(&pair);
}
END_TEST

START_TEST(a_paused_conn_offers_nothing_until_no_reason_is_left)
{
    struct pair pair;
    pair_init(&pair, 0);
    hall_turn(&pair.hall, 0);
    conn_pause(pair.side.conn, PAUSE_WINDOW);
    conn_pause(pair.side.conn, PAUSE_LIMIT);
    feed(&pair, 0, 100);
    hall_turn(&pair.hall, 20);
    conn_resume(pair.side.conn, PAUSE_WINDOW);
    hall_turn(&pair.hall, 20);
    ck_assert_uint_eq(pair.side.offers, 0);
    conn_resume(pair.side.conn, PAUSE_LIMIT);
    HALL_UNTIL(&pair.hall, pair.side.got == 100);
    pair_fini(&pair);
}
END_TEST

START_TEST(pausing_in_the_callback_keeps_the_rest_until_resumed)
{
    struct pair pair;
    pair_init(&pair, 0);
    pair.side.take_max = 10;
    pair.side.pause_after = true;
    feed(&pair, 0, 100);
    HALL_UNTIL(&pair.hall, pair.side.offers == 1);
    feed(&pair, 100, 100);
    hall_turn(&pair.hall, 20);
    ck_assert_uint_eq(pair.side.offers, 1);
    pair.side.take_max = 0;
    pair.side.pause_after = false;
    conn_resume(pair.side.conn, PAUSE_WINDOW);
    HALL_UNTIL(&pair.hall, pair.side.got == 200);
    pair_fini(&pair);
}
END_TEST

/* Sends as much again as it is offered: without a limit it would be offered for ever. */
static size_t take_and_feed(void *owner, struct span bytes)
{
    struct pair *pair = owner;
    char more[1000] = {0};
    pair->side.got += bytes.len;
    while (send(pair->fd, more, sizeof(more), MSG_NOSIGNAL) > 0)
        ;
    return bytes.len;
}

START_TEST(a_conn_with_endless_bytes_lets_others_have_their_turn)
{
    static const struct conn_events endless = {NULL, take_and_feed, side_flush, NULL,
                                               side_note_ended};
    struct pair pair;
    pair_init(&pair, 0);
    conn_adopt(pair.side.conn, &endless, &pair);
    int bytes = 1 << 20;
    ck_assert_int_eq(setsockopt(pair.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
    take_and_feed(&pair, SPAN_NONE);
    hall_turn(&pair.hall, 0);
    hall_turn(&pair.hall, 0);
    ck_assert_uint_gt(pair.side.got, 0);
    /* An event and eight passes at most in each turn, each of 256 KiB and the read that passed it.
     */
    ck_assert_uint_le(pair.side.got, 2 * 9 * (256 + 64) * 1024);
    pair_fini(&pair);
}
END_TEST

START_TEST(a_writer_never_holds_more_than_its_room_and_all_arrives)
{
    struct pair pair;
    pair_init(&pair, 20000);
    pair.side.to_send = 1 << 20;
    hall_turn(&pair.hall, 0);
    ck_assert_uint_eq(pair.side.unsent_most, 20000);
    /* Nobody reads: it stands still, full. */
    for (unsigned i = 0; i < 3; ++i)
        hall_turn(&pair.hall, 5);
    ck_assert_uint_eq(conn_room(pair.side.conn), 0);
    ck_assert_uint_eq(conn_unsent(pair.side.conn), 20000);
    size_t still = pair.side.sent;
    ck_assert_uint_lt(still, 1 << 20);
    hall_turn(&pair.hall, 5);
    ck_assert_uint_eq(pair.side.sent, still);
    size_t got = 0;
    HALL_UNTIL(&pair.hall, (got += drink(&pair, 30000)) == 1 << 20);
    ck_assert_uint_eq(pair.side.unsent_most, 20000);
    ck_assert_uint_gt(pair.side.drains, 0);
    ck_assert_uint_eq(conn_unsent(pair.side.conn), 0);
    pair_fini(&pair);
}
END_TEST

START_TEST(flush_is_called_until_it_writes_nothing_even_when_nothing_blocks)
{
    struct pair pair;
    pair_init(&pair, 1000);
    pair.side.to_send = 5000; /* the socket takes all of it at once */
    hall_turn(&pair.hall, 0);
    ck_assert_uint_eq(drink(&pair, 5000), 5000);
    unsigned flushes = pair.side.flushes;
    hall_turn(&pair.hall, 5);
    ck_assert_uint_eq(pair.side.flushes, flushes);
    pair_fini(&pair);
}
END_TEST

static void write_twice(void *owner)
{
    struct side *side = owner;
    if (side->flushes++ > 0)
        return;
    conn_write(side->conn, SPAN_OF("one"));
    conn_write(side->conn, SPAN_OF("two"));
}

START_TEST(what_is_written_in_a_turn_leaves_in_that_turn_and_is_not_cut_up)
{
    static const struct conn_events events = {NULL, side_note_bytes, write_twice, NULL,
                                              side_note_ended};
    struct pair pair;
    char text[32];
    pair_init(&pair, 0);
    conn_adopt(pair.side.conn, &events, &pair.side);
    conn_wake(pair.side.conn); /* before it is open: kept in mind */
    conn_write(pair.side.conn, SPAN_OF("zero"));
    ck_assert_int_eq(recv(pair.fd, text, sizeof(text), 0), -1);
    hall_turn(&pair.hall, 0);
    ck_assert_int_eq(recv(pair.fd, text, sizeof(text), 0), 10);
    ck_assert_int_eq(memcmp(text, "zeroonetwo", 10), 0);
    pair_fini(&pair);
}
END_TEST

START_TEST(room_is_exact_below_at_and_after_the_limit)
{
    struct pair pair;
    pair_init(&pair, 10);
    ck_assert_uint_eq(conn_room(pair.side.conn), 10);
    conn_write(pair.side.conn, SPAN_OF("012345678"));
    ck_assert_uint_eq(conn_room(pair.side.conn), 1);
    conn_write(pair.side.conn, SPAN_OF("9"));
    ck_assert_uint_eq(conn_room(pair.side.conn), 0);
    hall_turn(&pair.hall, 0);
    ck_assert_uint_eq(conn_room(pair.side.conn), 10);
    ck_assert_uint_eq(drink(&pair, 100), 10);
    pair_fini(&pair);
}
END_TEST

START_TEST(an_end_in_order_comes_behind_the_bytes_before_it)
{
    struct pair pair;
    pair_init(&pair, 0);
    feed(&pair, 0, 5000);
    close(pair.fd);
    pair.fd = -1;
    HALL_UNTIL(&pair.hall, pair.side.ends == 1);
    ck_assert_uint_eq(pair.side.got, 5000);
    ck_assert_int_eq(pair.side.end, CONN_EOF);
    ck_assert_uint_eq(conn_room(pair.side.conn), 0);
    conn_wake(pair.side.conn); /* too late, and no harm */
    for (unsigned i = 0; i < 3; ++i)
        hall_turn(&pair.hall, 2);
    ck_assert_uint_eq(pair.side.ends, 1);
    ck_assert_uint_eq(pair.side.flushes, 0);
    pair_fini(&pair);
}
END_TEST

START_TEST(a_paused_conn_tells_the_end_only_when_resumed)
{
    struct pair pair;
    pair_init(&pair, 0);
    pair.side.take_max = 10;
    pair.side.pause_after = true;
    feed(&pair, 0, 50);
    HALL_UNTIL(&pair.hall, pair.side.offers == 1);
    close(pair.fd);
    pair.fd = -1;
    hall_turn(&pair.hall, 20);
    ck_assert_uint_eq(pair.side.ends, 0);
    pair.side.take_max = 0;
    pair.side.pause_after = false;
    conn_resume(pair.side.conn, PAUSE_WINDOW);
    HALL_UNTIL(&pair.hall, pair.side.ends == 1);
    ck_assert_uint_eq(pair.side.got, 50);
    pair_fini(&pair);
}
END_TEST

START_TEST(closing_in_any_callback_is_safe)
{
    for (unsigned where = 0; where < 8; ++where) {
        struct pair pair;
        pair_init(&pair, 0);
        pair.side.linger = where >= 4;
        pair.side.close_at_open = where % 4 == 0;
        pair.side.close_at_bytes = where % 4 == 1;
        pair.side.close_at_flush = where % 4 == 2;
        pair.side.close_at_end = where % 4 == 3;
        pair.side.to_send = 100;
        feed(&pair, 0, 100);
        if (where % 4 == 3)
            ck_assert_int_eq(shutdown(pair.fd, SHUT_WR), 0);
        HALL_UNTIL(&pair.hall, pair.side.conn == NULL);
        HALL_UNTIL(&pair.hall, is_ended(&pair) || drink(&pair, 100) > 1000);
        unsigned calls = pair.side.offers + pair.side.flushes + pair.side.ends;
        hall_turn(&pair.hall, 5);
        ck_assert_uint_eq(pair.side.offers + pair.side.flushes + pair.side.ends, calls);
        pair_fini(&pair);
    }
}
END_TEST

START_TEST(a_lingering_conn_delivers_what_was_written_and_throws_away_what_comes)
{
    struct pair pair;
    pair_init(&pair, 1 << 20);
    pair.side.to_send = 1 << 20;
    hall_turn(&pair.hall, 0);
    ck_assert_uint_gt(conn_unsent(pair.side.conn), 0);
    pair.side.linger = true;
    unsigned offers = pair.side.offers;
    side_close(&pair.side);
    feed(&pair, 0, 1000);
    size_t got = 0;
    HALL_UNTIL(&pair.hall, (got += drink(&pair, 1 << 16)) == 1 << 20);
    HALL_UNTIL(&pair.hall, is_ended(&pair));
    ck_assert_uint_eq(pair.side.offers, offers);
    feed(&pair, 0, 10); /* still taken: our side is ended, the descriptor is not closed */
    hall_turn(&pair.hall, 5);
    ck_assert_int_ge(fcntl(pair.conns_fd, F_GETFD), 0);
    uint64_t start = clock_monotonic_ms();
    ck_assert_int_eq(shutdown(pair.fd, SHUT_WR), 0);
    HALL_UNTIL(&pair.hall, fcntl(pair.conns_fd, F_GETFD) < 0); /* as soon as the peer ends, too */
    ck_assert_uint_lt(clock_monotonic_ms(), start + 3000);
    pair_fini(&pair);
}
END_TEST

START_TEST(an_ended_peer_still_gets_what_was_written)
{
    struct pair pair;
    pair_init(&pair, 1 << 20);
    pair.side.to_send = 1 << 19;
    hall_turn(&pair.hall, 0);
    ck_assert_uint_gt(conn_unsent(pair.side.conn), 0);
    ck_assert_int_eq(shutdown(pair.fd, SHUT_WR), 0);
    pair.side.linger = pair.side.close_at_end = true;
    HALL_UNTIL(&pair.hall, pair.side.conn == NULL);
    size_t got = 0;
    HALL_UNTIL(&pair.hall, (got += drink(&pair, 1 << 16)) == 1 << 19);
    pair_fini(&pair);
}
END_TEST

START_TEST(a_conn_that_does_not_linger_drops_what_was_written)
{
    struct pair pair;
    pair_init(&pair, 1 << 20);
    pair.side.to_send = 1 << 20;
    hall_turn(&pair.hall, 0);
    side_close(&pair.side);
    size_t got = 0;
    HALL_UNTIL(&pair.hall, (got += drink(&pair, 1 << 16)) > 0 && is_ended(&pair));
    ck_assert_uint_lt(got, 1 << 20);
    pair_fini(&pair);
}
END_TEST

START_TEST(a_peer_that_takes_no_byte_is_left_after_five_seconds)
{
    struct pair pair;
    pair_init(&pair, 1 << 20);
    pair.side.to_send = 1 << 20;
    hall_turn(&pair.hall, 0);
    pair.side.linger = true;
    uint64_t start = clock_monotonic_ms();
    side_close(&pair.side);
    struct pollfd peer = {.fd = pair.fd, .events = 0};
    HALL_UNTIL(&pair.hall, poll(&peer, 1, 0) == 1 && (peer.revents & POLLHUP));
    ck_assert_uint_ge(clock_monotonic_ms(), start + 5000);
    pair_fini(&pair);
}
END_TEST

START_TEST(a_loop_that_goes_takes_the_lingering_with_it)
{
    struct pair pair;
    pair_init(&pair, 1 << 20);
    pair.side.to_send = 1 << 20;
    hall_turn(&pair.hall, 0);
    pair.side.linger = true;
    pair_fini(&pair); /* the leak checker is the judge */
}
END_TEST

START_TEST(a_connection_comes_up_both_ways_with_a_slow_reader)
{
    struct hall hall;
    hall_init(&hall, 0);
    struct side server = {.hall = &hall, .to_send = 1 << 20};
    struct side client = {.hall = &hall, .to_send = 1 << 20, .take_max = 1000};
    struct porch porch;
    porch_init(&porch, &server, NULL);
    client.conn =
        conn_connect(hall.loop, &porch.address, NULL, NULL, &porch.options, &side_events, &client);
    HALL_UNTIL(&hall, server.got == 1 << 20);
    while (client.got < 1 << 20) {
        conn_resume(client.conn, PAUSE_WINDOW);
        hall_turn(&hall, 5);
    }
    ck_assert_uint_eq(client.opens, 1);
    ck_assert_uint_eq(server.opens, 1);
    ck_assert_uint_le(server.unsent_most, 65536);
    side_close(&client);
    HALL_UNTIL(&hall, server.ends == 1);
    side_close(&server);
    listener_close(porch.listener);
    hall_fini(&hall);
}
END_TEST

START_TEST(nobody_there_is_a_failed_connection_told_later)
{
    struct hall hall;
    hall_init(&hall, 0);
    struct side nobody = {.hall = &hall};
    struct side client = {.hall = &hall};
    struct porch porch;
    porch_init(&porch, &nobody, NULL);
    listener_close(porch.listener);
    client.conn =
        conn_connect(hall.loop, &porch.address, NULL, NULL, &porch.options, &side_events, &client);
    ck_assert_uint_eq(client.ends, 0);
    HALL_UNTIL(&hall, client.ends == 1);
    ck_assert_int_eq(client.end, CONN_CONNECT_FAILED);
    side_close(&client);

    struct address gone;
    char error[128];
    ck_assert(address_parse(&gone, SPAN_OF("unix:/nowhere/at/all"), error, sizeof(error)));
    client = (struct side){.hall = &hall};
    client.conn = conn_connect(hall.loop, &gone, NULL, NULL, &porch.options, &side_events, &client);
    ck_assert_uint_eq(client.ends, 0);
    hall_turn(&hall, 0);
    ck_assert_int_eq(client.end, CONN_CONNECT_FAILED);
    side_close(&client);
    hall_fini(&hall);
}
END_TEST

START_TEST(a_reset_is_told_and_what_came_before_it_is_not_lost)
{
    struct hall hall;
    hall_init(&hall, 0);
    struct side server = {.hall = &hall};
    struct porch porch;
    porch_init(&porch, &server, NULL);
    int fd = socket_connect(&porch.address);
    HALL_UNTIL(&hall, server.opens == 1);
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    close(fd);
    HALL_UNTIL(&hall, server.ends == 1);
    ck_assert_int_eq(server.end, CONN_RESET);
    side_close(&server);
    listener_close(porch.listener);
    hall_fini(&hall);
}
END_TEST

/* The peer answers and goes in the very moment before this writes: the write fails before the
 * answer was looked at. */
static void write_too_late(void *owner)
{
    struct pair *pair = owner;
    if (pair->fd < 0)
        return;
    feed(pair, 0, 300);
    close(pair->fd);
    pair->fd = -1;
    conn_write(pair->side.conn, SPAN_OF("the rest of the upload"));
}

static size_t pair_note_bytes(void *owner, struct span bytes)
{
    return side_note_bytes(&((struct pair *)owner)->side, bytes);
}

static void pair_note_ended(void *owner, enum conn_end end)
{
    side_note_ended(&((struct pair *)owner)->side, end);
}

START_TEST(an_early_answer_is_read_though_the_peer_takes_no_more)
{
    static const struct conn_events late = {NULL, pair_note_bytes, write_too_late, NULL,
                                            pair_note_ended};
    struct pair pair;
    pair_init(&pair, 0);
    hall_turn(&pair.hall, 0);
    conn_adopt(pair.side.conn, &late, &pair);
    conn_wake(pair.side.conn);
    HALL_UNTIL(&pair.hall, pair.side.ends == 1);
    ck_assert_uint_eq(pair.side.got, 300);
    ck_assert_int_eq(pair.side.end, CONN_RESET); /* what was written did not arrive */
    pair_fini(&pair);
}
END_TEST

START_TEST(a_paused_conn_whose_peer_is_gone_ends_when_written_to)
{
    struct pair pair;
    pair_init(&pair, 0);
    hall_turn(&pair.hall, 0);
    conn_pause(pair.side.conn, PAUSE_LIMIT);
    close(pair.fd);
    pair.fd = -1;
    conn_write(pair.side.conn, SPAN_OF("anybody there?"));
    HALL_UNTIL(&pair.hall, pair.side.ends == 1);
    ck_assert_int_eq(pair.side.end, CONN_RESET);
    pair_fini(&pair);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_accepted_conn_opens_in_the_next_turn_not_before,
        what_is_not_taken_is_offered_again_with_more_behind_it,
        at_most_64_kib_are_kept_and_then_reading_rests,
        a_new_owner_is_offered_what_the_old_one_left,
        a_paused_conn_offers_nothing_until_no_reason_is_left,
        pausing_in_the_callback_keeps_the_rest_until_resumed,
        a_conn_with_endless_bytes_lets_others_have_their_turn,
        a_writer_never_holds_more_than_its_room_and_all_arrives,
        flush_is_called_until_it_writes_nothing_even_when_nothing_blocks,
        what_is_written_in_a_turn_leaves_in_that_turn_and_is_not_cut_up,
        room_is_exact_below_at_and_after_the_limit,
        an_end_in_order_comes_behind_the_bytes_before_it,
        a_paused_conn_tells_the_end_only_when_resumed,
        closing_in_any_callback_is_safe,
        a_lingering_conn_delivers_what_was_written_and_throws_away_what_comes,
        an_ended_peer_still_gets_what_was_written,
        a_conn_that_does_not_linger_drops_what_was_written,
        a_peer_that_takes_no_byte_is_left_after_five_seconds,
        a_loop_that_goes_takes_the_lingering_with_it,
        a_connection_comes_up_both_ways_with_a_slow_reader,
        nobody_there_is_a_failed_connection_told_later,
        a_reset_is_told_and_what_came_before_it_is_not_lost,
        an_early_answer_is_read_though_the_peer_takes_no_more,
        a_paused_conn_whose_peer_is_gone_ends_when_written_to,
        NULL};
    return checks_run("conn", tests);
}
