/* Verifies a worker's RA-TLS certificate (DER) with the library:
 *   cc verify_cert.c $(pkg-config --cflags --libs attest-verify) -o verify_cert
 *   ./verify_cert worker.der collateral.json policy.json [roots.pem]   # roots: for testing only */
#include <attest_verify.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct attest_bytes read_file(const char *path)
{
    enum { BYTES_MAX = 4 * 1024 * 1024 };
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(BYTES_MAX);
    if (file == NULL || bytes == NULL) {
        perror(path);
        exit(2);
    }
    size_t len = fread(bytes, 1, BYTES_MAX, file);
    fclose(file);
    return (struct attest_bytes){bytes, len};
}

int main(int argc, char **argv)
{
    char error[256] = "usage: verify_cert CERTIFICATE COLLATERAL POLICY [ROOTS]";
    if (argc != 4 && argc != 5) {
        fprintf(stderr, "%s\n", error);
        return 2;
    }
    struct attest_bytes files[4] = {{NULL, 0}};
    for (int i = 1; i < argc; ++i)
        files[i - 1] = read_file(argv[i]);
    struct attest_collateral *collateral = attest_collateral_parse(files[1], error, sizeof error);
    struct attest_policy *policy = attest_policy_parse(files[2], error, sizeof error);
    struct attest_roots *roots =
        argc == 5 ? attest_roots_from_pem(files[3], error, sizeof error) : attest_roots_builtin();
    struct attest_verdict verdict = {.reason = ATTEST_INTERNAL};
    if (collateral != NULL && policy != NULL && roots != NULL) {
        attest_collateral_prove(collateral); /* once; many verifications are faster for it */
        const struct attest_collateral *list[] = {collateral};
        struct attest_request request = {.roots = roots,
                                         .collateral = list,
                                         .collateral_count = 1,
                                         .policy = policy,
                                         .now = (int64_t)time(NULL)};
        attest_verify_certificate(&request, files[0], &verdict);
        printf("%s: %s\n", attest_reason_word(verdict.reason), verdict.detail);
    } else {
        fprintf(stderr, "%s\n", error);
    }
    attest_collateral_free(collateral);
    attest_policy_free(policy);
    attest_roots_free(roots);
    for (int i = 0; i < 4; ++i)
        free((void *)files[i].ptr);
    return attest_is_trusted(&verdict) ? 0 : 1;
}
