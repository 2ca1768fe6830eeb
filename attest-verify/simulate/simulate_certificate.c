#include "simulate/simulate_pki.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <string.h>

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
    simulate_add_evidence(cert, options);
    simulate_cert_sign(cert, key);
    return cert;
}
