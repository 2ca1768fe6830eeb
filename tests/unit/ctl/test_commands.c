/* Whole commands against a socket that answers what the test says. */
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/span.h"
#include "ctl/ask.h"
#include "ctl/ctl.h"
#include "unit/checks.h"

enum { ASKED_MAX = 70000, WORDS_MAX = 32 };

/* A thread that takes one connection after another, reads a request and answers. */
struct gate {
    char folder[32];
    char path[64];
    int fd;
    pthread_t thread;
    const char *const *answers; /* one each, NULL-ended */
    char asked[ASKED_MAX];      /* the last request as it came */
};

struct run {
    int status;
    char *out;
    char *err;
    size_t out_size;
    size_t err_size;
};

/* Whole when the head says so. */
static bool is_whole(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");
    if (end == NULL)
        return false;
    return strlen(end + 4) >= (length == NULL ? 0 : strtoul(length + 16, NULL, 10));
}

static void *serve(void *arg)
{
    struct gate *gate = arg;
    for (const char *const *answer = gate->answers; *answer != NULL; ++answer) {
        int fd = accept(gate->fd, NULL, NULL);
        size_t len = 0;
        memset(gate->asked, 0, sizeof(gate->asked));
        while (fd >= 0 && !is_whole(gate->asked)) {
            ssize_t count = recv(fd, gate->asked + len, ASKED_MAX - 1 - len, 0);
            if (count <= 0)
                break;
            len += (size_t)count;
        }
        ssize_t sent = send(fd, *answer, strlen(*answer), MSG_NOSIGNAL);
        (void)sent;
        close(fd);
    }
    return NULL;
}

static void gate_make_path(struct gate *gate)
{
    *gate = (struct gate){.fd = -1};
    snprintf(gate->folder, sizeof(gate->folder), "%s", P_tmpdir "/ctl-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(gate->folder));
    snprintf(gate->path, sizeof(gate->path), "%s/socket", gate->folder);
}

static void gate_open(struct gate *gate, const char *const *answers)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    gate_make_path(gate);
    gate->answers = answers;
    memcpy(address.sun_path, gate->path, strlen(gate->path) + 1);
    gate->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(gate->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(gate->fd, 8), 0);
    ck_assert_int_eq(pthread_create(&gate->thread, NULL, serve, gate), 0);
}

static void gate_close(struct gate *gate)
{
    if (gate->fd >= 0) {
        shutdown(gate->fd, SHUT_RDWR);
        pthread_join(gate->thread, NULL);
        close(gate->fd);
    }
    unlink(gate->path);
    rmdir(gate->folder);
}

static void run(struct run *run, const char *socket, const char *const *words)
{
    char *argv[WORDS_MAX] = {(char *)"teegatectl", (char *)"--socket", (char *)socket};
    int argc = 3;
    for (; *words != NULL; ++words)
        argv[argc++] = (char *)*words;
    *run = (struct run){.status = -1};
    FILE *out = open_memstream(&run->out, &run->out_size);
    FILE *err = open_memstream(&run->err, &run->err_size);
    run->status = ctl_run(argc, argv, out, err);
    fclose(out);
    fclose(err);
}

static void run_fini(struct run *run)
{
    free(run->out);
    free(run->err);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* An HTTP answer with a length; to be freed. */
static char *answer_of(int status, const char *body)
{
    size_t size = strlen(body) + 256;
    char *text = alloc_zeroed(size);
    snprintf(text, size, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body),
             body);
    return text;
}

/* Runs the words against one answer. */
static void run_with(struct run *result, struct gate *gate, int status, const char *body,
                     const char *const *words)
{
    char *answer = answer_of(status, body);
    gate_open(gate, WORDS(answer));
    run(result, gate->path, words);
    gate_close(gate);
    free(answer);
}

static void asks(const char *const *words, const char *line, const char *body)
{
    struct gate gate;
    struct run result;
    run_with(&result, &gate, 200, "{}", words);
    ck_assert_msg(result.status == 0, "%s", result.err);
    ck_assert_msg(strncmp(gate.asked, line, strlen(line)) == 0, "%s", gate.asked);
    ck_assert_str_eq(strstr(gate.asked, "\r\n\r\n") + 4, body);
    ck_assert_str_eq(result.err, "");
    run_fini(&result);
}

START_TEST(each_command_asks_what_its_words_say)
{
    asks(
        WORDS("account", "create", "alice", "--day", "0.5", "--rate", "60/min", "--burst", "5",
              "--credit-line", "1", "--max-call", "7ucr", "--sub-budget", "0.01", "--month", "2",
              "--concurrency", "3"),
        "POST /accounts HTTP/1.1\r\n",
        "{\"name\":\"alice\",\"credit_line_ucr\":1000000,\"concurrency\":3,\"rate_per_minute\":60,"
        "\"rate_burst\":5,\"day_ucr\":500000,\"month_ucr\":2000000,\"call_ucr\":7,\"sub_budget_ucr\":10000}");
    asks(WORDS("account", "show", "alice@b.c"), "GET /accounts/alice@b.c HTTP/1.1\r\n", "");
    asks(WORDS("account", "show", "a/../b c\xff"), "GET /accounts/a%2F..%2Fb%20c%FF HTTP", "");
    asks(WORDS("account", "list"), "GET /accounts HTTP/1.1\r\n", "");
    asks(WORDS("account", "limit", "a", "--day", "0"), "PATCH /accounts/a HTTP", "{\"day_ucr\":0}");
    asks(WORDS("account", "suspend", "a"), "PATCH /accounts/a HTTP", "{\"suspended\":true}");
    asks(WORDS("account", "resume", "a"), "PATCH /accounts/a HTTP", "{\"suspended\":false}");
    asks(WORDS("credit", "add", "a", "10", "--ref", "r\"1"), "POST /accounts/a/credit HTTP",
         "{\"amount_ucr\":10000000,\"reference\":\"r\\\"1\"}");
    asks(WORDS("credit", "adjust", "a", "-2.5", "--ref", "r", "--note", "paid twice"),
         "POST /accounts/a/credit HTTP",
         "{\"amount_ucr\":-2500000,\"reference\":\"r\",\"note\":\"paid twice\"}");
    asks(WORDS("key", "mint", "a"), "POST /accounts/a/keys HTTP", "{}");
    asks(WORDS("key", "mint", "a", "--scopes", "invoke,read", "--cids", "x, y"),
         "POST /accounts/a/keys HTTP", "{\"scopes\":[\"invoke\",\"read\"],\"cids\":[\"x\",\"y\"]}");
    asks(WORDS("key", "list", "a"), "GET /accounts/a/keys HTTP", "");
    asks(WORDS("key", "revoke", "a", "k1"), "DELETE /accounts/a/keys/k1 HTTP", "");
    asks(WORDS("spend", "a"), "GET /accounts/a/spend?from=0&to=9007199254740991&count=100 HTTP",
         "");
    asks(WORDS("spend", "a", "--by", "day"),
         "GET /accounts/a/spend?from=0&to=9007199254740991&count=1000 HTTP", "");
    asks(WORDS("spend", "a", "--from", "1970-01-02", "--to", "1970-01-02", "--count", "7"),
         "GET /accounts/a/spend?from=86400000&to=172799999&count=7 HTTP", "");
    asks(WORDS("holds", "a"), "GET /accounts/a/holds HTTP", "");
    asks(WORDS("workers"), "GET /workers HTTP", "");
    asks(WORDS("receipts", "keys"), "GET /receipts/keys HTTP", "");
    asks(WORDS("receipts", "rotate"), "POST /receipts/rotate HTTP", "");
    asks(WORDS("workers", "evidence", "[::1]:1"), "GET /workers/%5B%3A%3A1%5D%3A1/evidence HTTP",
         "");
    asks(WORDS("live"), "GET /exchanges HTTP", "");
    asks(WORDS("metrics"), "GET /metrics HTTP", "");
}
END_TEST

START_TEST(with_json_the_answer_is_printed_as_it_came)
{
    struct gate gate;
    struct run result;
    static const char body[] = "{ \"accounts\" : [1,  2.50, \"\\u0041\"] }";
    run_with(&result, &gate, 200, body, WORDS("-o", "json", "account", "list"));
    ck_assert_int_eq(result.status, CTL_OK);
    ck_assert_uint_eq(result.out_size, sizeof(body));
    ck_assert_int_eq(memcmp(result.out, body, sizeof(body) - 1), 0);
    run_fini(&result);
}
END_TEST

START_TEST(a_key_is_printed_once_to_standard_output_alone)
{
    struct gate gate;
    struct run result;
    run_with(&result, &gate, 201, "{\"id\":\"k1\",\"key\":\"tgk_b001_k1_secret\"}",
             WORDS("key", "mint", "a"));
    ck_assert_int_eq(result.status, CTL_OK);
    char *first = strstr(result.out, "tgk_b001_k1_secret");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, "tgk_b001_k1_secret"));
    ck_assert_ptr_nonnull(strstr(result.out, "shown this once"));
    ck_assert_str_eq(result.err, "");
    run_fini(&result);
}
END_TEST

START_TEST(a_refusal_says_title_detail_and_what_to_do_next)
{
    struct gate gate;
    struct run result;
    static const char body[] =
        "{\"title\":\"No such account\",\"status\":404,\"detail\":\"there is "
        "no account \\\"a\\\"\\u001b[2J\"}";
    run_with(&result, &gate, 404, body, WORDS("account", "show", "a"));
    ck_assert_int_eq(result.status, CTL_REFUSED);
    ck_assert_str_eq(result.out, "");
    ck_assert_str_eq(result.err,
                     "teegatectl: No such account (404): there is no account \"a\"?[2J\n"
                     "'teegatectl account list' and 'teegatectl key list NAME' show what there "
                     "is.\n");
    run_fini(&result);
    run_with(&result, &gate, 404, body, WORDS("account", "show", "a", "-o", "json"));
    ck_assert_int_eq(result.status, CTL_REFUSED);
    ck_assert_str_eq(result.out, "");
    ck_assert_ptr_nonnull(strstr(result.err, body));
    run_fini(&result);
    run_with(&result, &gate, 500, "not json", WORDS("account", "show", "a"));
    ck_assert_int_eq(result.status, CTL_REFUSED);
    ck_assert_ptr_nonnull(strstr(result.err, "(500)"));
    run_fini(&result);
}
END_TEST

START_TEST(a_gateway_that_is_away_is_3_with_the_socket_and_the_way_out)
{
    struct gate gate;
    struct run result;
    gate_make_path(&gate);
    run(&result, gate.path, WORDS("workers"));
    ck_assert_int_eq(result.status, CTL_AWAY);
    ck_assert_ptr_nonnull(strstr(result.err, gate.path));
    ck_assert_ptr_nonnull(strstr(result.err, "--socket PATH"));
    ck_assert_ptr_nonnull(strstr(result.err, "Start it"));
    run_fini(&result);
    gate_close(&gate);
}
END_TEST

START_TEST(a_path_too_long_for_a_socket_is_said)
{
    struct run result;
    char path[200];
    memset(path, 'x', sizeof(path));
    path[108] = '\0';
    run(&result, path, WORDS("workers"));
    ck_assert_int_eq(result.status, CTL_AWAY);
    ck_assert_ptr_nonnull(strstr(result.err, "108 bytes, expected 1 to 107"));
    run_fini(&result);
}
END_TEST

START_TEST(an_answer_that_breaks_off_or_is_not_ours_is_3)
{
    static const char *const answers[] = {"", "SSH-2.0-OpenSSH\r\n\r\n",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); ++i) {
        struct gate gate;
        struct run result;
        gate_open(&gate, WORDS(answers[i]));
        run(&result, gate.path, WORDS("workers"));
        ck_assert_int_eq(result.status, CTL_AWAY);
        ck_assert_str_eq(result.out, "");
        ck_assert_str_ne(result.err, "");
        run_fini(&result);
        gate_close(&gate);
    }
}
END_TEST

START_TEST(wrong_use_is_2_and_asks_nothing)
{
    const char *const *const cases[] = {
        WORDS("credit", "add", "a", "-1", "--ref", "r"),
        WORDS("credit", "add", "a", "0", "--ref", "r"),
        WORDS("credit", "add", "a", "1.0000001", "--ref", "r"),
        WORDS("credit", "adjust", "a", "0", "--ref", "r", "--note", "n"),
        WORDS("account", "limit", "a"),
        WORDS("spend", "a", "--count", "0"),
        WORDS("spend", "a", "--count", "1001"),
        WORDS("spend", "a", "--from", "2026-11-21", "--to", "2026-11-20"),
        WORDS("frob"),
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        struct run result;
        run(&result, "nowhere", cases[i]); /* asking would be 3 */
        ck_assert_int_eq(result.status, CTL_WRONG_USE);
        ck_assert_str_eq(result.out, "");
        ck_assert_int_eq(strncmp(result.err, "teegatectl: ", 12), 0);
        run_fini(&result);
    }
}
END_TEST

/* Three charges of two agents on two days, and a credit. */
static const char ledger[] =
    "{\"entries\":["
    "{\"time_ms\":1709251199999,\"kind\":\"chg\",\"value_ucr\":-5,\"cid\":\"bafya\","
    "\"worker\":\"w1\"},"
    "{\"time_ms\":1709251200000,\"kind\":\"chg\",\"value_ucr\":-2000000,\"cid\":\"bafyb\","
    "\"worker\":\"w1\"},"
    "{\"time_ms\":1709251200001,\"kind\":\"chg\",\"value_ucr\":-7,\"cid\":\"bafya\"},"
    "{\"time_ms\":1709251200002,\"kind\":\"top\",\"value_ucr\":9000000}]}";

static void spend_says(const char *const *words, const char *expected)
{
    struct gate gate;
    struct run result;
    run_with(&result, &gate, 200, ledger, words);
    ck_assert_int_eq(result.status, CTL_OK);
    ck_assert_str_eq(result.out, expected);
    run_fini(&result);
}

START_TEST(charges_are_summed_by_agent_day_or_worker_and_credits_left_out)
{
    spend_says(WORDS("spend", "a", "--by", "cid"), "AGENT  CALLS   CHARGED\n"
                                                   "bafyb      1  2.000000\n"
                                                   "bafya      2  0.000012\n");
    spend_says(WORDS("spend", "a", "--by", "day"), "DAY         CALLS   CHARGED\n"
                                                   "2024-03-01      2  2.000007\n"
                                                   "2024-02-29      1  0.000005\n");
    spend_says(WORDS("spend", "a", "--by", "worker"), "WORKER  CALLS   CHARGED\n"
                                                      "w1          2  2.000005\n"
                                                      "-           1  0.000007\n");
}
END_TEST

START_TEST(sums_say_when_there_are_more_entries)
{
    struct gate gate;
    struct run result;
    run_with(&result, &gate, 200, "{\"entries\":[],\"complete\":false}",
             WORDS("spend", "a", "--by", "cid"));
    ck_assert_ptr_nonnull(strstr(result.out, "There are more entries"));
    run_fini(&result);
    run_with(&result, &gate, 200, "{\"entries\":[],\"complete\":true}",
             WORDS("spend", "a", "--by", "cid"));
    ck_assert_str_eq(result.out, "No charges.\n");
    run_fini(&result);
}
END_TEST

START_TEST(entries_are_shown_with_their_sums)
{
    struct gate gate;
    struct run result;
    run_with(&result, &gate, 200,
             "{\"account\":\"a\",\"entries\":[{\"time_ms\":1709251199999,\"reference\":\"r\","
             "\"kind\":\"top\",\"value_ucr\":9000000,\"balance_ucr\":9000000}],"
             "\"charged_ucr\":0,\"credited_ucr\":9000000,\"complete\":true}",
             WORDS("spend", "a"));
    ck_assert_str_eq(result.out, "TIME                  KIND     VALUE   BALANCE  REFERENCE\n"
                                 "2024-02-29 23:59:59Z  top   9.000000  9.000000  r\n"
                                 "\n"
                                 " CHARGED  CREDITED\n"
                                 "0.000000  9.000000\n");
    run_fini(&result);
}
END_TEST

START_TEST(accounts_are_listed_by_name_and_a_repeated_credit_is_said)
{
    struct gate gate;
    struct run result;
    run_with(&result, &gate, 200, "{\"accounts\":[\"a\",\"b\"],\"complete\":true}",
             WORDS("account", "list"));
    ck_assert_str_eq(result.out, "a\nb\n");
    run_fini(&result);
    run_with(&result, &gate, 200, "{\"accounts\":[\"a\"],\"complete\":false}",
             WORDS("account", "list"));
    ck_assert_str_eq(result.out, "a\n\nThere are more accounts than these.\n");
    run_fini(&result);
    run_with(&result, &gate, 200, "{\"accounts\":[],\"complete\":true}", WORDS("account", "list"));
    ck_assert_ptr_nonnull(strstr(result.out, "account create NAME"));
    run_fini(&result);
    run_with(&result, &gate, 200, "{\"applied\":false}",
             WORDS("credit", "add", "a", "1", "--ref", "r"));
    ck_assert_ptr_nonnull(strstr(result.out, "Nothing was changed"));
    run_fini(&result);
    run_with(&result, &gate, 200, "{\"applied\":true}",
             WORDS("credit", "add", "a", "1", "--ref", "r"));
    ck_assert_ptr_null(strstr(result.out, "Nothing was changed"));
    run_fini(&result);
}
END_TEST

START_TEST(health_is_1_when_the_gateway_is_not_ready)
{
    struct gate gate;
    struct run result;
    char *alive = answer_of(200, "{\"status\":\"ok\"}");
    char *not_ready = answer_of(503, "{\"title\":\"t\",\"detail\":\"draining\"}");
    gate_open(&gate, WORDS(alive, not_ready));
    run(&result, gate.path, WORDS("health"));
    ck_assert_int_eq(result.status, CTL_REFUSED);
    ck_assert_ptr_nonnull(strstr(result.err, "draining"));
    ck_assert_int_eq(strncmp(gate.asked, "GET /readyz ", 12), 0);
    run_fini(&result);
    gate_close(&gate);
    free(alive);
    free(not_ready);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {each_command_asks_what_its_words_say,
                                  with_json_the_answer_is_printed_as_it_came,
                                  a_key_is_printed_once_to_standard_output_alone,
                                  a_refusal_says_title_detail_and_what_to_do_next,
                                  a_gateway_that_is_away_is_3_with_the_socket_and_the_way_out,
                                  a_path_too_long_for_a_socket_is_said,
                                  an_answer_that_breaks_off_or_is_not_ours_is_3,
                                  wrong_use_is_2_and_asks_nothing,
                                  charges_are_summed_by_agent_day_or_worker_and_credits_left_out,
                                  sums_say_when_there_are_more_entries,
                                  entries_are_shown_with_their_sums,
                                  accounts_are_listed_by_name_and_a_repeated_credit_is_said,
                                  health_is_1_when_the_gateway_is_not_ready,
                                  NULL};
    return checks_run("commands", tests);
}
