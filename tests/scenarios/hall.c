#define _GNU_SOURCE
#include "scenarios/hall.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

enum { PASS_STEP_MS = 50, TEXT_MAX = 8192 };

static void add_agent(struct hall *hall)
{
    struct agent *agent = alloc_zeroed(sizeof(*agent));
    ck_assert(cid_parse(SPAN_OF(HALL_CID), &agent->cid));
    snprintf(agent->pool, sizeof(agent->pool), "main");
    agent->metered = true;
    agent->price = (struct price){.call_pcr = 10 * 1000000ull, /* 10 micro-credits a call */
                                  .ms_pcr = 1000,              /* 1 a second */
                                  .kib_in_pcr = 1000000,       /* 1 a KiB */
                                  .kib_out_pcr = 2000000,
                                  .unit_count = 1,
                                  .units = {{"tokens", 3000000, 100}}};
    agent->request_bytes_max = 16 << 20;
    agent->response_bytes_max = 16 << 20;
    agent->total_ms_max = 60000;
    agent->first_byte_ms_max = 10000;
    agent->idle_ms_max = 10000;
    agent->stall_ms_max = 5000;
    hall->agent = agent;
    ck_assert(agents_add(&hall->site.agents->agents, agent));
}

void hall_open(struct hall *hall)
{
    *hall = (struct hall){.protocol = "HTTP/2"};
    hall->loop = loop_new();
    hall->log = (struct log){memfd_create("log", 0), LOG_DEBUG};
    site_init(&hall->site);
    struct site *site = &hall->site;
    site->loop = hall->loop;
    site->stats = &hall->stats;
    site->access_log = &hall->log;
    site->agents = agents_ref_new(1);
    site->pools = hall->pools = fake_pools_new(hall->loop);
    site->meter = hall->meter = fake_meter_new(hall->loop);
    site->auth = hall->auth = fake_auth_new(hall->loop);
    site->accounts = hall->accounts = fake_accounts_new(hall->loop);
    hall->signer = fake_signer_new(&hall->signed_count);
    site->receipts = receipts_new(hall->loop, hall->signer, &hall->stats);
    site->keyring = keyring_new(hall->loop, NULL, hall->signer);
    add_agent(hall);
}

/* --- the checker ---------------------------------------------------------------------------- */

const char *hall_log(struct hall *hall)
{
    ssize_t count = pread(hall->log.fd, hall->log_text, sizeof(hall->log_text) - 1, 0);
    hall->log_text[count < 0 ? 0 : count] = '\0';
    return hall->log_text;
}

static unsigned log_lines(struct hall *hall)
{
    unsigned lines = 0;
    for (const char *c = hall_log(hall); *c != '\0'; ++c)
        lines += *c == '\n';
    return lines;
}

static void check_over(struct hall *hall)
{
    const struct meter *meter = hall->meter;
    ck_assert_msg(hall_is_over(hall), "an exchange still lives: %s", hall_log(hall));
    ck_assert_uint_eq(fake_streams_live(), 0);
    ck_assert_uint_eq(log_lines(hall), hall->asked);
    ck_assert_uint_eq(meter->placed, meter->settles + meter->releases + meter->refused);
    ck_assert_uint_eq(stats_read(&hall->stats.exchanges_live), 0);
    ck_assert_uint_eq(hall->site.replay_bytes, 0);
    for (unsigned i = 0; i < hall->pools->count; ++i) {
        const struct fake_try *try = &hall->pools->tries[i];
        ck_assert_msg(try->stream == NULL || try->returned, "try %u was not returned", i);
    }
    if (hall->complete && meter->placed > meter->releases)
        ck_assert_msg(hall->complete_journalled, "a whole answer went before the journal");
}

void hall_close(struct hall *hall)
{
    hall_run(hall);
    check_over(hall);
    pools_free(hall->pools);
    meter_free(hall->meter);
    auth_free(hall->auth);
    accounts_free(hall->accounts);
    receipts_free(hall->site.receipts);
    keyring_free(hall->site.keyring);
    signer_close(hall->signer);
    agents_ref_give(hall->site.agents);
    site_fini(&hall->site);
    loop_free(hall->loop);
    fake_streams_free();
    close(hall->log.fd);
}

/* --- asking --------------------------------------------------------------------------------- */

struct head *hall_head(int status, const char *fields)
{
    struct head *head = head_new(65536, 100);
    head->status = status;
    for (struct span rest = span_text(fields); rest.len > 0;) {
        size_t line_len = span_find(rest, '\n');
        struct span line = span_of(rest.ptr, line_len);
        size_t colon = span_find(line, ':');
        must(head_add(head, span_of(line.ptr, colon), span_trim(span_from(line, colon + 1))));
        rest = span_from(rest, line_len + 1);
    }
    return head;
}

static void note_complete(void *arg, struct stream *stream)
{
    struct hall *hall = arg;
    if (stream->out_head->status >= 400)
        return;
    hall->complete = true;
    hall->complete_journalled = hall->meter->settles > 0;
}

void hall_ask(struct hall *hall, const char *method, const char *path, const char *fields,
              bool has_body)
{
    struct head *head = hall_head(0, fields);
    must(head_set_text(head, &head->method, span_text(method)));
    must(head_set_text(head, &head->path, span_text(path)));
    must(head_set_text(head, &head->authority, SPAN_OF("gate.example")));
    if (head_find(head, SPAN_OF("authorization")) == NULL)
        must(head_add(head, SPAN_OF("authorization"), SPAN_OF("Bearer tgk_001_k1_secret")));
    struct stream *caller = hall->caller = fake_stream_new();
    fake_stream_head(caller, head);
    caller->takes_trailers = true;
    caller->on_complete = note_complete;
    caller->arg = hall;
    if (!has_body)
        caller->wire_ended = caller->in_ended = true;
    ++hall->asked;
    exchange_open(&hall->site, caller, "192.0.2.7", hall->protocol, true, NULL);
}

void hall_post(struct hall *hall)
{
    hall_ask(hall, "POST", "/ipfs/" HALL_CID "/run?x=1", NULL, false);
}

void hall_run(struct hall *hall)
{
    do
        fake_loop_settle(hall->loop);
    while (fake_streams_pump());
}

void hall_pass(struct hall *hall, uint64_t ms)
{
    while (ms > 0) {
        uint64_t step = ms < PASS_STEP_MS ? ms : PASS_STEP_MS;
        fake_loop_advance(hall->loop, step);
        loop_turn(hall->loop);
        hall_run(hall);
        ms -= step;
    }
}

struct stream *hall_worker(struct hall *hall, unsigned number)
{
    struct stream *worker = hall->pools->tries[number].stream;
    ck_assert_msg(worker != NULL, "worker %u was never asked: %s", number, hall_log(hall));
    return worker;
}

void hall_answer(struct hall *hall, unsigned number, int status, const char *fields,
                 const char *body)
{
    struct stream *worker = hall_worker(hall, number);
    fake_stream_head(worker, hall_head(status, fields));
    if (body == NULL)
        return;
    fake_stream_feed(worker, span_text(body));
    fake_stream_feed_end(worker, NULL);
}

/* --- looking -------------------------------------------------------------------------------- */

int hall_status(const struct hall *hall)
{
    return hall->caller->out_head == NULL ? 0 : hall->caller->out_head->status;
}

static const char *field_of(const struct head *head, const char *name)
{
    const struct field *field = head == NULL ? NULL : head_find(head, span_text(name));
    return field == NULL ? "" : field->value.ptr; /* an arena's copies end in a NUL */
}

const char *hall_field(const struct hall *hall, const char *name)
{
    return field_of(hall->caller->out_head, name);
}

const char *hall_trailer(const struct hall *hall, const char *name)
{
    return field_of(hall->caller->out_trailers, name);
}

bool hall_is_over(const struct hall *hall)
{
    return hall->site.exchanges.used == 0;
}

int hall_run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
