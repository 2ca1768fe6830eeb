/* A receipt as text: its five parts, the record's one spelling, the signed root.
 * Owns nothing: parts point into the text, what the record says into the receipt.
 * Never reads what a gateway would have written differently: no blank, no other order, no member
 * more. */
#ifndef AV_RECEIPT_H
#define AV_RECEIPT_H

#include "attest_receipt.h"
#include "verdict.h"

enum { RECEIPT_HASH_BYTES = 32, RECEIPT_PATH_MAX = 16 };

struct receipt_parts {
    struct attest_bytes record, path, header, payload, signature; /* base64url */
    struct attest_bytes signed_text;                              /* header "." payload */
};

/* What the signature covers, and the way up to it. */
struct receipt_proof {
    uint8_t root[RECEIPT_HASH_BYTES];
    uint8_t path[RECEIPT_PATH_MAX][RECEIPT_HASH_BYTES];
    size_t path_len;
    uint8_t signature[64];
};

/* Each false with a sentence. Trailing line ends are passed over. */
AV_MUST_USE bool av_receipt_split(struct attest_bytes text, struct receipt_parts *parts,
                                  const char **wrong);
AV_MUST_USE bool av_receipt_read_proof(const struct receipt_parts *parts,
                                       struct attest_receipt *receipt, struct receipt_proof *proof,
                                       const char **wrong);
AV_MUST_USE bool av_receipt_read_record(const struct receipt_parts *parts,
                                        struct attest_receipt *receipt, const char **wrong);

#endif
