/* A request that may be asked again: its body first, then its name and fingerprint. */
#include <stdio.h>
#include <string.h>

#include "exchange/life.h"

enum fault again_read(struct exchange *x)
{
    const char *sentence;
    enum fault fault = claim_read(x->head, &x->claim, &sentence);
    if (fault != FAULT_NONE)
        snprintf(x->detail, sizeof(x->detail), "%s", sentence);
    if (x->claim.digest_len > 0) {
        x->relay.check.on = true;
        x->relay.check.wide = x->claim.digest_len == 64;
        memcpy(x->relay.checked, x->claim.digest, x->claim.digest_len);
    }
    return fault;
}

static void make_name(struct exchange *x, const void *digest, size_t digest_len)
{
    claim_name(&x->claim, x->auth.caller.account, x->auth.lineage.parent, &x->invocation);
    claim_fingerprint(x->head, &x->target, x->cid, digest, digest_len, x->fingerprint);
}

static enum fault name_by_body(struct exchange *x)
{
    struct digest digest = {.on = true};
    uint8_t bytes[32];
    if (x->relay.check.on && !relay_is_as_checked(&x->relay))
        return FAULT_CONTENT_DIGEST_MISMATCH;
    digest_add(&digest, span_of(x->relay.kept, x->relay.kept_len));
    digest_read(&digest, bytes);
    digest_fini(&digest);
    make_name(x, bytes, sizeof(bytes));
    return FAULT_NONE;
}

/* A larger body is taken by its word, and held to it as it passes. */
static enum fault name_by_digest(struct exchange *x)
{
    if (x->claim.digest_len > 0) {
        make_name(x, x->claim.digest, x->claim.digest_len);
        return FAULT_NONE;
    }
    snprintf(
        x->detail, sizeof(x->detail),
        "With an Idempotency-Key a body above %zu bytes needs a Content-Digest with sha-256 or "
        "sha-512",
        x->relay.store.bytes_max);
    return FAULT_CONTENT_DIGEST_NEEDED;
}

bool again_gather(struct exchange *x, enum fault *fault)
{
    struct relay *relay = &x->relay;
    int64_t length = stream_length(x->caller);
    if (length > 0 && (uint64_t)length > x->agent->request_bytes_max) {
        *fault = FAULT_REQUEST_TOO_LARGE;
        return true;
    }
    if (length > 0 && (uint64_t)length > relay->store.bytes_max) {
        *fault = name_by_digest(x);
        return true;
    }
    if (stream_expects_continue(x->caller))
        stream_send_continue(x->caller);
    enum gathered gathered = relay_gather(relay, x->alarm.now);
    *fault = FAULT_NONE;
    if (relay->taken > x->agent->request_bytes_max)
        *fault = FAULT_REQUEST_TOO_LARGE;
    else if (gathered == GATHERED_WHOLE)
        *fault = name_by_body(x);
    else if (gathered == GATHERED_LARGER)
        *fault = name_by_digest(x);
    else if (mark_passed(&relay->upload, x->site->options.upload_idle_ms_max, &x->alarm))
        *fault = FAULT_REQUEST_TIMEOUT;
    else
        return false;
    return true;
}
