#include "rules/price.h"

typedef unsigned __int128 u128;

enum { PCR_PER_UCR = 1000000 };

static uint64_t kib_of(uint64_t bytes)
{
    return bytes / 1024 + (bytes % 1024 > 0);
}

/* Sums saturate far above PRICE_UCR_MAX * PCR_PER_UCR (about 2^73), so that nothing wraps. */
static u128 add_product(u128 sum, uint64_t a, uint64_t b)
{
    const u128 most = (u128)1 << 120;
    u128 product = (u128)a * b;
    return product > most || sum + product > most ? most : sum + product;
}

/* MiB ms first, then its price: that product may not fit 128 bits. */
static u128 add_memory(u128 sum, const struct price *price, const struct usage *usage)
{
    const u128 most = (u128)1 << 120;
    u128 mib_ms = (u128)price->memory_mib * usage->ms;
    if (mib_ms <= UINT64_MAX)
        return add_product(sum, (uint64_t)mib_ms, price->mib_ms_pcr);
    if (price->mib_ms_pcr == 0)
        return sum;
    return mib_ms > most / price->mib_ms_pcr || sum + mib_ms * price->mib_ms_pcr > most
               ? most
               : sum + mib_ms * price->mib_ms_pcr;
}

uint64_t price_cost_ucr(const struct price *price, const struct usage *usage)
{
    u128 sum = price->call_pcr;
    sum = add_product(sum, usage->ms, price->ms_pcr);
    sum = add_memory(sum, price, usage);
    sum = add_product(sum, kib_of(usage->bytes_in), price->kib_in_pcr);
    sum = add_product(sum, kib_of(usage->bytes_out), price->kib_out_pcr);
    for (uint32_t i = 0; i < price->unit_count; ++i)
        sum = add_product(sum, usage->units[i], price->units[i].pcr);
    u128 cost = sum / PCR_PER_UCR + (sum % PCR_PER_UCR > 0);
    if (cost < price->min_ucr)
        cost = price->min_ucr;
    return cost > PRICE_UCR_MAX ? PRICE_UCR_MAX : (uint64_t)cost;
}

bool price_is_free(const struct price *price)
{
    uint64_t any = price->call_pcr | price->ms_pcr | price->mib_ms_pcr | price->kib_in_pcr |
                   price->kib_out_pcr | price->min_ucr;
    for (uint32_t i = 0; i < price->unit_count; ++i)
        any |= price->units[i].pcr;
    return any == 0;
}

static bool is_key(struct span key)
{
    if (key.len == 0 || key.len >= PRICE_UNIT_NAME_MAX)
        return false;
    for (size_t i = 0; i < key.len; ++i) {
        char c = key.ptr[i];
        bool first = (c >= 'a' && c <= 'z') || c == '*';
        if (!first && (i == 0 || !((c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.')))
            return false;
    }
    return true;
}

static void note_unit(const struct price *price, struct span key, uint64_t count,
                      struct usage *usage)
{
    for (uint32_t i = 0; i < price->unit_count; ++i)
        if (span_is(key, span_text(price->units[i].name)))
            usage->units[i] = count > price->units[i].cap ? price->units[i].cap : count;
}

bool price_read_units(const struct price *price, struct span text, struct usage *usage)
{
    const uint64_t integer_max = UINT64_C(999999999999999); /* RFC 9651 3.3.1 */
    text = span_trim(text);
    while (text.len > 0) {
        size_t comma = span_find(text, ',');
        struct span item = span_trim(span_of(text.ptr, comma));
        size_t equals = span_find(item, '=');
        uint64_t count;
        struct span key = span_of(item.ptr, equals);
        if (!is_key(key) || !span_to_u64(span_from(item, equals + 1), integer_max, &count))
            return false;
        note_unit(price, key, count, usage);
        if (comma == text.len)
            return true;
        text = span_trim(span_from(text, comma + 1));
        if (text.len == 0)
            return false; /* a trailing comma (RFC 9651 4.2.2) */
    }
    return true;
}
