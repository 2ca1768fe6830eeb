/* AMD's collateral document: its shape, what it is of, and the platforms that are asked for by. */
#include "amd_scene.h"
#include "formats/snp_table.h"

/* The document of a scene as text. */
static struct simulate_bytes text_of(const struct amd_scene *scene, bool with_leaf)
{
    struct simulate_list_options list = scene->documents[0].list;
    struct simulate_identity leaf = simulate_chip_key(&amds[scene->product], &scene->chip);
    X509_CRL *crl = simulate_amd_crl(&amds[scene->product], &list);
    struct simulate_bytes text = simulate_amd_document(&amds[scene->product], scene->chip.vlek,
                                                       with_leaf ? leaf.cert : NULL, crl);
    X509_CRL_free(crl);
    simulate_identity_fini(&leaf);
    return text;
}

/* Replaces the first `from`, or takes away what begins there to the next comma when `to` is NULL.
 */
static void replace(struct simulate_bytes *text, const char *from, const char *to)
{
    struct simulate_bytes out = {0};
    simulate_put_byte(text, 0);
    char *at = strstr((char *)text->ptr, from);
    ck_assert_msg(at != NULL, "no %s", from);
    const char *rest = at + strlen(from);
    simulate_put(&out, text->ptr, (size_t)(at - (char *)text->ptr));
    simulate_put(&out, to, strlen(to));
    simulate_put(&out, rest, strlen(rest));
    simulate_bytes_fini(text);
    *text = out;
}

START_TEST(a_document_of_another_shape_is_refused_and_the_member_named)
{
    static const struct {
        const char *from, *to, *words;
    } spoilers[] = {
        {"\"Milan\"", "\"Rome\"", "product: not Milan"},
        {"\"Milan\"", "7", "product: not Milan"},
        {"\"Milan\"", "\"Genoa\"", "ica: not SEV-PRODUCT"},
        {"\"product\"", "\"produkt\"", "\"produkt\" is no member"},
        {"\"leaf\": \"-", "\"leaf\": \"x-", "leaf: not exactly one PEM"},
        {"\"leaf\"", "\"leaf\": 1, \"leaf2\"", "\"leaf2\" is no member"},
        {"\"leaf\"", "\"ica\": \"\", \"leaf\"", "the document: "},
        {"\"ica\": \"", "\"ica\": \" ", "ica: not exactly one PEM"},
        {"\"ark\": \"", "\"ark\": \"-----BEGIN CERTIFICATE-----", "ark: not exactly one PEM"},
        {"\"crl\": \"30", "\"crl\": \"31", "crl: not one DER"},
        {"\"crl\": \"", "\"crl\": \"00", "crl: not one DER"},
        {"\"crl\": \"", "\"crl\": \"0", "crl: not one DER"},
        {"\"}", "00\"}", "crl: not one DER"},
        {"\"crl\": \"", "\"crl\": null, \"x\": \"", "\"x\" is no member"},
    };
    struct amd_scene scene;
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    for (size_t i = 0; i < sizeof spoilers / sizeof *spoilers; ++i) {
        char error[256] = "";
        struct simulate_bytes text = text_of(&scene, true);
        replace(&text, spoilers[i].from, spoilers[i].to);
        struct attest_collateral *parsed =
            attest_collateral_parse(amd_bytes(&text), error, sizeof error);
        ck_assert_msg(parsed == NULL, "%s was taken", spoilers[i].to);
        ck_assert_msg(strstr(error, spoilers[i].words) != NULL, "%s: %s", spoilers[i].to, error);
        simulate_bytes_fini(&text);
    }
}
END_TEST

/* Another certificate where one is expected. */
static struct simulate_bytes mixed(X509 *leaf, X509 *ica, X509 *ark)
{
    struct simulate_amd amd = {.product = SIMULATE_MILAN, .ark = {NULL, ark}, .ask = {NULL, ica}};
    return simulate_amd_document(&amd, false, leaf, NULL);
}

START_TEST(certificates_in_each_others_places_are_refused)
{
    struct amd_scene scene;
    const struct simulate_amd *milan = &amds[SIMULATE_MILAN], *turin = &amds[SIMULATE_TURIN];
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    struct simulate_chip chips[3] = {scene.chip, scene.chip, scene.chip};
    chips[1].vlek = true;
    chips[2].product = SIMULATE_GENOA;
    for (int i = 0; i < 6; ++i) {
        char error[256];
        struct simulate_identity leaf = simulate_chip_key(milan, &chips[i < 3 ? i : 0]);
        struct simulate_bytes text =
            mixed(i == 3 ? milan->ark.cert : leaf.cert, i == 4 ? turin->ask.cert : milan->ask.cert,
                  i == 5 ? milan->ask.cert : milan->ark.cert);
        struct attest_collateral *parsed =
            attest_collateral_parse(amd_bytes(&text), error, sizeof error);
        ck_assert_msg((parsed != NULL) == (i == 0), "case %d", i);
        attest_collateral_free(parsed);
        simulate_bytes_fini(&text);
        simulate_identity_fini(&leaf);
    }
}
END_TEST

START_TEST(proving_says_whether_all_signatures_hold)
{
    struct amd_scene scene;
    for (int with_leaf = 0; with_leaf < 2; ++with_leaf)
        for (int broken = 0; broken < 2; ++broken) {
            char error[256];
            amd_scene_set(&scene, SIMULATE_GENOA, false);
            struct simulate_bytes text = text_of(&scene, with_leaf == 1);
            if (broken == 1) /* the last byte of the list's signature */
                text.ptr[text.len - 4] = text.ptr[text.len - 4] == '0' ? '1' : '0';
            struct attest_collateral *parsed =
                attest_collateral_parse(amd_bytes(&text), error, sizeof error);
            ck_assert_msg(parsed != NULL, "%s", error);
            ck_assert_int_eq(attest_collateral_prove(parsed), broken == 0);
            ck_assert_uint_eq(attest_collateral_evaluation(parsed).tcb, NOW - DAY);
            attest_collateral_free(parsed);
            simulate_bytes_fini(&text);
        }
}
END_TEST

/* --- the table that a host hands its guest --- */

static struct simulate_bytes sound_table(const struct simulate_identity *leaf)
{
    return simulate_certificate_table(
        &(struct simulate_report_evidence){.leaf = leaf->cert,
                                           .ica = amds[SIMULATE_MILAN].ask.cert,
                                           .ark = amds[SIMULATE_MILAN].ark.cert});
}

START_TEST(a_table_of_certificates_is_read_whole_or_not_at_all)
{
    struct amd_scene scene;
    struct attest_snp_endorsements found;
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    struct simulate_identity leaf = simulate_chip_key(&amds[SIMULATE_MILAN], &scene.chip);
    struct simulate_bytes table = sound_table(&leaf);
    ck_assert(av_snp_table_parse(amd_bytes(&table), &found));
    ck_assert(found.leaf.len > 0 && found.ica.len > 0 && found.ark.len > 0 && found.crl.len == 0);
    for (size_t len = 0; len < table.len; ++len) /* cut anywhere */
        ck_assert(!av_snp_table_parse((struct attest_bytes){table.ptr, len}, &found));
    static const struct {
        size_t place;
        uint8_t value;
    } spoilers[] = {
        {19, 0xff},       /* an offset beyond the end */
        {23, 0xff},       /* a length beyond it */
        {3 * 24 + 16, 1}, /* an end that has an offset */
        {3 * 24, 1},      /* no end */
        {24 + 20, 0},     /* with the next: a length of zero */
    };
    for (size_t i = 0; i < sizeof spoilers / sizeof *spoilers; ++i) {
        uint8_t was = table.ptr[spoilers[i].place], next = table.ptr[spoilers[i].place + 1];
        table.ptr[spoilers[i].place] = spoilers[i].value;
        if (spoilers[i].value == 0)
            table.ptr[spoilers[i].place + 1] = 0;
        ck_assert_msg(!av_snp_table_parse(amd_bytes(&table), &found), "spoiler %zu", i);
        table.ptr[spoilers[i].place] = was;
        table.ptr[spoilers[i].place + 1] = next;
    }
    memcpy(table.ptr + 24, table.ptr, 16); /* the VCEK's GUID twice */
    ck_assert(!av_snp_table_parse(amd_bytes(&table), &found));
    memset(table.ptr + 24, 0x77, 16); /* of a GUID that nobody knows */
    ck_assert(av_snp_table_parse(amd_bytes(&table), &found));
    ck_assert(found.ica.len == 0 && found.leaf.len > 0);
    simulate_bytes_fini(&table);
    simulate_identity_fini(&leaf);
}
END_TEST

START_TEST(a_table_has_an_end_after_at_most_sixteen_certificates)
{
    uint8_t table[19 * 24] = {0};
    struct attest_snp_endorsements found;
    for (size_t count = 16; count <= 17; ++count) {
        memset(table, 0, sizeof table);
        for (size_t i = 0; i < count; ++i) {
            table[24 * i] = 1;       /* a GUID that nobody knows */
            table[24 * i + 16] = 24; /* some byte of the table */
            table[24 * i + 20] = 1;
        }
        ck_assert_int_eq(av_snp_table_parse((struct attest_bytes){table, sizeof table}, &found),
                         count == 16);
    }
}
END_TEST

/* What the certificate of a scene is asked for by; false with the reason in the scene's verdict. */
static bool name_platform(struct amd_scene *scene, struct attest_platform *platform)
{
    struct simulate_identity leaf = simulate_chip_key(&amds[scene->product], &scene->chip);
    struct simulate_bytes certificate = amd_certificate(scene, &leaf);
    struct attest_roots *roots = amd_roots();
    struct attest_request request = {.roots = roots, .now = scene->now};
    bool named = attest_platform_of_certificate(&request, amd_bytes(&certificate), platform,
                                                &scene->verdict);
    attest_roots_free(roots);
    simulate_bytes_fini(&certificate);
    simulate_identity_fini(&leaf);
    return named;
}

START_TEST(a_certificate_names_product_chip_and_tcb)
{
    struct amd_scene scene;
    struct attest_platform platform;
    amd_scene_set(&scene, SIMULATE_TURIN, false);
    ck_assert(name_platform(&scene, &platform));
    ck_assert_int_eq(platform.tee, ATTEST_TEE_SNP);
    ck_assert_str_eq(platform.product, "Turin");
    ck_assert(!platform.vlek && !platform.brings_leaf);
    ck_assert_mem_eq(platform.chip_id, scene.chip.hwid, 64);
    ck_assert_mem_eq(platform.tcb, "\x02\x04\x00\x18\x00\x00\x00\xdb", 8);
    scene.convention = SIMULATE_DSTACK8;
    scene.certs = SIMULATE_CERTS_DER;
    ck_assert(name_platform(&scene, &platform));
    ck_assert(platform.brings_leaf);
    ck_assert_int_eq(platform.chip_id[0], 0);
}
END_TEST

START_TEST(a_report_that_cannot_be_asked_for_says_why)
{
    struct amd_scene scene;
    struct attest_platform platform;
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.report.version = 2;
    ck_assert(!name_platform(&scene, &platform));
    ck_assert_int_eq(scene.verdict.reason, ATTEST_COLLATERAL_MISSING);
    scene.convention = SIMULATE_DSTACK8; /* its own VCEK says the product */
    scene.certs = SIMULATE_CERTS_TABLE;
    ck_assert(name_platform(&scene, &platform));
    ck_assert_str_eq(platform.product, "Milan");
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.report.chip_masked = true;
    ck_assert(!name_platform(&scene, &platform));
    ck_assert_int_eq(scene.verdict.reason, ATTEST_CHIP_MASKED);
    amd_scene_set(&scene, SIMULATE_MILAN, true);
    ck_assert(!name_platform(&scene, &platform));
    ck_assert_int_eq(scene.verdict.reason, ATTEST_COLLATERAL_MISSING);
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    scene.bind_other_key = true; /* nobody is asked on behalf of a stranger's report */
    ck_assert(!name_platform(&scene, &platform));
    ck_assert_int_eq(scene.verdict.reason, ATTEST_KEY_NOT_BOUND);
}
END_TEST

static enum attest_reason holds(struct amd_scene *scene, const struct attest_platform *platform)
{
    struct simulate_identity leaf = simulate_chip_key(&amds[scene->product], &scene->chip);
    struct attest_collateral *document = amd_collateral(scene, &scene->documents[0], &leaf);
    struct attest_roots *roots = amd_roots();
    struct attest_request request = {.roots = roots, .now = scene->now};
    bool ok = attest_collateral_holds(document, &request, platform, &scene->verdict);
    attest_roots_free(roots);
    attest_collateral_free(document);
    simulate_identity_fini(&leaf);
    return ok ? ATTEST_TRUSTED : scene->verdict.reason;
}

START_TEST(a_document_holds_for_its_own_chip_while_all_in_it_is_in_force)
{
    struct amd_scene scene;
    struct attest_platform platform;
    amd_scene_set(&scene, SIMULATE_MILAN, false);
    ck_assert(name_platform(&scene, &platform));
    ck_assert_int_eq(holds(&scene, &platform), ATTEST_TRUSTED);
    ck_assert_int_eq(scene.verdict.expires, NOW + 29 * DAY);
    scene.now = NOW + 29 * DAY + 1;
    ck_assert_int_eq(holds(&scene, &platform), ATTEST_COLLATERAL_EXPIRED);
    scene.now = NOW;
    platform.tcb[7] ^= 1;
    ck_assert_int_eq(holds(&scene, &platform), ATTEST_COLLATERAL_MISMATCH);
    platform.tcb[7] ^= 1;
    platform.chip_id[63] ^= 1;
    ck_assert_int_eq(holds(&scene, &platform), ATTEST_COLLATERAL_MISMATCH);
    platform.brings_leaf = true; /* then the document's own chip is of no interest */
    ck_assert_int_eq(holds(&scene, &platform), ATTEST_TRUSTED);
    scene.documents[0].with_leaf = false;
    ck_assert_int_eq(holds(&scene, &platform), ATTEST_TRUSTED);
    platform.vlek = true;
    ck_assert_int_eq(holds(&scene, &platform), ATTEST_COLLATERAL_MISMATCH);
    platform.vlek = false;
    platform.product[0] = 'm';
    ck_assert_int_eq(holds(&scene, &platform), ATTEST_COLLATERAL_MISMATCH);
    platform.product[0] = 'M';
    scene.documents[0].no_list = true;
    ck_assert_int_eq(holds(&scene, &platform), ATTEST_CRL_MISSING);
    scene.documents[0].no_list = false;
    scene.documents[0].list.ask_revoked = true;
    ck_assert_int_eq(holds(&scene, &platform), ATTEST_REVOKED);
    scene.documents[0] = (struct amd_document){
        .is_there = true, .other_vendor = true, .list = {NOW - DAY, NOW + DAY, false, false}};
    ck_assert_int_eq(holds(&scene, &platform), ATTEST_ROOT_UNKNOWN);
    platform.tee = ATTEST_TEE_TDX;
    ck_assert_int_eq(holds(&scene, &platform), ATTEST_COLLATERAL_MISMATCH);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_document_of_another_shape_is_refused_and_the_member_named,
                                  certificates_in_each_others_places_are_refused,
                                  proving_says_whether_all_signatures_hold,
                                  a_table_of_certificates_is_read_whole_or_not_at_all,
                                  a_table_has_an_end_after_at_most_sixteen_certificates,
                                  a_certificate_names_product_chip_and_tcb,
                                  a_report_that_cannot_be_asked_for_says_why,
                                  a_document_holds_for_its_own_chip_while_all_in_it_is_in_force,
                                  NULL};
    amd_vendors_init();
    int status = checks_run("snp_document", tests);
    amd_vendors_fini();
    return status;
}
