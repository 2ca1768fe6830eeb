/* Calls that may make calls, and calls made by calls: what the worker is given, what is held, when
 * it is over. */
#include <stdio.h>

#include "base/clock.h"
#include "scenarios/hall.h"
#include "unit/checks.h"

static const struct token_keys keys = {.at = {{.kid = "k1"}}, .count = 1};

static void open_hall(struct hall *hall)
{
    hall_open(hall);
    hall->site.keys = &keys;
}

static void ask(struct hall *hall, const char *fields)
{
    hall_ask(hall, "POST", "/ipfs/" HALL_CID, fields, false);
    hall_run(hall);
}

static void finish(struct hall *hall)
{
    hall_answer(hall, hall->pools->count - 1, 200, "", "done");
    hall_run(hall);
    ck_assert(hall_is_over(hall));
    hall_close(hall);
}

/* The token try `number` was sent with; false without. */
static bool token_of(const struct hall *hall, unsigned number, struct invocation_token *token)
{
    const struct head *request = hall->pools->tries[number].request;
    const struct field *field = head_find(request, SPAN_OF("agent-invocation-token"));
    if (field == NULL)
        return false;
    ck_assert_uint_eq(head_count(request, SPAN_OF("agent-invocation-token")), 1);
    ck_assert(field->sensitive);
    ck_assert(invocation_token_read(&keys, field->value, token));
    return true;
}

START_TEST(a_sub_budget_is_held_on_top_and_opens_a_token_for_the_worker_who_is_asked)
{
    struct hall hall;
    struct invocation_token token;
    open_hall(&hall);
    memset(hall.pools->proof.key_sha256, 0x77, 32);
    uint64_t now = (uint64_t)clock_unix_ms();
    ask(&hall, "agent-sub-budget: 500\nagent-invocation-token: forged\n");
    ck_assert_uint_eq(hall.meter->hold.sub_ucr, 500);
    ck_assert(!hall.meter->hold.sub_default);
    ck_assert_str_eq(hall.meter->hold.parent, "");
    ck_assert(token_of(&hall, 0, &token));
    ck_assert_str_eq(token.parent, hall.meter->hold.id.text);
    ck_assert_uint_eq(token.most_ucr, 500);
    ck_assert_uint_eq(token.depth, 0);
    ck_assert_uint_eq(token.depth_max, 4);
    ck_assert_mem_eq(token.worker_key, hall.pools->proof.key_sha256, 32);
    ck_assert_uint_eq(token.path_len, 1);
    ck_assert_uint_eq(token.path[0], invocation_token_path_of(HALL_CID));
    ck_assert_uint_ge(token.expires_ms, now + 60000);
    ck_assert_uint_le(token.expires_ms, (uint64_t)clock_unix_ms() + 60000);
    finish(&hall);
}
END_TEST

START_TEST(another_try_has_a_token_of_its_own_worker)
{
    struct hall hall;
    struct invocation_token first, second;
    open_hall(&hall);
    ask(&hall, "agent-sub-budget: 500\n");
    ck_assert(token_of(&hall, 0, &first));
    hall.pools->proof.key_sha256[0] = 0xee;
    fake_stream_fail(hall_worker(&hall, 0), STREAM_REFUSED);
    hall_run(&hall);
    ck_assert(token_of(&hall, 1, &second));
    ck_assert_str_eq(first.parent, second.parent);
    ck_assert_uint_ne(first.worker_key[0], second.worker_key[0]);
    finish(&hall);
}
END_TEST

START_TEST(without_a_sub_budget_or_keys_or_a_price_there_is_no_token)
{
    struct hall hall;
    struct invocation_token token;
    open_hall(&hall);
    ask(&hall, "agent-invocation-token: forged\n");
    ck_assert(hall.meter->hold.sub_default);
    ck_assert(!token_of(&hall, 0, &token));
    finish(&hall);
    open_hall(&hall);
    hall.meter->facts.sub_ucr = 70; /* the account's own default */
    ask(&hall, NULL);
    ck_assert(token_of(&hall, 0, &token));
    ck_assert_uint_eq(token.most_ucr, 70);
    finish(&hall);
    open_hall(&hall);
    hall.site.keys = NULL;
    ask(&hall, "agent-sub-budget: 500\n");
    ck_assert(!token_of(&hall, 0, &token));
    finish(&hall);
    open_hall(&hall);
    hall.agent->metered = false;
    ask(&hall, "agent-sub-budget: 500\n");
    ck_assert(!token_of(&hall, 0, &token));
    finish(&hall);
}
END_TEST

static struct lineage some_lineage(void)
{
    struct lineage lineage = {.parent = "theparent",
                              .root = "theroot",
                              .depth = 2,
                              .depth_max = 3,
                              .deadline_ms = (uint64_t)clock_unix_ms() + 3000,
                              .most_ucr = PRICE_UCR_MAX,
                              .path_len = 2,
                              .path = {11, 22}};
    return lineage;
}

START_TEST(a_call_by_token_is_held_below_its_parent_and_passes_on_what_its_token_allows)
{
    struct hall hall;
    struct invocation_token token;
    open_hall(&hall);
    hall.auth->lineage = some_lineage();
    ask(&hall, "authorization: Agent tgt1.a.b.c\nagent-sub-budget: 5\n");
    ck_assert_uint_eq(hall.auth->token_checks, 1);
    ck_assert_str_eq(hall.auth->credential, "tgt1.a.b.c");
    ck_assert_str_eq(hall.meter->hold.parent, "theparent");
    ck_assert_str_eq(hall.meter->hold.root, "theroot");
    ck_assert_uint_eq(hall.meter->hold.depth_max, 3);
    ck_assert_uint_eq(hall.meter->hold.children_max, 16);
    ck_assert_ptr_null(head_find(hall.pools->tries[0].request, SPAN_OF("authorization")));
    ck_assert(token_of(&hall, 0, &token));
    ck_assert_uint_eq(token.depth, 2);
    ck_assert_uint_eq(token.depth_max, 3);
    ck_assert_uint_le(token.expires_ms, hall.auth->lineage.deadline_ms);
    ck_assert_uint_eq(token.path_len, 3);
    ck_assert_uint_eq(token.path[1], 22);
    hall_answer(&hall, 0, 200, "", "done");
    hall_run(&hall);
    ck_assert_ptr_nonnull(strstr(hall_log(&hall), "\"parent\":\"theparent\",\"root\":\"theroot\""));
    hall_close(&hall);
}
END_TEST

START_TEST(a_call_by_token_ends_with_its_parents_time)
{
    struct hall hall;
    open_hall(&hall);
    hall.auth->lineage = some_lineage();
    ask(&hall, "authorization: Agent tgt1.a.b.c\n");
    hall_pass(&hall, 2900);
    ck_assert_int_eq(hall_status(&hall), 0);
    hall_pass(&hall, 100);
    ck_assert_int_eq(hall_status(&hall), 504);
    ck_assert_ptr_nonnull(strstr(hall_log(&hall), "\"outcome\":\"deadline\""));
    hall_close(&hall);
}
END_TEST

START_TEST(a_call_above_what_its_token_allows_is_refused_before_redis_is_asked)
{
    struct hall hall;
    open_hall(&hall);
    hall.auth->lineage = some_lineage();
    hall.auth->lineage.most_ucr = 40;
    ask(&hall, "authorization: Agent tgt1.a.b.c\nagent-max-cost: 40\nagent-sub-budget: 1\n");
    ck_assert_int_eq(hall_status(&hall), 402);
    ck_assert_uint_eq(hall.meter->asked, 0);
    hall_close(&hall);
    open_hall(&hall);
    hall.auth->lineage = some_lineage();
    hall.auth->lineage.most_ucr = 40;
    ask(&hall, "authorization: Agent tgt1.a.b.c\nagent-max-cost: 39\nagent-sub-budget: 1\n");
    ck_assert_uint_eq(hall.meter->asked, 1);
    finish(&hall);
}
END_TEST

START_TEST(each_refusal_of_a_token_is_told_and_costs_nothing)
{
    static const struct {
        enum fault fault;
        int status;
    } rows[] = {{FAULT_UNAUTHENTICATED, 401},
                {FAULT_TOKEN_EXPIRED, 401},
                {FAULT_PARENT_NOT_RUNNING, 403},
                {FAULT_DEPTH_EXCEEDED, 403},
                {FAULT_LOOP, 403},
                {FAULT_WORKER_KEY, 403},
                {FAULT_METERING_UNAVAILABLE, 503},
                {FAULT_AGENT_NOT_ALLOWED, 403}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        struct hall hall;
        open_hall(&hall);
        hall.auth->fault = rows[i].fault;
        ask(&hall, "authorization: Agent tgt1.a.b.c\n");
        ck_assert_int_eq(hall_status(&hall), rows[i].status);
        ck_assert_uint_eq(hall.meter->asked, 0);
        ck_assert_uint_eq(hall.pools->count, 0);
        hall_close(&hall);
    }
}
END_TEST

START_TEST(a_token_is_good_for_agents_only)
{
    struct hall hall;
    open_hall(&hall);
    hall_ask(&hall, "GET", "/v1/account", "authorization: Agent tgt1.a.b.c\n", false);
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 401);
    ck_assert_uint_eq(hall.auth->checks, 0);
    hall_close(&hall);
}
END_TEST

START_TEST(a_caller_who_leaves_while_his_token_is_checked_leaves_nothing)
{
    struct hall hall;
    open_hall(&hall);
    hall.auth->hangs = true;
    ask(&hall, "authorization: Agent tgt1.a.b.c\n");
    fake_stream_fail(hall.caller, STREAM_RESET);
    hall_run(&hall);
    ck_assert_uint_eq(hall.auth->cancels, 1);
    ck_assert_uint_eq(hall.meter->asked, 0);
    hall_close(&hall);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_sub_budget_is_held_on_top_and_opens_a_token_for_the_worker_who_is_asked,
        another_try_has_a_token_of_its_own_worker,
        without_a_sub_budget_or_keys_or_a_price_there_is_no_token,
        a_call_by_token_is_held_below_its_parent_and_passes_on_what_its_token_allows,
        a_call_by_token_ends_with_its_parents_time,
        a_call_above_what_its_token_allows_is_refused_before_redis_is_asked,
        each_refusal_of_a_token_is_told_and_costs_nothing,
        a_token_is_good_for_agents_only,
        a_caller_who_leaves_while_his_token_is_checked_leaves_nothing,
        NULL,
    };
    return checks_run("subcalls", tests);
}
