/* RA-TLS certificates of every convention, changed in one place: every byte's bit in its turn,
 * every field of the quote filled, the evidence cut, lengthened and exchanged. What is still
 * trusted must say the same of the same key; and nothing of the quote, the claims or the key may
 * have changed. */
#include "simulate/simulate_pki.h"
#include "verify_scene.h"

#include <stdio.h>

static const struct {
    enum simulate_convention convention;
    enum attest_tee tee;
    const char *name, *oid;
} rows[] = {{SIMULATE_DICE, ATTEST_TEE_SGX, "DICE, sgx", "2.23.133.5.4.9"},
            {SIMULATE_DICE, ATTEST_TEE_TDX, "DICE, tdx", "2.23.133.5.4.9"},
            {SIMULATE_GRAMINE, ATTEST_TEE_SGX, "Gramine", "0.6.9.42.840.113741.1337.6"},
            {SIMULATE_INTEL, ATTEST_TEE_SGX, "Intel", "1.2.840.113741.1.13.1"},
            {SIMULATE_RATS_TLS, ATTEST_TEE_SGX, "rats-tls", "1.2.840.113741.1337.6"},
            {SIMULATE_OPEN_ENCLAVE, ATTEST_TEE_SGX, "Open Enclave", "1.2.840.113556.10.1.1"},
            {SIMULATE_DSTACK, ATTEST_TEE_TDX, "dstack", "1.3.6.1.4.1.62397.1.1"},
            {SIMULATE_DSTACK8, ATTEST_TEE_TDX, "dstack V1", "1.3.6.1.4.1.62397.1.8"},
            {SIMULATE_DSTACK8_V0, ATTEST_TEE_TDX, "dstack V0", "1.3.6.1.4.1.62397.1.8"}};
enum { ROWS = sizeof rows / sizeof *rows };

/* One worker's certificate, and what stands in it. */
struct worker {
    EVP_PKEY *key;
    X509 *certificate;
    struct simulate_bytes quote, claims, spki, der;
};

/* A run over the mutations of one row. */
struct run {
    size_t row;
    const struct attest_request *request;
    struct worker worker, other;
    struct attest_verdict sound;
    size_t tried, trusted;
};

static void make_worker(struct worker *worker, size_t row, const struct simulate_vendor *vendor,
                        const struct simulate_identity *pck)
{
    struct simulate_quote_options options = simulate_quote_default(rows[row].tee);
    *worker = (struct worker){
        .key = rows[row].convention == SIMULATE_RATS_TLS ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256")};
    simulate_bind_key(rows[row].convention, worker->key, &options, &worker->claims);
    worker->quote = simulate_quote(vendor, pck, &options);
    worker->spki = simulate_spki(worker->key);
    struct simulate_certificate_options made = {.name = "worker",
                                                .not_before = NOW - DAY,
                                                .not_after = NOW + DAY,
                                                .convention = rows[row].convention,
                                                .quote = &worker->quote,
                                                .claims = &worker->claims};
    worker->certificate = simulate_certificate(worker->key, &made);
    unsigned char *der = NULL;
    int len = i2d_X509(worker->certificate, &der);
    simulate_put(&worker->der, der, (size_t)len);
    OPENSSL_free(der);
}

static void free_worker(struct worker *worker)
{
    EVP_PKEY_free(worker->key);
    X509_free(worker->certificate);
    simulate_bytes_fini(&worker->quote);
    simulate_bytes_fini(&worker->claims);
    simulate_bytes_fini(&worker->spki);
    simulate_bytes_fini(&worker->der);
}

/* Whether trust in these bytes is trust in the very same worker, within its time. */
static bool is_same_worker(const struct run *run, const uint8_t *der, size_t len,
                           const struct attest_verdict *verdict)
{
    const unsigned char *at = der;
    X509 *certificate = d2i_X509(NULL, &at, (long)len);
    ck_assert_ptr_nonnull(certificate);
    unsigned char *spki = NULL;
    int spki_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
    time_t now = NOW;
    bool same =
        (size_t)spki_len == run->worker.spki.len &&
        memcmp(spki, run->worker.spki.ptr, (size_t)spki_len) == 0 &&
        X509_cmp_time(X509_get0_notBefore(certificate), &now) < 0 &&
        X509_cmp_time(X509_get0_notAfter(certificate), &now) > 0 &&
        verdict->measurement_count == run->sound.measurement_count &&
        memcmp(verdict->measurements, run->sound.measurements, sizeof verdict->measurements) == 0 &&
        memcmp(verdict->report_data, run->sound.report_data, 64) == 0 &&
        verdict->tcb_status == run->sound.tcb_status;
    OPENSSL_free(spki);
    X509_free(certificate);
    return same;
}

static bool judge_der(struct run *run, const uint8_t *der, size_t len, const char *what, size_t at)
{
    struct attest_verdict verdict;
    attest_verify_certificate(run->request, (struct attest_bytes){.ptr = der, .len = len},
                              &verdict);
    ++run->tried;
    if (!attest_is_trusted(&verdict)) {
        ck_assert_msg(verdict.detail[0] != '\0', "%s: %s at %zu: no word", rows[run->row].name,
                      what, at);
        return false;
    }
    ++run->trusted;
    ck_assert_msg(is_same_worker(run, der, len, &verdict), "%s: %s at %zu: another worker",
                  rows[run->row].name, what, at);
    return true;
}

/* Where `part` stands in the bytes; their length when it does not. */
static size_t find_part(const struct simulate_bytes *bytes, const void *part, size_t len)
{
    for (size_t at = 0; len > 0 && at + len <= bytes->len; ++at)
        if (memcmp(bytes->ptr + at, part, len) == 0)
            return at;
    return bytes->len;
}

static size_t place_of(const struct run *run, const struct simulate_bytes *part)
{
    return find_part(&run->worker.der, part->ptr, part->len);
}

/* The quote's own bytes: less the PEM text, which is as good with other white space at its end. */
static size_t quote_core(const struct simulate_bytes *quote)
{
    return find_part(quote, "-----BEGIN", 10);
}

static bool is_within(size_t at, size_t from, size_t len)
{
    return at >= from && at - from < len;
}

static void flip_bytes(struct run *run, size_t step)
{
    struct simulate_bytes *der = &run->worker.der;
    size_t quote_at = place_of(run, &run->worker.quote);
    size_t claims_at = place_of(run, &run->worker.claims);
    size_t spki_at = place_of(run, &run->worker.spki);
    ck_assert_uint_lt(spki_at, der->len);
    for (size_t at = 0; at < der->len; at += step) {
        der->ptr[at] ^= (uint8_t)(1u << at / step % 8);
        bool trusted = judge_der(run, der->ptr, der->len, "a bit flipped", at);
        der->ptr[at] ^= (uint8_t)(1u << at / step % 8);
        bool matters = is_within(at, quote_at, quote_core(&run->worker.quote)) ||
                       is_within(at, claims_at, run->worker.claims.len) ||
                       is_within(at, spki_at, run->worker.spki.len);
        ck_assert_msg(!trusted || !matters, "%s: trusted with a bit flipped at %zu",
                      rows[run->row].name, at);
    }
}

/* Every field of the quote: all zeros, all ones. (offset, length) from its beginning. */
static void fill_fields(struct run *run)
{
    static const struct {
        uint16_t at, len;
    } header[] = {{0, 2}, {2, 2}, {4, 4}, {12, 16}, {28, 20}},
      enclave[] = {{0, 16},   {16, 4},   {20, 28}, {48, 8},  {56, 8},   {64, 32},  {96, 32},
                   {128, 32}, {160, 96}, {256, 2}, {258, 2}, {260, 60}, {320, 32}, {352, 32}},
      td[] = {{0, 16},   {16, 48},  {64, 48},  {112, 8},  {120, 8},  {128, 8},
              {136, 48}, {184, 48}, {232, 48}, {280, 48}, {328, 48}, {376, 48},
              {424, 48}, {472, 48}, {520, 32}, {552, 32}},
      auth[] = {{0, 4}, {4, 32}, {36, 32}, {68, 32}, {100, 32}};
    bool is_tdx = rows[run->row].tee == ATTEST_TEE_TDX;
    size_t body = is_tdx ? 584 : 384, quote_at;
    struct simulate_bytes *der = &run->worker.der;
    quote_at = place_of(run, &run->worker.quote);
    if (quote_at == der->len)
        return; /* dstack V1 writes it as numbers */
    size_t counts[] = {sizeof header / sizeof *header,
                       is_tdx ? sizeof td / sizeof *td : sizeof enclave / sizeof *enclave,
                       sizeof auth / sizeof *auth, sizeof enclave / sizeof *enclave};
    size_t bases[] = {0, 48, 48 + body, 48 + body + 4 + 128 + (is_tdx ? 6 : 0)};
    const uint16_t *tables[] = {&header[0].at, is_tdx ? &td[0].at : &enclave[0].at, &auth[0].at,
                                &enclave[0].at};
    for (size_t t = 0; t < 4; ++t)
        for (size_t i = 0; i < counts[t]; ++i)
            for (int with = 0; with < 256; with += 255) {
                uint8_t kept[96], *at = der->ptr + quote_at + bases[t] + tables[t][2 * i];
                size_t len = tables[t][2 * i + 1];
                memcpy(kept, at, len);
                memset(at, with, len);
                bool changed = memcmp(kept, at, len) != 0;
                bool trusted = judge_der(run, der->ptr, der->len, "a field filled", i);
                ck_assert_msg(trusted != changed, "%s: field %zu of part %zu filled with %d",
                              rows[run->row].name, i, t, with);
                memcpy(at, kept, len);
            }
}

/* A certificate whose evidence has this value; its own lengths are right again. */
static bool judge_value(struct run *run, const uint8_t *value, size_t len, const char *what,
                        size_t at)
{
    X509 *certificate = X509_dup(run->worker.certificate);
    ASN1_OBJECT *oid = OBJ_txt2obj(rows[run->row].oid, 1);
    X509_EXTENSION_free(X509_delete_ext(certificate, X509_get_ext_by_OBJ(certificate, oid, -1)));
    ASN1_OBJECT_free(oid);
    struct simulate_bytes bytes = {0};
    simulate_put(&bytes, value, len);
    simulate_cert_extend_raw(certificate, rows[run->row].oid, &bytes);
    simulate_cert_sign(certificate, run->worker.key);
    unsigned char *der = NULL;
    int der_len = i2d_X509(certificate, &der);
    bool trusted = judge_der(run, der, (size_t)der_len, what, at);
    OPENSSL_free(der);
    X509_free(certificate);
    simulate_bytes_fini(&bytes);
    return trusted;
}

static const ASN1_OCTET_STRING *evidence_of(const struct run *run, const struct worker *worker)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(rows[run->row].oid, 1);
    int at = X509_get_ext_by_OBJ(worker->certificate, oid, -1);
    ASN1_OBJECT_free(oid);
    ck_assert_int_ge(at, 0);
    return X509_EXTENSION_get_data(X509_get_ext(worker->certificate, at));
}

static void cut_and_lengthen(struct run *run)
{
    const ASN1_OCTET_STRING *value = evidence_of(run, &run->worker);
    size_t len = (size_t)ASN1_STRING_length(value);
    uint8_t *bytes = calloc(2, len + 1);
    memcpy(bytes, ASN1_STRING_get0_data(value), len);
    ck_assert(judge_value(run, bytes, len, "as it is", 0));
    for (size_t cut = 0; cut < len; cut += 1 + len / 97)
        ck_assert_msg(!judge_value(run, bytes, cut, "evidence cut", cut), "%s cut at %zu",
                      rows[run->row].name, cut);
    ck_assert(!judge_value(run, bytes, len - 1, "the last byte cut", len));
    ck_assert(!judge_value(run, bytes, len + 1, "a zero behind", len));
    memcpy(bytes + len, bytes, len);
    ck_assert(!judge_value(run, bytes, 2 * len, "evidence twice", len));
    free(bytes);
    const ASN1_OCTET_STRING *others = evidence_of(run, &run->other);
    ck_assert(!judge_value(run, ASN1_STRING_get0_data(others), (size_t)ASN1_STRING_length(others),
                           "another worker's evidence", 0));
}

static void cut_certificate(struct run *run)
{
    struct simulate_bytes *der = &run->worker.der;
    for (size_t cut = 0; cut < der->len; cut += 1 + der->len / 53)
        ck_assert(!judge_der(run, der->ptr, cut, "certificate cut", cut));
    simulate_put_byte(der, 0);
    ck_assert(!judge_der(run, der->ptr, der->len, "a byte behind the certificate", der->len));
    --der->len;
}

static void judge_row(struct scene *scene, const struct attest_request *request,
                      const struct simulate_vendor *vendor, const struct simulate_identity *pck)
{
    struct run run = {.row = (size_t)scene->certificate.not_before, .request = request};
    make_worker(&run.worker, run.row, vendor, pck);
    make_worker(&run.other, run.row, vendor, pck);
    attest_verify_certificate(request, bytes_of(&run.worker.der), &run.sound);
    ck_assert_msg(attest_is_trusted(&run.sound), "%s: %s", rows[run.row].name, run.sound.detail);
    flip_bytes(&run, 1 + run.worker.der.len / 400);
    fill_fields(&run);
    cut_and_lengthen(&run);
    cut_certificate(&run);
    printf("%s: %zu mutations, %zu of them of no consequence\n", rows[run.row].name, run.tried,
           run.trusted);
    ck_assert_uint_gt(run.tried, 450);
    free_worker(&run.worker);
    free_worker(&run.other);
    scene->verdict = run.sound;
}

START_TEST(no_mutation_of_a_certificate_is_trusted_as_another_worker)
{
    for (size_t row = 0; row < ROWS; ++row) {
        struct scene scene;
        set_scene(&scene, rows[row].tee);
        scene.certificate.not_before = (int64_t)row;
        judge_with(&scene, judge_row);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {no_mutation_of_a_certificate_is_trusted_as_another_worker, NULL};
    return checks_run("mutations of certificates", tests);
}
