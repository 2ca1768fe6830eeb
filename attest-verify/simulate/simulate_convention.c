/* How each convention binds a key and carries a quote in a certificate (simulate.h). */
#include "simulate/simulate_amd.h"
#include "simulate/simulate_pki.h"

#include <openssl/pem.h>
#include <openssl/sha.h>
#include <string.h>

enum { QUOTE_TAG = 60000, REPORT_TAG = 0x1a7504 /* librats' */ };
enum { CBOR_TEXT = 3, CBOR_ARRAY = 4, CBOR_MAP = 5, CBOR_TAG = 6 };
enum { HASH_SHA256 = 1 }; /* IANA Named Information Hash Algorithm registry */
enum { OE_VERSION = 1, OE_TYPE_REMOTE = 2 };

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

static void bind_dice(EVP_PKEY *key, uint8_t report_data[64], struct simulate_bytes *claims)
{
    put_claims(claims, key);
    SHA256(claims->ptr, claims->len, report_data);
}

static void bind_gramine(EVP_PKEY *key, uint8_t report_data[64], struct simulate_bytes *claims)
{
    key_digest(key, report_data);
}

static void bind_rats_tls(EVP_PKEY *key, uint8_t report_data[64], struct simulate_bytes *claims)
{
    unsigned char *der = NULL;
    int len = i2d_PublicKey(key, &der); /* of an RSA key: PKCS#1 RSAPublicKey */
    simulate_need(len > 0);
    SHA256(der, (size_t)len, report_data);
    OPENSSL_free(der);
}

static void bind_open_enclave(EVP_PKEY *key, uint8_t report_data[64], struct simulate_bytes *claims)
{
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *text;
    simulate_need(bio != NULL && PEM_write_bio_PUBKEY(bio, key) == 1 && BIO_write(bio, "", 1) == 1);
    long len = BIO_get_mem_data(bio, &text);
    SHA256(text, (size_t)len, report_data);
    BIO_free(bio);
}

static void bind_dstack(EVP_PKEY *key, uint8_t report_data[64], struct simulate_bytes *claims)
{
    struct simulate_bytes text = {0}, spki = simulate_spki(key);
    simulate_put_text(&text, "ratls-cert:");
    simulate_put(&text, spki.ptr, spki.len);
    SHA512(text.ptr, text.len, report_data);
    simulate_bytes_fini(&spki);
    simulate_bytes_fini(&text);
}

static void add_dice(X509 *cert, const struct simulate_certificate_options *options)
{
    struct simulate_bytes evidence = {0};
    simulate_cbor_head(&evidence, CBOR_TAG, options->report != NULL ? REPORT_TAG : QUOTE_TAG);
    simulate_cbor_head(&evidence, CBOR_ARRAY, 2);
    simulate_cbor_octets(&evidence, options->quote->ptr, options->quote->len);
    simulate_cbor_octets(&evidence, options->claims->ptr, options->claims->len);
    simulate_cert_extend_raw(cert, "2.23.133.5.4.9", &evidence);
    simulate_bytes_fini(&evidence);
}

static void add_gramine(X509 *cert, const struct simulate_certificate_options *options)
{
    simulate_cert_extend_raw(cert, "0.6.9.42.840.113741.1337.6", options->quote);
}

static void add_intel(X509 *cert, const struct simulate_certificate_options *options)
{
    simulate_cert_extend_raw(cert, "1.2.840.113741.1.13.1", options->quote);
    add_dice(cert, options);
}

static void add_rats_tls(X509 *cert, const struct simulate_certificate_options *options)
{
    simulate_cert_extend_raw(cert, "1.2.840.113741.1337.6", options->quote);
}

static void add_open_enclave(X509 *cert, const struct simulate_certificate_options *options)
{
    struct simulate_bytes report = {0};
    simulate_put_le(&report, OE_VERSION, 4);
    simulate_put_le(&report, OE_TYPE_REMOTE, 4);
    simulate_put_le(&report, options->quote->len, 8);
    simulate_put(&report, options->quote->ptr, options->quote->len);
    simulate_cert_extend_raw(cert, "1.2.840.113556.10.1.1", &report);
    simulate_bytes_fini(&report);
}

static void add_dstack(X509 *cert, const struct simulate_certificate_options *options)
{
    struct simulate_bytes log = simulate_dstack_log();
    simulate_dstack_extend(cert, "1", options->quote);
    simulate_dstack_extend(cert, "2", &log);
    simulate_bytes_fini(&log);
}

static void add_dstack8(X509 *cert, const struct simulate_certificate_options *options)
{
    bool v1 = options->convention == SIMULATE_DSTACK8;
    struct simulate_bytes envelope =
        options->report != NULL ? simulate_dstack_report(v1, options->quote, options->report)
        : v1                    ? simulate_dstack_v1(options->quote)
                                : simulate_dstack_v0(options->quote);
    simulate_dstack_extend(cert, "8", &envelope);
    simulate_bytes_fini(&envelope);
}

static void add_attested_tls(X509 *cert, const struct simulate_certificate_options *options)
{
    bool bare = options->convention == SIMULATE_ATTESTED_TLS;
    struct simulate_bytes evidence =
        bare ? simulate_attested_tls(options->quote) : simulate_attested_tls8(options->quote);
    simulate_dstack_extend(cert, bare ? "1" : "8", &evidence);
    simulate_bytes_fini(&evidence);
}

static const struct {
    void (*bind)(EVP_PKEY *key, uint8_t report_data[64], struct simulate_bytes *claims);
    void (*add)(X509 *cert, const struct simulate_certificate_options *options);
} conventions[SIMULATE_CONVENTION_COUNT] = {
    [SIMULATE_DICE] = {bind_dice, add_dice},
    [SIMULATE_GRAMINE] = {bind_gramine, add_gramine},
    [SIMULATE_INTEL] = {bind_dice, add_intel},
    [SIMULATE_RATS_TLS] = {bind_rats_tls, add_rats_tls},
    [SIMULATE_OPEN_ENCLAVE] = {bind_open_enclave, add_open_enclave},
    [SIMULATE_DSTACK] = {bind_dstack, add_dstack},
    [SIMULATE_DSTACK8] = {bind_dstack, add_dstack8},
    [SIMULATE_DSTACK8_V0] = {bind_dstack, add_dstack8},
    [SIMULATE_ATTESTED_TLS] = {NULL, add_attested_tls}, /* simulate_bind_life() */
    [SIMULATE_ATTESTED_TLS8] = {NULL, add_attested_tls},
};

void simulate_bind_key(enum simulate_convention convention, EVP_PKEY *key,
                       struct simulate_quote_options *quote, struct simulate_bytes *claims)
{
    memset(quote->report_data, 0, sizeof quote->report_data);
    if (conventions[convention].bind != NULL)
        conventions[convention].bind(key, quote->report_data, claims);
    if (conventions[convention].bind == bind_dstack)
        simulate_dstack_rtmr3(quote->tdx.rtmr[3]);
}

void simulate_add_evidence(X509 *cert, const struct simulate_certificate_options *options)
{
    if (conventions[options->convention].add != NULL)
        conventions[options->convention].add(cert, options);
}
