#include "exchange/bill.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/list.h"
#include "exchange/heads.h"

enum {
    HOLD_TTL_LEAST_MS = 30000,
    CHECKPOINT_LEAST_MS = 250,
    STEP_BYTES = 1048576 /* of a rolling hold, each way, where nothing says how many */
};

void bill_init(struct bill *bill, struct meter *meter, void (*note)(void *user), void *user)
{
    *bill = (struct bill){.meter = meter, .note = note, .user = user};
}

/* --- the ceiling ---------------------------------------------------------------------------- */

/* `Agent-Max-Units` lowers the caps of the units it names, never raises one. */
static bool lower_caps(struct price *price, const struct head *request)
{
    const struct span name = SPAN_OF("agent-max-units");
    const struct field *field = head_find(request, name);
    struct usage caps = {.ms = 0};
    if (field == NULL)
        return true;
    for (uint32_t i = 0; i < price->unit_count; ++i)
        caps.units[i] = price->units[i].cap;
    if (head_count(request, name) > 1 || !price_read_units(price, field->value, &caps))
        return false;
    for (uint32_t i = 0; i < price->unit_count; ++i)
        price->units[i].cap = caps.units[i];
    return true;
}

static uint64_t ceiling_of(const struct price *price, const struct agent *agent, int64_t length)
{
    struct usage most = {.ms = agent->total_ms_max,
                         .bytes_in = length >= 0 ? (uint64_t)length : agent->request_bytes_max,
                         .bytes_out = agent->response_bytes_max};
    for (uint32_t i = 0; i < price->unit_count; ++i)
        most.units[i] = price->units[i].cap;
    return price_cost_ucr(price, &most);
}

/* What `usage` and the next step may cost: with all units their caps allow, for those are told
 * last. */
static uint64_t step_cost(const struct bill *bill, const struct usage *usage)
{
    struct usage next = *usage;
    next.ms += bill->step_ms;
    next.bytes_out += STEP_BYTES;
    if (!bill->length_known)
        next.bytes_in += STEP_BYTES;
    for (uint32_t i = 0; i < bill->price.unit_count; ++i)
        next.units[i] = bill->price.units[i].cap;
    return price_cost_ucr(&bill->price, &next);
}

/* Its end is that of the money, or of what the caller allows: as a lowered budget it is watched. */
static void begin_rolling(struct bill *bill, const struct agent *agent, const struct usage *begin,
                          uint64_t asked)
{
    bill->rolls = bill->lowered = true;
    bill->step_ms = agent->step_ms;
    bill->length_known = begin->bytes_in > 0;
    bill->most_ucr = asked < PRICE_UCR_MAX ? asked : PRICE_UCR_MAX;
    bill->hold.ceiling_ucr = step_cost(bill, begin);
    if (bill->hold.ceiling_ucr > bill->most_ucr)
        bill->hold.ceiling_ucr = bill->most_ucr;
}

/* Whose sub-budget pays, if any does, and how much of it this call takes for those below it. */
static enum fault open_tree(struct bill *bill, const struct head *request,
                            const struct lineage *lineage, char *detail, size_t detail_size)
{
    struct hold *hold = &bill->hold;
    struct meter_facts *facts = &bill->hold_wait.facts;
    bool given;
    if (heads_sub_budget(request, &hold->sub_ucr, &given) != FAULT_NONE) {
        snprintf(detail, detail_size,
                 "Agent-Sub-Budget is not a whole number of micro-credits of at most 15 digits");
        return FAULT_BAD_BUDGET;
    }
    hold->sub_default = !given;
    snprintf(hold->parent, sizeof(hold->parent), "%s", lineage->parent);
    snprintf(hold->root, sizeof(hold->root), "%s", lineage->root);
    hold->depth_max = lineage->depth_max;
    if (!bill->metered || hold->parent[0] == '\0')
        return FAULT_NONE;
    facts->available_ucr = lineage->most_ucr;
    facts->sub_ucr = hold->sub_ucr;
    bool fits = hold->ceiling_ucr <= lineage->most_ucr &&
                hold->sub_ucr <= lineage->most_ucr - hold->ceiling_ucr;
    return fits ? FAULT_NONE : FAULT_PARENT_BUDGET_EXHAUSTED;
}

enum fault bill_open(struct bill *bill, const struct agent *agent, const struct head *request,
                     const struct lineage *lineage, int64_t length, uint32_t checkpoint_ms,
                     char *detail, size_t detail_size)
{
    uint64_t asked = UINT64_MAX;
    if (length >= 0 && (uint64_t)length > agent->request_bytes_max)
        return FAULT_REQUEST_TOO_LARGE;
    bill->price = agent->price;
    bill->metered = agent->metered;
    bill->ms_max = agent->total_ms_max;
    bill->checkpoint_ms = checkpoint_ms;
    if (!lower_caps(&bill->price, request)) {
        snprintf(detail, detail_size, "Agent-Max-Units is not a dictionary of whole numbers");
        return FAULT_BAD_BUDGET;
    }
    if (heads_max_cost(request, &asked) != FAULT_NONE) {
        snprintf(detail, detail_size,
                 "Agent-Max-Cost is not a whole number of micro-credits of at most 15 digits");
        return FAULT_BAD_BUDGET;
    }
    uint64_t natural = ceiling_of(&bill->price, agent, length);
    struct usage begin = {.ms = 1, .bytes_in = length > 0 ? (uint64_t)length : 0};
    uint64_t floor = price_cost_ucr(&bill->price, &begin);
    bill->lowered = agent->metered && asked < natural;
    bill->hold.ceiling_ucr = bill->lowered ? asked : natural;
    if (agent->metered && agent->hold == HOLD_ROLLING)
        begin_rolling(bill, agent, &begin, asked);
    if (bill->lowered && asked < floor) {
        snprintf(detail, detail_size,
                 "Agent-Max-Cost is below what this call costs at the least, %" PRIu64
                 " micro-credits",
                 floor);
        return FAULT_BAD_BUDGET;
    }
    return open_tree(bill, request, lineage, detail, detail_size);
}

/* --- the hold ------------------------------------------------------------------------------- */

static void note_hold(struct meter_wait *wait)
{
    struct bill *bill = container_of(wait, struct bill, hold_wait);
    bill->asking = false;
    /* Already here, not in bill_take_hold(): the caller may leave in this very turn. */
    bill->held = wait->fault == FAULT_NONE;
    bill->hold.sub_ucr = wait->facts.sub_ucr;
    bill->note(bill->user);
}

void bill_hold(struct bill *bill, const struct invocation *id, const struct caller *caller,
               const char *cid, uint64_t now)
{
    struct hold *hold = &bill->hold;
    must(bill->metered && !bill->asking && !bill->held);
    hold->id = *id;
    hold->caller = *caller;
    snprintf(hold->cid, sizeof(hold->cid), "%s", cid);
    hold->ttl_ms = bill->checkpoint_ms * 4;
    if (hold->ttl_ms < HOLD_TTL_LEAST_MS)
        hold->ttl_ms = HOLD_TTL_LEAST_MS;
    /* A short call is checked often enough that no tenth of its ceiling goes unrecorded. */
    uint32_t tenth_ms = bill->ms_max / 10;
    if (tenth_ms < CHECKPOINT_LEAST_MS)
        tenth_ms = CHECKPOINT_LEAST_MS;
    if (bill->ms_max != 0 && tenth_ms < bill->checkpoint_ms)
        bill->checkpoint_ms = tenth_ms;
    bill->checkpoint_at = now + bill->checkpoint_ms;
    bill->hold_wait.answer = note_hold;
    bill->asking = true;
    meter_hold(bill->meter, hold, &bill->hold_wait);
}

enum fault bill_take_hold(const struct bill *bill)
{
    must(!bill->asking);
    return bill->hold_wait.fault;
}

void bill_cancel(struct bill *bill)
{
    if (bill->asking)
        meter_hold_cancel(bill->meter, &bill->hold_wait);
    if (bill->extending)
        meter_extend_cancel(bill->meter, &bill->extend_wait);
    bill->extending = false;
    if (bill->settling)
        meter_settle_cancel(bill->meter, &bill->settle_wait);
    bill->asking = bill->settling = false;
}

/* --- while it runs -------------------------------------------------------------------------- */

uint64_t bill_cost(const struct bill *bill, const struct usage *usage)
{
    uint64_t cost = price_cost_ucr(&bill->price, usage);
    return cost > bill->hold.ceiling_ucr ? bill->hold.ceiling_ucr : cost;
}

static void checkpoint(struct bill *bill, uint64_t cost_ucr, struct alarm *alarm)
{
    meter_checkpoint(bill->meter, &bill->hold, cost_ucr);
    bill->checkpoint_ucr = cost_ucr;
    bill->checkpoint_at = alarm->now + bill->checkpoint_ms;
    (void)alarm_passed(alarm, bill->checkpoint_at);
}

void bill_keep(struct bill *bill, struct alarm *alarm)
{
    if (bill->held && alarm_passed(alarm, bill->checkpoint_at))
        checkpoint(bill, 0, alarm);
}

void bill_checkpoint(struct bill *bill, const struct usage *usage, struct alarm *alarm)
{
    if (!bill->held)
        return;
    uint64_t cost = bill_cost(bill, usage);
    uint64_t tenth = bill->hold.ceiling_ucr / 10;
    bool grew = tenth > 0 && cost >= bill->checkpoint_ucr + tenth;
    if (alarm_passed(alarm, bill->checkpoint_at) || grew)
        checkpoint(bill, cost, alarm);
}

static void note_extended(struct meter_wait *wait)
{
    struct bill *bill = container_of(wait, struct bill, extend_wait);
    bill->extending = false;
    /* A store that is away may be back before the money held is used up. */
    bill->must_wait = wait->fault == FAULT_METERING_UNAVAILABLE;
    bill->spent_up = wait->fault != FAULT_NONE && wait->fault != FAULT_METERING_UNAVAILABLE;
    bill->note(bill->user);
}

void bill_roll(struct bill *bill, const struct usage *usage, struct alarm *alarm)
{
    if (!bill->rolls || !bill->held || bill->extending || bill->spent_up)
        return;
    /* Half a step ahead there is time to ask, and to ask again. */
    (void)alarm_passed(alarm, alarm->now + bill->step_ms / 4);
    if (bill->must_wait && !alarm_passed(alarm, bill->ask_at))
        return;
    struct usage half = *usage;
    half.ms += bill->step_ms / 2;
    half.bytes_out += STEP_BYTES / 2;
    for (uint32_t i = 0; i < bill->price.unit_count; ++i)
        half.units[i] = bill->price.units[i].cap;
    uint64_t ceiling = bill->hold.ceiling_ucr;
    uint64_t next = step_cost(bill, usage);
    if (next > bill->most_ucr)
        next = bill->most_ucr;
    if (next <= ceiling || price_cost_ucr(&bill->price, &half) <= ceiling)
        return;
    bill->extending = true;
    bill->ask_at = alarm->now + bill->step_ms / 8;
    bill->extend_wait.answer = note_extended;
    meter_extend(bill->meter, &bill->hold, next - ceiling, &bill->extend_wait);
}

/* The largest value of one dimension of `*usage` that the ceiling covers; `most` when it has no
 * price. Costs never fall when usage grows, so bisection finds it. */
static uint64_t reach_of(const struct bill *bill, struct usage *usage, uint64_t *dimension)
{
    const uint64_t most = UINT64_C(1) << 48;
    uint64_t now = *dimension;
    uint64_t low = now;
    uint64_t high = most;
    *dimension = most;
    if (price_cost_ucr(&bill->price, usage) <= bill->hold.ceiling_ucr)
        low = most;
    while (low + 1 < high) {
        *dimension = low + (high - low) / 2;
        if (price_cost_ucr(&bill->price, usage) <= bill->hold.ceiling_ucr)
            low = *dimension;
        else
            high = *dimension;
    }
    *dimension = now;
    return low;
}

struct bill_reach bill_reach(const struct bill *bill, const struct usage *usage)
{
    struct usage probe = *usage;
    struct bill_reach reach;
    reach.ms = reach_of(bill, &probe, &probe.ms);
    reach.bytes_in = reach_of(bill, &probe, &probe.bytes_in);
    reach.bytes_out = reach_of(bill, &probe, &probe.bytes_out);
    return reach;
}

/* --- the end -------------------------------------------------------------------------------- */

void bill_note_units(struct bill *bill, struct span text, struct usage *usage)
{
    struct price uncapped = bill->price;
    struct usage reported = {.ms = 0};
    struct usage within = {.ms = 0};
    for (uint32_t i = 0; i < uncapped.unit_count; ++i)
        uncapped.units[i].cap = UINT64_MAX;
    if (!price_read_units(&uncapped, text, &reported) ||
        !price_read_units(&bill->price, text, &within))
        return; /* not readable: the measured dimensions alone are paid */
    for (uint32_t i = 0; i < uncapped.unit_count; ++i)
        usage->units[i] = within.units[i];
    bill->over_ucr = price_cost_ucr(&uncapped, &reported) - price_cost_ucr(&bill->price, &within);
}

static void note_settled(struct settle_wait *wait)
{
    struct bill *bill = container_of(wait, struct bill, settle_wait);
    bill->settling = false;
    bill->settled = wait->settled;
    if (wait->settled)
        bill->cost_ucr = wait->charged_ucr;
    bill->note(bill->user);
}

/* What may be on its way is found at the settle: the hold's record knows its ceiling. */
static void stop_extending(struct bill *bill)
{
    if (bill->extending)
        meter_extend_cancel(bill->meter, &bill->extend_wait);
    bill->extending = false;
}

bool bill_settle(struct bill *bill, const struct usage *usage, const char *outcome, int status,
                 const char *worker, const struct receipt_note *note)
{
    if (!bill->held)
        return true;
    struct settlement settlement = {.cost_ucr = bill->waived ? 0 : bill_cost(bill, usage),
                                    .usage = *usage,
                                    .outcome = outcome,
                                    .status = status,
                                    .over_ucr = bill->over_ucr,
                                    .note = note};
    snprintf(settlement.worker, sizeof(settlement.worker), "%s", worker);
    stop_extending(bill);
    bill->held = false;
    bill->cost_ucr = settlement.cost_ucr;
    bill->settle_wait.answer = note_settled;
    bill->owed = true;
    bill->settling = meter_settle(bill->meter, &bill->hold, &settlement, &bill->settle_wait);
    if (!bill->settling)
        bill->cost_ucr = bill->checkpoint_ucr;
    return bill->settling;
}

bool bill_is_safe(const struct bill *bill)
{
    return !bill->owed || bill->settled || !bill->settle_wait.unwritten;
}

void bill_release(struct bill *bill)
{
    if (!bill->held)
        return;
    stop_extending(bill);
    bill->held = false;
    meter_release(bill->meter, &bill->hold);
}
