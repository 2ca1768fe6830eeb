#include "program/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The whole file, NULL and a sentence when it cannot be read or is too large. */
static uint8_t *read_file(const char *path, size_t *len, char *error, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = file != NULL ? malloc(INPUTS_FILE_BYTES_MAX + 1) : NULL;
    *len = bytes != NULL ? fread(bytes, 1, INPUTS_FILE_BYTES_MAX + 1, file) : 0;
    bool ok = bytes != NULL && ferror(file) == 0 && *len <= INPUTS_FILE_BYTES_MAX;
    if (!ok)
        snprintf(error, size, "%s: %s", path,
                 *len > INPUTS_FILE_BYTES_MAX ? "larger than 4 MiB" : strerror(errno));
    if (file != NULL)
        fclose(file);
    if (ok)
        return bytes;
    free(bytes);
    return NULL;
}

static bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), suffix_len = strlen(suffix);
    return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

/* Calls `each` with the path of every file of a directory that ends in one of two suffixes, in the
 * order of their names. */
static bool walk(const char *directory, const char *suffix, const char *other_suffix,
                 bool (*each)(struct inputs *, const char *, char *, size_t), struct inputs *inputs,
                 char *error, size_t size)
{
    struct dirent **names = NULL;
    int count = scandir(directory, &names, NULL, alphasort);
    bool ok = count >= 0;
    if (!ok)
        snprintf(error, size, "%s: %s", directory, strerror(errno));
    for (int i = 0; i < count; ++i) {
        char path[4096];
        bool wanted =
            has_suffix(names[i]->d_name, suffix) || has_suffix(names[i]->d_name, other_suffix);
        int len = snprintf(path, sizeof path, "%s/%s", directory, names[i]->d_name);
        if (ok && wanted)
            ok = len > 0 && (size_t)len < sizeof path && each(inputs, path, error, size);
        free(names[i]);
    }
    free(names);
    return ok;
}

bool av_inputs_read_evidence(struct inputs *inputs, const char *path, char *error, size_t size)
{
    inputs->evidence = read_file(path, &inputs->evidence_len, error, size);
    return inputs->evidence != NULL;
}

static bool add_collateral_file(struct inputs *inputs, const char *path, char *error, size_t size)
{
    size_t len;
    if (inputs->collateral_count == INPUTS_COLLATERAL_MAX) {
        snprintf(error, size, "more than %d collateral documents", INPUTS_COLLATERAL_MAX);
        return false;
    }
    uint8_t *bytes = read_file(path, &len, error, size);
    if (bytes == NULL)
        return false;
    char wrong[256];
    struct attest_bytes json = {.ptr = bytes, .len = len};
    struct attest_collateral *collateral = attest_collateral_parse(json, wrong, sizeof wrong);
    free(bytes);
    if (collateral != NULL)
        inputs->collateral[inputs->collateral_count++] = collateral;
    else if (inputs->collateral_mistake[0] == '\0')
        snprintf(inputs->collateral_mistake, sizeof inputs->collateral_mistake, "%.200s: %s", path,
                 wrong);
    return true;
}

/* AMD's certificates and list, each a file of its own; what is not there stays empty. */
static bool add_endorsements(struct inputs *inputs, const char *directory, char *error, size_t size)
{
    const struct {
        const char *name;
        struct attest_bytes *bytes;
    } files[] = {{"leaf.der", &inputs->snp.leaf},
                 {"ica.der", &inputs->snp.ica},
                 {"ark.der", &inputs->snp.ark},
                 {"crl.der", &inputs->snp.crl}};
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        char path[4096];
        int len = snprintf(path, sizeof path, "%s/%s", directory, files[i].name);
        if (len < 0 || (size_t)len >= sizeof path || access(path, F_OK) != 0)
            continue;
        if (files[i].bytes->ptr != NULL) {
            snprintf(error, size, "%s: two directories have a %s", directory, files[i].name);
            return false;
        }
        files[i].bytes->ptr = read_file(path, &files[i].bytes->len, error, size);
        if (files[i].bytes->ptr == NULL)
            return false;
    }
    return true;
}

bool av_inputs_add_collateral(struct inputs *inputs, const char *path, char *error, size_t size)
{
    return is_directory(path)
               ? walk(path, ".json", ".json", add_collateral_file, inputs, error, size) &&
                     add_endorsements(inputs, path, error, size)
               : add_collateral_file(inputs, path, error, size);
}

bool av_inputs_read_policy(struct inputs *inputs, const char *path, char *error, size_t size)
{
    size_t len;
    uint8_t *bytes = read_file(path, &len, error, size);
    if (bytes == NULL)
        return false;
    char wrong[256];
    struct attest_bytes json = {.ptr = bytes, .len = len};
    inputs->policy = attest_policy_parse(json, wrong, sizeof wrong);
    if (inputs->policy == NULL)
        snprintf(error, size, "%s: %s", path, wrong);
    free(bytes);
    return inputs->policy != NULL;
}

/* The certificates of a directory, one after the other. `evidence` is not read yet, so it holds
 * them until the anchors are made. */
static bool append_root(struct inputs *inputs, const char *path, char *error, size_t size)
{
    size_t len;
    uint8_t *bytes = read_file(path, &len, error, size);
    uint8_t *grown =
        bytes != NULL ? realloc(inputs->evidence, inputs->evidence_len + len + 1) : NULL;
    if (grown != NULL) {
        inputs->evidence = grown;
        memcpy(grown + inputs->evidence_len, bytes, len);
        inputs->evidence_len += len;
        grown[inputs->evidence_len++] = '\n';
    }
    free(bytes);
    return grown != NULL;
}

bool av_inputs_read_roots(struct inputs *inputs, const char *directory, char *error, size_t size)
{
    struct inputs pems = {0};
    bool ok = walk(directory, ".pem", ".crt", append_root, &pems, error, size);
    struct attest_bytes pem = {.ptr = pems.evidence, .len = pems.evidence_len};
    char wrong[256];
    if (ok) {
        inputs->roots = attest_roots_from_pem(pem, wrong, sizeof wrong);
        ok = inputs->roots != NULL;
        if (!ok)
            snprintf(error, size, "%s: %s", directory, wrong);
    }
    av_inputs_fini(&pems);
    return ok;
}

void av_inputs_fini(struct inputs *inputs)
{
    free(inputs->evidence);
    free((void *)inputs->snp.leaf.ptr);
    free((void *)inputs->snp.ica.ptr);
    free((void *)inputs->snp.ark.ptr);
    free((void *)inputs->snp.crl.ptr);
    for (size_t i = 0; i < inputs->collateral_count; ++i)
        attest_collateral_free(inputs->collateral[i]);
    attest_policy_free(inputs->policy);
    attest_roots_free(inputs->roots);
    *inputs = (struct inputs){0};
}
