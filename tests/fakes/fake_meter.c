#include "fakes/fake_meter.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

void invocation_make(struct invocation *out)
{
    snprintf(out->text, sizeof(out->text), "abcdefghijklmnopqrstuvwxyz");
}

static void answer(void *owner)
{
    struct meter *meter = owner;
    struct meter_wait *hold = meter->hold_wait;
    struct settle_wait *settle = meter->settle_wait;
    if (hold != NULL && !meter->hold_hangs) {
        meter->hold_wait = NULL;
        hold->fault = meter->hold_fault;
        hold->facts = meter->facts;
        if (!meter->hold.sub_default)
            hold->facts.sub_ucr = meter->hold.sub_ucr;
        meter->placed += hold->fault == FAULT_NONE;
        hold->answer(hold);
    }
    struct meter_wait *extend = meter->extend_wait;
    if (extend != NULL && !meter->extend_hangs) {
        meter->extend_wait = NULL;
        extend->fault = meter->extend_fault;
        if (meter->available_ucr < meter->more_ucr)
            extend->fault = FAULT_INSUFFICIENT_CREDIT;
        if (extend->fault == FAULT_NONE) {
            meter->available_ucr -= meter->more_ucr;
            meter->extended->ceiling_ucr += meter->more_ucr;
        }
        extend->answer(extend);
    }
    if (settle != NULL && meter->settle != SETTLE_SILENT) {
        meter->settle_wait = NULL;
        settle->settled = meter->settle == SETTLE_ANSWERED;
        settle->charged_ucr = meter->settlement.cost_ucr;
        settle->sequence = settle->settled && !meter->unsure ? meter->settles : 0;
        settle->ended_ms = 1700000000000;
        settle->answer(settle);
    }
}

struct meter *fake_meter_new(struct loop *loop)
{
    struct meter *meter = alloc_zeroed(sizeof(*meter));
    meter->loop = loop;
    wake_init(&meter->wake, answer, meter);
    return meter;
}

struct meter *meter_new(struct loop *loop, struct store *store, struct journal *journal,
                        const struct meter_options *options, struct stats *stats)
{
    return fake_meter_new(loop);
}

void meter_free(struct meter *meter)
{
    must(meter->hold_wait == NULL && meter->settle_wait == NULL);
    wake_cancel(&meter->wake);
    free(meter);
}

void meter_note_up(struct meter *meter)
{
}

void meter_note_down(struct meter *meter)
{
}

void meter_hold(struct meter *meter, struct hold *hold, struct meter_wait *wait)
{
    must(meter->hold_wait == NULL);
    meter->hold = *hold;
    meter->hold_wait = wait;
    ++meter->asked;
    loop_wake(meter->loop, &meter->wake);
}

void meter_hold_cancel(struct meter *meter, struct meter_wait *wait)
{
    must(meter->hold_wait == wait);
    meter->hold_wait = NULL;
    ++meter->hold_cancels;
}

void meter_extend(struct meter *meter, struct hold *hold, uint64_t more_ucr,
                  struct meter_wait *wait)
{
    must(meter->extend_wait == NULL);
    ++meter->extends;
    meter->extend_wait = wait;
    meter->extended = hold;
    meter->more_ucr = more_ucr;
    loop_wake(meter->loop, &meter->wake);
}

void meter_extend_cancel(struct meter *meter, struct meter_wait *wait)
{
    must(meter->extend_wait == wait);
    meter->extend_wait = NULL;
}

void meter_checkpoint(struct meter *meter, const struct hold *hold, uint64_t cost_ucr)
{
    must(cost_ucr <= hold->ceiling_ucr);
    ++meter->checkpoints;
    meter->checkpoint_ucr = cost_ucr;
}

bool meter_settle(struct meter *meter, const struct hold *hold, const struct settlement *settlement,
                  struct settle_wait *wait)
{
    must(settlement->cost_ucr <= hold->ceiling_ucr);
    if (meter->settle == SETTLE_REFUSED) {
        ++meter->refused;
        return false;
    }
    ++meter->settles;
    wait->unwritten = meter->unwritten;
    meter->settlement = *settlement;
    if (settlement->note != NULL)
        meter->note = *settlement->note;
    meter->settle_wait = wait;
    loop_wake(meter->loop, &meter->wake);
    return true;
}

void meter_release(struct meter *meter, const struct hold *hold)
{
    ++meter->releases;
}

void meter_settle_cancel(struct meter *meter, struct settle_wait *wait)
{
    if (meter->settle_wait == wait)
        meter->settle_wait = NULL;
}

uint32_t meter_pending(const struct meter *meter)
{
    return meter->hold_wait != NULL || meter->settle_wait != NULL;
}
