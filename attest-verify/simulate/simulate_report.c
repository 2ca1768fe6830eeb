/* SEV-SNP reports, and dstack's envelopes around them (simulate_amd.h). Offsets are of AMD's
 * SEV-SNP ABI, table "ATTESTATION_REPORT" (document 56860). */
#include "simulate/simulate_amd.h"
#include "simulate/simulate_pki.h"

#include <openssl/sha.h>
#include <string.h>

enum { REPORT_BYTES = 1184, SIGNED_BYTES = 0x2a0, SCALAR_BYTES = 72 };
enum { POLICY_SMT = 1 << 16, POLICY_ONE = 1 << 17, PLATFORM_DEFAULT = 0x25 }; /* ALIAS_CHECK too */
enum { GUID_BYTES = 16, TABLE_ENTRY_BYTES = 24, TABLE_ENTRIES = 3 };

#define RUNTIME_TEXT  "teegate simulated agent runtime"
#define UNLISTED_TEXT "teegate simulated unlisted runtime"
#define MR_CONFIG                                                                                   \
    "{\"app_id\":\"a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1\",\"compose_hash\":\""                  \
    "c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2\",\"key_provider\":\"none\"," \
    "\"version\":3}"

struct simulate_report_options simulate_report_default(const struct simulate_chip *chip)
{
    static const uint8_t cpuids[SIMULATE_PRODUCTS][3] = {
        {0x19, 1, 1}, {0x19, 0x11, 1}, {0x1a, 2, 1}};
    struct simulate_report_options options = {
        .version = chip->product == SIMULATE_TURIN ? 5 : 3,
        .product = chip->product,
        .vlek = chip->vlek,
        .policy = POLICY_SMT | POLICY_ONE,
        .platform_info = PLATFORM_DEFAULT,
        .current = chip->tcb,
        .reported = chip->tcb,
        .committed = chip->tcb,
        .launch = chip->tcb,
    };
    memcpy(options.cpuid, cpuids[chip->product], sizeof options.cpuid);
    memcpy(options.chip_id, chip->hwid, sizeof options.chip_id);
    SHA384((const uint8_t *)RUNTIME_TEXT, strlen(RUNTIME_TEXT), options.measurement);
    return options;
}

void simulate_report_set_unlisted(struct simulate_report_options *options)
{
    SHA384((const uint8_t *)UNLISTED_TEXT, strlen(UNLISTED_TEXT), options->measurement);
}

/* --- the report --- */

static void put_at(struct simulate_bytes *out, size_t offset, const void *from, size_t len)
{
    simulate_need(offset + len <= out->len);
    memcpy(out->ptr + offset, from, len);
}

static void put_number(struct simulate_bytes *out, size_t offset, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; ++i, value >>= 8)
        put_at(out, offset + i, &(uint8_t){(uint8_t)value}, 1);
}

/* Two layouts, by family (ra-tls a.7). */
static void put_tcb(struct simulate_bytes *out, size_t offset, enum simulate_product product,
                    const struct simulate_tcb *tcb)
{
    const uint8_t zen34[8] = {tcb->boot_loader, tcb->tee, 0, 0, 0, 0, tcb->snp, tcb->microcode};
    const uint8_t zen5[8] = {tcb->fmc, tcb->boot_loader, tcb->tee, tcb->snp, 0, 0,
                             0,        tcb->microcode};
    put_at(out, offset, product == SIMULATE_TURIN ? zen5 : zen34, 8);
}

static void put_body(struct simulate_bytes *out, const struct simulate_report_options *options)
{
    static const uint8_t firmware[] = {55, 55, 1}; /* build, minor, major */
    put_number(out, 0x000, options->version, 4);
    put_number(out, 0x004, options->guest_svn, 4);
    put_number(out, 0x008, options->policy, 8);
    put_number(out, 0x030, options->vmpl, 4);
    put_number(out, 0x034, 1, 4); /* ECDSA P-384 with SHA-384 */
    put_tcb(out, 0x038, options->product, &options->current);
    put_number(out, 0x040, options->platform_info, 8);
    put_number(out, 0x048, (options->vlek ? 1u << 2 : 0) | (options->chip_masked ? 1u << 1 : 0), 4);
    put_at(out, 0x050, options->report_data, sizeof options->report_data);
    put_at(out, 0x090, options->measurement, sizeof options->measurement);
    put_at(out, 0x0c0, options->host_data, sizeof options->host_data);
    memset(out->ptr + 0x160, 0xff, 32); /* no migration agent */
    put_tcb(out, 0x180, options->product, &options->reported);
    if (options->version > 2)
        put_at(out, 0x188, options->cpuid, sizeof options->cpuid);
    if (!options->chip_masked)
        put_at(out, 0x1a0, options->chip_id, sizeof options->chip_id);
    put_tcb(out, 0x1e0, options->product, &options->committed);
    put_at(out, 0x1e8, firmware, sizeof firmware);
    put_at(out, 0x1ec, firmware, sizeof firmware);
    put_tcb(out, 0x1f0, options->product, &options->launch);
}

static void put_signature(struct simulate_bytes *out, EVP_PKEY *key)
{
    uint8_t der[128], scalar[SCALAR_BYTES];
    size_t der_len = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    simulate_need(ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha384(), NULL, key) == 1);
    simulate_need(EVP_DigestSign(ctx, der, &der_len, out->ptr, SIGNED_BYTES) == 1);
    EVP_MD_CTX_free(ctx);
    const uint8_t *at = der;
    ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
    simulate_need(parts != NULL);
    simulate_need(BN_bn2lebinpad(ECDSA_SIG_get0_r(parts), scalar, sizeof scalar) > 0);
    put_at(out, SIGNED_BYTES, scalar, sizeof scalar);
    simulate_need(BN_bn2lebinpad(ECDSA_SIG_get0_s(parts), scalar, sizeof scalar) > 0);
    put_at(out, SIGNED_BYTES + SCALAR_BYTES, scalar, sizeof scalar);
    ECDSA_SIG_free(parts);
}

struct simulate_bytes simulate_report(const struct simulate_identity *key,
                                      const struct simulate_report_options *options)
{
    struct simulate_bytes out = {0};
    simulate_put_zeros(&out, REPORT_BYTES);
    put_body(&out, options);
    simulate_need(options->patch.offset < SIGNED_BYTES);
    out.ptr[options->patch.offset] ^= options->patch.flip;
    put_signature(&out, key->key);
    if (options->bad_signature)
        out.ptr[SIGNED_BYTES] ^= 1;
    return out;
}

void simulate_bind_report(enum simulate_convention convention, EVP_PKEY *key,
                          struct simulate_report_options *report, struct simulate_bytes *claims)
{
    static const char domain[] = "dstack-mr-config-v3:"; /* hashed with its NUL */
    struct simulate_quote_options quote = {.tee = ATTEST_TEE_SNP};
    struct simulate_bytes text = {0};
    simulate_bind_key(convention, key, &quote, claims);
    memcpy(report->report_data, quote.report_data, sizeof report->report_data);
    if (convention != SIMULATE_DSTACK8 && convention != SIMULATE_DSTACK8_V0)
        return;
    simulate_put(&text, domain, sizeof domain);
    simulate_put(&text, MR_CONFIG, strlen(MR_CONFIG));
    SHA256(text.ptr, text.len, report->host_data);
    simulate_bytes_fini(&text);
}

/* --- what comes with it --- */

static struct simulate_bytes der_of(X509 *cert)
{
    struct simulate_bytes out = {0};
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    simulate_need(len > 0);
    simulate_put(&out, der, (size_t)len);
    OPENSSL_free(der);
    return out;
}

struct simulate_bytes simulate_certificate_table(const struct simulate_report_evidence *evidence)
{
    static const uint8_t guids[TABLE_ENTRIES + 1][GUID_BYTES] = {
        {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac,
         0xcd},
        {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7,
         0x82},
        {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0,
         0xae}};
    X509 *const certs[TABLE_ENTRIES] = {evidence->leaf, evidence->ica, evidence->ark};
    struct simulate_bytes out = {0}, bodies = {0};
    for (size_t i = 0; i < TABLE_ENTRIES; ++i) {
        struct simulate_bytes der = der_of(certs[i]);
        simulate_put(&out, guids[i], GUID_BYTES);
        simulate_put_le(&out, (TABLE_ENTRIES + 1) * TABLE_ENTRY_BYTES + bodies.len, 4);
        simulate_put_le(&out, der.len, 4);
        simulate_put(&bodies, der.ptr, der.len);
        simulate_bytes_fini(&der);
    }
    simulate_put_zeros(&out, TABLE_ENTRY_BYTES);
    simulate_put(&out, bodies.ptr, bodies.len);
    simulate_bytes_fini(&bodies);
    return out;
}

/* The items of dstack's cert_chain; how many. */
static size_t make_items(const struct simulate_report_evidence *evidence,
                         struct simulate_bytes items[2])
{
    switch (evidence->certs) {
    case SIMULATE_CERTS_NONE:
        return 0;
    case SIMULATE_CERTS_TABLE:
        items[0] = simulate_certificate_table(evidence);
        return 1;
    case SIMULATE_CERTS_PEM:
        simulate_put_pem(&items[0], evidence->ica);
        simulate_put_pem(&items[1], evidence->leaf);
        return 2;
    default:
        items[0] = der_of(evidence->ica);
        items[1] = der_of(evidence->leaf);
        return 2;
    }
}

static void put_v0(struct simulate_bytes *out, const struct simulate_bytes *report,
                   const struct simulate_bytes *items, size_t count)
{
    simulate_put_byte(out, 0); /* version */
    simulate_put_byte(out, 3); /* a SEV-SNP report */
    simulate_scale_bytes(out, report->ptr, report->len);
    simulate_put_le(out, count << 2, 1);
    for (size_t i = 0; i < count; ++i)
        simulate_scale_bytes(out, items[i].ptr, items[i].len);
    simulate_scale_bytes(out, MR_CONFIG, strlen(MR_CONFIG));
    simulate_put_byte(out, 0); /* no runtime events */
    simulate_put(out, report->ptr + 0x50, 64);
    simulate_scale_bytes(out, "{}", 2);
}

static void put_v1(struct simulate_bytes *out, const struct simulate_bytes *report,
                   const struct simulate_bytes *items, size_t count)
{
    size_t len = strlen(MR_CONFIG);
    simulate_pack_map(out, 3);
    simulate_pack_text(out, "version");
    simulate_put_byte(out, 1);
    simulate_pack_text(out, "platform");
    simulate_pack_map(out, 2);
    simulate_pack_text(out, "kind");
    simulate_pack_text(out, "sev-snp");
    simulate_pack_text(out, "data");
    simulate_pack_map(out, 3);
    simulate_pack_text(out, "report");
    simulate_pack_numbers(out, report->ptr, report->len);
    simulate_pack_text(out, "cert_chain");
    simulate_put_byte(out, (uint8_t)(0x90 | count));
    for (size_t i = 0; i < count; ++i)
        simulate_pack_numbers(out, items[i].ptr, items[i].len);
    simulate_pack_text(out, "mr_config");
    simulate_put(out, (const uint8_t[]){0xda, (uint8_t)(len >> 8), (uint8_t)len}, 3);
    simulate_put(out, MR_CONFIG, len);
    simulate_pack_text(out, "stack");
    simulate_pack_stack(out, report->ptr + 0x50);
}

struct simulate_bytes simulate_dstack_report(bool v1, const struct simulate_bytes *report,
                                             const struct simulate_report_evidence *evidence)
{
    struct simulate_bytes out = {0}, items[2] = {{0}};
    size_t count = make_items(evidence, items);
    if (v1)
        put_v1(&out, report, items, count);
    else
        put_v0(&out, report, items, count);
    simulate_bytes_fini(&items[0]);
    simulate_bytes_fini(&items[1]);
    return out;
}
