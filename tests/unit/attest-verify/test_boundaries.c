/* Every date in the evidence of a quote: each certificate in each place, each revocation list, each
 * document, both ends, one second before, at and after. What has dates is found by walking the
 * evidence, so that nothing is left out because nobody thought of it. */
#include "evidence_walk.h"

#include <time.h>

enum { DATED = 13 };
enum bound { BOUND_BEGIN, BOUND_END };

static void move_certificate(struct walk *walk, X509 *certificate)
{
    ASN1_TIME *now = simulate_time(NOW);
    if (walk->which == BOUND_BEGIN)
        X509_set1_notBefore(certificate, now);
    else
        X509_set1_notAfter(certificate, now);
    walk_sign(walk, certificate);
    ASN1_TIME_free(now);
}

static void move_list(struct walk *walk, X509_CRL *list)
{
    ASN1_TIME *now = simulate_time(NOW);
    if (walk->which == BOUND_BEGIN)
        X509_CRL_set1_lastUpdate(list, now);
    else
        X509_CRL_set1_nextUpdate(list, now);
    ASN1_TIME_free(now);
    walk_sign_list(walk, list);
}

/* Overwrites the date behind "issueDate":" or "nextUpdate":" in place. */
static void move_text(struct walk *walk, const char *member)
{
    char *text = spoiled_text(walk->spoiler->document, member), moment[32];
    const char *name = walk->which == BOUND_BEGIN ? "\"issueDate\":\"" : "\"nextUpdate\":\"";
    time_t now = NOW;
    struct tm tm;
    ck_assert_ptr_nonnull(gmtime_r(&now, &tm));
    size_t len = strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%SZ", &tm);
    char *place = strstr(text, name);
    ck_assert_ptr_nonnull(place);
    memcpy(place + strlen(name), moment, len);
    spoiled_sign(walk->spoiler->document, member, walk->spoiler->vendor->signer.key);
}

/* What the judge is told beside the scene; each test runs alone. */
static struct walk last;

static void walk_all(const struct spoiler *spoiler)
{
    last = (struct walk){.spoiler = spoiler,
                         .wanted = spoiler->scene->at / 2,
                         .which = spoiler->scene->at % 2,
                         .change = move_certificate,
                         .change_list = move_list,
                         .change_text = move_text};
    walk_evidence(&last);
}

static bool is_about_time(enum attest_reason reason)
{
    return reason == ATTEST_CHAIN_EXPIRED || reason == ATTEST_COLLATERAL_EXPIRED ||
           reason == ATTEST_COLLATERAL_EARLY;
}

/* One dated thing, one of its ends at NOW, judged around it. */
static void expect_bound(enum attest_tee tee, size_t wanted, enum bound bound)
{
    for (int64_t second = -1; second <= 1; ++second) {
        struct spoiled one;
        spoiled_set(&one, tee, walk_all);
        one.at = 2 * wanted + bound;
        one.scene.now = NOW + second;
        enum attest_reason reason = spoiled_judge(&one);
        bool within = bound == BOUND_BEGIN ? second >= 0 : second <= 0;
        bool good = within ? reason == ATTEST_TRUSTED : is_about_time(reason);
        printf("%s %s %s %s NOW, judged at NOW%+lld: %s\n", good ? "ok " : "BAD",
               attest_tee_word(tee), last.name, bound == BOUND_BEGIN ? "begins" : "ends",
               (long long)second, attest_reason_word(reason));
        ck_assert_msg(good, "%s %s: %s (%s)", last.name, bound == BOUND_BEGIN ? "begins" : "ends",
                      attest_reason_word(reason), one.scene.verdict.detail);
        if (within && bound == BOUND_END)
            ck_assert_int_eq(one.scene.verdict.expires, NOW);
    }
}

START_TEST(every_date_of_the_evidence_holds_to_the_second)
{
    for (int tee = ATTEST_TEE_SGX; tee <= ATTEST_TEE_TDX; ++tee) {
        size_t wanted = 0;
        do {
            expect_bound((enum attest_tee)tee, wanted, BOUND_BEGIN);
            expect_bound((enum attest_tee)tee, wanted, BOUND_END);
        } while (++wanted < last.found);
        /* Three certificates in the quote, six in the document, two lists, two texts. */
        ck_assert_uint_eq(last.found, DATED);
    }
}
END_TEST

/* What is long over or long to come is no better. */
START_TEST(the_ends_of_time_are_refused)
{
    static const int64_t moments[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    for (size_t i = 0; i < sizeof moments / sizeof *moments; ++i) {
        struct spoiled one;
        spoiled_set(&one, ATTEST_TEE_TDX, NULL);
        one.scene.now = moments[i];
        ck_assert(is_about_time(spoiled_judge(&one)));
    }
}
END_TEST

static void begin_as_a_list(const struct spoiler *spoiler)
{
    struct walk walk = {.spoiler = spoiler, .wanted = SIZE_MAX};
    memcpy(spoiled_text(spoiler->document, "tcb_info_signature"), "3082", 4);
    memcpy(spoiled_text(spoiler->document, "qe_identity_signature"), "3082", 4);
    walk_evidence(&walk);
    ck_assert_uint_eq(walk.found, DATED);
}

/* One signature in 65,536 does: the walk once took it for a list. */
START_TEST(a_signature_that_begins_as_a_list_is_none)
{
    struct spoiled one;
    spoiled_set(&one, ATTEST_TEE_TDX, begin_as_a_list);
    ck_assert_int_eq(spoiled_judge(&one), ATTEST_COLLATERAL_SIGNATURE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_date_of_the_evidence_holds_to_the_second,
                                  the_ends_of_time_are_refused,
                                  a_signature_that_begins_as_a_list_is_none, NULL};
    return checks_run("boundaries", tests);
}
