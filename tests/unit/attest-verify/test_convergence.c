/* What platform, quoting enclave and TDX module come to together, every combination of it, through
 * the whole verifier with documents of a simulated vendor. The expected values are ra-tls b.7
 * written out by hand. One line a case. */
#include "verify_scene.h"

#include <stdio.h>

/* The seven statuses of a platform, and of what runs on it the first, the fifth and the last. */
static const struct {
    const char *code, *word;
} statuses[] = {{"U", "UpToDate"},
                {"S", "SWHardeningNeeded"},
                {"C", "ConfigurationNeeded"},
                {"CS", "ConfigurationAndSWHardeningNeeded"},
                {"O", "OutOfDate"},
                {"OC", "OutOfDateConfigurationNeeded"},
                {"R", "Revoked"},
                {"A", "TDRelaunchAdvised"},
                {"AC", "TDRelaunchAdvisedConfigurationNeeded"}};
enum { PLATFORMS = 7, COMPONENTS = 3, STATUSES = sizeof statuses / sizeof *statuses };
static const char *const component_codes[COMPONENTS] = {"U", "O", "R"};

/* b.7, 25. Of nine columns the quoting enclave is U, U, U, O, O, O, R, R, R and the module U, O, R,
 * U, O, R, U, O, R. */
static const char *const converged[PLATFORMS][COMPONENTS * COMPONENTS] = {
    /* U  */ {"U", "O", "R", "O", "O", "R", "R", "R", "R"},
    /* S  */ {"S", "O", "R", "O", "O", "R", "R", "R", "R"},
    /* C  */ {"C", "OC", "R", "OC", "OC", "R", "R", "R", "R"},
    /* CS */ {"CS", "OC", "R", "OC", "OC", "R", "R", "R", "R"},
    /* O  */ {"O", "O", "R", "O", "O", "R", "R", "R", "R"},
    /* OC */ {"OC", "OC", "R", "OC", "OC", "R", "R", "R", "R"},
    /* R  */ {"R", "R", "R", "R", "R", "R", "R", "R", "R"}};

/* b.7, 26: rows are the status at launch, columns the one now. The last column is stricter than
 * Intel's library, which lets the launch's status stand: what is revoked now is not trusted. */
static const char *const relaunched[PLATFORMS][PLATFORMS] = {
    /*         U     S     C     CS    O     OC    R */
    /* U  */ {"U", "U", "U", "U", "U", "U", "R"},
    /* S  */ {"S", "S", "S", "S", "S", "S", "R"},
    /* C  */ {"C", "C", "C", "C", "C", "C", "R"},
    /* CS */ {"CS", "CS", "CS", "CS", "CS", "CS", "R"},
    /* O  */ {"A", "A", "AC", "AC", "O", "O", "R"},
    /* OC */ {"AC", "AC", "AC", "AC", "OC", "OC", "R"},
    /* R  */ {"R", "R", "R", "R", "R", "R", "R"}};

static const char any_status[] =
    "{\"accept\":[{\"tee\":\"sgx\",\"any_code\":true},{\"tee\":\"tdx\",\"any_code\":true}],"
    "\"tcb\":{\"accepted_status\":[\"UpToDate\",\"SWHardeningNeeded\",\"ConfigurationNeeded\","
    "\"ConfigurationAndSWHardeningNeeded\",\"OutOfDate\",\"OutOfDateConfigurationNeeded\","
    "\"Revoked\",\"TDRelaunchAdvised\",\"TDRelaunchAdvisedConfigurationNeeded\"]}}";

static size_t index_of(const char *code)
{
    for (size_t i = 0; i < STATUSES; ++i)
        if (strcmp(statuses[i].code, code) == 0)
            return i;
    ck_abort_msg("no status %s", code);
    return 0;
}

static const char *word_of(const char *code)
{
    return statuses[index_of(code)].word;
}

static struct simulate_level level_of(const char *code, const char *advisory, int64_t date)
{
    return (struct simulate_level){.status = word_of(code), .advisory = advisory, .date = date};
}

/* Changes a level's word and keeps what it asks for. */
static void set_level(struct simulate_level *level, const char *code, const char *advisory,
                      int64_t date)
{
    struct simulate_level said = level_of(code, advisory, date);
    level->status = said.status;
    level->advisory = said.advisory;
    level->date = said.date;
}

static void expect_status(struct scene *scene, const char *code, const char *what)
{
    scene->policy = any_status;
    enum attest_reason reason = judge(scene);
    ck_assert_msg(reason == ATTEST_TRUSTED, "%s: %s (%s)", what, attest_reason_word(reason),
                  scene->verdict.detail);
    printf("%s %s: %s\n", strcmp(scene->verdict.tcb_status, word_of(code)) == 0 ? "ok " : "BAD",
           what, scene->verdict.tcb_status);
    ck_assert_msg(strcmp(scene->verdict.tcb_status, word_of(code)) == 0, "%s: %s, not %s", what,
                  scene->verdict.tcb_status, word_of(code));
}

/* A policy that says nothing of statuses accepts the first alone. */
static void expect_default_policy(struct scene *scene, const char *code, const char *what)
{
    scene->policy = NULL;
    enum attest_reason wanted = strcmp(code, "U") == 0 ? ATTEST_TRUSTED : ATTEST_TCB_NOT_ACCEPTED;
    ck_assert_msg(judge(scene) == wanted, "%s under the default policy: %s", what,
                  attest_reason_word(scene->verdict.reason));
}

/* Three dates and three advisories, one of each from every part: the earliest, and all. */
static void expect_union(const struct scene *scene, const char *const *advisories, size_t count,
                         int64_t date, const char *what)
{
    ck_assert_msg(scene->verdict.tcb_date == date, "%s: date %lld", what,
                  (long long)scene->verdict.tcb_date);
    ck_assert_uint_eq(scene->verdict.advisory_count, count);
    for (size_t i = 0; i < count; ++i)
        ck_assert_str_eq(scene->verdict.advisories[i], advisories[i]);
}

START_TEST(platform_enclave_and_module_of_a_td_converge_in_all_63_combinations)
{
    static const char *const advisories[] = {"SA-MODULE", "SA-PLATFORM", "SA-QE"};
    for (size_t p = 0; p < PLATFORMS; ++p)
        for (size_t c = 0; c < COMPONENTS * COMPONENTS; ++c) {
            char what[96];
            struct scene scene;
            const char *qe = component_codes[c / COMPONENTS];
            const char *module = component_codes[c % COMPONENTS];
            int64_t dates[] = {1700000000, 1700000000, 1700000000};
            dates[(p + c) % 3] -= 86400; /* each part has the earliest date in its turn */
            set_scene(&scene, ATTEST_TEE_TDX);
            set_level(&scene.collateral.platform[0], statuses[p].code, "SA-PLATFORM", dates[0]);
            set_level(&scene.collateral.qe[0], qe, "SA-QE", dates[1]);
            set_level(&scene.collateral.module[0], module, "SA-MODULE", dates[2]);
            snprintf(what, sizeof what, "tdx platform %s, QE %s, module %s", statuses[p].code, qe,
                     module);
            expect_status(&scene, converged[p][c], what);
            expect_union(&scene, advisories, 3, 1700000000 - 86400, what);
            expect_default_policy(&scene, converged[p][c], what);
        }
}
END_TEST

START_TEST(platform_and_enclave_of_an_sgx_machine_converge_in_all_21_combinations)
{
    static const char *const advisories[] = {"SA-PLATFORM", "SA-QE"};
    for (size_t p = 0; p < PLATFORMS; ++p)
        for (size_t c = 0; c < COMPONENTS; ++c) {
            char what[96];
            struct scene scene;
            const char *expected = converged[p][c * COMPONENTS]; /* as with a module of U */
            set_scene(&scene, ATTEST_TEE_SGX);
            set_level(&scene.collateral.platform[0], statuses[p].code, "SA-PLATFORM",
                      1700000000 - (p % 2) * 86400);
            set_level(&scene.collateral.qe[0], component_codes[c], "SA-QE",
                      1700000000 - (1 - p % 2) * 86400);
            snprintf(what, sizeof what, "sgx platform %s, QE %s", statuses[p].code,
                     component_codes[c]);
            expect_status(&scene, expected, what);
            expect_union(&scene, advisories, 2, 1700000000 - 86400, what);
            expect_default_policy(&scene, expected, what);
        }
}
END_TEST

static void expect_unmatched(struct scene *scene, const char *what)
{
    scene->policy = any_status;
    enum attest_reason reason = judge(scene);
    printf("%s %s: %s\n", reason == ATTEST_TCB_UNMATCHED ? "ok " : "BAD", what,
           attest_reason_word(reason));
    ck_assert_msg(reason == ATTEST_TCB_UNMATCHED, "%s: %s", what, attest_reason_word(reason));
    ck_assert_ptr_null(scene->verdict.tcb_status);
}

/* A part below all its levels has no status, and no policy can accept that. */
START_TEST(a_part_below_every_level_is_no_status_whatever_the_others_have)
{
    for (size_t c = 0; c < COMPONENTS * COMPONENTS; ++c)
        for (int tee = ATTEST_TEE_SGX; tee <= ATTEST_TEE_TDX; ++tee)
            for (int low = 0; low < (tee == ATTEST_TEE_TDX ? 3 : 2); ++low) {
                static const char *const parts[] = {"platform", "QE", "module"};
                char what[96];
                struct scene scene;
                set_scene(&scene, (enum attest_tee)tee);
                set_level(&scene.collateral.qe[0], component_codes[c / COMPONENTS], NULL, NOW);
                set_level(&scene.collateral.module[0], component_codes[c % COMPONENTS], NULL, NOW);
                if (low == 0)
                    scene.platform.pcesvn = 0;
                else if (low == 1)
                    scene.quote.qe.isvsvn = 0;
                else
                    scene.quote.tdx.tee_tcb_svn[0] = 0;
                snprintf(what, sizeof what, "%s %s below every level, QE %s, module %s",
                         attest_tee_word((enum attest_tee)tee), parts[low],
                         component_codes[c / COMPONENTS], component_codes[c % COMPONENTS]);
                expect_unmatched(&scene, what);
            }
}
END_TEST

/* A TD report 1.5 names the module at launch and now; the third component tells the platform's
 * levels apart. */
static void set_relaunch(struct scene *scene, uint8_t launch, uint8_t now)
{
    set_scene(scene, ATTEST_TEE_TDX);
    scene->quote.version = 5;
    scene->quote.td_1_5 = true;
    scene->quote.tdx.tee_tcb_svn[2] = launch;
    scene->quote.tdx.tee_tcb_svn_2[2] = now;
    memcpy(scene->collateral.platform[1].sgx, scene->collateral.platform[0].sgx, 16);
}

START_TEST(status_at_launch_and_status_now_give_the_advice_in_all_49_combinations)
{
    for (size_t launch = 0; launch < PLATFORMS; ++launch)
        for (size_t now = 0; now < PLATFORMS; ++now) {
            char what[96];
            struct scene scene;
            set_relaunch(&scene, 3, 4);
            set_level(&scene.collateral.platform[0], statuses[now].code, NULL, NOW - 100);
            set_level(&scene.collateral.platform[1], statuses[launch].code, NULL, NOW - 200);
            snprintf(what, sizeof what, "td 1.5 launched %s, now %s", statuses[launch].code,
                     statuses[now].code);
            expect_status(&scene, relaunched[launch][now], what);
            expect_default_policy(&scene, relaunched[launch][now], what);
        }
}
END_TEST

/* The same by the module: each side converges with platform and enclave before they are compared.
 */
START_TEST(a_module_updated_under_a_td_converges_before_the_advice_is_given)
{
    for (size_t p = 0; p < PLATFORMS; ++p)
        for (size_t q = 0; q < COMPONENTS; ++q)
            for (size_t m = 0; m < COMPONENTS * COMPONENTS; ++m) {
                char what[96];
                struct scene scene;
                size_t launch = m / COMPONENTS, now = m % COMPONENTS;
                const char *at_launch = converged[p][q * COMPONENTS + launch];
                const char *at_present = converged[p][q * COMPONENTS + now];
                set_relaunch(&scene, 4, 4);
                scene.quote.tdx.tee_tcb_svn[0] = 3; /* the module's second level */
                set_level(&scene.collateral.platform[0], statuses[p].code, NULL, NOW);
                set_level(&scene.collateral.qe[0], component_codes[q], NULL, NOW);
                set_level(&scene.collateral.module[0], component_codes[now], NULL, NOW);
                set_level(&scene.collateral.module[1], component_codes[launch], NULL, NOW);
                snprintf(what, sizeof what,
                         "td 1.5 platform %s, QE %s, module at launch %s, now %s", statuses[p].code,
                         component_codes[q], component_codes[launch], component_codes[now]);
                expect_status(&scene, relaunched[index_of(at_launch)][index_of(at_present)], what);
            }
}
END_TEST

START_TEST(a_td_of_the_present_below_every_level_is_no_status)
{
    struct scene scene;
    set_relaunch(&scene, 4, 0);
    expect_unmatched(&scene, "td 1.5 launched U, now below every level");
    set_relaunch(&scene, 0, 4);
    expect_unmatched(&scene, "td 1.5 launched below every level, now U");
    set_relaunch(&scene, 4, 4);
    scene.quote.tdx.tee_tcb_svn_2[0] = 0;
    expect_unmatched(&scene, "td 1.5 whose module is now below every level");
}
END_TEST

/* A relaunch is advised by the verifier alone: a document that says so is not one. */
START_TEST(no_document_may_advise_a_relaunch)
{
    for (size_t i = PLATFORMS; i < STATUSES; ++i) {
        struct scene scene;
        set_scene(&scene, ATTEST_TEE_TDX);
        scene.collateral.platform[0].status = statuses[i].word;
        scene.policy = any_status;
        ck_assert_int_eq(judge(&scene), ATTEST_COLLATERAL_MISSING); /* it could not be read */
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        platform_enclave_and_module_of_a_td_converge_in_all_63_combinations,
        platform_and_enclave_of_an_sgx_machine_converge_in_all_21_combinations,
        a_part_below_every_level_is_no_status_whatever_the_others_have,
        status_at_launch_and_status_now_give_the_advice_in_all_49_combinations,
        a_module_updated_under_a_td_converges_before_the_advice_is_given,
        a_td_of_the_present_below_every_level_is_no_status,
        no_document_may_advise_a_relaunch,
        NULL};
    return checks_run("convergence", tests);
}
