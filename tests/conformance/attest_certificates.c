/* Genuine RA-TLS certificates, all of the index; and the same with another key, without evidence,
 * or with evidence twice. */
#include "attest_case.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char dice[] = "2.23.133.5.4.9";
static const char gramine[] = "0.6.9.42.840.113741.1337.6";

struct bench {
    const char *folder;
    const struct attest_policy *policy;
    int compared, wrong;
};

static void expect(struct bench *bench, enum attest_reason reason, const char *what,
                   const struct attest_verdict *verdict)
{
    bool same = verdict->reason == reason;
    ++bench->compared;
    bench->wrong += !same;
    printf("%s %s: %s%s%s\n", same ? "ok " : "BAD", what, attest_reason_word(verdict->reason),
           same ? "" : ", not ", same ? "" : attest_reason_word(reason));
}

static void verify(struct bench *bench, X509 *certificate, const struct attest_case *one,
                   struct attest_verdict *verdict)
{
    struct attest_roots *roots = attest_roots_builtin();
    const struct attest_collateral *collateral = one->collateral;
    struct attest_request request = {.roots = roots,
                                     .collateral = &collateral,
                                     .collateral_count = 1,
                                     .policy = bench->policy,
                                     .now = one->verify_time};
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    attest_verify_certificate(&request, (struct attest_bytes){.ptr = der, .len = (size_t)len},
                              verdict);
    OPENSSL_free(der);
    attest_roots_free(roots);
}

static X509 *load(struct bench *bench, const char *name)
{
    size_t len;
    uint8_t *der = attest_vector_read(bench->folder, name, &len);
    const unsigned char *end = der;
    X509 *certificate = d2i_X509(NULL, &end, (long)len);
    if (certificate == NULL)
        exit(EXIT_FAILURE);
    free(der);
    return certificate;
}

static int find_extension(X509 *certificate, const char *text)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(text, 1);
    int at = X509_get_ext_by_OBJ(certificate, oid, -1);
    ASN1_OBJECT_free(oid);
    if (at < 0)
        exit(EXIT_FAILURE);
    return at;
}

static void remove_extension(X509 *certificate, const char *text)
{
    X509_EXTENSION_free(X509_delete_ext(certificate, find_extension(certificate, text)));
}

static void repeat_extension(X509 *certificate, const char *text)
{
    X509_EXTENSION *extension = X509_get_ext(certificate, find_extension(certificate, text));
    if (X509_add_ext(certificate, extension, -1) != 1)
        exit(EXIT_FAILURE);
}

static void change_byte(X509 *certificate, const char *text, long from_end)
{
    X509_EXTENSION *extension = X509_delete_ext(certificate, find_extension(certificate, text));
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_dup(X509_EXTENSION_get_data(extension));
    int len = ASN1_STRING_length(value);
    unsigned char *bytes = OPENSSL_memdup(ASN1_STRING_get0_data(value), (size_t)len);
    bytes[len - 1 - from_end] ^= 1;
    ASN1_OCTET_STRING_set(value, bytes, len);
    X509_EXTENSION_set_data(extension, value);
    X509_add_ext(certificate, extension, -1);
    OPENSSL_free(bytes);
    ASN1_OCTET_STRING_free(value);
    X509_EXTENSION_free(extension);
}

static void use_other_key(X509 *certificate)
{
    EVP_PKEY *key = EVP_EC_gen("P-384");
    if (key == NULL || X509_set_pubkey(certificate, key) != 1)
        exit(EXIT_FAILURE);
    EVP_PKEY_free(key);
}

/* What is expected of each certificate of the index, and whose collateral it is judged with. */
static const struct expectation {
    const char *der, *collateral;
    enum attest_reason reason;
} expectations[] = {
    {"ratls/gramine-cert.der", "sgxv3-00606a000000-5cfdb51d-e17-8fdd", ATTEST_TRUSTED},
    {"ratls/rats-tls-cert-sample.der", "sgxv3-00606a000000-46f71613-e17-8fdd", ATTEST_TRUSTED},
    {"ratls/rats-tls-cert-openssl-sample.der", "sgxv3-00606a000000-d72dfe8b-e17-8fdd",
     ATTEST_TRUSTED},
    /* Everything holds but its life, which ended before this collateral was issued. */
    {"ratls/rats-tls-cert.der", "sgxv3-00606a000000-45ec124b-e17-8fdd", ATTEST_CERTIFICATE_EXPIRED},
    /* The key is bound; nobody has collateral of its platform. */
    {"ratls/intel-sgxsdk-cert.der", "sgxv3-00606a000000-5cfdb51d-e17-8fdd",
     ATTEST_COLLATERAL_MISSING},
    /* The key is bound; the leaf of the quote's chain is damaged: no certificate at all. */
    {"ratls/sgx_cert_ec_bad.der", "sgxv3-00606a000000-5cfdb51d-e17-8fdd", ATTEST_PCK_MALFORMED},
    {"ratls/sgx_cert_rsa_bad.der", "sgxv3-00606a000000-5cfdb51d-e17-8fdd",
     ATTEST_COLLATERAL_MISSING},
};

static const struct expectation *expectation_of(const char *der)
{
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; ++i)
        if (strcmp(expectations[i].der, der) == 0)
            return &expectations[i];
    fprintf(stderr, "%s: a certificate of which nothing is expected\n", der);
    exit(EXIT_FAILURE);
}

/* As it is; and with another key, which none of the conventions may let pass. */
static void judge_one(struct bench *bench, const struct expectation *expected)
{
    struct attest_verdict verdict;
    struct attest_case one;
    char what[256];
    attest_case_open(&one, bench->folder, expected->collateral);
    X509 *certificate = load(bench, expected->der);
    verify(bench, certificate, &one, &verdict);
    expect(bench, expected->reason, expected->der, &verdict);
    use_other_key(certificate);
    if (i2d_re_X509_tbs(certificate, NULL) <= 0)
        exit(EXIT_FAILURE);
    verify(bench, certificate, &one, &verdict);
    snprintf(what, sizeof what, "%s with another key", expected->der);
    expect(bench, ATTEST_KEY_NOT_BOUND, what, &verdict);
    X509_free(certificate);
    attest_case_close(&one);
}

static void judge_index(struct bench *bench)
{
    cJSON *index = attest_vector_read_json(bench->folder, "ratls/index.json");
    const cJSON *item;
    cJSON_ArrayForEach(item, index)
        judge_one(bench, expectation_of(cJSON_GetStringValue(cJSON_GetObjectItem(item, "der"))));
    cJSON_Delete(index);
}

enum change {
    OTHER_KEY,
    NO_DICE,
    NO_GRAMINE,
    NEITHER,
    DICE_TWICE,
    CLAIMS,
    DICE_QUOTE,
    GRAMINE_QUOTE
};

static void apply(X509 *certificate, enum change change)
{
    switch (change) {
    case OTHER_KEY:
        use_other_key(certificate);
        break;
    case NO_DICE:
        remove_extension(certificate, dice);
        break;
    case NO_GRAMINE:
        remove_extension(certificate, gramine);
        break;
    case NEITHER:
        remove_extension(certificate, dice);
        remove_extension(certificate, gramine);
        break;
    case DICE_TWICE:
        repeat_extension(certificate, dice);
        break;
    case CLAIMS:
        change_byte(certificate, dice, 0);
        break;
    case DICE_QUOTE:
        change_byte(certificate, dice, 4000);
        break;
    case GRAMINE_QUOTE:
        change_byte(certificate, gramine, 3969);
        break;
    }
}

/* Gramine's certificate has both conventions, with two quotes of one enclave: both must hold. */
static void judge_changed(struct bench *bench, const struct attest_case *one)
{
    static const struct {
        enum change change;
        enum attest_reason reason;
        const char *what;
    } rows[] = {
        {OTHER_KEY, ATTEST_KEY_NOT_BOUND, "Gramine's certificate with another key"},
        {NO_DICE, ATTEST_TRUSTED, "Gramine's certificate with the older evidence alone"},
        {NO_GRAMINE, ATTEST_TRUSTED, "Gramine's certificate with the DICE evidence alone"},
        {NEITHER, ATTEST_NO_EVIDENCE, "Gramine's certificate without evidence"},
        {DICE_TWICE, ATTEST_DUPLICATE_EXTENSION, "Gramine's certificate with evidence twice"},
        {CLAIMS, ATTEST_KEY_NOT_BOUND, "Gramine's certificate with a bit of the claims flipped"},
        {DICE_QUOTE, ATTEST_QE_SIGNATURE, "Gramine's certificate, a bit of the DICE quote flipped"},
        {GRAMINE_QUOTE, ATTEST_QE_SIGNATURE,
         "Gramine's certificate, a bit of the older quote flipped"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        struct attest_verdict verdict;
        X509 *certificate = load(bench, "ratls/gramine-cert.der");
        apply(certificate, rows[i].change);
        if (i2d_re_X509_tbs(certificate, NULL) <= 0) /* else the old encoding is kept */
            exit(EXIT_FAILURE);
        verify(bench, certificate, one, &verdict);
        expect(bench, rows[i].reason, rows[i].what, &verdict);
        X509_free(certificate);
    }
}

int main(void)
{
    char path[4096];
    const char *folder = attest_vectors_folder(path, sizeof path, "attest_certificates");
    if (folder == NULL)
        return EXIT_SUCCESS;
    struct attest_policy *policy = attest_case_policy(true);
    struct bench bench = {.folder = folder, .policy = policy};
    judge_index(&bench);
    struct attest_case one;
    attest_case_open(&one, folder, "sgxv3-00606a000000-5cfdb51d-e17-8fdd");
    judge_changed(&bench, &one);
    attest_case_close(&one);
    attest_policy_free(policy);
    printf("attest_certificates: %d compared, %d wrong\n", bench.compared, bench.wrong);
    return bench.wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
