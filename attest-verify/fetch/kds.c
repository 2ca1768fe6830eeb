#include "fetch/kds.h"

#include "bytes/hex.h"
#include "bytes/json.h"
#include "collateral/snp_chain.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURIN_HWID_BYTES = 8 };

const char *const kds_words[KDS_PARTS] = {
    [KDS_LIST] = "AMD CRL", [KDS_CHAIN] = "AMD certificate chain", [KDS_LEAF] = "VCEK"};

size_t kds_part_count(const struct attest_platform *platform)
{
    return platform->brings_leaf ? KDS_LEAF : KDS_PARTS;
}

static enum snp_product product_of(const struct attest_platform *platform)
{
    enum snp_product product = 0;
    while (product < SNP_PRODUCTS && strcmp(platform->product, av_snp_product_name(product)) != 0)
        ++product;
    return product;
}

static size_t hwid_bytes(const struct attest_platform *platform)
{
    return product_of(platform) == SNP_TURIN ? TURIN_HWID_BYTES : sizeof platform->chip_id;
}

/* The TCB as a query: each part a decimal number. */
static void put_query(const struct attest_platform *platform, char *out, size_t size)
{
    struct attest_bytes bytes = {.ptr = platform->tcb, .len = sizeof platform->tcb};
    struct snp_tcb tcb;
    enum snp_product product = product_of(platform);
    if (!av_snp_tcb_read(product, bytes, &tcb))
        tcb = (struct snp_tcb){{0}}; /* the platform's tcb was read before, so this is one */
    int len = product == SNP_TURIN ? snprintf(out, size, "fmcSPL=%u&", tcb.svn[SNP_FMC]) : 0;
    snprintf(out + len, size - (size_t)len, "blSPL=%u&teeSPL=%u&snpSPL=%u&ucodeSPL=%u",
             tcb.svn[SNP_BOOT_LOADER], tcb.svn[SNP_TEE], tcb.svn[SNP_FIRMWARE],
             tcb.svn[SNP_MICROCODE]);
}

void kds_url(const struct endpoint *endpoint, const struct attest_platform *platform,
             enum kds_part part, char url[ENDPOINT_URL_BYTES])
{
    char hwid[2 * sizeof platform->chip_id + 1], query[96];
    const char *kind = platform->vlek ? "vlek" : "vcek";
    if (part == KDS_LEAF) {
        av_hex_encode(platform->chip_id, hwid_bytes(platform), hwid);
        put_query(platform, query, sizeof query);
        snprintf(url, ENDPOINT_URL_BYTES, "%s/%s/v1/%s/%s?%s", endpoint->base, kind,
                 platform->product, hwid, query);
        return;
    }
    snprintf(url, ENDPOINT_URL_BYTES, "%s/%s/v1/%s/%s", endpoint->base, kind, platform->product,
             part == KDS_CHAIN ? "cert_chain" : "crl");
}

void kds_name(const struct attest_platform *platform, bool with_leaf, char name[KDS_NAME_BYTES])
{
    char hwid[2 * sizeof platform->chip_id + 1], tcb[2 * sizeof platform->tcb + 1];
    char product[sizeof platform->product + 1] = "";
    for (size_t i = 0; i < sizeof platform->product && platform->product[i] != '\0'; ++i)
        product[i] = (char)tolower((unsigned char)platform->product[i]);
    int len = snprintf(name, KDS_NAME_BYTES, "%s-%s", product, platform->vlek ? "vlek" : "vcek");
    if (!with_leaf || platform->brings_leaf)
        return;
    av_hex_encode(platform->chip_id, hwid_bytes(platform), hwid);
    av_hex_encode(platform->tcb, sizeof platform->tcb, tcb);
    snprintf(name + len, KDS_NAME_BYTES - (size_t)len, "-%s-%s", hwid, tcb);
}

/* --- the document --- */

static char *fail(char *error, size_t error_size, enum kds_part part, const char *wrong)
{
    snprintf(error, error_size, "%s: %s", kds_words[part], wrong);
    return NULL;
}

static bool add_certificate(cJSON *document, const char *name, X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    bool ok = false;
    if (bio != NULL && PEM_write_bio_X509(bio, certificate) == 1 && BIO_write(bio, "", 1) == 1 &&
        BIO_get_mem_data(bio, &text) > 0)
        ok = cJSON_AddStringToObject(document, name, text) != NULL;
    BIO_free(bio);
    return ok;
}

/* ASK or ASVK, then ARK, as PEM and nothing else. */
static bool add_chain(cJSON *document, const struct reply *reply)
{
    struct cursor cursor = av_cursor_over((struct attest_bytes){reply->body, reply->len});
    X509 *ica = av_pem_take_certificate(&cursor, NULL);
    X509 *ark = ica != NULL ? av_pem_take_certificate(&cursor, NULL) : NULL;
    bool ok = ark != NULL && av_pem_is_spent(&cursor) && add_certificate(document, "ica", ica) &&
              add_certificate(document, "ark", ark);
    X509_free(ica);
    X509_free(ark);
    return ok;
}

static bool add_leaf(cJSON *document, const struct reply *reply)
{
    X509 *leaf = av_snp_certificate_parse(NULL, (struct attest_bytes){reply->body, reply->len});
    bool ok = leaf != NULL && add_certificate(document, "leaf", leaf);
    X509_free(leaf);
    return ok;
}

static bool add_list(cJSON *document, const struct reply *reply)
{
    char *hex = malloc(2 * reply->len + 1);
    if (hex != NULL)
        av_hex_encode(reply->body, reply->len, hex);
    bool ok = hex != NULL && cJSON_AddStringToObject(document, "crl", hex) != NULL;
    free(hex);
    return ok;
}

static char *print(cJSON *document)
{
    char *text = document != NULL ? cJSON_PrintUnformatted(document) : NULL;
    cJSON_Delete(document);
    return text;
}

/* Frees `document`. */
static char *put_together(cJSON *document, const struct attest_platform *platform,
                          const struct reply replies[KDS_PARTS], char *error, size_t error_size)
{
    static const struct {
        bool (*add)(cJSON *document, const struct reply *reply);
        const char *wrong;
    } parts[KDS_PARTS] = {[KDS_LIST] = {add_list, "out of memory"},
                          [KDS_CHAIN] = {add_chain, "not two PEM certificates"},
                          [KDS_LEAF] = {add_leaf, "not one certificate"}};
    bool ok = document != NULL && cJSON_AddStringToObject(document, "tee", "snp") != NULL &&
              cJSON_AddStringToObject(document, "product", platform->product) != NULL;
    const char *wrong = ok ? NULL : "out of memory";
    size_t part = 0;
    for (; wrong == NULL && part < kds_part_count(platform); ++part)
        if (!parts[part].add(document, &replies[part]))
            wrong = parts[part].wrong;
    if (wrong == NULL)
        return print(document);
    cJSON_Delete(document);
    return fail(error, error_size, part > 0 ? (enum kds_part)(part - 1) : KDS_LIST, wrong);
}

char *kds_document(const struct attest_platform *platform, const struct reply replies[KDS_PARTS],
                   char *error, size_t error_size)
{
    ERR_set_mark(); /* a broken certificate leaves OpenSSL's errors behind */
    char *text = put_together(cJSON_CreateObject(), platform, replies, error, error_size);
    ERR_pop_to_mark();
    return text;
}

char *kds_renewed(const char *json, size_t len, const struct reply *list)
{
    char wrong[96];
    cJSON *document = av_json_parse((struct attest_bytes){(const uint8_t *)json, len},
                                    REPLY_BODY_BYTES_MAX, wrong, sizeof wrong);
    if (document == NULL)
        return NULL;
    cJSON_DeleteItemFromObjectCaseSensitive(document, "crl");
    if (add_list(document, list))
        return print(document);
    cJSON_Delete(document);
    return NULL;
}
