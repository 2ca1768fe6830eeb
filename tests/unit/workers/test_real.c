/* Pools, attester and verifier, all real, against a real worker with a simulated TEE. */
#include <config.h> /* nftw() is an extension */

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "simulate/simulate.h"
#include "unit/checks.h"
#include "unit/workers/real_worker.h"
#include "workers/pools.h"

static char folder[64];
static struct loop *loop;
static struct attester *attester;
static struct pools *pools;
static struct stats stats;
static struct pool_wait wait;
static unsigned answers;
static const struct log quiet = {.fd = -1, .level = LOG_ERROR};

static const char *path_of(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void simulate(const char *variant, const char *collateral_days)
{
    const char *argv[] = {"simulate", folder,   "--variant",         variant,
                          "--worker", "worker", "--collateral-days", collateral_days,
                          "--tee",    "tdx"};
    ck_assert_int_eq(simulate_main(sizeof(argv) / sizeof(argv[0]), (char **)argv), 0);
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *ftw)
{
    return remove(path);
}

static void set_up(void)
{
    snprintf(folder, sizeof(folder), "test_real.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    memset(&wait, 0, sizeof(wait));
    memset(&stats, 0, sizeof(stats));
    answers = 0;
    loop = loop_new();
    attester = attester_start(&quiet);
    pools = pools_new(loop, attester, &quiet, &stats);
}

static void tear_down(void)
{
    pools_free(pools);
    attester_stop(attester);
    loop_free(loop);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct real_worker *start(bool dumb)
{
    return real_worker_start(path_of("worker.crt.pem"), path_of("worker.key.pem"), dumb);
}

static void apply(unsigned port)
{
    char error[512] = "";
    char url[64];
    const char *collateral = path_of("collateral");
    struct registry *registry = registry_new();
    struct pool_facts *pool = registry_add_pool(registry, "main");
    pool->trust =
        trust_read(path_of("policy.json"), &collateral, 1, path_of("roots"), error, sizeof(error));
    ck_assert_msg(pool->trust != NULL, "%s", error);
    snprintf(url, sizeof(url), "https://localhost:%u", port);
    ck_assert_msg(
        registry_add_worker(pool, span_text(url), SPAN_OF("w"), 0, NULL, error, sizeof(error)),
        "%s", error);
    pools_apply(pools, registry);
    registry_give(registry);
}

static void note_answer(struct pool_wait *answered)
{
    ++answers;
}

static void note_stream(void *user)
{
}

static void ask_and_go(void)
{
    wait.answer = note_answer;
    wait.pool = "main";
    wait.deadline_at = loop_now(loop) + 20000;
    wait.request = head_new(4096, 10);
    ck_assert(head_set_text(wait.request, &wait.request->method, SPAN_OF("GET")));
    ck_assert(head_set_text(wait.request, &wait.request->path, SPAN_OF("/ipfs/x")));
    wait.request_ended = true;
    wait.note = note_stream;
    answers = 0;
    pools_lend(pools, &wait);
}

static void ask(void)
{
    ask_and_go();
    while (answers == 0)
        loop_turn(loop);
}

static void read_hello(void)
{
    struct stream *stream = wait.lease.stream;
    while (!stream_is_ended(stream) && stream_fate(stream) == STREAM_WHOLE)
        loop_turn(loop);
    ck_assert_uint_eq(stream_fate(stream), STREAM_WHOLE);
    ck_assert_int_eq(stream_head(stream)->status, 200);
    ck_assert(span_is(stream_front(stream), SPAN_OF("hello")));
    pools_return(pools, &wait.lease, FAULT_NONE, 1000);
}

START_TEST(a_worker_of_a_simulated_tee_answers_over_one_verified_link)
{
    simulate("good", "30");
    struct real_worker *worker = start(false);
    apply(real_worker_port(worker));
    for (unsigned i = 1; i <= 3; ++i) {
        ask();
        ck_assert_msg(wait.fault == FAULT_NONE, "%s: %s", fault_word(wait.fault), wait.detail);
        ck_assert_str_eq(wait.lease.proof->tee, "tdx");
        ck_assert_str_eq(wait.lease.proof->tcb_status, "UpToDate");
        ck_assert_uint_eq(strlen(wait.lease.proof->measurement), 96);
        ck_assert_uint_gt(wait.lease.proof->lasts_ms, 0);
        read_hello();
        ck_assert_uint_eq(real_worker_requests(worker), i);
    }
    ck_assert_uint_eq(real_worker_conns(worker), 1);
    ck_assert_uint_eq(stats_read(&stats.verdicts_trusted), 1);
    real_worker_stop(worker);
}
END_TEST

START_TEST(a_worker_whose_evidence_does_not_verify_gets_no_byte)
{
    static const struct {
        const char *variant;
        const char *collateral_days;
    } rows[] = {
        {"no-evidence", "30"}, {"other-key", "30"}, {"debug", "30"},         {"unlisted", "30"},
        {"outdated", "30"},    {"revoked", "30"},   {"bad-signature", "30"}, {"good", "-1"},
    };
    simulate(rows[_i].variant, rows[_i].collateral_days);
    struct real_worker *worker = start(true);
    apply(real_worker_port(worker));
    ask();
    ck_assert_msg(wait.fault == FAULT_UNTRUSTED, "%s: %s: %s", rows[_i].variant,
                  fault_word(wait.fault), wait.detail);
    ck_assert_str_eq(wait.worker, "w");
    ck_assert_uint_gt(strlen(wait.detail), 10);
    /* All that reached the worker has been read once it has seen the end. */
    while (real_worker_ended(worker) == 0)
        usleep(1000);
    ck_assert_uint_eq(real_worker_bytes(worker), 0);
    ck_assert_uint_eq(stats_read(&stats.verdicts_refused), 1);
    printf("%s, %s days: %s\n", rows[_i].variant, rows[_i].collateral_days, wait.detail);
    real_worker_stop(worker);
}
END_TEST

START_TEST(a_worker_that_restarts_is_connected_to_and_verified_again)
{
    simulate("good", "30");
    struct real_worker *worker = start(false);
    apply(real_worker_port(worker));
    ask();
    read_hello();
    real_worker_stop(worker);
    /* Nobody listens now; how it is told depends on whether the end of the link was seen yet. */
    do {
        ask();
        if (wait.fault == FAULT_NONE) {
            while (stream_fate(wait.lease.stream) == STREAM_WHOLE)
                loop_turn(loop);
            pools_return(pools, &wait.lease, FAULT_REFUSED, 0);
        } else {
            break;
        }
    } while (true);
    ck_assert_uint_eq(wait.fault, FAULT_CONNECT_FAILED);
    worker = start(false);
    apply(real_worker_port(worker));
    ask();
    ck_assert_msg(wait.fault == FAULT_NONE, "%s", wait.detail);
    read_hello();
    real_worker_stop(worker);
}
END_TEST

static void note_state(void *arg, const struct worker_view *view)
{
    *(const char **)arg = view->state;
}

START_TEST(pools_go_while_a_verdict_is_under_way)
{
    simulate("good", "30");
    struct real_worker *worker = start(false);
    apply(real_worker_port(worker));
    ask_and_go();
    const char *state = "";
    while (strcmp(state, "attesting") != 0) {
        loop_turn(loop);
        pools_visit(pools, note_state, &state);
    }
    ck_assert_uint_eq(answers, 0);
    pools_free(pools);
    ck_assert_uint_eq(answers, 1);
    ck_assert_uint_eq(wait.fault, FAULT_NO_WORKER);
    pools = NULL;
    real_worker_stop(worker);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("workers/real");
    TCase *tcase = tcase_create("workers/real");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_worker_of_a_simulated_tee_answers_over_one_verified_link);
    tcase_add_loop_test(tcase, a_worker_whose_evidence_does_not_verify_gets_no_byte, 0, 8);
    tcase_add_test(tcase, a_worker_that_restarts_is_connected_to_and_verified_again);
    tcase_add_test(tcase, pools_go_while_a_verdict_is_under_way);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
