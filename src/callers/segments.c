#include "callers/segments.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "callers/entry.h"

enum { NAME_BYTES = 32, PATH_BYTES = 4096, DIGITS = 8, MS_A_DAY = 86400000, SHA256_BYTES = 32 };

#define NUMBER_MAX UINT64_C(99999999) /* of DIGITS digits */

struct segments {
    int dir_fd; /* has the lock */
    int fd;     /* of the last file; -1: none */
    char gateway[LEDGER_NAME_MAX + 1];
    uint64_t bytes_max;
    uint64_t number;
    uint64_t bytes;
    uint64_t torn_bytes;
    int64_t day;
    bool uncut;         /* what a failed write left stands behind `bytes` */
    EVP_MD_CTX *digest; /* of the last file */
};

static void name_of(uint64_t number, char out[NAME_BYTES])
{
    snprintf(out, NAME_BYTES, "ledger-%0*" PRIu64 ".ndjson", DIGITS, number);
}

static uint64_t number_of(const char *name)
{
    struct span text = span_text(name);
    uint64_t number = 0;
    bool good = text.len == 7 + DIGITS + 7 && span_starts(text, SPAN_OF("ledger-")) &&
                span_is(span_from(text, 7 + DIGITS), SPAN_OF(".ndjson")) &&
                span_to_u64(span_of(text.ptr + 7, DIGITS), NUMBER_MAX, &number);
    return good ? number : 0;
}

/* ------------------------------------------------------------------ the last file, as it was left
 */

struct recovery {
    struct segments *segments;
    void (*visit)(void *owner, const struct ledger_line *line);
    void *owner;
    char *error;
    size_t error_size;
};

static void begin_digest(struct segments *segments)
{
    must(EVP_DigestInit_ex(segments->digest, EVP_sha256(), NULL) == 1);
}

static void add_digest(struct segments *segments, struct span bytes)
{
    must(EVP_DigestUpdate(segments->digest, bytes.ptr, bytes.len) == 1);
}

/* The first line is the head, all others are entries. */
static bool take_line(const struct recovery *recovery, uint64_t count, struct span text)
{
    struct segments *segments = recovery->segments;
    struct ledger_line line;
    bool good = ledger_line_read(span_of(text.ptr, text.len - 1), &line);
    bool fits =
        good && line.is_head == (count == 1) && (count > 1 || line.number == segments->number);
    if (fits && !line.is_head)
        recovery->visit(recovery->owner, &line);
    if (fits && line.is_head) {
        uint64_t ms = 0;
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(line.data, "time_ms");
        ms = cJSON_IsNumber(item) && item->valuedouble > 0 ? (uint64_t)item->valuedouble : 0;
        segments->day = (int64_t)(ms / MS_A_DAY);
    }
    if (good)
        ledger_line_fini(&line);
    if (!fits)
        snprintf(recovery->error, recovery->error_size,
                 "line %" PRIu64 " of file %" PRIu64
                 " is none of this ledger: move the folder away "
                 "to begin another",
                 count, segments->number);
    return fits;
}

static bool read_lines(const struct recovery *recovery, FILE *file)
{
    struct segments *segments = recovery->segments;
    char *text = NULL;
    size_t room = 0;
    uint64_t count = 0;
    bool good = true;
    ssize_t len;
    begin_digest(segments);
    segments->bytes = 0;
    while (good && (len = getline(&text, &room, file)) > 0 && text[len - 1] == '\n') {
        good = take_line(recovery, ++count, span_of(text, (size_t)len));
        add_digest(segments, span_of(text, (size_t)len));
        segments->bytes += (uint64_t)len;
    }
    free(text);
    if (ferror(file)) {
        snprintf(recovery->error, recovery->error_size, "cannot be read: %s", strerror(errno));
        return false;
    }
    return good;
}

static bool say_errno(char *error, size_t error_size, const char *what)
{
    snprintf(error, error_size, "%s: %s", what, strerror(errno));
    return false;
}

/* What stands behind the last line's end was torn by a crash; its cursor was never saved. */
static bool cut_torn(const struct recovery *recovery)
{
    struct segments *segments = recovery->segments;
    struct stat facts;
    if (fstat(segments->fd, &facts) != 0)
        return say_errno(recovery->error, recovery->error_size, "the last file");
    segments->torn_bytes += (uint64_t)facts.st_size - segments->bytes;
    if (((uint64_t)facts.st_size == segments->bytes ||
         ftruncate(segments->fd, (off_t)segments->bytes) == 0) &&
        fdatasync(segments->fd) == 0)
        return true;
    return say_errno(recovery->error, recovery->error_size, "the last file cannot be cut");
}

static bool recover(const struct recovery *recovery)
{
    struct segments *segments = recovery->segments;
    char name[NAME_BYTES];
    name_of(segments->number, name);
    int fd = openat(segments->dir_fd, name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    FILE *file = fd < 0 ? NULL : fdopen(fcntl(fd, F_DUPFD_CLOEXEC, 0), "re");
    segments->fd = fd;
    if (file == NULL)
        return say_errno(recovery->error, recovery->error_size, name);
    bool good = read_lines(recovery, file);
    fclose(file);
    return good && cut_torn(recovery);
}

/* A file without a whole head was never begun: the one before it goes on. */
static bool recover_last(const struct recovery *recovery)
{
    struct segments *segments = recovery->segments;
    while (segments->number > 0) {
        char name[NAME_BYTES];
        if (!recover(recovery))
            return false;
        if (segments->bytes > 0)
            return true;
        name_of(segments->number, name);
        if (unlinkat(segments->dir_fd, name, 0) != 0)
            return say_errno(recovery->error, recovery->error_size, name);
        close(segments->fd);
        segments->fd = -1;
        --segments->number;
    }
    return true;
}

static bool find_last(struct segments *segments, char *error, size_t error_size)
{
    DIR *dir = fdopendir(fcntl(segments->dir_fd, F_DUPFD_CLOEXEC, 0));
    struct dirent *entry;
    if (dir == NULL)
        return say_errno(error, error_size, "the folder cannot be read");
    while ((entry = readdir(dir)) != NULL) {
        uint64_t number = number_of(entry->d_name);
        segments->number = number > segments->number ? number : segments->number;
    }
    closedir(dir);
    return true;
}

/* ------------------------------------------------------------------ a new file */

/* The digest of the last file as it is; the digest goes on. */
static void digest_text(const struct segments *segments, char out[2 * SHA256_BYTES + 1])
{
    unsigned char bytes[SHA256_BYTES];
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    must(copy != NULL && EVP_MD_CTX_copy_ex(copy, segments->digest) == 1);
    must(EVP_DigestFinal_ex(copy, bytes, NULL) == 1);
    EVP_MD_CTX_free(copy);
    for (size_t i = 0; i < sizeof(bytes); ++i)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static size_t write_head(const struct segments *segments, uint64_t number, int64_t now_ms,
                         char out[ENTRY_LINE_MAX])
{
    struct json json;
    char moment[ENTRY_TIME_MAX];
    char text[2 * SHA256_BYTES + 1] = "";
    char id[32];
    if (segments->number > 0)
        digest_text(segments, text);
    snprintf(id, sizeof(id), "%" PRIu64, number);
    json_init(&json, out, ENTRY_LINE_MAX - 1);
    json_object(&json, NULL);
    json_text(&json, "specversion", SPAN_OF("1.0"));
    json_text(&json, "id", span_text(id));
    json_text(&json, "source", SPAN_OF("/teegate/segments"));
    json_text(&json, "type", SPAN_OF(LEDGER_SEGMENT_TYPE));
    json_text(&json, "subject", span_text(segments->gateway));
    json_text(&json, "time", entry_time_text((uint64_t)now_ms, moment));
    json_text(&json, "datacontenttype", SPAN_OF("application/json"));
    json_object(&json, "data");
    json_u64(&json, "number", number);
    json_text(&json, "gateway", span_text(segments->gateway));
    json_u64(&json, "time_ms", (uint64_t)now_ms);
    json_text(&json, "previous_sha256", span_text(text));
    json_end_object(&json);
    json_end_object(&json);
    must(!json.cut);
    struct span written = json_written(&json);
    out[written.len] = '\n';
    return written.len + 1;
}

static bool write_all(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t count = write(fd, bytes.ptr, bytes.len);
        if (count < 0 && errno != EINTR)
            return false;
        bytes = span_from(bytes, count < 0 ? 0 : (size_t)count);
    }
    return true;
}

/* Its name is on the disk too before anything is counted on. */
static bool begin_file(struct segments *segments, int64_t now_ms, char *error, size_t error_size)
{
    char name[NAME_BYTES];
    char head[ENTRY_LINE_MAX];
    uint64_t number = segments->number + 1;
    must(number <= NUMBER_MAX);
    size_t len = write_head(segments, number, now_ms, head);
    name_of(number, name);
    int fd = openat(segments->dir_fd, name,
                    O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return say_errno(error, error_size, name);
    if (!write_all(fd, span_of(head, len)) || fdatasync(fd) != 0 || fsync(segments->dir_fd) != 0) {
        say_errno(error, error_size, name);
        unlinkat(segments->dir_fd, name, 0);
        close(fd);
        return false;
    }
    if (segments->fd >= 0)
        close(segments->fd);
    segments->fd = fd;
    segments->number = number;
    segments->bytes = len;
    segments->day = now_ms / MS_A_DAY;
    begin_digest(segments);
    add_digest(segments, span_of(head, len));
    return true;
}

/* ------------------------------------------------------------------ its life */

static bool cut(struct segments *segments)
{
    if (ftruncate(segments->fd, (off_t)segments->bytes) != 0)
        return false;
    segments->uncut = false;
    return true;
}

bool segments_write(struct segments *segments, struct span lines, int64_t now_unix_ms, char *error,
                    size_t error_size)
{
    bool full = segments->bytes >= segments->bytes_max;
    bool due = segments->fd < 0 || full || segments->day != now_unix_ms / MS_A_DAY;
    must(lines.len > 0 && lines.ptr[lines.len - 1] == '\n');
    if (due && !begin_file(segments, now_unix_ms, error, error_size))
        return false;
    if (segments->uncut && !cut(segments))
        return say_errno(error, error_size, "cannot be cut");
    if (write_all(segments->fd, lines) && fdatasync(segments->fd) == 0) {
        add_digest(segments, lines);
        segments->bytes += lines.len;
        return true;
    }
    say_errno(error, error_size, "cannot be written");
    /* A line that is half there would be followed by the next try's. */
    segments->uncut = !cut(segments);
    return false;
}

/* Both levels: the folder of all gateways, and this one's. */
static bool open_dir(struct segments *segments, const char *dir, char *error, size_t error_size)
{
    char path[PATH_BYTES];
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return say_errno(error, error_size, "cannot be made");
    int len = snprintf(path, sizeof(path), "%s/%s", dir, segments->gateway);
    if (len >= (int)sizeof(path)) {
        snprintf(error, error_size, "the path is too long");
        return false;
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return say_errno(error, error_size, "this gateway's folder in it cannot be made");
    segments->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (segments->dir_fd < 0)
        return say_errno(error, error_size, "this gateway's folder in it cannot be opened");
    if (flock(segments->dir_fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    snprintf(error, error_size, "another process exports into this gateway's folder in it");
    return false;
}

struct segments *segments_open(const struct segments_options *options,
                               void (*visit)(void *owner, const struct ledger_line *line),
                               void *owner, char *error, size_t error_size)
{
    struct segments *segments = alloc_zeroed(sizeof(*segments));
    char why[256] = "";
    const struct recovery recovery = {segments, visit, owner, why, sizeof(why)};
    segments->dir_fd = segments->fd = -1;
    segments->bytes_max = options->segment_bytes;
    segments->digest = EVP_MD_CTX_new();
    must(segments->digest != NULL);
    snprintf(segments->gateway, sizeof(segments->gateway), "%s", options->gateway);
    if (open_dir(segments, options->dir, why, sizeof(why)) &&
        find_last(segments, why, sizeof(why)) && recover_last(&recovery))
        return segments;
    snprintf(error, error_size, "%s: %s", options->dir, why);
    segments_close(segments);
    return NULL;
}

void segments_close(struct segments *segments)
{
    if (segments->fd >= 0)
        close(segments->fd);
    if (segments->dir_fd >= 0)
        close(segments->dir_fd);
    EVP_MD_CTX_free(segments->digest);
    free(segments);
}

uint64_t segments_number(const struct segments *segments)
{
    return segments->number;
}

uint64_t segments_torn_bytes(const struct segments *segments)
{
    return segments->torn_bytes;
}
