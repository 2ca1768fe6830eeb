/* Charges summed by agent, day, worker or account, as a table or JSON.
 * It owns its groups. It never adds to a group that is not there when it is full: it says that the
 * sums are not all. */
#ifndef CTL_GROUPS_H
#define CTL_GROUPS_H

#include "base/map.h"
#include "ctl/args.h"

enum { GROUPS_MAX = 100000, GROUP_NAME_MAX = 200 };

struct group;

struct groups {
    const char *by; /* "cid", "day", "worker" or "account" */
    struct map names;
    struct group **list;
    size_t count;
    bool cut; /* some had no room */
};

void groups_init(struct groups *groups, const char *by);
void groups_fini(struct groups *groups);
/* One charge; of a day `name` is left out and the time taken. An empty name is "-". */
void groups_add(struct groups *groups, struct span name, int64_t time_ms, int64_t charged_ucr);
/* Days newest first, all others by what was charged. */
void groups_print(struct groups *groups, FILE *out);
/* {"by", "groups": [{<by>, "calls", "charged_ucr"}], "complete"} */
void groups_print_json(struct groups *groups, FILE *out);

#endif
