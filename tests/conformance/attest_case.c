#include "attest_case.h"

#include "collateral/collateral.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *attest_vectors_folder(char *path, size_t size, const char *what)
{
    const char *top = getenv("top_srcdir");
    struct stat status;
    snprintf(path, size, "%s/../shared/vectors/attest", top != NULL ? top : ".");
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return path;
    printf("%s: LEFT OUT: the shared vectors are not at %s\n", what, path);
    return NULL;
}

static void give_up(const char *what, const char *name)
{
    printf("%s: %s\n", what, name);
    exit(EXIT_FAILURE);
}

uint8_t *attest_vector_read(const char *folder, const char *name, size_t *len)
{
    enum { BYTES_MAX = 4 * 1024 * 1024 };
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(BYTES_MAX + 1);
    if (file == NULL || bytes == NULL)
        give_up("cannot read", path);
    *len = fread(bytes, 1, BYTES_MAX, file);
    bytes[*len] = '\0';
    fclose(file);
    return bytes;
}

cJSON *attest_vector_read_json(const char *folder, const char *name)
{
    size_t len;
    char *text = (char *)attest_vector_read(folder, name, &len);
    cJSON *json = cJSON_Parse(text);
    if (json == NULL)
        give_up("not JSON", name);
    free(text);
    return json;
}

void attest_case_open(struct attest_case *one, const char *folder, const char *name)
{
    char path[4096], error[256];
    snprintf(path, sizeof path, "%s/dcap/%s", folder, name);
    *one = (struct attest_case){0};
    snprintf(one->name, sizeof one->name, "%s", name);
    one->quote = attest_vector_read(path, "quote.bin", &one->quote_len);
    one->expected = attest_vector_read_json(path, "expected.json");
    one->collateral_json = attest_vector_read_json(path, "collateral.json");
    struct attest_bytes text;
    uint8_t *raw = attest_vector_read(path, "collateral.json", &text.len);
    text.ptr = raw;
    one->collateral = attest_collateral_parse(text, error, sizeof error);
    free(raw);
    if (one->collateral == NULL)
        give_up(name, error);
    one->verify_time =
        (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(one->expected, "verify_time"));
}

void attest_case_close(struct attest_case *one)
{
    free(one->quote);
    cJSON_Delete(one->expected);
    cJSON_Delete(one->collateral_json);
    attest_collateral_free(one->collateral);
}

struct attest_policy *attest_case_policy(bool debug)
{
    char text[1024], error[256];
    snprintf(
        text, sizeof text,
        "{\"accept\":[{\"tee\":\"sgx\",\"any_code\":true},{\"tee\":\"tdx\",\"any_code\":true}],"
        "\"tcb\":{\"accepted_status\":[\"UpToDate\",\"SWHardeningNeeded\","
        "\"ConfigurationNeeded\",\"ConfigurationAndSWHardeningNeeded\",\"OutOfDate\","
        "\"OutOfDateConfigurationNeeded\",\"Revoked\",\"TDRelaunchAdvised\","
        "\"TDRelaunchAdvisedConfigurationNeeded\"]}%s}",
        debug ? ",\"allow_debug\":true,\"insecure_testing\":true" : "");
    struct attest_bytes json = {.ptr = (const uint8_t *)text, .len = strlen(text)};
    struct attest_policy *policy = attest_policy_parse(json, error, sizeof error);
    if (policy == NULL)
        give_up("the policy of the test", error);
    return policy;
}

/* Collateral that was proven before must give the very same verdict: attest_collateral_prove() is
 * for speed only. The copy borrows the document's parts, but for the chains that proving decodes.
 */
static void compare_with_proven(const struct attest_request *request, struct attest_bytes quote,
                                const struct attest_verdict *verdict)
{
    struct attest_collateral copy = *request->collateral[0];
    const struct attest_collateral *proven = &copy;
    struct attest_request again = *request;
    struct attest_verdict other;
    attest_collateral_prove(&copy);
    again.collateral = &proven;
    attest_verify_quote(&again, quote, &other);
    av_collateral_chains_fini(&copy.proven_chains);
    if (other.reason != verdict->reason || strcmp(other.detail, verdict->detail) != 0 ||
        other.expires != verdict->expires || other.tcb_status != verdict->tcb_status ||
        other.tcb_date != verdict->tcb_date || other.advisory_count != verdict->advisory_count)
        give_up("proven collateral changes the verdict", verdict->detail);
}

void attest_case_verify(const struct attest_collateral *collateral,
                        const struct attest_policy *policy, int64_t now, struct attest_bytes quote,
                        struct attest_verdict *verdict)
{
    struct attest_roots *roots = attest_roots_builtin();
    struct attest_request request = {.roots = roots,
                                     .collateral = &collateral,
                                     .collateral_count = collateral != NULL,
                                     .policy = policy,
                                     .now = now};
    attest_verify_quote(&request, quote, verdict);
    if (collateral != NULL)
        compare_with_proven(&request, quote, verdict);
    attest_roots_free(roots);
}

int attest_case_each(const char *folder, void (*each)(struct attest_case *one, void *owner),
                     void *owner)
{
    char path[4096];
    struct dirent **names;
    snprintf(path, sizeof path, "%s/dcap", folder);
    int found = scandir(path, &names, NULL, alphasort), ran = 0;
    for (int i = 0; i < found; ++i) {
        if (names[i]->d_name[0] != '.') {
            struct attest_case one;
            attest_case_open(&one, folder, names[i]->d_name);
            each(&one, owner);
            attest_case_close(&one);
            ++ran;
        }
        free(names[i]);
    }
    if (found >= 0)
        free(names);
    return ran;
}
