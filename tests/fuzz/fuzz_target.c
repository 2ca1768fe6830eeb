/* Any bytes as a request's path. One that leads to an agent points into itself, and nothing behind
 * the CID is a dot segment to a worker that decodes it not at all, once or twice. */
#include <stdint.h>
#include <stdlib.h>

#include "rules/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* As the most lenient worker does: an escape that is broken is text. */
static size_t decode(char *text, size_t len)
{
    size_t out = 0;
    for (size_t i = 0; i < len; ++i) {
        bool is_escape = text[i] == '%' && len - i > 2 && hex((uint8_t)text[i + 1]) >= 0 &&
                         hex((uint8_t)text[i + 2]) >= 0;
        text[out++] = is_escape ? (char)(hex((uint8_t)text[i + 1]) * 16 + hex((uint8_t)text[i + 2]))
                                : text[i];
        i += is_escape ? 2 : 0;
    }
    return out;
}

static bool climbs(const char *text, size_t len)
{
    for (size_t i = 0; i < len; ++i) {
        size_t dots = 0;
        if (text[i] != '/' && text[i] != '\\')
            continue;
        while (i + 1 + dots < len && text[i + 1 + dots] == '.')
            ++dots;
        size_t end = i + 1 + dots;
        if ((dots == 1 || dots == 2) && (end == len || strchr("/\\;", text[end]) != NULL))
            return true;
    }
    return false;
}

static void check_rest(struct span rest)
{
    char *text = malloc(rest.len + 1);
    size_t len = rest.len;
    if (text == NULL || (len > 0 && rest.ptr[0] != '/'))
        abort();
    memcpy(text, rest.ptr, len);
    for (unsigned round = 0; round < 3; ++round, len = decode(text, len))
        if (climbs(text, len))
            abort();
    free(text);
}

static bool is_inside(struct span inner, struct span outer)
{
    return inner.len == 0 ||
           (inner.ptr >= outer.ptr && inner.ptr + inner.len <= outer.ptr + outer.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span path = span_of(data, size);
    struct target target;
    enum fault fault = target_parse(path, &target);
    if (fault != FAULT_NONE && fault != FAULT_BAD_PATH && fault != FAULT_NOT_FOUND)
        abort();
    if (fault != FAULT_NONE)
        return 0;
    if (!is_inside(target.rest, path) || !is_inside(target.query, path) ||
        !is_inside(target.name, path) || (target.kind == TARGET_AGENT) != (target.cid.len > 0))
        abort();
    if (target.kind == TARGET_AGENT)
        check_rest(target.rest);
    return 0;
}
