/* What a caller can prove: which calls have a receipt, when, and what it says of the bodies. */
#define _GNU_SOURCE
#include <openssl/sha.h>
#include <stdio.h>

#include "base/base64url.h"
#include "scenarios/hall.h"
#include "unit/checks.h"

/* The record of a receipt; "" when there is none. */
static const char *record_of(const char *receipt)
{
    static char text[RECEIPT_RECORD_MAX + 1];
    struct span part = span_text(receipt);
    part.len = span_find(part, '.');
    size_t bytes = part.len * 3 / 4;
    ck_assert(base64url_read(part, text, bytes));
    text[bytes] = '\0';
    return text;
}

static const char *body_of(const char *name, const char *text, bool whole)
{
    static char out[128];
    unsigned char digest[32];
    char sha[64];
    SHA256((const unsigned char *)text, strlen(text), digest);
    base64url_write(sha, span_of(digest, sizeof(digest)));
    snprintf(out, sizeof(out), "\"%s\":{\"sha256\":\"%s\",\"whole\":%s}", name, sha,
             whole ? "true" : "false");
    return out;
}

static void check_says(const char *record, const char *words)
{
    ck_assert_msg(strstr(record, words) != NULL, "%s\nis not in\n%s", words, record);
}

START_TEST(a_receipt_comes_with_the_cost_and_says_what_passed)
{
    struct hall hall;
    hall_open(&hall);
    memset(hall.pools->proof.key_sha256, 'k', 32);
    memset(hall.pools->proof.evidence_sha256, 'e', 32);
    memset(hall.pools->proof.policy_sha256, 'p', 32);
    hall_ask(&hall, "POST", "/ipfs/" HALL_CID, NULL, true);
    fake_stream_feed(hall.caller, SPAN_OF("question"));
    fake_stream_feed_end(hall.caller, NULL);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "agent-usage: tokens=4", "hello");
    hall_run(&hall);
    const char *record = record_of(hall_trailer(&hall, "agent-receipt"));
    check_says(record, body_of("request", "question", true));
    check_says(record, body_of("response", "hello", true));
    check_says(record, "\"invocation\":\"abcdefghijklmnopqrstuvwxyz\",\"parent\":\"\"");
    check_says(record, "\"cid\":\"" HALL_CID "\",\"worker_key\":\"a2tra2");
    check_says(record, "\"evidence\":\"ZWVl");
    check_says(record, "\"policy\":\"cHBw");
    check_says(record, "\"attempts\":1,\"usage\":{\"ms\":0,\"in\":8,\"out\":5,\"units\":"
                       "{\"tokens\":4}}");
    check_says(record, "\"outcome\":\"ok\",\"status\":200,\"sequence\":1");
    char charge[32];
    snprintf(charge, sizeof(charge), "\"charge\":%s,", hall_trailer(&hall, "agent-cost"));
    check_says(record, charge);
    ck_assert_uint_eq(hall.signed_count, 1);
    /* What goes to the ledger makes the same record later. */
    ck_assert_ptr_nonnull(hall.meter->settlement.note);
    hall_close(&hall);
}
END_TEST

START_TEST(a_small_answer_has_it_as_a_field_with_the_bytes_that_follow)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall.caller->takes_trailers = false;
    hall_run(&hall);
    char body[16384];
    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    struct stream *worker = hall_worker(&hall, 0);
    for (size_t i = 0; i < 127; ++i) /* in pieces of all sizes */
        fake_stream_feed(worker, span_of(body + i * 129, 129));
    fake_stream_feed_end(worker, NULL);
    (void)fake_streams_pump();
    fake_stream_head(worker, hall_head(200, ""));
    hall_run(&hall);
    const char *record = record_of(hall_field(&hall, "agent-receipt"));
    check_says(record, body_of("response", body, true));
    check_says(record, "\"out\":16383,");
    ck_assert(span_is(fake_stream_got(hall.caller), span_text(body)));
    hall_close(&hall);
}
END_TEST

START_TEST(an_answer_of_a_known_length_is_in_it_to_its_last_byte)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    struct stream *worker = hall_worker(&hall, 0);
    fake_stream_head(worker, hall_head(200, "content-length: 10"));
    hall_run(&hall);
    fake_stream_feed(worker, SPAN_OF("01234"));
    hall_run(&hall);
    fake_stream_feed(worker, SPAN_OF("56789"));
    fake_stream_feed_end(worker, NULL);
    hall_run(&hall);
    check_says(record_of(hall_trailer(&hall, "agent-receipt")),
               body_of("response", "0123456789", true));
    hall_close(&hall);
}
END_TEST

START_TEST(a_cost_that_is_not_certain_has_no_receipt_yet)
{
    static const enum fake_settle ways[] = {SETTLE_SILENT, SETTLE_UNKNOWN};
    struct hall hall;
    hall_open(&hall);
    hall.meter->settle = ways[_i];
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "", "hello");
    hall_run(&hall);
    hall_pass(&hall, 100);
    ck_assert_str_eq(hall_trailer(&hall, "agent-cost"), "12;status=pending");
    ck_assert_str_eq(hall_trailer(&hall, "agent-receipt"), "");
    ck_assert_uint_eq(hall.signed_count, 0);
    hall_close(&hall);
}
END_TEST

START_TEST(a_charge_that_was_somebody_elses_has_no_receipt_of_this_call)
{
    struct hall hall;
    hall_open(&hall);
    hall.meter->unsure = true; /* DUP: perhaps a reaper's */
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "", "hello");
    hall_run(&hall);
    ck_assert_str_eq(hall_trailer(&hall, "agent-cost"), "12");
    ck_assert_str_eq(hall_trailer(&hall, "agent-receipt"), "");
    hall_close(&hall);
}
END_TEST

START_TEST(without_a_signature_the_answer_ends_well_all_the_same)
{
    struct hall hall;
    hall_open(&hall);
    hall.signer->fails = true;
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "", "hello");
    hall_run(&hall);
    ck_assert(hall.complete);
    ck_assert_str_eq(hall_trailer(&hall, "agent-cost"), "12");
    ck_assert_str_eq(hall_trailer(&hall, "agent-receipt"), "");
    ck_assert_uint_eq(stats_read(&hall.stats.receipts), 0);
    hall_close(&hall);
}
END_TEST

START_TEST(a_call_that_failed_at_a_cost_has_one_with_its_problem)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    hall_pass(&hall, 10100); /* no head in time */
    ck_assert_int_eq(hall_status(&hall), 504);
    const char *record = record_of(hall_field(&hall, "agent-receipt"));
    check_says(record, "\"outcome\":\"too-slow\",\"status\":504");
    check_says(record, body_of("response", "", false));
    hall_close(&hall);
}
END_TEST

START_TEST(a_call_that_never_ran_has_none)
{
    struct hall hall;
    hall_open(&hall);
    hall.pools->tries[0].fault = FAULT_NO_WORKER;
    hall_post(&hall);
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 503);
    ck_assert_str_eq(hall_field(&hall, "agent-receipt"), "");
    ck_assert_uint_eq(hall.signed_count, 0);
    hall_close(&hall);
}
END_TEST

START_TEST(a_caller_who_leaves_is_not_signed_for_and_the_note_says_what_passed)
{
    struct hall hall;
    hall_open(&hall);
    hall_ask(&hall, "POST", "/ipfs/" HALL_CID, NULL, true);
    fake_stream_feed(hall.caller, SPAN_OF("ques"));
    hall_run(&hall);
    fake_stream_head(hall_worker(&hall, 0), hall_head(200, ""));
    fake_stream_feed(hall_worker(&hall, 0), SPAN_OF("hel"));
    hall_run(&hall);
    fake_stream_fail(hall.caller, STREAM_RESET);
    hall_run(&hall);
    ck_assert_uint_eq(hall.meter->settles, 1);
    ck_assert_uint_eq(hall.signed_count, 0);
    const struct receipt_note *note = &hall.meter->note;
    unsigned char wanted[32];
    SHA256((const unsigned char *)"ques", 4, wanted);
    ck_assert_mem_eq(note->request.sha256, wanted, 32);
    SHA256((const unsigned char *)"hel", 3, wanted);
    ck_assert_mem_eq(note->response.sha256, wanted, 32);
    ck_assert(!note->request.whole && !note->response.whole);
    hall_close(&hall);
}
END_TEST

START_TEST(the_second_try_counts_and_is_the_one_that_is_named)
{
    struct hall hall;
    hall_open(&hall);
    hall.pools->tries[0].fault = FAULT_REFUSED;
    hall_ask(&hall, "POST", "/ipfs/" HALL_CID, NULL, true);
    fake_stream_feed(hall.caller, SPAN_OF("question"));
    fake_stream_feed_end(hall.caller, NULL);
    hall_run(&hall);
    hall_answer(&hall, 1, 200, "", "hello");
    hall_run(&hall);
    const char *record = record_of(hall_trailer(&hall, "agent-receipt"));
    check_says(record, "\"attempts\":2,");
    check_says(record, body_of("request", "question", true));
    hall_close(&hall);
}
END_TEST

START_TEST(without_digests_the_receipt_says_so)
{
    struct hall hall;
    hall_open(&hall);
    hall.site.options.body_digests = false;
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "", "hello");
    hall_run(&hall);
    check_says(record_of(hall_trailer(&hall, "agent-receipt")),
               "\"response\":{\"sha256\":\"\",\"whole\":true}");
    hall_close(&hall);
}
END_TEST

START_TEST(a_call_that_is_not_metered_has_one_without_a_sequence)
{
    struct hall hall;
    hall_open(&hall);
    hall.agent->metered = false;
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "", "hello");
    hall_run(&hall);
    const char *record = record_of(hall_trailer(&hall, "agent-receipt"));
    check_says(record, "\"ceiling\":0,\"charge\":0,\"outcome\":\"ok\",\"status\":200,"
                       "\"sequence\":0,");
    ck_assert_str_eq(hall_trailer(&hall, "agent-cost"), "");
    hall_close(&hall);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("receipts");
    TCase *tcase = tcase_create("receipts");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_receipt_comes_with_the_cost_and_says_what_passed);
    tcase_add_test(tcase, a_small_answer_has_it_as_a_field_with_the_bytes_that_follow);
    tcase_add_test(tcase, an_answer_of_a_known_length_is_in_it_to_its_last_byte);
    tcase_add_loop_test(tcase, a_cost_that_is_not_certain_has_no_receipt_yet, 0, 2);
    tcase_add_test(tcase, a_charge_that_was_somebody_elses_has_no_receipt_of_this_call);
    tcase_add_test(tcase, without_a_signature_the_answer_ends_well_all_the_same);
    tcase_add_test(tcase, a_call_that_failed_at_a_cost_has_one_with_its_problem);
    tcase_add_test(tcase, a_call_that_never_ran_has_none);
    tcase_add_test(tcase, a_caller_who_leaves_is_not_signed_for_and_the_note_says_what_passed);
    tcase_add_test(tcase, the_second_try_counts_and_is_the_one_that_is_named);
    tcase_add_test(tcase, without_digests_the_receipt_says_so);
    tcase_add_test(tcase, a_call_that_is_not_metered_has_one_without_a_sequence);
    return hall_run_suite(suite);
}
