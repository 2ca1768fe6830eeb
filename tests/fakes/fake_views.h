/* Fakes of pools_visit(), exchange_visit() and pools_show_evidence(): so many rows of one worker
 * and one exchange; evidence of w0 alone, at once, and none when there are no rows. It owns
 * nothing: `struct pools` and `struct site` stand for a number of rows. */
#ifndef FAKE_VIEWS_H
#define FAKE_VIEWS_H

#include "exchange/exchange.h"
#include "workers/pools.h"

struct pools {
    unsigned rows; /* every second one has a refusing proof, the others none */
};

/* How many exchanges a site shows. */
void fake_site_set_live(struct site *site, unsigned live);

#endif
