/* Runs a fuzz target over its corpus, for builds without libFuzzer: CORPUS is its folder.
 * It owns nothing. It never passes when there is nothing to run. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "fuzz/http_fuzz.h"

enum { FILE_MAX = 1 << 20 };

static bool run_file(const char *folder, const char *name)
{
    char path[4096];
    int len = snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = len > 0 && (size_t)len < sizeof(path) ? fopen(path, "rb") : NULL;
    if (file == NULL)
        return false;
    uint8_t *bytes = alloc_zeroed(FILE_MAX);
    size_t count = fread(bytes, 1, FILE_MAX, file);
    fclose(file);
    /* A copy of the exact size, so that a sanitizer sees a read behind it. */
    uint8_t *exact = alloc_zeroed(count);
    memcpy(exact, bytes, count);
    LLVMFuzzerTestOneInput(exact, count);
    free(exact);
    free(bytes);
    return true;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : CORPUS;
    DIR *dir = opendir(folder);
    unsigned count = 0;
    if (dir == NULL) {
        fprintf(stderr, "no corpus at %s\n", folder);
        return EXIT_FAILURE;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.')
            count += run_file(folder, entry->d_name);
    closedir(dir);
    printf("%u inputs of %s\n", count, folder);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
