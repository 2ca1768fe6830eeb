/* Levels, convergence and relaunch (ra-tls b.5 to b.7), every pair of statuses. */
#include "collateral/tcb.h"

#include "quotes.h"

#include "../checks.h"

#include <stdio.h>
#include <string.h>

enum { UP = 0, SW = TCB_SW_HARDENING, CONFIG = TCB_CONFIGURATION, OLD = TCB_OUT_OF_DATE };
enum { GONE = TCB_REVOKED, AGAIN = TCB_RELAUNCH };

/* A platform with components 5, PCESVN 10, TDX module 1 with ISVSVN 5, QE with ISVSVN 0x5151. */
struct scene {
    struct made_quote made;
    struct quote quote;
    struct pck pck;
    struct tcb_level levels[2];
    struct svn_level module_levels[2], qe_levels[2];
    struct tdx_module module;
    struct tcb_document tcb;
    struct qe_document qe;
    struct tcb_standing standing;
    struct attest_verdict verdict;
};

enum { QE_ISVSVN = 0x5151, MODULE_ISVSVN = 5 };

static void set_scene(struct scene *scene, unsigned version, unsigned body_type)
{
    memset(scene, 0, sizeof *scene);
    quotes_make(&scene->made, version, body_type, "chain");
    uint8_t *body = scene->made.bytes + scene->made.body_at;
    if (body_type != 1) {
        memset(body, 0, 16); /* TEE_TCB_SVN */
        body[0] = MODULE_ISVSVN;
        body[1] = 1;
        memset(body + 64, 0, 56); /* MRSIGNERSEAM, SEAMATTRIBUTES */
    }
    if (body_type == 3)
        memcpy(body + 584, body, 16);
    ck_assert(av_quote_parse(quotes_bytes(&scene->made), false, &scene->quote, &scene->verdict));
    memset(scene->pck.components, 5, sizeof scene->pck.components);
    scene->pck.pcesvn = 10;
    scene->levels[0].standing.date = 300;
    scene->module_levels[0] =
        (struct svn_level){.isvsvn = MODULE_ISVSVN, .standing = {.date = 200}};
    scene->qe_levels[0] = (struct svn_level){.isvsvn = QE_ISVSVN, .standing = {.date = 100}};
    scene->module = (struct tdx_module){.version = 1, .levels = {scene->module_levels, 1}};
    scene->tcb = (struct tcb_document){
        .levels = scene->levels, .level_count = 1, .modules = &scene->module, .module_count = 1};
    scene->qe = (struct qe_document){.levels = {scene->qe_levels, 1}};
}

static bool evaluate(struct scene *scene)
{
    av_verdict_init(&scene->verdict);
    return av_tcb_evaluate(&scene->quote, &scene->pck, &scene->tcb, &scene->qe, &scene->standing,
                           &scene->verdict);
}

/* b.7, 25, written out: what platform status P and component status C come to. */
static const struct {
    unsigned platform, component, together;
} pairs[] = {{UP, UP, UP},
             {UP, OLD, OLD},
             {UP, GONE, GONE},
             {SW, UP, SW},
             {SW, OLD, OLD},
             {SW, GONE, GONE},
             {CONFIG, UP, CONFIG},
             {CONFIG, OLD, OLD | CONFIG},
             {CONFIG, GONE, GONE},
             {CONFIG | SW, UP, CONFIG | SW},
             {CONFIG | SW, OLD, OLD | CONFIG},
             {CONFIG | SW, GONE, GONE},
             {OLD, UP, OLD},
             {OLD, OLD, OLD},
             {OLD, GONE, GONE},
             {OLD | CONFIG, UP, OLD | CONFIG},
             {OLD | CONFIG, OLD, OLD | CONFIG},
             {OLD | CONFIG, GONE, GONE},
             {GONE, UP, GONE},
             {GONE, OLD, GONE},
             {GONE, GONE, GONE}};

START_TEST(the_quoting_enclaves_status_converges_with_the_platforms)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; ++i) {
        struct scene scene;
        set_scene(&scene, 3, 1);
        scene.levels[0].standing.flags = pairs[i].platform;
        scene.qe_levels[0].standing.flags = pairs[i].component;
        ck_assert(evaluate(&scene));
        ck_assert_uint_eq(scene.standing.flags, pairs[i].together);
        ck_assert_ptr_nonnull(av_tcb_status_word(scene.standing.flags));
    }
}
END_TEST

START_TEST(the_modules_status_converges_with_the_platforms)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; ++i) {
        struct scene scene;
        set_scene(&scene, 4, 2);
        scene.levels[0].standing.flags = pairs[i].platform;
        scene.module_levels[0].standing.flags = pairs[i].component;
        ck_assert(evaluate(&scene));
        ck_assert_uint_eq(scene.standing.flags, pairs[i].together);
    }
}
END_TEST

START_TEST(the_date_is_the_earliest_and_advisories_are_united)
{
    struct scene scene;
    set_scene(&scene, 4, 2);
    scene.levels[0].standing.advisories[0] = "INTEL-SA-00001";
    scene.levels[0].standing.advisory_count = 1;
    scene.module_levels[0].standing.advisories[0] = "INTEL-SA-00002";
    scene.module_levels[0].standing.advisory_count = 1;
    scene.qe_levels[0].standing.advisories[0] = "INTEL-SA-00001";
    scene.qe_levels[0].standing.advisories[1] = "INTEL-SA-00003";
    scene.qe_levels[0].standing.advisory_count = 2;
    ck_assert(evaluate(&scene));
    ck_assert_int_eq(scene.standing.date, 100);
    ck_assert_uint_eq(scene.standing.advisory_count, 3);
}
END_TEST

START_TEST(more_advisories_than_fit_are_no_silence)
{
    static char ids[TCB_ADVISORIES_MAX][24];
    struct scene scene;
    set_scene(&scene, 3, 1);
    for (int i = 0; i < TCB_ADVISORIES_MAX; ++i) {
        snprintf(ids[i], sizeof ids[i], "INTEL-SA-%05d", i);
        scene.levels[0].standing.advisories[i] = ids[i];
    }
    scene.levels[0].standing.advisory_count = TCB_ADVISORIES_MAX;
    ck_assert(evaluate(&scene));
    scene.qe_levels[0].standing.advisories[0] = "INTEL-SA-99999";
    scene.qe_levels[0].standing.advisory_count = 1;
    ck_assert(!evaluate(&scene));
}
END_TEST

START_TEST(a_level_is_reached_when_every_component_is)
{
    for (size_t i = 0; i < TCB_COMPONENTS; ++i) {
        struct scene scene;
        set_scene(&scene, 3, 1);
        scene.levels[0].sgx[i] = 5;
        ck_assert(evaluate(&scene));
        scene.levels[0].sgx[i] = 6;
        ck_assert(!evaluate(&scene));
        ck_assert_int_eq(scene.verdict.reason, ATTEST_TCB_UNMATCHED);
    }
    struct scene scene;
    set_scene(&scene, 3, 1);
    scene.levels[0].pcesvn = 10;
    ck_assert(evaluate(&scene));
    scene.levels[0].pcesvn = 11;
    ck_assert(!evaluate(&scene));
}
END_TEST

START_TEST(the_first_level_that_is_reached_counts)
{
    struct scene scene;
    set_scene(&scene, 3, 1);
    scene.tcb.level_count = 2;
    scene.levels[0].sgx[3] = 6;
    scene.levels[1].standing.flags = OLD;
    ck_assert(evaluate(&scene));
    ck_assert_uint_eq(scene.standing.flags, OLD);
    scene.levels[0].sgx[3] = 5;
    ck_assert(evaluate(&scene));
    ck_assert_uint_eq(scene.standing.flags, UP);
}
END_TEST

START_TEST(the_modules_own_two_components_are_left_to_its_identity)
{
    struct scene scene;
    set_scene(&scene, 4, 2);
    scene.levels[0].tdx[0] = 255;
    scene.levels[0].tdx[1] = 255;
    ck_assert(evaluate(&scene));
    scene.levels[0].tdx[2] = 1;
    ck_assert(!evaluate(&scene));
}
END_TEST

static void make_module_zero(struct scene *scene)
{
    scene->made.bytes[scene->made.body_at + 1] = 0;
}

START_TEST(a_module_of_version_zero_counts_with_the_platform)
{
    struct scene scene;
    set_scene(&scene, 4, 2);
    make_module_zero(&scene);
    scene.tcb.module_count = 0;
    scene.levels[0].tdx[0] = MODULE_ISVSVN;
    ck_assert(evaluate(&scene));
    scene.levels[0].tdx[0] = MODULE_ISVSVN + 1;
    ck_assert(!evaluate(&scene));
    scene.levels[0].tdx[0] = 0;
    scene.tcb.module.mrsigner[47] = 1;
    ck_assert(!evaluate(&scene));
    ck_assert_int_eq(scene.verdict.reason, ATTEST_TDX_MODULE);
}
END_TEST

START_TEST(a_module_must_be_known_with_its_signer_and_attributes)
{
    struct scene scene;
    set_scene(&scene, 4, 2);
    scene.module.version = 2;
    ck_assert(!evaluate(&scene));
    ck_assert_int_eq(scene.verdict.reason, ATTEST_TDX_MODULE);
    scene.module.version = 1;
    ck_assert(evaluate(&scene));
    scene.module.mrsigner[0] = 1;
    ck_assert(!evaluate(&scene));
    scene.module.mrsigner[0] = 0;
    scene.module.attributes[7] = 0x80;
    ck_assert(!evaluate(&scene));
    /* Attributes other than zero are refused even when the vendor's document has the same. */
    scene.made.bytes[scene.made.body_at + 112 + 7] = 0x80;
    ck_assert(!evaluate(&scene));
    ck_assert_int_eq(scene.verdict.reason, ATTEST_TDX_MODULE);
}
END_TEST

START_TEST(below_every_level_of_module_or_enclave_is_no_match)
{
    struct scene scene;
    set_scene(&scene, 4, 2);
    scene.module_levels[0].isvsvn = MODULE_ISVSVN + 1;
    ck_assert(!evaluate(&scene));
    ck_assert_int_eq(scene.verdict.reason, ATTEST_TCB_UNMATCHED);
    set_scene(&scene, 4, 2);
    scene.qe_levels[0].isvsvn = QE_ISVSVN + 1;
    ck_assert(!evaluate(&scene));
    ck_assert_int_eq(scene.verdict.reason, ATTEST_TCB_UNMATCHED);
}
END_TEST

/* The TD was launched under a module of ISVSVN 5; now one of 7 is loaded. */
static void update_module(struct scene *scene, unsigned launch, unsigned current, unsigned platform)
{
    set_scene(scene, 5, 3);
    scene->made.bytes[scene->made.body_at + 584] = 7;
    scene->module_levels[0] =
        (struct svn_level){.isvsvn = 7, .standing = {.flags = current, .date = 400}};
    scene->module_levels[1] =
        (struct svn_level){.isvsvn = 5, .standing = {.flags = launch, .date = 200}};
    scene->module.levels.count = 2;
    scene->levels[0].standing.flags = platform;
}

START_TEST(a_relaunch_is_advised_when_only_the_launch_is_out_of_date)
{
    static const struct {
        unsigned launch, current, platform, together;
    } rows[] = {{OLD, UP, UP, AGAIN},
                {OLD, UP, SW, AGAIN},
                {OLD, UP, CONFIG, AGAIN | CONFIG},
                {OLD, UP, CONFIG | SW, AGAIN | CONFIG},
                {OLD, OLD, UP, OLD},
                {OLD, UP, OLD, OLD},
                {UP, OLD, UP, UP},
                {UP, UP, SW, SW},
                {GONE, UP, UP, GONE},
                {OLD, GONE, UP, GONE},
                {UP, GONE, UP, GONE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        struct scene scene;
        update_module(&scene, rows[i].launch, rows[i].current, rows[i].platform);
        ck_assert(evaluate(&scene));
        ck_assert_uint_eq(scene.standing.flags, rows[i].together);
        ck_assert_int_eq(scene.standing.date, 100);
    }
}
END_TEST

START_TEST(the_module_loaded_now_must_be_known_too)
{
    struct scene scene;
    update_module(&scene, OLD, UP, UP);
    scene.made.bytes[scene.made.body_at + 585] = 9;
    ck_assert(!evaluate(&scene));
    ck_assert_int_eq(scene.verdict.reason, ATTEST_TDX_MODULE);
}
END_TEST

START_TEST(the_quoting_enclave_must_be_the_vendors)
{
    struct scene scene;
    set_scene(&scene, 3, 1);
    memset(scene.qe.miscselect, 0x51, 4);
    memset(scene.qe.miscselect_mask, 0xff, 4);
    memset(scene.qe.attributes, 0x51, 16);
    memset(scene.qe.attributes_mask, 0xff, 16);
    memset(scene.qe.mrsigner, 0x51, 32);
    scene.qe.isvprodid = 0x5151;
    ck_assert(av_qe_check_identity(&scene.quote, &scene.qe, &scene.verdict));
    uint8_t *const places[] = {scene.qe.miscselect, scene.qe.attributes, scene.qe.attributes + 15,
                               scene.qe.mrsigner, scene.qe.mrsigner + 31};
    for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
        *places[i] ^= 1;
        ck_assert(!av_qe_check_identity(&scene.quote, &scene.qe, &scene.verdict));
        ck_assert_int_eq(scene.verdict.reason, ATTEST_QE_IDENTITY);
        *places[i] ^= 1;
    }
    scene.qe.isvprodid = 2;
    ck_assert(!av_qe_check_identity(&scene.quote, &scene.qe, &scene.verdict));
}
END_TEST

START_TEST(what_the_mask_leaves_out_does_not_count)
{
    struct scene scene;
    set_scene(&scene, 3, 1);
    memset(scene.qe.mrsigner, 0x51, 32);
    scene.qe.isvprodid = 0x5151;
    ck_assert(av_qe_check_identity(&scene.quote, &scene.qe, &scene.verdict));
    scene.qe.attributes[0] = 1; /* demanded outside the mask: cannot be met */
    ck_assert(!av_qe_check_identity(&scene.quote, &scene.qe, &scene.verdict));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_quoting_enclaves_status_converges_with_the_platforms,
                                  the_modules_status_converges_with_the_platforms,
                                  the_date_is_the_earliest_and_advisories_are_united,
                                  more_advisories_than_fit_are_no_silence,
                                  a_level_is_reached_when_every_component_is,
                                  the_first_level_that_is_reached_counts,
                                  the_modules_own_two_components_are_left_to_its_identity,
                                  a_module_of_version_zero_counts_with_the_platform,
                                  a_module_must_be_known_with_its_signer_and_attributes,
                                  below_every_level_of_module_or_enclave_is_no_match,
                                  a_relaunch_is_advised_when_only_the_launch_is_out_of_date,
                                  the_module_loaded_now_must_be_known_too,
                                  the_quoting_enclave_must_be_the_vendors,
                                  what_the_mask_leaves_out_does_not_count,
                                  NULL};
    return checks_run("tcb", tests);
}
