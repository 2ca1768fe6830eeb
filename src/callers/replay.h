/* The settles Redis acknowledged lately, to be sent again when it comes back as another run of the
 * server: what that one knows is a prefix of what the one before had answered (metering.md 3.3).
 * It owns copies of their texts, for 30 s and up to its maximum. It never charges twice: those that
 * are known are found to be. */
#ifndef CALLERS_REPLAY_H
#define CALLERS_REPLAY_H

#include "callers/store.h"

struct replay;

struct replay_options {
    uint32_t count_max; /* the oldest go when there are more */
    uint32_t kept_ms;   /* 0: 30000 */
    void (*again)(void *owner, struct span text);
    void *owner;
};

struct replay *replay_new(struct loop *loop, struct store *store,
                          const struct replay_options *options);
void replay_free(struct replay *replay); /* after store_close() */
void replay_keep(struct replay *replay, struct span text);
/* Asks the server who it is; `again` is called for each text when it is not who it was. */
void replay_note_up(struct replay *replay);

#endif
