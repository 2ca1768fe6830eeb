#include "workers/attester.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "fakes/fake_attest.h"
#include "unit/workers/parts.h"

/* A lane of the test's own: the real loop and mailbox, so that threads are real. */
static struct loop *loop;
static struct mailbox *mailbox;
static struct attester *attester;
static struct trust *trust;
static struct span certificate;
static const struct subject subject = {"main", "w1"};
static const struct log quiet = {.fd = -1, .level = LOG_ERROR};

static unsigned answers;
static uint64_t ids[2048];
static struct proof last;

static void note_answer(void *owner, uint64_t id, const struct proof *proof)
{
    ck_assert_ptr_eq(owner, &answers);
    ck_assert_uint_lt(answers, sizeof(ids) / sizeof(ids[0]));
    ids[answers++] = id;
    last = *proof;
}

static void set_up(void)
{
    answers = 0;
    loop = loop_new();
    mailbox = mailbox_open(loop, 4, &answers);
    trust = parts_trust("{}");
    certificate = parts_certificate(NULL);
    fake_attest()->asked = 0;
    fake_attest_trust(clock_unix_ms() / 1000 + 1000);
    attester = attester_start(&quiet);
}

static void tear_down(void)
{
    attester_stop(attester);
    mailbox_close(mailbox);
    loop_free(loop);
    trust_give(trust);
    free((void *)certificate.ptr);
    ck_assert_uint_eq(fake_attest()->alive, 0);
}

static bool ask(struct span der, uint64_t id)
{
    return attester_ask(attester, trust, &subject, der, mailbox, note_answer, id);
}

static void wait_for(unsigned count)
{
    while (answers < count)
        loop_turn(loop);
}

START_TEST(an_answer_comes_by_mailbox_with_the_id_it_was_asked_by)
{
    ck_assert(ask(certificate, 77));
    ck_assert_uint_eq(answers, 0);
    wait_for(1);
    ck_assert_uint_eq(ids[0], 77);
    ck_assert(last.trusted);
    ck_assert_uint_gt(last.lasts_ms, 900 * 1000);
    ck_assert_uint_le(last.lasts_ms, 1000 * 1000);
}
END_TEST

START_TEST(the_same_question_twice_is_verified_once)
{
    ck_assert(ask(certificate, 1));
    ck_assert(ask(certificate, 2));
    wait_for(2);
    ck_assert_uint_eq(ids[0], 1);
    ck_assert_uint_eq(ids[1], 2);
    ck_assert(last.trusted);
    ck_assert_uint_eq(fake_attest()->asked, 1);
}
END_TEST

START_TEST(a_missing_or_huge_certificate_is_refused_not_copied)
{
    /* A span of a length that is not there: reading it would be seen by the sanitizers. */
    ck_assert(ask(span_of("x", ATTESTER_CERTIFICATE_BYTES_MAX + 1), 1));
    wait_for(1);
    ck_assert_str_eq(last.reason, "certificate-too-large");
    ck_assert(ask(SPAN_NONE, 2));
    wait_for(2);
    ck_assert_str_eq(last.reason, "no-certificate");
}
END_TEST

START_TEST(a_full_mailbox_is_tried_again_until_all_is_answered)
{
    /* Four letters fit; ten answers are due before the first is read. */
    for (uint64_t id = 1; id <= 10; ++id)
        ck_assert(ask(certificate, id));
    usleep(50 * 1000);
    wait_for(10);
    bool seen[11] = {false};
    for (unsigned i = 0; i < 10; ++i)
        seen[ids[i]] = true;
    for (uint64_t id = 1; id <= 10; ++id)
        ck_assert(seen[id]);
}
END_TEST

START_TEST(the_question_above_1024_is_not_taken)
{
    /* Nobody reads the mailbox of four, so none of these is over. */
    for (uint64_t id = 1; id <= ATTESTER_WAITS_MAX + 4; ++id)
        while (!ask(certificate, id))
            ck_assert_msg(id > ATTESTER_WAITS_MAX, "refused at %u", (unsigned)id);
    ck_assert(!ask(certificate, 2000));
    loop_turn(loop);
    wait_for(ATTESTER_WAITS_MAX + 4);
    ck_assert(ask(certificate, 2001));
    wait_for(ATTESTER_WAITS_MAX + 5);
}
END_TEST

START_TEST(stopping_drops_what_was_not_answered)
{
    for (uint64_t id = 1; id <= 100; ++id)
        ck_assert(ask(certificate, id));
    attester_stop(attester);
    attester = NULL;
    loop_turn(loop);
    ck_assert_uint_le(answers, 4);
}
END_TEST

START_TEST(a_lane_that_leaves_is_posted_nothing_more)
{
    struct mailbox *other = mailbox_open(loop, 2, &answers);
    for (uint64_t id = 1; id <= 20; ++id)
        ck_assert(attester_ask(attester, trust, &subject, certificate, other, note_answer, id));
    attester_forget(attester, other);
    mailbox_close(other); /* what was posted before is read here */
    ck_assert_uint_eq(answers, 2);
    usleep(30 * 1000); /* three times what late answers are tried again after */
    /* Its questions no longer count, and others are answered. */
    for (uint64_t id = 1; id <= ATTESTER_WAITS_MAX; ++id)
        ck_assert(ask(certificate, id));
    wait_for(2 + ATTESTER_WAITS_MAX);
}
END_TEST

/* An answer of `count` bytes to a challenge of the test's own. */
static bool ask_answer(size_t count, uint64_t id)
{
    char *bytes = malloc(count + 1);
    struct attester_answer answered = {.certificate = certificate, .answer = span_of(bytes, count)};
    memset(bytes, 'a', count);
    memset(answered.exporter, 0xe0, sizeof(answered.exporter));
    memset(answered.nonce, 0x70, sizeof(answered.nonce));
    bool taken = attester_ask_answer(attester, trust, &answered, mailbox, note_answer, id);
    memset(bytes, 'b', count);
    free(bytes); /* it was copied */
    return taken;
}

START_TEST(an_answer_to_a_challenge_is_judged_with_its_terms_and_never_from_the_cache)
{
    uint8_t exporter[32], nonce[32];
    memset(exporter, 0xe0, sizeof(exporter));
    memset(nonce, 0x70, sizeof(nonce));
    ck_assert(ask(certificate, 1));
    ck_assert(ask_answer(65536, 2));
    ck_assert(ask_answer(0, 3));
    ck_assert(ask(certificate, 4));
    wait_for(4);
    for (uint64_t i = 0; i < 4; ++i)
        ck_assert_uint_eq(ids[i], i + 1);
    ck_assert_uint_eq(fake_attest()->asked, 3);
    ck_assert_uint_eq(fake_attest()->answer_len, 0);
    ck_assert_uint_eq(fake_attest()->der_len, certificate.len);
    ck_assert_mem_eq(fake_attest()->challenge.exporter, exporter, 32);
    ck_assert_mem_eq(fake_attest()->challenge.nonce, nonce, 32);
}
END_TEST

START_TEST(an_answers_proof_says_whether_why_not_and_until_when)
{
    ck_assert(ask_answer(10, 1));
    wait_for(1);
    ck_assert(last.trusted);
    ck_assert_uint_gt(last.lasts_ms, 900 * 1000);
    fake_attest_refuse("of another connection");
    ck_assert(ask_answer(10, 2));
    wait_for(2);
    ck_assert(!last.trusted);
    ck_assert_str_eq(last.detail, "of another connection");
    ck_assert_uint_eq(last.lasts_ms, 0);
    trust_give(trust);
    trust = NULL; /* a pool without a policy */
    ck_assert(ask_answer(10, 3));
    wait_for(3);
    ck_assert(!last.trusted);
    ck_assert_str_eq(last.reason, "no-policy");
}
END_TEST

START_TEST(answers_and_certificates_share_the_1024_places_and_are_dropped_alike)
{
    for (uint64_t id = 1; id <= ATTESTER_WAITS_MAX + 4; ++id)
        while (!(id % 2 == 0 ? ask(certificate, id) : ask_answer(100, id)))
            ck_assert_msg(id > ATTESTER_WAITS_MAX, "refused at %u", (unsigned)id);
    ck_assert(!ask_answer(100, 2000));
    attester_stop(attester);
    attester = NULL;
    loop_turn(loop);
    ck_assert_uint_le(answers, 4);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_answer_comes_by_mailbox_with_the_id_it_was_asked_by,
        the_same_question_twice_is_verified_once,
        a_missing_or_huge_certificate_is_refused_not_copied,
        a_full_mailbox_is_tried_again_until_all_is_answered,
        the_question_above_1024_is_not_taken,
        stopping_drops_what_was_not_answered,
        a_lane_that_leaves_is_posted_nothing_more,
        an_answer_to_a_challenge_is_judged_with_its_terms_and_never_from_the_cache,
        an_answers_proof_says_whether_why_not_and_until_when,
        answers_and_certificates_share_the_1024_places_and_are_dropped_alike,
        NULL};
    return parts_run("workers/attester", tests, set_up, tear_down);
}
