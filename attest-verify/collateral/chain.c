#include "collateral/chain.h"

#include "bytes/crypto.h"
#include "bytes/moment.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum { RSA_BITS_MIN = 2048 };

struct rules {
    const char *word;
    size_t count;
    const char *names[CHAIN_CERTIFICATES_MAX][CHAIN_NAMES_MAX];
    bool ends_in_ca; /* the first certificate is itself a CA */
    bool is_amd;
};

#define ROOT_NAMES                \
    {                             \
        "Intel SGX Root CA", NULL \
    }
#define ARK_NAMES                             \
    {                                         \
        "ARK-Milan", "ARK-Genoa", "ARK-Turin" \
    }
#define ASK_NAMES                             \
    {                                         \
        "SEV-Milan", "SEV-Genoa", "SEV-Turin" \
    }
#define ASVK_NAMES                                           \
    {                                                        \
        "SEV-VLEK-Milan", "SEV-VLEK-Genoa", "SEV-VLEK-Turin" \
    }
#define CA_NAMES                                                  \
    {                                                             \
        "Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA" \
    }

static const struct rules rules[] = {
    [CHAIN_PCK] =
        {"PCK", 3, {{"Intel SGX PCK Certificate", NULL}, CA_NAMES, ROOT_NAMES}, false, false},
    [CHAIN_CRL_ISSUER] = {"PCK CRL issuer", 2, {CA_NAMES, ROOT_NAMES}, true, false},
    [CHAIN_TCB_SIGNER] =
        {"TCB signer", 2, {{"Intel SGX TCB Signing", NULL}, ROOT_NAMES}, false, false},
    [CHAIN_VCEK] = {.word = "VCEK",
                    .count = 3,
                    .names = {{"SEV-VCEK"}, ASK_NAMES, ARK_NAMES},
                    .is_amd = true},
    [CHAIN_VLEK] = {.word = "VLEK",
                    .count = 3,
                    .names = {{"SEV-VLEK"}, ASVK_NAMES, ARK_NAMES},
                    .is_amd = true},
    [CHAIN_ASK] = {.word = "ASK",
                   .count = 2,
                   .names = {ASK_NAMES, ARK_NAMES},
                   .ends_in_ca = true,
                   .is_amd = true},
    [CHAIN_ASVK] = {.word = "ASVK",
                    .count = 2,
                    .names = {ASVK_NAMES, ARK_NAMES},
                    .ends_in_ca = true,
                    .is_amd = true},
};

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct cursor *cursor)
{
    struct attest_bytes skipped;
    while (cursor->left > 0 && is_space(*cursor->at))
        if (!av_cursor_take(cursor, 1, &skipped))
            return;
}

static bool take_text(struct cursor *cursor, const char *text)
{
    struct attest_bytes found;
    size_t len = strlen(text);
    return cursor->left >= len && memcmp(cursor->at, text, len) == 0 &&
           av_cursor_take(cursor, len, &found);
}

/* The signature, which ends a certificate, is compared first: with many chains at hand encoding
 * each of their certificates would cost more than is saved. */
static bool is_encoding_of(X509 *certificate, const uint8_t *der, size_t len)
{
    const ASN1_BIT_STRING *signature;
    X509_get0_signature(&signature, NULL, certificate);
    size_t tail = (size_t)ASN1_STRING_length(signature);
    if (tail > len || memcmp(der + len - tail, ASN1_STRING_get0_data(signature), tail) != 0)
        return false;
    unsigned char *encoded = NULL;
    int encoded_len = i2d_X509(certificate, &encoded);
    bool same = encoded_len > 0 && (size_t)encoded_len == len && memcmp(encoded, der, len) == 0;
    OPENSSL_free(encoded);
    return same;
}

static X509 *find_like(const struct chain *const *likes, size_t like_count, struct attest_bytes der)
{
    for (size_t i = 0; i < like_count; ++i)
        for (size_t j = 0; j < likes[i]->count; ++j) {
            X509 *certificate = likes[i]->certificates[j];
            if (is_encoding_of(certificate, der.ptr, der.len) && X509_up_ref(certificate) == 1)
                return certificate;
        }
    return NULL;
}

/* One DER SEQUENCE and nothing behind it. `out` has room for as many bytes as `base64` has. */
static bool decode_base64(struct attest_bytes base64, uint8_t *out, struct attest_bytes *der)
{
    enum { DER_SEQUENCE = 0x30 };
    EVP_ENCODE_CTX *decoder = EVP_ENCODE_CTX_new();
    int len = 0, rest = 0;
    if (decoder != NULL)
        EVP_DecodeInit(decoder);
    bool ok = decoder != NULL &&
              EVP_DecodeUpdate(decoder, out, &len, base64.ptr, (int)base64.len) >= 0 &&
              EVP_DecodeFinal(decoder, out + len, &rest) == 1;
    EVP_ENCODE_CTX_free(decoder);
    *der = (struct attest_bytes){.ptr = out, .len = (size_t)(len + rest)};
    struct cursor cursor = av_cursor_over(*der);
    struct attest_bytes inner;
    return ok && av_cursor_der(&cursor, DER_SEQUENCE, &inner) && cursor.left == 0;
}

/* RFC 7468 without explanatory text or headers. OpenSSL's own PEM reader skips foreign text and may
 * ask for a password. */
static bool take_der(struct cursor *cursor, uint8_t *out, struct attest_bytes *der)
{
    static const char end[] = "-----END CERTIFICATE-----";
    struct cursor trial = *cursor;
    skip_space(&trial);
    if (trial.left > CHAIN_PEM_BYTES_MAX || !take_text(&trial, "-----BEGIN CERTIFICATE-----"))
        return false;
    const uint8_t *stop = memchr(trial.at, '-', trial.left); /* not in the base64 alphabet */
    struct attest_bytes base64;
    if (stop == NULL || !av_cursor_take(&trial, (size_t)(stop - trial.at), &base64) ||
        !take_text(&trial, end) || !decode_base64(base64, out, der))
        return false;
    *cursor = trial;
    return true;
}

X509 *av_pem_take_certificate(struct cursor *cursor, const struct decoder *decoder)
{
    struct cursor trial = *cursor;
    struct attest_bytes der;
    uint8_t *bytes = malloc(cursor->left + 1);
    X509 *certificate =
        bytes != NULL && take_der(&trial, bytes, &der) ? av_decode_certificate(decoder, der) : NULL;
    free(bytes);
    if (certificate != NULL)
        *cursor = trial;
    return certificate;
}

bool av_pem_is_spent(struct cursor *cursor)
{
    skip_space(cursor);
    return cursor->left == 0 || (cursor->left == 1 && *cursor->at == '\0');
}

bool av_chain_split(struct attest_bytes pem, enum chain_kind kind, struct chain_der *out)
{
    *out = (struct chain_der){0};
    if (pem.len > CHAIN_PEM_BYTES_MAX || (out->owned = malloc(pem.len + 1)) == NULL)
        return false;
    struct cursor cursor = av_cursor_over(pem);
    uint8_t *free_bytes = out->owned; /* base64 is longer than what it says, so there is room */
    while (out->count < rules[kind].count &&
           take_der(&cursor, free_bytes, &out->certificates[out->count]))
        free_bytes += out->certificates[out->count++].len;
    if (out->count == rules[kind].count && av_pem_is_spent(&cursor))
        return true;
    av_chain_der_fini(out);
    return false;
}

void av_chain_der_fini(struct chain_der *der)
{
    free(der->owned);
    *der = (struct chain_der){0};
}

bool av_chain_decode(const struct chain_der *der, const struct decoder *decoder,
                     const struct chain *const *likes, size_t like_count, struct chain *chain)
{
    *chain = (struct chain){0};
    while (chain->count < der->count) {
        struct attest_bytes bytes = der->certificates[chain->count];
        X509 *certificate = find_like(likes, like_count, bytes);
        if (certificate == NULL)
            certificate = av_decode_certificate(decoder, bytes);
        if (certificate == NULL) {
            av_chain_fini(chain);
            return false;
        }
        chain->certificates[chain->count++] = certificate;
    }
    return true;
}

bool av_chain_parse(struct attest_bytes pem, enum chain_kind kind, const struct decoder *decoder,
                    const struct chain *const *likes, size_t like_count, struct chain *chain)
{
    struct chain_der der;
    *chain = (struct chain){0};
    bool ok =
        av_chain_split(pem, kind, &der) && av_chain_decode(&der, decoder, likes, like_count, chain);
    av_chain_der_fini(&der);
    return ok;
}

void av_chain_fini(struct chain *chain)
{
    for (size_t i = 0; i < chain->count; ++i)
        X509_free(chain->certificates[i]);
    *chain = (struct chain){0};
}

static bool check_times(X509_CRL *crl, X509 *issuer, const char *whose, struct moment at,
                        struct attest_verdict *verdict)
{
    int64_t from, to;
    if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0)
        return av_refuse(verdict, ATTEST_CRL_UNTRUSTED, "the %s CRL is of another issuer", whose);
    if (!av_moment_from_asn1(X509_CRL_get0_lastUpdate(crl), &from) ||
        !av_moment_from_asn1(X509_CRL_get0_nextUpdate(crl), &to))
        return av_refuse(verdict, ATTEST_CRL_UNTRUSTED, "the %s CRL has no dates", whose);
    av_verdict_note_end(verdict, to + at.grace_s);
    if (at.now < from)
        return av_refuse(verdict, ATTEST_COLLATERAL_EARLY, "the %s CRL begins at %lld", whose,
                         (long long)from);
    if (at.now > to + at.grace_s)
        return av_refuse(verdict, ATTEST_COLLATERAL_EXPIRED, "the %s CRL ended at %lld", whose,
                         (long long)to);
    return true;
}

bool av_crl_check(X509_CRL *crl, X509 *issuer, const char *whose, struct moment at,
                  struct attest_verdict *verdict)
{
    if (X509_CRL_get_ext_by_NID(crl, NID_crl_number, -1) < 0 ||
        X509_CRL_get_ext_by_NID(crl, NID_authority_key_identifier, -1) < 0)
        return av_refuse(verdict, ATTEST_CRL_UNTRUSTED,
                         "the %s CRL has no number or no authority key id", whose);
    return check_times(crl, issuer, whose, at, verdict);
}

bool av_crl_check_times(X509_CRL *crl, X509 *issuer, const char *whose, int64_t now,
                        struct attest_verdict *verdict)
{
    return check_times(crl, issuer, whose, (struct moment){.now = now}, verdict);
}

bool av_common_name_is(X509 *certificate, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
        return false;
    const ASN1_STRING *found = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    return (size_t)ASN1_STRING_length(found) == strlen(name) &&
           memcmp(ASN1_STRING_get0_data(found), name, strlen(name)) == 0;
}

static bool has_common_name(X509 *certificate, const char *const names[CHAIN_NAMES_MAX])
{
    for (size_t i = 0; i < CHAIN_NAMES_MAX && names[i] != NULL; ++i)
        if (av_common_name_is(certificate, names[i]))
            return true;
    return false;
}

bool av_is_processor_ca(X509 *ca)
{
    static const char *const names[CHAIN_NAMES_MAX] = {"Intel SGX PCK Processor CA", NULL};
    return has_common_name(ca, names);
}

static bool has_intel_key(X509 *certificate)
{
    return av_key_is_p256(X509_get0_pubkey(certificate)) &&
           X509_get_signature_nid(certificate) == NID_ecdsa_with_SHA256;
}

/* A P-384 key in the leaf, RSA above; RSA-PSS with SHA-384 throughout, mask and salt to match,
 * which is what X509_SIG_INFO_TLS says of one (RFC 8446 4.2.3). */
static bool has_amd_key(X509 *certificate, bool is_leaf)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    int digest, kind;
    uint32_t flags;
    if (is_leaf
            ? !av_key_is_p384(key)
            : key == NULL || !EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
        return false;
    return X509_get_signature_info(certificate, &digest, &kind, NULL, &flags) == 1 &&
           kind == NID_rsassaPss && digest == NID_sha384 && (flags & X509_SIG_INFO_TLS);
}

/* One certificate by itself: name, key, dates. */
static bool check_certificate(X509 *certificate, const struct rules *rule, size_t place,
                              int64_t now, struct attest_verdict *verdict)
{
    int64_t from, to;
    if (!has_common_name(certificate, rule->names[place]))
        return av_refuse(verdict, ATTEST_CHAIN_UNTRUSTED,
                         "certificate %zu of the %s chain is not \"%s\"", place, rule->word,
                         rule->names[place][0]);
    if (rule->is_amd ? !has_amd_key(certificate, place == 0 && !rule->ends_in_ca)
                     : !has_intel_key(certificate))
        return av_refuse(verdict, ATTEST_CHAIN_UNTRUSTED,
                         "certificate %zu of the %s chain is not of %s", place, rule->word,
                         rule->is_amd ? "P-384 or RSA, signed by RSA-PSS with SHA-384"
                                      : "ECDSA P-256 with SHA-256");
    if (!av_moment_from_asn1(X509_get0_notBefore(certificate), &from) ||
        !av_moment_from_asn1(X509_get0_notAfter(certificate), &to))
        return av_refuse(verdict, ATTEST_CHAIN_UNTRUSTED,
                         "certificate %zu of the %s chain has no dates", place, rule->word);
    av_verdict_note_end(verdict, to);
    if (now < from || now > to)
        return av_refuse(verdict, ATTEST_CHAIN_EXPIRED,
                         "certificate %zu of the %s chain is valid from %lld to %lld", place,
                         rule->word, (long long)from, (long long)to);
    return true;
}

static bool refuse_openssl(int code, const struct rules *rule, struct attest_verdict *verdict)
{
    enum attest_reason reason = ATTEST_CHAIN_UNTRUSTED;
    switch (code) {
    case X509_V_ERR_CERT_REVOKED:
        reason = ATTEST_REVOKED;
        break;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
        reason = ATTEST_CRL_UNTRUSTED;
        break;
    default:
        break;
    }
    return av_refuse(verdict, reason, "%s chain: %s", rule->word,
                     X509_verify_cert_error_string(code));
}

/* AMD's leaves have no authority key id, which X509_V_FLAG_X509_STRICT asks for (RFC 5280
 * 4.2.1.1). */
static int forgive_amd_leaf(int ok, X509_STORE_CTX *run)
{
    return ok || (X509_STORE_CTX_get_error(run) == X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER &&
                  X509_STORE_CTX_get_error_depth(run) == 0);
}

/* Signatures, constraints, key usage and revocation, by OpenSSL. The dates are checked by us, with
 * both bounds inclusive (RFC 5280 4.1.2.5; OpenSSL's upper bound is exclusive). */
static bool run_openssl(const struct chain *chain, const struct rules *rule,
                        const struct chain_trust *trust, X509_STORE *store, X509_STORE_CTX *run,
                        STACK_OF(X509) * middle, struct attest_verdict *verdict)
{
    X509 *leaf = chain->certificates[0], *root = chain->certificates[chain->count - 1];
    if (X509_STORE_add_cert(store, root) != 1)
        return av_refuse(verdict, ATTEST_INTERNAL, "out of memory");
    for (size_t i = 0; i < trust->crl_count; ++i)
        if (X509_STORE_add_crl(store, trust->crls[i]) != 1)
            return av_refuse(verdict, ATTEST_INTERNAL, "out of memory");
    for (size_t i = 1; i + 1 < chain->count; ++i)
        if (sk_X509_push(middle, chain->certificates[i]) <= 0)
            return av_refuse(verdict, ATTEST_INTERNAL, "out of memory");
    struct proven_run memory;
    if (!av_proven_init_run(&memory, trust->proven, run, store, leaf, middle))
        return av_refuse(verdict, ATTEST_INTERNAL, "out of memory");
    unsigned long lists = rule->is_amd || trust->without_lists
                              ? 0
                              : X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    X509_STORE_CTX_set_flags(run, X509_V_FLAG_X509_STRICT | lists | X509_V_FLAG_CHECK_SS_SIGNATURE |
                                      X509_V_FLAG_NO_CHECK_TIME);
    if (rule->is_amd)
        X509_STORE_CTX_set_verify_cb(run, forgive_amd_leaf);
    if (X509_verify_cert(run) != 1)
        return refuse_openssl(X509_STORE_CTX_get_error(run), rule, verdict);
    STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(run);
    bool same = path != NULL && (size_t)sk_X509_num(path) == chain->count;
    for (size_t i = 0; same && i < chain->count; ++i)
        same = X509_cmp(sk_X509_value(path, (int)i), chain->certificates[i]) == 0;
    return same || av_refuse(verdict, ATTEST_CHAIN_UNTRUSTED,
                             "the %s chain is not in order, leaf first", rule->word);
}

bool av_chain_verify(const struct chain *chain, enum chain_kind kind,
                     const struct chain_trust *trust, struct attest_verdict *verdict)
{
    const struct rules *rule = &rules[kind];
    if (chain->count != rule->count)
        return av_refuse(verdict, ATTEST_CHAIN_UNTRUSTED, "the %s chain has %zu certificates",
                         rule->word, chain->count);
    for (size_t i = 0; i < chain->count; ++i)
        if (!check_certificate(chain->certificates[i], rule, i, trust->now, verdict))
            return false;
    if (!av_roots_have(trust->roots, chain->certificates[chain->count - 1]))
        return av_refuse(verdict, ATTEST_ROOT_UNKNOWN, "the root of the %s chain is not pinned",
                         rule->word);
    if ((X509_check_ca(chain->certificates[0]) != 0) != rule->ends_in_ca)
        return av_refuse(verdict, ATTEST_CHAIN_UNTRUSTED,
                         "the first certificate of the %s chain %s a CA", rule->word,
                         rule->ends_in_ca ? "is not" : "is");
    if (trust->path_holds)
        return true;
    X509 *root = chain->certificates[chain->count - 1];
    if (trust->proven != NULL && av_roots_know(trust->roots, root))
        av_proven_add_certificate(trust->proven, root, root);
    return av_chain_path_holds(chain, kind, trust, verdict);
}

bool av_chain_path_holds(const struct chain *chain, enum chain_kind kind,
                         const struct chain_trust *trust, struct attest_verdict *verdict)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *run = X509_STORE_CTX_new();
    STACK_OF(X509) *middle = sk_X509_new_null();
    bool ok = store != NULL && run != NULL && middle != NULL
                  ? run_openssl(chain, &rules[kind], trust, store, run, middle, verdict)
                  : av_refuse(verdict, ATTEST_INTERNAL, "out of memory");
    X509_STORE_CTX_free(run);
    X509_STORE_free(store);
    sk_X509_free(middle);
    return ok;
}
