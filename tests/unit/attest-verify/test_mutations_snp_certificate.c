/* RA-TLS certificates that carry a SEV-SNP report, of every convention, changed in one place: a bit
 * of every seventh byte, every byte of the report, the whole cut and lengthened. What is still
 * trusted must say the same of the same key and the same machine. */
#include "amd_scene.h"

enum { REPORT_BYTES = 1184, REPORT_SIGNED_BYTES = 0x2a0 };

static const struct {
    const char *name;
    enum simulate_convention convention;
    enum simulate_certs certs;
    bool is_vlek;
} rows[] = {{"DICE, VCEK", SIMULATE_DICE, SIMULATE_CERTS_NONE, false},
            {"DICE, VLEK", SIMULATE_DICE, SIMULATE_CERTS_NONE, true},
            {"dstack V1, DER", SIMULATE_DSTACK8, SIMULATE_CERTS_DER, false},
            {"dstack V1, PEM", SIMULATE_DSTACK8, SIMULATE_CERTS_PEM, false},
            {"dstack V1, table, VLEK", SIMULATE_DSTACK8, SIMULATE_CERTS_TABLE, true},
            {"dstack V0, DER", SIMULATE_DSTACK8_V0, SIMULATE_CERTS_DER, false},
            {"dstack V0, table", SIMULATE_DSTACK8_V0, SIMULATE_CERTS_TABLE, false}};

/* A run over the mutations of one row. */
struct run {
    const char *name;
    struct attest_request request;
    struct attest_verdict sound;
    struct simulate_bytes der, spki;
    size_t tried, trusted;
};

static bool has_key_of(const struct run *run, struct attest_bytes der)
{
    const unsigned char *at = der.ptr;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
    ck_assert_ptr_nonnull(certificate);
    unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
    bool same = (size_t)len == run->spki.len && memcmp(spki, run->spki.ptr, run->spki.len) == 0;
    OPENSSL_free(spki);
    X509_free(certificate);
    return same;
}

static bool is_same_worker(const struct run *run, struct attest_bytes der,
                           const struct attest_verdict *verdict)
{
    const struct attest_verdict *sound = &run->sound;
    return has_key_of(run, der) && verdict->measurement_count == sound->measurement_count &&
           memcmp(verdict->measurements, sound->measurements, sizeof sound->measurements) == 0 &&
           memcmp(verdict->report_data, sound->report_data, sizeof sound->report_data) == 0 &&
           verdict->has_instance == sound->has_instance &&
           memcmp(verdict->instance_sha256, sound->instance_sha256,
                  sizeof sound->instance_sha256) == 0;
}

static bool judge(struct run *run, size_t len, const char *what, size_t at)
{
    struct attest_verdict verdict;
    struct attest_bytes der = {.ptr = run->der.ptr, .len = len};
    attest_verify_certificate(&run->request, der, &verdict);
    ++run->tried;
    if (!attest_is_trusted(&verdict)) {
        ck_assert_msg(verdict.detail[0] != '\0', "%s: %s at %zu: no word", run->name, what, at);
        return false;
    }
    ++run->trusted;
    ck_assert_msg(is_same_worker(run, der, &verdict), "%s: %s at %zu: another worker", run->name,
                  what, at);
    return true;
}

static bool flip(struct run *run, size_t at)
{
    uint8_t bit = (uint8_t)(1u << at % 8);
    run->der.ptr[at] ^= bit;
    bool trusted = judge(run, run->der.len, "a bit flipped", at);
    run->der.ptr[at] ^= bit;
    return trusted;
}

/* The report's place in the certificate; 0 where the convention writes it as numbers. */
static size_t report_at(const struct run *run)
{
    const uint8_t *data = run->sound.report_data;
    for (size_t at = 0x50; at + REPORT_BYTES <= run->der.len; ++at)
        if (memcmp(run->der.ptr + at, data, 64) == 0 && run->der.ptr[at - 0x50] == 3)
            return at - 0x50;
    return 0;
}

static void flip_all(struct run *run)
{
    size_t report = report_at(run);
    for (size_t at = 0; at < run->der.len; at += 7)
        (void)flip(run, at);
    for (size_t i = 0; report != 0 && i < REPORT_SIGNED_BYTES; ++i)
        ck_assert_msg(!flip(run, report + i), "%s: report, %zx", run->name, i);
    /* 16 bytes at a time, as no field of it is shorter by design: zeros, and ones */
    for (size_t i = 0; report != 0 && i < REPORT_SIGNED_BYTES; i += 16)
        for (int with = 0; with < 256; with += 255) {
            uint8_t kept[16], *place = run->der.ptr + report + i;
            memcpy(kept, place, sizeof kept);
            memset(place, with, sizeof kept);
            bool changed = memcmp(kept, place, sizeof kept) != 0;
            ck_assert_msg(judge(run, run->der.len, "filled", i) != changed, "%s: report, %zx",
                          run->name, i);
            memcpy(place, kept, sizeof kept);
        }
}

static void cut(struct run *run)
{
    for (size_t len = 0; len < run->der.len; len += 1 + run->der.len / 97)
        ck_assert(!judge(run, len, "cut", len));
    ck_assert(!judge(run, run->der.len - 1, "the last byte cut", 0));
    simulate_put_byte(&run->der, 0);
    ck_assert(!judge(run, run->der.len, "a byte behind", 0));
}

static void run_row(size_t row)
{
    struct amd_scene scene;
    amd_scene_set(&scene, SIMULATE_MILAN, rows[row].is_vlek);
    scene.convention = rows[row].convention;
    scene.certs = rows[row].certs;
    scene.documents[0].with_leaf = rows[row].certs == SIMULATE_CERTS_NONE;
    struct simulate_identity leaf = simulate_chip_key(&amds[SIMULATE_MILAN], &scene.chip);
    struct attest_collateral *document = amd_collateral(&scene, &scene.documents[0], &leaf);
    const struct attest_collateral *const documents[] = {document};
    struct attest_policy *policy = amd_policy(&scene);
    struct attest_roots *roots = amd_roots();
    ck_assert(attest_collateral_prove(document));
    struct run run = {.name = rows[row].name,
                      .der = amd_certificate(&scene, &leaf),
                      .spki = simulate_spki(worker_key),
                      .request = {.roots = roots,
                                  .collateral = documents,
                                  .collateral_count = 1,
                                  .policy = policy,
                                  .now = NOW}};
    attest_verify_certificate(&run.request, amd_bytes(&run.der), &run.sound);
    ck_assert_msg(attest_is_trusted(&run.sound), "%s: %s", run.name, run.sound.detail);
    flip_all(&run);
    cut(&run);
    printf("%s: %zu mutations, %zu of them of no consequence\n", run.name, run.tried, run.trusted);
    ck_assert_uint_gt(run.tried, 600);
    simulate_bytes_fini(&run.der);
    simulate_bytes_fini(&run.spki);
    attest_collateral_free(document);
    attest_policy_free(policy);
    attest_roots_free(roots);
    simulate_identity_fini(&leaf);
}

START_TEST(no_mutation_of_a_certificate_with_a_report_is_trusted_as_another_worker)
{
    for (size_t row = 0; row < sizeof rows / sizeof *rows; ++row)
        run_row(row);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        no_mutation_of_a_certificate_with_a_report_is_trusted_as_another_worker, NULL};
    amd_vendors_init();
    int status = checks_run("mutations of certificates with reports", tests);
    amd_vendors_fini();
    return status;
}
