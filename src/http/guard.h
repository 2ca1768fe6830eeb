/* The guards of an HTTP connection, by the attack each is against: docs/hostile.md has them all.
 * It owns nothing. It never says what is done: whoever guards ends the stream or the connection,
 * and tells so that it can be counted. */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

enum http_guard {
    HTTP_GUARD_NONE,
    /* HTTP/2 frames at a rate that no honest peer has. */
    HTTP_GUARD_RESETS,         /* rapid reset, CVE-2023-44487 */
    HTTP_GUARD_STREAM_ERRORS,  /* we are made to reset, CVE-2025-8671 */
    HTTP_GUARD_BAD_REQUESTS,   /* malformed or too large, one after the other */
    HTTP_GUARD_CONTINUATIONS,  /* CVE-2024-28182 */
    HTTP_GUARD_EMPTY_FRAMES,   /* CVE-2019-9518 */
    HTTP_GUARD_SETTINGS,       /* CVE-2019-9515 */
    HTTP_GUARD_PINGS,          /* CVE-2019-9512 */
    HTTP_GUARD_PRIORITIES,     /* CVE-2019-9513 */
    HTTP_GUARD_WINDOW_UPDATES, /* more of them than what we sent explains */
    HTTP_GUARD_DRIPS,          /* windows opened by a few bytes each time, CVE-2019-9511 */
    HTTP_GUARD_CRUMBS,         /* bodies in frames of a few bytes */
    HTTP_GUARD_UNKNOWN_FRAMES,
    HTTP_GUARD_GLITCHES, /* all of these together */
    /* What we hold for a peer. */
    HTTP_GUARD_UNREAD,      /* answers to frames pile up, CVE-2019-9512 */
    HTTP_GUARD_LARGE_HEADS, /* HPACK and cookie bombs, CVE-2026-49975, CVE-2026-47774 */
    /* What we wait for. */
    HTTP_GUARD_SLOW_PREFACE,
    HTTP_GUARD_SLOW_HEADS,
    HTTP_GUARD_BLOCKED, /* nothing is taken, not even resets */
    HTTP_GUARD_COUNT
};

#endif
