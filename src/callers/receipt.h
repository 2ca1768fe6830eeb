/* What a receipt says of one call, as one JSON text, and the short note of it in the ledger.
 * It owns nothing: facts point to their texts. It never decides or signs anything: the same facts
 * give the same record, whether they come from the call or, later, from its ledger entry.
 *
 * The record: one JSON object without blanks, its members always all and in this order:
 *   v 1; invocation, parent, root, account, cid; worker_key, evidence, policy (SHA-256 of the
 *   worker's public key, its quote or report, and the policy that trusted it); attempts; usage {ms,
 *   in, out, units {name: count}}; ceiling, charge (micro-credits); outcome, status; sequence (of
 *   the account's ledger; 0: not metered); began, ended (unix ms); request, response {sha256,
 *   whole} of the bodies as they streamed.
 * Digests are base64url; what is not known is an empty text. */
#ifndef CALLERS_RECEIPT_H
#define CALLERS_RECEIPT_H

#include <stdbool.h>

#include "base/must.h"
#include "rules/price.h"

enum {
    RECEIPT_RECORD_MAX = 1130, /* with the deepest path and the root it stays below RECEIPT_MAX */
    RECEIPT_NOTE_MAX = 640,    /* of a ledger entry */
    RECEIPT_DIGEST_BYTES = 32
};

struct receipt_body {
    uint8_t sha256[RECEIPT_DIGEST_BYTES];
    bool digested; /* false: digests are off, or the call was cut off with its gateway */
    bool whole;    /* it passed to its end */
};

/* What only the gateway that ran the call knows. */
struct receipt_note {
    bool attested; /* a worker had it: the three below are known */
    uint8_t worker_key[RECEIPT_DIGEST_BYTES];
    uint8_t evidence[RECEIPT_DIGEST_BYTES];
    uint8_t policy[RECEIPT_DIGEST_BYTES];
    unsigned attempts;
    uint64_t began_ms;
    struct receipt_body request;
    struct receipt_body response;
    unsigned unit_count;
    char units[PRICE_UNITS_MAX][PRICE_UNIT_NAME_MAX]; /* names, in the order of the price */
};

struct receipt_facts {
    struct span invocation, parent, root, account, cid;
    const struct receipt_note *note;
    struct usage usage;
    uint64_t ceiling_ucr;
    uint64_t charge_ucr;
    struct span outcome;
    uint64_t status;
    uint64_t sequence;
    uint64_t ended_ms;
};

/* Writes the record; its length. Names of units too long for it all are left for the ledger's: u0,
 * u1 .. */
size_t receipt_record(char out[RECEIPT_RECORD_MAX], const struct receipt_facts *facts);

/* The note as a word of the ledger, and back. False when it is not one. */
size_t receipt_note_write(char out[RECEIPT_NOTE_MAX], const struct receipt_note *note);
MUST_USE bool receipt_note_read(struct span text, struct receipt_note *note);

#endif
