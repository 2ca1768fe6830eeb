/* Lives that go well. */
#include "scenarios/hall.h"
#include "unit/checks.h"

START_TEST(an_answer_reaches_the_caller_and_its_cost_the_journal)
{
    struct hall hall;
    hall_open(&hall);
    hall_post(&hall);
    hall_run(&hall);
    hall_answer(&hall, 0, 200, "content-type: text/plain\nagent-usage: tokens=4", "hello");
    hall_run(&hall);
    ck_assert_int_eq(hall_status(&hall), 200);
    ck_assert_str_eq(fake_stream_got(hall.caller).ptr, "hello");
    ck_assert_str_eq(hall_trailer(&hall, "agent-cost"), "24"); /* 10 + 2 + 4 x 3 */
    ck_assert_str_eq(hall_trailer(&hall, "agent-usage"), "ms=0, in=0, out=5, tokens=4");
    ck_assert_str_eq(hall_trailer(&hall, "agent-outcome"), "ok");
    ck_assert_uint_eq(hall.meter->settles, 1);
    ck_assert_uint_eq(hall.meter->settlement.cost_ucr, 24);
    ck_assert_str_eq(hall.meter->settlement.outcome, "ok");
    ck_assert_str_eq(hall.meter->settlement.worker, "w1");
    hall_close(&hall);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_answer_reaches_the_caller_and_its_cost_the_journal,
        NULL,
    };
    return checks_run("success", tests);
}
