/* What all exchanges of a lane share: defaults, the counted agents table, the view for admin. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "exchange/life.h"

enum {
    EXCHANGES_MAX = 1000000, /* whatever the option says */
    REFUSED_MAX = 256        /* above exchanges_max these are opened, only to be refused in order */
};

struct agents_ref *agents_ref_new(uint64_t seed)
{
    struct agents_ref *ref = alloc_zeroed(sizeof(*ref));
    atomic_init(&ref->users, 1);
    agents_init(&ref->agents, seed);
    return ref;
}

struct agents_ref *agents_ref_take(struct agents_ref *ref)
{
    atomic_fetch_add(&ref->users, 1);
    return ref;
}

void agents_ref_give(struct agents_ref *ref)
{
    if (ref == NULL || atomic_fetch_sub(&ref->users, 1) > 1)
        return;
    agents_fini(&ref->agents);
    free(ref);
}

static void options_default(struct exchange_options *options)
{
    *options = (struct exchange_options){.exchanges_max = 20000,
                                         .trailer_wait_ms = 50,
                                         .checkpoint_ms = 5000,
                                         .upload_idle_ms_max = 60000,
                                         .replay_bytes_max = 65536,
                                         .replay_total_max = UINT64_C(64) << 20,
                                         .place_ms_max = 10000,
                                         .subcalls_depth = 4,
                                         .subcalls_live = 16,
                                         .cors = true,
                                         .body_digests = true};
}

void site_init(struct site *site)
{
    *site = (struct site){.draining = false};
    options_default(&site->options);
    slots_init(&site->exchanges, EXCHANGES_MAX);
}

bool site_has_room(const struct site *site)
{
    return site->exchanges.used < (uint64_t)site->options.exchanges_max + REFUSED_MAX;
}

void site_fini(struct site *site)
{
    must(site->exchanges.used == 0);
    slots_fini(&site->exchanges);
}

void exchange_visit(struct site *site, void (*visit)(void *arg, const struct exchange_view *view),
                    void *arg)
{
    for (uint32_t i = 0; i < site->exchanges.count; ++i) {
        const struct exchange *x = slots_at(&site->exchanges, i);
        if (x == NULL)
            continue;
        struct exchange_view view = {
            .invocation = x->invocation.text,
            .account = x->auth.caller.account,
            .cid = x->cid,
            .step = x->step->name,
            .worker = x->attempt.worker,
            .age_ms = loop_now(site->loop) - x->opened_at,
            .bytes_in = x->relay.taken,
            .bytes_out = x->relay.down,
        };
        visit(arg, &view);
    }
}

void exchange_end_all(struct site *site)
{
    for (uint32_t i = 0; i < site->exchanges.count; ++i) {
        struct exchange *x = slots_at(&site->exchanges, i);
        if (x == NULL)
            continue;
        x->sent_away = true;
        loop_wake(site->loop, &x->wake);
    }
}
