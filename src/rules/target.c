#include "rules/target.h"

#include <stdlib.h>

#include "base/alloc.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Percent-decodes `text` into `out` (as long as `text`, perhaps the same). False for a broken
 * escape, which stays as it is. */
static bool percent_decode(struct span text, char *out, size_t *out_len)
{
    size_t len = 0;
    bool whole = true;
    for (size_t i = 0; i < text.len; ++i) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;
            if (high >= 0 && low >= 0) {
                c = (char)(high << 4 | low);
                i += 2;
            } else {
                whole = false;
            }
        }
        out[len++] = c;
    }
    *out_len = len;
    return whole;
}

static bool is_dots(struct span segment)
{
    segment.len = span_find(segment, ';'); /* «..;» is «..» to some servers */
    return span_is(segment, SPAN_OF(".")) || span_is(segment, SPAN_OF(".."));
}

static bool has_dot_segment(const char *path, size_t len)
{
    size_t begin = 0;
    for (size_t i = 0; i <= len; ++i)
        if (i == len || path[i] == '/' || path[i] == '\\') {
            if (is_dots(span_of(path + begin, i - begin)))
                return true;
            begin = i + 1;
        }
    return false;
}

/* Whatever a worker might decode to a dot segment, once or twice, would let one CID's price reach
 * another (DESIGN 8); NUL and broken escapes are read differently by everybody. */
static bool is_plain(struct span path)
{
    enum { ROUNDS = 3 };
    char *text = alloc_text(path.ptr, path.len);
    size_t len = path.len;
    bool plain = !has_dot_segment(text, len);
    for (unsigned round = 0; plain && round < ROUNDS; ++round) {
        size_t before = len;
        /* «%25» decodes to a lone «%»: that is text by then, but what follows it still counts. */
        bool whole = percent_decode(span_of(text, len), text, &len);
        plain =
            (whole || round > 0) && memchr(text, '\0', len) == NULL && !has_dot_segment(text, len);
        if (len == before)
            break;
    }
    free(text);
    return plain;
}

static bool parse_segment(struct span segment, struct cid *out)
{
    char text[3 * CID_INPUT_MAX];
    size_t len;
    if (segment.len == 0 || segment.len > sizeof(text) || !percent_decode(segment, text, &len))
        return false;
    return cid_parse(span_of(text, len), out);
}

static enum fault parse_agent(struct span path, struct target *out)
{
    out->kind = TARGET_AGENT;
    struct span behind = span_from(path, sizeof("/ipfs/") - 1);
    struct span segment = span_of(behind.ptr, span_find(behind, '/'));
    out->rest = span_from(behind, segment.len);
    if (!is_plain(behind) || !parse_segment(segment, &out->cid))
        return FAULT_BAD_PATH;
    return FAULT_NONE;
}

static bool is_invocation_name(struct span name)
{
    if (name.len == 0 || name.len > 64)
        return false;
    for (size_t i = 0; i < name.len; ++i)
        if (!((name.ptr[i] >= 'a' && name.ptr[i] <= 'z') ||
              (name.ptr[i] >= '0' && name.ptr[i] <= '9')))
            return false;
    return true;
}

/* "<id>/evidence"; ids of IPv6 addresses have brackets, which clients may or may not escape. */
static enum fault parse_evidence(struct span path, struct target *out)
{
    const struct span behind = SPAN_OF("/evidence");
    char id[3 * TARGET_WORKER_MAX];
    size_t len = span_find(path, '/');
    struct span name = span_of(path.ptr, len);
    out->kind = TARGET_EVIDENCE;
    if (!span_is(span_from(path, len), behind) || name.len == 0 || name.len >= sizeof(id) ||
        !percent_decode(name, id, &len) || len >= sizeof(out->worker) ||
        memchr(id, '\0', len) != NULL)
        return FAULT_NOT_FOUND;
    memcpy(out->worker, id, len);
    return FAULT_NONE;
}

enum fault target_parse(struct span path, struct target *out)
{
    const struct span invocations = SPAN_OF("/v1/invocations/");
    const struct span workers = SPAN_OF("/v1/workers/");
    memset(out, 0, sizeof(*out));
    size_t mark = span_find(path, '?');
    out->has_query = mark < path.len;
    out->query = span_from(path, mark + 1);
    path.len = mark;
    if (span_starts(path, SPAN_OF("/ipfs/")) || span_is(path, SPAN_OF("/ipfs")))
        return parse_agent(path, out);
    if (span_is(path, SPAN_OF("/.well-known/teegate"))) {
        out->kind = TARGET_WELL_KNOWN;
        return FAULT_NONE;
    }
    if (span_is(path, SPAN_OF("/v1/account"))) {
        out->kind = TARGET_ACCOUNT;
        return FAULT_NONE;
    }
    if (span_starts(path, invocations)) {
        out->kind = TARGET_INVOCATION;
        out->name = span_from(path, invocations.len);
        return is_invocation_name(out->name) ? FAULT_NONE : FAULT_NOT_FOUND;
    }
    if (span_starts(path, workers))
        return parse_evidence(span_from(path, workers.len), out);
    return FAULT_NOT_FOUND;
}
