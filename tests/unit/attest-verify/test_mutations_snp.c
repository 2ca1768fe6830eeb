/* SEV-SNP reports and AMD's certificates and list, changed in one place: every byte of the report
 * in its turn, every field filled, certificates and list by the byte, cut, lengthened and
 * exchanged. */
#include "snp_scene.h"

enum { PARTS = 4 };
static const char *const part_names[PARTS] = {"leaf", "ASK", "ARK", "list"};

/* One sound report with what it needs, made once. */
struct run {
    struct snp_scene scene;
    struct attest_roots *roots;
    struct attest_policy *policy;
    struct attest_bytes parts[PARTS]; /* of OpenSSL's memory */
    size_t signature_at[PARTS];       /* where its bits begin */
    size_t tried, trusted;
};

static void open_run(struct run *run, void (*set)(struct snp_scene *scene))
{
    char error[256];
    memset(run, 0, sizeof *run);
    set(&run->scene);
    struct snp_scene *scene = &run->scene;
    snp_sign_report(scene);
    X509 *ark = snp_make_ark(scene, scene->ark_key), *leaf = snp_make_leaf(scene);
    X509 *ica = snp_certificate(scene->ica_name, scene->ica_key, scene->ark_name, 2,
                                scene->ica_from, scene->ica_to);
    snp_make_ca(ica, ark, "critical,keyCertSign");
    snp_sign(ica, scene->ark_key, 48);
    X509_CRL *crl = snp_make_list(scene, ark, ica);
    X509 *const certificates[] = {leaf, ica, ark};
    unsigned char *list = NULL;
    int list_len = i2d_X509_CRL(crl, &list);
    const ASN1_BIT_STRING *signature;
    for (size_t i = 0; i < 3; ++i) {
        run->parts[i] = snp_der(certificates[i], false);
        X509_get0_signature(&signature, NULL, certificates[i]);
        run->signature_at[i] = run->parts[i].len - (size_t)ASN1_STRING_length(signature);
    }
    run->parts[3] = (struct attest_bytes){.ptr = list, .len = (size_t)list_len};
    X509_CRL_get0_signature(crl, &signature, NULL);
    run->signature_at[3] = run->parts[3].len - (size_t)ASN1_STRING_length(signature);
    run->roots = snp_roots(scene);
    run->policy = attest_policy_parse(
        (struct attest_bytes){.ptr = (const uint8_t *)scene->policy, .len = strlen(scene->policy)},
        error, sizeof error);
    ck_assert_ptr_nonnull(run->policy);
    X509_CRL_free(crl);
    X509_free(leaf);
    X509_free(ica);
    X509_free(ark);
}

static void close_run(struct run *run, const char *name)
{
    printf("%s: %zu mutations, %zu of them of no consequence\n", name, run->tried, run->trusted);
    ck_assert_uint_gt(run->tried, 1500);
    for (size_t i = 0; i < PARTS; ++i)
        OPENSSL_free((void *)run->parts[i].ptr);
    attest_policy_free(run->policy);
    attest_roots_free(run->roots);
}

static bool judge(struct run *run, struct attest_bytes report,
                  const struct attest_bytes parts[PARTS])
{
    struct attest_request request = {
        .roots = run->roots, .policy = run->policy, .now = run->scene.now};
    struct attest_snp_endorsements endorsements = {
        .leaf = parts[0], .ica = parts[1], .ark = parts[2], .crl = parts[3]};
    struct attest_verdict verdict;
    attest_verify_report(&request, report, &endorsements, &verdict);
    ++run->tried;
    run->trusted += attest_is_trusted(&verdict);
    ck_assert(attest_is_trusted(&verdict) || verdict.detail[0] != '\0');
    return attest_is_trusted(&verdict);
}

static struct attest_bytes report_of(const struct run *run)
{
    return (struct attest_bytes){.ptr = run->scene.report, .len = SNP_REPORT_BYTES};
}

static void flip_report(struct run *run)
{
    for (size_t at = 0; at < SNP_REPORT_BYTES; ++at) {
        run->scene.report[at] ^= (uint8_t)(1u << at % 8);
        ck_assert_msg(!judge(run, report_of(run), run->parts), "a bit flipped at %zx", at);
        run->scene.report[at] ^= (uint8_t)(1u << at % 8);
    }
}

/* (offset, length) of ra-tls a.7 */
static void fill_report(struct run *run)
{
    static const uint16_t fields[][2] = {
        {0x000, 4},   {0x004, 4},  {0x008, 8},  {0x010, 16}, {0x020, 16}, {0x030, 4},  {0x034, 4},
        {0x038, 8},   {0x040, 8},  {0x048, 4},  {0x04c, 4},  {0x050, 64}, {0x090, 48}, {0x0c0, 32},
        {0x0e0, 48},  {0x110, 48}, {0x140, 32}, {0x160, 32}, {0x180, 8},  {0x188, 3},  {0x18b, 21},
        {0x1a0, 64},  {0x1e0, 8},  {0x1e8, 4},  {0x1ec, 4},  {0x1f0, 8},  {0x1f8, 8},  {0x200, 8},
        {0x208, 152}, {0x2a0, 48}, {0x2d0, 24}, {0x2e8, 48}, {0x318, 24}, {0x330, 368}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; ++i)
        for (int with = 0; with < 256; with += 255) {
            uint8_t kept[368], *at = run->scene.report + fields[i][0];
            memcpy(kept, at, fields[i][1]);
            memset(at, with, fields[i][1]);
            bool changed = memcmp(kept, at, fields[i][1]) != 0;
            ck_assert_msg(judge(run, report_of(run), run->parts) != changed, "%x filled with %d",
                          fields[i][0], with);
            memcpy(at, kept, fields[i][1]);
        }
}

static void cut_report(struct run *run)
{
    uint8_t longer[SNP_REPORT_BYTES + 1] = {0};
    memcpy(longer, run->scene.report, SNP_REPORT_BYTES);
    for (size_t len = 0; len <= SNP_REPORT_BYTES + 1; len += len < SNP_REPORT_BYTES - 37 ? 37 : 1)
        ck_assert(judge(run, (struct attest_bytes){.ptr = longer, .len = len}, run->parts) ==
                  (len == SNP_REPORT_BYTES));
}

/* In the byte before the signature's bits stands how many of the last byte's are not used: when
 * they are zero anyway, another number there is the same signature. Nothing else may change. */
static void flip_part(struct run *run, size_t part)
{
    struct attest_bytes parts[PARTS];
    memcpy(parts, run->parts, sizeof parts);
    uint8_t *copy = malloc(parts[part].len + 1);
    memcpy(copy, parts[part].ptr, parts[part].len);
    copy[parts[part].len] = 0;
    parts[part].ptr = copy;
    for (size_t at = 0; at < parts[part].len; at += 3) {
        copy[at] ^= (uint8_t)(1u << at / 3 % 8);
        bool trusted = judge(run, report_of(run), parts);
        ck_assert_msg(!trusted || at + 1 == run->signature_at[part], "%s: a bit flipped at %zu",
                      part_names[part], at);
        copy[at] ^= (uint8_t)(1u << at / 3 % 8);
    }
    size_t whole = parts[part].len;
    for (parts[part].len = 0; parts[part].len < whole; parts[part].len += 1 + whole / 41)
        ck_assert_msg(!judge(run, report_of(run), parts), "%s cut at %zu", part_names[part],
                      parts[part].len);
    parts[part].len = whole + 1;
    ck_assert_msg(!judge(run, report_of(run), parts), "a byte behind the %s", part_names[part]);
    free(copy);
}

/* Each part in each other's place. */
static void exchange_parts(struct run *run)
{
    for (size_t a = 0; a < PARTS; ++a)
        for (size_t b = 0; b < PARTS; ++b) {
            struct attest_bytes parts[PARTS];
            memcpy(parts, run->parts, sizeof parts);
            parts[a] = run->parts[b];
            ck_assert_msg(judge(run, report_of(run), parts) == (a == b), "%s in place of %s",
                          part_names[b], part_names[a]);
        }
}

static void mutate(const char *name, void (*set)(struct snp_scene *scene))
{
    struct run run;
    open_run(&run, set);
    ck_assert(judge(&run, report_of(&run), run.parts));
    flip_report(&run);
    fill_report(&run);
    cut_report(&run);
    for (size_t part = 0; part < PARTS; ++part)
        flip_part(&run, part);
    exchange_parts(&run);
    ck_assert(judge(&run, report_of(&run), run.parts));
    close_run(&run, name);
}

START_TEST(no_mutation_of_a_report_or_of_amds_word_about_it_is_trusted)
{
    mutate("Milan, VCEK", snp_scene_set);
    mutate("Milan, VLEK", snp_scene_set_vlek);
    mutate("Turin, VCEK", snp_scene_set_turin);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {no_mutation_of_a_report_or_of_amds_word_about_it_is_trusted,
                                  NULL};
    snp_keys_init();
    int status = checks_run("mutations of SEV-SNP reports", tests);
    snp_keys_fini();
    return status;
}
