#include "base/stats.h"

#include <stddef.h>

static const struct {
    const char *name;
    const char *help;
    bool gauge;
    size_t offset;
} rows[] = {
#define COUNTER(name, help) {#name, help, false, offsetof(struct stats, name)},
#define GAUGE(name, help)   {#name, help, true, offsetof(struct stats, name)},
#include "tables/stats.def"
#undef COUNTER
#undef GAUGE
};

void stats_visit(const struct stats *const *lanes, unsigned lane_count,
                 void (*visit)(void *arg, const char *name, const char *help, bool gauge,
                               uint64_t value),
                 void *arg)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        uint64_t sum = 0;
        for (unsigned lane = 0; lane < lane_count; ++lane)
            sum +=
                stats_read((const _Atomic uint64_t *)((const char *)lanes[lane] + rows[i].offset));
        visit(arg, rows[i].name, rows[i].help, rows[i].gauge, sum);
    }
}
