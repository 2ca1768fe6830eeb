/* Any bytes as a worker's Agent-Usage. Whatever it says, nobody is charged above a cap. */
#include <stdint.h>
#include <stdlib.h>

#include "rules/price.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct price price = {
        .call_pcr = 1,
        .unit_count = 3,
        .units = {{"tokens", 2000000, 1000}, {"cpu_ms", 1, 0}, {"*", UINT64_MAX, UINT64_MAX}},
    };
    struct usage usage = {.ms = 1, .bytes_in = 2, .bytes_out = 3};
    price_read_units(&price, span_of(data, size), &usage);
    for (unsigned i = 0; i < PRICE_UNITS_MAX; ++i)
        if (usage.units[i] > (i < price.unit_count ? price.units[i].cap : 0))
            abort();
    if (usage.ms != 1 || usage.bytes_in != 2 || usage.bytes_out != 3)
        abort();
    uint64_t cost = price_cost_ucr(&price, &usage);
    if (cost == 0 || cost > PRICE_UCR_MAX)
        abort();
    return 0;
}
