/* Receipts of one lane: all that are asked for in one turn are leaves of one Merkle tree, whose
 * root is signed once. It owns those asked for and not yet made. It never makes one before the
 * store has said what was charged, and never waits: they are there in the same turn.
 *
 * A receipt is five base64url parts with dots between them: record, path, and a JWS (header,
 * payload, signature). The path is the leaf's index (two bytes, most significant first) and the
 * hashes from the leaf upwards; the payload is {"root","size","at"}: the root's hash, how many
 * leaves, unix ms. */
#ifndef CALLERS_RECEIPTS_H
#define CALLERS_RECEIPTS_H

#include "base/list.h"
#include "base/stats.h"
#include "callers/merkle.h"
#include "callers/receipt.h"
#include "callers/signer.h"
#include "io/loop.h"

struct receipts;

enum {
    RECEIPT_MAX = 2048,       /* characters */
    RECEIPTS_LEAVES_MAX = 32, /* of one tree: a deeper one would cost every receipt more bytes than
                                 it saves signatures */
};

/* Embedded by whoever waits. */
struct receipt_wait {
    void (*answer)(struct receipt_wait *wait);
    char *text;       /* once answered; owned by the wait; NULL: none could be made */
    struct list node; /* this and the next: the receipts' own */
    char *record;
    size_t record_len;
};

/* The signer is lent. */
struct receipts *receipts_new(struct loop *loop, const struct signer *signer, struct stats *stats);
void receipts_free(struct receipts *receipts);
/* Answered later in this turn, never before it returns. `wait` begins zeroed but for `answer`. */
void receipts_ask(struct receipts *receipts, struct receipt_wait *wait,
                  const struct receipt_facts *facts);
/* Nobody waits any more; what was made goes. Fine in every state. */
void receipt_wait_fini(struct receipt_wait *wait);

/* One by itself, a tree of one, at once: `out` takes it and a NUL. Its length; 0: none. */
size_t receipts_make(const struct signer *signer, const struct receipt_facts *facts,
                     char out[RECEIPT_MAX + 1]);

#endif
