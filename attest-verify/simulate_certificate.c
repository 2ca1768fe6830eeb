#include "simulate_pki.h"

#include <arpa/inet.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>

/* TCG DICE tagged evidence (CCC interoperable RA-TLS) and Gramine's older own OID. */
#define DICE_OID    "2.23.133.5.4.9"
#define GRAMINE_OID "0.6.9.42.840.113741.1337.6"

enum { DICE_TAG = 60000, CBOR_TEXT = 3, CBOR_ARRAY = 4, CBOR_MAP = 5, CBOR_TAG = 6 };
enum { HASH_SHA256 = 1 }; /* IANA Named Information Hash Algorithm registry */

static void key_digest(EVP_PKEY *key, uint8_t digest[32])
{
    struct simulate_bytes spki = simulate_spki(key);
    SHA256(spki.ptr, spki.len, digest);
    simulate_bytes_fini(&spki);
}

/* {"pubkey-hash": h'[1, SHA-256(SPKI)]'}: the hash entry is itself encoded, inside a byte string.
 */
static void put_claims(struct simulate_bytes *claims, EVP_PKEY *key)
{
    static const char name[] = "pubkey-hash";
    struct simulate_bytes entry = {0};
    uint8_t digest[32];
    key_digest(key, digest);
    simulate_cbor_head(&entry, CBOR_ARRAY, 2);
    simulate_cbor_head(&entry, 0, HASH_SHA256);
    simulate_cbor_octets(&entry, digest, sizeof digest);

    simulate_cbor_head(claims, CBOR_MAP, 1);
    simulate_cbor_head(claims, CBOR_TEXT, sizeof name - 1);
    simulate_put(claims, name, sizeof name - 1);
    simulate_cbor_octets(claims, entry.ptr, entry.len);
    simulate_bytes_fini(&entry);
}

void simulate_bind_key(enum simulate_convention convention, EVP_PKEY *key,
                       struct simulate_quote_options *quote, struct simulate_bytes *claims)
{
    memset(quote->report_data, 0, sizeof quote->report_data);
    if (convention == SIMULATE_DICE) {
        put_claims(claims, key);
        SHA256(claims->ptr, claims->len, quote->report_data);
    } else if (convention == SIMULATE_GRAMINE) {
        key_digest(key, quote->report_data);
    }
}

static void add_evidence(X509 *cert, const struct simulate_certificate_options *options)
{
    if (options->convention == SIMULATE_GRAMINE)
        simulate_cert_extend_raw(cert, GRAMINE_OID, options->quote);
    if (options->convention != SIMULATE_DICE)
        return;
    struct simulate_bytes evidence = {0};
    simulate_cbor_head(&evidence, CBOR_TAG, DICE_TAG);
    simulate_cbor_head(&evidence, CBOR_ARRAY, 2);
    simulate_cbor_octets(&evidence, options->quote->ptr, options->quote->len);
    simulate_cbor_octets(&evidence, options->claims->ptr, options->claims->len);
    simulate_cert_extend_raw(cert, DICE_OID, &evidence);
    simulate_bytes_fini(&evidence);
}

/* 4 or 16, or 0 when `host` is not an IP address. */
static size_t parse_address(const char *host, uint8_t address[16])
{
    if (inet_pton(AF_INET, host, address) == 1)
        return 4;
    return inet_pton(AF_INET6, host, address) == 1 ? 16 : 0;
}

bool simulate_is_host(const char *host)
{
    static const char alnum[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    uint8_t address[16];
    if (parse_address(host, address) != 0)
        return true;
    if (strncmp(host, "*.", 2) == 0)
        host += 2;
    size_t len = strlen(host), label = 0;
    if (len == 0 || len > 253) /* RFC 1035 2.3.4, less the root's dot and length */
        return false;
    for (size_t i = 0; i < len; ++i) {
        bool edge = label == 0 || i + 1 == len || host[i + 1] == '.';
        if (host[i] == '.') {
            if (label == 0 || i + 1 == len)
                return false;
            label = 0;
        } else if (strchr(alnum, host[i]) == NULL && (host[i] != '-' || edge)) {
            return false;
        } else if (++label > 63) {
            return false;
        }
    }
    return true;
}

static GENERAL_NAME *host_name(const char *host)
{
    uint8_t address[16];
    size_t len = parse_address(host, address);
    ASN1_STRING *value = ASN1_STRING_type_new(len != 0 ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    GENERAL_NAME *name = GENERAL_NAME_new();
    simulate_need(value != NULL && name != NULL);
    simulate_need(ASN1_STRING_set(value, len != 0 ? (const void *)address : host,
                                  len != 0 ? (int)len : -1) == 1);
    GENERAL_NAME_set0_value(name, len != 0 ? GEN_IPADD : GEN_DNS, value);
    return name;
}

static void add_hosts(X509 *cert, const struct simulate_certificate_options *options)
{
    if (options->host_count == 0)
        return;
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    simulate_need(names != NULL);
    for (size_t i = 0; i < options->host_count; ++i)
        simulate_need(sk_GENERAL_NAME_push(names, host_name(options->hosts[i])) > 0);
    simulate_need(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1);
    GENERAL_NAMES_free(names);
}

X509 *simulate_certificate(EVP_PKEY *key, const struct simulate_certificate_options *options)
{
    X509 *cert =
        simulate_cert_begin(key, options->name, NULL, options->not_before, options->not_after);
    simulate_cert_extend(cert, cert, NID_subject_key_identifier, "hash");
    simulate_cert_extend(cert, cert, NID_basic_constraints, "critical,CA:FALSE");
    simulate_cert_extend(cert, cert, NID_key_usage, "critical,digitalSignature");
    simulate_cert_extend(cert, cert, NID_ext_key_usage, "serverAuth,clientAuth");
    add_hosts(cert, options);
    add_evidence(cert, options);
    simulate_cert_sign(cert, key);
    return cert;
}
