/* What a fuzz target is without libFuzzer: a program that replays its corpus once.
 * Owns nothing but the file it is reading.
 * Never succeeds without having replayed something: an empty corpus is a mistake. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 4 * 1024 * 1024 };

/* The input lies in a block of its own size, so that the sanitizers see a read beyond it. */
static int replay_file(const char *path)
{
    struct stat status;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fstat(fileno(file), &status) != 0 || status.st_size > INPUT_BYTES_MAX) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(EXIT_FAILURE);
    }
    size_t size = (size_t)status.st_size;
    uint8_t *data = malloc(size > 0 ? size : 1);
    if (data == NULL || fread(data, 1, size, file) != size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(EXIT_FAILURE);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

static int replay(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
        return replay_file(path);
    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort), replayed = 0;
    for (int i = 0; i < count; ++i) {
        char child[4096];
        snprintf(child, sizeof child, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            replayed += replay_file(child);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    return replayed;
}

/* The corpus of fuzz_x is tests/fuzz/corpus/x. */
static int replay_own(const char *program)
{
    char path[4096];
    const char *top = getenv("top_srcdir");
    const char *base = strrchr(program, '/');
    base = base != NULL ? base + 1 : program;
    base += strncmp(base, "fuzz_", 5) == 0 ? 5 : 0;
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", top != NULL ? top : ".", base);
    return replay(path);
}

int main(int argc, char **argv)
{
    int replayed = argc > 1 ? 0 : replay_own(argv[0]);
    for (int i = 1; i < argc; ++i)
        replayed += replay(argv[i]);
    printf("%s: %d inputs replayed\n", argv[0], replayed);
    return replayed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
