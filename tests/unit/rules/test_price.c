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

/* --- against arithmetic of another kind: digits of 16 bits, as on paper ----------------------- */

enum { DIGITS = 24, CASES = 100000 };

struct big {
    uint32_t digit[DIGITS]; /* 16 bits each, the lowest first */
};

static struct big big_of(uint64_t value)
{
    struct big big = {{0}};
    for (int i = 0; i < 4; ++i)
        big.digit[i] = (uint32_t)(value >> 16 * i & 0xffff);
    return big;
}

static struct big big_sum(struct big a, struct big b)
{
    uint32_t carry = 0;
    for (int i = 0; i < DIGITS; ++i) {
        carry += a.digit[i] + b.digit[i];
        a.digit[i] = carry & 0xffff;
        carry >>= 16;
    }
    ck_assert_uint_eq(carry, 0);
    return a;
}

static struct big big_product(struct big a, struct big b)
{
    struct big out = {{0}};
    for (int i = 0; i < DIGITS; ++i) {
        uint32_t carry = 0;
        for (int j = 0; a.digit[i] != 0 && i + j < DIGITS; ++j) {
            uint64_t step = (uint64_t)a.digit[i] * b.digit[j] + out.digit[i + j] + carry;
            out.digit[i + j] = (uint32_t)(step & 0xffff);
            carry = (uint32_t)(step >> 16);
        }
    }
    return out;
}

/* Divided by 10^6, rounded up; UINT64_MAX for what is above 64 bits. */
static uint64_t big_micro(struct big a)
{
    uint64_t rest = 0;
    uint64_t out = 0;
    bool large = false;
    for (int i = DIGITS - 1; i >= 0; --i) {
        uint64_t step = rest << 16 | a.digit[i];
        uint64_t quotient = step / 1000000;
        rest = step % 1000000;
        large = large || out >> 48 != 0;
        out = out << 16 | quotient;
    }
    return large || out == UINT64_MAX ? UINT64_MAX : out + (rest > 0);
}

static uint64_t oracle(const struct price *price, const struct usage *usage)
{
    struct big sum = big_of(price->call_pcr);
    sum = big_sum(sum, big_product(big_of(usage->ms), big_of(price->ms_pcr)));
    sum = big_sum(sum, big_product(big_product(big_of(usage->ms), big_of(price->memory_mib)),
                                   big_of(price->mib_ms_pcr)));
    uint64_t in = (usage->bytes_in >> 10) + ((usage->bytes_in & 1023) != 0);
    uint64_t out = (usage->bytes_out >> 10) + ((usage->bytes_out & 1023) != 0);
    sum = big_sum(sum, big_product(big_of(in), big_of(price->kib_in_pcr)));
    sum = big_sum(sum, big_product(big_of(out), big_of(price->kib_out_pcr)));
    for (uint32_t i = 0; i < price->unit_count; ++i)
        sum = big_sum(sum, big_product(big_of(usage->units[i]), big_of(price->units[i].pcr)));
    uint64_t cost = big_micro(sum);
    if (cost < price->min_ucr)
        cost = price->min_ucr;
    return cost > PRICE_UCR_MAX ? PRICE_UCR_MAX : cost;
}

static uint64_t random_state = 88172645463325252;

static uint64_t random_bits(void) /* xorshift64: the same cases every time */
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

/* Of any size from 0 to 64 bits, and half of the time at the edge of what is rounded or of a KiB.
 */
static uint64_t random_number(unsigned bits_max)
{
    unsigned bits = (unsigned)(random_bits() % (bits_max + 1));
    uint64_t value = bits == 0 ? 0 : random_bits() >> (64 - bits);
    uint64_t step = random_bits() % 2 == 0 ? 1000000 : 1024;
    if (random_bits() % 2 == 0 && value >= step)
        value = value / step * step + random_bits() % 3 - 1;
    return value;
}

START_TEST(a_hundred_thousand_costs_are_those_of_arithmetic_on_paper)
{
    unsigned largest = 0;
    unsigned odd = 0;
    for (int i = 0; i < CASES; ++i) {
        unsigned bits = i % 4 == 0 ? 64 : i % 4 == 1 ? 40 : 24;
        struct price price = {.call_pcr = random_number(bits),
                              .ms_pcr = random_number(bits),
                              .mib_ms_pcr = random_number(bits),
                              .kib_in_pcr = random_number(bits),
                              .kib_out_pcr = random_number(bits),
                              .min_ucr = random_number(bits > 53 ? 53 : bits / 2),
                              .memory_mib = (uint32_t)random_number(20),
                              .unit_count = (uint32_t)(random_bits() % (PRICE_UNITS_MAX + 1))};
        struct usage usage = {.ms = random_number(bits / 2),
                              .bytes_in = random_number(bits),
                              .bytes_out = random_number(bits)};
        for (uint32_t j = 0; j < price.unit_count; ++j) {
            price.units[j].pcr = random_number(bits);
            usage.units[j] = random_number(bits);
        }
        uint64_t is = price_cost_ucr(&price, &usage);
        ck_assert_msg(is == oracle(&price, &usage), "case %d", i);
        largest += is == PRICE_UCR_MAX;
        odd += is != PRICE_UCR_MAX && is > price.min_ucr;
    }
    /* The cases are of both kinds, or they would show little. */
    ck_assert_uint_gt(largest, CASES / 20);
    ck_assert_uint_gt(odd, CASES / 20);
}
END_TEST

START_TEST(around_each_multiple_of_a_million_the_rounding_is_exact)
{
    for (uint64_t ucr = 1; ucr < PRICE_UCR_MAX; ucr = ucr * 3 + 1)
        for (int off = -1; off <= 1; ++off) {
            uint64_t half = ucr / 2 * 1000000;
            struct price price = {.ms_pcr = 1};
            if (ucr > UINT64_MAX / 1000000 - 1)
                continue;
            price.call_pcr = half;
            struct usage usage = {.ms = ucr * 1000000 - half + (uint64_t)off};
            ck_assert_uint_eq(price_cost_ucr(&price, &usage), ucr + (off > 0));
        }
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
        a_hundred_thousand_costs_are_those_of_arithmetic_on_paper,
        around_each_multiple_of_a_million_the_rounding_is_exact,
        a_call_that_ran_costs_at_least_the_minimum,
        reported_units_are_clamped_and_unknown_ones_passed_over,
        a_malformed_report_is_refused,
        NULL,
    };
    return checks_run("price", tests);
}
