/* One call to a socket that keeps one waiting. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ctl/client.h"
#include "unit/checks.h"

enum { WAIT_MS = 150 };

struct place {
    char folder[32];
    char path[64];
    int fd;
};

static void place_open(struct place *place, int waiting_max)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(place->folder, sizeof(place->folder), "%s", P_tmpdir "/ctl-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place->folder));
    snprintf(place->path, sizeof(place->path), "%s/socket", place->folder);
    memcpy(address.sun_path, place->path, strlen(place->path) + 1);
    place->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(place->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(place->fd, waiting_max), 0);
}

static void place_close(struct place *place)
{
    close(place->fd);
    unlink(place->path);
    rmdir(place->folder);
}

/* Calls, and is told that no answer came in time. */
static void is_late(struct place *place, struct span body)
{
    struct answer answer;
    char error[CLIENT_ERROR_MAX];
    uint64_t before = clock_monotonic_ms();
    ck_assert(!client_call(place->path, WAIT_MS, "POST", "/", body, &answer, error));
    uint64_t took = clock_monotonic_ms() - before;
    ck_assert_ptr_nonnull(strstr(error, "within 150 ms"));
    ck_assert_uint_ge(took, WAIT_MS);
    ck_assert_uint_lt(took, 100 * WAIT_MS);
    answer_fini(&answer);
}

START_TEST(a_socket_that_never_answers_is_left_at_the_deadline)
{
    struct place place;
    place_open(&place, 8);
    is_late(&place, SPAN_NONE);
    place_close(&place);
}
END_TEST

START_TEST(a_socket_that_takes_nothing_is_left_at_the_deadline)
{
    enum { SIZE = 4 * 1024 * 1024 };
    struct place place;
    char *body = alloc_zeroed(SIZE);
    place_open(&place, 8);
    is_late(&place, span_of(body, SIZE));
    place_close(&place);
    free(body);
}
END_TEST

START_TEST(a_queue_that_is_full_is_a_gateway_that_is_away)
{
    struct place place;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct answer answer;
    char error[CLIENT_ERROR_MAX];
    int fds[4];
    place_open(&place, 0);
    memcpy(address.sun_path, place.path, strlen(place.path) + 1);
    for (int i = 0; i < 4; ++i) {
        fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fds[i], (struct sockaddr *)&address, sizeof(address));
    }
    ck_assert(!client_call(place.path, WAIT_MS, "GET", "/", SPAN_NONE, &answer, error));
    ck_assert_ptr_nonnull(strstr(error, place.path));
    answer_fini(&answer);
    for (int i = 0; i < 4; ++i)
        close(fds[i]);
    place_close(&place);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_socket_that_never_answers_is_left_at_the_deadline,
                                  a_socket_that_takes_nothing_is_left_at_the_deadline,
                                  a_queue_that_is_full_is_a_gateway_that_is_away, NULL};
    return checks_run("client", tests);
}
