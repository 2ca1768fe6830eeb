#include "workers/dossiers.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#include "fakes/fake_attest.h"
#include "unit/workers/parts.h"

enum { NOW = 1800000000 };

static struct dossiers dossiers;
static struct trust *trust;
static struct proof proof;

static void set_up(void)
{
    dossiers_init(&dossiers, 1);
    trust = parts_trust("{}");
    proof = (struct proof){.trusted = true,
                           .reason = "trusted",
                           .tee = "tdx",
                           .expires = NOW + 500,
                           .collateral_expires = NOW + 900};
}

static void tear_down(void)
{
    dossiers_fini(&dossiers);
    trust_give(trust);
    ck_assert_uint_eq(fake_attest()->alive, 0);
}

static void keep(const char *pool, const char *worker, struct span certificate, int64_t now)
{
    const struct subject subject = {pool, worker};
    dossiers_keep(&dossiers, &subject, trust, certificate, &proof, now);
}

static cJSON *show(const char *worker)
{
    char *text = dossiers_show(&dossiers, span_text(worker));
    cJSON *json = text != NULL ? cJSON_Parse(text) : NULL;
    ck_assert(text == NULL || json != NULL);
    free(text);
    return json;
}

static const cJSON *piece(const cJSON *json, int index)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItem(json, "evidence"), index);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
    return text != NULL ? text : "(none)";
}

START_TEST(the_newest_of_a_worker_is_shown_and_the_older_is_gone)
{
    keep("main", "w1", SPAN_OF("one"), NOW);
    proof.trusted = false;
    snprintf(proof.reason, sizeof(proof.reason), "revoked");
    keep("main", "w1", SPAN_OF("two"), NOW + 1);
    cJSON *json = show("w1");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "evidence")), 1);
    const cJSON *verdict = cJSON_GetObjectItem(piece(json, 0), "verdict");
    ck_assert_str_eq(text_of(verdict, "verdict"), "refused");
    ck_assert_str_eq(text_of(verdict, "reason"), "revoked");
    ck_assert_str_eq(text_of(piece(json, 0), "certificate"),
                     "-----BEGIN CERTIFICATE-----\ndHdv\n-----END CERTIFICATE-----\n");
    const cJSON *quote = cJSON_GetArrayItem(cJSON_GetObjectItem(piece(json, 0), "quotes"), 0);
    ck_assert_str_eq(text_of(quote, "quote"), "cXVvdGU=");
    ck_assert_str_eq(text_of(piece(json, 0), "policy_sha256"),
                     "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    ck_assert_ptr_nonnull(strstr(text_of(json, "notice"), "does not authenticate"));
    cJSON_Delete(json);
    ck_assert_uint_eq(dossiers.bytes, 3);
}
END_TEST

START_TEST(workers_of_one_name_in_several_pools_are_all_shown_newest_first)
{
    char pool[16];
    for (int i = 0; i < DOSSIERS_SHOWN_MAX + 1; ++i) {
        snprintf(pool, sizeof(pool), "pool%d", i);
        keep(pool, "w1", SPAN_OF("x"), NOW + i);
    }
    keep("pool4", "w2", SPAN_OF("x"), NOW + 9);
    cJSON *json = show("w1");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "evidence")), DOSSIERS_SHOWN_MAX);
    ck_assert_str_eq(text_of(piece(json, 0), "pool"), "pool4");
    ck_assert_str_eq(text_of(piece(json, 3), "pool"), "pool1");
    cJSON_Delete(json);
    ck_assert_ptr_null(show("w3"));
    ck_assert_ptr_null(show(""));
    ck_assert_ptr_null(show("pool4/w1"));
}
END_TEST

START_TEST(a_certificate_of_256_kib_is_shown_whole_and_one_larger_not_at_all)
{
    char *large = calloc(1, ATTESTER_CERTIFICATE_BYTES_MAX + 1);
    keep("main", "w1", span_of(large, ATTESTER_CERTIFICATE_BYTES_MAX), NOW);
    cJSON *json = show("w1");
    size_t base64 = (ATTESTER_CERTIFICATE_BYTES_MAX + 2) / 3 * 4;
    size_t pem = strlen("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n") + base64 +
                 (base64 + 63) / 64;
    ck_assert_uint_eq(strlen(text_of(piece(json, 0), "certificate")), pem);
    cJSON_Delete(json);
    keep("main", "w1", span_of(large, ATTESTER_CERTIFICATE_BYTES_MAX + 1), NOW);
    json = show("w1");
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(piece(json, 0), "certificate")));
    cJSON_Delete(json);
    free(large);
}
END_TEST

START_TEST(the_one_judged_longest_ago_makes_room)
{
    char name[32];
    for (unsigned i = 0; i <= DOSSIERS_MAX; ++i) {
        snprintf(name, sizeof(name), "w%u", i);
        keep("main", name, SPAN_OF("x"), NOW + i);
    }
    ck_assert_ptr_null(show("w0"));
    cJSON_Delete(show("w1"));
    /* And by bytes: 64 MiB are 256 of the largest. */
    char *large = calloc(1, ATTESTER_CERTIFICATE_BYTES_MAX);
    for (unsigned i = 0; i < 300; ++i) {
        snprintf(name, sizeof(name), "l%u", i);
        keep("main", name, span_of(large, ATTESTER_CERTIFICATE_BYTES_MAX), NOW);
        ck_assert_uint_le(dossiers.bytes, DOSSIERS_BYTES_MAX);
    }
    ck_assert_ptr_null(show("w4096"));
    ck_assert_ptr_null(show("l43"));
    cJSON *json = show("l44");
    ck_assert_ptr_nonnull(json);
    cJSON_Delete(json);
    free(large);
}
END_TEST

START_TEST(the_earliest_end_is_of_fresh_trusting_verdicts_alone)
{
    ck_assert_int_eq(dossiers_collateral_ends(&dossiers, 0), 0);
    proof.collateral_expires = NOW + 100;
    keep("main", "old", SPAN_OF("x"), NOW - 10);
    proof.collateral_expires = NOW + 300;
    keep("main", "w1", SPAN_OF("x"), NOW);
    proof.collateral_expires = NOW + 200;
    keep("main", "w2", SPAN_OF("x"), NOW);
    proof.collateral_expires = 0;
    keep("main", "w3", SPAN_OF("x"), NOW);
    proof.trusted = false;
    proof.collateral_expires = NOW + 50;
    keep("main", "w4", SPAN_OF("x"), NOW);
    ck_assert_int_eq(dossiers_collateral_ends(&dossiers, NOW), NOW + 200);
    ck_assert_int_eq(dossiers_collateral_ends(&dossiers, NOW - 10), NOW + 100);
    ck_assert_int_eq(dossiers_collateral_ends(&dossiers, NOW + 1), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_newest_of_a_worker_is_shown_and_the_older_is_gone,
                                  workers_of_one_name_in_several_pools_are_all_shown_newest_first,
                                  a_certificate_of_256_kib_is_shown_whole_and_one_larger_not_at_all,
                                  the_one_judged_longest_ago_makes_room,
                                  the_earliest_end_is_of_fresh_trusting_verdicts_alone,
                                  NULL};
    return parts_run("workers/dossiers", tests, set_up, tear_down);
}
