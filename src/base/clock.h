/* The two clocks. Owns nothing. Never used for a decision below io: there, now is an argument. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_monotonic_ms(void);
uint64_t clock_monotonic_us(void);
int64_t clock_unix_ms(void);

#endif
