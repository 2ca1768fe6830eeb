#include "base/stats.h"

#include <string.h>

#include "unit/checks.h"

struct seen {
    unsigned rows;
    unsigned gauges;
    uint64_t requests;
    uint64_t live;
    uint64_t others;
};

static void note_row(void *arg, const char *name, const char *help, bool gauge, uint64_t value)
{
    struct seen *seen = arg;
    ++seen->rows;
    seen->gauges += gauge;
    ck_assert_uint_gt(strlen(help), 3);
    ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
    if (strcmp(name, "requests") == 0)
        seen->requests = value;
    else if (strcmp(name, "exchanges_live") == 0)
        seen->live = value;
    else
        seen->others += value;
}

START_TEST(what_all_lanes_counted_is_summed_row_by_row)
{
    static struct stats first, second;
    const struct stats *const lanes[] = {&first, &second};
    struct seen seen = {0};
    stats_add(&first.requests, 3);
    stats_add(&second.requests, 4);
    stats_add(&second.exchanges_live, 5);
    stats_sub(&second.exchanges_live, 2);
    stats_visit(lanes, 2, note_row, &seen);
    ck_assert_uint_eq(seen.requests, 7);
    ck_assert_uint_eq(seen.live, 3);
    ck_assert_uint_eq(seen.others, 0);
    ck_assert_uint_ge(seen.gauges, 1);
    ck_assert_uint_eq(seen.rows * sizeof(uint64_t) + sizeof(first.faults), sizeof(first));
    ck_assert_uint_eq(stats_read(&first.requests), 3);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_all_lanes_counted_is_summed_row_by_row, NULL};
    return checks_run("stats", tests);
}
