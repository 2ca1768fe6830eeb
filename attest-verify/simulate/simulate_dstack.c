/* dstack's evidence: the events of a sound start, and the three ways to carry quote and events. */
#include "simulate/simulate_pki.h"

#include <openssl/sha.h>
#include <string.h>

enum { IMR = 3, RUNTIME_EVENT = 0x08000001, DER_OCTET_STRING = 4, DIGEST_BYTES = 48 };

/* What a TD does at start, and one event of the workload's own after it. */
static const struct {
    const char *name;
    size_t len;
    uint8_t fill;
} events[] = {{"system-preparing", 0, 0}, {"app-id", 20, 0xa1},   {"compose-hash", 32, 0xc2},
              {"instance-id", 20, 0xd3},  {"boot-mr-done", 0, 0}, {"app-id", 3, 0xee}};

enum { EVENT_COUNT = sizeof events / sizeof events[0] };

static void payload_of(size_t i, uint8_t payload[32])
{
    memset(payload, events[i].fill, 32);
}

void simulate_dstack_rtmr3(uint8_t rtmr3[48])
{
    uint8_t both[2 * DIGEST_BYTES] = {0}, payload[32];
    for (size_t i = 0; i < EVENT_COUNT; ++i) {
        struct simulate_bytes text = {0};
        payload_of(i, payload);
        simulate_put_le(&text, RUNTIME_EVENT, 4);
        simulate_put_text(&text, ":%s:", events[i].name);
        simulate_put(&text, payload, events[i].len);
        SHA384(text.ptr, text.len, both + DIGEST_BYTES);
        SHA384(both, sizeof both, rtmr3);
        memcpy(both, rtmr3, DIGEST_BYTES);
        simulate_bytes_fini(&text);
    }
}

struct simulate_bytes simulate_dstack_log(void)
{
    struct simulate_bytes log = {0};
    uint8_t payload[32];
    simulate_put_text(&log, "[{\"imr\":0,\"event_type\":10,\"digest\":\"\",\"event\":\"\","
                            "\"event_payload\":\"00\"}");
    for (size_t i = 0; i < EVENT_COUNT; ++i) {
        payload_of(i, payload);
        simulate_put_text(&log,
                          ",{\"imr\":%d,\"event_type\":%d,\"digest\":\"\",\"event\":\"%s\","
                          "\"event_payload\":\"",
                          IMR, RUNTIME_EVENT, events[i].name);
        simulate_put_hex(&log, payload, events[i].len);
        simulate_put_text(&log, "\"}");
    }
    simulate_put_text(&log, "]");
    return log;
}

/* Where the report data of a TDX quote stands: the body of version 5 begins six bytes later. */
static const uint8_t *report_data_of(const struct simulate_bytes *quote)
{
    return quote->ptr + (quote->ptr[0] == 5 ? 54 : 48) + 520;
}

/* --- SCALE --- */

void simulate_scale_bytes(struct simulate_bytes *out, const void *from, size_t len)
{
    if (len < 1u << 6)
        simulate_put_le(out, len << 2, 1);
    else if (len < 1u << 14)
        simulate_put_le(out, len << 2 | 1, 2);
    else
        simulate_put_le(out, len << 2 | 2, 4);
    simulate_put(out, from, len);
}

static void scale_event(struct simulate_bytes *out, size_t i, bool with_type)
{
    uint8_t payload[32];
    payload_of(i, payload);
    if (with_type) {
        simulate_put_le(out, IMR, 4);
        simulate_put_le(out, RUNTIME_EVENT, 4);
        simulate_scale_bytes(out, "", 0); /* no digest */
    }
    simulate_scale_bytes(out, events[i].name, strlen(events[i].name));
    simulate_scale_bytes(out, payload, events[i].len);
}

struct simulate_bytes simulate_dstack_v0(const struct simulate_bytes *quote)
{
    struct simulate_bytes out = {0};
    simulate_put_zeros(&out, 2); /* version 0, a TDX quote */
    simulate_scale_bytes(&out, quote->ptr, quote->len);
    for (int with_type = 1; with_type >= 0; --with_type) {
        simulate_put_le(&out, EVENT_COUNT << 2, 1);
        for (size_t i = 0; i < EVENT_COUNT; ++i)
            scale_event(&out, i, with_type);
    }
    simulate_put(&out, report_data_of(quote), 64);
    simulate_scale_bytes(&out, "{}", 2);
    return out;
}

/* --- MessagePack --- */

void simulate_pack_map(struct simulate_bytes *out, size_t pairs)
{
    simulate_put_byte(out, (uint8_t)(0x80 | pairs));
}

void simulate_pack_text(struct simulate_bytes *out, const char *text)
{
    simulate_put_byte(out, (uint8_t)(0xa0 | strlen(text))); /* below 32 bytes */
    simulate_put(out, text, strlen(text));
}

/* As dstack writes a vector of bytes: an array of numbers. */
void simulate_pack_numbers(struct simulate_bytes *out, const uint8_t *from, size_t len)
{
    const uint8_t head[] = {0xdc, (uint8_t)(len >> 8), (uint8_t)len};
    simulate_put(out, head, sizeof head);
    for (size_t i = 0; i < len; ++i) {
        if (from[i] >= 0x80)
            simulate_put_byte(out, 0xcc);
        simulate_put_byte(out, from[i]);
    }
}

static void pack_binary(struct simulate_bytes *out, const uint8_t *from, size_t len)
{
    const uint8_t head[] = {0xc4, (uint8_t)len};
    simulate_put(out, head, sizeof head);
    simulate_put(out, from, len);
}

static void pack_event(struct simulate_bytes *out, size_t i)
{
    uint8_t payload[32];
    const uint8_t type[] = {0xce, 0x08, 0x00, 0x00, 0x01};
    payload_of(i, payload);
    simulate_pack_map(out, 5);
    simulate_pack_text(out, "imr");
    simulate_put_byte(out, IMR);
    simulate_pack_text(out, "event_type");
    simulate_put(out, type, sizeof type);
    simulate_pack_text(out, "digest");
    pack_binary(out, payload, 0);
    simulate_pack_text(out, "event");
    simulate_pack_text(out, events[i].name);
    simulate_pack_text(out, "event_payload");
    pack_binary(out, payload, events[i].len);
}

static void pack_platform(struct simulate_bytes *out, const struct simulate_bytes *quote)
{
    simulate_pack_map(out, 2);
    simulate_pack_text(out, "kind");
    simulate_pack_text(out, "tdx");
    simulate_pack_text(out, "data");
    simulate_pack_map(out, 2);
    simulate_pack_text(out, "quote");
    simulate_pack_numbers(out, quote->ptr, quote->len);
    simulate_pack_text(out, "event_log");
    simulate_put_byte(out, 0x90 | EVENT_COUNT);
    for (size_t i = 0; i < EVENT_COUNT; ++i)
        pack_event(out, i);
}

void simulate_pack_stack(struct simulate_bytes *out, const uint8_t report_data[64])
{
    simulate_pack_map(out, 2);
    simulate_pack_text(out, "kind");
    simulate_pack_text(out, "dstack");
    simulate_pack_text(out, "data");
    simulate_pack_map(out, 3);
    simulate_pack_text(out, "report_data");
    simulate_pack_numbers(out, report_data, 64);
    simulate_pack_text(out, "runtime_events");
    simulate_put_byte(out, 0x90);
    simulate_pack_text(out, "config");
    simulate_pack_text(out, "{}");
}

struct simulate_bytes simulate_dstack_v1(const struct simulate_bytes *quote)
{
    struct simulate_bytes out = {0};
    simulate_pack_map(&out, 3);
    simulate_pack_text(&out, "version");
    simulate_put_byte(&out, 1);
    simulate_pack_text(&out, "platform");
    pack_platform(&out, quote);
    simulate_pack_text(&out, "stack");
    simulate_pack_stack(&out, report_data_of(quote));
    return out;
}

void simulate_dstack_extend(X509 *cert, const char *suffix, const struct simulate_bytes *payload)
{
    char oid[64] = "1.3.6.1.4.1.62397.1.";
    struct simulate_bytes value = {0};
    simulate_need(strlen(oid) + strlen(suffix) < sizeof oid);
    memcpy(oid + strlen(oid), suffix, strlen(suffix) + 1);
    simulate_der_octets(&value, payload->ptr, payload->len);
    simulate_cert_extend_raw(cert, oid, &value);
    simulate_bytes_fini(&value);
}
