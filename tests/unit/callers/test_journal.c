/* The journal: what was written is there after any crash of the process, once. */
#include "callers/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "callers/frame.h"
#include "unit/checks.h"

static char dir[64], error[512];

static void make_dir(void)
{
    snprintf(dir, sizeof(dir), P_tmpdir "/teegate-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static const char *in_dir(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void remove_dir(void)
{
    static const char *const names[] = {"lock", "gateway-id", "epoch", "journal", "journal.new"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); ++i)
        unlink(in_dir(names[i]));
    ck_assert_int_eq(rmdir(dir), 0);
}

static struct journal *must_open(size_t bytes_max)
{
    struct journal *journal = journal_open(dir, bytes_max, error, sizeof(error));
    ck_assert_msg(journal != NULL, "%s", error);
    return journal;
}

struct seen {
    unsigned count;
    uint64_t numbers[4096];
    char first[64], last[64];
};

static void see(void *arg, uint64_t number, struct span entry)
{
    struct seen *seen = arg;
    ck_assert_uint_lt(seen->count, 4096);
    char *to = seen->count == 0 ? seen->first : seen->last;
    snprintf(to, 64, "%.*s", (int)entry.len, entry.ptr);
    seen->numbers[seen->count++] = number;
}

static struct seen replay(struct journal *journal)
{
    struct seen seen = {0};
    journal_replay(journal, see, &seen);
    return seen;
}

static off_t file_bytes(void)
{
    struct stat stat_now;
    ck_assert_int_eq(stat(in_dir("journal"), &stat_now), 0);
    return stat_now.st_size;
}

START_TEST(a_flipped_bit_anywhere_is_found)
{
    char bytes[64];
    struct frame frame = {.number = 7, .kind = FRAME_ENTRY, .content = SPAN_OF("content")}, back;
    size_t count = frame_write(bytes, &frame);
    ck_assert_uint_eq(count, FRAME_HEAD_BYTES + 7);
    ck_assert_uint_eq(frame_read(span_of(bytes, count), &back), count);
    ck_assert_uint_eq(back.number, 7);
    ck_assert(span_is(back.content, frame.content));
    for (size_t bit = 0; bit < count * 8; ++bit) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        ck_assert_uint_eq(frame_read(span_of(bytes, count), &back), 0);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
}
END_TEST

START_TEST(what_was_not_acknowledged_is_there_for_the_next_run)
{
    make_dir();
    struct journal *journal = must_open(0);
    uint64_t first_epoch = journal_epoch(journal);
    char id[64];
    snprintf(id, sizeof(id), "%s", journal_gateway_id(journal));
    uint64_t a = journal_write(journal, SPAN_OF("a"));
    uint64_t b = journal_write(journal, SPAN_OF("b"));
    uint64_t c = journal_write(journal, SPAN_OF("c"));
    ck_assert(a != 0 && a < b && b < c);
    ck_assert(!journal_is_former(journal, a));
    journal_acknowledge(journal, b);
    journal_acknowledge(journal, b); /* again: nothing */
    ck_assert_uint_eq(journal_pending(journal), 2);
    journal_close(journal);

    journal = must_open(0);
    ck_assert_uint_eq(journal_epoch(journal), first_epoch + 1);
    ck_assert_str_eq(journal_gateway_id(journal), id);
    struct seen seen = replay(journal);
    ck_assert_uint_eq(seen.count, 2);
    ck_assert_str_eq(seen.first, "a");
    ck_assert_str_eq(seen.last, "c");
    ck_assert(journal_is_former(journal, seen.numbers[0]));
    ck_assert_uint_gt(journal_write(journal, SPAN_OF("d")), c);
    journal_close(journal);
    struct stat stat_now;
    ck_assert_int_eq(stat(in_dir("gateway-id"), &stat_now), 0);
    ck_assert_uint_eq(stat_now.st_mode & 0777, 0600);
    remove_dir();
}
END_TEST

START_TEST(a_second_process_is_refused)
{
    make_dir();
    struct journal *journal = must_open(0);
    ck_assert_ptr_null(journal_open(dir, 0, error, sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, "another process"));
    pid_t pid = fork();
    if (pid == 0)
        _exit(journal_open(dir, 0, error, sizeof(error)) == NULL ? 0 : 1);
    int status;
    waitpid(pid, &status, 0);
    ck_assert_int_eq(status, 0);
    journal_close(journal);
    journal_close(must_open(0));
    remove_dir();
}
END_TEST

START_TEST(a_crash_at_every_byte_of_the_last_write_loses_that_entry_alone)
{
    make_dir();
    struct journal *journal = must_open(0);
    ck_assert_uint_ne(journal_write(journal, SPAN_OF("kept")), 0);
    uint64_t gone = journal_write(journal, SPAN_OF("acknowledged"));
    journal_acknowledge(journal, gone);
    off_t before = file_bytes();
    /* This write carries the acknowledgement as well as the entry. */
    ck_assert_uint_ne(journal_write(journal, SPAN_OF("the last one")), 0);
    off_t after = file_bytes(), with_ack = after - FRAME_HEAD_BYTES - 12;
    ck_assert_int_eq(with_ack - before, FRAME_HEAD_BYTES + 8);
    char copy[512];
    int fd = open(in_dir("journal"), O_RDONLY);
    ck_assert_int_eq(read(fd, copy, sizeof(copy)), after);
    close(fd);
    journal_close(journal);
    for (off_t cut = before; cut <= after; ++cut) {
        fd = open(in_dir("journal"), O_WRONLY | O_TRUNC);
        ck_assert_int_eq(write(fd, copy, (size_t)cut), cut);
        close(fd);
        journal = must_open(0);
        off_t whole = cut < with_ack ? before : cut < after ? with_ack : after;
        ck_assert_uint_eq(journal_torn_bytes(journal), (size_t)(cut - whole));
        ck_assert_int_eq(file_bytes(), whole);
        struct seen seen = replay(journal);
        ck_assert_str_eq(seen.first, "kept");
        ck_assert_uint_eq(seen.count, cut < with_ack || cut == after ? 2 : 1);
        ck_assert_str_eq(seen.last, cut < with_ack ? "acknowledged"
                                    : cut < after  ? ""
                                                   : "the last one");
        /* And what is written behind the cut can be read. */
        ck_assert_uint_ne(journal_write(journal, SPAN_OF("new")), 0);
        journal_close(journal);
        journal = must_open(0);
        ck_assert_str_eq(replay(journal).last, "new");
        journal_close(journal);
    }
    remove_dir();
}
END_TEST

START_TEST(zeros_at_the_end_are_a_torn_write_too)
{
    make_dir();
    struct journal *journal = must_open(0);
    ck_assert_uint_ne(journal_write(journal, SPAN_OF("kept")), 0);
    off_t bytes = file_bytes();
    journal_close(journal);
    ck_assert_int_eq(truncate(in_dir("journal"), bytes + 20000), 0);
    journal = must_open(0);
    ck_assert_uint_eq(journal_torn_bytes(journal), 20000);
    ck_assert_uint_eq(replay(journal).count, 1);
    journal_close(journal);
    remove_dir();
}
END_TEST

START_TEST(damage_before_the_end_is_refused_and_left_for_a_human)
{
    make_dir();
    struct journal *journal = must_open(0);
    for (int i = 0; i < 3; ++i)
        ck_assert_uint_ne(journal_write(journal, SPAN_OF("some entry")), 0);
    off_t bytes = file_bytes();
    journal_close(journal);
    int fd = open(in_dir("journal"), O_RDWR);
    ck_assert_int_eq(pwrite(fd, "X", 1, FRAME_HEAD_BYTES + 3), 1);
    close(fd);
    ck_assert_ptr_null(journal_open(dir, 0, error, sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, "damaged at byte 0"));
    ck_assert_int_eq(file_bytes(), bytes);
    remove_dir();
}
END_TEST

START_TEST(a_full_disk_is_refused_and_leaves_no_piece)
{
    make_dir();
    signal(SIGXFSZ, SIG_IGN);
    struct journal *journal = must_open(0);
    ck_assert_uint_ne(journal_write(journal, SPAN_OF("fits")), 0);
    off_t bytes = file_bytes();
    struct rlimit was, limit;
    getrlimit(RLIMIT_FSIZE, &was);
    limit = was;
    for (rlim_t room = 0; room < FRAME_HEAD_BYTES + 3; ++room) {
        limit.rlim_cur = (rlim_t)bytes + room;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        ck_assert_uint_eq(journal_write(journal, SPAN_OF("not")), 0);
        ck_assert_int_eq(file_bytes(), bytes);
    }
    ck_assert_uint_eq(journal_pending(journal), 1);
    setrlimit(RLIMIT_FSIZE, &was);
    ck_assert_uint_ne(journal_write(journal, SPAN_OF("now")), 0);
    journal_close(journal);
    journal = must_open(0);
    ck_assert_str_eq(replay(journal).last, "now");
    ck_assert_uint_eq(journal_torn_bytes(journal), 0);
    journal_close(journal);
    remove_dir();
}
END_TEST

START_TEST(after_a_refused_write_no_call_begins_until_the_disk_takes_something_again)
{
    make_dir();
    signal(SIGXFSZ, SIG_IGN);
    struct journal *journal = must_open(0);
    struct rlimit was, limit;
    ck_assert_uint_ne(journal_write(journal, SPAN_OF("before")), 0);
    off_t bytes = file_bytes();
    getrlimit(RLIMIT_FSIZE, &was);
    limit = was;
    limit.rlim_cur = (rlim_t)bytes + 3;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert(journal_has_room(journal));
    ck_assert_uint_eq(journal_write(journal, SPAN_OF("not")), 0);
    for (uint64_t until = clock_monotonic_ms() + 250; clock_monotonic_ms() < until;)
        ck_assert(!journal_has_room(journal));
    ck_assert_int_eq(file_bytes(), bytes);
    setrlimit(RLIMIT_FSIZE, &was);
    uint64_t until = clock_monotonic_ms() + 1000;
    while (!journal_has_room(journal))
        ck_assert_uint_lt(clock_monotonic_ms(), until);
    ck_assert_uint_ne(journal_write(journal, SPAN_OF("after")), 0);
    journal_close(journal);
    journal = must_open(0);
    struct seen seen = replay(journal);
    ck_assert_int_eq(seen.count, 2);
    ck_assert_str_eq(seen.last, "after");
    journal_close(journal);
    remove_dir();
}
END_TEST

START_TEST(it_takes_its_maximum_and_no_more)
{
    make_dir();
    struct journal *journal = must_open(10 * (FRAME_HEAD_BYTES + 3));
    uint64_t numbers[10];
    for (int i = 0; i < 10; ++i)
        ck_assert_uint_ne(numbers[i] = journal_write(journal, SPAN_OF("abc")), 0);
    ck_assert_uint_eq(journal_write(journal, SPAN_OF("")), 0);
    journal_acknowledge(journal, numbers[4]);
    ck_assert_uint_eq(journal_write(journal, SPAN_OF("abcd")), 0);
    ck_assert_uint_ne(journal_write(journal, SPAN_OF("abc")), 0);
    ck_assert_uint_eq(journal_write(journal, SPAN_OF("")), 0);
    journal_close(journal);
    remove_dir();
}
END_TEST

START_TEST(a_file_of_acknowledged_entries_is_made_small_again)
{
    make_dir();
    static char big[FRAME_CONTENT_MAX];
    memset(big, 'b', sizeof(big));
    struct journal *journal = must_open(0);
    ck_assert_uint_ne(journal_write(journal, SPAN_OF("the old one")), 0);
    off_t most = 0;
    for (int i = 0; i < 5000; ++i) {
        uint64_t number = journal_write(journal, span_of(big, sizeof(big)));
        ck_assert_uint_ne(number, 0);
        journal_acknowledge(journal, number);
        if (file_bytes() > most)
            most = file_bytes();
    }
    ck_assert_int_gt(most, 8 * 1024 * 1024 - 8192);
    ck_assert_int_lt(most, 9 * 1024 * 1024);
    ck_assert_uint_ne(journal_write(journal, SPAN_OF("the new one")), 0);
    struct seen seen = replay(journal);
    ck_assert_uint_eq(seen.count, 2);
    ck_assert_str_eq(seen.first, "the old one");
    journal_close(journal);
    journal = must_open(0);
    seen = replay(journal);
    ck_assert_uint_eq(seen.count, 2);
    ck_assert_str_eq(seen.first, "the old one");
    ck_assert_str_eq(seen.last, "the new one");
    journal_close(journal);
    remove_dir();
}
END_TEST

static void *write_some(void *arg)
{
    struct journal *journal = arg;
    for (int i = 0; i < 500; ++i) {
        uint64_t number = journal_write(journal, SPAN_OF("from a lane"));
        if (number == 0)
            return NULL;
        if (i % 5 != 0)
            journal_acknowledge(journal, number);
    }
    return arg;
}

START_TEST(lanes_write_at_once_and_nothing_is_mixed)
{
    make_dir();
    struct journal *journal = must_open(0);
    pthread_t lanes[4];
    for (int i = 0; i < 4; ++i)
        ck_assert_int_eq(pthread_create(&lanes[i], NULL, write_some, journal), 0);
    for (int i = 0; i < 4; ++i) {
        void *result;
        pthread_join(lanes[i], &result);
        ck_assert_ptr_nonnull(result);
    }
    ck_assert_uint_eq(journal_pending(journal), 400);
    journal_close(journal);
    journal = must_open(0);
    struct seen seen = replay(journal);
    ck_assert_uint_eq(seen.count, 400);
    for (unsigned i = 1; i < seen.count; ++i)
        ck_assert_uint_gt(seen.numbers[i], seen.numbers[i - 1]);
    journal_close(journal);
    remove_dir();
}
END_TEST

START_TEST(a_killed_process_leaves_all_it_wrote)
{
    make_dir();
    int ready[2];
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct journal *journal = journal_open(dir, 0, error, sizeof(error));
        for (int i = 0; i < 100; ++i)
            if (journal == NULL || journal_write(journal, SPAN_OF("entry")) == 0)
                _exit(1);
        if (write(ready[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte;
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    struct journal *journal = must_open(0);
    ck_assert_uint_eq(replay(journal).count, 100);
    ck_assert_uint_eq(journal_epoch(journal), 2);
    journal_close(journal);
    remove_dir();
}
END_TEST

START_TEST(a_folder_that_is_not_ours_is_refused_in_words)
{
    make_dir();
    ck_assert_ptr_null(journal_open(in_dir("nowhere"), 0, error, sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, "cannot be opened"));
    journal_close(must_open(0));
    FILE *file = fopen(in_dir("epoch"), "w");
    fputs("8388608\n", file);
    fclose(file);
    ck_assert_ptr_null(journal_open(dir, 0, error, sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, "epoch"));
    file = fopen(in_dir("epoch"), "w");
    fputs("5\n", file);
    fclose(file);
    file = fopen(in_dir("gateway-id"), "w");
    fputs("../../x\n", file);
    fclose(file);
    ck_assert_ptr_null(journal_open(dir, 0, error, sizeof(error)));
    ck_assert_ptr_nonnull(strstr(error, "gateway-id"));
    remove_dir();
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_flipped_bit_anywhere_is_found,
        what_was_not_acknowledged_is_there_for_the_next_run,
        a_second_process_is_refused,
        a_crash_at_every_byte_of_the_last_write_loses_that_entry_alone,
        zeros_at_the_end_are_a_torn_write_too,
        damage_before_the_end_is_refused_and_left_for_a_human,
        a_full_disk_is_refused_and_leaves_no_piece,
        after_a_refused_write_no_call_begins_until_the_disk_takes_something_again,
        it_takes_its_maximum_and_no_more,
        a_file_of_acknowledged_entries_is_made_small_again,
        lanes_write_at_once_and_nothing_is_mixed,
        a_killed_process_leaves_all_it_wrote,
        a_folder_that_is_not_ours_is_refused_in_words,
        NULL,
    };
    return checks_run("journal", tests);
}
