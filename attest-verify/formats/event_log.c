#include "formats/event_log.h"

#include "bytes/cursor.h"

#include <openssl/evp.h>
#include <string.h>

enum { RTMR_COUNT = 4, DIGEST_BYTES = 48 };

static bool name_is(struct attest_bytes name, const char *text)
{
    return name.len == strlen(text) && memcmp(name.ptr, text, name.len) == 0;
}

/* SHA-384(type, little-endian || ":" || name || ":" || payload) */
static bool event_digest(const struct event *event, uint8_t digest[DIGEST_BYTES])
{
    static const uint8_t type[] = {EVENT_RUNTIME_TYPE & 0xff, EVENT_RUNTIME_TYPE >> 8 & 0xff,
                                   EVENT_RUNTIME_TYPE >> 16 & 0xff, EVENT_RUNTIME_TYPE >> 24};
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool ok = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha384(), NULL) == 1 &&
              EVP_DigestUpdate(hash, type, sizeof type) == 1 &&
              EVP_DigestUpdate(hash, ":", 1) == 1 &&
              EVP_DigestUpdate(hash, event->name.ptr, event->name.len) == 1 &&
              EVP_DigestUpdate(hash, ":", 1) == 1 &&
              EVP_DigestUpdate(hash, event->payload.ptr, event->payload.len) == 1 &&
              EVP_DigestFinal_ex(hash, digest, NULL) == 1;
    EVP_MD_CTX_free(hash);
    return ok;
}

static bool extend(struct event_log *log, const uint8_t digest[DIGEST_BYTES])
{
    uint8_t both[2 * DIGEST_BYTES];
    memcpy(both, log->rtmr3, DIGEST_BYTES);
    memcpy(both + DIGEST_BYTES, digest, DIGEST_BYTES);
    return EVP_Digest(both, sizeof both, log->rtmr3, NULL, EVP_sha384(), NULL) == 1;
}

/* During the start each name is given once and with its length; an instance without an id has an
 * empty one. */
static bool note_id(struct event_log *log, const struct event *event)
{
    static const char *const names[EVENT_LOG_IDS] = {"app-id", "compose-hash", "instance-id"};
    const struct quote_field *field = av_quote_field_next(BODY_LOG, NULL);
    for (size_t i = 0; i < EVENT_LOG_IDS; ++i) {
        if (name_is(event->name, names[i]) && event->payload.len > 0) {
            if (log->has_id[i] || event->payload.len != field->len)
                return false;
            memcpy(log->ids + field->offset, event->payload.ptr, field->len);
            log->has_id[i] = true;
        }
        field = av_quote_field_next(BODY_LOG, field);
    }
    return true;
}

bool av_event_log_add(struct event_log *log, const struct event *event)
{
    uint8_t digest[DIGEST_BYTES];
    struct attest_bytes expected = {.ptr = digest, .len = sizeof digest};
    if (++log->events > EVENT_LOG_EVENTS_MAX || event->imr >= RTMR_COUNT)
        return false;
    if (event->imr != EVENT_RUNTIME_IMR) /* the firmware's; its RTMRs are in the quote */
        return true;
    if (event->type != EVENT_RUNTIME_TYPE || !event_digest(event, digest) ||
        (event->digest.len > 0 && !av_bytes_equal(event->digest, expected)) || !extend(log, digest))
        return false;
    ++log->extensions;
    if (!log->started && !note_id(log, event))
        return false;
    log->started |= name_is(event->name, "boot-mr-done");
    return true;
}

bool av_event_logs_agree(const struct event_log *a, const struct event_log *b)
{
    return memcmp(a->rtmr3, b->rtmr3, sizeof a->rtmr3) == 0 &&
           memcmp(a->ids, b->ids, sizeof a->ids) == 0 &&
           memcmp(a->has_id, b->has_id, sizeof a->has_id) == 0;
}

struct attest_bytes av_event_log_id(const struct event_log *log, const struct quote_field *field)
{
    const struct quote_field *each = NULL;
    for (size_t i = 0; i < EVENT_LOG_IDS; ++i) {
        each = av_quote_field_next(BODY_LOG, each);
        if (each == field && log->has_id[i])
            return (struct attest_bytes){.ptr = log->ids + field->offset, .len = field->len};
    }
    return (struct attest_bytes){NULL, 0};
}
