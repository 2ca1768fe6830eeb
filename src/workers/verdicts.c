#include "workers/verdicts.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { KEY_BYTES = SHA256_DIGEST_LENGTH };

struct kept {
    struct list node;
    uint8_t key[KEY_BYTES];
    int64_t until; /* unix seconds */
    struct proof proof;
};

void verdicts_init(struct verdicts *verdicts, uint64_t seed)
{
    map_init(&verdicts->by_key, VERDICTS_MAX, seed);
    list_init(&verdicts->oldest_first);
}

static struct span span_of_key(const struct kept *kept)
{
    return span_of(kept->key, KEY_BYTES);
}

static void forget(struct verdicts *verdicts, struct kept *kept)
{
    must(map_remove(&verdicts->by_key, span_of_key(kept)) == kept);
    list_remove(&kept->node);
    free(kept);
}

static struct kept *oldest(struct verdicts *verdicts)
{
    return container_of(verdicts->oldest_first.next, struct kept, node);
}

void verdicts_fini(struct verdicts *verdicts)
{
    while (!list_is_empty(&verdicts->oldest_first))
        forget(verdicts, oldest(verdicts));
    map_fini(&verdicts->by_key);
}

/* --- the cache ----------------------------------------------------------------------------- */

/* The certificate and all that judges it; never the quote alone, whose ECDSA signature has two
 * forms (ra-tls (d) 7). Each part has one length, so they cannot be mistaken for each other. */
static void key_of(const struct grounds *grounds, struct span certificate, uint8_t *key)
{
    uint8_t parts[2 * KEY_BYTES + sizeof(grounds->version)];
    SHA256((const unsigned char *)certificate.ptr, certificate.len, parts);
    memcpy(parts + KEY_BYTES, trust_digest(grounds->trust), KEY_BYTES);
    memcpy(parts + 2 * KEY_BYTES, &grounds->version, sizeof(grounds->version));
    SHA256(parts, sizeof(parts), key);
}

static struct kept *find(struct verdicts *verdicts, const uint8_t *key, int64_t now)
{
    struct kept *kept = map_find(&verdicts->by_key, span_of(key, KEY_BYTES));
    if (kept != NULL && now >= kept->until) {
        forget(verdicts, kept);
        return NULL;
    }
    return kept;
}

static void keep(struct verdicts *verdicts, const uint8_t *key, int64_t now,
                 const struct proof *proof)
{
    struct kept *kept = alloc_zeroed(sizeof(*kept));
    memcpy(kept->key, key, KEY_BYTES);
    kept->proof = *proof;
    kept->until = now + (proof->trusted ? VERDICT_KEPT_S : REFUSAL_KEPT_S);
    if (proof->trusted && proof->expires < kept->until)
        kept->until = proof->expires;
    if (verdicts->by_key.count == VERDICTS_MAX)
        forget(verdicts, oldest(verdicts));
    list_append(&verdicts->oldest_first, &kept->node);
    must(map_add(&verdicts->by_key, span_of_key(kept), kept));
}

/* --- from verdict to proof ----------------------------------------------------------------- */

static void put_text(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text == NULL ? "" : text);
}

void proof_refuse(struct proof *proof, const char *reason, const char *detail)
{
    proof->trusted = false;
    proof->lasts_ms = 0;
    put_text(proof->reason, sizeof(proof->reason), reason);
    put_text(proof->detail, sizeof(proof->detail), detail);
}

/* The measurement of the code itself, by the name it has in each TEE. */
static void put_measurement(struct proof *proof, const struct attest_verdict *verdict)
{
    static const char *const names[] = {"mrenclave", "mrtd", "measurement"};
    for (size_t i = 0; i < verdict->measurement_count; ++i) {
        const struct attest_measurement *one = &verdict->measurements[i];
        for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); ++n) {
            if (strcmp(one->name, names[n]) != 0)
                continue;
            for (size_t b = 0; b < one->len; ++b)
                snprintf(proof->measurement + 2 * b, 3, "%02x", one->bytes[b]);
            return;
        }
    }
}

/* SHA-256 of the certificate's SubjectPublicKeyInfo; false when it is no certificate. */
static bool digest_key(struct span certificate, uint8_t *digest)
{
    const unsigned char *at = (const unsigned char *)certificate.ptr;
    unsigned char *spki = NULL;
    X509 *x509 = d2i_X509(NULL, &at, (long)certificate.len);
    int len = x509 == NULL ? -1 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &spki);
    if (len > 0)
        SHA256(spki, (size_t)len, digest);
    OPENSSL_free(spki);
    X509_free(x509);
    ERR_clear_error();
    return len > 0;
}

bool proof_lacks_collateral(const struct proof *proof)
{
    static const enum attest_reason reasons[] = {ATTEST_COLLATERAL_MISSING,
                                                 ATTEST_COLLATERAL_EXPIRED,
                                                 ATTEST_COLLATERAL_TOO_OLD, ATTEST_CRL_MISSING};
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); ++i)
        if (!proof->trusted && strcmp(proof->reason, attest_reason_word(reasons[i])) == 0)
            return true;
    return false;
}

static void put_reason(struct proof *proof, const struct attest_verdict *verdict)
{
    ERR_clear_error();
    proof->trusted = attest_is_trusted(verdict);
    put_text(proof->reason, sizeof(proof->reason), attest_reason_word(verdict->reason));
    put_text(proof->detail, sizeof(proof->detail),
             verdict->detail[0] != '\0' ? verdict->detail
                                        : attest_reason_sentence(verdict->reason));
}

static void ask_verifier(const struct grounds *grounds, struct span certificate, int64_t now,
                         struct proof *proof)
{
    struct attest_verdict verdict = {0};
    trust_judge(grounds, certificate, now, &verdict);
    put_reason(proof, &verdict);
    put_text(proof->tee, sizeof(proof->tee), attest_tee_word(verdict.tee));
    put_text(proof->tcb_status, sizeof(proof->tcb_status), verdict.tcb_status);
    put_measurement(proof, &verdict);
    memcpy(proof->evidence_sha256, verdict.evidence_sha256, sizeof(proof->evidence_sha256));
    memcpy(proof->policy_sha256, trust_policy_digest(grounds->trust), sizeof(proof->policy_sha256));
    proof->expires = verdict.expires;
    proof->collateral_expires = verdict.collateral_expires;
    if (!digest_key(certificate, proof->key_sha256) && proof->trusted)
        proof_refuse(proof, "malformed", "the certificate's key cannot be read");
    /* The verifier refuses what has expired; a trust without an end ahead is not one to keep. */
    if (proof->trusted && verdict.expires <= now)
        proof_refuse(proof,
                     verdict.collateral_expires == verdict.expires
                         ? attest_reason_word(ATTEST_COLLATERAL_EXPIRED)
                         : "expired",
                     "the verdict has no time left");
}

static void set_time_left(struct proof *proof, int64_t now_ms)
{
    /* Seconds beyond what fits ms are not a date any document has. */
    int64_t end = proof->expires < INT64_MAX / 1000 ? proof->expires * 1000 : INT64_MAX;
    proof->lasts_ms = proof->trusted && end > now_ms ? (uint64_t)(end - now_ms) : 0;
}

bool verdicts_judge(struct verdicts *verdicts, const struct grounds *grounds,
                    struct span certificate, int64_t now_ms, struct proof *proof)
{
    uint8_t key[KEY_BYTES];
    int64_t now = now_ms / 1000;
    *proof = (struct proof){0};
    if (certificate.len == 0) {
        proof_refuse(proof, "no-certificate", "the worker showed no certificate");
        return false;
    }
    if (certificate.len > ATTESTER_CERTIFICATE_BYTES_MAX) {
        proof_refuse(proof, "certificate-too-large", "the certificate has more than 256 KiB");
        return false;
    }
    if (grounds->trust == NULL) {
        proof_refuse(proof, "no-policy", "the pool has no policy, so it trusts nobody");
        return false;
    }
    key_of(grounds, certificate, key);
    struct kept *kept = find(verdicts, key, now);
    if (kept != NULL)
        *proof = kept->proof;
    else
        ask_verifier(grounds, certificate, now, proof);
    set_time_left(proof, now_ms);
    if (kept == NULL)
        keep(verdicts, key, now, proof);
    return kept == NULL;
}

void proof_judge_answer(const struct grounds *grounds, const struct attester_answer *answered,
                        int64_t now_ms, struct proof *proof)
{
    struct attest_verdict verdict = {0};
    *proof = (struct proof){0};
    if (grounds->trust == NULL) {
        proof_refuse(proof, "no-policy", "the pool has no policy, so it trusts nobody");
        return;
    }
    trust_judge_answer(grounds, answered, now_ms / 1000, &verdict);
    put_reason(proof, &verdict);
    proof->expires = verdict.expires;
    set_time_left(proof, now_ms);
}
