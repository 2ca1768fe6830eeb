#include "rules/health.h"

bool health_may_ask(const struct health *health, uint64_t now)
{
    if (health->resting_until == 0)
        return true;
    return now >= health->resting_until && !health->probing;
}

void health_note_asked(struct health *health, uint64_t now)
{
    if (health->resting_until != 0 && now >= health->resting_until)
        health->probing = true;
}

void health_note_success(struct health *health)
{
    *health = (struct health){0};
}

static void doubt(struct health *health, uint64_t now, uint32_t times)
{
    health->doubtful_until = now + (uint64_t)HEALTH_DOUBT_MS *
                                       (times < HEALTH_FAILURES_MAX ? times : HEALTH_FAILURES_MAX);
}

void health_note_refusal(struct health *health, uint64_t now)
{
    health->probing = false;
    if (health->refusals < UINT32_MAX)
        ++health->refusals;
    doubt(health, now, health->refusals);
}

bool health_is_doubtful(const struct health *health, uint64_t now)
{
    return now < health->doubtful_until;
}

void health_note_failure(struct health *health, uint64_t now, bool last)
{
    bool probe_failed = health->probing;
    health->probing = false;
    if (health->failures < UINT32_MAX)
        ++health->failures;
    doubt(health, now, health->failures);
    if (last || (!probe_failed && health->failures < HEALTH_FAILURES_MAX))
        return;
    if (health->ejections < HEALTH_REST_MS_MAX / HEALTH_REST_MS)
        ++health->ejections;
    health->resting_until = now + (uint64_t)HEALTH_REST_MS * health->ejections;
    health->failures = 0;
}
