/* Genuine quotes with the verdicts of Intel's library: every case of the shared vectors must give
 * the status, advisories and date it names, within exactly its window of time. One line a case. */
#include "attest_case.h"
#include "collateral/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct count {
    const struct attest_policy *any, *no_debug;
    int wrong;
};

static struct attest_bytes quote_of(const struct attest_case *one)
{
    return (struct attest_bytes){.ptr = one->quote, .len = one->quote_len};
}

static bool same_advisories(const struct attest_verdict *verdict, const cJSON *expected)
{
    const cJSON *item;
    if ((int)verdict->advisory_count != cJSON_GetArraySize(expected))
        return false;
    for (item = expected->child; item != NULL; item = item->next) {
        bool found = false;
        for (size_t i = 0; i < verdict->advisory_count; ++i)
            found |= strcmp(verdict->advisories[i], cJSON_GetStringValue(item)) == 0;
        if (!found)
            return false;
    }
    return true;
}

/* A status that is none of Intel's words says in brackets that no level matches. */
static const char *compare_status(const struct attest_verdict *verdict, const cJSON *expected)
{
    const char *status = cJSON_GetStringValue(cJSON_GetObjectItem(expected, "tcb_status"));
    if (status[0] == '(')
        return verdict->reason == ATTEST_TCB_UNMATCHED ? NULL : "should match no TCB level";
    if (!attest_is_trusted(verdict))
        return "refused";
    if (strcmp(verdict->tcb_status, status) != 0)
        return "another status";
    if (verdict->tcb_date !=
        (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(expected, "tcb_date")))
        return "another date";
    return same_advisories(verdict, cJSON_GetObjectItem(expected, "advisory_ids"))
               ? NULL
               : "other advisories";
}

static const char *compare_debug(const struct attest_case *one, const struct attest_policy *policy,
                                 bool trusted)
{
    struct attest_verdict verdict;
    const cJSON *quote = cJSON_GetObjectItem(one->expected, "quote");
    bool debug = cJSON_IsTrue(cJSON_GetObjectItem(quote, "debug"));
    attest_case_verify(one->collateral, policy, one->verify_time, quote_of(one), &verdict);
    if (debug && trusted)
        return verdict.reason == ATTEST_DEBUG ? NULL : "debug was not refused";
    return attest_is_trusted(&verdict) == trusted ? NULL : "taken for debug";
}

/* The window is [newest issue, earliest end]: both ends belong to it. */
static const char *compare_window(const struct attest_case *one, const struct attest_policy *policy)
{
    const cJSON *window = cJSON_GetObjectItem(one->expected, "window");
    int64_t from = (int64_t)cJSON_GetNumberValue(cJSON_GetArrayItem(window, 0));
    int64_t to = (int64_t)cJSON_GetNumberValue(cJSON_GetArrayItem(window, 1));
    const struct {
        int64_t now;
        bool trusted;
        const char *wrong;
    } moments[] = {{from - 1, false, "trusted before its window"},
                   {from, true, "refused at the beginning of its window"},
                   {to, true, "refused at the end of its window"},
                   {to + 1, false, "trusted after its window"}};
    for (size_t i = 0; i < sizeof moments / sizeof *moments; ++i) {
        struct attest_verdict verdict;
        attest_case_verify(one->collateral, policy, moments[i].now, quote_of(one), &verdict);
        if (attest_is_trusted(&verdict) != moments[i].trusted)
            return moments[i].wrong;
        if (moments[i].trusted && verdict.expires != to)
            return "expires at another moment";
    }
    return NULL;
}

/* Intel's root certificate is known by its digest as one that signed itself: it did. */
static const char *compare_root(const cJSON *collateral)
{
    struct chain chain;
    const char *pem = cJSON_GetStringValue(cJSON_GetObjectItem(collateral, "pck_crl_issuer_chain"));
    struct attest_bytes bytes = {.ptr = (const uint8_t *)pem, .len = pem != NULL ? strlen(pem) : 0};
    if (!av_chain_parse(bytes, CHAIN_CRL_ISSUER, NULL, NULL, 0, &chain))
        return "no chain of the CRL's issuer";
    struct attest_roots *roots = attest_roots_builtin();
    X509 *root = chain.certificates[1];
    const char *wrong = !av_roots_know(roots, root) ? "an unknown root"
                        : X509_verify(root, X509_get0_pubkey(root)) != 1
                            ? "a root unsigned by itself"
                        : av_roots_know(roots, chain.certificates[0]) ? "a CA known as a root"
                                                                      : NULL;
    attest_roots_free(roots);
    av_chain_fini(&chain);
    return wrong;
}

static void judge(struct attest_case *one, void *owner)
{
    struct count *count = owner;
    struct attest_verdict verdict;
    attest_case_verify(one->collateral, count->any, one->verify_time, quote_of(one), &verdict);
    bool trusted = attest_is_trusted(&verdict);
    const char *wrong = compare_status(&verdict, cJSON_GetObjectItem(one->expected, "verdict"));
    if (wrong == NULL)
        wrong = compare_debug(one, count->no_debug, trusted);
    if (wrong == NULL && trusted)
        wrong = compare_window(one, count->any);
    if (wrong == NULL)
        wrong = compare_root(one->collateral_json);
    count->wrong += wrong != NULL;
    printf("%s %s: %s, %zu advisories%s%s\n", wrong == NULL ? "ok " : "BAD", one->name,
           trusted ? verdict.tcb_status : attest_reason_word(verdict.reason),
           verdict.advisory_count, wrong == NULL ? "" : ": ", wrong == NULL ? "" : wrong);
}

int main(void)
{
    char path[4096];
    const char *folder = attest_vectors_folder(path, sizeof path, "attest_vectors");
    if (folder == NULL)
        return EXIT_SUCCESS;
    struct attest_policy *any = attest_case_policy(true), *no_debug = attest_case_policy(false);
    struct count count = {.any = any, .no_debug = no_debug};
    int ran = attest_case_each(folder, judge, &count);
    attest_policy_free(any);
    attest_policy_free(no_debug);
    printf("attest_vectors: %d cases compared, %d wrong\n", ran, count.wrong);
    return ran > 0 && count.wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
