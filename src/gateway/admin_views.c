/* What is shown of the running gateway: health, metrics, workers, live exchanges. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <config.h> /* the package's, not this folder's */

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "gateway/admin_core.h"

enum { METRICS_MAX = 65536, WORKER_JSON_MAX = 3072, EXCHANGE_JSON_MAX = 1024, FRAME_MAX = 256 };

static bool has_no_query(struct admin_request *request)
{
    return admin_query(request, NULL, 0);
}

/* --- health ------------------------------------------------------------------------------------
 */

void admin_show_health(struct admin_request *request)
{
    if (has_no_query(request))
        admin_answer_json(request, 200,
                          SPAN_OF("{\"status\":\"ok\",\"version\":\"" PACKAGE_VERSION "\"}"));
}

void admin_show_ready(struct admin_request *request)
{
    const struct admin_parts *parts = &request->admin->parts;
    if (!has_no_query(request))
        return;
    const char *why_not = parts->why_not_ready(parts->owner);
    if (why_not == NULL)
        admin_answer_json(request, 200, SPAN_OF("{\"status\":\"ready\"}"));
    else
        admin_refuse(request, FAULT_OVERLOADED, "not ready: %s", why_not);
}

void admin_accept_store(struct admin_request *request)
{
    const struct admin_parts *parts = &request->admin->parts;
    bool was = false;
    if (!has_no_query(request))
        return;
    if (parts->accept_store == NULL || !parts->accept_store(parts->owner, &was))
        admin_refuse(request, FAULT_INTERNAL, "the state directory does not take the note");
    else
        admin_answer_json(request, 200,
                          was ? SPAN_OF("{\"accepted\":true}") : SPAN_OF("{\"accepted\":false}"));
}

/* --- metrics -----------------------------------------------------------------------------------
 */

struct page {
    char *text;
    size_t used;
};

static void say(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct page *page, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(page->text + page->used, METRICS_MAX - page->used, format, args);
    va_end(args);
    /* All of it comes from the tables, so its size is known when it is built. */
    must(len >= 0 && (size_t)len < METRICS_MAX - page->used);
    page->used += (size_t)len;
}

static void say_row(void *arg, const char *name, const char *help, bool gauge, uint64_t value)
{
    const char *suffix = gauge ? "" : "_total";
    say(arg, "# HELP teegate_%s%s %s\n", name, suffix, help);
    say(arg, "# TYPE teegate_%s%s %s\n", name, suffix, gauge ? "gauge" : "counter");
    say(arg, "teegate_%s%s %" PRIu64 "\n", name, suffix, value);
}

static void say_faults(struct page *page, const struct stats *const *lanes, unsigned count)
{
    say(page, "# HELP teegate_faults_total requests that ended with a fault, by its code\n"
              "# TYPE teegate_faults_total counter\n");
    for (int fault = FAULT_NONE + 1; fault < FAULT_COUNT; ++fault) {
        uint64_t sum = 0;
        for (unsigned lane = 0; lane < count; ++lane)
            sum += stats_read(&lanes[lane]->faults[fault]);
        say(page, "teegate_faults_total{fault=\"%s\"} %" PRIu64 "\n", fault_word(fault), sum);
    }
}

/* The words a pool has for a worker's state (workers/pools.h). */
static const char *const states[] = {"ready",   "connecting", "attesting", "challenging",
                                     "refused", "resting",    "idle"};

enum { STATE_COUNT = sizeof(states) / sizeof(states[0]) };

static void count_state(void *arg, const struct worker_view *view)
{
    uint64_t *counts = arg;
    for (unsigned i = 0; i < STATE_COUNT; ++i)
        counts[i] += strcmp(states[i], view->state) == 0;
}

static void say_workers(struct page *page, struct pools *pools)
{
    uint64_t counts[STATE_COUNT] = {0};
    pools_visit(pools, count_state, counts);
    say(page, "# HELP teegate_workers workers by state, as the first lane sees them\n"
              "# TYPE teegate_workers gauge\n");
    for (unsigned i = 0; i < STATE_COUNT; ++i)
        say(page, "teegate_workers{state=\"%s\"} %" PRIu64 "\n", states[i], counts[i]);
}

/* Below 0 it has ended. Without any in use there is nothing to be said. */
static void say_collateral(struct page *page, int64_t ends)
{
    if (ends == 0)
        return;
    say(page,
        "# HELP teegate_collateral_expires_seconds until the first of the collateral in use ends\n"
        "# TYPE teegate_collateral_expires_seconds gauge\n"
        "teegate_collateral_expires_seconds %" PRId64 "\n",
        ends - clock_unix_ms() / 1000);
}

void admin_show_metrics(struct admin_request *request)
{
    const struct admin_parts *parts = &request->admin->parts;
    const struct stats *lanes[ADMIN_LANES_MAX + 1];
    if (!has_no_query(request))
        return;
    unsigned count = parts->lanes(parts->owner, lanes, ADMIN_LANES_MAX);
    must(count <= ADMIN_LANES_MAX);
    struct page page = {.text = alloc_zeroed(METRICS_MAX)};
    say(&page, "# HELP teegate_build_info the running version, as a label\n"
               "# TYPE teegate_build_info gauge\n"
               "teegate_build_info{version=\"" PACKAGE_VERSION "\"} 1\n");
    say_row(&page, "ready", "1 when calls can be taken", true,
            parts->why_not_ready(parts->owner) == NULL);
    say_row(&page, "lanes", "threads that serve callers", true, count);
    if (parts->attester != NULL) {
        lanes[count] = attester_stats(parts->attester);
        stats_visit(lanes, count + 1, say_row, &page);
        say_collateral(&page, attester_collateral_ends(parts->attester));
    } else {
        stats_visit(lanes, count, say_row, &page);
    }
    say_workers(&page, parts->pools);
    say_faults(&page, lanes, count);
    admin_answer(request, 200, "text/plain; version=0.0.4; charset=utf-8", page.text, page.used);
}

/* --- workers -----------------------------------------------------------------------------------
 */

static void count_worker(void *arg, const struct worker_view *view)
{
    (void)view;
    ++*(size_t *)arg;
}

static void show_hex(struct json *json, const char *name, const uint8_t *bytes, size_t count)
{
    char text[2 * 32 + 1];
    must(count <= 32);
    for (size_t i = 0; i < count; ++i)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    json_text(json, name, span_of(text, 2 * count));
}

static void show_proof(struct json *json, const struct proof *proof)
{
    json_object(json, "proof");
    json_bool(json, "trusted", proof->trusted);
    json_text(json, "reason", span_text(proof->reason));
    json_text(json, "detail", span_text(proof->detail));
    json_text(json, "tee", span_text(proof->tee));
    json_text(json, "tcb_status", span_text(proof->tcb_status));
    json_text(json, "measurement", span_text(proof->measurement));
    show_hex(json, "evidence_sha256", proof->evidence_sha256, sizeof(proof->evidence_sha256));
    show_hex(json, "key_sha256", proof->key_sha256, sizeof(proof->key_sha256));
    json_i64(json, "expires_at", proof->expires);
    json_end_object(json);
}

static void show_worker(void *arg, const struct worker_view *view)
{
    struct json *json = arg;
    const struct worker *worker = view->worker;
    char address[ADDRESS_TEXT_MAX];
    json_object(json, NULL);
    json_text(json, "pool", span_text(view->pool->name));
    json_text(json, "id", span_text(worker->id));
    json_text(json, "address", span_text(address_text(&worker->address, true, address)));
    json_text(json, "state", span_text(view->state));
    json_u64(json, "capacity", worker->capacity);
    json_u64(json, "links", view->links);
    json_u64(json, "streams", view->streams);
    json_u64(json, "ttfb_us", view->ttfb_us);
    if (view->proof != NULL)
        show_proof(json, view->proof);
    else
        json_null(json, "proof");
    json_end_object(json);
}

void admin_show_workers(struct admin_request *request)
{
    struct pools *pools = request->admin->parts.pools;
    size_t count = 0;
    if (!has_no_query(request))
        return;
    pools_visit(pools, count_worker, &count);
    size_t bytes = FRAME_MAX + count * WORKER_JSON_MAX;
    char *text = alloc_zeroed(bytes);
    struct json json;
    json_init(&json, text, bytes);
    json_object(&json, NULL);
    json_array(&json, "workers");
    pools_visit(pools, show_worker, &json);
    json_end_array(&json);
    json_end_object(&json);
    admin_answer(request, 200, "application/json", text, json_written(&json).len);
}

static void note_evidence(void *owner, uint64_t id, struct span json)
{
    struct admin *admin = owner;
    struct admin_request *request = slots_find(&admin->requests, id);
    if (request == NULL || request->status != 0)
        return; /* it gave up waiting */
    if (json.len > 0)
        admin_answer_json(request, 200, json);
    else
        admin_refuse(request, FAULT_NOT_FOUND,
                     "no evidence of a worker \"%s\" has been judged since the gateway started",
                     request->words[0]);
}

void admin_show_evidence(struct admin_request *request)
{
    struct admin *admin = request->admin;
    if (has_no_query(request) &&
        !pools_show_evidence(admin->parts.pools, span_text(request->words[0]), note_evidence, admin,
                             request->id))
        admin_refuse(request, FAULT_OVERLOADED, "too many ask for evidence at once");
}

/* --- live exchanges ----------------------------------------------------------------------------
 */

static void count_exchange(void *arg, const struct exchange_view *view)
{
    (void)view;
    ++*(size_t *)arg;
}

struct shown {
    struct json json;
    size_t count;
};

static void show_exchange(void *arg, const struct exchange_view *view)
{
    struct shown *shown = arg;
    struct json *json = &shown->json;
    if (++shown->count > ADMIN_EXCHANGES_SHOWN_MAX)
        return;
    json_object(json, NULL);
    json_text(json, "invocation", span_text(view->invocation));
    json_text(json, "account", span_text(view->account));
    json_text(json, "cid", span_text(view->cid));
    json_text(json, "step", span_text(view->step));
    json_text(json, "worker", span_text(view->worker));
    json_u64(json, "age_ms", view->age_ms);
    json_u64(json, "bytes_in", view->bytes_in);
    json_u64(json, "bytes_out", view->bytes_out);
    json_end_object(json);
}

void admin_show_exchanges(struct admin_request *request)
{
    struct site *site = request->admin->parts.site;
    struct shown shown = {.count = 0};
    size_t live = 0;
    if (!has_no_query(request))
        return;
    exchange_visit(site, count_exchange, &live);
    size_t rows = live < ADMIN_EXCHANGES_SHOWN_MAX ? live : ADMIN_EXCHANGES_SHOWN_MAX;
    size_t bytes = FRAME_MAX + rows * EXCHANGE_JSON_MAX;
    char *text = alloc_zeroed(bytes);
    json_init(&shown.json, text, bytes);
    json_object(&shown.json, NULL);
    json_u64(&shown.json, "live", live);
    json_array(&shown.json, "exchanges");
    exchange_visit(site, show_exchange, &shown);
    json_end_array(&shown.json);
    json_end_object(&shown.json);
    admin_answer(request, 200, "application/json", text, json_written(&shown.json).len);
}
