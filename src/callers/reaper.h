/* Ends the holds nobody will end any more: those of this gateway's former runs, and any that are
 * long overdue. It owns its walk over the buckets. It never reaps a hold whose gateway may still be
 * alive: the script looks again, under Redis' own clock. */
#ifndef CALLERS_REAPER_H
#define CALLERS_REAPER_H

#include "base/stats.h"
#include "callers/store.h"

struct reaper;

struct reaper_options {
    const char *gateway_id;
    uint64_t epoch;
    uint32_t every_ms; /* all buckets once */
    uint32_t quiet_ms; /* nobody overdue is reaped so long after a (re)connect */
    uint32_t grace_ms; /* overdue by this */
};

struct reaper *reaper_new(struct loop *loop, struct store *store,
                          const struct reaper_options *options, struct stats *stats);
void reaper_free(struct reaper *reaper); /* after store_close() */
void reaper_note_up(struct reaper *reaper);
void reaper_note_down(struct reaper *reaper);
/* What former runs wrote down is settled: what is left of their holds may go, now. */
void reaper_take_former(struct reaper *reaper);

#endif
