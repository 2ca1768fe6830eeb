/* One call to the gateway's admin socket and its answer.
 * It owns its socket while it runs. It never waits longer than it was told, in all, and speaks to a
 * UNIX socket only. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include "ctl/answer.h"

enum { CLIENT_MS_MAX = 30000, CLIENT_ERROR_MAX = 1024 };

/* False, and sentences that say what to do, when no whole answer came. `answer` is initialised here
 * and finished by the caller in either case. */
MUST_USE bool client_call(const char *socket_path, uint32_t ms_max, const char *method,
                          const char *target, struct span body, struct answer *answer,
                          char error[CLIENT_ERROR_MAX]);

#endif
