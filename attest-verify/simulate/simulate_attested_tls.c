/* flashbots' attested-tls: report data over key, dates and name, and the quote in JSON (the reader,
 * evidence_attested_tls.c, names the source). */
#include "simulate/simulate_pki.h"

#include <openssl/sha.h>
#include <string.h>

static void put_moment(struct simulate_bytes *out, int64_t at)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        simulate_put_byte(out, (uint8_t)((uint64_t)at >> shift));
}

bool simulate_binds_life(enum simulate_convention convention)
{
    return convention == SIMULATE_ATTESTED_TLS || convention == SIMULATE_ATTESTED_TLS8;
}

void simulate_bind_life(EVP_PKEY *key, const char *name, int64_t not_before, int64_t not_after,
                        struct simulate_quote_options *quote)
{
    struct simulate_bytes text = simulate_spki(key);
    put_moment(&text, not_before);
    put_moment(&text, not_after);
    simulate_put(&text, name, strlen(name));
    SHA512(text.ptr, text.len, quote->report_data);
    simulate_bytes_fini(&text);
}

struct simulate_bytes simulate_attested_tls(const struct simulate_bytes *quote)
{
    struct simulate_bytes json = {0};
    simulate_put_text(&json, "{\"attestation_evidence\":{\"quote\":[");
    for (size_t i = 0; i < quote->len; ++i)
        simulate_put_text(&json, "%s%u", i > 0 ? "," : "", quote->ptr[i]);
    simulate_put_text(&json, "],\"platform\":{\"attestation_type\":\"self-hosted-tdx\","
                             "\"ram_bytes\":4294967296,\"num_disks\":1,\"acpi\":null}}}");
    return json;
}

static void put_length(struct simulate_bytes *out, size_t len)
{
    bool is_long =
        len >= 1u << 14; /* SCALE has one form for each length; the JSON is never short */
    simulate_put_le(out, len << 2 | (is_long ? 2 : 1), is_long ? 4 : 2);
}

struct simulate_bytes simulate_attested_tls8(const struct simulate_bytes *quote)
{
    struct simulate_bytes out = {0}, json = simulate_attested_tls(quote);
    const uint8_t *body = quote->ptr + (quote->ptr[0] == 5 ? 54 : 48);
    simulate_put_zeros(&out, 2); /* version 0, a TDX quote */
    put_length(&out, json.len);
    simulate_put(&out, json.ptr, json.len);
    simulate_put_zeros(&out, 2);        /* no event log, no runtime events */
    simulate_put(&out, body + 520, 64); /* report data */
    simulate_put_zeros(&out, 1);        /* no config */
    simulate_bytes_fini(&json);
    return out;
}
