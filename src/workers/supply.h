/* Collateral that is fetched: what is there, what is on its way, what could not be had.
 * It owns the documents and the errands for them. It never hands out a document that does not hold
 * under the roots it is asked for, never waits, and reads no clock: `now_ms` (unix) is an argument.
 * One thread uses it, the one whose loop its mailbox is of. */
#ifndef WORKERS_SUPPLY_H
#define WORKERS_SUPPLY_H

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/stats.h"
#include "workers/errand.h"

/* ERRANDS: at once. SOURCE: fetches a minute that one worker may cause. DOCUMENTS: platforms. */
enum {
    SUPPLY_ERRANDS_MAX = 4,
    SUPPLY_SOURCE_MAX = 10,
    SUPPLY_SOURCES_MAX = 4096,
    SUPPLY_DOCUMENTS_MAX = 256
};

struct supply {
    /* lent, and set once */
    struct mailbox *mailbox;
    const struct log *log;
    struct stats *stats;
    void (*read)(struct letter *letter, void *owner); /* of errands: is to call supply_take() */
    /* its own */
    struct collateral_options options;
    struct list items; /* struct item */
    size_t count;
    size_t errands;
    uint64_t version; /* of the newest document; 0: none yet */
    bool has_news;    /* a document came, or could not be had, since its user set this false */
    struct map sources;
    struct list sources_oldest_first;
    const struct attest_collateral **scratch;
    uint64_t random;
};

/* `mailbox` has room for SUPPLY_ERRANDS_MAX letters more than others post to it. */
void supply_init(struct supply *supply, struct mailbox *mailbox,
                 void (*read)(struct letter *letter, void *owner), const struct log *log,
                 struct stats *stats, uint64_t random);
/* Cancels its errands, about a second before their letters come. */
void supply_cancel(struct supply *supply);
/* Once no errand is out (supply->errands). */
void supply_fini(struct supply *supply);

/* From now on. What failed may be asked for again at once. */
void supply_configure(struct supply *supply, const struct collateral_options *options);

/* All documents that `trust` may be judged with: its own and the fetched ones of its roots. */
struct grounds supply_grounds(struct supply *supply, const struct trust *trust);

enum supply_answer {
    SUPPLY_NONE,    /* nothing is fetched for this trust: it has what it has */
    SUPPLY_FOREIGN, /* the certificate names no platform that a chain vouches for: `verdict` */
    SUPPLY_COMING,  /* on its way, once supply_run() has been called */
    SUPPLY_FAILED   /* it could not be had, and is not asked for now; `detail` says why */
};

/* Collateral is lacking to judge `certificate` under `trust`. `source` is whose certificate it is.
 */
enum supply_answer supply_want(struct supply *supply, struct trust *trust, struct span certificate,
                               struct span source, int64_t now_ms, struct attest_verdict *verdict,
                               char *detail, size_t detail_size);
/* Sends the errands that are due. When to call it again (unix ms; INT64_MAX: nothing is due). */
int64_t supply_run(struct supply *supply, int64_t now_ms);
/* The letter of an errand: what it brought is there, or why not is known. */
void supply_take(struct supply *supply, struct letter *letter, int64_t now_ms);
/* The earliest end among the documents, in unix seconds; 0 without any. */
int64_t supply_ends(const struct supply *supply);

#endif
