/* Any bytes as header and body of a quote, signed by an attestation key that a simulated platform
 * vouches for: what is accepted is what the policy lists, and nothing that is open to debugging. */
#include "simulated.h"

#include "formats/quote.h"

#include <openssl/core_names.h>
#include <openssl/sha.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QE_REPORT_DATA = 320, QE_AUTH_BYTES = 32, TAIL_ROOM = 16 * 1024 };

/* QE report to PCK chain, and the attestation key that it binds. */
struct signer {
    struct simulated simulated;
    struct attest_collateral *sgx, *tdx;
    EVP_PKEY *key;
    uint8_t point[64], tail[2][TAIL_ROOM]; /* of SGX and of TDX: each has its own QE */
    size_t tail_len[2];
};

/* The tail of a sound quote, its QE report bound to our key instead, and signed anew. */
static void take_tail(struct signer *signer, enum attest_tee tee)
{
    bool is_tdx = tee == ATTEST_TEE_TDX;
    struct simulate_quote_options options = simulate_quote_default(tee);
    struct simulate_bytes quote =
        simulate_quote(&signer->simulated.vendor, &signer->simulated.pck, &options);
    size_t at = (is_tdx ? 48 + TD10_REPORT_BYTES : 48 + SGX_REPORT_BYTES) + 4 + 128;
    at += is_tdx ? 6 : 0; /* the frame of version 4 */
    uint8_t *tail = signer->tail[is_tdx], bound[64 + QE_AUTH_BYTES];
    signer->tail_len[is_tdx] = quote.len - at;
    if (quote.len - at > TAIL_ROOM)
        abort();
    memcpy(tail, quote.ptr + at, quote.len - at);
    memcpy(bound, signer->point, 64);
    memcpy(bound + 64, tail + SGX_REPORT_BYTES + 64 + 2, QE_AUTH_BYTES);
    SHA256(bound, sizeof bound, tail + QE_REPORT_DATA);
    simulate_sign(signer->simulated.pck.key, tail, SGX_REPORT_BYTES, tail + SGX_REPORT_BYTES);
    simulate_bytes_fini(&quote);
}

static struct signer *the_signer(void)
{
    static struct signer signer;
    uint8_t octets[65];
    size_t len;
    if (signer.key != NULL)
        return &signer;
    simulated_init(&signer.simulated);
    struct simulate_collateral_options sgx = simulated_options(ATTEST_TEE_SGX);
    struct simulate_collateral_options tdx = simulated_options(ATTEST_TEE_TDX);
    signer.sgx = simulated_collateral(&signer.simulated, &sgx);
    signer.tdx = simulated_collateral(&signer.simulated, &tdx);
    signer.key = EVP_EC_gen("P-256");
    if (signer.sgx == NULL || signer.tdx == NULL || !attest_collateral_prove(signer.sgx) ||
        !attest_collateral_prove(signer.tdx) || signer.key == NULL ||
        EVP_PKEY_get_octet_string_param(signer.key, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets,
                                        &len) != 1)
        abort();
    memcpy(signer.point, octets + 1, sizeof signer.point);
    take_tail(&signer, ATTEST_TEE_SGX);
    take_tail(&signer, ATTEST_TEE_TDX);
    return &signer;
}

static void put_number(uint8_t **at, size_t value, size_t len)
{
    for (size_t i = 0; i < len; ++i)
        *(*at)++ = (uint8_t)(value >> (8 * i));
}

static void put(uint8_t **at, const void *bytes, size_t len)
{
    memcpy(*at, bytes, len);
    *at += len;
}

/* Version 3 has the tail bare, later ones in a frame of type 6. */
static size_t assemble(const struct signer *signer, const uint8_t *data, size_t size, uint8_t *out)
{
    bool is_tdx = size > 4 && data[4] == 0x81, is_framed = size > 0 && data[0] != 3;
    uint8_t signature[64], *at = out;
    size_t tail_len = signer->tail_len[is_tdx];
    simulate_sign(signer->key, data, size, signature);
    put(&at, data, size);
    put_number(&at, 128 + (is_framed ? 6 : 0) + tail_len, 4);
    put(&at, signature, sizeof signature);
    put(&at, signer->point, sizeof signer->point);
    if (is_framed) {
        put_number(&at, 6, 2);
        put_number(&at, tail_len, 4);
    }
    put(&at, signer->tail[is_tdx], tail_len);
    return (size_t)(at - out);
}

static bool has(const uint8_t *data, size_t size, size_t at, const uint8_t *bytes, size_t len)
{
    return at + len <= size && memcmp(data + at, bytes, len) == 0;
}

/* Offsets of ra-tls a.2, written down once more. */
static void check_trusted(const uint8_t *data, size_t size, const struct attest_verdict *verdict)
{
    struct simulate_quote_options good = simulate_quote_default(verdict->tee);
    size_t body = data[0] == 5 ? 54 : 48;
    static const uint8_t zeros[56];
    if (verdict->tcb_status == NULL || strcmp(verdict->tcb_status, "UpToDate") != 0)
        abort();
    if (verdict->tee == ATTEST_TEE_SGX &&
        (!has(data, size, body + 64, good.sgx.mrenclave, 32) || (data[body + 48] & 2)))
        abort();
    if (verdict->tee == ATTEST_TEE_TDX &&
        (!has(data, size, body + 136, good.tdx.mrtd, 48) || data[body + 120] != 0 ||
         !has(data, size, body + 64, zeros, sizeof zeros)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { SIGNED_MAX = 4096 };
    struct signer *signer = the_signer();
    if (size > SIGNED_MAX)
        return 0;
    uint8_t *quote = malloc(size + TAIL_ROOM + 256);
    if (quote == NULL)
        abort();
    struct attest_bytes bytes = {.ptr = quote, .len = assemble(signer, data, size, quote)};
    struct attest_verdict verdict;
    simulated_verify(&signer->simulated, size > 4 && data[4] == 0x81 ? signer->tdx : signer->sgx,
                     bytes, &verdict);
    if (attest_is_trusted(&verdict))
        check_trusted(data, size, &verdict);
    else if (verdict.detail[0] == '\0' || verdict.reason == ATTEST_QUOTE_SIGNATURE ||
             verdict.reason == ATTEST_QE_SIGNATURE || verdict.reason == ATTEST_QE_BINDING)
        abort(); /* everything is signed: a signature must not be what refuses it */
    free(quote);
    return 0;
}
