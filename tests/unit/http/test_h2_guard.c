/* What the guard of HTTP/2 frames forgives, to the piece: at each limit, above it, and after a
 * while. */
#include <string.h>

#include "base/must.h"
#include "http/h2_guard.h"
#include "unit/checks.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static struct h2_guard guard;

static void begin(void)
{
    enum h2_verdict verdict;
    h2_guard_init(&guard, true, 1000);
    ck_assert_uint_eq(h2_guard_scan(&guard, span_of(preface, 24), 1000, &verdict), 24);
}

static enum h2_verdict scan(int type, int flags, uint32_t id, size_t length, uint64_t now)
{
    static char text[9 + 20000];
    enum h2_verdict verdict;
    must(length <= 20000);
    memset(text, 0, sizeof(text));
    text[0] = (char)(length >> 16);
    text[1] = (char)(length >> 8);
    text[2] = (char)length;
    text[3] = (char)type;
    text[4] = (char)flags;
    text[8] = (char)id;
    (void)h2_guard_scan(&guard, span_of(text, 9 + length), now, &verdict);
    return verdict;
}

/* What each costs at most at once, and heals in a second; as docs/hostile.md says. */
static const struct {
    const char *name;
    int type, flags;
    size_t length;
    uint32_t most, per_s, free;
    enum http_guard guard;
} rows[] = {
    {"empty DATA", 0, 0, 0, 200, 10, 0, HTTP_GUARD_EMPTY_FRAMES},
    {"DATA of a byte", 0, 0, 1, 5000, 500, 0, HTTP_GUARD_CRUMBS},
    {"DATA of eight bytes", 0, 0, 8, 5000, 500, 0, HTTP_GUARD_CRUMBS},
    {"PRIORITY", 2, 0, 5, 500, 50, 0, HTTP_GUARD_PRIORITIES},
    {"PRIORITY_UPDATE", 16, 0, 5, 500, 50, 0, HTTP_GUARD_PRIORITIES},
    {"RST_STREAM", 3, 0, 4, 500, 33, 0, HTTP_GUARD_RESETS},
    {"SETTINGS", 4, 0, 0, 100, 5, 0, HTTP_GUARD_SETTINGS},
    {"PING", 6, 0, 8, 300, 20, 0, HTTP_GUARD_PINGS},
    {"WINDOW_UPDATE", 8, 0, 4, 500, 50, 10, HTTP_GUARD_WINDOW_UPDATES},
    {"empty CONTINUATION", 9, 0, 0, 200, 10, 0, HTTP_GUARD_EMPTY_FRAMES},
    {"ALTSVC", 10, 0, 9, 100, 5, 0, HTTP_GUARD_UNKNOWN_FRAMES},
    {"unknown", 0xbe, 0, 9, 100, 5, 0, HTTP_GUARD_UNKNOWN_FRAMES},
};
enum { ROWS = sizeof(rows) / sizeof(*rows) };

START_TEST(each_kind_of_frame_is_forgiven_so_often_and_not_once_more)
{
    for (size_t i = 0; i < ROWS; ++i) {
        begin();
        for (uint32_t n = 0; n < rows[i].most + rows[i].free; ++n)
            ck_assert_msg(scan(rows[i].type, rows[i].flags, 1, rows[i].length, 1000) == H2_FINE,
                          "%s: %u", rows[i].name, n);
        ck_assert_int_eq(guard.tripped, HTTP_GUARD_NONE);
        ck_assert_msg(scan(rows[i].type, rows[i].flags, 1, rows[i].length, 1000) == H2_TOO_MUCH,
                      "%s", rows[i].name);
        ck_assert_msg(guard.tripped == rows[i].guard, "%s: %d", rows[i].name, guard.tripped);
    }
}
END_TEST

START_TEST(what_was_forgiven_is_forgotten_at_its_rate)
{
    for (size_t i = 0; i < ROWS; ++i) {
        begin();
        for (uint32_t n = 0; n < rows[i].most + rows[i].free; ++n)
            (void)scan(rows[i].type, rows[i].flags, 1, rows[i].length, 1000);
        for (uint32_t n = 0; n < rows[i].per_s; ++n)
            ck_assert_msg(scan(rows[i].type, rows[i].flags, 1, rows[i].length, 2000) == H2_FINE,
                          "%s: %u", rows[i].name, n);
        ck_assert_int_eq(scan(rows[i].type, rows[i].flags, 1, rows[i].length, 2000), H2_TOO_MUCH);
    }
}
END_TEST

START_TEST(what_honest_peers_send_costs_nothing)
{
    begin();
    for (int n = 0; n < 20000; ++n) {
        ck_assert_int_eq(scan(0, 0, 1, 9, 1000), H2_FINE); /* DATA with something in it */
        ck_assert_int_eq(scan(0, 1, 1, 0, 1000), H2_FINE); /* its end */
        ck_assert_int_eq(scan(6, 1, 0, 8, 1000), H2_FINE); /* the answer to a PING */
        ck_assert_int_eq(scan(4, 1, 0, 0, 1000), H2_FINE); /* to SETTINGS */
        h2_guard_note_data(&guard);
        ck_assert_int_eq(scan(8, 0, 1, 4, 1000), H2_FINE); /* to our DATA */
        ck_assert_int_eq(scan(8, 0, 0, 4, 1000), H2_FINE);
    }
    ck_assert_int_eq(guard.tripped, HTTP_GUARD_NONE);
    ck_assert(!h2_guard_is_hot(&guard));
}
END_TEST

START_TEST(a_little_of_everything_is_counted_together)
{
    static const enum http_guard kinds[] = {HTTP_GUARD_RESETS, HTTP_GUARD_PRIORITIES,
                                            HTTP_GUARD_PINGS, HTTP_GUARD_WINDOW_UPDATES};
    begin();
    unsigned count = 0;
    while (h2_guard_count(&guard, kinds[count % 4], 1, 1000) == HTTP_GUARD_NONE) {
        ++count;
        ck_assert_int_eq(h2_guard_is_hot(&guard), count > 750);
        must(count < 2000);
    }
    ck_assert_uint_eq(count, 1000);
    ck_assert_int_eq(guard.tripped, HTTP_GUARD_GLITCHES);

    begin(); /* a refused request weighs ten */
    for (count = 0; count < 80; ++count)
        ck_assert_int_eq(h2_guard_count(&guard, HTTP_GUARD_BAD_REQUESTS, 10, 1000),
                         HTTP_GUARD_NONE);
    ck_assert(h2_guard_is_hot(&guard));
    ck_assert_int_eq(h2_guard_count(&guard, HTTP_GUARD_BAD_REQUESTS, 10, 1000),
                     HTTP_GUARD_BAD_REQUESTS);
}
END_TEST

START_TEST(frames_too_long_and_priorities_of_nothing_are_seen_before_the_library_takes_them)
{
    for (int type = 0; type < 12; ++type) {
        begin();
        ck_assert_int_eq(scan(type, 4, 1, 16384, 1000), H2_FINE);
        begin();
        ck_assert_int_eq(scan(type, 4, 1, 16385, 1000), H2_TOO_LONG);
    }
    begin();
    ck_assert_int_eq(scan(2, 0, 0, 5, 1000), H2_STRAY_PRIORITY);
}
END_TEST

START_TEST(nothing_of_a_frame_that_is_judged_reaches_the_library)
{
    char text[27] = {0};
    enum h2_verdict verdict;
    begin();
    text[3] = 6 /* PING */, text[4] = 1, text[2] = 0;
    memcpy(text + 9, text, 9);
    text[12] = 2 /* PRIORITY, of stream 0 */;
    ck_assert_uint_eq(h2_guard_scan(&guard, span_of(text, 27), 1000, &verdict), 9);
    ck_assert_int_eq(verdict, H2_STRAY_PRIORITY);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_kind_of_frame_is_forgiven_so_often_and_not_once_more,
        what_was_forgiven_is_forgotten_at_its_rate,
        what_honest_peers_send_costs_nothing,
        a_little_of_everything_is_counted_together,
        frames_too_long_and_priorities_of_nothing_are_seen_before_the_library_takes_them,
        nothing_of_a_frame_that_is_judged_reaches_the_library,
        NULL,
    };
    return checks_run("h2_guard", tests);
}
