/* One verification of a SEV-SNP report under an AMD made up in memory; a test may spoil any part.
 * Owns the keys from snp_keys_init() on; certificates and list are made anew for each judgement.
 * Never spoils anything by itself: a scene as snp_scene_set() leaves it is trusted. */
#ifndef SNP_SCENE_H
#define SNP_SCENE_H

#include "formats/snp_report.h"

#include "../checks.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum { NOW = 1750000000, DAY = 86400, EXTENSIONS_MAX = 16, EXTENSION_BYTES_MAX = 80 };

/* Made once: RSA takes its time, and a test that has its own process inherits them. */
struct snp_keys {
    EVP_PKEY *ark, *other_ark, *ica, *chip, *other_chip, *weak, *p256;
};
static struct snp_keys keys;

struct snp_extension {
    const char *oid;
    uint8_t bytes[EXTENSION_BYTES_MAX];
    size_t len;
    bool is_critical;
};

enum snp_list {
    LIST_SOUND,
    LIST_NONE,
    LIST_REVOKES,
    LIST_OTHER_KEY,
    LIST_OTHER_NAME,
    LIST_BROKEN,
    LIST_PKCS1,
    LIST_BARE,
    LIST_OTHER_ID,
    LIST_CRITICAL
};

struct snp_scene {
    uint8_t report[SNP_REPORT_BYTES];
    size_t report_len;
    bool is_unsigned; /* the signature is left as the test has set it */
    const char *ark_name, *ica_name, *leaf_name;
    struct snp_extension extensions[EXTENSIONS_MAX];
    size_t extension_count;
    EVP_PKEY *ark_key, *ica_key, *leaf_key, *report_key, *pinned_key;
    int salt; /* of the leaf's signature */
    int64_t leaf_from, leaf_to, ica_from, ica_to, ark_from, ark_to, list_from, list_to;
    enum snp_list list;
    bool no_leaf, no_ica, no_ark, leaf_is_v1;
    const char *policy; /* NULL: none at all */
    int64_t now;
    struct attest_verdict verdict;
};

#define SNP_MEASUREMENT \
    "4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d"
#define SNP_ACCEPT "\"accept\":[{\"tee\":\"snp\",\"measurement\":[\"" SNP_MEASUREMENT "\"]}]"
#define SNP_POLICY "{" SNP_ACCEPT "}"
#define AMD_ARC    "1.3.6.1.4.1.3704.1."

static inline void snp_keys_init(void)
{
    keys = (struct snp_keys){.ark = EVP_RSA_gen(2048),
                             .other_ark = EVP_RSA_gen(2048),
                             .ica = EVP_RSA_gen(2048),
                             .chip = EVP_EC_gen("P-384"),
                             .other_chip = EVP_EC_gen("P-384"),
                             .weak = EVP_RSA_gen(1024),
                             .p256 = EVP_EC_gen("P-256")};
}

static inline void snp_keys_fini(void)
{
    EVP_PKEY *all[] = {keys.ark,        keys.other_ark, keys.ica, keys.chip,
                       keys.other_chip, keys.weak,      keys.p256};
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
        EVP_PKEY_free(all[i]);
}

static inline void snp_add_extension(struct snp_scene *scene, const char *oid, const void *bytes,
                                     size_t len)
{
    struct snp_extension *extension = &scene->extensions[scene->extension_count++];
    extension->oid = oid;
    extension->len = len;
    memcpy(extension->bytes, bytes, len);
}

static inline void snp_add_integer(struct snp_scene *scene, const char *oid, uint8_t value)
{
    const uint8_t small[] = {2, 1, value}, large[] = {2, 2, 0, value};
    snp_add_extension(scene, oid, value < 0x80 ? small : large, value < 0x80 ? 3 : 4);
}

static inline struct snp_extension *snp_extension(struct snp_scene *scene, const char *oid)
{
    for (size_t i = 0; i < scene->extension_count; ++i)
        if (strcmp(scene->extensions[i].oid, oid) == 0)
            return &scene->extensions[i];
    ck_abort_msg("no extension %s", oid);
    return NULL;
}

static inline void snp_drop_extension(struct snp_scene *scene, const char *oid)
{
    struct snp_extension *extension = snp_extension(scene, oid);
    *extension = scene->extensions[--scene->extension_count];
}

static inline void snp_put_tcb(struct snp_scene *scene, const char *bytes)
{
    static const size_t places[] = {0x38, 0x180, 0x1e0, 0x1f0};
    for (size_t i = 0; i < sizeof places / sizeof *places; ++i)
        memcpy(scene->report + places[i], bytes, 8);
}

/* A Milan of version 3 under a VCEK. */
static inline void snp_scene_set(struct snp_scene *scene)
{
    *scene = (struct snp_scene){.report_len = SNP_REPORT_BYTES,
                                .ark_name = "ARK-Milan",
                                .ica_name = "SEV-Milan",
                                .leaf_name = "SEV-VCEK",
                                .ark_key = keys.ark,
                                .ica_key = keys.ica,
                                .leaf_key = keys.chip,
                                .report_key = keys.chip,
                                .pinned_key = keys.ark,
                                .salt = 48,
                                .leaf_from = NOW - DAY,
                                .leaf_to = NOW + 300 * DAY,
                                .ica_from = NOW - 9 * DAY,
                                .ica_to = NOW + 400 * DAY,
                                .ark_from = NOW - 9 * DAY,
                                .ark_to = NOW + 900 * DAY,
                                .list_from = NOW - DAY,
                                .list_to = NOW + 100 * DAY,
                                .policy = SNP_POLICY,
                                .now = NOW};
    uint8_t *report = scene->report;
    report[0] = 3;
    report[0x0a] = 3; /* SMT, and the bit that is always set */
    report[0x34] = 1;
    report[0x40] = 0x25;
    memset(report + 0x50, 0xdd, 64);
    memset(report + 0x90, 0x4d, 48);
    memcpy(report + 0x188, "\x19\x01\x01", 3);
    memset(report + 0x1a0, 0xc1, 64);
    memcpy(report + 0x1e8, "\x37\x37\x01\x00\x37\x37\x01", 7);
    snp_put_tcb(scene, "\x04\x00\x00\x00\x00\x00\x18\xdb");
    snp_add_integer(scene, AMD_ARC "1", 0);
    snp_add_extension(scene, AMD_ARC "2", "\x16\x08Milan-B0", 10);
    snp_add_integer(scene, AMD_ARC "3.1", 4);
    for (const char *const *oid = (const char *const[]){AMD_ARC "3.2", AMD_ARC "3.4", AMD_ARC "3.5",
                                                        AMD_ARC "3.6", AMD_ARC "3.7", NULL};
         *oid != NULL; ++oid)
        snp_add_integer(scene, *oid, 0);
    snp_add_integer(scene, AMD_ARC "3.3", 0x18);
    snp_add_integer(scene, AMD_ARC "3.8", 0xdb);
    snp_add_extension(scene, AMD_ARC "4", report + 0x1a0, 64);
}

/* The same chip under its cloud's key. */
static inline void snp_scene_set_vlek(struct snp_scene *scene)
{
    snp_scene_set(scene);
    scene->ica_name = "SEV-VLEK-Milan";
    scene->leaf_name = "SEV-VLEK";
    scene->report[0x48] = 1 << 2;
    snp_drop_extension(scene, AMD_ARC "4");
    snp_add_extension(scene, AMD_ARC "5",
                      "\x16\x05"
                      "cloud",
                      7);
}

static inline void snp_scene_set_turin(struct snp_scene *scene)
{
    snp_scene_set(scene);
    scene->ark_name = "ARK-Turin";
    scene->ica_name = "SEV-Turin";
    scene->report[0] = 5;
    memcpy(scene->report + 0x188, "\x1a\x02\x01", 3);
    memset(scene->report + 0x1a0 + 8, 0, 56);
    snp_put_tcb(scene, "\x02\x04\x00\x18\x00\x00\x00\xdb");
    snp_drop_extension(scene, AMD_ARC "3.4");
    snp_add_integer(scene, AMD_ARC "3.9", 2);
    snp_extension(scene, AMD_ARC "4")->len = 8;
    snp_drop_extension(scene, AMD_ARC "2");
    snp_add_extension(scene, AMD_ARC "2", "\x16\x05Turin", 7);
}

static inline void snp_scene_set_genoa(struct snp_scene *scene)
{
    snp_scene_set(scene);
    scene->ark_name = "ARK-Genoa";
    scene->ica_name = "SEV-Genoa";
    scene->report[0x189] = 0x11;
    snp_drop_extension(scene, AMD_ARC "2");
    snp_add_extension(scene, AMD_ARC "2", "\x16\x05Genoa", 7);
}

static inline X509_NAME *snp_name(const char *common_name)
{
    X509_NAME *name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const uint8_t *)"Made up", -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)common_name, -1, -1, 0);
    return name;
}

/* RSA-PSS with SHA-384, or plain PKCS #1 when the salt is negative. */
static inline EVP_MD_CTX *snp_signer(EVP_PKEY *key, int salt)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options;
    ck_assert_int_eq(EVP_DigestSignInit(md, &options, EVP_sha384(), NULL, key), 1);
    if (salt >= 0) {
        EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt);
    }
    return md;
}

static inline X509 *snp_certificate(const char *name, EVP_PKEY *key, const char *issuer,
                                    long serial, int64_t from, int64_t to)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = snp_name(name), *above = snp_name(issuer);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    X509_set_subject_name(certificate, subject);
    X509_set_issuer_name(certificate, above);
    ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)from);
    ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)to);
    X509_set_pubkey(certificate, key);
    X509_NAME_free(subject);
    X509_NAME_free(above);
    return certificate;
}

static inline void snp_sign(X509 *certificate, EVP_PKEY *key, int salt)
{
    EVP_MD_CTX *md = snp_signer(key, salt);
    ck_assert_int_gt(X509_sign_ctx(certificate, md), 0);
    EVP_MD_CTX_free(md);
}

/* What a CA has; `issuer` is itself for the root. */
static inline void snp_make_ca(X509 *certificate, X509 *issuer, const char *usage)
{
    static const int nids[] = {NID_basic_constraints, NID_key_usage, NID_subject_key_identifier,
                               NID_authority_key_identifier};
    const char *values[] = {"critical,CA:TRUE", usage, "hash", "keyid"};
    for (size_t i = 0; i < (certificate == issuer ? 3 : 4); ++i) {
        X509V3_CTX made;
        X509V3_set_ctx(&made, issuer, certificate, NULL, NULL, 0);
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &made, nids[i], values[i]);
        ck_assert_ptr_nonnull(extension);
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }
}

static inline X509 *snp_make_ark(const struct snp_scene *scene, EVP_PKEY *key)
{
    X509 *ark =
        snp_certificate(scene->ark_name, key, scene->ark_name, 1, scene->ark_from, scene->ark_to);
    snp_make_ca(ark, ark, "critical,keyCertSign,cRLSign");
    snp_sign(ark, key, 48);
    return ark;
}

static inline X509 *snp_make_leaf(const struct snp_scene *scene)
{
    X509 *leaf = snp_certificate(scene->leaf_name, scene->leaf_key, scene->ica_name, 0,
                                 scene->leaf_from, scene->leaf_to);
    for (size_t i = 0; i < scene->extension_count; ++i) {
        const struct snp_extension *from = &scene->extensions[i];
        ASN1_OBJECT *oid = OBJ_txt2obj(from->oid, 1);
        ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
        ASN1_OCTET_STRING_set(value, from->bytes, (int)from->len);
        X509_EXTENSION *extension =
            X509_EXTENSION_create_by_OBJ(NULL, oid, from->is_critical, value);
        X509_add_ext(leaf, extension, -1);
        X509_EXTENSION_free(extension);
        ASN1_OCTET_STRING_free(value);
        ASN1_OBJECT_free(oid);
    }
    if (scene->leaf_is_v1)
        X509_set_version(leaf, 0);
    snp_sign(leaf, scene->ica_key, scene->salt);
    return leaf;
}

static inline X509_CRL *snp_make_list(const struct snp_scene *scene, X509 *ark, X509 *ica)
{
    EVP_PKEY *key = scene->list == LIST_OTHER_KEY ? keys.other_ark : scene->ark_key;
    X509 *named = scene->list == LIST_OTHER_KEY ? snp_make_ark(scene, key) : ark;
    X509_NAME *name = snp_name(scene->list == LIST_OTHER_NAME ? "ARK-Genoa" : scene->ark_name);
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)scene->list_from);
    ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)scene->list_to);
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, name);
    X509_CRL_set1_lastUpdate(crl, from);
    X509_CRL_set1_nextUpdate(crl, to);
    if (scene->list == LIST_REVOKES) {
        X509_REVOKED *revoked = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(revoked, X509_get_serialNumber(ica));
        X509_REVOKED_set_revocationDate(revoked, from);
        X509_CRL_add0_revoked(crl, revoked);
    }
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_INTEGER_set(number, 7);
    if (scene->list != LIST_BARE)
        X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, scene->list == LIST_CRITICAL, 0);
    X509V3_CTX made;
    X509V3_set_ctx(&made, scene->list == LIST_OTHER_ID ? ica : named, NULL, NULL, crl, 0);
    X509_EXTENSION *id = X509V3_EXT_conf_nid(NULL, &made, NID_authority_key_identifier, "keyid");
    if (scene->list != LIST_BARE)
        X509_CRL_add_ext(crl, id, -1);
    EVP_MD_CTX *md = snp_signer(scene->list == LIST_BROKEN ? keys.other_ark : key,
                                scene->list == LIST_PKCS1 ? -1 : 48);
    ck_assert_int_gt(X509_CRL_sign_ctx(crl, md), 0);
    EVP_MD_CTX_free(md);
    X509_EXTENSION_free(id);
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    X509_NAME_free(name);
    if (named != ark)
        X509_free(named);
    return crl;
}

static inline void snp_sign_report(struct snp_scene *scene)
{
    unsigned char der[256];
    const unsigned char *at = der;
    size_t len = sizeof der;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    ck_assert_int_eq(EVP_DigestSignInit(md, NULL, EVP_sha384(), NULL, scene->report_key), 1);
    ck_assert_int_eq(EVP_DigestSign(md, der, &len, scene->report, SNP_SIGNED_BYTES), 1);
    EVP_MD_CTX_free(md);
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)len);
    BN_bn2lebinpad(ECDSA_SIG_get0_r(pair), scene->report + 0x2a0, 72);
    BN_bn2lebinpad(ECDSA_SIG_get0_s(pair), scene->report + 0x2e8, 72);
    ECDSA_SIG_free(pair);
}

static inline struct attest_roots *snp_roots(const struct snp_scene *scene)
{
    char error[128], *pem;
    X509 *ark = snp_make_ark(scene, scene->pinned_key);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, ark);
    long len = BIO_get_mem_data(bio, &pem);
    struct attest_roots *roots = attest_roots_from_pem(
        (struct attest_bytes){.ptr = (uint8_t *)pem, .len = (size_t)len}, error, sizeof error);
    ck_assert_msg(roots != NULL, "%s", error);
    BIO_free(bio);
    X509_free(ark);
    return roots;
}

static inline struct attest_bytes snp_der(X509 *certificate, bool is_absent)
{
    unsigned char *der = NULL;
    int len = is_absent ? 0 : i2d_X509(certificate, &der);
    return (struct attest_bytes){.ptr = der, .len = (size_t)len};
}

static inline enum attest_reason snp_judge(struct snp_scene *scene)
{
    char error[256];
    unsigned char *list = NULL;
    if (!scene->is_unsigned)
        snp_sign_report(scene);
    X509 *ark = snp_make_ark(scene, scene->ark_key), *leaf = snp_make_leaf(scene);
    X509 *ica = snp_certificate(scene->ica_name, scene->ica_key, scene->ark_name, 2,
                                scene->ica_from, scene->ica_to);
    snp_make_ca(ica, ark, "critical,keyCertSign");
    snp_sign(ica, scene->ark_key, 48);
    X509_CRL *crl = snp_make_list(scene, ark, ica);
    int list_len = scene->list == LIST_NONE ? 0 : i2d_X509_CRL(crl, &list);
    struct attest_snp_endorsements endorsements = {.leaf = snp_der(leaf, scene->no_leaf),
                                                   .ica = snp_der(ica, scene->no_ica),
                                                   .ark = snp_der(ark, scene->no_ark),
                                                   .crl = {.ptr = list, .len = (size_t)list_len}};
    struct attest_bytes policy_text = {.ptr = (const uint8_t *)scene->policy,
                                       .len = scene->policy != NULL ? strlen(scene->policy) : 0};
    struct attest_policy *policy =
        scene->policy != NULL ? attest_policy_parse(policy_text, error, sizeof error) : NULL;
    ck_assert_msg(scene->policy == NULL || policy != NULL, "%s", error);
    struct attest_roots *roots = snp_roots(scene);
    struct attest_request request = {.roots = roots, .policy = policy, .now = scene->now};
    struct attest_bytes report = {.ptr = scene->report, .len = scene->report_len};
    attest_verify_report(&request, report, &endorsements, &scene->verdict);
    attest_roots_free(roots);
    attest_policy_free(policy);
    OPENSSL_free((void *)endorsements.leaf.ptr);
    OPENSSL_free((void *)endorsements.ica.ptr);
    OPENSSL_free((void *)endorsements.ark.ptr);
    OPENSSL_free(list);
    X509_CRL_free(crl);
    X509_free(ica);
    X509_free(leaf);
    X509_free(ark);
    return scene->verdict.reason;
}

/* The reason, with the detail when it is another. */
#define snp_expect(scene, expected)                                                               \
    do {                                                                                          \
        enum attest_reason reason_ = snp_judge(scene);                                            \
        ck_assert_msg(reason_ == (expected), "%s instead of %s: %s", attest_reason_word(reason_), \
                      attest_reason_word(expected), (scene)->verdict.detail);                     \
    } while (0)

#endif
