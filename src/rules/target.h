/* Where a request's path leads. It owns nothing: spans point into the path given.
 * It never decodes or changes <rest>, and refuses whatever a worker might read as another path. */
#ifndef RULES_TARGET_H
#define RULES_TARGET_H

#include "base/fault.h"
#include "base/span.h"
#include "rules/cid.h"

enum { TARGET_WORKER_MAX = 64 };

enum target_kind {
    TARGET_AGENT,
    TARGET_ACCOUNT,
    TARGET_INVOCATION,
    TARGET_EVIDENCE,
    TARGET_WELL_KNOWN
};

struct target {
    enum target_kind kind;
    struct cid cid;    /* TARGET_AGENT */
    struct span rest;  /* from the '/' behind the CID on, without the query; may be empty */
    struct span query; /* behind '?'; empty without one */
    bool has_query;
    struct span name;               /* TARGET_INVOCATION: the id */
    char worker[TARGET_WORKER_MAX]; /* TARGET_EVIDENCE: the id, decoded */
};

/* `path` is the request target in origin form. FAULT_NONE, BAD_PATH or NOT_FOUND. */
enum fault target_parse(struct span path, struct target *out);

#endif
