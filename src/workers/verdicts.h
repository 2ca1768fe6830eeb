/* From a certificate to a proof, by way of a cache: the attester's work without its thread.
 * It owns the proofs it keeps: under SHA-256 of certificate and trust, until they expire, for an
 * hour at most (a refusal for 5 s), at most 4096 with the oldest making room. It never reads a
 * clock. */
#ifndef WORKERS_VERDICTS_H
#define WORKERS_VERDICTS_H

#include "base/list.h"
#include "base/map.h"
#include "workers/attester.h"
#include "workers/trust.h"

enum { VERDICTS_MAX = 4096, VERDICT_KEPT_S = 3600, REFUSAL_KEPT_S = 5 };

struct verdicts {
    struct map by_key;
    struct list oldest_first;
};

void verdicts_init(struct verdicts *verdicts, uint64_t seed);
void verdicts_fini(struct verdicts *verdicts);
/* Fills `proof`, from the cache or by the verifier. `now_ms` is unix time. True when it was judged
 * anew. */
bool verdicts_judge(struct verdicts *verdicts, const struct grounds *grounds,
                    struct span certificate, int64_t now_ms, struct proof *proof);
/* Whether other collateral might trust what this refuses. */
bool proof_lacks_collateral(const struct proof *proof);
/* The verifier's word on an answer to a challenge; no two are alike, so none is kept. Fills of the
 * proof only whether and why, and until when. */
void proof_judge_answer(const struct grounds *grounds, const struct attester_answer *answered,
                        int64_t now_ms, struct proof *proof);
/* A refusal that needs no verifier. */
void proof_refuse(struct proof *proof, const char *reason, const char *detail);

#endif
