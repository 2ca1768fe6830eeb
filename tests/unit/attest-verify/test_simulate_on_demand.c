/* `attest-verify simulate quote`: whose quotes it makes, over what, and what it refuses. */
#include <config.h> /* nftw() is an extension */

#include "simulate_checks.h"
#include "unit/checks.h"

#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOW = 1800000000, ARGS_MAX = 32 };
#define AT      "--time", "1800000000"
#define DATA_32 "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"
#define DATA    DATA_32 DATA_32

static char folder[64], quote_path[96];

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    return remove(path);
}

static void set_up(void)
{
    snprintf(folder, sizeof folder, "on-demand-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(quote_path, sizeof quote_path, "%s/quote.bin", folder);
}

static void tear_down(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int run(const char *const *args)
{
    char *argv[ARGS_MAX] = {(char *)"simulate"};
    int argc = 1;
    for (; *args != NULL; ++args) {
        ck_assert_int_lt(argc, ARGS_MAX - 1);
        argv[argc++] = (char *)*args;
    }
    return simulate_main(argc, argv);
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})
#define QUOTE(...) \
    RUN("quote", "--pki", folder, "--report-data", DATA, "--out", quote_path, AT, __VA_ARGS__)

static struct simulate_bytes read_file(const char *path)
{
    char buffer[4096];
    struct simulate_bytes out = {0};
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "no file %s", path);
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, file)) > 0;)
        simulate_put(&out, buffer, n);
    fclose(file);
    return out;
}

static struct simulate_bytes read_in(const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return read_file(path);
}

static struct attest_bytes bytes_of(const struct simulate_bytes *bytes)
{
    return (struct attest_bytes){.ptr = bytes->ptr, .len = bytes->len};
}

/* What the verifier says of the certificate `name`, or, NULL, of the quote made last. */
static struct attest_verdict verdict_on(const char *certificate)
{
    struct attest_verdict verdict;
    char error[256], name[64];
    struct simulate_bytes texts[] = {read_in("roots/root.pem"), read_in("policy.json"),
                                     read_in("collateral/tdx.json"),
                                     read_in("collateral/sgx.json")};
    struct attest_roots *roots = attest_roots_from_pem(bytes_of(&texts[0]), error, sizeof error);
    struct attest_policy *policy = attest_policy_parse(bytes_of(&texts[1]), error, sizeof error);
    struct attest_collateral *collateral[] = {
        attest_collateral_parse(bytes_of(&texts[2]), error, sizeof error),
        attest_collateral_parse(bytes_of(&texts[3]), error, sizeof error)};
    const struct attest_collateral *list[] = {collateral[0], collateral[1]};
    struct attest_request request = {
        .roots = roots, .policy = policy, .collateral = list, .collateral_count = 2, .now = NOW};
    if (certificate == NULL) {
        struct simulate_bytes quote = read_file(quote_path);
        attest_verify_quote(&request, bytes_of(&quote), &verdict);
        simulate_bytes_fini(&quote);
    } else {
        snprintf(name, sizeof name, "%s.crt.pem", certificate);
        struct simulate_bytes pem = read_in(name);
        STACK_OF(X509) *chain = read_chain(pem.ptr, pem.len);
        unsigned char *der = NULL;
        int len = i2d_X509(sk_X509_value(chain, 0), &der);
        attest_verify_certificate(&request, (struct attest_bytes){der, (size_t)len}, &verdict);
        OPENSSL_free(der);
        sk_X509_pop_free(chain, X509_free);
        simulate_bytes_fini(&pem);
    }
    for (size_t i = 0; i < 2; ++i)
        attest_collateral_free(collateral[i]);
    attest_policy_free(policy);
    attest_roots_free(roots);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i)
        simulate_bytes_fini(&texts[i]);
    return verdict;
}

static void check_same(const char *certificate)
{
    struct attest_verdict own = verdict_on(certificate), fresh = verdict_on(NULL);
    ck_assert_msg(attest_is_trusted(&own), "%s", own.detail);
    ck_assert_msg(attest_is_trusted(&fresh), "%s", fresh.detail);
    ck_assert_int_eq(own.tee, fresh.tee);
    for (size_t i = 0; i < fresh.measurement_count; ++i) {
        ck_assert_str_eq(own.measurements[i].name, fresh.measurements[i].name);
        ck_assert_mem_eq(own.measurements[i].bytes, fresh.measurements[i].bytes, 64);
    }
    ck_assert_mem_eq(own.instance_sha256, fresh.instance_sha256, 32);
    for (unsigned i = 0; i < 64; ++i)
        ck_assert_uint_eq(fresh.report_data[i], i % 32);
}

START_TEST(a_quote_is_of_the_code_and_machine_of_the_worker_and_over_the_data_given)
{
    static const struct {
        const char *tee, *convention;
    } rows[] = {{"tdx", "dice"}, {"sgx", "dice"}, {"sgx", "rats-tls"}, {"tdx", "dstack"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        const char *name = i == 0 ? "worker" : rows[i].convention;
        ck_assert_int_eq(RUN(folder, AT, "--worker", name, "--tee", rows[i].tee, "--convention",
                             rows[i].convention),
                         0);
        ck_assert_int_eq(QUOTE("--worker", name), 0);
        check_same(name);
    }
    ck_assert_int_eq(RUN("quote", "--pki", folder, "--report-data", DATA, "--out", quote_path, AT),
                     0); /* "worker" unless another is named */
    check_same("worker");
}
END_TEST

START_TEST(another_worker_is_another_machine)
{
    ck_assert_int_eq(RUN(folder, AT, "--worker", "one", "--worker", "two"), 0);
    ck_assert_int_eq(QUOTE("--worker", "two"), 0);
    struct attest_verdict one = verdict_on("one"), two = verdict_on(NULL);
    ck_assert_mem_ne(one.instance_sha256, two.instance_sha256, 32);
}
END_TEST

START_TEST(a_variant_is_the_workers_own_or_the_one_asked_for)
{
    ck_assert_int_eq(RUN(folder, AT, "--worker", "bad", "--variant", "debug"), 0);
    ck_assert_int_eq(RUN(folder, AT, "--worker", "good"), 0);
    ck_assert_int_eq(QUOTE("--worker", "bad"), 0);
    ck_assert_int_eq(verdict_on(NULL).reason, ATTEST_DEBUG);
    static const struct {
        const char *variant;
        enum attest_reason reason;
    } rows[] = {{"debug", ATTEST_DEBUG},
                {"unlisted", ATTEST_MEASUREMENT_NOT_LISTED},
                {"outdated", ATTEST_TCB_NOT_ACCEPTED},
                {"bad-signature", ATTEST_QUOTE_SIGNATURE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        ck_assert_int_eq(QUOTE("--worker", "good", "--variant", rows[i].variant), 0);
        ck_assert_int_eq(verdict_on(NULL).reason, rows[i].reason);
    }
    ck_assert_int_eq(QUOTE("--worker", "bad", "--variant", "good"), 0);
    ck_assert_int_eq(verdict_on(NULL).reason, ATTEST_TRUSTED);
}
END_TEST

START_TEST(wrong_use_is_refused_and_makes_nothing)
{
    static const char *const data[] = {"", "00", DATA "0", DATA "00", DATA_32 "zz", "0x" DATA_32};
    char elsewhere[96];
    snprintf(elsewhere, sizeof elsewhere, "%s/absent", folder);
    ck_assert_int_eq(RUN(folder, AT), 0);
    for (size_t i = 0; i < sizeof data / sizeof *data; ++i)
        ck_assert_int_eq(
            RUN("quote", "--pki", folder, "--report-data", data[i], "--out", quote_path, AT), 2);
    ck_assert_int_eq(RUN("quote"), 2);
    ck_assert_int_eq(RUN("quote", "--pki", folder, "--out", quote_path), 2);
    ck_assert_int_eq(RUN("quote", "--pki", folder, "--report-data", DATA), 2);
    ck_assert_int_eq(RUN("quote", "--report-data", DATA, "--out", quote_path), 2);
    ck_assert_int_eq(QUOTE("--worker", "nobody"), 2);
    ck_assert_int_eq(QUOTE("--worker", "../roots/root"), 2);
    ck_assert_int_eq(QUOTE("--variant", "fine"), 2);
    ck_assert_int_eq(QUOTE("--nonsense"), 2);
    ck_assert_int_eq(QUOTE("--worker"), 2);
    ck_assert_int_eq(QUOTE("stray"), 2);
    ck_assert_int_eq(RUN("quote", "--pki", elsewhere, "--report-data", DATA, "--out", quote_path),
                     2);
    ck_assert_int_eq(access(elsewhere, F_OK), -1); /* no vendor is made for the asking */
    ck_assert_int_eq(access(quote_path, F_OK), -1);
    ck_assert_int_eq(
        RUN("quote", "--pki", folder, "--report-data", DATA, "--out", elsewhere, AT, "--time", "1"),
        2);
    snprintf(elsewhere, sizeof elsewhere, "%s/absent/deeper", folder);
    ck_assert_int_eq(RUN("quote", "--pki", folder, "--report-data", DATA, "--out", elsewhere, AT),
                     2);
    ck_assert_int_eq(RUN("quote", "--help"), 0);
}
END_TEST

START_TEST(a_worker_whose_note_is_damaged_is_to_be_made_anew)
{
    static const char *const notes[] = {"",
                                        "\n",
                                        "tdx\n",
                                        "tdx dice\n",
                                        "sev dice good\n",
                                        "tdx nothing good\n",
                                        "tdx dice fine\n"};
    char path[PATH_MAX];
    struct stat found;
    ck_assert_int_eq(RUN(folder, AT), 0);
    snprintf(path, sizeof path, "%s/pki/worker.worker", folder);
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert_uint_eq(found.st_mode & 07777, 0600);
    for (size_t i = 0; i < sizeof notes / sizeof *notes; ++i) {
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fputs(notes[i], file), 0);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(QUOTE("--worker", "worker"), 2);
    }
    ck_assert_int_eq(access(quote_path, F_OK), -1);
    ck_assert_int_eq(RUN(folder, AT), 0);
    ck_assert_int_eq(QUOTE("--worker", "worker"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulate_on_demand");
    TCase *tcase = tcase_create("simulate_on_demand");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_quote_is_of_the_code_and_machine_of_the_worker_and_over_the_data_given);
    tcase_add_test(tcase, another_worker_is_another_machine);
    tcase_add_test(tcase, a_variant_is_the_workers_own_or_the_one_asked_for);
    tcase_add_test(tcase, wrong_use_is_refused_and_makes_nothing);
    tcase_add_test(tcase, a_worker_whose_note_is_damaged_is_to_be_made_anew);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
