/* The order of the checks of a receipt: form, key, signature, path. */
#include "attest_receipt.h"

#include "bytes/crypto.h"
#include "evidence/evidence.h"
#include "formats/receipt.h"
#include "receipt_keys.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

static const char *const words[ATTEST_RECEIPT_REASONS] = {
    [ATTEST_RECEIPT_GENUINE] = "genuine",
    [ATTEST_RECEIPT_INTERNAL] = "internal",
    [ATTEST_RECEIPT_MALFORMED] = "receipt-malformed",
    [ATTEST_RECEIPT_KEY] = "receipt-key-unknown",
    [ATTEST_RECEIPT_SIGNATURE] = "receipt-signature",
    [ATTEST_RECEIPT_PATH] = "receipt-path",
    [ATTEST_RECEIPT_EVIDENCE] = "receipt-evidence",
    [ATTEST_RECEIPT_REQUEST] = "receipt-request-body",
    [ATTEST_RECEIPT_RESPONSE] = "receipt-response-body",
};

const char *attest_receipt_reason_word(enum attest_receipt_reason reason)
{
    return reason < ATTEST_RECEIPT_REASONS ? words[reason] : words[ATTEST_RECEIPT_INTERNAL];
}

/* --- the tree (RFC 9162 2.1.3.2, the same as RFC 6962's) ----------------------------------------
 */

static bool hash(uint8_t prefix, struct attest_bytes a, struct attest_bytes b, uint8_t out[32])
{
    uint8_t text[1 + ATTEST_RECEIPT_RECORD_MAX] = {prefix};
    if (a.len + b.len >= sizeof text)
        return false;
    memcpy(text + 1, a.ptr, a.len);
    if (b.len > 0)
        memcpy(text + 1 + a.len, b.ptr, b.len);
    struct attest_bytes all = {.ptr = text, .len = 1 + a.len + b.len}, none = {NULL, 0};
    return av_sha256(all, none, out);
}

static bool climb(const uint8_t left[32], const uint8_t right[32], uint8_t out[32])
{
    struct attest_bytes a = {.ptr = left, .len = 32}, b = {.ptr = right, .len = 32};
    return hash(1, a, b, out);
}

static bool is_in_tree(const struct attest_receipt *receipt, const struct receipt_proof *proof)
{
    struct attest_bytes record = {.ptr = receipt->record, .len = receipt->record_len};
    struct attest_bytes none = {NULL, 0};
    uint8_t at[32];
    uint64_t leaf = receipt->index, last = receipt->size - 1;
    if (receipt->size == 0 || receipt->index >= receipt->size || !hash(0, record, none, at))
        return false;
    for (size_t i = 0; i < proof->path_len; ++i) {
        bool is_right = leaf % 2 == 1 || leaf == last;
        if (last == 0 ||
            !(is_right ? climb(proof->path[i], at, at) : climb(at, proof->path[i], at)))
            return false;
        while (is_right && leaf % 2 == 0 && leaf != 0) {
            leaf /= 2;
            last /= 2;
        }
        leaf /= 2;
        last /= 2;
    }
    return last == 0 && memcmp(at, proof->root, sizeof at) == 0;
}

/* --- the checks ----------------------------------------------------------------------------------
 */

static const struct receipt_key *find(const struct attest_receipt_keys *keys, const char *kid)
{
    for (size_t i = 0; i < keys->count; ++i)
        if (strcmp(keys->keys[i].kid, kid) == 0)
            return &keys->keys[i];
    return NULL;
}

static enum attest_receipt_reason say(enum attest_receipt_reason reason, char *detail, size_t size,
                                      const char *sentence)
{
    snprintf(detail, size, "%s", sentence);
    return reason;
}

enum attest_receipt_reason attest_receipt_verify(const struct attest_receipt_keys *keys,
                                                 struct attest_bytes text,
                                                 struct attest_receipt *receipt, char *detail,
                                                 size_t detail_size)
{
    struct receipt_parts parts;
    struct receipt_proof proof;
    const char *wrong;
    memset(receipt, 0, sizeof *receipt);
    if (!av_receipt_split(text, &parts, &wrong) ||
        !av_receipt_read_proof(&parts, receipt, &proof, &wrong) ||
        !av_receipt_read_record(&parts, receipt, &wrong))
        return say(ATTEST_RECEIPT_MALFORMED, detail, detail_size, wrong);
    const struct receipt_key *key = find(keys, receipt->kid);
    if (key == NULL) {
        snprintf(detail, detail_size, "it is signed by key %s, which is not among those given",
                 receipt->kid);
        return ATTEST_RECEIPT_KEY;
    }
    struct attest_bytes signature = {.ptr = proof.signature, .len = sizeof proof.signature};
    ERR_set_mark(); /* a refusal leaves OpenSSL's errors behind */
    bool holds = av_signature_holds_ed25519(key->x, signature, parts.signed_text);
    ERR_pop_to_mark();
    if (!holds)
        return say(ATTEST_RECEIPT_SIGNATURE, detail, detail_size,
                   "the key it names did not sign this root");
    if (!is_in_tree(receipt, &proof))
        return say(ATTEST_RECEIPT_PATH, detail, detail_size,
                   "the record is not where its path says in the tree that was signed");
    return say(ATTEST_RECEIPT_GENUINE, detail, detail_size,
               "the gateway whose key this is signed for this record");
}

/* --- what goes with it ---------------------------------------------------------------------------
 */

bool attest_receipt_is_of_evidence(const struct attest_receipt *receipt,
                                   struct attest_bytes evidence)
{
    struct attest_bytes none = {NULL, 0};
    uint8_t digest[32];
    return receipt->attested && av_sha256(evidence, none, digest) &&
           memcmp(digest, receipt->evidence, sizeof digest) == 0;
}

static bool is_key(const struct attest_receipt *receipt, X509 *certificate)
{
    unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
    struct attest_bytes bytes = {.ptr = spki, .len = len > 0 ? (size_t)len : 0}, none = {NULL, 0};
    uint8_t digest[32];
    bool same = len > 0 && av_sha256(bytes, none, digest) &&
                memcmp(digest, receipt->worker_key, sizeof digest) == 0;
    OPENSSL_free(spki);
    return same;
}

static bool is_in_certificate(const struct attest_receipt *receipt, X509 *certificate)
{
    struct evidence_set set = {.count = 0};
    struct attest_verdict verdict;
    av_verdict_init(&verdict);
    bool found = false;
    if (av_evidence_find(certificate, &set, &verdict))
        for (size_t i = 0; i < set.count; ++i)
            found = found || attest_receipt_is_of_evidence(receipt, set.items[i].quote);
    av_evidence_fini(&set);
    return found;
}

bool attest_receipt_is_of_certificate(const struct attest_receipt *receipt, struct attest_bytes der)
{
    const unsigned char *end = der.ptr;
    ERR_set_mark();
    X509 *certificate =
        der.len <= CERTIFICATE_BYTES_MAX ? d2i_X509(NULL, &end, (long)der.len) : NULL;
    bool good = certificate != NULL && end == der.ptr + der.len && receipt->attested &&
                is_key(receipt, certificate) && is_in_certificate(receipt, certificate);
    X509_free(certificate);
    ERR_pop_to_mark();
    return good;
}
