/* Genuine evidence, changed in one place: every field at both ends, every length, the collateral's
 * texts, signatures, chains and lists. All of it must be refused, but for the two changes that keep
 * the meaning. */
#include "attest_case.h"

#include <openssl/bn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
    const struct attest_case *one;
    const struct attest_policy *policy;
    int tried, wrong;
};

static void expect(struct run *run, bool trusted, const struct attest_verdict *verdict,
                   const char *what, const char *where)
{
    ++run->tried;
    if (attest_is_trusted(verdict) == trusted)
        return;
    ++run->wrong;
    printf("BAD %s: %s %s: %s\n", run->one->name, what, where, attest_reason_word(verdict->reason));
}

static void try_quote(struct run *run, const uint8_t *bytes, size_t len, bool trusted,
                      const char *what, const char *where)
{
    struct attest_verdict verdict;
    struct attest_bytes quote = {.ptr = bytes, .len = len};
    attest_case_verify(run->one->collateral, run->policy, run->one->verify_time, quote, &verdict);
    expect(run, trusted, &verdict, what, where);
}

static uint8_t *copy_quote(const struct attest_case *one)
{
    uint8_t *copy = malloc(one->quote_len + 1);
    if (copy == NULL)
        exit(EXIT_FAILURE);
    memcpy(copy, one->quote, one->quote_len);
    copy[one->quote_len] = 0;
    return copy;
}

static void flip(struct run *run, size_t at, unsigned bit, const char *field)
{
    uint8_t *copy = copy_quote(run->one);
    copy[at] ^= (uint8_t)(1u << bit);
    try_quote(run, copy, run->one->quote_len, false, "a bit flipped in", field);
    free(copy);
}

static void fill(struct run *run, size_t at, size_t len, uint8_t with, const char *field)
{
    uint8_t *copy = copy_quote(run->one);
    memset(copy + at, with, len);
    if (memcmp(copy, run->one->quote, run->one->quote_len) != 0)
        try_quote(run, copy, run->one->quote_len, false, "filled", field);
    free(copy);
}

/* Every field: both ends flipped, zeros, ones, and the quote cut off before it. */
static void damage_field(struct run *run, const char *field, size_t at, size_t len)
{
    flip(run, at, 0, field);
    flip(run, at + len - 1, 7, field);
    fill(run, at, len, 0x00, field);
    fill(run, at, len, 0xff, field);
    try_quote(run, run->one->quote, at, false, "cut off before", field);
}

/* (r, n - s) is as good a signature as (r, s), which is why nothing is keyed on quote bytes. */
static void malleate(struct run *run, size_t s_at)
{
    uint8_t *copy = copy_quote(run->one);
    BIGNUM *order = NULL, *s = BN_bin2bn(copy + s_at, 32, NULL);
    BN_hex2bn(&order, "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
    BN_sub(s, order, s);
    BN_bn2binpad(s, copy + s_at, 32);
    try_quote(run, copy, run->one->quote_len, true, "s negated in", "the quote's signature");
    BN_bn2binpad(order, copy + s_at, 32);
    try_quote(run, copy, run->one->quote_len, false, "s = n in", "the quote's signature");
    BN_free(order);
    BN_free(s);
    free(copy);
}

static void damage_quote(struct run *run, const cJSON *layout)
{
    const cJSON *row;
    for (row = layout->child; row != NULL; row = row->next) {
        const char *field = cJSON_GetStringValue(cJSON_GetArrayItem(row, 0));
        size_t at = (size_t)cJSON_GetNumberValue(cJSON_GetArrayItem(row, 1));
        size_t len = (size_t)cJSON_GetNumberValue(cJSON_GetArrayItem(row, 2));
        damage_field(run, field, at, len);
        if (strcmp(field, "sig.s") == 0)
            malleate(run, at);
    }
    uint8_t *longer = copy_quote(run->one);
    try_quote(run, longer, run->one->quote_len + 1, false, "a zero after", "the quote");
    try_quote(run, longer, run->one->quote_len, true, "nothing changed in", "the quote");
    free(longer);
}

/* `collateral` is taken over. It may be refused as soon as it is parsed. */
static void judge_collateral(struct run *run, cJSON *collateral, bool trusted, const char *what,
                             const char *member)
{
    char error[256];
    char *text = cJSON_PrintUnformatted(collateral);
    struct attest_bytes json = {.ptr = (const uint8_t *)text, .len = strlen(text)};
    struct attest_collateral *parsed = attest_collateral_parse(json, error, sizeof error);
    struct attest_bytes quote = {.ptr = run->one->quote, .len = run->one->quote_len};
    struct attest_verdict verdict;
    attest_case_verify(parsed, run->policy, run->one->verify_time, quote, &verdict);
    expect(run, trusted, &verdict, what, member);
    attest_collateral_free(parsed);
    cJSON_free(text);
    cJSON_Delete(collateral);
}

static void try_collateral(struct run *run, cJSON *collateral, const char *what, const char *member)
{
    judge_collateral(run, collateral, false, what, member);
}

static cJSON *copy_collateral(const struct run *run)
{
    return cJSON_Duplicate(run->one->collateral_json, true);
}

static char *text_of(cJSON *collateral, const char *member)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(collateral, member));
}

/* Another digit at a place where one stands, so that JSON and hexadecimal stay what they are. */
static void change_digit(struct run *run, const char *member, size_t nth)
{
    cJSON *collateral = copy_collateral(run);
    char *at = text_of(collateral, member) + nth;
    while (*at != '\0' && (*at < '0' || *at > '9'))
        ++at;
    if (*at != '\0')
        *at = *at == '1' ? '2' : '1';
    try_collateral(run, collateral, "a digit changed in", member);
}

static void swap_members(struct run *run, const char *a, const char *b)
{
    cJSON *collateral = copy_collateral(run);
    cJSON *first = cJSON_DetachItemFromObjectCaseSensitive(collateral, a);
    cJSON *second = cJSON_DetachItemFromObjectCaseSensitive(collateral, b);
    cJSON_AddItemToObject(collateral, b, first);
    cJSON_AddItemToObject(collateral, a, second);
    try_collateral(run, collateral, a, "swapped with another");
}

static void replace_member(struct run *run, const char *member, const char *with, const char *what)
{
    cJSON *collateral = copy_collateral(run);
    cJSON_ReplaceItemInObjectCaseSensitive(collateral, member, cJSON_CreateString(with));
    try_collateral(run, collateral, what, member);
}

/* White space that a parser skips is not in the signed bytes (ra-tls a.6). */
static void add_space(struct run *run, const char *member)
{
    cJSON *collateral = copy_collateral(run);
    const char *text = text_of(collateral, member);
    char *spaced = malloc(strlen(text) + 2);
    if (spaced == NULL)
        exit(EXIT_FAILURE);
    snprintf(spaced, strlen(text) + 2, "{ %s", text + 1);
    cJSON_ReplaceItemInObjectCaseSensitive(collateral, member, cJSON_CreateString(spaced));
    free(spaced);
    try_collateral(run, collateral, "a space added in", member);
}

static void reverse_chain(struct run *run, const char *member)
{
    static const char end[] = "-----END CERTIFICATE-----\n";
    cJSON *collateral = copy_collateral(run);
    const char *text = text_of(collateral, member), *second = strstr(text, end);
    if (second == NULL)
        exit(EXIT_FAILURE);
    second += strlen(end);
    char *reversed = malloc(strlen(text) + 2);
    if (reversed == NULL)
        exit(EXIT_FAILURE);
    snprintf(reversed, strlen(text) + 2, "%s\n%.*s", second, (int)(second - text), text);
    cJSON_ReplaceItemInObjectCaseSensitive(collateral, member, cJSON_CreateString(reversed));
    free(reversed);
    try_collateral(run, collateral, "leaf last in", member);
}

static void damage_collateral(struct run *run)
{
    static const char *const members[] = {"tcb_info",
                                          "qe_identity",
                                          "tcb_info_signature",
                                          "qe_identity_signature",
                                          "root_ca_crl",
                                          "pck_crl",
                                          "tcb_info_issuer_chain",
                                          "qe_identity_issuer_chain",
                                          "pck_crl_issuer_chain"};
    for (size_t i = 0; i < sizeof members / sizeof *members; ++i) {
        const char *text = text_of(run->one->collateral_json, members[i]);
        size_t len = strlen(text);
        for (size_t part = 0; part < 8; ++part)
            change_digit(run, members[i], 30 + (len > 200 ? (len - 200) * part / 8 : part * 10));
        replace_member(run, members[i], "", "nothing in");
        cJSON *collateral = copy_collateral(run);
        cJSON_DeleteItemFromObjectCaseSensitive(collateral, members[i]);
        try_collateral(run, collateral, "missing:", members[i]);
    }
    judge_collateral(run, copy_collateral(run), true, "nothing changed in", "the collateral");
    add_space(run, "tcb_info");
    add_space(run, "qe_identity");
    reverse_chain(run, "tcb_info_issuer_chain");
    reverse_chain(run, "qe_identity_issuer_chain");
    reverse_chain(run, "pck_crl_issuer_chain");
    swap_members(run, "tcb_info_signature", "qe_identity_signature");
    swap_members(run, "root_ca_crl", "pck_crl");
    swap_members(run, "tcb_info_issuer_chain", "pck_crl_issuer_chain");
}

/* The other platforms' genuine documents, and each of their parts in place of ours. */
static void swap_in(struct attest_case *other, void *owner)
{
    static const char *const parts[][2] = {{"tcb_info", "tcb_info_signature"},
                                           {"qe_identity", "qe_identity_signature"}};
    struct run *run = owner;
    for (size_t i = 0; i < 2; ++i) {
        const char *text = text_of(other->collateral_json, parts[i][0]);
        const char *start = i == 0 ? "\"fmspc\":\"" : "\"id\":\"";
        const char *theirs = strstr(text, start);
        const char *ours = strstr(text_of(run->one->collateral_json, parts[i][0]), start);
        if (theirs == NULL || ours == NULL || strncmp(theirs, ours, strlen(start) + 12) == 0)
            continue;
        cJSON *collateral = copy_collateral(run);
        for (size_t j = 0; j < 2; ++j)
            cJSON_ReplaceItemInObjectCaseSensitive(
                collateral, parts[i][j],
                cJSON_CreateString(text_of(other->collateral_json, parts[i][j])));
        try_collateral(run, collateral, other->name, parts[i][0]);
    }
}

int main(void)
{
    char path[4096];
    const char *folder = attest_vectors_folder(path, sizeof path, "attest_mutations");
    if (folder == NULL)
        return EXIT_SUCCESS;
    cJSON *layouts = attest_vector_read_json(folder, "mutations-layout.json"), *layout;
    struct attest_policy *policy = attest_case_policy(true);
    int wrong = 0;
    for (layout = layouts->child; layout != NULL; layout = layout->next) {
        struct attest_case one;
        attest_case_open(&one, folder, layout->string);
        struct run run = {.one = &one, .policy = policy};
        damage_quote(&run, layout);
        damage_collateral(&run);
        attest_case_each(folder, swap_in, &run);
        printf("%s %s: %d changes tried, %d wrong\n", run.wrong == 0 ? "ok " : "BAD", one.name,
               run.tried, run.wrong);
        wrong += run.wrong;
        attest_case_close(&one);
    }
    attest_policy_free(policy);
    cJSON_Delete(layouts);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
