#include "simulate/simulate_pki.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum { YEAR_S = 365 * 86400, VENDOR_YEARS = 20, PCK_YEARS = 7 };

/* RFC 5280 4.2.1.13 wants a URI there as the real certificates have one; RFC 2606 keeps ".invalid"
 * from ever being anybody's. */
#define CRL_URI "URI:https://simulated-tee.invalid/"

/* The parts of the SGX extension 1.2.840.113741.1.13.1, without tag and length. */
#define SGX_OID "1.2.840.113741.1.13.1"
static const uint8_t sgx_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

void simulate_identity_fini(struct simulate_identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->cert);
    *identity = (struct simulate_identity){0};
}

void simulate_vendor_fini(struct simulate_vendor *vendor)
{
    simulate_identity_fini(&vendor->root);
    simulate_identity_fini(&vendor->ca);
    simulate_identity_fini(&vendor->signer);
}

EVP_PKEY *simulate_key_new(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    simulate_need(key != NULL);
    return key;
}

EVP_PKEY *simulate_rsa_key_new(void)
{
    EVP_PKEY *key = EVP_RSA_gen(3072);
    simulate_need(key != NULL);
    return key;
}

ASN1_TIME *simulate_time(int64_t unix_seconds)
{
    ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)unix_seconds);
    simulate_need(time != NULL);
    return time;
}

/* A positive number of 20 bytes, like Intel's; random, so that it never meets another's. */
static void set_serial(X509 *cert)
{
    uint8_t bytes[20];
    simulate_need(RAND_bytes(bytes, sizeof bytes) == 1);
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    simulate_need(number != NULL);
    simulate_need(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL);
    BN_free(number);
}

static void set_subject(X509 *cert, const char *cn)
{
    X509_NAME *name = X509_get_subject_name(cert);
    const char *const parts[][2] = {{"CN", cn}, {"O", SIMULATE_ORGANISATION}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; ++i)
        simulate_need(X509_NAME_add_entry_by_txt(name, parts[i][0], MBSTRING_UTF8,
                                                 (const unsigned char *)parts[i][1], -1, -1,
                                                 0) == 1);
}

X509 *simulate_cert_begin(EVP_PKEY *key, const char *cn, const X509 *issuer, int64_t not_before,
                          int64_t not_after)
{
    X509 *cert = X509_new();
    simulate_need(cert != NULL);
    simulate_need(X509_set_version(cert, X509_VERSION_3) == 1);
    set_serial(cert);
    set_subject(cert, cn);
    simulate_need(
        X509_set_issuer_name(cert, X509_get_subject_name(issuer == NULL ? cert : issuer)) == 1);
    ASN1_TIME *begin = simulate_time(not_before), *end = simulate_time(not_after);
    simulate_need(X509_set1_notBefore(cert, begin) == 1 && X509_set1_notAfter(cert, end) == 1);
    ASN1_TIME_free(begin);
    ASN1_TIME_free(end);
    simulate_need(X509_set_pubkey(cert, key) == 1);
    return cert;
}

void simulate_cert_extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    simulate_need(extension != NULL);
    simulate_need(X509_add_ext(cert, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

void simulate_cert_extend_raw(X509 *cert, const char *oid, const struct simulate_bytes *value)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    simulate_need(object != NULL && octets != NULL);
    simulate_need(ASN1_OCTET_STRING_set(octets, value->ptr, (int)value->len) == 1);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, octets);
    simulate_need(extension != NULL);
    simulate_need(X509_add_ext(cert, extension, -1) == 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
}

void simulate_cert_sign(X509 *cert, EVP_PKEY *key)
{
    simulate_need(X509_sign(cert, key, EVP_sha256()) > 0);
}

void simulate_put_pem(struct simulate_bytes *bytes, X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    simulate_need(bio != NULL && PEM_write_bio_X509(bio, cert) == 1);
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);
    simulate_need(len > 0);
    simulate_put(bytes, text, (size_t)len);
    BIO_free(bio);
}

struct simulate_bytes simulate_spki(EVP_PKEY *key)
{
    struct simulate_bytes spki = {0};
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    simulate_need(len > 0);
    simulate_put(&spki, der, (size_t)len);
    OPENSSL_free(der);
    return spki;
}

/* What all certificates of the vendor have, in the manner of Intel's. A NULL issuer is itself. */
static X509 *vendor_cert(EVP_PKEY *key, const char *cn, const struct simulate_identity *issuer,
                         int64_t not_before, int64_t not_after, const char *usage,
                         const char *constraints)
{
    X509 *cert =
        simulate_cert_begin(key, cn, issuer == NULL ? NULL : issuer->cert, not_before, not_after);
    X509 *above = issuer == NULL ? cert : issuer->cert;
    simulate_cert_extend(cert, above, NID_subject_key_identifier, "hash");
    simulate_cert_extend(cert, above, NID_authority_key_identifier, "keyid:always");
    simulate_cert_extend(cert, above, NID_crl_distribution_points, CRL_URI "crl");
    simulate_cert_extend(cert, above, NID_key_usage, usage);
    simulate_cert_extend(cert, above, NID_basic_constraints, constraints);
    return cert;
}

#define USAGE_CA   "critical,keyCertSign,cRLSign"
#define USAGE_LEAF "critical,digitalSignature,nonRepudiation"

void simulate_vendor_init(struct simulate_vendor *vendor,
                          const struct simulate_vendor_options *options)
{
    int64_t begin = options->now - YEAR_S;
    int64_t end = options->now + (int64_t)VENDOR_YEARS * YEAR_S;
    int64_t ca_end = options->ca_not_after != 0 ? options->ca_not_after : end;
    int64_t signer_end = options->signer_not_after != 0 ? options->signer_not_after : end;
    const char *ca_cn =
        options->processor_ca ? "Intel SGX PCK Processor CA" : "Intel SGX PCK Platform CA";

    vendor->root.key = simulate_key_new();
    vendor->root.cert = vendor_cert(vendor->root.key, "Intel SGX Root CA", NULL, begin, end,
                                    USAGE_CA, "critical,CA:TRUE,pathlen:1");
    simulate_cert_sign(vendor->root.cert, vendor->root.key);

    vendor->ca.key = simulate_key_new();
    vendor->ca.cert =
        vendor_cert(vendor->ca.key, ca_cn, &vendor->root, begin, ca_end,
                    options->ca_is_no_ca ? USAGE_LEAF : USAGE_CA,
                    options->ca_is_no_ca ? "critical,CA:FALSE" : "critical,CA:TRUE,pathlen:0");
    simulate_cert_sign(vendor->ca.cert, vendor->root.key);

    vendor->signer.key = simulate_key_new();
    vendor->signer.cert = vendor_cert(vendor->signer.key, "Intel SGX TCB Signing", &vendor->root,
                                      begin, signer_end, USAGE_LEAF, "critical,CA:FALSE");
    simulate_cert_sign(vendor->signer.cert, vendor->root.key);
}

/* --- the platform's certificate --- */

/* An OID below the SGX extension's: .a, or .a.b when b is not 0. */
static void put_sgx_oid(struct simulate_bytes *out, uint8_t a, uint8_t b)
{
    size_t mark = out->len;
    simulate_put(out, sgx_oid, sizeof sgx_oid);
    simulate_put_byte(out, a);
    if (b != 0)
        simulate_put_byte(out, b);
    simulate_der_close(out, 0x06, mark);
}

static void put_octets_entry(struct simulate_bytes *out, uint8_t a, uint8_t b, const uint8_t *from,
                             size_t len)
{
    size_t mark = out->len;
    put_sgx_oid(out, a, b);
    simulate_der_octets(out, from, len);
    simulate_der_close(out, 0x30, mark);
}

static void put_integer_entry(struct simulate_bytes *out, uint8_t a, uint8_t b, uint32_t value)
{
    size_t mark = out->len;
    put_sgx_oid(out, a, b);
    simulate_der_integer(out, value);
    simulate_der_close(out, 0x30, mark);
}

/* BOOLEAN (0x01) or ENUMERATED (0x0a), both of one byte. */
static void put_byte_entry(struct simulate_bytes *out, uint8_t a, uint8_t b, uint8_t tag,
                           uint8_t value)
{
    size_t mark = out->len;
    put_sgx_oid(out, a, b);
    size_t inner = out->len;
    simulate_put_byte(out, value);
    simulate_der_close(out, tag, inner);
    simulate_der_close(out, 0x30, mark);
}

static void put_tcb_entry(struct simulate_bytes *out, const struct simulate_platform *platform)
{
    size_t mark = out->len;
    put_sgx_oid(out, 2, 0);
    size_t inner = out->len;
    for (uint8_t i = 0; i < 16; ++i)
        put_integer_entry(out, 2, i + 1, platform->components[i]);
    put_integer_entry(out, 2, 17, platform->pcesvn);
    put_octets_entry(out, 2, 18, platform->components, 16); /* CPUSVN */
    simulate_der_close(out, 0x30, inner);
    simulate_der_close(out, 0x30, mark);
}

static void put_configuration_entry(struct simulate_bytes *out,
                                    const struct simulate_platform *platform)
{
    const bool flags[] = {platform->dynamic_platform, platform->cached_keys, platform->smt_enabled};
    size_t mark = out->len;
    put_sgx_oid(out, 7, 0);
    size_t inner = out->len;
    for (uint8_t i = 0; i < 3; ++i)
        put_byte_entry(out, 7, i + 1, 0x01, flags[i] ? 0xff : 0x00);
    simulate_der_close(out, 0x30, inner);
    simulate_der_close(out, 0x30, mark);
}

static struct simulate_bytes sgx_extension(const struct simulate_platform *platform, bool multi)
{
    struct simulate_bytes out = {0};
    put_octets_entry(&out, 1, 0, platform->ppid, sizeof platform->ppid);
    put_tcb_entry(&out, platform);
    put_octets_entry(&out, 3, 0, platform->pceid, sizeof platform->pceid);
    put_octets_entry(&out, 4, 0, platform->fmspc, sizeof platform->fmspc);
    put_byte_entry(&out, 5, 0, 0x0a, platform->sgx_type);
    if (multi) { /* a Processor CA certifies single-package machines, which have neither */
        put_octets_entry(&out, 6, 0, platform->piid, sizeof platform->piid);
        put_configuration_entry(&out, platform);
    }
    simulate_der_close(&out, 0x30, 0);
    return out;
}

struct simulate_platform simulate_platform_default(const char *name, int64_t now)
{
    struct simulate_platform platform = {
        .not_before = now - YEAR_S,
        .not_after = now + (int64_t)PCK_YEARS * YEAR_S,
        .components = {4, 4, 2, 2, 4, 1, 0, 5},
        .pcesvn = 11,
        .fmspc = {0xf0, 0xf0, 0xf0, 0xf0, 0x00, 0x00},
        .sgx_type = 1,
        .cached_keys = true,
        .smt_enabled = true,
    };
    /* The same name is the same machine on every run, as allow-lists of machines need it. */
    struct simulate_bytes text = {0};
    uint8_t digest[SHA256_DIGEST_LENGTH];
    simulate_put_text(&text, "teegate simulated platform %s", name);
    SHA256(text.ptr, text.len, digest);
    memcpy(platform.ppid, digest, 16);
    memcpy(platform.piid, digest + 16, 16);
    simulate_bytes_fini(&text);
    return platform;
}

static bool is_platform_ca(X509 *ca)
{
    char cn[64] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(ca), NID_commonName, cn, sizeof cn);
    return strcmp(cn, "Intel SGX PCK Platform CA") == 0;
}

struct simulate_identity simulate_pck(const struct simulate_vendor *vendor,
                                      const struct simulate_platform *platform)
{
    struct simulate_identity pck = {.key = simulate_key_new()};
    pck.cert = vendor_cert(pck.key, "Intel SGX PCK Certificate", &vendor->ca, platform->not_before,
                           platform->not_after, USAGE_LEAF, "critical,CA:FALSE");
    struct simulate_bytes extension = sgx_extension(platform, is_platform_ca(vendor->ca.cert));
    int times = platform->without_sgx_extension ? 0 : platform->sgx_extension_twice ? 2 : 1;
    for (int i = 0; i < times; ++i)
        simulate_cert_extend_raw(pck.cert, SGX_OID, &extension);
    simulate_bytes_fini(&extension);
    simulate_cert_sign(pck.cert, vendor->ca.key);
    return pck;
}

/* --- CRLs --- */

static void crl_revoke(X509_CRL *crl, const ASN1_INTEGER *serial, const ASN1_TIME *when)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
    simulate_need(entry != NULL && reason != NULL);
    simulate_need(ASN1_ENUMERATED_set(reason, CRL_REASON_KEY_COMPROMISE) == 1);
    simulate_need(X509_REVOKED_set_serialNumber(entry, (ASN1_INTEGER *)serial) == 1);
    simulate_need(X509_REVOKED_set_revocationDate(entry, (ASN1_TIME *)when) == 1);
    simulate_need(X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0) == 1);
    simulate_need(X509_CRL_add0_revoked(crl, entry) == 1);
    ASN1_ENUMERATED_free(reason);
}

static void crl_extend(X509_CRL *crl, const struct simulate_identity *issuer, int64_t number)
{
    ASN1_INTEGER *value = ASN1_INTEGER_new();
    simulate_need(value != NULL && ASN1_INTEGER_set_int64(value, number) == 1);
    simulate_need(X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0) == 1);
    ASN1_INTEGER_free(value);

    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer->cert, NULL, NULL, crl, 0);
    X509_EXTENSION *key_id =
        X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
    simulate_need(key_id != NULL && X509_CRL_add_ext(crl, key_id, -1) == 1);
    X509_EXTENSION_free(key_id);
}

X509_CRL *simulate_crl(const struct simulate_identity *issuer,
                       const STACK_OF(ASN1_INTEGER) * serials, int64_t this_update,
                       int64_t next_update)
{
    X509_CRL *crl = X509_CRL_new();
    simulate_need(crl != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1);
    simulate_need(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert)) == 1);
    ASN1_TIME *begin = simulate_time(this_update), *end = simulate_time(next_update);
    simulate_need(X509_CRL_set1_lastUpdate(crl, begin) == 1);
    simulate_need(X509_CRL_set1_nextUpdate(crl, end) == 1);
    for (int i = 0; i < sk_ASN1_INTEGER_num(serials); ++i)
        crl_revoke(crl, sk_ASN1_INTEGER_value(serials, i), begin);
    crl_extend(crl, issuer, this_update); /* time as number: later CRLs have the higher one */
    simulate_need(X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0);
    ASN1_TIME_free(begin);
    ASN1_TIME_free(end);
    return crl;
}
