#include "workers/dossiers.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "workers/trust.h"

enum { FRAME_BYTES = 4096, PEM_LINE = 64 };

struct dossier {
    struct list node;
    char pool[POOL_NAME_MAX];
    char worker[WORKER_ID_MAX];
    uint8_t policy_sha256[32];
    struct proof proof;
    int64_t judged_at;
    size_t certificate_bytes;
    char certificate[];
};

/* "pool/worker": an id has no slash, so no two are alike. */
struct name {
    char text[POOL_NAME_MAX + WORKER_ID_MAX + 1];
};

static struct name name_of(const char *pool, const char *worker)
{
    struct name name;
    snprintf(name.text, sizeof(name.text), "%s/%s", pool, worker);
    return name;
}

void dossiers_init(struct dossiers *dossiers, uint64_t seed)
{
    map_init(&dossiers->by_name, DOSSIERS_MAX, seed);
    list_init(&dossiers->oldest_first);
    dossiers->bytes = 0;
}

static struct dossier *dossier_at(struct list *node)
{
    return container_of(node, struct dossier, node);
}

static void forget(struct dossiers *dossiers, struct dossier *dossier)
{
    struct name name = name_of(dossier->pool, dossier->worker);
    must(map_remove(&dossiers->by_name, span_text(name.text)) == dossier);
    list_remove(&dossier->node);
    dossiers->bytes -= dossier->certificate_bytes;
    free(dossier);
}

void dossiers_fini(struct dossiers *dossiers)
{
    while (!list_is_empty(&dossiers->oldest_first))
        forget(dossiers, dossier_at(dossiers->oldest_first.next));
    map_fini(&dossiers->by_name);
}

static struct dossier *dossier_new(const struct subject *subject, struct span certificate)
{
    struct dossier *dossier = alloc_zeroed(sizeof(*dossier) + certificate.len);
    snprintf(dossier->pool, sizeof(dossier->pool), "%s", subject->pool);
    snprintf(dossier->worker, sizeof(dossier->worker), "%s", subject->worker);
    dossier->certificate_bytes = certificate.len;
    if (certificate.len > 0)
        memcpy(dossier->certificate, certificate.ptr, certificate.len);
    return dossier;
}

static void add(struct dossiers *dossiers, struct dossier *dossier)
{
    struct name name = name_of(dossier->pool, dossier->worker);
    struct dossier *old = map_find(&dossiers->by_name, span_text(name.text));
    if (old != NULL)
        forget(dossiers, old);
    while (dossiers->by_name.count == DOSSIERS_MAX ||
           dossiers->bytes + dossier->certificate_bytes > DOSSIERS_BYTES_MAX)
        forget(dossiers, dossier_at(dossiers->oldest_first.next));
    must(map_add(&dossiers->by_name, span_text(name.text), dossier));
    list_append(&dossiers->oldest_first, &dossier->node);
    dossiers->bytes += dossier->certificate_bytes;
}

void dossiers_keep(struct dossiers *dossiers, const struct subject *subject,
                   const struct trust *trust, struct span certificate, const struct proof *proof,
                   int64_t now)
{
    if (certificate.len > ATTESTER_CERTIFICATE_BYTES_MAX)
        certificate = SPAN_NONE;
    struct dossier *dossier = dossier_new(subject, certificate);
    if (trust != NULL)
        memcpy(dossier->policy_sha256, trust_policy_digest(trust), sizeof(dossier->policy_sha256));
    dossier->proof = *proof;
    dossier->judged_at = now;
    add(dossiers, dossier);
}

int64_t dossiers_collateral_ends(const struct dossiers *dossiers, int64_t since)
{
    int64_t ends = 0;
    for (const struct list *node = dossiers->oldest_first.prev; node != &dossiers->oldest_first;
         node = node->prev) {
        const struct dossier *dossier = container_of(node, const struct dossier, node);
        int64_t its = dossier->proof.collateral_expires;
        if (dossier->judged_at < since)
            break;
        if (dossier->proof.trusted && its != 0 && (ends == 0 || its < ends))
            ends = its;
    }
    return ends;
}

/* --- as JSON ------------------------------------------------------------------------------- */

static size_t base64_bytes(size_t len)
{
    return (len + 2) / 3 * 4 + 1;
}

static char *base64_of(const void *bytes, size_t len)
{
    char *text = alloc_zeroed(base64_bytes(len));
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
    return text;
}

static void show_hex(struct json *json, const char *name, const uint8_t *bytes)
{
    char text[2 * 32 + 1];
    for (size_t i = 0; i < 32; ++i)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    json_text(json, name, span_text(text));
}

static void show_pem(struct json *json, const struct dossier *dossier)
{
    static const char first[] = "-----BEGIN CERTIFICATE-----\n";
    static const char last[] = "-----END CERTIFICATE-----\n";
    if (dossier->certificate_bytes == 0) {
        json_null(json, "certificate");
        return;
    }
    char *plain = base64_of(dossier->certificate, dossier->certificate_bytes);
    size_t len = strlen(plain);
    char *pem = alloc_zeroed(len + len / PEM_LINE + sizeof(first) + sizeof(last) + 1);
    size_t at = sizeof(first) - 1;
    memcpy(pem, first, at);
    for (size_t from = 0; from < len; from += PEM_LINE) {
        size_t line = len - from < PEM_LINE ? len - from : PEM_LINE;
        memcpy(pem + at, plain + from, line);
        at += line;
        pem[at++] = '\n';
    }
    memcpy(pem + at, last, sizeof(last) - 1);
    json_text(json, "certificate", span_of(pem, at + sizeof(last) - 1));
    free(plain);
    free(pem);
}

static void show_quote(void *arg, const char *convention, struct attest_bytes quote)
{
    struct json *json = arg;
    char *text = base64_of(quote.ptr, quote.len);
    json_object(json, NULL);
    json_text(json, "convention", span_text(convention));
    json_text(json, "quote", span_text(text));
    json_end_object(json);
    free(text);
}

static void show_verdict(struct json *json, const struct dossier *dossier)
{
    const struct proof *proof = &dossier->proof;
    const char *word = proof->trusted ? "trusted" : proof->unjudged ? "unjudged" : "refused";
    json_object(json, "verdict");
    json_text(json, "verdict", span_text(word));
    json_text(json, "reason", span_text(proof->reason));
    json_text(json, "detail", span_text(proof->detail));
    json_text(json, "tee", span_text(proof->tee));
    json_text(json, "tcb_status", span_text(proof->tcb_status));
    json_text(json, "measurement", span_text(proof->measurement));
    show_hex(json, "evidence_sha256", proof->evidence_sha256);
    show_hex(json, "key_sha256", proof->key_sha256);
    json_i64(json, "expires", proof->expires);
    json_i64(json, "collateral_expires", proof->collateral_expires);
    json_end_object(json);
}

static void show_one(struct json *json, const struct dossier *dossier)
{
    struct attest_bytes der = {(const uint8_t *)dossier->certificate, dossier->certificate_bytes};
    json_object(json, NULL);
    json_text(json, "pool", span_text(dossier->pool));
    json_i64(json, "judged_at", dossier->judged_at);
    show_hex(json, "policy_sha256", dossier->policy_sha256);
    show_verdict(json, dossier);
    show_pem(json, dossier);
    json_array(json, "quotes");
    (void)attest_evidence_visit(der, show_quote, json);
    json_end_array(json);
    json_end_object(json);
}

/* PEM, with its line ends escaped, and quotes that are part of it, or, where they were packed, of
 * at most as much again for each of four. */
static size_t room_for(const struct dossier *dossier)
{
    return FRAME_BYTES + 8 * base64_bytes(dossier->certificate_bytes);
}

char *dossiers_show(const struct dossiers *dossiers, struct span worker)
{
    const struct dossier *found[DOSSIERS_SHOWN_MAX];
    size_t count = 0;
    size_t room = FRAME_BYTES;
    struct json json;
    for (const struct list *node = dossiers->oldest_first.prev;
         node != &dossiers->oldest_first && count < DOSSIERS_SHOWN_MAX; node = node->prev) {
        const struct dossier *dossier = container_of(node, const struct dossier, node);
        if (!span_is(worker, span_text(dossier->worker)))
            continue;
        found[count++] = dossier;
        room += room_for(dossier);
    }
    if (count == 0)
        return NULL;
    char *text = alloc_zeroed(room);
    json_init(&json, text, room - 1);
    json_object(&json, NULL);
    json_text(&json, "worker", worker);
    json_text(&json, "notice",
              SPAN_OF("This is what the gateway verified on its own connection to the worker. It "
                      "does not authenticate your connection, which ends at the gateway."));
    json_array(&json, "evidence");
    for (size_t i = 0; i < count; ++i)
        show_one(&json, found[i]);
    json_end_array(&json);
    json_end_object(&json);
    text[json_written(&json).len] = '\0';
    return text;
}
