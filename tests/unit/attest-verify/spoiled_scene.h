/* A scene whose collateral document or quote is changed after it was made, as an attacker would:
 * members replaced, texts edited and signed again or not, lists and certificates put in.
 * Owns what it makes until the judgement is over.
 * Never says which verdict is right: a document that cannot be read is COLLATERAL_MALFORMED. One
 * that can is judged twice, as parsed and proven, and the verdict must be the same. */
#ifndef SPOILED_SCENE_H
#define SPOILED_SCENE_H

#include "simulate/simulate_pki.h"
#include "verify_scene.h"

#include <cjson/cJSON.h>

struct spoiled;

/* What a spoiler sees; `other` is a second vendor with the same names and other keys. */
struct spoiler {
    const struct spoiled *scene;
    struct simulate_vendor *vendor;
    const struct simulate_vendor *other;
    const struct simulate_identity *pck;
    cJSON *document;
    struct simulate_bytes *quote;
};

struct spoiled {
    struct scene scene; /* first: judge_with() hands it back */
    void (*spoil)(const struct spoiler *spoiler);
    const char *member, *from, *to; /* for spoilers made of a table */
    size_t at;
    const struct simulate_vendor *other;
};

static inline char *spoiled_text(cJSON *document, const char *member)
{
    char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(document, member));
    ck_assert_msg(text != NULL, "no member %s", member);
    return text;
}

static inline void spoiled_put(cJSON *document, const char *member, const char *text)
{
    cJSON_ReplaceItemInObjectCaseSensitive(document, member, cJSON_CreateString(text));
}

static inline void spoiled_put_hex(cJSON *document, const char *member, const uint8_t *bytes,
                                   size_t len)
{
    struct simulate_bytes hex = {0};
    simulate_put_hex(&hex, bytes, len);
    simulate_put_byte(&hex, 0);
    spoiled_put(document, member, (const char *)hex.ptr);
    simulate_bytes_fini(&hex);
}

/* `crl` is freed. */
static inline void spoiled_put_crl(cJSON *document, const char *member, X509_CRL *crl)
{
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    ck_assert_int_gt(len, 0);
    spoiled_put_hex(document, member, der, (size_t)len);
    OPENSSL_free(der);
    X509_CRL_free(crl);
}

static inline void spoiled_put_chain(cJSON *document, const char *member, X509 *const *certificates,
                                     size_t count)
{
    struct simulate_bytes pem = {0};
    for (size_t i = 0; i < count; ++i)
        simulate_put_pem(&pem, certificates[i]);
    simulate_put_byte(&pem, 0);
    spoiled_put(document, member, (const char *)pem.ptr);
    simulate_bytes_fini(&pem);
}

/* "tcb_info" or "qe_identity" with the signature of `key`. */
static inline void spoiled_sign(cJSON *document, const char *member, EVP_PKEY *key)
{
    char name[64];
    uint8_t signature[64];
    const char *text = spoiled_text(document, member);
    snprintf(name, sizeof name, "%s_signature", member);
    simulate_sign(key, (const uint8_t *)text, strlen(text), signature);
    spoiled_put_hex(document, name, signature, sizeof signature);
}

/* Puts `to` where `from` first stands. */
static inline void spoiled_edit(cJSON *document, const char *member, const char *from,
                                const char *to)
{
    const char *text = spoiled_text(document, member), *place = strstr(text, from);
    ck_assert_msg(place != NULL, "%s: no %s in %s", member, from, text);
    struct simulate_bytes edited = {0};
    simulate_put(&edited, text, (size_t)(place - text));
    simulate_put(&edited, to, strlen(to));
    simulate_put(&edited, place + strlen(from), strlen(place + strlen(from)) + 1);
    spoiled_put(document, member, (const char *)edited.ptr);
    simulate_bytes_fini(&edited);
}

/* The text edited as the scene says, and signed as the vendor would. */
static inline void spoiled_edit_and_sign(const struct spoiler *spoiler)
{
    const struct spoiled *scene = spoiler->scene;
    spoiled_edit(spoiler->document, scene->member, scene->from, scene->to);
    spoiled_sign(spoiler->document, scene->member, spoiler->vendor->signer.key);
}

/* Where the certification data stands: type, length, data to the end. */
static inline size_t spoiled_certification_at(const struct simulate_bytes *quote)
{
    size_t at = quote->len;
    while (memcmp(quote->ptr + at, "-----BEGIN", 10) != 0 ||
           quote->ptr[at - 6] != 5) /* the first of three */
        --at;
    return at - 6;
}

static inline void spoiled_set_le(uint8_t *at, size_t value, size_t len)
{
    for (size_t i = 0; i < len; ++i)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* Other certification data, all lengths to match. */
static inline void spoiled_put_certification(struct simulate_bytes *quote, uint8_t type,
                                             const void *bytes, size_t len)
{
    bool is_framed = quote->ptr[0] >= 4;
    size_t body = quote->ptr[4] == 0x81 ? 584 : 384, at = spoiled_certification_at(quote);
    quote->len = at;
    simulate_put_le(quote, type, 2);
    simulate_put_le(quote, len, 4);
    simulate_put(quote, bytes, len);
    spoiled_set_le(quote->ptr + 48 + body, quote->len - 48 - body - 4, 4);
    if (is_framed)
        spoiled_set_le(quote->ptr + 48 + body + 4 + 130, quote->len - 48 - body - 4 - 134, 4);
}

static inline cJSON *spoiled_document(const struct scene *scene,
                                      const struct simulate_vendor *vendor,
                                      const struct simulate_identity *pck)
{
    struct simulate_collateral_options options = scene->collateral;
    STACK_OF(ASN1_INTEGER) *serials = sk_ASN1_INTEGER_new_null();
    sk_ASN1_INTEGER_push(serials, X509_get_serialNumber(pck->cert));
    if (scene->pck_revoked)
        options.revoked = serials;
    struct simulate_bytes text = simulate_collateral(vendor, &options);
    cJSON *document = cJSON_ParseWithLength((const char *)text.ptr, text.len);
    ck_assert_ptr_nonnull(document);
    sk_ASN1_INTEGER_free(serials);
    simulate_bytes_fini(&text);
    return document;
}

static inline void spoiled_judge_fn(struct scene *scene, const struct attest_request *request,
                                    const struct simulate_vendor *vendor,
                                    const struct simulate_identity *pck)
{
    struct spoiled *spoiled = (struct spoiled *)scene;
    struct simulate_vendor own = *vendor; /* a spoiler may put other certificates in */
    cJSON *document = spoiled_document(scene, vendor, pck);
    struct simulate_bytes quote = simulate_quote(vendor, pck, &scene->quote);
    struct spoiler spoiler = {.scene = spoiled,
                              .vendor = &own,
                              .other = spoiled->other,
                              .pck = pck,
                              .document = document,
                              .quote = &quote};
    if (spoiled->spoil != NULL)
        spoiled->spoil(&spoiler);
    char *text = cJSON_PrintUnformatted(document), error[256] = "";
    struct attest_collateral *collateral = attest_collateral_parse(
        (struct attest_bytes){.ptr = (const uint8_t *)text, .len = strlen(text)}, error,
        sizeof error);
    const struct attest_collateral *list[] = {collateral};
    struct attest_request again = *request;
    again.collateral = list;
    again.collateral_count = 1;
    memset(&scene->verdict, 0, sizeof scene->verdict);
    if (collateral != NULL) {
        struct attest_verdict proven;
        attest_verify_quote(&again, bytes_of(&quote), &scene->verdict);
        attest_collateral_prove(collateral);
        attest_verify_quote(&again, bytes_of(&quote), &proven);
        ck_assert_str_eq(attest_reason_word(proven.reason),
                         attest_reason_word(scene->verdict.reason));
        ck_assert_int_eq(proven.expires, scene->verdict.expires);
    } else {
        scene->verdict.reason = ATTEST_COLLATERAL_MALFORMED;
        snprintf(scene->verdict.detail, sizeof scene->verdict.detail, "%s", error);
    }
    attest_collateral_free(collateral);
    cJSON_free(text);
    cJSON_Delete(document);
    simulate_bytes_fini(&quote);
}

static inline void spoiled_set(struct spoiled *spoiled, enum attest_tee tee,
                               void (*spoil)(const struct spoiler *spoiler))
{
    memset(spoiled, 0, sizeof *spoiled);
    set_scene(&spoiled->scene, tee);
    spoiled->spoil = spoil;
}

static inline enum attest_reason spoiled_judge(struct spoiled *spoiled)
{
    struct simulate_vendor other;
    struct simulate_vendor_options sound = {.now = NOW};
    simulate_vendor_init(&other, &sound);
    spoiled->other = &other;
    enum attest_reason reason = judge_with(&spoiled->scene, spoiled_judge_fn);
    simulate_vendor_fini(&other);
    return reason;
}

/* The reason, with the detail when it is another. */
#define spoiled_expect(spoiled, expected, what)                                     \
    do {                                                                            \
        enum attest_reason reason_ = spoiled_judge(spoiled);                        \
        ck_assert_msg(reason_ == (expected), "%s: %s (%s), not %s", what,           \
                      attest_reason_word(reason_), (spoiled)->scene.verdict.detail, \
                      attest_reason_word(expected));                                \
    } while (0)

#endif
