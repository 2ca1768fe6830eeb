#include "unit/workers/lanes.h"

#include <stdio.h>

#include "workers/attester.h"

struct lane lane;
struct asker askers[ASKERS_MAX];

static unsigned answers;
static const struct log quiet = {.fd = -1, .level = LOG_ERROR};

void lane_open(struct lane *one)
{
    *one = (struct lane){0};
    one->loop = loop_new();
    one->attester = attester_start(&quiet);
    one->pools = pools_new(one->loop, one->attester, &quiet, &one->stats);
}

void lane_close(struct lane *one)
{
    pools_free(one->pools);
    attester_stop(one->attester);
    fake_loop_settle(one->loop);
    loop_free(one->loop);
    ck_assert_uint_eq(stats_read(&one->stats.links_ready), 0);
}

void lanes_set_up(void)
{
    answers = 0;
    memset(askers, 0, sizeof(askers));
    lane_open(&lane);
}

void lanes_tear_down(void)
{
    for (unsigned i = 0; i < ASKERS_MAX; ++i)
        pools_cancel(lane.pools, &askers[i].wait);
    for (unsigned i = 0; i < ASKERS_MAX; ++i)
        if (askers[i].wait.lease.link != 0)
            give_back(&lane, &askers[i], FAULT_NONE, 0);
    settle(&lane);
    lane_close(&lane);
    ck_assert_uint_eq(fake_streams_held(), 0);
    fake_https_free();
    fake_conns_free();
    ck_assert_uint_eq(fake_attest()->alive, 0);
}

struct registry *lanes_registry(unsigned workers, uint32_t capacity, const char *policy,
                                const struct registry *older)
{
    struct registry *registry = registry_new();
    struct pool_facts *pool = registry_add_pool(registry, "main");
    char url[64];
    char id[16];
    char error[256] = "";
    pool->trust = parts_trust(policy);
    for (unsigned i = 1; i <= workers; ++i) {
        snprintf(url, sizeof(url), "https://10.0.0.%u:8443", i);
        snprintf(id, sizeof(id), "w%u", i);
        ck_assert_msg(registry_add_worker(pool, span_text(url), span_text(id), capacity, older,
                                          error, sizeof(error)),
                      "%s", error);
    }
    return registry;
}

struct pool_facts *lanes_pool(struct registry *registry)
{
    return &registry->pools[0];
}

void lane_apply(struct lane *one, struct registry *registry)
{
    pools_apply(one->pools, registry);
    registry_give(registry);
}

void lanes_begin(unsigned workers)
{
    lane_apply(&lane, lanes_registry(workers, 0, "{}", NULL));
}

void settle(struct lane *one)
{
    fake_loop_settle(one->loop);
}

void pass_ms(struct lane *one, uint64_t ms)
{
    fake_loop_advance(one->loop, ms);
    settle(one);
}

static void note_answer(struct pool_wait *wait)
{
    struct asker *asker = container_of(wait, struct asker, wait);
    ++asker->answers;
    asker->order = ++answers;
}

static void note_stream(void *user)
{
    ++((struct asker *)user)->notes;
}

void ask_until(struct lane *one, struct asker *asker, uint64_t ms)
{
    struct pool_wait *wait = &asker->wait;
    wait->answer = note_answer;
    wait->pool = "main";
    wait->deadline_at = loop_now(one->loop) + ms;
    wait->request = head_new(4096, 10);
    ck_assert(head_set_text(wait->request, &wait->request->method, SPAN_OF("GET")));
    ck_assert(head_set_text(wait->request, &wait->request->path, SPAN_OF("/ipfs/x")));
    wait->request_ended = true;
    wait->note = note_stream;
    wait->user = asker;
    asker->answers = 0;
    pools_lend(one->pools, wait);
    ck_assert_uint_eq(asker->answers, 0);
}

void ask(struct lane *one, struct asker *asker)
{
    ask_until(one, asker, 10000);
}

bool has_stream(const struct asker *asker)
{
    return asker->answers == 1 && asker->wait.fault == FAULT_NONE &&
           asker->wait.lease.stream != NULL;
}

bool has_fault(const struct asker *asker, enum fault fault)
{
    return asker->answers == 1 && asker->wait.fault == fault && asker->wait.lease.stream == NULL &&
           asker->wait.request == NULL;
}

void give_back(struct lane *one, struct asker *asker, enum fault fault, uint32_t ttfb_us)
{
    pools_return(one->pools, &asker->wait.lease, fault, ttfb_us);
}

struct conn *come_up(struct lane *one, enum conn_alpn alpn)
{
    struct conn *conn = fake_conn_last();
    ck_assert_ptr_nonnull(conn);
    fake_conn_set_certificate(conn, SPAN_OF("certificate"));
    fake_conn_open(conn, alpn);
    settle(one);
    return conn;
}

struct http *admit(struct lane *one)
{
    unsigned made = fake_http_made();
    fake_attester_trust(one->attester, fake_attester_asked(one->attester) - 1, 3600 * 1000);
    settle(one);
    ck_assert_uint_eq(fake_http_made(), made + 1);
    return fake_http_at(made);
}

struct http *bring_up(struct lane *one, uint32_t streams)
{
    come_up(one, ALPN_H2);
    struct http *http = admit(one);
    fake_http_settings(http, streams);
    settle(one);
    return http;
}

void refuse_last(struct lane *one, const char *reason, const char *detail)
{
    fake_attester_refuse(one->attester, fake_attester_asked(one->attester) - 1, reason, detail);
    settle(one);
}

struct seek {
    const char *id;
    struct worker_view view;
};

static void seek(void *arg, const struct worker_view *view)
{
    struct seek *sought = arg;
    if (strcmp(view->worker->id, sought->id) == 0)
        sought->view = *view;
}

struct worker_view view_of(struct lane *one, const char *id)
{
    struct seek sought = {.id = id};
    pools_visit(one->pools, seek, &sought);
    ck_assert_ptr_nonnull(sought.view.state);
    return sought.view;
}
