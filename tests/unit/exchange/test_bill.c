#include "exchange/bill.h"

#include "fakes/fake_loop.h"
#include "fakes/fake_meter.h"
#include "unit/checks.h"

struct till {
    struct loop *loop;
    struct meter *meter;
    struct bill bill;
    struct agent agent;
    struct lineage lineage;
    struct head *request;
    unsigned notes;
    char detail[320];
};

static void note(void *user)
{
    ++((struct till *)user)->notes;
}

static void till_open(struct till *till)
{
    *till = (struct till){.loop = loop_new()};
    till->meter = fake_meter_new(till->loop);
    till->request = head_new(8192, 20);
    till->agent = (struct agent){.metered = true,
                                 .price = {.ms_pcr = 1000, .kib_out_pcr = 1000000},
                                 .request_bytes_max = 1000,
                                 .response_bytes_max = 1 << 20,
                                 .total_ms_max = 60000};
    bill_init(&till->bill, till->meter, note, till);
}

static void till_close(struct till *till)
{
    head_free(till->request);
    meter_free(till->meter);
    loop_free(till->loop);
}

static enum fault open_with(struct till *till, const char *max_cost, int64_t length)
{
    if (max_cost != NULL)
        must(head_add(till->request, SPAN_OF("agent-max-cost"), span_text(max_cost)));
    return bill_open(&till->bill, &till->agent, till->request, &till->lineage, length, 5000,
                     till->detail, sizeof(till->detail));
}

static void hold(struct till *till)
{
    struct invocation id = {"inv"};
    struct caller caller = {.account = "alice"};
    bill_hold(&till->bill, &id, &caller, "bafy", loop_now(till->loop));
    fake_loop_settle(till->loop);
    ck_assert_uint_eq(till->notes, 1);
    ck_assert_int_eq(bill_take_hold(&till->bill), FAULT_NONE);
}

START_TEST(the_ceiling_is_the_caps_cost_or_less_where_the_caller_says_so)
{
    static const struct {
        const char *max_cost;
        uint64_t ceiling;
        bool lowered;
    } rows[] = {{NULL, 1084, false}, /* 60 s and 1024 KiB */
                {"1085", 1084, false},
                {"1084", 1084, false},
                {"1083", 1083, true},
                {"1", 1, true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct till till;
        till_open(&till);
        ck_assert_int_eq(open_with(&till, rows[i].max_cost, 0), FAULT_NONE);
        ck_assert_uint_eq(till.bill.hold.ceiling_ucr, rows[i].ceiling);
        ck_assert_int_eq(till.bill.lowered, rows[i].lowered);
        till_close(&till);
    }
}
END_TEST

START_TEST(a_budget_reaches_to_its_last_byte_and_millisecond)
{
    struct till till;
    till_open(&till);
    ck_assert_int_eq(open_with(&till, "10", 0), FAULT_NONE);
    struct usage usage = {.ms = 2500, .bytes_out = 100}; /* 2.5 + 1 */
    struct bill_reach reach = bill_reach(&till.bill, &usage);
    ck_assert_uint_eq(reach.ms, 9000);
    ck_assert_uint_eq(reach.bytes_out, 7 * 1024);
    ck_assert_uint_ge(reach.bytes_in, UINT64_C(1) << 40); /* has no price */
    for (uint64_t more = 0; more < 2; ++more) {
        struct usage time = {.ms = reach.ms + more, .bytes_out = 100};
        struct usage bytes = {.ms = 2500, .bytes_out = reach.bytes_out + more};
        ck_assert_uint_eq(price_cost_ucr(&till.bill.price, &time), 10 + more);
        ck_assert_uint_eq(price_cost_ucr(&till.bill.price, &bytes), 10 + more);
    }
    usage.ms = 20000; /* past it already: not one more */
    ck_assert_uint_eq(bill_reach(&till.bill, &usage).ms, 20000);
    ck_assert_uint_eq(bill_reach(&till.bill, &usage).bytes_out, 100);
    ck_assert_uint_eq(bill_cost(&till.bill, &usage), 10);
    till_close(&till);
}
END_TEST

START_TEST(a_hold_is_closed_once)
{
    struct till till;
    struct usage usage = {.ms = 1000};
    till_open(&till);
    ck_assert_int_eq(open_with(&till, NULL, 0), FAULT_NONE);
    hold(&till);
    ck_assert_uint_ge(till.meter->hold.ttl_ms, 20000);
    ck_assert(bill_settle(&till.bill, &usage, "ok", 200, "w", NULL));
    ck_assert(bill_settle(&till.bill, &usage, "ok", 200, "w", NULL));
    bill_release(&till.bill);
    ck_assert_uint_eq(till.meter->settles, 1);
    ck_assert_uint_eq(till.meter->releases, 0);
    fake_loop_settle(till.loop);
    ck_assert(till.bill.settled && till.bill.cost_ucr == 1);
    till_close(&till);
}
END_TEST

START_TEST(short_calls_are_checked_more_often_and_an_options_word_stands)
{
    static const uint32_t rows[][3] = {{60000, 5000, 5000}, {20000, 5000, 2000}, {1000, 5000, 250},
                                       {60000, 100, 100},   {1000, 100, 100},    {0, 5000, 5000}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct till till;
        till_open(&till);
        till.agent.total_ms_max = rows[i][0];
        ck_assert_int_eq(bill_open(&till.bill, &till.agent, till.request, &till.lineage, 0,
                                   rows[i][1], till.detail, sizeof(till.detail)),
                         FAULT_NONE);
        hold(&till);
        ck_assert_uint_eq(till.bill.checkpoint_at, loop_now(till.loop) + rows[i][2]);
        bill_release(&till.bill);
        till_close(&till);
    }
}
END_TEST

START_TEST(a_bill_nobody_waits_for_leaves_nothing_behind)
{
    struct till till;
    struct invocation id = {"inv"};
    struct caller caller = {.account = "alice"};
    till_open(&till);
    ck_assert_int_eq(open_with(&till, NULL, 0), FAULT_NONE);
    bill_hold(&till.bill, &id, &caller, "bafy", loop_now(till.loop));
    bill_cancel(&till.bill);
    bill_cancel(&till.bill);
    bill_release(&till.bill); /* it was never ours */
    fake_loop_settle(till.loop);
    ck_assert_uint_eq(till.notes, 0);
    ck_assert_uint_eq(till.meter->hold_cancels, 1);
    ck_assert_uint_eq(till.meter->releases, 0);
    till_close(&till);
}
END_TEST

START_TEST(units_that_cannot_be_read_are_not_charged)
{
    struct till till;
    struct usage usage = {.ms = 0};
    till_open(&till);
    till.agent.price.unit_count = 1;
    till.agent.price.units[0] = (struct price_unit){"tokens", 1000000, 100};
    ck_assert_int_eq(open_with(&till, NULL, 0), FAULT_NONE);
    bill_note_units(&till.bill, SPAN_OF("tokens=50"), &usage);
    ck_assert_uint_eq(usage.units[0], 50);
    bill_note_units(&till.bill, SPAN_OF("tokens=-1"), &usage);
    ck_assert_uint_eq(usage.units[0], 50); /* what was readable stands */
    bill_note_units(&till.bill, SPAN_OF("tokens=101"), &usage);
    ck_assert_uint_eq(usage.units[0], 100);
    ck_assert_uint_eq(till.bill.over_ucr, 1);
    till_close(&till);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_ceiling_is_the_caps_cost_or_less_where_the_caller_says_so,
        a_budget_reaches_to_its_last_byte_and_millisecond,
        a_hold_is_closed_once,
        short_calls_are_checked_more_often_and_an_options_word_stands,
        a_bill_nobody_waits_for_leaves_nothing_behind,
        units_that_cannot_be_read_are_not_charged,
        NULL,
    };
    return checks_run("bill", tests);
}
