/* placement, retry, health and the table of agents */
#include "rules/agents.h"
#include "rules/health.h"
#include "rules/placement.h"
#include "rules/retry.h"
#include "unit/checks.h"

START_TEST(the_less_loaded_of_two_is_chosen)
{
    struct placement_candidate two[] = {{.live = 5}, {.live = 4}};
    for (uint64_t random = 0; random < 64; ++random)
        ck_assert_uint_eq(placement_choose(two, 2, random * UINT64_C(0x9e3779b97f4a7c15)), 1);
    two[1].ttfb_us = 3000;
    ck_assert_uint_eq(placement_choose(two, 2, 0), 0);
}
END_TEST

START_TEST(one_not_known_yet_is_tried_once_before_the_fastest)
{
    struct placement_candidate two[] = {{.ttfb_us = 100}, {.ttfb_us = 0}};
    for (uint64_t random = 0; random < 4; ++random)
        ck_assert_uint_eq(placement_choose(two, 2, random), 1);
    two[1].live = 1; /* its first request runs */
    for (uint64_t random = 0; random < 4; ++random)
        ck_assert_uint_eq(placement_choose(two, 2, random), 0);
}
END_TEST

START_TEST(one_that_is_out_or_full_is_never_chosen)
{
    struct placement_candidate three[] = {
        {.out = true}, {.live = 3, .capacity = 3}, {.live = 2, .capacity = 3}};
    for (uint64_t random = 0; random < 64; ++random)
        ck_assert_uint_eq(placement_choose(three, 3, random * UINT64_C(0x9e3779b97f4a7c15)), 2);
    three[2].live = 3;
    ck_assert_uint_eq(placement_choose(three, 3, 1), 3);
    ck_assert_uint_eq(placement_choose(NULL, 0, 1), 0);
}
END_TEST

START_TEST(a_doubtful_one_is_chosen_only_when_no_other_may_be)
{
    struct placement_candidate two[] = {{.doubtful = true}, {.live = 50, .capacity = 51}};
    for (uint64_t random = 0; random < 64; ++random)
        ck_assert_uint_eq(placement_choose(two, 2, random * UINT64_C(0x9e3779b97f4a7c15)), 1);
    two[1].live = 51;
    ck_assert_uint_eq(placement_choose(two, 2, 7), 0);
}
END_TEST

START_TEST(a_worker_is_doubtful_for_a_second_for_each_failure_or_refusal_in_a_row)
{
    struct health health = {0};
    ck_assert(!health_is_doubtful(&health, 1000));
    health_note_refusal(&health, 1000);
    ck_assert(health_is_doubtful(&health, 1000 + HEALTH_DOUBT_MS - 1));
    ck_assert(!health_is_doubtful(&health, 1000 + HEALTH_DOUBT_MS));
    for (unsigned i = 0; i < 20; ++i)
        health_note_refusal(&health, 1000);
    ck_assert(health_may_ask(&health, 1000));
    ck_assert(!health_is_doubtful(&health, 1000 + 5 * HEALTH_DOUBT_MS));
    health_note_failure(&health, 1000, false);
    ck_assert(health_is_doubtful(&health, 1000));
    health_note_success(&health);
    ck_assert(!health_is_doubtful(&health, 1000));
}
END_TEST

START_TEST(every_idle_worker_is_chosen_some_time)
{
    struct placement_candidate five[5] = {0};
    unsigned chosen[5] = {0};
    uint64_t random = 1;
    for (unsigned i = 0; i < 5000; ++i) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        ++chosen[placement_choose(five, 5, random ^ random >> 29)];
    }
    for (unsigned i = 0; i < 5; ++i)
        ck_assert_uint_gt(chosen[i], 500);
}
END_TEST

START_TEST(only_what_was_not_processed_is_tried_again)
{
    for (enum fault fault = FAULT_NONE; fault < FAULT_COUNT; ++fault) {
        struct retry_budget budget;
        retry_budget_init(&budget);
        bool again = retry_may(&budget, fault, 1, false, true);
        ck_assert_msg(again == (fault == FAULT_CONNECT_FAILED || fault == FAULT_UNTRUSTED ||
                                fault == FAULT_REFUSED || fault == FAULT_NOT_YET_VERIFIED),
                      "%s", fault_word(fault));
    }
}
END_TEST

START_TEST(no_retry_once_the_answer_began_or_the_body_is_gone_or_the_tries_are_used)
{
    struct retry_budget budget;
    retry_budget_init(&budget);
    ck_assert(!retry_may(&budget, FAULT_REFUSED, 1, true, true));
    ck_assert(!retry_may(&budget, FAULT_REFUSED, 1, false, false));
    ck_assert(!retry_may(&budget, FAULT_REFUSED, RETRY_ATTEMPTS_MAX, false, true));
    ck_assert(retry_may(&budget, FAULT_REFUSED, RETRY_ATTEMPTS_MAX - 1, false, true));
}
END_TEST

START_TEST(the_budget_is_three_and_a_fifth_of_the_first_attempts)
{
    struct retry_budget budget;
    retry_budget_init(&budget);
    unsigned granted = 0;
    while (retry_may(&budget, FAULT_REFUSED, 1, false, true))
        ++granted;
    ck_assert_uint_eq(granted, 3);
    for (unsigned i = 0; i < 4; ++i)
        retry_budget_earn(&budget);
    ck_assert(!retry_may(&budget, FAULT_REFUSED, 1, false, true));
    retry_budget_earn(&budget);
    ck_assert(retry_may(&budget, FAULT_REFUSED, 1, false, true));
    for (unsigned i = 0; i < 1000; ++i)
        retry_budget_earn(&budget);
    for (granted = 0; retry_may(&budget, FAULT_REFUSED, 1, false, true);)
        ++granted;
    ck_assert_uint_eq(granted, 10);
}
END_TEST

START_TEST(five_failures_in_a_row_rest_a_worker_and_one_probe_decides)
{
    struct health health = {0};
    for (unsigned i = 0; i < HEALTH_FAILURES_MAX - 1; ++i)
        health_note_failure(&health, 1000, false);
    ck_assert(health_may_ask(&health, 1000));
    health_note_failure(&health, 1000, false);
    ck_assert(!health_may_ask(&health, 1000 + HEALTH_REST_MS - 1));
    ck_assert(health_may_ask(&health, 1000 + HEALTH_REST_MS));
    health_note_asked(&health, 1000 + HEALTH_REST_MS);
    ck_assert(!health_may_ask(&health, 1000 + HEALTH_REST_MS));
    health_note_failure(&health, 40000, false);
    ck_assert(!health_may_ask(&health, 40000 + 2 * HEALTH_REST_MS - 1));
    ck_assert(health_may_ask(&health, 40000 + 2 * HEALTH_REST_MS));
    health_note_asked(&health, 200000);
    health_note_success(&health);
    ck_assert(health_may_ask(&health, 200000));
    ck_assert_uint_eq(health.ejections, 0);
}
END_TEST

START_TEST(the_last_worker_never_rests)
{
    struct health health = {0};
    for (unsigned i = 0; i < 100; ++i)
        health_note_failure(&health, 1000, true);
    ck_assert(health_may_ask(&health, 1000));
}
END_TEST

START_TEST(a_rest_never_grows_above_five_minutes)
{
    struct health health = {0};
    uint64_t now = 1;
    for (unsigned i = 0; i < 40; ++i) {
        for (unsigned n = 0; n < HEALTH_FAILURES_MAX; ++n)
            health_note_failure(&health, now, false);
        ck_assert_uint_le(health.resting_until - now, HEALTH_REST_MS_MAX);
        now = health.resting_until;
    }
}
END_TEST

static struct agent *agent_new(const char *cid)
{
    struct agent *agent = calloc(1, sizeof(*agent));
    agent->any = cid == NULL;
    ck_assert(cid == NULL || cid_parse(span_text(cid), &agent->cid));
    return agent;
}

START_TEST(an_agent_is_found_by_any_spelling_and_else_the_default_is)
{
    const char *v0 = "QmPVsjUFsKCo9oJVk9LgdAkJrCzmTmr9QHaVfDge4rVqPE";
    const char *v1 = "bafybeiarhcr5hi6yh7stnxwa5bcqlptzwnxeerfk45jkkqjrsfeiucfz3e";
    const char *other = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie";
    struct agents agents;
    struct cid cid;
    agents_init(&agents, 7);
    struct agent *row = agent_new(v0);
    struct agent *again = agent_new(v1);
    struct agent *any = agent_new(NULL);
    struct agent *any_again = agent_new(NULL);
    ck_assert(agents_add(&agents, row));
    ck_assert(!agents_add(&agents, again));
    free(again);
    ck_assert(cid_parse(span_text(v1), &cid));
    ck_assert_ptr_eq(agents_find(&agents, &cid), row);
    ck_assert(cid_parse(span_text(other), &cid));
    ck_assert_ptr_null(agents_find(&agents, &cid));
    ck_assert(agents_add(&agents, any));
    ck_assert(!agents_add(&agents, any_again));
    free(any_again);
    ck_assert_ptr_eq(agents_find(&agents, &cid), any);
    agents_fini(&agents);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_less_loaded_of_two_is_chosen,
        one_not_known_yet_is_tried_once_before_the_fastest,
        one_that_is_out_or_full_is_never_chosen,
        a_doubtful_one_is_chosen_only_when_no_other_may_be,
        a_worker_is_doubtful_for_a_second_for_each_failure_or_refusal_in_a_row,
        every_idle_worker_is_chosen_some_time,
        only_what_was_not_processed_is_tried_again,
        no_retry_once_the_answer_began_or_the_body_is_gone_or_the_tries_are_used,
        the_budget_is_three_and_a_fifth_of_the_first_attempts,
        five_failures_in_a_row_rest_a_worker_and_one_probe_decides,
        the_last_worker_never_rests,
        a_rest_never_grows_above_five_minutes,
        an_agent_is_found_by_any_spelling_and_else_the_default_is,
        NULL,
    };
    return checks_run("choosing", tests);
}
