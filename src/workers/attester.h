/* The thread that verifies evidence, so that no lane does. It owns its cache of verdicts
 * (SHA-256 of certificate, policy and collateral; until the earliest expiry; at most 4096).
 * It never reads a clock for a lane: verdicts carry their expiry in unix seconds. */
#ifndef WORKERS_ATTESTER_H
#define WORKERS_ATTESTER_H

#include "base/log.h"
#include "base/span.h"
#include "io/mailbox.h"
#include "workers/registry.h"

struct attester;

/* What a lane needs of a verdict: a value. */
struct proof {
    bool trusted;
    char reason[48]; /* the verdict's word */
    char detail[256];
    char tee[8];
    char tcb_status[48];
    char measurement[132]; /* hex of the code measurement: mrtd, mrenclave */
    uint8_t evidence_sha256[32];
    uint8_t key_sha256[32]; /* of the certificate's SPKI */
    int64_t expires;        /* unix seconds */
};

struct attester *attester_start(const struct log *log);
void attester_stop(struct attester *attester); /* joins; asks not answered are dropped */

/* Asks for a verdict on `certificate` (copied) under `trust` (counted). The answer is posted to
 * `mailbox` and read as `answer(owner of the mailbox, id, proof)`. False when 1024 are waiting. */
MUST_USE bool attester_ask(struct attester *attester, struct trust *trust, struct span certificate,
                           struct mailbox *mailbox,
                           void (*answer)(void *owner, uint64_t id, const struct proof *proof),
                           uint64_t id);

#endif
