/* The admin side over a real UNIX socket, with real io and http; accounts and views are fakes. */
#define _GNU_SOURCE /* memmem() */
#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "ctl/answer.h"
#include "fakes/fake_views.h"
#include "gateway/admin.h"
#include "unit/checks.h"
#include "unit/gateway/fake_accounts.h"

enum { TURNS_MAX = 2000 };

struct desk {
    struct loop *loop;
    struct admin *admin;
    struct accounts *accounts;
    struct pools pools;
    struct site site;
    struct stats stats[2];
    const char *why_not;
    struct log log;
    int said; /* where the log's lines are read */
    char folder[32];
    char path[64];
    struct timer tick; /* so that no turn waits for ever */
};

static unsigned lanes(void *owner, const struct stats **out, unsigned lanes_max)
{
    struct desk *desk = owner;
    ck_assert_uint_ge(lanes_max, 2);
    out[0] = &desk->stats[0];
    out[1] = &desk->stats[1];
    return 2;
}

static const char *why_not_ready(void *owner)
{
    return ((struct desk *)owner)->why_not;
}

static void tick(void *owner)
{
    (void)owner;
}

static struct desk *desk_open_for(uint32_t request_ms_max)
{
    struct desk *desk = alloc_zeroed(sizeof(*desk));
    struct address address;
    char text[80];
    char error[256];
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    desk->said = ends[0];
    desk->log = (struct log){.fd = ends[1], .level = LOG_NOTICE};
    desk->loop = loop_new();
    desk->accounts = accounts_new(desk->loop, NULL);
    snprintf(desk->folder, sizeof(desk->folder), "%s", P_tmpdir "/admin-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(desk->folder));
    snprintf(desk->path, sizeof(desk->path), "%s/socket", desk->folder);
    snprintf(text, sizeof(text), "unix:%s", desk->path);
    ck_assert_msg(address_parse(&address, span_text(text), error, sizeof(error)), "%s", error);
    int fd = socket_listen(&address, false, error, sizeof(error));
    ck_assert_msg(fd >= 0, "%s", error);
    const struct admin_parts parts = {.accounts = desk->accounts,
                                      .pools = &desk->pools,
                                      .site = &desk->site,
                                      .log = &desk->log,
                                      .request_ms_max = request_ms_max,
                                      .lanes = lanes,
                                      .why_not_ready = why_not_ready,
                                      .owner = desk};
    desk->admin = admin_open(desk->loop, fd, &parts);
    timer_init(&desk->tick, desk->loop, tick, desk);
    return desk;
}

static struct desk *desk_open(void)
{
    return desk_open_for(0);
}

static void desk_close(struct desk *desk)
{
    accounts_free(desk->accounts);
    admin_close(desk->admin);
    timer_fini(&desk->tick);
    loop_free(desk->loop);
    unlink(desk->path);
    rmdir(desk->folder);
    close(desk->said);
    close(desk->log.fd);
    free(desk);
}

static void turn(struct desk *desk)
{
    timer_set(&desk->tick, loop_now(desk->loop) + 5);
    loop_turn(desk->loop);
}

static int desk_connect(struct desk *desk)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, desk->path, strlen(desk->path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void put(int fd, const char *bytes, size_t count)
{
    ck_assert_int_eq(send(fd, bytes, count, MSG_NOSIGNAL), (ssize_t)count);
}

/* Turns until an answer is whole. */
static void await_answer(struct desk *desk, int fd, struct answer *answer)
{
    char bytes[65536];
    answer_init(answer);
    for (int i = 0; i < TURNS_MAX && answer->state == ANSWER_MORE; ++i) {
        turn(desk);
        ssize_t count = recv(fd, bytes, sizeof(bytes), 0);
        if (count > 0)
            answer_feed(answer, span_of(bytes, (size_t)count));
        else if (count == 0)
            answer_end(answer);
    }
    ck_assert_msg(answer->state == ANSWER_WHOLE, "%s",
                  answer->why == NULL ? "no answer" : answer->why);
}

static void say(int fd, const char *method, const char *target, const char *body)
{
    char text[4096];
    size_t len = (size_t)snprintf(text, sizeof(text),
                                  "%s %s HTTP/1.1\r\nHost: any.thing\r\nContent-Length: "
                                  "%zu\r\n\r\n%s",
                                  method, target, strlen(body), body);
    ck_assert_uint_lt(len, sizeof(text));
    put(fd, text, len);
}

/* One request on its own connection; `answer` is to be finished. */
static int ask(struct desk *desk, struct answer *answer, const char *method, const char *target,
               const char *body)
{
    int fd = desk_connect(desk);
    say(fd, method, target, body);
    await_answer(desk, fd, answer);
    close(fd);
    return answer->status;
}

static const char *asked(struct desk *desk)
{
    return fake_accounts(desk->accounts)->asked;
}

/* Asks, and holds status and a part of the body to what is expected; nothing may be changed. */
static void refused(struct desk *desk, const char *method, const char *target, const char *body,
                    int status, const char *words)
{
    struct answer answer;
    unsigned before = fake_accounts(desk->accounts)->asked_count;
    ck_assert_int_eq(ask(desk, &answer, method, target, body), status);
    ck_assert_msg(strstr(answer.body, words) != NULL, "%s %s %s: %s", method, target, body,
                  answer.body);
    cJSON *json = cJSON_Parse(answer.body);
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(json, "status");
    ck_assert_int_eq(found->valueint, status);
    ck_assert(cJSON_IsString(cJSON_GetObjectItemCaseSensitive(json, "detail")));
    ck_assert(cJSON_IsString(cJSON_GetObjectItemCaseSensitive(json, "code")));
    cJSON_Delete(json);
    ck_assert_uint_eq(fake_accounts(desk->accounts)->asked_count, before);
    answer_fini(&answer);
}

static void passed(struct desk *desk, const char *method, const char *target, const char *body,
                   const char *line)
{
    struct answer answer;
    ck_assert_int_eq(ask(desk, &answer, method, target, body), 200);
    ck_assert_str_eq(answer.body, "{\"fake\":true}");
    ck_assert_str_eq(asked(desk), line);
    answer_fini(&answer);
}

/* --- accounts ----------------------------------------------------------------------------------
 */

START_TEST(each_route_of_accounts_asks_what_its_body_says)
{
    struct desk *desk = desk_open();
    passed(desk, "POST", "/accounts",
           "{\"name\":\"alice\",\"concurrency\":10,\"day_ucr\":9007199254740991}",
           "create alice line=- conc=10 rate=- burst=- day=9007199254740991 month=- call=- sub=-");
    passed(desk, "GET", "/accounts", "", "list");
    passed(desk, "GET", "/accounts/alice", "", "show alice");
    passed(desk, "GET", "/accounts/al%69ce%40x", "", "show alice@x");
    passed(desk, "PATCH", "/accounts/alice", "{\"rate_per_minute\":60,\"rate_burst\":0}",
           "limit alice line=- conc=- rate=60 burst=0 day=- month=- call=- sub=-");
    passed(desk, "PATCH", "/accounts/alice", "{\"sub_budget_ucr\":7}",
           "limit alice line=- conc=- rate=- burst=- day=- month=- call=- sub=7");
    passed(desk, "PATCH", "/accounts/alice", "{\"suspended\":true}", "suspend alice");
    passed(desk, "PATCH", "/accounts/alice", " {\"suspended\" : false}\r\n", "resume alice");
    passed(desk, "POST", "/accounts/alice/credit",
           "{\"amount_ucr\":-5,\"reference\":\"r-1\",\"note\":\"caf\xc3\xa9\"}",
           "credit alice -5 ref=r-1 note=caf\xc3\xa9");
    passed(desk, "GET", "/accounts/alice/keys", "", "keys alice");
    passed(desk, "DELETE", "/accounts/alice/keys/k1", "", "revoke alice k1");
    passed(desk, "GET", "/accounts/alice/spend", "", "spend alice 0..9007199254740991 100");
    passed(desk, "GET", "/accounts/alice/spend?from=5&to=5&count=1000", "",
           "spend alice 5..5 1000");
    passed(desk, "GET", "/accounts/alice/holds", "", "holds alice");
    passed(desk, "DELETE", "/accounts/alice/holds/abc2", "", "release alice abc2");
    passed(desk, "GET", "/store", "", "check");
    desk_close(desk);
}
END_TEST

START_TEST(a_key_is_minted_for_canonical_cids_or_for_all)
{
    struct desk *desk = desk_open();
    passed(desk, "POST", "/accounts/alice/keys", "", "mint alice scopes= cids= expires=0");
    passed(desk, "POST", "/accounts/alice/keys",
           "{\"scopes\":[\"invoke\",\"read\"],\"expires_at\":1800000000,"
           "\"cids\":[\"QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG\"]}",
           "mint alice scopes=invoke,read "
           "cids=bafybeie5nqv6kd3qnfjupgvz34woh3oksc3iau6abmyajn7qvtf47mvof4 expires=1800000000");
    refused(desk, "POST", "/accounts/alice/keys", "{\"cids\":[\"bafynot\"]}", 400, "bafynot");
    refused(desk, "POST", "/accounts/alice/keys", "{\"cids\":\"bafynot\"}", 400, "array");
    refused(desk, "POST", "/accounts/alice/keys", "{\"scopes\":[\"a,b\"]}", 400, "commas");
    refused(desk, "POST", "/accounts/alice/keys", "{\"scopes\":[1]}", 400, "scopes");
    desk_close(desk);
}
END_TEST

START_TEST(what_accounts_refuses_is_a_whole_problem)
{
    static const struct {
        int status;
        int shown;
        const char *code;
    } cases[] = {{400, 400, "bad-request"},
                 {404, 404, "not-found"},
                 {409, 409, "conflict"},
                 {503, 503, "metering-unavailable"},
                 {418, 500, "internal"}};
    struct desk *desk = desk_open();
    fake_accounts(desk->accounts)->json = "{\"detail\":\"said below\"}";
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        struct answer answer;
        fake_accounts(desk->accounts)->status = cases[i].status;
        ck_assert_int_eq(ask(desk, &answer, "GET", "/accounts/a", ""), cases[i].shown);
        cJSON *json = cJSON_Parse(answer.body);
        ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(json, "code")->valuestring,
                         cases[i].code);
        ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(json, "detail")->valuestring,
                         "said below");
        ck_assert_int_eq(cJSON_GetObjectItemCaseSensitive(json, "status")->valueint,
                         cases[i].shown);
        cJSON_Delete(json);
        answer_fini(&answer);
    }
    desk_close(desk);
}
END_TEST

/* --- refusals ----------------------------------------------------------------------------------
 */

START_TEST(a_body_that_is_not_what_the_route_takes_is_refused_by_name)
{
    static const struct {
        const char *body;
        const char *words;
    } cases[] = {
        {"", "empty"},
        {"{", "well-formed"},
        {"{\"name\":\"a\"} x", "well-formed"},
        {"{\"name\":\"a\"}{}", "well-formed"},
        {"[]", "object"},
        {"\"name\"", "object"},
        {"{}", "\\\"name\\\" is missing"},
        {"{\"name\":\"a\",\"nmae\":1}", "unknown member \\\"nmae\\\""},
        {"{\"name\":\"a\",\"Name\":\"b\"}", "unknown member \\\"Name\\\""},
        {"{\"name\":\"a\",\"name\":\"b\"}", "twice"},
        {"{\"name\":1}", "text"},
        {"{\"name\":\"a\\u0000b\"}", "well-formed"},
        {"{\"name\":\"a\\u001bb\"}", "well-formed"},
        {"{\"name\":\"a\nb\"}", "well-formed"},
        {"{\"name\":\"a\",\"concurrency\":-1}", "concurrency"},
        {"{\"name\":\"a\",\"concurrency\":1.5}", "concurrency"},
        {"{\"name\":\"a\",\"concurrency\":1000001}", "1000000"},
        {"{\"name\":\"a\",\"concurrency\":\"1\"}", "concurrency"},
        {"{\"name\":\"a\",\"concurrency\":null}", "concurrency"},
        {"{\"name\":\"a\",\"day_ucr\":9007199254740992}", "9007199254740991"},
        {"{\"name\":\"a\",\"day_ucr\":1e999}", "day_ucr"},
        {"{\"name\":\"a\",\"day_ucr\":[[[[[[[[[1]]]]]]]]]}", "well-formed"},
    };
    struct desk *desk = desk_open();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i)
        refused(desk, "POST", "/accounts", cases[i].body, 400, cases[i].words);
    refused(desk, "PATCH", "/accounts/a", "{}", 400, "neither");
    refused(desk, "PATCH", "/accounts/a", "{\"suspended\":true,\"day_ucr\":1}", 400, "both");
    refused(desk, "PATCH", "/accounts/a", "{\"suspended\":1}", 400, "true or false");
    refused(desk, "PATCH", "/accounts/a", "{\"name\":\"b\"}", 400, "unknown member");
    refused(desk, "POST", "/accounts/a/credit", "{\"amount_ucr\":0,\"reference\":\"r\"}", 400, "0");
    refused(desk, "POST", "/accounts/a/credit", "{\"amount_ucr\":1,\"reference\":\"\"}", 400,
            "reference");
    refused(desk, "POST", "/accounts/a/credit", "{\"amount_ucr\":1}", 400, "reference");
    refused(desk, "GET", "/accounts/a", "{}", 400, "no body");
    refused(desk, "DELETE", "/accounts/a/keys/k", "{}", 400, "no body");
    desk_close(desk);
}
END_TEST

START_TEST(texts_are_taken_up_to_their_length_and_no_further)
{
    struct desk *desk = desk_open();
    char note[300];
    char body[512];
    char line[512];
    memset(note, 'n', sizeof(note));
    note[255] = '\0';
    snprintf(body, sizeof(body), "{\"amount_ucr\":1,\"reference\":\"r\",\"note\":\"%s\"}", note);
    snprintf(line, sizeof(line), "credit a 1 ref=r note=%s", note);
    passed(desk, "POST", "/accounts/a/credit", body, line);
    note[255] = 'n';
    note[256] = '\0';
    snprintf(body, sizeof(body), "{\"amount_ucr\":1,\"reference\":\"r\",\"note\":\"%s\"}", note);
    refused(desk, "POST", "/accounts/a/credit", body, 400, "256 bytes, expected at most 255");
    desk_close(desk);
}
END_TEST

START_TEST(unknown_paths_and_parameters_are_named)
{
    struct desk *desk = desk_open();
    refused(desk, "GET", "/", "", 404, "/healthz");
    refused(desk, "GET", "/accountsx", "", 404, "/accountsx");
    refused(desk, "GET", "/accounts/", "", 404, "/accounts/");
    refused(desk, "GET", "/accounts//keys", "", 404, "/accounts//keys");
    refused(desk, "GET", "/accounts/a/keys/k/x", "", 404, "/keys/k/x");
    refused(desk, "GET", "/accounts/%", "", 400, "encoded");
    refused(desk, "GET", "/accounts/a%0", "", 400, "encoded");
    refused(desk, "GET", "/accounts/a%00", "", 400, "encoded");
    refused(desk, "GET", "/accounts/a%zz", "", 400, "encoded");
    refused(desk, "GET", "/healthz?x=1", "", 400, "\\\"x\\\"");
    refused(desk, "GET", "/accounts/a/spend?count=0", "", 400, "count");
    refused(desk, "GET", "/accounts/a/spend?count=1001", "", 400, "1000");
    refused(desk, "GET", "/accounts/a/spend?count=", "", 400, "count");
    refused(desk, "GET", "/accounts/a/spend?count", "", 400, "count");
    refused(desk, "GET", "/accounts/a/spend?from=-1", "", 400, "from");
    refused(desk, "GET", "/accounts/a/spend?from=6&to=5", "", 400, "later");
    refused(desk, "GET", "/accounts/a/spend?form=6", "", 400, "form");
    desk_close(desk);
}
END_TEST

START_TEST(a_wrong_method_is_told_which_ones_there_are)
{
    struct desk *desk = desk_open();
    char bytes[2048] = "";
    size_t len = 0;
    refused(desk, "PUT", "/accounts/a", "", 405, "expected one of: GET, HEAD, PATCH");
    refused(desk, "DELETE", "/accounts", "", 405, "POST, GET, HEAD");
    refused(desk, "POST", "/metrics", "", 405, "GET, HEAD");
    refused(desk, "GET", "/accounts/a/credit", "", 405, "expected one of: POST");
    int fd = desk_connect(desk);
    say(fd, "GET", "/accounts/a/credit", "");
    for (int i = 0; i < TURNS_MAX && strstr(bytes, "\r\n\r\n") == NULL; ++i) {
        turn(desk);
        ssize_t count = recv(fd, bytes + len, sizeof(bytes) - 1 - len, 0);
        len += count > 0 ? (size_t)count : 0;
    }
    ck_assert_ptr_nonnull(strstr(bytes, "\r\nallow: POST\r\n"));
    close(fd);
    desk_close(desk);
}
END_TEST

/* --- bodies ------------------------------------------------------------------------------------
 */

/* A body of `size` bytes: blanks before an object. */
static int ask_sized(struct desk *desk, struct answer *answer, size_t size, bool chunked)
{
    static const char object[] = "{\"name\":\"big\"}";
    size_t object_len = sizeof(object) - 1;
    char *body = alloc_zeroed(size + 1);
    char head[256];
    memset(body, ' ', size);
    memcpy(body + size - object_len, object, object_len);
    int fd = desk_connect(desk);
    int room = 1 << 20;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    if (chunked)
        snprintf(head, sizeof(head),
                 "POST /accounts HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n",
                 size);
    else
        snprintf(head, sizeof(head),
                 "POST /accounts HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", size);
    put(fd, head, strlen(head));
    put(fd, body, size);
    if (chunked)
        put(fd, "\r\n0\r\n\r\n", 7);
    await_answer(desk, fd, answer);
    close(fd);
    free(body);
    return answer->status;
}

START_TEST(a_body_of_64_kib_is_taken_and_one_byte_more_is_413)
{
    struct desk *desk = desk_open();
    struct answer answer;
    for (int chunked = 0; chunked < 2; ++chunked) {
        fake_accounts(desk->accounts)->asked[0] = '\0';
        ck_assert_int_eq(ask_sized(desk, &answer, ADMIN_BODY_MAX, chunked), 200);
        ck_assert_int_eq(strncmp(asked(desk), "create big", 10), 0);
        answer_fini(&answer);
        fake_accounts(desk->accounts)->asked[0] = '\0';
        ck_assert_int_eq(ask_sized(desk, &answer, ADMIN_BODY_MAX + 1, chunked), 413);
        ck_assert_ptr_nonnull(strstr(answer.body, "65536"));
        ck_assert_str_eq(asked(desk), "");
        answer_fini(&answer);
    }
    desk_close(desk);
}
END_TEST

START_TEST(a_body_in_pieces_is_put_together)
{
    struct desk *desk = desk_open();
    struct answer answer;
    static const char text[] = "POST /accounts HTTP/1.1\r\nHost: a\r\nContent-Length: 14\r\n\r\n"
                               "{\"name\":\"slow\"}";
    char copy[sizeof(text)];
    memcpy(copy, text, sizeof(text));
    memcpy(strstr(copy, ": 14"), ": 15", 4);
    int fd = desk_connect(desk);
    for (size_t i = 0; i + 1 < sizeof(text); ++i) {
        put(fd, copy + i, 1);
        turn(desk);
    }
    await_answer(desk, fd, &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_int_eq(strncmp(asked(desk), "create slow", 11), 0);
    answer_fini(&answer);
    close(fd);
    desk_close(desk);
}
END_TEST

/* --- limits ------------------------------------------------------------------------------------
 */

START_TEST(the_65th_connection_is_told_so_and_others_go_on)
{
    struct desk *desk = desk_open();
    struct answer answer;
    int fds[ADMIN_CONNECTIONS_MAX];
    for (int i = 0; i < ADMIN_CONNECTIONS_MAX; ++i)
        fds[i] = desk_connect(desk);
    while (admin_connections(desk->admin) < ADMIN_CONNECTIONS_MAX)
        turn(desk);
    ck_assert_int_eq(ask(desk, &answer, "GET", "/healthz", ""), 503);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"code\":\"overloaded\""));
    answer_fini(&answer);
    say(fds[63], "GET", "/healthz", "");
    await_answer(desk, fds[63], &answer);
    ck_assert_int_eq(answer.status, 200);
    answer_fini(&answer);
    close(fds[0]);
    while (admin_connections(desk->admin) == ADMIN_CONNECTIONS_MAX)
        turn(desk);
    ck_assert_int_eq(ask(desk, &answer, "GET", "/healthz", ""), 200);
    answer_fini(&answer);
    for (int i = 1; i < ADMIN_CONNECTIONS_MAX; ++i)
        close(fds[i]);
    desk_close(desk);
}
END_TEST

/* Eight requests on one HTTP/2 connection, by prior knowledge (RFC 9113 3.3), as bytes: SETTINGS,
 * then a HEADERS frame each with GET /accounts (RFC 7541 appendix A: 2, 6, 4, 1). */
static int ask_eight(struct desk *desk)
{
    static const char start[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    static const char block[] = "\x82\x86\x04\x09/accounts\x01\x01"
                                "a";
    int fd = desk_connect(desk);
    put(fd, start, sizeof(start) - 1);
    for (char id = 1; id < 16; id += 2) {
        char frame[9] = {0, 0, sizeof(block) - 1, 1, 5, 0, 0, 0, id};
        put(fd, frame, sizeof(frame));
        put(fd, block, sizeof(block) - 1);
    }
    return fd;
}

/* DATA frames that came on `fd` and say `words`. */
static unsigned count_said(int fd, const char *words)
{
    char bytes[65536];
    unsigned count = 0;
    ssize_t len = recv(fd, bytes, sizeof(bytes), 0);
    for (ssize_t at = 0; at + 9 <= len;) {
        const unsigned char *frame = (const unsigned char *)bytes + at;
        ssize_t size = frame[0] << 16 | frame[1] << 8 | frame[2];
        ck_assert_int_le(at + 9 + size, len);
        if (frame[3] == 0)
            count += memmem(frame + 9, (size_t)size, words, strlen(words)) != NULL;
        at += 9 + size;
    }
    return count;
}

START_TEST(the_65th_request_at_work_is_answered_503)
{
    enum { LINKS = ADMIN_REQUESTS_MAX / 8 };
    struct desk *desk = desk_open();
    struct fake_accounts *fake = fake_accounts(desk->accounts);
    int fds[LINKS + 1];
    unsigned said = 0;
    fake->holds_back = true;
    for (int i = 0; i < LINKS; ++i) {
        fds[i] = ask_eight(desk);
        for (int turns = 0; turns < TURNS_MAX && fake->waiting < 8 * (unsigned)(i + 1); ++turns)
            turn(desk);
        ck_assert_uint_eq(fake->waiting, 8 * (unsigned)(i + 1));
    }
    fds[LINKS] = ask_eight(desk);
    for (int turns = 0; turns < TURNS_MAX && said < 8; ++turns) {
        turn(desk);
        said += count_said(fds[LINKS], "64 admin requests are at work already");
    }
    ck_assert_uint_eq(said, 8);
    ck_assert_uint_eq(fake->waiting, 64);
    fake_accounts_answer(desk->accounts);
    fake->holds_back = false;
    said = 0;
    for (int turns = 0; turns < TURNS_MAX && said < 8; ++turns) {
        turn(desk);
        said += count_said(fds[0], "{\"fake\":true}");
    }
    ck_assert_uint_eq(said, 8);
    for (int i = 0; i <= LINKS; ++i)
        close(fds[i]);
    passed(desk, "GET", "/accounts", "", "list");
    desk_close(desk);
}
END_TEST

START_TEST(a_body_that_stops_is_408_and_an_answer_that_never_comes_503)
{
    struct desk *desk = desk_open_for(50);
    struct answer answer;
    int fd = desk_connect(desk);
    put(fd, "POST /accounts HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{", 56);
    await_answer(desk, fd, &answer);
    ck_assert_int_eq(answer.status, 408);
    ck_assert_ptr_nonnull(strstr(answer.body, "stopped after 1 bytes"));
    answer_fini(&answer);
    close(fd);
    fake_accounts(desk->accounts)->holds_back = true;
    ck_assert_int_eq(ask(desk, &answer, "PATCH", "/accounts/a", "{\"suspended\":true}"), 503);
    ck_assert_ptr_nonnull(strstr(answer.body, "not known"));
    answer_fini(&answer);
    fake_accounts_answer(desk->accounts); /* too late for anyone */
    turn(desk);
    desk_close(desk);
}
END_TEST

/* The log's lines so far. */
static const char *said(struct desk *desk, char lines[4096])
{
    ssize_t count = read(desk->said, lines, 4095);
    lines[count > 0 ? count : 0] = '\0';
    return lines;
}

START_TEST(every_change_has_a_line_in_the_log_and_no_view_has)
{
    struct desk *desk = desk_open();
    char lines[4096];
    struct answer answer;
    passed(desk, "GET", "/accounts/a", "", "show a");
    ck_assert_int_eq(ask(desk, &answer, "GET", "/nowhere", ""), 404);
    answer_fini(&answer);
    turn(desk);
    ck_assert_str_eq(said(desk, lines), "");
    passed(desk, "DELETE", "/accounts/a/keys/k", "", "revoke a k");
    turn(desk);
    ck_assert_ptr_nonnull(strstr(said(desk, lines),
                                 "\"event\":\"admin\",\"method\":\"DELETE\","
                                 "\"status\":200,\"path\":\"/accounts/a/keys/k\""));
    refused(desk, "POST", "/accounts?secret=1", "{\"name\":\"hidden\"}", 400, "secret");
    turn(desk);
    ck_assert_ptr_nonnull(strstr(said(desk, lines), "\"status\":400,\"path\":\"/accounts\"}"));
    ck_assert_ptr_null(strstr(lines, "secret"));
    ck_assert_ptr_null(strstr(lines, "hidden"));
    desk_close(desk);
}
END_TEST

START_TEST(an_operator_who_leaves_while_the_store_is_asked_costs_nothing)
{
    struct desk *desk = desk_open();
    struct answer answer;
    fake_accounts(desk->accounts)->holds_back = true;
    for (int i = 0; i < 3; ++i) {
        int fd = desk_connect(desk);
        say(fd, "GET", "/accounts", "");
        while (fake_accounts(desk->accounts)->waiting == (unsigned)i)
            turn(desk);
        close(fd);
        while (admin_connections(desk->admin) > 0)
            turn(desk);
    }
    fake_accounts_answer(desk->accounts); /* to requests that are gone */
    fake_accounts(desk->accounts)->holds_back = false;
    ck_assert_int_eq(ask(desk, &answer, "GET", "/accounts", ""), 200);
    answer_fini(&answer);
    desk_close(desk);
}
END_TEST

START_TEST(closing_with_requests_under_way_ends_them)
{
    struct desk *desk = desk_open();
    char byte;
    fake_accounts(desk->accounts)->holds_back = true;
    int fd = desk_connect(desk);
    say(fd, "GET", "/accounts", "");
    while (fake_accounts(desk->accounts)->waiting == 0)
        turn(desk);
    desk_close(desk);
    ck_assert_int_le(recv(fd, &byte, 1, 0), 0);
    close(fd);
}
END_TEST

START_TEST(a_drain_answers_what_is_under_way_and_takes_no_more)
{
    struct desk *desk = desk_open();
    struct answer answer;
    fake_accounts(desk->accounts)->holds_back = true;
    int fd = desk_connect(desk);
    say(fd, "GET", "/accounts", "");
    while (fake_accounts(desk->accounts)->waiting == 0)
        turn(desk);
    admin_drain(desk->admin);
    turn(desk);
    ck_assert_uint_eq(admin_connections(desk->admin), 1);
    fake_accounts_answer(desk->accounts);
    await_answer(desk, fd, &answer);
    ck_assert_int_eq(answer.status, 200);
    answer_fini(&answer);
    while (admin_connections(desk->admin) > 0)
        turn(desk);
    close(fd);
    desk_close(desk);
}
END_TEST

/* --- views -------------------------------------------------------------------------------------
 */

START_TEST(health_is_told_apart_from_readiness)
{
    struct desk *desk = desk_open();
    struct answer answer;
    ck_assert_int_eq(ask(desk, &answer, "GET", "/readyz", ""), 200);
    answer_fini(&answer);
    desk->why_not = "the metering store is away";
    refused(desk, "GET", "/readyz", "", 503, "the metering store is away");
    ck_assert_int_eq(ask(desk, &answer, "GET", "/healthz", ""), 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"version\""));
    answer_fini(&answer);
    desk_close(desk);
}
END_TEST

START_TEST(metrics_are_the_sums_of_all_lanes_with_help_and_type)
{
    struct desk *desk = desk_open();
    struct answer answer;
    desk->pools.rows = 5;
    stats_add(&desk->stats[0].requests, 40);
    stats_add(&desk->stats[1].requests, 2);
    stats_add(&desk->stats[1].exchanges_live, 7);
    stats_add(&desk->stats[0].faults[FAULT_UNTRUSTED], 1);
    stats_add(&desk->stats[1].faults[FAULT_UNTRUSTED], 4);
    ck_assert_int_eq(ask(desk, &answer, "GET", "/metrics", ""), 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "# HELP teegate_requests_total requests whose"));
    ck_assert_ptr_nonnull(strstr(answer.body, "# TYPE teegate_requests_total counter\n"
                                              "teegate_requests_total 42\n"));
    ck_assert_ptr_nonnull(strstr(answer.body, "# TYPE teegate_exchanges_live gauge\n"
                                              "teegate_exchanges_live 7\n"));
    ck_assert_ptr_nonnull(strstr(answer.body, "teegate_faults_total{fault=\"untrusted\"} 5\n"));
    ck_assert_ptr_null(strstr(answer.body, "fault=\"none\""));
    ck_assert_ptr_nonnull(strstr(answer.body, "teegate_workers{state=\"refused\"} 3\n"));
    ck_assert_ptr_nonnull(strstr(answer.body, "teegate_workers{state=\"idle\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(answer.body, "teegate_ready 1\n"));
    ck_assert_int_eq(answer.body[answer.body_len - 1], '\n');
    answer_fini(&answer);
    desk_close(desk);
}
END_TEST

START_TEST(workers_are_shown_with_their_proof)
{
    struct desk *desk = desk_open();
    struct answer answer;
    ck_assert_int_eq(ask(desk, &answer, "GET", "/workers", ""), 200);
    ck_assert_str_eq(answer.body, "{\"workers\":[]}");
    answer_fini(&answer);
    desk->pools.rows = WORKERS_MAX;
    ck_assert_int_eq(ask(desk, &answer, "GET", "/workers", ""), 200);
    cJSON *json = cJSON_Parse(answer.body);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "workers");
    ck_assert_int_eq(cJSON_GetArraySize(list), WORKERS_MAX);
    const cJSON *first = cJSON_GetArrayItem(list, 0);
    const cJSON *proof = cJSON_GetObjectItemCaseSensitive(first, "proof");
    ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(first, "state")->valuestring, "refused");
    ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(first, "address")->valuestring,
                     "127.0.0.1:4433");
    ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(proof, "reason")->valuestring,
                     "debug_enclave");
    ck_assert_int_eq(
        strncmp(cJSON_GetObjectItemCaseSensitive(proof, "evidence_sha256")->valuestring, "ab00", 4),
        0);
    ck_assert(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(list, 1), "proof")));
    cJSON_Delete(json);
    answer_fini(&answer);
    desk_close(desk);
}
END_TEST

START_TEST(at_most_a_thousand_live_exchanges_are_shown_and_all_are_counted)
{
    struct desk *desk = desk_open();
    static const unsigned lives[] = {0, 1, 999, 1000, 1001};
    for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); ++i) {
        struct answer answer;
        fake_site_set_live(&desk->site, lives[i]);
        ck_assert_int_eq(ask(desk, &answer, "GET", "/exchanges", ""), 200);
        cJSON *json = cJSON_Parse(answer.body);
        int shown = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "exchanges"));
        ck_assert_int_eq(shown, lives[i] < 1000 ? (int)lives[i] : 1000);
        ck_assert_int_eq(cJSON_GetObjectItemCaseSensitive(json, "live")->valueint, (int)lives[i]);
        cJSON_Delete(json);
        answer_fini(&answer);
    }
    desk_close(desk);
}
END_TEST

START_TEST(the_socket_is_for_its_owner_alone)
{
    struct desk *desk = desk_open();
    struct stat facts;
    ck_assert_int_eq(stat(desk->path, &facts), 0);
    ck_assert_int_eq(facts.st_mode & 0777, 0600);
    desk_close(desk);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {each_route_of_accounts_asks_what_its_body_says,
                                  a_key_is_minted_for_canonical_cids_or_for_all,
                                  what_accounts_refuses_is_a_whole_problem,
                                  a_body_that_is_not_what_the_route_takes_is_refused_by_name,
                                  texts_are_taken_up_to_their_length_and_no_further,
                                  unknown_paths_and_parameters_are_named,
                                  a_wrong_method_is_told_which_ones_there_are,
                                  a_body_of_64_kib_is_taken_and_one_byte_more_is_413,
                                  a_body_in_pieces_is_put_together,
                                  the_65th_connection_is_told_so_and_others_go_on,
                                  the_65th_request_at_work_is_answered_503,
                                  a_body_that_stops_is_408_and_an_answer_that_never_comes_503,
                                  every_change_has_a_line_in_the_log_and_no_view_has,
                                  an_operator_who_leaves_while_the_store_is_asked_costs_nothing,
                                  closing_with_requests_under_way_ends_them,
                                  a_drain_answers_what_is_under_way_and_takes_no_more,
                                  health_is_told_apart_from_readiness,
                                  metrics_are_the_sums_of_all_lanes_with_help_and_type,
                                  workers_are_shown_with_their_proof,
                                  at_most_a_thousand_live_exchanges_are_shown_and_all_are_counted,
                                  the_socket_is_for_its_owner_alone,
                                  NULL};
    return checks_run("admin", tests);
}
