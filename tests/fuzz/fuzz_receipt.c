/* Any bytes as a receipt, and as the ledger's note of one. Without a key nothing is genuine; a note
 * that is read is written back as it was. */
#include <stdint.h>
#include <stdlib.h>

#include "attest_receipt.h"
#include "callers/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_receipt(struct attest_bytes text)
{
    /* RFC 8037 A.2; its private half is public, but no input of ours was signed with it. */
    static const char json[] = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":"
                               "\"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k\",\"x\":"
                               "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";
    struct attest_receipt receipt;
    char detail[256];
    struct attest_bytes bytes = {(const uint8_t *)json, sizeof(json) - 1};
    struct attest_receipt_keys *keys = attest_receipt_keys_parse(bytes, detail, sizeof(detail));
    if (keys == NULL || attest_receipt_verify(keys, text, &receipt, detail, sizeof(detail)) ==
                            ATTEST_RECEIPT_GENUINE)
        abort();
    attest_receipt_keys_free(keys);
    attest_receipt_keys_free(attest_receipt_keys_parse(text, detail, sizeof(detail)));
}

static void try_note(struct span text)
{
    struct receipt_note note;
    char again[RECEIPT_NOTE_MAX];
    if (!receipt_note_read(text, &note))
        return;
    struct receipt_note same;
    size_t len = receipt_note_write(again, &note);
    if (!receipt_note_read(span_of(again, len), &same))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_receipt((struct attest_bytes){data, size});
    try_note(span_of(data, size));
    return 0;
}
