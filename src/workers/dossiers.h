/* Each worker's last certificate and the verdict on it, for audit, and as JSON.
 * It owns copies: one a worker (pool and id), 4096 at most and 64 MiB in all; who was judged
 * longest ago makes room. It never judges, and what it shows never decides anything. */
#ifndef WORKERS_DOSSIERS_H
#define WORKERS_DOSSIERS_H

#include "base/list.h"
#include "base/map.h"
#include "workers/attester.h"

enum { DOSSIERS_MAX = 4096, DOSSIERS_BYTES_MAX = 64 << 20, DOSSIERS_SHOWN_MAX = 4 };

struct dossiers {
    struct map by_name;
    struct list oldest_first;
    size_t bytes;
};

void dossiers_init(struct dossiers *dossiers, uint64_t seed);
void dossiers_fini(struct dossiers *dossiers);
/* The newest of this worker. `now` is unix seconds. */
void dossiers_keep(struct dossiers *dossiers, const struct subject *subject,
                   const struct trust *trust, struct span certificate, const struct proof *proof,
                   int64_t now);
/* The earliest end of collateral that trusting verdicts made since `since` stand on; 0: none. */
int64_t dossiers_collateral_ends(const struct dossiers *dossiers, int64_t since);
/* All workers of this id (of several pools: the DOSSIERS_SHOWN_MAX judged last), as JSON to be
 * freed; NULL when there is none. */
char *dossiers_show(const struct dossiers *dossiers, struct span worker);

#endif
