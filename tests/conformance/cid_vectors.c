/* Replays the shared CID vectors (valid, invalid, harvested, http_paths): one line a file.
 * Where they are not at hand it says so, and that is all: the project's own cases are in
 * tests/unit/rules. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/target.h"

enum { COLUMNS_MAX = 16 };

struct row {
    struct span column[COLUMNS_MAX];
    unsigned count;
};

static unsigned failures;

static void fail(const char *file, struct span what, const char *why)
{
    printf("FAIL %s: %.*s: %s\n", file, (int)what.len, what.ptr, why);
    ++failures;
}

static void split(struct span line, struct row *row)
{
    row->count = 0;
    while (row->count < COLUMNS_MAX) {
        size_t tab = span_find(line, '\t');
        row->column[row->count++] = span_of(line.ptr, tab);
        if (tab == line.len)
            return;
        line = span_from(line, tab + 1);
    }
}

static bool is_canonical(const struct cid *cid, struct span expected)
{
    char text[CID_TEXT_MAX];
    return span_is(span_of(text, cid_text(cid, text)), expected);
}

static void check_text(const char *file, struct span text, bool accept, struct span canonical)
{
    struct cid cid;
    bool accepted = cid_parse(text, &cid);
    if (accepted != accept)
        fail(file, text, accept ? "refused, must be accepted" : "accepted, must be refused");
    else if (accepted && canonical.len > 0 && !is_canonical(&cid, canonical))
        fail(file, text, "another canonical text");
}

/* cid .. cidv1_base32 gateway_profile .. */
static void check_valid(const char *file, const struct row *row)
{
    check_text(file, row->column[0], span_is(row->column[9], SPAN_OF("accept")), row->column[8]);
}

static void check_invalid(const char *file, const struct row *row)
{
    cJSON *json = cJSON_ParseWithLength(row->column[0].ptr, row->column[0].len);
    /* cJSON ends texts at an escaped NUL; those rows are built by hand. */
    if (!cJSON_IsString(json)) {
        fail(file, row->column[0], "not a JSON text");
        cJSON_Delete(json);
        return;
    }
    const char *nul = strstr(row->column[0].ptr, "\\u0000");
    struct span text = span_text(json->valuestring);
    char with_nul[CID_INPUT_MAX * 2] = "";
    if (nul != NULL && nul < row->column[0].ptr + row->column[0].len) {
        struct span raw = span_of(row->column[0].ptr + 1, row->column[0].len - 2);
        size_t len = 0;
        for (size_t i = 0; i < raw.len && len < sizeof(with_nul); ++len) {
            bool escaped = span_starts(span_from(raw, i), SPAN_OF("\\u0000"));
            with_nul[len] = escaped ? '\0' : raw.ptr[i];
            i += escaped ? 6 : 1;
        }
        text = span_of(with_nul, len);
    }
    check_text(file, text, false, SPAN_NONE);
    cJSON_Delete(json);
}

/* string cidv1_base32 version codec mh len ..: keys (0x72) and identity (0x0) are not served */
static void check_harvested(const char *file, const struct row *row)
{
    bool served = row->column[2].len > 0 && !span_is(row->column[3], SPAN_OF("0x72")) &&
                  !span_is(row->column[4], SPAN_OF("0x0"));
    check_text(file, row->column[0], served, row->column[1]);
}

static void check_path(const char *file, const struct row *row)
{
    struct target target;
    enum fault fault = target_parse(row->column[0], &target);
    struct span expect = row->column[1];
    int status = fault_row(fault)->status;
    bool right = span_is(expect, SPAN_OF("route")) ? fault == FAULT_NONE
                 : span_is(expect, SPAN_OF("400")) ? status == 400
                                                   : status == 404;
    if (!right)
        fail(file, row->column[0], fault_word(fault));
    else if (fault == FAULT_NONE && !is_canonical(&target.cid, row->column[2]))
        fail(file, row->column[0], "another canonical text");
}

static bool replay(const char *folder, const char *file,
                   void (*check)(const char *file, const struct row *row))
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, file);
    FILE *in = fopen(path, "r");
    if (in == NULL)
        return false;
    char *line = NULL;
    size_t room = 0;
    unsigned count = 0;
    ssize_t len = getline(&line, &room, in); /* the column names */
    while ((len = getline(&line, &room, in)) > 0) {
        struct row row;
        split(span_of(line, (size_t)(line[len - 1] == '\n' ? len - 1 : len)), &row);
        check(file, &row);
        ++count;
    }
    free(line);
    fclose(in);
    printf("%s: %u rows compared\n", file, count);
    if (count == 0)
        fail(file, SPAN_OF("file"), "no row in it");
    return true;
}

int main(void)
{
    const char *top = getenv("top_srcdir");
    char folder[3072];
    snprintf(folder, sizeof(folder), "%s/../shared/vectors/cid", top != NULL ? top : ".");
    bool all = replay(folder, "valid.tsv", check_valid);
    all = replay(folder, "invalid.tsv", check_invalid) && all;
    all = replay(folder, "harvested.tsv", check_harvested) && all;
    all = replay(folder, "http_paths.tsv", check_path) && all;
    if (!all)
        printf("LEFT OUT: the shared CID vectors are not beside this checkout\n");
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
