/* The attester, real, with real threads and letters; what it judges with and fetches is scripted.
 */
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "fakes/fake_attest.h"
#include "fakes/fake_fetch.h"
#include "unit/workers/parts.h"
#include "workers/attester.h"

static struct loop *loop;
static struct mailbox *mailbox;
static struct attester *attester;
static struct trust *trust;
static struct span certificate;
static const struct subject subject = {"main", "w1"};
static const struct log quiet = {.fd = -1, .level = LOG_ERROR};
static const struct collateral_options options = {.retry_ms = 600000};

static unsigned answers;
static uint64_t last_id;
static bool first_was_answered;
static struct proof last;
static char shown[65536];
static unsigned shows;
static sem_t gate;
static sem_t arrived;

static void note_answer(void *owner, uint64_t id, const struct proof *proof)
{
    ++answers;
    first_was_answered |= id == 1;
    last_id = id;
    last = *proof;
}

static void note_shown(void *owner, uint64_t id, struct span json)
{
    ck_assert_ptr_eq(owner, &shows);
    ck_assert_uint_eq(id, 99);
    ck_assert_uint_lt(json.len, sizeof(shown));
    snprintf(shown, sizeof(shown), "%.*s", (int)json.len, json.len > 0 ? json.ptr : "");
    ++shows;
}

static void set_up(void)
{
    answers = shows = 0;
    first_was_answered = false;
    fake_fetch_reset();
    fake_attest()->asked = 0;
    fake_attest()->pause = NULL;
    fake_attest()->needs_collateral = true;
    fake_attest()->chain_is_foreign = false;
    fake_attest_trust(clock_unix_ms() / 1000 + 1000);
    ck_assert_int_eq(sem_init(&gate, 0, 0), 0);
    ck_assert_int_eq(sem_init(&arrived, 0, 0), 0);
    loop = loop_new();
    mailbox = mailbox_open(loop, 64, &answers);
    trust = parts_trust("{}");
    certificate = parts_certificate(NULL);
    attester = attester_start(&quiet);
}

static void tear_down(void)
{
    if (attester != NULL)
        attester_stop(attester);
    mailbox_close(mailbox);
    loop_free(loop);
    trust_give(trust);
    free((void *)certificate.ptr);
    fake_attest()->needs_collateral = false;
    ck_assert_uint_eq(fake_attest()->alive, 0);
}

static void ask(uint64_t id)
{
    ck_assert(attester_ask(attester, trust, &subject, certificate, mailbox, note_answer, id));
}

static void wait_for(unsigned count)
{
    while (answers < count)
        loop_turn(loop);
}

static void bring(const char *text)
{
    fake_fetch()->text = text;
    fake_fetch()->expires = clock_unix_ms() / 1000 + 86400;
}

START_TEST(a_question_waits_for_its_collateral_and_is_then_judged)
{
    attester_configure(attester, &options);
    bring("{}");
    fake_fetch()->blocks = true;
    ask(1);
    ask(2);
    while (fake_fetch()->out == 0)
        usleep(1000);
    ck_assert_uint_eq(answers, 0);
    ck_assert_uint_eq(attester_version(attester), 0);
    fake_fetch()->blocks = false;
    wait_for(2);
    ck_assert(last.trusted);
    ck_assert_uint_eq(fake_fetch()->asked, 1);
    ck_assert_uint_eq(attester_version(attester), 1);
    ck_assert_uint_eq(stats_read(&attester_stats(attester)->collateral_fetches), 1);
    while (attester_collateral_ends(attester) == 0)
        usleep(1000); /* its thread says so when it has answered */
    ck_assert_int_ge(attester_collateral_ends(attester), fake_fetch()->expires);
}
END_TEST

START_TEST(collateral_that_cannot_be_had_leaves_the_question_unjudged_and_says_why)
{
    attester_configure(attester, &options);
    fake_fetch()->error = "https://pccs.example: TCB info answered with status 404";
    ask(1);
    wait_for(1);
    ck_assert(!last.trusted);
    ck_assert(last.unjudged);
    ck_assert_str_eq(last.reason, "collateral-missing");
    ck_assert_str_eq(last.detail, "https://pccs.example: TCB info answered with status 404");
    ask(2);
    wait_for(2);
    ck_assert(last.unjudged);
    ck_assert_uint_eq(fake_fetch()->asked, 1);
}
END_TEST

START_TEST(where_nothing_is_fetched_missing_collateral_is_a_refusal)
{
    ask(1);
    wait_for(1);
    ck_assert(!last.trusted);
    ck_assert(!last.unjudged);
    ck_assert_str_eq(last.reason, "collateral-missing");
}
END_TEST

START_TEST(a_chain_of_nobody_is_refused_by_its_own_name)
{
    attester_configure(attester, &options);
    fake_attest()->chain_is_foreign = true;
    ask(1);
    wait_for(1);
    ck_assert(!last.unjudged);
    ck_assert_str_eq(last.detail, "a chain of nobody");
    ck_assert_uint_eq(fake_fetch()->asked, 0);
}
END_TEST

START_TEST(a_question_that_needs_no_collateral_is_answered_while_another_waits_for_some)
{
    attester_configure(attester, &options);
    fake_fetch()->blocks = true;
    ask(1);
    while (fake_fetch()->out == 0)
        usleep(1000);
    /* A question that is refused without any: what waits for a network stops nobody. */
    ck_assert(attester_ask(attester, NULL, &subject, certificate, mailbox, note_answer, 2));
    wait_for(1);
    ck_assert_uint_eq(last_id, 2);
    ck_assert_str_eq(last.reason, "no-policy");
    fake_fetch()->blocks = false;
    wait_for(2);
}
END_TEST

START_TEST(a_lane_may_leave_while_its_question_waits)
{
    attester_configure(attester, &options);
    bring("{}");
    fake_fetch()->blocks = true;
    ask(1);
    while (fake_fetch()->out == 0)
        usleep(1000);
    attester_forget(attester, mailbox);
    fake_fetch()->blocks = false;
    while (attester_version(attester) == 0)
        usleep(1000);
    for (uint64_t id = 2; id < 2 + ATTESTER_WAITS_MAX; ++id)
        ask(id);
    wait_for(ATTESTER_WAITS_MAX);
    ck_assert(!first_was_answered);
}
END_TEST

START_TEST(stopping_cancels_what_is_being_fetched)
{
    attester_configure(attester, &options);
    fake_fetch()->blocks = true;
    ask(1);
    while (fake_fetch()->out == 0)
        usleep(1000);
    attester_stop(attester);
    attester = NULL;
    ck_assert_uint_eq(fake_fetch()->cancelled, 1);
    ck_assert_uint_eq(fake_fetch()->out, 0);
    ck_assert_uint_eq(answers, 0);
}
END_TEST

/* --- a lane goes on -------------------------------------------------------------------------- */

static void wait_at_the_gate(void)
{
    sem_post(&arrived);
    while (sem_wait(&gate) != 0)
        ;
}

static void count(void *owner)
{
    ++*(unsigned *)owner;
}

START_TEST(a_verification_however_slow_holds_up_no_lane)
{
    unsigned turns = 0;
    struct timer timer;
    struct wake wake;
    timer_init(&timer, loop, count, &turns);
    wake_init(&wake, count, &turns);
    fake_attest()->needs_collateral = false;
    fake_attest()->pause = wait_at_the_gate;
    ask(1);
    while (sem_wait(&arrived) != 0)
        ;
    /* The attester stands in the verifier; this loop's timers and wakes run, and more may ask. */
    for (unsigned i = 0; i < 100; ++i) {
        unsigned before = turns;
        timer_set(&timer, loop_now(loop) + 1);
        loop_wake(loop, &wake);
        while (turns < before + 2)
            loop_turn(loop);
    }
    ask(2);
    ck_assert_uint_eq(answers, 0);
    fake_attest()->pause = NULL;
    sem_post(&gate);
    wait_for(2);
    ck_assert(last.trusted);
    timer_fini(&timer);
}
END_TEST

/* --- evidence -------------------------------------------------------------------------------- */

static void show(const char *worker)
{
    unsigned before = shows;
    ck_assert(attester_show(attester, span_text(worker), mailbox, note_shown, &shows, 99));
    while (shows == before)
        loop_turn(loop);
}

START_TEST(what_was_judged_of_a_worker_can_be_shown_and_nothing_of_others)
{
    fake_attest()->needs_collateral = false;
    show("w1");
    ck_assert_str_eq(shown, "");
    ask(1);
    wait_for(1);
    show("w1");
    ck_assert_ptr_nonnull(strstr(shown, "\"verdict\":\"trusted\""));
    ck_assert_ptr_nonnull(strstr(shown, "BEGIN CERTIFICATE"));
    show("w2");
    ck_assert_str_eq(shown, "");
    show("a-name-that-is-longer-than-any-worker-may-have-0000000000000000000000000000000");
    ck_assert_str_eq(shown, "");
}
END_TEST

START_TEST(sixty_four_may_ask_for_evidence_at_once)
{
    fake_attest()->needs_collateral = false;
    fake_attest()->pause = wait_at_the_gate;
    ask(1);
    while (sem_wait(&arrived) != 0)
        ;
    for (unsigned i = 0; i < ATTESTER_SHOWS_MAX; ++i)
        ck_assert(attester_show(attester, SPAN_OF("w1"), mailbox, note_shown, &shows, 99));
    ck_assert(!attester_show(attester, SPAN_OF("w1"), mailbox, note_shown, &shows, 99));
    fake_attest()->pause = NULL;
    sem_post(&gate);
    wait_for(1);
    /* Who has 64 letters to read takes none more: those are dropped, and their askers' own time
     * ends. */
    while (shows < ATTESTER_SHOWS_MAX - 1)
        loop_turn(loop);
    show("w1");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_question_waits_for_its_collateral_and_is_then_judged,
        collateral_that_cannot_be_had_leaves_the_question_unjudged_and_says_why,
        where_nothing_is_fetched_missing_collateral_is_a_refusal,
        a_chain_of_nobody_is_refused_by_its_own_name,
        a_question_that_needs_no_collateral_is_answered_while_another_waits_for_some,
        a_lane_may_leave_while_its_question_waits,
        stopping_cancels_what_is_being_fetched,
        a_verification_however_slow_holds_up_no_lane,
        what_was_judged_of_a_worker_can_be_shown_and_nothing_of_others,
        sixty_four_may_ask_for_evidence_at_once,
        NULL};
    return parts_run("workers/attester-fetch", tests, set_up, tear_down);
}
