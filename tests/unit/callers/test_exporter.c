/* The ledger in files: against a real Redis, killed and begun again, by two at once, on a disk that
 * refuses. What the files hold is read back line by line. */
#define _GNU_SOURCE
#include "callers/exporter.h"

#include <dirent.h>
#include <openssl/sha.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "callers/ledger_line.h"
#include "callers/segments.h"
#include "scripts_caller.h"
#include "unit/checks.h"

enum { ENTRIES_MAX = 50000, WAIT_MS = 15000 };

struct book { /* what the files of one gateway hold */
    struct {
        char id[40];
        uint64_t sequence;
        int64_t value;
    } entries[ENTRIES_MAX];
    size_t count;
    int64_t sum;
    unsigned files;
};

/* ck_assert() writes to a file each time it holds, which the limit of one test is for, too. */
#define check(cond)              \
    do {                         \
        if (!(cond))             \
            ck_abort_msg(#cond); \
    } while (0)

static struct scripts_caller redis;
static struct fleet_options where;
static char dir[64];
static struct book book;
static const struct log quiet = {.fd = -1};

static void setup(void)
{
    char text[128], error[256];
    caller_start(&redis);
    where = (struct fleet_options){.seed_count = 1, .server = {.connect_ms_max = 2000}};
    snprintf(text, sizeof(text), "unix:%s", redis.server.path);
    ck_assert(address_parse(&where.seeds[0], span_text(text), error, sizeof(error)));
    snprintf(dir, sizeof(dir), P_tmpdir "/teegate-ledger-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
    caller_stop(&redis);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", dir, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

static struct exporter_options options_of(const char *gateway, uint64_t epoch)
{
    return (struct exporter_options){.dir = dir,
                                     .gateway_id = gateway,
                                     .epoch = epoch,
                                     .segment_bytes = 64 * 1024 * 1024,
                                     .redis = &where,
                                     .log = &quiet,
                                     .every_ms = 20,
                                     .lease_ms = 15000,
                                     .margin_ms = 1,
                                     .trim_every_ms = 50};
}

static struct exporter *start(const struct exporter_options *options)
{
    char error[512] = "";
    struct exporter *exporter = exporter_start(options, error, sizeof(error));
    ck_assert_msg(exporter != NULL, "%s", error);
    return exporter;
}

/* Credits of 1 to "ann", whose bucket the tests call 7. */
static void give(unsigned from, unsigned count)
{
    char ref[32];
    for (unsigned i = from; i < from + count; ++i) {
        snprintf(ref, sizeof(ref), "ref-%u", i);
        const char *words[] = {TAG "a:ann", caller_key(&redis, 1, "r", ref),
                               TAG "L",     "ann",
                               "+",         "1",
                               ref,         "note \"quoted\"",
                               NULL};
        check(strcmp(caller_word(caller_eval(&redis, script_credit, 3, words), 0), "OK") == 0);
    }
}

static void make_account(void)
{
    const char *words[] = {TAG "a:ann", TAG "accounts", "create", "ann", NULL};
    check(strcmp(caller_word(caller_eval(&redis, script_account, 2, words), 0), "OK") == 0);
}

static uint64_t exported(const struct exporter *exporter)
{
    return stats_read(&exporter_stats(exporter)->ledger_exported);
}

#define until(cond)                                    \
    do {                                               \
        uint64_t end = clock_monotonic_ms() + WAIT_MS; \
        while (!(cond)) {                              \
            check(clock_monotonic_ms() < end);         \
            redis_server_pause_ms(5);                  \
        }                                              \
    } while (0)

static void path_of(const char *gateway, unsigned number, char out[256])
{
    snprintf(out, 256, "%s/%s/ledger-%08u.ndjson", dir, gateway, number);
}

static void hex_of(const unsigned char *bytes, char out[65])
{
    for (int i = 0; i < 32; ++i)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void read_file(const char *path, unsigned number, char digest[65])
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t room = 0;
    unsigned lines = 0;
    unsigned char sum[32];
    char previous[65];
    char *all = alloc_zeroed(64 * 1024 * 1024);
    size_t used = 0;
    check(file != NULL);
    snprintf(previous, sizeof(previous), "%s", digest);
    for (ssize_t len; (len = getline(&text, &room, file)) > 0; ++lines) {
        struct ledger_line line;
        check(text[len - 1] == '\n');
        memcpy(all + used, text, (size_t)len);
        used += (size_t)len;
        check(ledger_line_read(span_of(text, (size_t)len - 1), &line));
        check(line.is_head == (lines == 0));
        if (line.is_head) {
            check(line.number == number);
            check(span_is(line.previous_sha256, span_text(previous)));
        } else {
            check(span_is(line.account, SPAN_OF("ann")));
            check(book.count < ENTRIES_MAX);
            snprintf(book.entries[book.count].id, 40, "%.*s", (int)line.id.len, line.id.ptr);
            book.entries[book.count].sequence = line.sequence;
            book.entries[book.count++].value = line.value_ucr;
            book.sum += line.value_ucr;
            check(line.balance_ucr + (int64_t)line.held_ucr == book.sum);
        }
        ledger_line_fini(&line);
    }
    SHA256((unsigned char *)all, used, sum);
    hex_of(sum, digest);
    free(all);
    free(text);
    fclose(file);
}

/* All files of a gateway, in order, each naming the one before. */
static void read_book(const char *gateway)
{
    char path[256], digest[65] = "";
    book.count = book.files = 0;
    book.sum = 0;
    for (path_of(gateway, 1, path); access(path, F_OK) == 0; path_of(gateway, book.files + 1, path))
        read_file(path, ++book.files, digest);
}

/* Every entry once, in the order of its account. */
static void check_book(const char *gateway, size_t count)
{
    read_book(gateway);
    check(book.count == count);
    for (size_t i = 0; i < count; ++i) {
        char id[40];
        snprintf(id, sizeof(id), "ref-%zu", i);
        check(strcmp(book.entries[i].id, id) == 0);
        check(book.entries[i].sequence == i + 1);
    }
}

START_TEST(every_entry_of_the_ledger_is_in_the_files_once)
{
    struct exporter_options options = options_of("aaa", 1);
    make_account();
    give(0, 700); /* more than two pages */
    struct exporter *exporter = start(&options);
    until(exported(exporter) == 700);
    give(700, 5);
    until(exported(exporter) == 705);
    exporter_stop(exporter);
    check_book("aaa", 705);
}
END_TEST

START_TEST(what_is_on_the_disk_and_old_enough_goes_from_the_store)
{
    struct exporter_options options = options_of("aaa", 1);
    make_account();
    give(0, 1000);
    struct exporter *exporter = start(&options);
    until(caller_say(&redis, "XLEN " TAG "L")->integer < 250);
    exporter_stop(exporter);
    check_book("aaa", 1000);
}
END_TEST

START_TEST(nothing_younger_than_the_margin_goes)
{
    struct exporter_options options = options_of("aaa", 1);
    options.margin_ms = 600000;
    make_account();
    give(0, 500);
    struct exporter *exporter = start(&options);
    until(exported(exporter) == 500);
    redis_server_pause_ms(200); /* several times trim_every_ms */
    exporter_stop(exporter);
    ck_assert_int_eq(caller_say(&redis, "XLEN " TAG "L")->integer, 500);
}
END_TEST

START_TEST(the_next_run_goes_on_where_the_last_one_stood)
{
    struct exporter_options options = options_of("aaa", 1);
    make_account();
    for (unsigned i = 0; i < 4; ++i) {
        options.epoch = i + 1;
        struct exporter *exporter = start(&options);
        give(i * 100, 100);
        until(exported(exporter) == 100);
        exporter_stop(exporter);
    }
    check_book("aaa", 400);
}
END_TEST

START_TEST(entries_whose_cursor_was_never_saved_are_known_by_the_file)
{
    struct exporter_options options = options_of("aaa", 1);
    options.margin_ms = 600000;
    make_account();
    give(0, 300);
    struct exporter *exporter = start(&options);
    until(exported(exporter) == 300);
    exporter_stop(exporter);
    caller_say(&redis, "HDEL " TAG "xp ms count");
    give(300, 10);
    options.epoch = 2;
    exporter = start(&options);
    until(exported(exporter) == 10);
    exporter_stop(exporter);
    check_book("aaa", 310);
}
END_TEST

START_TEST(a_line_torn_by_a_crash_is_cut_and_written_again)
{
    struct exporter_options options = options_of("aaa", 1);
    char path[256];
    struct stat facts;
    options.margin_ms = 600000;
    make_account();
    give(0, 50);
    struct exporter *exporter = start(&options);
    until(exported(exporter) == 50);
    exporter_stop(exporter);
    path_of("aaa", 1, path);
    for (off_t cut = 1; cut < 3000; cut += 97) {
        caller_say(&redis, "HDEL " TAG "xp ms count"); /* as if killed before the cursor */
        ck_assert_int_eq(stat(path, &facts), 0);
        ck_assert_int_eq(truncate(path, facts.st_size - cut), 0);
        ++options.epoch;
        exporter = start(&options);
        until(exported(exporter) > 0 || cut == 0);
        exporter_stop(exporter);
        check_book("aaa", 50);
    }
}
END_TEST

START_TEST(a_file_without_a_whole_head_is_begun_again)
{
    struct exporter_options options = options_of("aaa", 1);
    char path[256];
    make_account();
    give(0, 5);
    struct exporter *exporter = start(&options);
    until(exported(exporter) == 5);
    exporter_stop(exporter);
    path_of("aaa", 2, path);
    FILE *torn = fopen(path, "we");
    fputs("{\"specversion\":\"1.0\",\"id\":\"2\",\"sou", torn);
    fclose(torn);
    options.epoch = 2;
    give(5, 5);
    exporter = start(&options);
    until(exported(exporter) == 5);
    exporter_stop(exporter);
    check_book("aaa", 10);
    ck_assert_uint_eq(book.files, 1);
}
END_TEST

START_TEST(a_folder_whose_last_file_was_changed_is_not_gone_on_with)
{
    struct exporter_options options = options_of("aaa", 1);
    char path[256], error[512] = "";
    make_account();
    give(0, 5);
    struct exporter *exporter = start(&options);
    until(exported(exporter) == 5);
    ck_assert_ptr_null(exporter_start(&options, error, sizeof(error))); /* two at once */
    ck_assert_ptr_nonnull(strstr(error, "another process"));
    exporter_stop(exporter);
    path_of("aaa", 1, path);
    FILE *file = fopen(path, "ae");
    fputs("{\"specversion\":\"1.0\"}\n", file);
    fclose(file);
    ck_assert_ptr_null(exporter_start(&options, error, sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, "line 7 of file 1"));
}
END_TEST

START_TEST(a_full_file_is_followed_by_one_that_names_it)
{
    struct exporter_options options = options_of("aaa", 1);
    options.segment_bytes = 20000;
    make_account();
    struct exporter *exporter = start(&options);
    for (unsigned i = 0; i < 10; ++i) {
        give(i * 30, 30);
        until(exported(exporter) == i * 30 + 30);
    }
    exporter_stop(exporter);
    options.epoch = 2; /* the digest goes on over a start */
    exporter = start(&options);
    for (unsigned i = 10; i < 14; ++i) {
        give(i * 30, 30);
        until(exported(exporter) == (i - 9) * 30);
    }
    ck_assert_uint_ge(stats_read(&exporter_stats(exporter)->ledger_segments), 5);
    exporter_stop(exporter);
    check_book("aaa", 420);
    ck_assert_uint_ge(book.files, 5);
}
END_TEST

/* A file may not grow above so many bytes: what a full disk does, by other means. */
static void limit_files(rlim_t bytes)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_full_disk_stops_it_trims_nothing_and_loses_nothing)
{
    struct exporter_options options = options_of("aaa", 1);
    make_account();
    give(0, 100);
    struct exporter *exporter = start(&options);
    until(exported(exporter) == 100);
    until(stats_read(&exporter_stats(exporter)->ledger_lag_entries) == 0);
    int64_t before = caller_say(&redis, "XLEN " TAG "L")->integer;
    struct stat facts;
    char path[256];
    path_of("aaa", 1, path);
    ck_assert_int_eq(stat(path, &facts), 0);
    limit_files((rlim_t)facts.st_size + 1000); /* in the midst of a line */
    give(100, 400);
    until(stats_read(&exporter_stats(exporter)->ledger_write_errors) >= 3);
    ck_assert_uint_eq(exported(exporter), 100);
    ck_assert_uint_eq(stats_read(&exporter_stats(exporter)->ledger_lag_entries) > 0, 1);
    ck_assert_int_ge(caller_say(&redis, "XLEN " TAG "L")->integer, before + 400);
    read_book("aaa"); /* whole lines alone */
    ck_assert_uint_eq(book.count, 100);
    limit_files(RLIM_INFINITY);
    until(exported(exporter) == 500);
    exporter_stop(exporter);
    check_book("aaa", 500);
}
END_TEST

/* ------------------------------------------------------------------ two gateways */

START_TEST(of_two_gateways_one_exports_a_bucket)
{
    struct exporter_options first = options_of("aaa", 1);
    struct exporter_options second = options_of("bbb", 1);
    make_account();
    struct exporter *one = start(&first);
    give(0, 50);
    until(exported(one) == 50);
    struct exporter *other = start(&second);
    give(50, 200);
    until(exported(one) == 250);
    ck_assert_uint_eq(exported(other), 0);
    exporter_stop(one);
    exporter_stop(other);
    check_book("aaa", 250);
}
END_TEST

/* Runs an exporter in a process of its own; says so by a byte once it has exported `count`. */
static pid_t run_apart(const struct exporter_options *options, uint64_t count, int *said)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct exporter *exporter = start(options);
        while (getppid() == parent && exported(exporter) < count)
            redis_server_pause_ms(2);
        ssize_t wrote = write(ends[1], "x", 1);
        (void)wrote;
        for (;;)
            pause();
    }
    close(ends[1]);
    *said = ends[0];
    return pid;
}

static void await_said(int said)
{
    char byte;
    ck_assert_int_eq(read(said, &byte, 1), 1);
    close(said);
}

static void end_apart(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int64_t fence_now(void)
{
    redisReply *reply = caller_say(&redis, "HGET " TAG "xp fence");
    return reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10) : 0;
}

START_TEST(a_stopped_holder_loses_its_lease_and_cannot_trim_when_it_goes_on)
{
    struct exporter_options first = options_of("aaa", 1);
    struct exporter_options second = options_of("bbb", 1);
    int said;
    first.lease_ms = second.lease_ms = 400;
    second.margin_ms = 600000; /* this one trims nothing: whatever goes, the stopped one took */
    make_account();
    pid_t stopped = run_apart(&first, 1, &said);
    give(0, 10);
    await_said(said);
    kill(stopped, SIGSTOP);
    int64_t fence = fence_now();
    int64_t before = caller_say(&redis, "XLEN " TAG "L")->integer;
    struct exporter *other = start(&second);
    give(10, 300);
    until(exported(other) >= 300);
    ck_assert_int_gt(fence_now(), fence);
    kill(stopped, SIGCONT);
    give(310, 100);
    until(exported(other) >= 400);
    redis_server_pause_ms(300); /* six times its trim_every_ms */
    ck_assert_int_ge(caller_say(&redis, "XLEN " TAG "L")->integer, before + 400);
    const char *stale[] = {TAG "xp", TAG "L", "trim", "aaa", "1", "1", "0", NULL};
    ck_assert_str_eq(caller_word(caller_eval(&redis, script_export, 2, stale), 0), "LOST");
    end_apart(stopped);
    exporter_stop(other);
    /* What both have is the same; together nothing is missing. */
    static bool have[410];
    static const char *const gateways[] = {"aaa", "bbb"};
    for (int i = 0; i < 2; ++i) {
        char path[256];
        path_of(gateways[i], 1, path);
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        char *text = NULL;
        size_t room = 0;
        for (ssize_t len; (len = getline(&text, &room, file)) > 0;) {
            struct ledger_line line;
            ck_assert(ledger_line_read(span_of(text, (size_t)len - 1), &line));
            if (!line.is_head) {
                ck_assert_uint_le(line.sequence, 410);
                have[line.sequence - 1] = true;
            }
            ledger_line_fini(&line);
        }
        free(text);
        fclose(file);
    }
    for (size_t i = 0; i < 410; ++i)
        ck_assert_msg(have[i], "sequence %zu is in no file", i + 1);
}
END_TEST

/* ------------------------------------------------------------------ killed under load */

START_TEST(killed_again_and_again_under_load_it_neither_loses_nor_doubles)
{
    struct exporter_options options = options_of("aaa", 1);
    unsigned given = 0;
    make_account();
    options.segment_bytes = 65536;
    for (unsigned round = 0; round < 12; ++round) {
        int said;
        options.epoch = round + 1;
        pid_t pid = run_apart(&options, 1, &said);
        close(said);
        unsigned count = 60 + round * 17;
        give(given, count);
        given += count;
        if (round % 3 == 1)
            redis_server_pause_ms(40);
        end_apart(pid); /* wherever it stands */
    }
    options.epoch = 100;
    struct exporter *exporter = start(&options);
    until(stats_read(&exporter_stats(exporter)->ledger_lag_entries) == 0 &&
          (read_book("aaa"), book.count) >= given);
    exporter_stop(exporter);
    check_book("aaa", given);
    ck_assert_int_eq(book.sum, given); /* I2: all that was given, nothing else */
}
END_TEST

START_TEST(a_store_that_went_away_and_came_back_is_exported_without_a_double)
{
    struct exporter_options options = options_of("aaa", 1);
    make_account();
    options.margin_ms = 600000;
    struct exporter *exporter = start(&options);
    give(0, 100);
    until(exported(exporter) == 100);
    redisFree(redis.redis);
    redis_server_kill(&redis.server);
    redis_server_run(&redis.server);
    redis.redis = redis_server_connect(&redis.server);
    memset(redis.scripts, 0, sizeof(redis.scripts));
    give(100, 100);
    until(exported(exporter) == 200);
    redis_server_pause_ms(100);
    exporter_stop(exporter);
    check_book("aaa", 200);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exporter");
    TCase *tcase = tcase_create("exporter");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, every_entry_of_the_ledger_is_in_the_files_once);
    tcase_add_test(tcase, what_is_on_the_disk_and_old_enough_goes_from_the_store);
    tcase_add_test(tcase, nothing_younger_than_the_margin_goes);
    tcase_add_test(tcase, the_next_run_goes_on_where_the_last_one_stood);
    tcase_add_test(tcase, entries_whose_cursor_was_never_saved_are_known_by_the_file);
    tcase_add_test(tcase, a_line_torn_by_a_crash_is_cut_and_written_again);
    tcase_add_test(tcase, a_file_without_a_whole_head_is_begun_again);
    tcase_add_test(tcase, a_folder_whose_last_file_was_changed_is_not_gone_on_with);
    tcase_add_test(tcase, a_full_file_is_followed_by_one_that_names_it);
    tcase_add_test(tcase, a_full_disk_stops_it_trims_nothing_and_loses_nothing);
    tcase_add_test(tcase, of_two_gateways_one_exports_a_bucket);
    tcase_add_test(tcase, a_stopped_holder_loses_its_lease_and_cannot_trim_when_it_goes_on);
    tcase_add_test(tcase, killed_again_and_again_under_load_it_neither_loses_nor_doubles);
    tcase_add_test(tcase, a_store_that_went_away_and_came_back_is_exported_without_a_double);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
