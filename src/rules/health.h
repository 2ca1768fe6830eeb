/* From outcomes to a worker's state: five failures in a row eject it for 30 s, 60 s, .. at most
 * 300 s; then one probe request decides. Owns nothing but its counts; now is an argument. */
#ifndef RULES_HEALTH_H
#define RULES_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

enum {
    HEALTH_FAILURES_MAX = 5,
    HEALTH_REST_MS = 30000,
    HEALTH_REST_MS_MAX = 300000,
    HEALTH_DOUBT_MS = 1000 /* times failures or refusals in a row, five at most */
};

struct health {
    uint32_t failures;       /* in a row */
    uint32_t ejections;      /* in a row */
    uint64_t resting_until;  /* lane ms; 0: not resting */
    bool probing;            /* the one probe is out */
    uint32_t refusals;       /* in a row */
    uint64_t doubtful_until; /* lane ms: others are asked first until then */
};

/* May it be asked now? When a rest is over, the first question makes it the probe. */
bool health_may_ask(const struct health *health, uint64_t now);
void health_note_asked(struct health *health, uint64_t now);
/* It did not take the request: no failure, but an idle worker that refuses must not be the first
 * choice of everybody for being idle. */
void health_note_refusal(struct health *health, uint64_t now);
bool health_is_doubtful(const struct health *health, uint64_t now);
void health_note_success(struct health *health);
/* `last`: no other worker of the pool may be asked; it is never ejected. */
void health_note_failure(struct health *health, uint64_t now, bool last);

#endif
