/* Who asks, as the test says; implements callers/auth.h whole.
 * It owns the wait. It never answers before it returns. */
#ifndef FAKE_AUTH_H
#define FAKE_AUTH_H

#include "callers/auth.h"

struct auth {
    struct loop *loop;
    struct wake wake;
    struct auth_wait *wait;
    enum fault fault; /* planned */
    bool hangs;
    char credential[128]; /* the last one shown */
    bool for_agent;
    struct lineage lineage; /* planned */
    unsigned checks;        /* of either kind */
    unsigned token_checks;
    bool had_peer_key; /* with the last token */
    unsigned cancels;
};

struct auth *fake_auth_new(struct loop *loop);

#endif
