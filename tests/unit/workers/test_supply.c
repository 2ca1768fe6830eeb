#include "workers/supply.h"

#include <stdio.h>
#include <unistd.h>

#include "fakes/fake_attest.h"
#include "fakes/fake_fetch.h"
#include "unit/workers/parts.h"

/* Time is an argument; only the errands' threads and letters are real. */
static const int64_t NOW = INT64_C(1800000000000);
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static struct loop *loop;
static struct mailbox *mailbox;
static struct supply supply;
static struct trust *trust;
static struct stats stats;
static struct attest_verdict verdict;
static struct collateral_options options;
static char detail[256];
static int64_t letters_at; /* the time at which letters are read */
static unsigned letters;
static const struct log quiet = {.fd = -1, .level = LOG_ERROR};

static void read_letter(struct letter *letter, void *owner)
{
    ++letters;
    supply_take(&supply, letter, letters_at);
}

static void set_up(void)
{
    fake_fetch_reset();
    memset(&fake_attest()->platform, 0, sizeof(fake_attest()->platform));
    fake_attest()->platform.tee = ATTEST_TEE_TDX;
    fake_attest()->chain_is_foreign = false;
    memset(&stats, 0, sizeof(stats));
    letters = 0;
    letters_at = NOW;
    loop = loop_new();
    mailbox = mailbox_open(loop, SUPPLY_ERRANDS_MAX, NULL);
    supply_init(&supply, mailbox, read_letter, &quiet, &stats, 7);
    options = (struct collateral_options){.retry_ms = 10 * MINUTE};
    supply_configure(&supply, &options);
    trust = parts_trust("{}");
}

static void tear_down(void)
{
    supply_cancel(&supply);
    while (supply.errands > 0)
        loop_turn(loop);
    supply_fini(&supply);
    mailbox_close(mailbox);
    loop_free(loop);
    trust_give(trust);
    ck_assert_uint_eq(fake_attest()->alive, 0);
}

static enum supply_answer want_from(const char *source, int64_t now_ms)
{
    return supply_want(&supply, trust, SPAN_OF("certificate"), span_text(source), now_ms, &verdict,
                       detail, sizeof(detail));
}

static enum supply_answer want(int64_t now_ms)
{
    return want_from("main/w1", now_ms);
}

static void pick_platform(unsigned number)
{
    memcpy(fake_attest()->platform.fmspc, &number, sizeof(number));
}

/* Runs it at `now_ms`, and waits for all errands to come back at the same time. */
static int64_t run(int64_t now_ms)
{
    letters_at = now_ms;
    int64_t next = supply_run(&supply, now_ms);
    while (supply.errands > 0)
        loop_turn(loop);
    return supply_run(&supply, now_ms) < next ? supply_run(&supply, now_ms) : next;
}

static void bring(const char *text, int64_t lasts_ms, int64_t now_ms)
{
    fake_fetch()->text = text;
    fake_fetch()->expires = (now_ms + lasts_ms) / 1000;
}

static size_t grounds(void)
{
    return supply_grounds(&supply, trust).collateral_count;
}

START_TEST(what_is_lacking_is_fetched_and_is_a_ground_from_then_on)
{
    bring("{}", 30 * DAY, NOW);
    ck_assert_uint_eq(grounds(), 0);
    ck_assert_int_eq(want(NOW), SUPPLY_COMING);
    ck_assert(!supply.has_news);
    run(NOW);
    ck_assert(supply.has_news);
    ck_assert_uint_eq(fake_fetch()->asked, 1);
    ck_assert(!fake_fetch()->renew);
    ck_assert_int_eq(fake_fetch()->now, NOW / 1000);
    ck_assert_uint_eq(grounds(), 1);
    ck_assert_uint_eq(supply_grounds(&supply, trust).version, 1);
    ck_assert_int_eq(supply_ends(&supply), (NOW + 30 * DAY) / 1000);
    ck_assert_uint_eq(stats_read(&stats.collateral_fetches), 1);
    ck_assert_uint_eq(stats_read(&stats.collateral_failures), 0);
}
END_TEST

START_TEST(those_who_want_the_same_share_one_errand)
{
    fake_fetch()->blocks = true;
    bring("{}", DAY, NOW);
    ck_assert_int_eq(want(NOW), SUPPLY_COMING);
    ck_assert_int_eq(want_from("main/w2", NOW), SUPPLY_COMING);
    supply_run(&supply, NOW);
    ck_assert_int_eq(want_from("main/w3", NOW), SUPPLY_COMING);
    supply_run(&supply, NOW);
    ck_assert_uint_eq(supply.errands, 1);
    fake_fetch()->blocks = false;
    run(NOW);
    ck_assert_uint_eq(fake_fetch()->asked, 1);
}
END_TEST

START_TEST(four_errands_are_out_at_once_and_the_fifth_goes_when_one_is_back)
{
    fake_fetch()->blocks = true;
    bring("{}", DAY, NOW);
    for (unsigned i = 0; i < 5; ++i) {
        pick_platform(i);
        ck_assert_int_eq(want(NOW), SUPPLY_COMING);
    }
    supply_run(&supply, NOW);
    ck_assert_uint_eq(supply.errands, 4);
    while (fake_fetch()->out < 4)
        usleep(1000);
    fake_fetch()->blocks = false;
    while (letters == 0)
        loop_turn(loop);
    run(NOW);
    run(NOW);
    ck_assert_uint_eq(letters, 5);
    ck_assert_uint_eq(grounds(), 5);
}
END_TEST

START_TEST(what_could_not_be_had_is_asked_for_again_after_ten_minutes_and_not_before)
{
    fake_fetch()->error = "nobody answers";
    ck_assert_int_eq(want(NOW), SUPPLY_COMING);
    ck_assert_int_eq(run(NOW), INT64_MAX);
    ck_assert_uint_eq(stats_read(&stats.collateral_failures), 1);
    ck_assert_int_eq(want(NOW), SUPPLY_FAILED);
    ck_assert_str_eq(detail, "nobody answers");
    ck_assert_int_eq(want(NOW + 10 * MINUTE - 1), SUPPLY_FAILED);
    ck_assert_int_eq(run(NOW + 10 * MINUTE - 1), INT64_MAX);
    ck_assert_uint_eq(fake_fetch()->asked, 1);
    ck_assert_int_eq(want(NOW + 10 * MINUTE), SUPPLY_COMING);
    run(NOW + 10 * MINUTE);
    ck_assert_uint_eq(fake_fetch()->asked, 2);
    /* Another configuration may know better. */
    supply_configure(&supply, &options);
    ck_assert_int_eq(want(NOW + 11 * MINUTE), SUPPLY_COMING);
}
END_TEST

START_TEST(an_endpoint_that_cannot_be_reached_is_asked_again_in_seconds_and_then_less_often)
{
    int64_t now = NOW, wait = 2000;
    fake_fetch()->error = "Could not connect to server";
    fake_fetch()->is_unreached = true;
    for (unsigned tries = 0; tries < 12; ++tries) {
        ck_assert_int_eq(want(now), SUPPLY_COMING);
        run(now);
        ck_assert_uint_eq(fake_fetch()->asked, tries + 1);
        int64_t full = wait < 10 * MINUTE ? wait : 10 * MINUTE;
        ck_assert_int_eq(want(now + full * 9 / 10 - 1), SUPPLY_FAILED); /* sooner by a tenth */
        now += full;
        wait *= 2;
    }
    /* What is then answered stands for as long as it always did. */
    fake_fetch()->is_unreached = false;
    ck_assert_int_eq(want(now), SUPPLY_COMING);
    run(now);
    ck_assert_int_eq(want(now + 10 * MINUTE - 1), SUPPLY_FAILED);
    now += 10 * MINUTE;
    fake_fetch()->is_unreached = true;
    ck_assert_int_eq(want(now), SUPPLY_COMING);
    run(now);
    ck_assert_int_eq(want(now + 2000), SUPPLY_COMING); /* from the beginning */
}
END_TEST

START_TEST(a_fetch_that_cannot_begin_is_a_failure_like_any_other)
{
    fake_fetch()->cannot = "store: /x: Permission denied";
    ck_assert_int_eq(want(NOW), SUPPLY_COMING);
    run(NOW);
    ck_assert(supply.has_news);
    ck_assert_int_eq(want(NOW), SUPPLY_FAILED);
    ck_assert_str_eq(detail, "store: /x: Permission denied");
}
END_TEST

START_TEST(a_worker_causes_ten_fetches_a_minute_and_no_more)
{
    bring("{}", DAY, NOW);
    for (unsigned i = 0; i < 10; ++i) {
        pick_platform(i);
        ck_assert_int_eq(want(NOW), SUPPLY_COMING);
    }
    pick_platform(10);
    ck_assert_int_eq(want(NOW + MINUTE - 1), SUPPLY_FAILED);
    ck_assert_ptr_nonnull(strstr(detail, "ten fetches"));
    ck_assert_int_eq(want_from("main/w2", NOW), SUPPLY_COMING);
    pick_platform(11);
    ck_assert_int_eq(want(NOW + MINUTE), SUPPLY_COMING);
}
END_TEST

START_TEST(sources_above_the_maximum_push_out_the_oldest)
{
    char name[32];
    fake_fetch()->error = "no";
    for (unsigned i = 0; i <= SUPPLY_SOURCES_MAX; ++i) {
        pick_platform(i % 200);
        snprintf(name, sizeof(name), "main/w%u", i);
        ck_assert_int_ne(want_from(name, NOW), SUPPLY_NONE);
        if (i % 200 == 199)
            supply_configure(&supply, &options);
    }
    ck_assert_uint_le(supply.sources.count, SUPPLY_SOURCES_MAX);
}
END_TEST

START_TEST(documents_are_renewed_at_half_their_time_or_after_a_day)
{
    static const struct {
        int64_t lasts, earliest, latest;
    } rows[] = {{40 * DAY, 21 * HOUR, DAY},
                {2 * DAY, 21 * HOUR, DAY},
                {20 * SECOND, 9 * SECOND, 10 * SECOND},
                {0, SECOND - 100, SECOND}};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        pick_platform(i);
        bring("{}", rows[i].lasts, NOW);
        ck_assert_int_eq(want(NOW), SUPPLY_COMING);
        int64_t before = fake_fetch()->asked;
        letters_at = NOW;
        supply_run(&supply, NOW);
        while (supply.errands > 0)
            loop_turn(loop);
        ck_assert_int_eq(fake_fetch()->asked, before + 1);
        int64_t next = supply_run(&supply, NOW) - NOW;
        ck_assert_msg(next >= rows[i].earliest && next <= rows[i].latest, "row %u: %lld", i,
                      (long long)next);
    }
}
END_TEST

START_TEST(a_renewal_that_brings_the_same_changes_no_version_and_another_does)
{
    bring("{}", 20 * SECOND, NOW);
    ck_assert_int_eq(want(NOW), SUPPLY_COMING);
    run(NOW);
    bring("{}", 40 * SECOND, NOW);
    run(NOW + 10 * SECOND);
    ck_assert(fake_fetch()->renew);
    ck_assert_uint_eq(supply.version, 1);
    ck_assert_int_eq(supply_ends(&supply), NOW / 1000 + 40);
    bring("{ }", DAY, NOW);
    run(NOW + 30 * SECOND);
    ck_assert_uint_eq(supply.version, 2);
    ck_assert_uint_eq(grounds(), 1);
    ck_assert_int_eq(supply_ends(&supply), (NOW + DAY) / 1000);
}
END_TEST

START_TEST(a_renewal_that_fails_keeps_what_is_there_and_is_tried_until_the_end)
{
    bring("{}", 80 * SECOND, NOW);
    ck_assert_int_eq(want(NOW), SUPPLY_COMING);
    int64_t due = run(NOW);
    /* The endpoints failed, and the store has what there was. */
    fake_fetch()->from_store = true;
    fake_fetch()->error = "status 503";
    int64_t next = run(due);
    ck_assert_uint_eq(stats_read(&stats.collateral_failures), 1);
    ck_assert_int_ge(next, due + SECOND);
    ck_assert_int_le(next, due + 12 * SECOND);
    ck_assert_uint_eq(grounds(), 1);
    unsigned tries = 0;
    for (fake_fetch()->text = NULL; next < NOW + 80 * SECOND; ++tries)
        next = run(next);
    ck_assert_uint_ge(tries, 4);
    ck_assert_uint_le(tries, 30);
    /* And after its end, as seldom as anything that cannot be had. */
    ck_assert_int_ge(run(next), next + 9 * MINUTE);
    ck_assert_int_eq(want(next + SECOND), SUPPLY_FAILED);
}
END_TEST

START_TEST(a_chain_of_nobody_causes_no_request)
{
    fake_attest()->chain_is_foreign = true;
    ck_assert_int_eq(want(NOW), SUPPLY_FOREIGN);
    ck_assert_str_eq(verdict.detail, "a chain of nobody");
    ck_assert_int_eq(run(NOW), INT64_MAX);
    ck_assert_uint_eq(fake_fetch()->asked, 0);
}
END_TEST

START_TEST(what_was_just_fetched_and_does_not_do_is_not_fetched_again)
{
    bring("{}", 30 * DAY, NOW);
    ck_assert_int_eq(want(NOW), SUPPLY_COMING);
    run(NOW);
    ck_assert_int_eq(want(NOW), SUPPLY_NONE);
    ck_assert_int_eq(want(NOW + 10 * MINUTE - 1), SUPPLY_NONE);
    ck_assert_int_eq(want(NOW + 10 * MINUTE), SUPPLY_COMING);
}
END_TEST

START_TEST(a_document_without_its_shape_is_a_failure)
{
    bring("junk", DAY, NOW);
    ck_assert_int_eq(want(NOW), SUPPLY_COMING);
    run(NOW);
    ck_assert_int_eq(want(NOW), SUPPLY_FAILED);
    ck_assert_uint_eq(grounds(), 0);
}
END_TEST

/* --- who has what fetched ------------------------------------------------------------------- */

static struct trust *trust_with(const char *document, const char *roots)
{
    static const char *const names[] = {"supply_policy.json", "supply_document.json",
                                        "supply_roots.pem"};
    const char *texts[] = {"{}", document, roots};
    const char *collateral[] = {names[1]};
    char error[256] = "";
    for (int i = 0; i < 3; ++i) {
        FILE *file = fopen(names[i], "w");
        ck_assert_ptr_nonnull(file);
        fputs(texts[i] != NULL ? texts[i] : "", file);
        fclose(file);
    }
    struct trust *made = trust_read(names[0], collateral, document != NULL,
                                    roots != NULL ? names[2] : NULL, error, sizeof(error));
    for (int i = 0; i < 3; ++i)
        unlink(names[i]);
    ck_assert_msg(made != NULL, "%s", error);
    return made;
}

START_TEST(without_endpoints_only_a_pool_without_files_and_roots_has_the_vendor_asked)
{
    static const struct {
        const char *document, *roots;
        bool alone;
    } rows[] = {{NULL, NULL, true},
                {"{}", NULL, false},
                {NULL, "-----BEGIN", false},
                {"{}", "-----BEGIN", false}};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct trust *other = trust_with(rows[i].document, rows[i].roots);
        for (int given = 0; given < 2; ++given) {
            options.endpoint_count = (uint32_t)given;
            snprintf(options.endpoints[0], sizeof(options.endpoints[0]), "https://pccs.example");
            supply_configure(&supply, &options);
            pick_platform(2 * i + (unsigned)given);
            enum supply_answer answer = supply_want(&supply, other, SPAN_OF("c"), SPAN_OF("s"), NOW,
                                                    &verdict, detail, sizeof(detail));
            ck_assert_int_eq(answer, rows[i].alone || given ? SUPPLY_COMING : SUPPLY_NONE);
        }
        trust_give(other);
    }
    options.retry_ms = 0; /* not configured */
    supply_configure(&supply, &options);
    ck_assert_int_eq(want(NOW), SUPPLY_NONE);
}
END_TEST

START_TEST(documents_of_other_roots_are_no_ground_and_have_a_store_of_their_own)
{
    struct trust *other = trust_with(NULL, "-----BEGIN");
    options.endpoint_count = 1;
    snprintf(options.endpoints[0], sizeof(options.endpoints[0]), "https://pccs.example");
    snprintf(options.store, sizeof(options.store), "supply_store");
    supply_configure(&supply, &options);
    bring("{}", DAY, NOW);
    ck_assert_int_eq(want(NOW), SUPPLY_COMING);
    run(NOW);
    ck_assert_str_eq(fake_fetch()->store, "supply_store");
    ck_assert_str_eq(fake_fetch()->endpoint, "https://pccs.example");
    ck_assert_uint_eq(supply_grounds(&supply, other).collateral_count, 0);
    ck_assert_int_eq(supply_want(&supply, other, SPAN_OF("c"), SPAN_OF("s"), NOW, &verdict, detail,
                                 sizeof(detail)),
                     SUPPLY_COMING);
    run(NOW);
    ck_assert_uint_eq(strlen(fake_fetch()->store), strlen("supply_store/0123456789abcdef"));
    ck_assert_uint_eq(supply_grounds(&supply, other).collateral_count, 1);
    ck_assert_uint_eq(grounds(), 1);
    trust_give(other);
    rmdir("supply_store");
}
END_TEST

START_TEST(a_file_with_lower_evaluation_numbers_than_what_was_fetched_is_left_out)
{
    struct trust *other = trust_with("{20", NULL);
    options.endpoint_count = 1;
    supply_configure(&supply, &options);
    ck_assert_uint_eq(supply_grounds(&supply, other).collateral_count, 1);
    bring("{20", DAY, NOW);
    ck_assert_int_eq(want(NOW), SUPPLY_COMING);
    run(NOW);
    ck_assert_uint_eq(supply_grounds(&supply, other).collateral_count, 2);
    bring("{21", DAY, NOW);
    run(NOW + DAY);
    ck_assert_uint_eq(supply_grounds(&supply, other).collateral_count, 1);
    trust_give(other);
}
END_TEST

START_TEST(of_256_platforms_one_that_could_not_be_had_makes_room_and_a_document_never_does)
{
    char source[32];
    for (unsigned i = 0; i < SUPPLY_DOCUMENTS_MAX; ++i) {
        pick_platform(i);
        snprintf(source, sizeof(source), "w%u", i);
        bring(i < 255 ? "{}" : NULL, DAY, NOW);
        ck_assert_int_eq(want_from(source, NOW), SUPPLY_COMING);
        run(NOW);
    }
    ck_assert_uint_eq(grounds(), 255);
    bring("{}", DAY, NOW);
    pick_platform(1000);
    ck_assert_int_eq(want(NOW), SUPPLY_COMING);
    run(NOW);
    ck_assert_uint_eq(grounds(), 256);
    pick_platform(1001);
    ck_assert_int_eq(want(NOW), SUPPLY_FAILED);
    ck_assert_ptr_nonnull(strstr(detail, "256 platforms"));
}
END_TEST

START_TEST(errands_that_are_cancelled_come_back)
{
    fake_fetch()->blocks = true;
    bring("{}", DAY, NOW);
    ck_assert_int_eq(want(NOW), SUPPLY_COMING);
    supply_run(&supply, NOW);
    supply_cancel(&supply);
    while (supply.errands > 0)
        loop_turn(loop);
    ck_assert_uint_eq(fake_fetch()->cancelled, 1);
    ck_assert_uint_eq(grounds(), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_lacking_is_fetched_and_is_a_ground_from_then_on,
        those_who_want_the_same_share_one_errand,
        four_errands_are_out_at_once_and_the_fifth_goes_when_one_is_back,
        what_could_not_be_had_is_asked_for_again_after_ten_minutes_and_not_before,
        an_endpoint_that_cannot_be_reached_is_asked_again_in_seconds_and_then_less_often,
        a_fetch_that_cannot_begin_is_a_failure_like_any_other,
        a_worker_causes_ten_fetches_a_minute_and_no_more,
        sources_above_the_maximum_push_out_the_oldest,
        documents_are_renewed_at_half_their_time_or_after_a_day,
        a_renewal_that_brings_the_same_changes_no_version_and_another_does,
        a_renewal_that_fails_keeps_what_is_there_and_is_tried_until_the_end,
        a_chain_of_nobody_causes_no_request,
        what_was_just_fetched_and_does_not_do_is_not_fetched_again,
        a_document_without_its_shape_is_a_failure,
        without_endpoints_only_a_pool_without_files_and_roots_has_the_vendor_asked,
        documents_of_other_roots_are_no_ground_and_have_a_store_of_their_own,
        a_file_with_lower_evaluation_numbers_than_what_was_fetched_is_left_out,
        of_256_platforms_one_that_could_not_be_had_makes_room_and_a_document_never_does,
        errands_that_are_cancelled_come_back,
        NULL};
    return parts_run("workers/supply", tests, set_up, tear_down);
}
