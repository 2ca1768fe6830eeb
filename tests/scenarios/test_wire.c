/* Lives over real HTTP on both sides, h2 and h1 in every pairing; only the network is a fake. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "exchange/exchange.h"
#include "fakes/fake_accounts.h"
#include "fakes/fake_auth.h"
#include "fakes/fake_meter.h"
#include "unit/checks.h"
#include "unit/http/ends.h"

#define CID "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"

/* --- pools with one worker, over whose connection every call goes ----------------------------- */

struct pools {
    struct loop *loop;
    struct wake wake;
    struct http *http;
    struct pool_wait *wait;
    struct worker worker;
    struct pool_facts facts;
    struct retry_budget budget;
    unsigned live;
};

static void lend(void *owner)
{
    struct pools *pools = owner;
    struct pool_wait *wait = pools->wait;
    pools->wait = NULL;
    must(head_set_text(wait->request, &wait->request->scheme, SPAN_OF("https")));
    must(head_set_text(wait->request, &wait->request->authority, SPAN_OF("worker.example")));
    wait->lease.stream =
        http_request(pools->http, wait->request, wait->request_ended, wait->note, wait->user);
    wait->lease.worker = &pools->worker;
    wait->lease.pool = &pools->facts;
    wait->fault = FAULT_NONE;
    ++pools->live;
    wait->answer(wait);
}

void pools_lend(struct pools *pools, struct pool_wait *wait)
{
    must(pools->wait == NULL);
    pools->wait = wait;
    loop_wake(pools->loop, &pools->wake);
}

void pools_cancel(struct pools *pools, struct pool_wait *wait)
{
    pools->wait = NULL;
}

void pools_return(struct pools *pools, struct lease *lease, enum fault fault, uint32_t ttfb_us)
{
    --pools->live;
    stream_release(lease->stream);
}

struct retry_budget *pools_budget(struct pools *pools, const char *pool)
{
    return &pools->budget;
}

bool pools_show_evidence(struct pools *pools, struct span worker,
                         void (*answer)(void *owner, uint64_t id, struct span json), void *owner,
                         uint64_t id)
{
    return false;
}

const char *pools_path_template(struct pools *pools, const char *pool)
{
    return NULL;
}

/* --- the hall --------------------------------------------------------------------------------- */

struct wire {
    struct ends front; /* the caller and the gateway's side to it; its loop is everybody's */
    struct ends back;  /* the gateway's side to the worker, and the worker */
    struct site site;
    struct stats stats;
    struct log log;
    struct pools pools;
    enum conn_alpn alpn;
    unsigned taken; /* requests that became exchanges */
    char log_text[8192];
};

static void run(struct wire *wire)
{
    do {
        ends_settle(&wire->front);
        struct end *gate = &wire->front.worker;
        if (wire->taken == gate->party_count)
            return;
        struct party *party = ends_nth(gate, wire->taken++);
        party->gone = true; /* the exchange's from here */
        exchange_open(&wire->site, party->stream, "192.0.2.7", http_version(gate->http), true,
                      NULL);
    } while (true);
}

static void add_agent(struct wire *wire)
{
    struct agent *agent = alloc_zeroed(sizeof(*agent));
    ck_assert(cid_parse(SPAN_OF(CID), &agent->cid));
    agent->metered = true;
    agent->price = (struct price){.call_pcr = 7000000};
    agent->request_bytes_max = agent->response_bytes_max = 1 << 20;
    agent->total_ms_max = 60000;
    ck_assert(agents_add(&wire->site.agents->agents, agent));
}

static void wire_open(struct wire *wire, enum conn_alpn front, enum conn_alpn back)
{
    memset(wire, 0, sizeof(*wire));
    ends_init(&wire->front);
    wire->front.worker.greedy = false;
    ends_open(&wire->front, front);
    struct loop *loop = wire->front.loop;
    wire->back.loop = loop;
    http_options_default(&wire->back.caller.options);
    http_options_default(&wire->back.worker.options);
    wire->back.worker.greedy = true;
    ends_open(&wire->back, back);
    wire->log = (struct log){memfd_create("log", 0), LOG_DEBUG};
    wire->pools =
        (struct pools){.loop = loop, .http = wire->back.caller.http, .worker = {.id = "w1"}};
    wake_init(&wire->pools.wake, lend, &wire->pools);
    retry_budget_init(&wire->pools.budget);
    site_init(&wire->site);
    wire->site.loop = loop;
    wire->site.stats = &wire->stats;
    wire->site.access_log = &wire->log;
    wire->site.agents = agents_ref_new(1);
    wire->site.pools = &wire->pools;
    wire->site.meter = fake_meter_new(loop);
    wire->site.auth = fake_auth_new(loop);
    wire->site.accounts = fake_accounts_new(loop);
    add_agent(wire);
}

static const char *log_of(struct wire *wire)
{
    ssize_t count = pread(wire->log.fd, wire->log_text, sizeof(wire->log_text) - 1, 0);
    wire->log_text[count < 0 ? 0 : count] = '\0';
    return wire->log_text;
}

static void wire_close(struct wire *wire)
{
    run(wire);
    struct meter *meter = wire->site.meter;
    ck_assert_msg(wire->site.exchanges.used == 0, "a call still lives: %s", log_of(wire));
    ck_assert_uint_eq(wire->pools.live, 0);
    ck_assert_uint_eq(meter->placed, meter->settles + meter->releases);
    struct ends *back = &wire->back;
    for (unsigned i = 0; i < back->worker.party_count; ++i) {
        if (!back->worker.parties[i].gone)
            stream_release(back->worker.parties[i].stream);
        free(back->worker.parties[i].body);
    }
    if (back->worker.http != NULL)
        http_close(back->worker.http);
    if (back->caller.http != NULL)
        http_close(back->caller.http);
    meter_free(meter);
    auth_free(wire->site.auth);
    accounts_free(wire->site.accounts);
    agents_ref_give(wire->site.agents);
    site_fini(&wire->site);
    ends_fini(&wire->front);
    close(wire->log.fd);
}

static struct party *ask(struct wire *wire, const char *method, bool ended)
{
    struct head *head = ends_request(method, "/ipfs/" CID "/x?y=z");
    ends_add(head, "authorization", "Bearer tgk_1_a_b");
    struct party *party = ends_ask(&wire->front, head, ended);
    run(wire);
    return party;
}

/* Sends all of it as there is room, everybody else living on. */
static void pour(struct wire *wire, struct party *party, const char *bytes, size_t count)
{
    size_t sent = 0;
    for (unsigned turn = 0; sent < count && turn < 10000; ++turn) {
        size_t room = stream_room(party->stream);
        size_t step = count - sent < room ? count - sent : room;
        stream_send(party->stream, span_of(bytes + sent, step));
        sent += step;
        run(wire);
    }
    ck_assert_uint_eq(sent, count);
}

static char *pattern(size_t count, uint32_t seed)
{
    char *bytes = alloc_zeroed(count + 1);
    for (size_t i = 0; i < count; ++i) {
        seed = seed * 1664525 + 1013904223;
        bytes[i] = (char)(seed >> 24);
    }
    return bytes;
}

static const enum conn_alpn pairs[4][2] = {
    {ALPN_H2, ALPN_H2}, {ALPN_H2, ALPN_HTTP11}, {ALPN_HTTP11, ALPN_H2}, {ALPN_HTTP11, ALPN_HTTP11}};

START_TEST(bodies_pass_byte_for_byte_both_ways)
{
    enum { UP = 300000, DOWN = 500000 };
    char *up = pattern(UP, 1);
    char *down = pattern(DOWN, 2);
    struct wire wire;
    wire_open(&wire, pairs[_i][0], pairs[_i][1]);
    struct party *caller = ask(&wire, "POST", false);
    pour(&wire, caller, up, UP);
    stream_send_end(caller->stream, NULL);
    run(&wire);
    struct party *worker = ends_nth(&wire.back.worker, 0);
    ck_assert(span_is(span_of(worker->body, worker->bytes), span_of(up, UP)));
    ck_assert(stream_is_ended(worker->stream));
    ck_assert(span_is(stream_head(worker->stream)->path, SPAN_OF("/ipfs/" CID "/x?y=z")));
    stream_send_head(worker->stream, ends_answer(200), false);
    pour(&wire, worker, down, DOWN);
    stream_send_end(worker->stream, NULL);
    run(&wire);
    ck_assert(span_is(span_of(caller->body, caller->bytes), span_of(down, DOWN)));
    ck_assert(stream_is_ended(caller->stream));
    ck_assert_str_eq(ends_value(stream_head(caller->stream), "agent-worker"), "w1");
    if (pairs[_i][0] == ALPN_H2)
        ck_assert_str_eq(ends_value(stream_trailers(caller->stream), "agent-cost"), "7");
    ck_assert_ptr_nonnull(strstr(log_of(&wire), "\"outcome\":\"ok\""));
    wire_close(&wire);
    free(up);
    free(down);
}
END_TEST

START_TEST(an_answer_with_a_length_keeps_it)
{
    struct wire wire;
    wire_open(&wire, pairs[_i][0], pairs[_i][1]);
    struct party *caller = ask(&wire, "GET", true);
    struct party *worker = ends_nth(&wire.back.worker, 0);
    struct head *head = ends_answer(200);
    ends_add(head, "content-length", "5");
    stream_send_head(worker->stream, head, false);
    run(&wire);
    ends_send(worker, "hello");
    stream_send_end(worker->stream, NULL);
    run(&wire);
    ck_assert_str_eq(caller->body, "hello");
    ck_assert_str_eq(ends_value(stream_head(caller->stream), "content-length"), "5");
    ck_assert(stream_is_ended(caller->stream));
    wire_close(&wire);
}
END_TEST

START_TEST(a_head_alone_is_an_answer)
{
    struct wire wire;
    wire_open(&wire, pairs[_i][0], pairs[_i][1]);
    struct party *caller = ask(&wire, "HEAD", true);
    struct head *head = ends_answer(200);
    ends_add(head, "content-length", "500");
    stream_send_head(ends_nth(&wire.back.worker, 0)->stream, head, true);
    run(&wire);
    ck_assert(stream_is_ended(caller->stream));
    ck_assert_str_eq(ends_value(stream_head(caller->stream), "content-length"), "500");
    ck_assert_str_eq(ends_value(stream_head(caller->stream), "agent-cost"), "7");
    wire_close(&wire);
}
END_TEST

START_TEST(a_refusal_reaches_the_caller_whole)
{
    struct wire wire;
    wire_open(&wire, pairs[_i][0], pairs[_i][1]);
    ((struct meter *)wire.site.meter)->hold_fault = FAULT_INSUFFICIENT_CREDIT;
    struct party *caller = ask(&wire, "POST", false); /* its body never comes */
    ck_assert_int_eq(stream_head(caller->stream)->status, 402);
    ck_assert_ptr_nonnull(strstr(caller->body, "\"code\":\"insufficient-credit\""));
    ck_assert(stream_is_ended(caller->stream));
    wire_close(&wire);
}
END_TEST

START_TEST(a_caller_who_leaves_takes_the_workers_stream_along)
{
    struct wire wire;
    wire_open(&wire, pairs[_i][0], pairs[_i][1]);
    struct party *caller = ask(&wire, "GET", true);
    struct party *worker = ends_nth(&wire.back.worker, 0);
    stream_send_head(worker->stream, ends_answer(200), false);
    ends_send(worker, "hel");
    run(&wire);
    ck_assert_str_eq(caller->body, "hel");
    stream_reset(caller->stream, RESET_CANCEL);
    run(&wire);
    ck_assert_int_ne(stream_fate(worker->stream), STREAM_WHOLE);
    ck_assert_ptr_nonnull(strstr(log_of(&wire), "\"outcome\":\"caller-left\""));
    wire_close(&wire);
}
END_TEST

START_TEST(a_broken_event_stream_ends_in_its_event_and_a_reset)
{
    struct wire wire;
    wire_open(&wire, pairs[_i][0], pairs[_i][1]);
    struct party *caller = ask(&wire, "GET", true);
    struct party *worker = ends_nth(&wire.back.worker, 0);
    struct head *head = ends_answer(200);
    ends_add(head, "content-type", "text/event-stream");
    stream_send_head(worker->stream, head, false);
    ends_send(worker, "data: 1\n\n");
    run(&wire);
    stream_reset(worker->stream, RESET_INTERNAL);
    run(&wire);
    fake_loop_advance(wire.front.loop, 20);
    loop_turn(wire.front.loop);
    run(&wire);
    ck_assert_msg(strstr(caller->body, "data: 1\n\nevent: error\ndata: {") == caller->body, "%s",
                  caller->body);
    ck_assert(!stream_is_ended(caller->stream));
    ck_assert_int_ne(stream_fate(caller->stream), STREAM_WHOLE);
    wire_close(&wire);
}
END_TEST

START_TEST(a_second_call_on_the_same_connections_goes_as_well)
{
    struct wire wire;
    wire_open(&wire, pairs[_i][0], pairs[_i][1]);
    for (unsigned i = 0; i < 3; ++i) {
        struct party *caller = ask(&wire, "GET", true);
        ends_reply(ends_nth(&wire.back.worker, i), 200, "hello");
        run(&wire);
        ck_assert_str_eq(caller->body, "hello");
        ck_assert(stream_is_ended(caller->stream));
        ends_release(caller);
        ends_release(ends_nth(&wire.back.worker, i));
        run(&wire);
    }
    wire_close(&wire);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire");
    TCase *tcase = tcase_create("wire");
    tcase_add_loop_test(tcase, bodies_pass_byte_for_byte_both_ways, 0, 4);
    tcase_add_loop_test(tcase, an_answer_with_a_length_keeps_it, 0, 4);
    tcase_add_loop_test(tcase, a_head_alone_is_an_answer, 0, 4);
    tcase_add_loop_test(tcase, a_refusal_reaches_the_caller_whole, 0, 4);
    tcase_add_loop_test(tcase, a_caller_who_leaves_takes_the_workers_stream_along, 0, 4);
    tcase_add_loop_test(tcase, a_broken_event_stream_ends_in_its_event_and_a_reset, 0, 4);
    tcase_add_loop_test(tcase, a_second_call_on_the_same_connections_goes_as_well, 0, 4);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
