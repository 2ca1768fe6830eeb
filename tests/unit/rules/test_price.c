#include "rules/price.h"
#include "unit/checks.h"

START_TEST(a_cost_is_rounded_up_once)
{
    struct price price = {.call_pcr = 1};
    struct usage usage = {.ms = 1};
    ck_assert_uint_eq(price_cost_ucr(&price, &usage), 1);
    price.call_pcr = 1000000;
    ck_assert_uint_eq(price_cost_ucr(&price, &usage), 1);
    price.ms_pcr = 1;
    ck_assert_uint_eq(price_cost_ucr(&price, &usage), 2);
    usage.ms = 1000000;
    ck_assert_uint_eq(price_cost_ucr(&price, &usage), 2);
    usage.ms = 1000001;
    ck_assert_uint_eq(price_cost_ucr(&price, &usage), 3);
}
END_TEST

START_TEST(bytes_count_in_whole_kib)
{
    struct price price = {.kib_in_pcr = 1000000, .kib_out_pcr = 1000000};
    struct usage usage = {0};
    ck_assert_uint_eq(price_cost_ucr(&price, &usage), 0);
    usage.bytes_in = 1;
    ck_assert_uint_eq(price_cost_ucr(&price, &usage), 1);
    usage.bytes_in = 1024;
    usage.bytes_out = 1025;
    ck_assert_uint_eq(price_cost_ucr(&price, &usage), 3);
}
END_TEST

START_TEST(nothing_wraps_at_the_ends_of_the_numbers)
{
    struct price price = {.call_pcr = UINT64_MAX,
                          .ms_pcr = UINT64_MAX,
                          .mib_ms_pcr = UINT64_MAX,
                          .kib_in_pcr = UINT64_MAX,
                          .kib_out_pcr = UINT64_MAX,
                          .memory_mib = UINT32_MAX,
                          .unit_count = 1,
                          .units = {{"tokens", UINT64_MAX, UINT64_MAX}}};
    struct usage usage = {UINT64_MAX, UINT64_MAX, UINT64_MAX, {UINT64_MAX}};
    ck_assert_uint_eq(price_cost_ucr(&price, &usage), PRICE_UCR_MAX);
    struct price just = {.call_pcr = 0, .ms_pcr = 1000000};
    struct usage most = {.ms = PRICE_UCR_MAX};
    ck_assert_uint_eq(price_cost_ucr(&just, &most), PRICE_UCR_MAX);
    most.ms = PRICE_UCR_MAX - 1;
    ck_assert_uint_eq(price_cost_ucr(&just, &most), PRICE_UCR_MAX - 1);
}
END_TEST

START_TEST(a_call_that_ran_costs_at_least_the_minimum)
{
    struct price price = {.min_ucr = 7};
    struct usage usage = {0};
    ck_assert_uint_eq(price_cost_ucr(&price, &usage), 7);
    ck_assert(!price_is_free(&price));
    ck_assert(price_is_free(&(struct price){.memory_mib = 128}));
}
END_TEST

START_TEST(reported_units_are_clamped_and_unknown_ones_passed_over)
{
    struct price price = {.unit_count = 2, .units = {{"tokens", 5, 100}, {"cpu_ms", 1, 50}}};
    struct usage usage = {0};
    ck_assert(price_read_units(&price, span_text("tokens=42, cpu_ms=7"), &usage));
    ck_assert_uint_eq(usage.units[0], 42);
    ck_assert_uint_eq(usage.units[1], 7);
    ck_assert(price_read_units(&price, span_text(" cpu_ms=51,other=1 ,tokens=100"), &usage));
    ck_assert_uint_eq(usage.units[0], 100);
    ck_assert_uint_eq(usage.units[1], 50);
    ck_assert(price_read_units(&price, span_text("tokens=101"), &usage));
    ck_assert_uint_eq(usage.units[0], 100);
    ck_assert(price_read_units(&price, span_text(""), &usage));
    ck_assert(price_read_units(&price, span_text("tokens=999999999999999"), &usage));
}
END_TEST

START_TEST(a_malformed_report_is_refused)
{
    static const char *const texts[] = {"tokens",
                                        "tokens=",
                                        "tokens=-1",
                                        "tokens=1.5",
                                        "tokens=1,",
                                        ",tokens=1",
                                        "=1",
                                        "Tokens=1",
                                        "tokens =1",
                                        "tokens=1;a=b",
                                        "tokens=0x1",
                                        "tokens=\"1\"",
                                        "tokens=1000000000000000",
                                        "a b=1"};
    struct price price = {.unit_count = 1, .units = {{"tokens", 5, 100}}};
    struct usage usage = {0};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i)
        ck_assert_msg(!price_read_units(&price, span_text(texts[i]), &usage), "%s", texts[i]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_cost_is_rounded_up_once,
        bytes_count_in_whole_kib,
        nothing_wraps_at_the_ends_of_the_numbers,
        a_call_that_ran_costs_at_least_the_minimum,
        reported_units_are_clamped_and_unknown_ones_passed_over,
        a_malformed_report_is_refused,
        NULL,
    };
    return checks_run("price", tests);
}
