/* What a call costs: integer prices, 128-bit sums, one rounding, upwards (metering.md 4.2).
 * Owns nothing. It never uses floating point, and saturates instead of wrapping. */
#ifndef RULES_PRICE_H
#define RULES_PRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* The most an amount of micro-credits can be: Redis' Lua counts in doubles. */
#define PRICE_UCR_MAX ((UINT64_C(1) << 53) - 1)

enum { PRICE_UNITS_MAX = 8, PRICE_UNIT_NAME_MAX = 32 };

struct price_unit {
    char name[PRICE_UNIT_NAME_MAX]; /* sf-key characters: lower case, digits, _ - . * */
    uint64_t pcr;                   /* a unit */
    uint64_t cap;                   /* units a call may be charged for at most */
};

/* Pico-credits (1 credit = 10^6 micro-credits = 10^12 pico-credits) a unit of each dimension. */
struct price {
    uint64_t call_pcr;
    uint64_t ms_pcr;
    uint64_t mib_ms_pcr;
    uint64_t kib_in_pcr;
    uint64_t kib_out_pcr;
    uint64_t min_ucr; /* micro-credits: the least a call that ran is charged */
    uint32_t memory_mib;
    uint32_t unit_count;
    struct price_unit units[PRICE_UNITS_MAX];
};

/* What a call used, or may use at most. Bytes are body bytes (DATA payload, chunk content). */
struct usage {
    uint64_t ms;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t units[PRICE_UNITS_MAX]; /* in the order of the price's units */
};

/* Micro-credits, rounded up once, at most PRICE_UCR_MAX. */
uint64_t price_cost_ucr(const struct price *price, const struct usage *usage);
bool price_is_free(const struct price *price);
/* Reads `Agent-Usage` of a worker ("tokens=42, cpu_ms=7", RFC 9651 dictionary of integers) into
 * usage->units, each clamped to its cap; unknown names are passed over. False when malformed. */
bool price_read_units(const struct price *price, struct span text, struct usage *usage);

#endif
