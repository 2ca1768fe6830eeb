/* The answers of an admin socket, also of one that is not ours. */
#include <stdio.h>

#include "base/alloc.h"
#include "ctl/answer.h"
#include "unit/checks.h"

/* Feeds `text` in pieces of `size` bytes, then the end. */
static enum answer_state feed(struct answer *answer, const char *text, size_t size)
{
    struct span rest = span_text(text);
    answer_init(answer);
    while (rest.len > 0) {
        struct span piece = span_of(rest.ptr, rest.len < size ? rest.len : size);
        answer_feed(answer, piece);
        rest = span_from(rest, piece.len);
    }
    return answer_end(answer);
}

static void whole(const char *text, int status, const char *body)
{
    static const size_t sizes[] = {1, 2, 3, 7, 100000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); ++i) {
        struct answer answer;
        enum answer_state state = feed(&answer, text, sizes[i]);
        ck_assert_msg(state == ANSWER_WHOLE, "%s: %s", text, answer.why);
        ck_assert_int_eq(answer.status, status);
        ck_assert_uint_eq(answer.body_len, strlen(body));
        ck_assert_str_eq(answer.body, body);
        answer_fini(&answer);
    }
}

static void bad(const char *text, const char *why)
{
    static const size_t sizes[] = {1, 100000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); ++i) {
        struct answer answer;
        ck_assert_msg(feed(&answer, text, sizes[i]) == ANSWER_BAD, "%s", text);
        ck_assert_msg(strstr(answer.why, why) != NULL, "%s: %s", text, answer.why);
        answer_fini(&answer);
    }
}

#define OK "HTTP/1.1 200 OK\r\n"

START_TEST(an_answer_with_a_length_is_whole_at_its_last_byte)
{
    whole(OK "Content-Length: 5\r\n\r\nhello", 200, "hello");
    whole(OK "content-length:0\r\n\r\n", 200, "");
    whole("HTTP/1.1 204 \r\n\r\n", 204, "");
    whole("HTTP/1.1 404 Not Found\r\nX: \t y \r\nCONTENT-LENGTH: 1 \r\n\r\n{", 404, "{");
    whole("HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\nx", 200, "x");
}
END_TEST

START_TEST(an_answer_in_chunks_is_put_together)
{
    whole(OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA\r\n, chunked!\r\n0\r\n\r\n", 200,
          "hello, chunked!");
    whole(OK "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", 200, "");
    whole(OK "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nAgent-Cost: 1\r\n\r\n", 200, "x");
}
END_TEST

START_TEST(two_lengths_or_none_are_refused)
{
    bad(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "two lengths");
    bad(OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "two lengths");
    bad(OK "Content-Length: 5, 5\r\n\r\nhello", "not a number");
    bad(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "length and chunks");
    bad(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "coding");
    bad(OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "coding");
    bad(OK "\r\nhello", "neither");
}
END_TEST

START_TEST(lengths_that_are_no_numbers_are_refused)
{
    static const char *const lengths[] = {"",    "-1", "+1",  "0x5",
                                          "5 5", "5a", "1e1", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); ++i) {
        char text[128];
        snprintf(text, sizeof(text), OK "Content-Length: %s\r\n\r\nhello", lengths[i]);
        bad(text, "not a number");
    }
}
END_TEST

START_TEST(chunks_out_of_form_are_refused)
{
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
    bad(CHUNKED "\r\n", "size");
    bad(CHUNKED "g\r\n", "size");
    bad(CHUNKED "-1\r\n", "size");
    bad(CHUNKED "0x1\r\n", "size");
    bad(CHUNKED " 1\r\nx\r\n0\r\n\r\n", "size");
    bad(CHUNKED "1;ext=1\r\nx\r\n0\r\n\r\n", "size");
    bad(CHUNKED "000000001\r\nx\r\n0\r\n\r\n", "size");
    bad(CHUNKED "ffffffff\r\n", "16 MiB");
    bad(CHUNKED "1000001\r\n", "16 MiB");
    bad(CHUNKED "1\r\nxy\r\n0\r\n\r\n", "longer than its size");
    bad(CHUNKED "1\nx\n0\n\n", "broke off");
    bad(CHUNKED "0\r\nContent-Length: 1\r\n\r\n", "two lengths");
    bad(CHUNKED "0\r\nno colon\r\n\r\n", "malformed");
}
END_TEST

START_TEST(what_breaks_off_is_never_whole)
{
    static const char *const texts[] = {
        OK "Content-Length: 5\r\n\r\nhello",
        CHUNKED "5\r\nhello\r\n0\r\nA: b\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
        for (size_t len = 0; len < strlen(texts[i]); ++len) {
            char *cut = alloc_text(texts[i], len);
            bad(cut, len == 0 ? "without an answer" : "broke off");
            free(cut);
        }
    }
}
END_TEST

START_TEST(bytes_behind_the_end_are_refused)
{
    struct answer answer;
    ck_assert_int_eq(feed(&answer, OK "Content-Length: 1\r\n\r\nxy", 1000), ANSWER_BAD);
    answer_fini(&answer);
}
END_TEST

START_TEST(what_is_not_http_11_is_refused)
{
    static const char *const texts[] = {
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i)
        bad(texts[i], "not HTTP/1.1");
    bad("HTTP/1.1 101 Switching\r\n\r\n", "protocol");
    bad(OK "Content-Length : 0\r\n\r\n", "malformed");
    bad(OK " folded: 1\r\n\r\n", "malformed");
    bad(OK ": empty\r\n\r\n", "malformed");
    bad(OK "A: \x01\r\n\r\n", "malformed");
    bad(OK "A: b\nContent-Length: 0\r\n\r\n", "malformed");
}
END_TEST

static void head_of(char *text, size_t size)
{
    static const char start[] = OK "Content-Length: 0\r\nX: ";
    memset(text, 'x', size);
    memcpy(text, start, sizeof(start) - 1);
    memcpy(text + size - 4, "\r\n\r\n", 5);
}

START_TEST(a_head_of_64_kib_is_taken_and_one_byte_more_is_not)
{
    char *text = alloc_zeroed(ANSWER_HEAD_MAX + 2);
    struct answer answer;
    head_of(text, ANSWER_HEAD_MAX);
    ck_assert_int_eq(feed(&answer, text, 1000), ANSWER_WHOLE);
    answer_fini(&answer);
    head_of(text, ANSWER_HEAD_MAX + 1);
    ck_assert_int_eq(feed(&answer, text, 1000), ANSWER_BAD);
    answer_fini(&answer);
    free(text);
}
END_TEST

static enum answer_state feed_sized(struct answer *answer, const char *head, size_t size)
{
    char *bytes = alloc_zeroed(size);
    answer_init(answer);
    answer_feed(answer, span_text(head));
    answer_feed(answer, span_of(bytes, size));
    free(bytes);
    return answer->state;
}

START_TEST(a_body_of_16_mib_is_taken_and_one_byte_more_is_not)
{
    struct answer answer;
    char head[128];
    for (int over = 0; over < 2; ++over) {
        snprintf(head, sizeof(head), OK "Content-Length: %d\r\n\r\n", ANSWER_BODY_MAX + over);
        ck_assert_int_eq(feed_sized(&answer, head, ANSWER_BODY_MAX + over),
                         over ? ANSWER_BAD : ANSWER_WHOLE);
        answer_fini(&answer);
        /* One chunk of half, then one of the rest. */
        snprintf(head, sizeof(head), CHUNKED "%x\r\n", ANSWER_BODY_MAX / 2);
        ck_assert_int_eq(feed_sized(&answer, head, ANSWER_BODY_MAX / 2), ANSWER_MORE);
        snprintf(head, sizeof(head), "\r\n%x\r\n", ANSWER_BODY_MAX / 2 + over);
        ck_assert_int_eq(answer_feed(&answer, span_text(head)), over ? ANSWER_BAD : ANSWER_MORE);
        answer_fini(&answer);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {an_answer_with_a_length_is_whole_at_its_last_byte,
                                  an_answer_in_chunks_is_put_together,
                                  two_lengths_or_none_are_refused,
                                  lengths_that_are_no_numbers_are_refused,
                                  chunks_out_of_form_are_refused,
                                  what_breaks_off_is_never_whole,
                                  bytes_behind_the_end_are_refused,
                                  what_is_not_http_11_is_refused,
                                  a_head_of_64_kib_is_taken_and_one_byte_more_is_not,
                                  a_body_of_16_mib_is_taken_and_one_byte_more_is_not,
                                  NULL};
    return checks_run("answer", tests);
}
