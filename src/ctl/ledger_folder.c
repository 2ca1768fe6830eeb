#include "ctl/ledger_folder.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"

enum { PATH_BYTES = 4096, SHA256_BYTES = 32, HEX_BYTES = 2 * SHA256_BYTES + 1, DIGITS = 8 };

struct chain { /* the files of one gateway */
    struct ledger_reader *reader;
    const char *folder;
    uint64_t first;
    uint64_t last;
    char digest[HEX_BYTES]; /* of the file before; empty: none was read */
};

struct file {
    struct chain *chain;
    uint64_t number;
    uint64_t line;
    EVP_MD_CTX *sha256;
};

static void say(const struct file *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void say(const struct file *file, const char *format, ...)
{
    char sentence[LEDGER_SENTENCE_MAX];
    va_list args;
    int used = snprintf(sentence, sizeof(sentence), "%.600s/ledger-%0*" PRIu64 ".ndjson",
                        file->chain->folder, DIGITS, file->number);
    if (file->line > 0)
        used += snprintf(sentence + used, sizeof(sentence) - (size_t)used, ":%" PRIu64, file->line);
    used += snprintf(sentence + used, sizeof(sentence) - (size_t)used, ": ");
    va_start(args, format);
    vsnprintf(sentence + used, sizeof(sentence) - (size_t)used, format, args);
    va_end(args);
    file->chain->reader->problem(file->chain->reader->owner, sentence);
}

/* ------------------------------------------------------------------ lines */

static void take_head(const struct file *file, const struct ledger_line *line)
{
    const struct chain *chain = file->chain;
    if (line->number != file->number)
        say(file, "the head names file %" PRIu64, line->number);
    if (chain->digest[0] == '\0' && file->number > 1)
        return; /* the file before was put away, or could not be read */
    if (!span_is(line->previous_sha256, span_text(chain->digest)))
        say(file, "the head names another file before it: that was changed, or this is not its "
                  "follower");
}

static void take_line(const struct file *file, struct span text)
{
    struct ledger_line line;
    if (!ledger_line_read(text, &line)) {
        say(file, "this is no line of a ledger");
        return;
    }
    if (line.is_head != (file->line == 1))
        say(file, line.is_head ? "a head stands among the entries" : "the head is missing");
    else if (line.is_head)
        take_head(file, &line);
    if (!line.is_head) {
        ++file->chain->reader->lines;
        file->chain->reader->entry(file->chain->reader->owner, &line);
    }
    ledger_line_fini(&line);
}

static void read_lines(struct file *file, FILE *from)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t len;
    while ((len = getline(&text, &room, from)) > 0) {
        bool whole = text[len - 1] == '\n';
        ++file->line;
        if (!whole && file->number == file->chain->last)
            break;
        must(EVP_DigestUpdate(file->sha256, text, (size_t)len) == 1);
        if (whole)
            take_line(file, span_of(text, (size_t)len - 1));
        else
            say(file, "the last line has no end");
    }
    free(text);
    if (ferror(from))
        say(file, "cannot be read: %s", strerror(errno));
}

/* ------------------------------------------------------------------ files */

static void read_file(struct chain *chain, uint64_t number)
{
    struct file file = {.chain = chain, .number = number};
    unsigned char digest[SHA256_BYTES];
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/ledger-%0*" PRIu64 ".ndjson", chain->folder, DIGITS, number);
    FILE *from = fopen(path, "re");
    chain->reader->files += from != NULL;
    if (from == NULL) {
        say(&file, "%s", errno == ENOENT ? "is missing" : strerror(errno));
        chain->digest[0] = '\0';
        return;
    }
    file.sha256 = EVP_MD_CTX_new();
    must(file.sha256 != NULL && EVP_DigestInit_ex(file.sha256, EVP_sha256(), NULL) == 1);
    read_lines(&file, from);
    must(EVP_DigestFinal_ex(file.sha256, digest, NULL) == 1);
    EVP_MD_CTX_free(file.sha256);
    fclose(from);
    for (size_t i = 0; i < sizeof(digest); ++i)
        snprintf(chain->digest + 2 * i, 3, "%02x", digest[i]);
}

static uint64_t number_of(const char *name)
{
    struct span text = span_text(name);
    uint64_t number = 0;
    bool good = text.len == 7 + DIGITS + 7 && span_starts(text, SPAN_OF("ledger-")) &&
                span_is(span_from(text, 7 + DIGITS), SPAN_OF(".ndjson")) &&
                span_to_u64(span_of(text.ptr + 7, DIGITS), UINT64_MAX, &number);
    return good ? number : 0;
}

/* False: the folder holds no file of a ledger. */
static bool read_chain(struct ledger_reader *reader, const char *folder, DIR *dir)
{
    struct chain chain = {.reader = reader, .folder = folder};
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        uint64_t number = number_of(entry->d_name);
        if (number == 0)
            continue;
        chain.first = chain.first == 0 || number < chain.first ? number : chain.first;
        chain.last = number > chain.last ? number : chain.last;
    }
    if (chain.first == 0)
        return false;
    ++reader->gateways;
    reader->first_missing += chain.first > 1;
    for (uint64_t number = chain.first; number <= chain.last; ++number)
        read_file(&chain, number);
    return true;
}

static bool read_folder(struct ledger_reader *reader, const char *folder)
{
    DIR *dir = opendir(folder);
    bool found = dir != NULL && read_chain(reader, folder, dir);
    if (dir != NULL)
        closedir(dir);
    return found;
}

/* ------------------------------------------------------------------ the folder of all */

static int by_name(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

static void read_gateways(const char *path, DIR *dir, struct ledger_reader *reader)
{
    char **names = alloc_array(LEDGER_GATEWAYS_MAX, sizeof(*names));
    size_t count = 0;
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL && count < LEDGER_GATEWAYS_MAX)
        if (entry->d_name[0] != '.')
            names[count++] = alloc_text(entry->d_name, strlen(entry->d_name));
    qsort(names, count, sizeof(*names), by_name);
    for (size_t i = 0; i < count; ++i) {
        char folder[PATH_BYTES];
        int len = snprintf(folder, sizeof(folder), "%s/%s", path, names[i]);
        if (len < (int)sizeof(folder) - 32)
            read_folder(reader, folder);
        free(names[i]);
    }
    free(names);
}

bool ledger_folder_read(const char *path, struct ledger_reader *reader, char *error,
                        size_t error_size)
{
    DIR *dir = opendir(path);
    if (dir == NULL || strlen(path) > PATH_BYTES - 64) {
        snprintf(error, error_size, "%.600s: %s", path, dir == NULL ? strerror(errno) : "too long");
        if (dir != NULL)
            closedir(dir);
        return false;
    }
    if (!read_folder(reader, path))
        read_gateways(path, dir, reader);
    closedir(dir);
    if (reader->files > 0)
        return true;
    snprintf(error, error_size,
             "%.600s: found no file ledger-00000001.ndjson or the like, in it or in folders in it",
             path);
    return false;
}
