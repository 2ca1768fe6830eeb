#include "gateway/option.h"

#include <inttypes.h>
#include <stdio.h>

#include "gateway/config.h"

#define STRUCT_PROCESS  struct config
#define STRUCT_LISTENER struct config_listener
#define STRUCT_POOL     struct config_pool
#define STRUCT_WORKER   struct config_worker
#define STRUCT_AGENT    struct agent

static const struct option options[] = {
#define OPTION(scope, path, type, field, preset, least, most, one_of, words) \
    {SCOPE_##scope,                                                          \
     path,                                                                   \
     TYPE_##type,                                                            \
     offsetof(STRUCT_##scope, field),                                        \
     sizeof(((STRUCT_##scope *)0)->field),                                   \
     preset,                                                                 \
     least,                                                                  \
     most,                                                                   \
     one_of,                                                                 \
     words},
#include "tables/options.def"
#undef OPTION
};

enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]) };

struct suffix {
    const char *text;
    uint64_t factor;
};

static const struct suffix sizes[] = {
    {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {"", 1}, {NULL, 0}};
static const struct suffix durations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0}};

const struct option *option_find(enum option_scope scope, struct span path)
{
    for (size_t i = 0; i < OPTION_COUNT; ++i)
        if (options[i].scope == scope && span_is(path, span_text(options[i].path)))
            return &options[i];
    return NULL;
}

const struct option *option_at(enum option_scope scope, unsigned index)
{
    for (size_t i = 0; i < OPTION_COUNT; ++i)
        if (options[i].scope == scope && index-- == 0)
            return &options[i];
    return NULL;
}

bool option_is_section(enum option_scope scope, struct span path)
{
    for (size_t i = 0; i < OPTION_COUNT; ++i) {
        struct span row = span_text(options[i].path);
        if (options[i].scope == scope && span_starts(row, path) && row.len > path.len &&
            row.ptr[path.len] == '.')
            return true;
    }
    return false;
}

/* "<digits><suffix>" times the suffix's factor. A bare 0 needs no suffix. */
static bool read_scaled(struct span text, const struct suffix *suffixes, uint64_t *out)
{
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        ++digits;
    uint64_t number;
    if (!span_to_u64(span_of(text.ptr, digits), UINT64_MAX, &number))
        return false;
    struct span rest = span_from(text, digits);
    for (; suffixes->text != NULL; ++suffixes)
        if (span_is(rest, span_text(suffixes->text)))
            return !__builtin_mul_overflow(number, suffixes->factor, out);
    *out = 0;
    return number == 0 && rest.len == 0;
}

/* "12", "0.25": micro-credits with up to six decimals, as pico-credits. */
static bool read_decimal(struct span text, uint64_t *out)
{
    enum { DECIMALS = 6 };
    size_t dot = span_find(text, '.');
    struct span decimals = span_from(text, dot + 1);
    uint64_t whole;
    uint64_t part = 0;
    if (!span_to_u64(span_of(text.ptr, dot), UINT64_MAX, &whole) || decimals.len > DECIMALS ||
        (dot < text.len && !span_to_u64(decimals, UINT64_MAX, &part)))
        return false;
    for (size_t i = decimals.len; i < DECIMALS; ++i)
        part *= 10;
    return !__builtin_mul_overflow(whole, UINT64_C(1000000), out) &&
           !__builtin_add_overflow(*out, part, out);
}

static bool read_bool(struct span text, uint64_t *out)
{
    *out = span_is(text, SPAN_OF("true"));
    return *out || span_is(text, SPAN_OF("false"));
}

static bool read_word(const char *one_of, struct span text, uint64_t *out)
{
    struct span words = span_text(one_of);
    for (*out = 0; words.len > 0; ++*out) {
        size_t bar = span_find(words, '|');
        if (text.len > 0 && span_is(text, span_of(words.ptr, bar)))
            return true;
        words = span_from(words, bar + 1);
    }
    return false;
}

static bool read_number(const struct option *option, struct span text, uint64_t *out)
{
    switch (option->type) {
    case TYPE_COUNT:
    case TYPE_UCR:
        return span_to_u64(text, UINT64_MAX, out);
    case TYPE_BYTES:
    case TYPE_SMALL:
        return read_scaled(text, sizes, out);
    case TYPE_MS:
        return read_scaled(text, durations, out);
    case TYPE_PCR:
        return read_decimal(text, out);
    case TYPE_BOOL:
        return read_bool(text, out);
    case TYPE_WORD:
        return read_word(option->one_of, text, out);
    case TYPE_FILE:
    case TYPE_TEXT:
        break;
    }
    return false;
}

static bool is_ranged(const struct option *option)
{
    return option->most > 0 || option->least > 0;
}

static void say_number(const struct option *option, uint64_t value, char *out, size_t size)
{
    const char *unit = option->type == TYPE_MS ? "ms" : "";
    if (option->type == TYPE_PCR)
        snprintf(out, size, "%" PRIu64, value / 1000000);
    else if ((option->type == TYPE_BYTES || option->type == TYPE_SMALL) && value >= 1024 &&
             value % 1024 == 0)
        snprintf(out, size, "%" PRIu64 "KiB", value / 1024);
    else
        snprintf(out, size, "%" PRIu64 "%s", value, unit);
}

static void say_allowed(const struct option *option, char *allowed, size_t size)
{
    static const char *const forms[] = {
        [TYPE_COUNT] = "a whole number",
        [TYPE_BYTES] = "a size such as 64KiB or 10MiB",
        [TYPE_SMALL] = "a size such as 64KiB or 10MiB",
        [TYPE_MS] = "a duration such as 250ms, 10s or 5m",
        [TYPE_BOOL] = "true or false",
        [TYPE_FILE] = "a path that is not empty and not too long",
        [TYPE_TEXT] = "a text that is not too long",
        [TYPE_WORD] = "one of ",
        [TYPE_UCR] = "a whole number of micro-credits",
        [TYPE_PCR] = "micro-credits with at most six decimals",
    };
    char least[32];
    char most[32];
    if (option->type == TYPE_WORD) {
        snprintf(allowed, size, "one of %s", option->one_of);
        return;
    }
    if (!is_ranged(option)) {
        snprintf(allowed, size, "%s", forms[option->type]);
        return;
    }
    say_number(option, option->least, least, sizeof(least));
    say_number(option, option->most, most, sizeof(most));
    snprintf(allowed, size, "%s from %s to %s", forms[option->type], least, most);
}

static bool set_number(const struct option *option, void *field, uint64_t value)
{
    if (is_ranged(option) && (value < option->least || value > option->most))
        return false;
    if (option->bytes == sizeof(uint64_t)) {
        memcpy(field, &value, sizeof(value));
    } else if (option->bytes == sizeof(uint32_t)) {
        uint32_t small = (uint32_t)value;
        if (small != value)
            return false;
        memcpy(field, &small, sizeof(small));
    } else {
        must(option->bytes == sizeof(bool) && value <= 1);
        bool flag = value == 1;
        memcpy(field, &flag, sizeof(flag));
    }
    return true;
}

static bool set_text(const struct option *option, char *field, struct span text, const char *folder)
{
    bool relative = option->type == TYPE_FILE && text.len > 0 && text.ptr[0] != '/';
    if (memchr(text.ptr, '\0', text.len) != NULL)
        return false;
    int len = relative ? snprintf(field, option->bytes, "%s/%.*s", folder, (int)text.len, text.ptr)
                       : snprintf(field, option->bytes, "%.*s", (int)text.len, text.ptr);
    return len >= 0 && (size_t)len < option->bytes;
}

bool option_set(const struct option *option, void *target, struct span text, const char *folder,
                char *allowed, size_t allowed_size)
{
    char *field = (char *)target + option->offset;
    say_allowed(option, allowed, allowed_size);
    if (option->type == TYPE_TEXT || option->type == TYPE_FILE)
        return set_text(option, field, text, folder);
    uint64_t value;
    return read_number(option, text, &value) && set_number(option, field, value);
}

void option_presets(enum option_scope scope, void *target)
{
    char allowed[256];
    const struct option *option;
    for (unsigned i = 0; (option = option_at(scope, i)) != NULL; ++i)
        if (option->preset != NULL)
            must(option_set(option, target, span_text(option->preset), ".", allowed,
                            sizeof(allowed)) ||
                 option->preset[0] == '\0');
}

const char *option_type_word(const struct option *option)
{
    static const char *const words[] = {"count", "size", "size", "duration",      "boolean",
                                        "path",  "text", "word", "micro-credits", "micro-credits"};
    return words[option->type];
}
