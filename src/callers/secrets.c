#include "callers/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callers/token.h"

enum { FILE_MAX = 4096, KID_CHARS = 8, HEX_CHARS = 2 * TOKEN_KEY_BYTES };

#define GENERATED "# generated; every gateway of the same Redis needs the same file\n"

static const char keys_name[] = "invocation-keys";
static const char caller_name[] = "agent-caller-key";

/* ------------------------------------------------------------------ making */

/* Whole or not at all, and never over one that another process made meanwhile. */
static bool make_file(int dir, const char *name, const char *text)
{
    char suffix[KID_CHARS + 1], temporary[64];
    token_make(suffix, KID_CHARS);
    snprintf(temporary, sizeof(temporary), ".%s.%s", name, suffix);
    int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    ssize_t len = (ssize_t)strlen(text);
    bool good = write(fd, text, (size_t)len) == len && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    good = good && (linkat(dir, temporary, dir, name, 0) == 0 || errno == EEXIST);
    int saved = errno;
    good = unlinkat(dir, temporary, 0) == 0 && good;
    good = good && fsync(dir) == 0;
    errno = saved;
    return good;
}

static bool make_missing(int dir, const char *name, bool with_kid)
{
    unsigned char bytes[TOKEN_KEY_BYTES];
    char kid[KID_CHARS + 1] = "", hex[HEX_CHARS + 1], text[256];
    if (faccessat(dir, name, F_OK, 0) == 0)
        return true;
    must(getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes));
    token_hex(hex, bytes, sizeof(bytes));
    if (with_kid)
        token_make(kid, KID_CHARS);
    snprintf(text, sizeof(text), GENERATED "%s%s%s\n", kid, with_kid ? " " : "", hex);
    bool made = make_file(dir, name, text);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    OPENSSL_cleanse(hex, sizeof(hex));
    OPENSSL_cleanse(text, sizeof(text));
    return made;
}

/* ------------------------------------------------------------------ reading */

static bool read_hex(struct span text, uint8_t out[TOKEN_KEY_BYTES])
{
    if (text.len != HEX_CHARS)
        return false;
    for (size_t i = 0; i < text.len; ++i) {
        const char *digit = memchr("0123456789abcdef", text.ptr[i], 16);
        if (digit == NULL)
            return false;
        int value = (int)(digit - "0123456789abcdef");
        out[i / 2] = (uint8_t)(i % 2 == 0 ? value << 4 : out[i / 2] | value);
    }
    return true;
}

static bool is_kid(struct span text)
{
    for (size_t i = 0; i < text.len; ++i)
        if (!(text.ptr[i] >= 'a' && text.ptr[i] <= 'z') &&
            !(text.ptr[i] >= '0' && text.ptr[i] <= '9'))
            return false;
    return text.len > 0 && text.len <= TOKEN_KID_MAX;
}

static bool take_token_key(struct span line, struct token_keys *keys)
{
    size_t blank = span_find(line, ' ');
    struct span kid = span_of(line.ptr, blank);
    if (keys->count == TOKEN_KEYS_MAX || !is_kid(kid) ||
        !read_hex(span_from(line, blank + 1), keys->at[keys->count].bytes))
        return false;
    for (unsigned i = 0; i < keys->count; ++i)
        if (span_is(kid, span_text(keys->at[i].kid)))
            return false;
    memcpy(keys->at[keys->count].kid, kid.ptr, kid.len);
    keys->at[keys->count++].kid[kid.len] = '\0';
    return true;
}

/* Its lines, comments left out; NULL, or what is wrong with it. */
static const char *read_lines(struct span text, bool with_kid, struct token_keys *keys,
                              bool *generated)
{
    unsigned count = 0;
    *generated |= span_starts(text, SPAN_OF(GENERATED));
    while (text.len > 0) {
        size_t end = span_find(text, '\n');
        struct span line = span_trim(span_of(text.ptr, end));
        text = span_from(text, end + 1);
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        ++count;
        if (with_kid && !take_token_key(line, keys))
            return "a line is not \"<kid> <64 hex digits>\", or one too many, or a kid twice";
        if (!with_kid && (count > 1 || !read_hex(line, keys->caller_key)))
            return "it is not one line of 64 hex digits";
    }
    return count > 0 ? NULL : "it holds no key";
}

/* NULL, or what is wrong with it; a missing file is ENOENT's words. */
static const char *read_file(int dir, const char *name, bool with_kid, struct token_keys *keys,
                             bool *generated)
{
    char text[FILE_MAX + 1];
    struct stat facts;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return strerror(errno);
    ssize_t got = fstat(fd, &facts) == 0 ? read(fd, text, sizeof(text)) : -1;
    const char *why = got < 0 ? strerror(errno) : NULL;
    close(fd);
    if (why == NULL && got > FILE_MAX)
        why = "it is longer than 4 KiB";
    if (why == NULL && (facts.st_mode & S_IRWXO) != 0)
        why = "everybody on this machine may read or write it; chmod o= first";
    if (why == NULL)
        why = read_lines(span_of(text, (size_t)got), with_kid, keys, generated);
    OPENSSL_cleanse(text, sizeof(text));
    return why;
}

static bool read_both(int dir, bool makes, struct token_keys *keys, enum secrets_state *state,
                      char *error, size_t error_size)
{
    static const struct {
        const char *name;
        bool with_kid;
    } files[] = {{keys_name, true}, {caller_name, false}};
    bool generated = false;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); ++i) {
        if (makes && !make_missing(dir, files[i].name, files[i].with_kid)) {
            snprintf(error, error_size, "%s cannot be made: %s", files[i].name, strerror(errno));
            return false;
        }
        if (!makes && faccessat(dir, files[i].name, F_OK, 0) != 0) {
            *state = SECRETS_MISSING;
            return true;
        }
        const char *why = read_file(dir, files[i].name, files[i].with_kid, keys, &generated);
        if (why != NULL) {
            snprintf(error, error_size, "%s: %s", files[i].name, why);
            return false;
        }
    }
    *state = generated ? SECRETS_GENERATED : SECRETS_GIVEN;
    return true;
}

bool secrets_read(const char *dir, bool makes, struct token_keys *keys, enum secrets_state *state,
                  char *error, size_t error_size)
{
    char why[256] = "";
    *keys = (struct token_keys){.count = 0};
    *state = SECRETS_MISSING;
    if (makes && mkdir(dir, 0700) != 0 && errno != EEXIST) {
        snprintf(error, error_size, "%s cannot be made: %s", dir, strerror(errno));
        return false;
    }
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && !makes && errno == ENOENT)
        return true;
    if (fd < 0) {
        snprintf(error, error_size, "%s cannot be opened: %s", dir, strerror(errno));
        return false;
    }
    bool good = read_both(fd, makes, keys, state, why, sizeof(why));
    close(fd);
    if (!good || *state == SECRETS_MISSING)
        OPENSSL_cleanse(keys, sizeof(*keys));
    if (!good)
        snprintf(error, error_size, "%s: %s", dir, why);
    return good;
}
