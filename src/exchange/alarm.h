/* The points in time an exchange looks at while it runs, and the soonest it must be woken for.
 * It owns nothing: a value, made anew each run. It never fires anything itself: the exchange sets
 * its one timer from it. */
#ifndef EXCHANGE_ALARM_H
#define EXCHANGE_ALARM_H

#include <stdbool.h>
#include <stdint.h>

struct alarm {
    uint64_t now;
    uint64_t look_at; /* the soonest point not yet passed; 0: none */
};

/* Whether `at` (lane ms; 0: never) has passed; if not, the exchange looks again then. */
static inline bool alarm_passed(struct alarm *alarm, uint64_t at)
{
    if (at == 0)
        return false;
    if (at <= alarm->now)
        return true;
    if (alarm->look_at == 0 || at < alarm->look_at)
        alarm->look_at = at;
    return false;
}

/* Since when something waits without progress. */
struct mark {
    uint64_t since; /* 0: it does not */
};

static inline void mark_note(struct mark *mark, bool waits, bool progressed, uint64_t now)
{
    if (!waits)
        mark->since = 0;
    else if (progressed || mark->since == 0)
        mark->since = now;
}

/* Whether it has waited `ms_max` (0: for ever). */
static inline bool mark_passed(const struct mark *mark, uint32_t ms_max, struct alarm *alarm)
{
    return mark->since != 0 && ms_max != 0 && alarm_passed(alarm, mark->since + ms_max);
}

/* The same where nobody notes the progress of a few bytes: it is looked at in between. */
static inline bool mark_passed_unnoted(const struct mark *mark, uint32_t ms_max,
                                       struct alarm *alarm)
{
    if (mark->since != 0 && ms_max != 0)
        (void)alarm_passed(alarm, alarm->now + ms_max / 4 + 1);
    return mark_passed(mark, ms_max, alarm);
}

#endif
