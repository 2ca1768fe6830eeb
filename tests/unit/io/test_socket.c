#include "io/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/listener.h"
#include "unit/checks.h"

static struct address address_of(const char *text)
{
    struct address address;
    char error[256] = "";
    ck_assert_msg(address_parse(&address, span_text(text), error, sizeof(error)), "%s", error);
    return address;
}

START_TEST(addresses_come_back_as_they_were_written)
{
    static const struct {
        const char *text, *with_port, *host;
    } rows[] = {
        {"127.0.0.1:443", "127.0.0.1:443", "127.0.0.1"},
        {"0.0.0.0:0", "0.0.0.0:0", "0.0.0.0"},
        {"255.255.255.255:65535", "255.255.255.255:65535", "255.255.255.255"},
        {"[::1]:443", "[::1]:443", "::1"},
        {"[2001:DB8:0:0::1]:1", "[2001:db8::1]:1", "2001:db8::1"},
        {"unix:/run/x y", "unix:/run/x y", "unix:/run/x y"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct address address = address_of(rows[i].text);
        char out[ADDRESS_TEXT_MAX];
        ck_assert_str_eq(address_text(&address, true, out), rows[i].with_port);
        ck_assert_str_eq(address_text(&address, false, out), rows[i].host);
    }
}
END_TEST

START_TEST(a_malformed_address_is_refused_with_a_sentence)
{
    static const char *const rows[] = {
        "",         ":",          ":443",          "443",       "127.0.0.1",     "127.0.0.1:",
        "1.2.3:4",  "1.2.3.4:+1", "1.2.3.4:65536", "::1:443",   "[::1]",         "[::1]443",
        "[::1:443", "[]:443",     "[1.2.3.4]:443", "host:443",  "1.2.3.4:44 3",  " 1.2.3.4:4",
        "unix:",    "unix:x",     "unix",          "[::g]:443", "[fe80::1%1]:4", "1.2.3.4:-1",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct address address;
        char error[256] = "";
        ck_assert_msg(!address_parse(&address, span_text(rows[i]), error, sizeof(error)), "%s",
                      rows[i]);
        ck_assert_ptr_nonnull(strstr(error, rows[i]));
        ck_assert_ptr_nonnull(strstr(error, "needed"));
    }
    struct address address;
    char error[64];
    ck_assert(!address_parse(&address, span_of("1.2.3.4\0:80", 11), error, sizeof(error)));
    ck_assert(!address_parse(&address, span_of("unix:/a\0b", 9), error, sizeof(error)));
}
END_TEST

START_TEST(a_unix_path_has_107_bytes_at_most)
{
    char text[5 + 108 + 1] = "unix:/";
    memset(text + 6, 'p', 106);
    struct address address = address_of(text);
    char out[ADDRESS_TEXT_MAX];
    ck_assert_str_eq(address_text(&address, true, out), text);
    text[5 + 107] = 'p';
    char error[256];
    ck_assert(!address_parse(&address, span_text(text), error, sizeof(error)));
}
END_TEST

static int listen_on(const struct address *address, bool share)
{
    char error[256] = "";
    int fd = socket_listen(address, share, error, sizeof(error));
    ck_assert_msg(fd >= 0, "%s", error);
    return fd;
}

START_TEST(descriptors_do_not_block_and_do_not_leak_into_children)
{
    struct address any = address_of("127.0.0.1:0");
    int fds[2];
    fds[0] = listen_on(&any, false);
    struct address bound;
    ck_assert(socket_local(fds[0], &bound));
    fds[1] = socket_connect(&bound);
    for (unsigned i = 0; i < 2; ++i) {
        ck_assert_int_ge(fds[i], 0);
        ck_assert(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
        ck_assert(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
    }
    int on = 0;
    socklen_t len = sizeof(on);
    ck_assert_int_eq(getsockopt(fds[1], IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    ck_assert_int_ne(on, 0);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(a_port_is_shared_only_when_both_ask)
{
    struct address any = address_of("127.0.0.1:0");
    char error[256] = "";
    struct address bound;

    int alone = listen_on(&any, false);
    ck_assert(socket_local(alone, &bound));
    ck_assert_int_eq(socket_listen(&bound, true, error, sizeof(error)), -1);
    ck_assert_ptr_nonnull(strstr(error, "127.0.0.1:"));
    ck_assert_ptr_nonnull(strstr(error, "in use"));
    close(alone);

    int first = listen_on(&any, true);
    ck_assert(socket_local(first, &bound));
    int second = listen_on(&bound, true);
    close(first);
    close(second);
}
END_TEST

START_TEST(ipv6_listeners_leave_ipv4_alone)
{
    struct address any = address_of("[::]:0");
    char error[256] = "";
    int fd = socket_listen(&any, false, error, sizeof(error));
    if (fd < 0) {
        printf("left out, there is no IPv6 here: %s\n", error);
        return;
    }
    int on = 0;
    socklen_t len = sizeof(on);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, &len), 0);
    ck_assert_int_eq(on, 1);
    close(fd);
}
END_TEST

struct place {
    char folder[64]; /* not in the build's: a UNIX path has 107 bytes at most */
    char path[80];
    struct address address;
};

static void place_init(struct place *place)
{
    snprintf(place->folder, sizeof(place->folder), "%s", P_tmpdir "/socket-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place->folder));
    char text[100];
    snprintf(place->path, sizeof(place->path), "%s/s", place->folder);
    snprintf(text, sizeof(text), "unix:%s", place->path);
    place->address = address_of(text);
}

static void place_fini(struct place *place)
{
    unlink(place->path);
    rmdir(place->folder);
}

START_TEST(a_unix_socket_is_for_its_owner_alone)
{
    struct place place;
    place_init(&place);
    int fd = listen_on(&place.address, false);
    struct stat found;
    ck_assert_int_eq(stat(place.path, &found), 0);
    ck_assert_uint_eq(found.st_mode & 0777, 0600);
    close(fd);
    place_fini(&place);
}
END_TEST

START_TEST(a_unix_path_is_replaced_only_when_nobody_listens)
{
    struct place place;
    char error[400] = "";
    place_init(&place);
    int first = listen_on(&place.address, false);
    ck_assert_int_eq(socket_listen(&place.address, false, error, sizeof(error)), -1);
    ck_assert_ptr_nonnull(strstr(error, "in use"));
    close(first); /* the file stays, as after a crash */
    int second = listen_on(&place.address, false);
    close(second);
    unlink(place.path);

    int file = open(place.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(file, 0);
    close(file);
    ck_assert_int_eq(socket_listen(&place.address, false, error, sizeof(error)), -1);
    ck_assert_int_eq(access(place.path, F_OK), 0); /* not ours to take away */
    place_fini(&place);
}
END_TEST

START_TEST(connecting_to_nobody_on_a_unix_path_fails_at_once)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(socket_connect(&place.address), -1);
    ck_assert_int_eq(errno, ENOENT);
    place_fini(&place);
}
END_TEST

struct door {
    struct loop *loop;
    struct listener *listener;
    unsigned accepted;
    unsigned close_at;
    struct address peer;
    int fd;
};

static void note_accept(void *owner, int fd, const struct address *peer)
{
    struct door *door = owner;
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    door->peer = *peer;
    close(fd);
    if (++door->accepted == door->close_at) {
        listener_close(door->listener);
        door->listener = NULL;
    }
}

static struct address door_init(struct door *door)
{
    struct address any = address_of("127.0.0.1:0");
    struct address bound;
    *door = (struct door){.loop = loop_new(), .fd = listen_on(&any, false)};
    ck_assert(socket_local(door->fd, &bound));
    door->listener = listener_open(door->loop, door->fd, note_accept, door);
    return bound;
}

static void door_fini(struct door *door)
{
    if (door->listener != NULL)
        listener_close(door->listener);
    loop_free(door->loop);
}

START_TEST(a_listener_accepts_64_a_turn_and_the_rest_in_the_next)
{
    struct door door;
    struct address address = door_init(&door);
    int fds[65];
    for (unsigned i = 0; i < 65; ++i) {
        fds[i] = socket_connect(&address);
        ck_assert_int_ge(fds[i], 0);
    }
    loop_turn(door.loop);
    ck_assert_uint_eq(door.accepted, 64);
    loop_turn(door.loop);
    ck_assert_uint_eq(door.accepted, 65);
    struct address local;
    ck_assert(socket_local(fds[64], &local));
    char mine[ADDRESS_TEXT_MAX], told[ADDRESS_TEXT_MAX];
    ck_assert_str_eq(address_text(&local, true, mine), address_text(&door.peer, true, told));
    for (unsigned i = 0; i < 65; ++i)
        close(fds[i]);
    door_fini(&door);
}
END_TEST

START_TEST(a_listener_may_be_closed_from_its_own_callback)
{
    struct door door;
    struct address address = door_init(&door);
    door.close_at = 1;
    int first = socket_connect(&address);
    int second = socket_connect(&address);
    loop_turn(door.loop);
    ck_assert_uint_eq(door.accepted, 1);
    close(first);
    close(second);
    door_fini(&door);
}
END_TEST

START_TEST(without_descriptors_a_listener_rests_and_then_goes_on)
{
    struct door door;
    struct rlimit before, none;
    struct address address = door_init(&door);
    int fd = socket_connect(&address);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0; /* no descriptor more, not one */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    uint64_t start = clock_monotonic_ms();
    loop_turn(door.loop); /* it comes up and cannot be taken */
    ck_assert_uint_eq(door.accepted, 0);
    loop_turn(door.loop); /* waits: nothing is ready until the rest is over */
    ck_assert_uint_ge(clock_monotonic_ms(), start + 100);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    while (door.accepted == 0)
        loop_turn(door.loop);
    close(fd);
    door_fini(&door);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {addresses_come_back_as_they_were_written,
                                  a_malformed_address_is_refused_with_a_sentence,
                                  a_unix_path_has_107_bytes_at_most,
                                  descriptors_do_not_block_and_do_not_leak_into_children,
                                  a_port_is_shared_only_when_both_ask,
                                  ipv6_listeners_leave_ipv4_alone,
                                  a_unix_socket_is_for_its_owner_alone,
                                  a_unix_path_is_replaced_only_when_nobody_listens,
                                  connecting_to_nobody_on_a_unix_path_fails_at_once,
                                  a_listener_accepts_64_a_turn_and_the_rest_in_the_next,
                                  a_listener_may_be_closed_from_its_own_callback,
                                  without_descriptors_a_listener_rests_and_then_goes_on,
                                  NULL};
    return checks_run("socket", tests);
}
