/* The keys that receipts are checked with, inside the library.
 * Owns its rows. Never holds a key without its id. */
#ifndef AV_RECEIPT_KEYS_H
#define AV_RECEIPT_KEYS_H

#include "attest_receipt.h"

struct receipt_key {
    char kid[44];
    uint8_t x[32];
};

struct attest_receipt_keys {
    size_t count;
    struct receipt_key keys[ATTEST_RECEIPT_KEYS_MAX];
};

#endif
