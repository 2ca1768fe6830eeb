#include "simulate/simulate_pki.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/sha.h>
#include <string.h>

/* Offsets and sizes are of the quote format, versions 3 to 5, as Intel's quote verification library
 * reads it (QuoteStructures.h). */
enum {
    TEE_TYPE_TDX = 0x81,
    KEY_TYPE_P256 = 2,
    CERT_PEM_CHAIN = 5,
    CERT_QE_REPORT = 6,
    BODY_SGX = 1,
    BODY_TD_1_0 = 2,
    BODY_TD_1_5 = 3,
    QE_AUTH_LEN = 32,
};
enum { SGX_DEBUG = 2, TD_DEBUG = 1 };

static const uint8_t intel_qe[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                     0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
static const uint8_t good_cpusvn[16] = {4, 4, 2, 2, 4, 1, 0, 5};

/* What is measured here are sentences: nobody can mistake the digest for software. */
#define RUNTIME_TEXT  "teegate simulated agent runtime"
#define UNLISTED_TEXT "teegate simulated unlisted runtime"

static void digest_256(const char *text, uint8_t out[32])
{
    SHA256((const uint8_t *)text, strlen(text), out);
}

static void digest_384(const char *text, uint8_t out[48])
{
    SHA384((const uint8_t *)text, strlen(text), out);
}

struct simulate_quote_options simulate_quote_default(enum attest_tee tee)
{
    static const char *const rtmr_texts[4] = {RUNTIME_TEXT " rtmr0", RUNTIME_TEXT " rtmr1",
                                              RUNTIME_TEXT " rtmr2", RUNTIME_TEXT " rtmr3"};
    struct simulate_quote_options options = {
        .tee = tee,
        .version = tee == ATTEST_TEE_TDX ? 4 : 3,
        .sgx = {.attributes = 0x5, .isvprodid = 1, .isvsvn = 1}, /* INIT, MODE64 */
        .tdx = {.tee_tcb_svn = {5, 1, 4},
                .td_attributes = 0x10000000, /* SEPT_VE_DISABLE */
                .xfam = 0x618e7,
                .tee_tcb_svn_2 = {5, 1, 4}},
        .qe = {.isvprodid = tee == ATTEST_TEE_TDX ? 2 : 1,
               .isvsvn = 8,
               .attributes = 0x11}, /* INIT, PROVISION_KEY */
    };
    digest_256(RUNTIME_TEXT, options.sgx.mrenclave);
    digest_256("teegate simulated signer", options.sgx.mrsigner);
    digest_256("teegate simulated quoting enclave signer", options.qe.mrsigner);
    digest_384("teegate simulated TDX module", options.tdx.mrseam);
    digest_384(RUNTIME_TEXT, options.tdx.mrtd);
    for (size_t i = 0; i < 4; ++i)
        digest_384(rtmr_texts[i], options.tdx.rtmr[i]);
    return options;
}

void simulate_quote_set_debug(struct simulate_quote_options *options)
{
    options->sgx.attributes |= SGX_DEBUG;
    options->tdx.td_attributes |= TD_DEBUG;
}

void simulate_quote_set_unlisted(struct simulate_quote_options *options)
{
    digest_256(UNLISTED_TEXT, options->sgx.mrenclave);
    digest_384(UNLISTED_TEXT, options->tdx.mrtd);
}

void simulate_sign(EVP_PKEY *key, const uint8_t *message, size_t len, uint8_t signature[64])
{
    uint8_t der[80];
    size_t der_len = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    simulate_need(ctx != NULL);
    simulate_need(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1);
    simulate_need(EVP_DigestSign(ctx, der, &der_len, message, len) == 1);
    EVP_MD_CTX_free(ctx);

    const uint8_t *at = der;
    ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
    simulate_need(parts != NULL);
    simulate_need(BN_bn2binpad(ECDSA_SIG_get0_r(parts), signature, 32) == 32);
    simulate_need(BN_bn2binpad(ECDSA_SIG_get0_s(parts), signature + 32, 32) == 32);
    ECDSA_SIG_free(parts);
}

static void public_point(EVP_PKEY *key, uint8_t point[64])
{
    uint8_t octets[65]; /* SEC 1 2.3.3: 0x04, x, y */
    size_t len = 0;
    simulate_need(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, octets,
                                                  sizeof octets, &len) == 1);
    simulate_need(len == sizeof octets && octets[0] == 4);
    memcpy(point, octets + 1, 64);
}

struct enclave_report {
    uint64_t attributes;
    const uint8_t *mrenclave, *mrsigner, *report_data;
    uint16_t isvprodid, isvsvn;
};

/* 384 bytes. */
static void put_enclave_report(struct simulate_bytes *out, const struct enclave_report *report)
{
    simulate_put(out, good_cpusvn, sizeof good_cpusvn);
    simulate_put_zeros(out, 4 + 28); /* MISCSELECT, reserved */
    simulate_put_le(out, report->attributes, 8);
    simulate_put_le(out, 0xe7, 8); /* XFRM */
    simulate_put(out, report->mrenclave, 32);
    simulate_put_zeros(out, 32);
    simulate_put(out, report->mrsigner, 32);
    simulate_put_zeros(out, 96);
    simulate_put_le(out, report->isvprodid, 2);
    simulate_put_le(out, report->isvsvn, 2);
    simulate_put_zeros(out, 60);
    simulate_put(out, report->report_data, 64);
}

/* 584 bytes; a TD report 1.5 has 64 more. */
static void put_td_report(struct simulate_bytes *out, const struct simulate_quote_options *options)
{
    simulate_put(out, options->tdx.tee_tcb_svn, 16);
    simulate_put(out, options->tdx.mrseam, 48);
    simulate_put(out, options->tdx.mrsignerseam, 48);
    simulate_put_le(out, options->tdx.seam_attributes, 8);
    simulate_put_le(out, options->tdx.td_attributes, 8);
    simulate_put_le(out, options->tdx.xfam, 8);
    simulate_put(out, options->tdx.mrtd, 48);
    simulate_put_zeros(out, 3 * 48); /* MRCONFIGID, MROWNER, MROWNERCONFIG */
    simulate_put(out, options->tdx.rtmr, sizeof options->tdx.rtmr);
    simulate_put(out, options->report_data, 64);
    if (options->td_1_5) {
        simulate_put(out, options->tdx.tee_tcb_svn_2, 16);
        simulate_put_zeros(out, 48); /* MRSERVICETD */
    }
}

static void put_header(struct simulate_bytes *out, const struct simulate_quote_options *options)
{
    static const uint8_t qe_id[16] = "simulated QE id";
    simulate_put_le(out, options->version, 2);
    simulate_put_le(out, KEY_TYPE_P256, 2);
    simulate_put_le(out, options->tee == ATTEST_TEE_TDX ? TEE_TYPE_TDX : 0, 4);
    simulate_put_le(out, options->version == 3 ? options->qe.isvsvn : 0, 2);
    simulate_put_le(out, options->version == 3 ? 11 : 0, 2); /* PCE SVN */
    simulate_put(out, intel_qe, sizeof intel_qe);
    simulate_put(out, qe_id, sizeof qe_id);
    simulate_put_zeros(out, 4);
}

static void apply(const struct simulate_patch *patch, struct simulate_bytes *bytes)
{
    if (patch->flip == 0)
        return;
    simulate_need(patch->offset < bytes->len);
    bytes->ptr[patch->offset] ^= patch->flip;
}

/* Header and body: what the attestation key signs. */
static void put_signed_part(struct simulate_bytes *out,
                            const struct simulate_quote_options *options)
{
    bool tdx = options->tee == ATTEST_TEE_TDX;
    put_header(out, options);
    if (options->version == 5) {
        simulate_put_le(out, !tdx ? BODY_SGX : options->td_1_5 ? BODY_TD_1_5 : BODY_TD_1_0, 2);
        simulate_put_le(out, !tdx ? 384 : options->td_1_5 ? 648 : 584, 4);
    }
    if (tdx)
        put_td_report(out, options);
    else
        put_enclave_report(out, &(struct enclave_report){
                                    .attributes = options->sgx.attributes,
                                    .mrenclave = options->sgx.mrenclave,
                                    .mrsigner = options->sgx.mrsigner,
                                    .report_data = options->report_data,
                                    .isvprodid = options->sgx.isvprodid,
                                    .isvsvn = options->sgx.isvsvn,
                                });
}

static void put_qe_report(struct simulate_bytes *out, const struct simulate_quote_options *options,
                          const uint8_t point[64], const uint8_t auth[QE_AUTH_LEN])
{
    uint8_t bound[64 + QE_AUTH_LEN], report_data[64] = {0}, mrenclave[32];
    memcpy(bound, point, 64);
    memcpy(bound + 64, auth, QE_AUTH_LEN);
    if (options->damage == SIMULATE_UNBOUND_ATTESTATION_KEY)
        bound[0] ^= 1;
    SHA256(bound, sizeof bound, report_data);
    digest_256("teegate simulated quoting enclave", mrenclave);
    put_enclave_report(out, &(struct enclave_report){
                                .attributes = options->qe.attributes,
                                .mrenclave = mrenclave,
                                .mrsigner = options->qe.mrsigner,
                                .report_data = report_data,
                                .isvprodid = options->qe.isvprodid,
                                .isvsvn = options->qe.isvsvn,
                            });
}

/* QE report, its signature, authentication data and the PCK chain: the same in all versions. */
static struct simulate_bytes qe_part(const struct simulate_vendor *vendor,
                                     const struct simulate_identity *pck,
                                     const struct simulate_quote_options *options,
                                     const uint8_t point[64])
{
    struct simulate_bytes out = {0}, chain = {0};
    uint8_t auth[QE_AUTH_LEN], signature[64];
    for (uint8_t i = 0; i < QE_AUTH_LEN; ++i) /* 00 01 02 .. as Intel's QE fills it */
        auth[i] = i;
    put_qe_report(&out, options, point, auth);
    apply(&options->qe_patch, &out);
    simulate_sign(pck->key, out.ptr, out.len, signature);
    if (options->damage == SIMULATE_BAD_QE_SIGNATURE)
        signature[63] ^= 1;
    simulate_put(&out, signature, sizeof signature);
    simulate_put_le(&out, QE_AUTH_LEN, 2);
    simulate_put(&out, auth, QE_AUTH_LEN);

    simulate_put_pem(&chain, pck->cert);
    simulate_put_pem(&chain, vendor->ca.cert);
    simulate_put_pem(&chain, vendor->root.cert);
    simulate_put_byte(&chain, 0); /* most real chains end with a NUL */
    simulate_put_le(&out, CERT_PEM_CHAIN, 2);
    simulate_put_le(&out, chain.len, 4);
    simulate_put(&out, chain.ptr, chain.len);
    simulate_bytes_fini(&chain);
    return out;
}

struct simulate_bytes simulate_quote(const struct simulate_vendor *vendor,
                                     const struct simulate_identity *pck,
                                     const struct simulate_quote_options *options)
{
    struct simulate_bytes quote = {0};
    uint8_t point[64], signature[64];
    EVP_PKEY *attestation_key = simulate_key_new();
    public_point(attestation_key, point);
    put_signed_part(&quote, options);
    apply(&options->patch, &quote);
    simulate_sign(attestation_key, quote.ptr, quote.len, signature);
    if (options->damage == SIMULATE_BAD_QUOTE_SIGNATURE)
        signature[63] ^= 1;
    EVP_PKEY_free(attestation_key);

    struct simulate_bytes qe = qe_part(vendor, pck, options, point);
    bool wrapped = options->version >= 4; /* in certification data of type 6 */
    simulate_put_le(&quote, 128 + (wrapped ? 6 : 0) + qe.len, 4);
    simulate_put(&quote, signature, sizeof signature);
    simulate_put(&quote, point, sizeof point);
    if (wrapped) {
        simulate_put_le(&quote, CERT_QE_REPORT, 2);
        simulate_put_le(&quote, qe.len, 4);
    }
    simulate_put(&quote, qe.ptr, qe.len);
    simulate_bytes_fini(&qe);
    return quote;
}
