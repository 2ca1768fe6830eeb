#include "fetch/store.h"

#include "bytes/hex.h"
#include "fetch/kds.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_WAIT_MS = 5000, LOCK_STEP_MS = 20, SEEN_BYTES_MAX = 64 };

static bool fail(char *error, size_t error_size, const char *path, const char *wrong)
{
    snprintf(error, error_size, "store: %.300s: %s", path, wrong);
    return false;
}

/* "tdx-b0c06f000000-platform.json": the lists in a document are of one CA. Of SEV-SNP
 * "snp-milan-vcek-HWID-TCB.json", or "snp-milan-vcek.json" without a chip's own key. */
static void name_document(const struct store *store, const struct attest_platform *platform,
                          char path[PATH_MAX])
{
    char fmspc[2 * sizeof platform->fmspc + 1], chip[KDS_NAME_BYTES];
    if (platform->tee == ATTEST_TEE_SNP) {
        kds_name(platform, true, chip);
        snprintf(path, PATH_MAX, "%s/snp-%s.json", store->path, chip);
        return;
    }
    av_hex_encode(platform->fmspc, sizeof platform->fmspc, fmspc);
    snprintf(path, PATH_MAX, "%s/%s-%s-%s.json", store->path, attest_tee_word(platform->tee), fmspc,
             platform->processor_ca ? "processor" : "platform");
}

/* "tdx-b0c06f000000.seen", "snp-milan-vcek.seen" */
static void name_seen(const struct store *store, const struct attest_platform *platform,
                      char path[PATH_MAX])
{
    char fmspc[2 * sizeof platform->fmspc + 1], kind[KDS_NAME_BYTES];
    if (platform->tee == ATTEST_TEE_SNP) {
        kds_name(platform, false, kind);
        snprintf(path, PATH_MAX, "%s/snp-%s.seen", store->path, kind);
        return;
    }
    av_hex_encode(platform->fmspc, sizeof platform->fmspc, fmspc);
    snprintf(path, PATH_MAX, "%s/%s-%s.seen", store->path, attest_tee_word(platform->tee), fmspc);
}

bool fetch_store_open(struct store *store, const char *path, char *error, size_t error_size)
{
    struct stat found;
    if (path[0] == '\0' || strlen(path) >= sizeof store->path)
        return fail(error, error_size, path, "not the name of a folder");
    memcpy(store->path, path, strlen(path) + 1);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return fail(error, error_size, path, strerror(errno));
    if (stat(path, &found) != 0 || !S_ISDIR(found.st_mode))
        return fail(error, error_size, path, "it is there and is not a folder");
    return access(path, R_OK | W_OK | X_OK) == 0 || fail(error, error_size, path, strerror(errno));
}

/* --- reading --- */

/* A whole file with a NUL behind it; NULL and errno when it is missing, foreign or too large. */
static char *read_file(const char *path, size_t most, size_t *len)
{
    struct stat found;
    char *bytes = NULL;
    *len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    errno = EINVAL;
    if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_size >= 0 &&
        (uintmax_t)found.st_size <= most)
        bytes = malloc((size_t)found.st_size + 1);
    ssize_t n = 1;
    while (bytes != NULL && n > 0 && *len < (size_t)found.st_size) {
        n = read(fd, bytes + *len, (size_t)found.st_size - *len);
        *len += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    if (bytes != NULL && *len == (size_t)found.st_size) {
        bytes[*len] = '\0';
        return bytes;
    }
    free(bytes);
    errno = EIO;
    return NULL;
}

char *fetch_store_read(const struct store *store, const struct attest_platform *platform,
                       size_t *len)
{
    char path[PATH_MAX];
    name_document(store, platform, path);
    return read_file(path, STORE_FILE_BYTES_MAX, len);
}

static bool take_number(const char **at, const char *word, uint64_t *value)
{
    size_t len = strlen(word), digits = 0;
    if (strncmp(*at, word, len) != 0)
        return false;
    *at += len;
    for (*value = 0; **at >= '0' && **at <= '9'; ++*at, ++digits)
        *value = *value * 10 + (uint64_t)(**at - '0');
    return digits > 0 && digits <= 10 && *value <= UINT32_MAX && *(*at)++ == '\n';
}

bool fetch_store_seen(const struct store *store, const struct attest_platform *platform,
                      struct attest_evaluation *seen, char *error, size_t error_size)
{
    char path[PATH_MAX];
    size_t len;
    *seen = (struct attest_evaluation){0, 0};
    name_seen(store, platform, path);
    char *text = read_file(path, SEEN_BYTES_MAX, &len);
    if (text == NULL)
        return errno == ENOENT || fail(error, error_size, path, strerror(errno));
    const char *at = text;
    bool ok =
        take_number(&at, "tcb ", &seen->tcb) && take_number(&at, "qe ", &seen->qe) && *at == '\0';
    free(text);
    return ok || fail(error, error_size, path,
                      "not \"tcb N\" and \"qe N\", the highest evaluation numbers seen; remove it "
                      "to accept any");
}

/* --- writing --- */

static bool write_whole(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR)
            return false;
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0;
}

/* Beside its place, then renamed into it. mkstemp() makes mode 0600. */
static bool write_file(const char *path, const char *bytes, size_t len, char *error,
                       size_t error_size)
{
    char beside[PATH_MAX + 8];
    snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    int fd = mkstemp(beside);
    if (fd < 0)
        return fail(error, error_size, path, strerror(errno));
    bool ok = write_whole(fd, bytes, len);
    ok = close(fd) == 0 && ok;
    if (ok && rename(beside, path) == 0)
        return true;
    fail(error, error_size, path, strerror(errno));
    unlink(beside);
    return false;
}

/* -1 and a sentence when another process holds it for too long. */
static int take_lock(const struct store *store, char *error, size_t error_size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/lock", store->path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    for (int waited_ms = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
         waited_ms += LOCK_STEP_MS) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || waited_ms >= LOCK_WAIT_MS) {
            close(fd);
            fd = -1;
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOCK_STEP_MS * 1000000L}, NULL);
    }
    if (fd < 0)
        fail(error, error_size, path, "cannot be locked");
    return fd;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool raise_locked(const struct store *store, const struct attest_platform *platform,
                         const struct attest_evaluation *seen,
                         const struct attest_evaluation *evaluation, char *error, size_t error_size)
{
    char path[PATH_MAX], text[SEEN_BYTES_MAX];
    if (evaluation->tcb <= seen->tcb && evaluation->qe <= seen->qe)
        return true;
    name_seen(store, platform, path);
    int len = snprintf(text, sizeof text, "tcb %" PRIu64 "\nqe %" PRIu64 "\n",
                       larger(seen->tcb, evaluation->tcb), larger(seen->qe, evaluation->qe));
    return write_file(path, text, (size_t)len, error, error_size);
}

/* The numbers first: should the second write fail, the old document is older than they are. */
static bool keep_locked(const struct store *store, const struct attest_platform *platform,
                        const char *json, size_t len, const struct attest_evaluation *evaluation,
                        char *error, size_t error_size)
{
    char path[PATH_MAX];
    struct attest_evaluation seen;
    if (!fetch_store_seen(store, platform, &seen, error, error_size) ||
        !raise_locked(store, platform, &seen, evaluation, error, error_size))
        return false;
    name_document(store, platform, path);
    return write_file(path, json, len, error, error_size);
}

void fetch_store_say_old(const struct attest_platform *platform,
                         const struct attest_evaluation *its, const struct attest_evaluation *seen,
                         char *error, size_t error_size)
{
    if (platform->tee == ATTEST_TEE_SNP)
        snprintf(error, error_size,
                 "an old document: its list was issued at %" PRIu64 ", but one of %" PRIu64
                 " was seen",
                 its->tcb, seen->tcb);
    else
        snprintf(error, error_size,
                 "an old document: its evaluation numbers are %" PRIu64 " and %" PRIu64
                 ", but %" PRIu64 " and %" PRIu64 " were seen",
                 its->tcb, its->qe, seen->tcb, seen->qe);
}

static bool remember_locked(const struct store *store, const struct attest_platform *platform,
                            const struct attest_evaluation *evaluation, char *error,
                            size_t error_size)
{
    struct attest_evaluation seen;
    if (!fetch_store_seen(store, platform, &seen, error, error_size))
        return false;
    if (evaluation->tcb >= seen.tcb && evaluation->qe >= seen.qe)
        return raise_locked(store, platform, &seen, evaluation, error, error_size);
    fetch_store_say_old(platform, evaluation, &seen, error, error_size);
    return false;
}

bool fetch_store_remember(const struct store *store, const struct attest_platform *platform,
                          const struct attest_evaluation *evaluation, char *error,
                          size_t error_size)
{
    int lock = take_lock(store, error, error_size);
    bool ok = lock >= 0 && remember_locked(store, platform, evaluation, error, error_size);
    if (lock >= 0)
        close(lock);
    return ok;
}

bool fetch_store_keep(const struct store *store, const struct attest_platform *platform,
                      const char *json, size_t len, const struct attest_evaluation *evaluation,
                      char *error, size_t error_size)
{
    int lock = take_lock(store, error, error_size);
    if (lock < 0)
        return false;
    bool ok = keep_locked(store, platform, json, len, evaluation, error, error_size);
    close(lock);
    return ok;
}
