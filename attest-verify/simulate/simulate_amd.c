/* AMD's certificates, list and document (simulate_amd.h). */
#include "simulate/simulate_amd.h"

#include "simulate/simulate_pki.h"

#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum { YEAR_S = 365 * 86400, ROOT_YEARS = 20, LEAF_YEARS = 7, RSA_BITS = 4096, PSS_SALT = 48 };
enum { DER_INTEGER = 2, DER_IA5_STRING = 0x16 };

#define AMD_ARC "1.3.6.1.4.1.3704.1."
#define CRL_URI "URI:https://simulated-tee.invalid/vcek/v1/crl"

static const char *const products[SIMULATE_PRODUCTS] = {"Milan", "Genoa", "Turin"};

const char *simulate_product_name(enum simulate_product product)
{
    return products[product];
}

/* RSA-PSS with SHA-384, mask and salt to match (ra-tls b.9, 2). */
static EVP_MD_CTX *pss_signer(EVP_PKEY *key)
{
    EVP_MD_CTX *signer = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    simulate_need(signer != NULL &&
                  EVP_DigestSignInit(signer, &options, EVP_sha384(), NULL, key) == 1);
    simulate_need(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1);
    simulate_need(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, PSS_SALT) == 1);
    return signer;
}

static void sign(X509 *cert, EVP_PKEY *key)
{
    EVP_MD_CTX *signer = pss_signer(key);
    simulate_need(X509_sign_ctx(cert, signer) > 0);
    EVP_MD_CTX_free(signer);
}

/* --- the product's certificates --- */

static struct simulate_identity make_ca(const char *prefix, const struct simulate_identity *issuer,
                                        const struct simulate_amd_options *options, int64_t end)
{
    char name[32];
    struct simulate_identity ca;
    snprintf(name, sizeof name, "%s-%s", prefix, products[options->product]);
    ca.key = EVP_RSA_gen(options->rsa_bits != 0 ? options->rsa_bits : RSA_BITS);
    simulate_need(ca.key != NULL);
    ca.cert = simulate_cert_begin(ca.key, name, issuer != NULL ? issuer->cert : NULL,
                                  options->now - YEAR_S, end);
    X509 *above = issuer != NULL ? issuer->cert : ca.cert;
    simulate_cert_extend(ca.cert, above, NID_subject_key_identifier, "hash");
    if (issuer != NULL)
        simulate_cert_extend(ca.cert, above, NID_authority_key_identifier, "keyid:always");
    simulate_cert_extend(ca.cert, above, NID_basic_constraints,
                         issuer != NULL ? "critical,CA:TRUE,pathlen:0" : "critical,CA:TRUE");
    simulate_cert_extend(ca.cert, above, NID_key_usage,
                         issuer != NULL ? "critical,keyCertSign" : "critical,keyCertSign,cRLSign");
    simulate_cert_extend(ca.cert, above, NID_crl_distribution_points, CRL_URI);
    sign(ca.cert, issuer != NULL ? issuer->key : ca.key);
    return ca;
}

void simulate_amd_init(struct simulate_amd *amd, const struct simulate_amd_options *options)
{
    int64_t end = options->now + (int64_t)ROOT_YEARS * YEAR_S;
    int64_t ask_end = options->ask_not_after != 0 ? options->ask_not_after : end;
    amd->product = options->product;
    amd->ark = make_ca("ARK", NULL, options, end);
    amd->ask = make_ca("SEV", &amd->ark, options, ask_end);
    amd->asvk = make_ca("SEV-VLEK", &amd->ark, options, ask_end);
}

void simulate_amd_fini(struct simulate_amd *amd)
{
    simulate_identity_fini(&amd->ark);
    simulate_identity_fini(&amd->ask);
    simulate_identity_fini(&amd->asvk);
}

/* --- a chip --- */

struct simulate_chip simulate_chip_default(enum simulate_product product, const char *name,
                                           int64_t now)
{
    struct simulate_chip chip = {.product = product,
                                 .csp_id = "CN=cloud.simulated-tee.invalid",
                                 .tcb = {.boot_loader = 4, .snp = 24, .microcode = 0xdb},
                                 .not_before = now - YEAR_S,
                                 .not_after = now + (int64_t)LEAF_YEARS * YEAR_S};
    SHA512((const uint8_t *)name, strlen(name), chip.hwid);
    if (product == SIMULATE_TURIN) {
        chip.tcb.fmc = 2;
        memset(chip.hwid + 8, 0, sizeof chip.hwid - 8);
    }
    return chip;
}

static void extend(X509 *cert, const char *suffix, const struct simulate_bytes *value)
{
    char oid[32];
    snprintf(oid, sizeof oid, AMD_ARC "%s", suffix);
    simulate_cert_extend_raw(cert, oid, value);
}

static void extend_number(X509 *cert, const char *suffix, uint8_t number)
{
    struct simulate_bytes value = {0};
    simulate_der_integer(&value, number);
    extend(cert, suffix, &value);
    simulate_bytes_fini(&value);
}

static void extend_text(X509 *cert, const char *suffix, const char *text)
{
    struct simulate_bytes value = {0};
    simulate_put_text(&value, "%s", text);
    simulate_der_close(&value, DER_IA5_STRING, 0);
    extend(cert, suffix, &value);
    simulate_bytes_fini(&value);
}

static void extend_hwid(X509 *cert, const struct simulate_chip *chip)
{
    struct simulate_bytes value = {0};
    simulate_put(&value, chip->hwid, chip->product == SIMULATE_TURIN ? 8 : sizeof chip->hwid);
    extend(cert, "4", &value); /* raw: in no type of its own */
    simulate_bytes_fini(&value);
}

static void describe(X509 *cert, const struct simulate_chip *chip)
{
    bool stepping = chip->product == SIMULATE_MILAN && !chip->vlek;
    extend_number(cert, "1", 0);
    extend_text(cert, "2", stepping ? "Milan-B0" : products[chip->product]);
    extend_number(cert, "3.1", chip->tcb.boot_loader);
    extend_number(cert, "3.2", chip->tcb.tee);
    if (chip->product != SIMULATE_TURIN)
        extend_number(cert, "3.4", 0);
    extend_number(cert, "3.5", 0);
    extend_number(cert, "3.6", 0);
    extend_number(cert, "3.7", 0);
    extend_number(cert, "3.3", chip->tcb.snp);
    extend_number(cert, "3.8", chip->tcb.microcode);
    if (chip->product == SIMULATE_TURIN)
        extend_number(cert, "3.9", chip->tcb.fmc);
    if (chip->vlek)
        extend_text(cert, "5", chip->csp_id);
    else
        extend_hwid(cert, chip);
}

struct simulate_identity simulate_chip_key(const struct simulate_amd *amd,
                                           const struct simulate_chip *chip)
{
    const struct simulate_identity *issuer =
        chip->vlek != chip->under_other ? &amd->asvk : &amd->ask;
    struct simulate_identity leaf = {.key = EVP_EC_gen("P-384")};
    simulate_need(leaf.key != NULL);
    leaf.cert = simulate_cert_begin(leaf.key, chip->vlek ? "SEV-VLEK" : "SEV-VCEK", issuer->cert,
                                    chip->not_before, chip->not_after);
    simulate_need(ASN1_INTEGER_set(X509_get_serialNumber(leaf.cert), 0) == 1); /* as AMD's have */
    describe(leaf.cert, chip);
    sign(leaf.cert, issuer->key);
    return leaf;
}

/* --- the list --- */

static void revoke(X509_CRL *crl, const X509 *cert, const ASN1_TIME *when)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    simulate_need(entry != NULL && X509_REVOKED_set_serialNumber(
                                       entry, (ASN1_INTEGER *)X509_get0_serialNumber(cert)) == 1);
    simulate_need(X509_REVOKED_set_revocationDate(entry, (ASN1_TIME *)when) == 1);
    simulate_need(X509_CRL_add0_revoked(crl, entry) == 1);
}

X509_CRL *simulate_amd_crl(const struct simulate_amd *amd,
                           const struct simulate_list_options *options)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *begin = simulate_time(options->this_update);
    ASN1_TIME *end = simulate_time(options->next_update);
    simulate_need(crl != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1);
    simulate_need(X509_CRL_set_issuer_name(crl, X509_get_subject_name(amd->ark.cert)) == 1);
    simulate_need(X509_CRL_set1_lastUpdate(crl, begin) == 1);
    simulate_need(X509_CRL_set1_nextUpdate(crl, end) == 1);
    if (options->ask_revoked)
        revoke(crl, amd->ask.cert, begin);
    if (options->asvk_revoked)
        revoke(crl, amd->asvk.cert, begin);
    X509V3_CTX made;
    X509V3_set_ctx(&made, amd->ark.cert, NULL, NULL, crl, 0);
    X509_EXTENSION *id =
        X509V3_EXT_conf_nid(NULL, &made, NID_authority_key_identifier, "keyid:always");
    simulate_need(id != NULL && X509_CRL_add_ext(crl, id, -1) == 1);
    X509_EXTENSION_free(id);
    EVP_MD_CTX *signer = pss_signer(amd->ark.key);
    simulate_need(X509_CRL_sign_ctx(crl, signer) > 0);
    EVP_MD_CTX_free(signer);
    ASN1_TIME_free(begin);
    ASN1_TIME_free(end);
    return crl;
}

/* --- the document --- */

/* PEM holds nothing that JSON would have escaped but its line ends. */
static void put_member(struct simulate_bytes *out, const char *name, X509 *cert)
{
    struct simulate_bytes pem = {0};
    simulate_put_pem(&pem, cert);
    simulate_put_text(out, ",\n \"%s\": \"", name);
    for (size_t i = 0; i < pem.len; ++i)
        if (pem.ptr[i] == '\n')
            simulate_put_text(out, "\\n");
        else
            simulate_put_byte(out, pem.ptr[i]);
    simulate_put_text(out, "\"");
    simulate_bytes_fini(&pem);
}

struct simulate_bytes simulate_amd_document(const struct simulate_amd *amd, bool vlek, X509 *leaf,
                                            X509_CRL *crl)
{
    struct simulate_bytes out = {0};
    simulate_put_text(&out, "{\"tee\": \"snp\",\n \"product\": \"%s\"", products[amd->product]);
    if (leaf != NULL)
        put_member(&out, "leaf", leaf);
    put_member(&out, "ica", vlek ? amd->asvk.cert : amd->ask.cert);
    put_member(&out, "ark", amd->ark.cert);
    if (crl != NULL) {
        unsigned char *der = NULL;
        int len = i2d_X509_CRL(crl, &der);
        simulate_need(len > 0);
        simulate_put_text(&out, ",\n \"crl\": \"");
        simulate_put_hex(&out, der, (size_t)len);
        simulate_put_text(&out, "\"");
        OPENSSL_free(der);
    }
    simulate_put_text(&out, "}\n");
    return out;
}
