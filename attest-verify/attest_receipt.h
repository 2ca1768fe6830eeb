/* Receipts of a teegate gateway: what a caller paid for, checked offline.
 * It owns the keys it parses; a receipt is the caller's memory and points into itself, so it is not
 * to be copied. It never opens a file or a socket, reads no clock, and believes nothing of a
 * receipt that its signature does not cover. */
#ifndef ATTEST_RECEIPT_H
#define ATTEST_RECEIPT_H

#include "attest_verify.h"

enum {
    ATTEST_RECEIPT_BYTES_MAX = 2048, /* as it comes, in characters */
    ATTEST_RECEIPT_RECORD_MAX = 1536,
    ATTEST_RECEIPT_UNITS_MAX = 8,
    ATTEST_RECEIPT_KEYS_MAX = 256
};

/* GENUINE, or the first check that failed. */
enum attest_receipt_reason {
    ATTEST_RECEIPT_GENUINE,
    ATTEST_RECEIPT_INTERNAL,
    ATTEST_RECEIPT_MALFORMED, /* not a receipt, or a part of it not in its one form */
    ATTEST_RECEIPT_KEY,       /* signed by a key that is not among those given */
    ATTEST_RECEIPT_SIGNATURE, /* the key did not sign this root */
    ATTEST_RECEIPT_PATH,      /* the record is not in the tree of this root */
    ATTEST_RECEIPT_EVIDENCE,  /* the evidence or certificate given is not the worker's */
    ATTEST_RECEIPT_REQUEST,   /* the request's body given is not the one that passed */
    ATTEST_RECEIPT_RESPONSE,
    ATTEST_RECEIPT_REASONS
};

struct attest_receipt_body {
    uint8_t sha256[32];
    bool digested; /* else there is no digest */
    bool whole;    /* it passed to its end */
};

struct attest_receipt {
    uint8_t record[ATTEST_RECEIPT_RECORD_MAX]; /* the JSON text that was signed for */
    size_t record_len;
    /* What it says. Texts point into the record. */
    struct attest_bytes invocation, parent, root, account, cid, outcome;
    bool attested; /* a worker had the call: the three below are known */
    uint8_t worker_key[32], evidence[32], policy[32];
    uint64_t attempts, ms, in, out;
    struct attest_receipt_unit {
        struct attest_bytes name;
        uint64_t count;
    } units[ATTEST_RECEIPT_UNITS_MAX];
    size_t unit_count;
    uint64_t ceiling, charge, status, sequence, began, ended;
    struct attest_receipt_body request, response;
    /* Who signed, how many receipts at once, when (unix ms), and where this one stands. */
    char kid[44];
    uint64_t size, signed_at;
    uint16_t index;
};

/* The gateways' public keys: a JWK set (RFC 7517, RFC 8037), or the answer of
 * /.well-known/teegate, which holds one. Keys of other kinds are passed over. At most 256 KiB. NULL
 * and a sentence when it is neither, or holds no key. */
struct attest_receipt_keys;
struct attest_receipt_keys *attest_receipt_keys_parse(struct attest_bytes json, char *error,
                                                      size_t error_size);
void attest_receipt_keys_free(struct attest_receipt_keys *keys);

/* Verifies `text`, the value of an Agent-Receipt field. What `receipt` says counts only when this
 * is GENUINE; `detail` takes a sentence. */
enum attest_receipt_reason attest_receipt_verify(const struct attest_receipt_keys *keys,
                                                 struct attest_bytes text,
                                                 struct attest_receipt *receipt, char *detail,
                                                 size_t detail_size);

/* Whether the quote or report, or the certificate (DER) with evidence in it, is the one that the
 * record names; of a certificate its key, too. Whether it is to be trusted is for
 * attest_verify_certificate(). */
bool attest_receipt_is_of_evidence(const struct attest_receipt *receipt,
                                   struct attest_bytes evidence);
bool attest_receipt_is_of_certificate(const struct attest_receipt *receipt,
                                      struct attest_bytes der);

const char *attest_receipt_reason_word(enum attest_receipt_reason reason);

#endif
