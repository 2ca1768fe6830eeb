/* A meter whose Redis is the test; implements callers/meter.h whole.
 * It owns its counts. It never answers before it returns. */
#ifndef FAKE_METER_H
#define FAKE_METER_H

#include "callers/meter.h"

enum fake_settle { SETTLE_ANSWERED, SETTLE_UNKNOWN, SETTLE_SILENT, SETTLE_REFUSED };

struct meter {
    struct loop *loop;
    struct wake wake;
    struct meter_wait *hold_wait;
    struct settle_wait *settle_wait;
    struct meter_wait *extend_wait;
    struct hold *extended;
    uint64_t more_ucr;
    unsigned extends;
    enum fault extend_fault; /* planned */
    bool extend_hangs;
    uint64_t available_ucr; /* for extensions */
    /* planned */
    enum fault hold_fault;
    bool hold_hangs;
    struct meter_facts facts;
    enum fake_settle settle; /* REFUSED: the journal is full */
    bool unwritten;          /* it is, and Redis is asked without it */
    bool unsure;             /* ANSWERED, but the entry may be somebody else's */
    /* what happened */
    struct hold hold; /* the last one asked for */
    unsigned asked;
    unsigned placed;
    unsigned hold_cancels;
    unsigned settles; /* in the journal */
    unsigned refused; /* the journal did not take it */
    unsigned releases;
    unsigned checkpoints;
    uint64_t checkpoint_ucr;
    struct settlement settlement;
    struct receipt_note note; /* the settlement's, copied */
};

struct meter *fake_meter_new(struct loop *loop);

#endif
