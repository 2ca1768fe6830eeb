/* The thread that verifies evidence and answers to challenges, so that no lane does. It
 * owns its cache of verdicts (SHA-256 of certificate, policy and collateral; until the earliest
 * expiry; at most 4096), the collateral it has fetched, and each worker's last evidence. It never
 * reads a clock for a lane: verdicts carry their expiry in unix seconds. */
#ifndef WORKERS_ATTESTER_H
#define WORKERS_ATTESTER_H

#include "base/log.h"
#include "base/span.h"
#include "base/stats.h"
#include "io/mailbox.h"
#include "workers/registry.h"

struct attester;

/* What a lane needs of a verdict: a value. */
struct proof {
    bool trusted;
    bool unjudged;   /* what judges it is still to be fetched: no refusal, and nobody's fault */
    char reason[48]; /* the verdict's word */
    char detail[256];
    char tee[8];
    char tcb_status[48];
    char measurement[132]; /* hex of the code measurement: mrtd, mrenclave */
    uint8_t evidence_sha256[32];
    uint8_t key_sha256[32];     /* of the certificate's SPKI */
    uint8_t policy_sha256[32];  /* of the policy's bytes */
    int64_t expires;            /* unix seconds; 0 when it was not reached */
    int64_t collateral_expires; /* of the vendor's documents alone; 0 when not reached */
    uint64_t lasts_ms;          /* until `expires`, from when it was judged; 0 unless trusted */
};

/* Whose certificate it is. */
struct subject {
    const char *pool;
    const char *worker;
};

enum {
    ATTESTER_WAITS_MAX = 1024,
    ATTESTER_CERTIFICATE_BYTES_MAX = 256 * 1024,
    ATTESTER_SHOWS_MAX = 64
};

struct attester *attester_start(const struct log *log);
/* Joins; questions not answered are dropped. Nobody may ask any more. */
void attester_stop(struct attester *attester);

/* Where collateral is fetched from, from now on. Before the first: nowhere. From any thread. */
void attester_configure(struct attester *attester, const struct collateral_options *options);

/* Asks for a verdict on `certificate` (copied) under `trust` (counted; NULL trusts nobody). The
 * answer is posted to `mailbox` and read as `answer(owner of the mailbox, id, proof)`; a full
 * mailbox is tried again until it takes it. A certificate of no bytes or of more than 256 KiB is
 * refused. Collateral that is missing is fetched first, where that is configured: then the answer
 * may take minutes. False when 1024 are waiting: then nothing is answered. From any thread. */
MUST_USE bool attester_ask(struct attester *attester, struct trust *trust,
                           const struct subject *subject, struct span certificate,
                           struct mailbox *mailbox,
                           void (*answer)(void *owner, uint64_t id, const struct proof *proof),
                           uint64_t id);

enum { ATTESTER_TERM_BYTES = 32 };

/* What a worker answered to a challenge, and what it had to be bound to (workers/challenge.h). */
struct attester_answer {
    struct span certificate; /* as it was shown in the handshake */
    uint8_t exporter[ATTESTER_TERM_BYTES];
    uint8_t nonce[ATTESTER_TERM_BYTES];
    struct span answer;
};

/* The same for an answer (copied): a proof of whether it is trusted, why not, and until when. */
MUST_USE bool attester_ask_answer(struct attester *attester, struct trust *trust,
                                  const struct attester_answer *answered, struct mailbox *mailbox,
                                  void (*answer)(void *owner, uint64_t id,
                                                 const struct proof *proof),
                                  uint64_t id);

/* The last evidence of the workers named `worker`, of every pool, and the verdicts on it, as JSON;
 * empty when there is none. Posted to `mailbox` and read as `answer(owner, id, json)`. False when
 * 64 are waiting. From any thread. */
MUST_USE bool attester_show(struct attester *attester, struct span worker, struct mailbox *mailbox,
                            void (*answer)(void *owner, uint64_t id, struct span json), void *owner,
                            uint64_t id);

/* Before `mailbox` is closed: what was asked for it and is not posted yet is dropped, and nothing
 * is posted to it once this returns. Waits for the attester's thread (questions before it are
 * judged first), so it is for the end of a lane alone. */
void attester_forget(struct attester *attester, struct mailbox *mailbox);

/* Rises with every fetched document that differs from what was there: then verdicts may turn. Any
 * thread. */
uint64_t attester_version(const struct attester *attester);
/* The earliest end of collateral that a trusting verdict of the last two hours stands on, or that
 * was fetched; unix seconds, 0: none. Any thread. */
int64_t attester_collateral_ends(const struct attester *attester);
/* Its own counters; any thread may read them. */
const struct stats *attester_stats(const struct attester *attester);

#endif
