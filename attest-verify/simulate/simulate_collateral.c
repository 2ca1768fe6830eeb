#include "simulate/simulate_amd.h"
#include "simulate/simulate_pki.h"

#include <cJSON.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 86400, EVALUATION_NUMBER = 20 };

struct component_label {
    const char *category, *type;
};

/* As Intel labels the components of a TDX platform; verifiers pass over them. */
static const struct component_label sgx_labels[16] = {
    {"BIOS", "Early Microcode Update"},
    {"OS/VMM", "SGX Late Microcode Update"},
    {"OS/VMM", "TXT SINIT"},
    {"BIOS", NULL},
    {"BIOS", NULL},
    {"BIOS", NULL},
    {NULL, NULL},
    {"OS/VMM", "SEAMLDR ACM"},
};
static const struct component_label tdx_labels[16] = {
    {"OS/VMM", "TDX Module"},
    {"OS/VMM", "TDX Module"},
    {"OS/VMM", "TDX Late Microcode Update"},
};

struct simulate_collateral_options simulate_collateral_default(enum attest_tee tee, int64_t issued,
                                                               int64_t next_update)
{
    int64_t midnight = issued - issued % DAY_S;
    int64_t new_date = midnight - 90 * DAY_S, old_date = midnight - 455 * DAY_S;
    struct simulate_platform platform = simulate_platform_default("", issued);
    struct simulate_quote_options quote = simulate_quote_default(tee);
    struct simulate_collateral_options options = {
        .tee = tee,
        .issued = issued,
        .next_update = next_update,
        .evaluation_number = EVALUATION_NUMBER,
        .qe_evaluation_number = EVALUATION_NUMBER,
        .qe_isvprodid = quote.qe.isvprodid,
        .platform =
            {{.status = "UpToDate", .date = new_date, .svn = platform.pcesvn, .tdx = {5, 0, 4}},
             {.status = "OutOfDate",
              .advisory = "SIMULATED-SA-00001",
              .date = old_date,
              .svn = platform.pcesvn,
              .sgx = {3, 3, 2, 2, 4, 1, 0, 5},
              .tdx = {5, 0, 3}}},
        .qe =
            {{.status = "UpToDate", .date = new_date, .svn = 8},
             {.status = "OutOfDate", .advisory = "SIMULATED-SA-00002", .date = old_date, .svn = 6}},
        .module =
            {{.status = "UpToDate", .date = new_date, .svn = 5},
             {.status = "OutOfDate", .advisory = "SIMULATED-SA-00003", .date = old_date, .svn = 3}},
        .platform_count = 2,
        .qe_count = 2,
        .module_count = 2,
    };
    memcpy(options.platform[0].sgx, platform.components, sizeof platform.components);
    memcpy(options.fmspc, platform.fmspc, sizeof platform.fmspc);
    memcpy(options.pceid, platform.pceid, sizeof platform.pceid);
    memcpy(options.qe_mrsigner, quote.qe.mrsigner, sizeof quote.qe.mrsigner);
    return options;
}

static void put_date(struct simulate_bytes *out, const char *name, int64_t unix_seconds)
{
    time_t seconds = (time_t)unix_seconds;
    struct tm tm;
    char text[32];
    simulate_need(gmtime_r(&seconds, &tm) != NULL);
    simulate_need(strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
    simulate_put_text(out, "\"%s\":\"%s\"", name, text);
}

static void put_hex_member(struct simulate_bytes *out, const char *name, const uint8_t *from,
                           size_t len)
{
    simulate_put_text(out, "\"%s\":\"", name);
    simulate_put_hex(out, from, len);
    simulate_put_text(out, "\"");
}

/* `,"tcbDate":..,"tcbStatus":..,"advisoryIDs":[..]}`: the end of a level of any kind. */
static void put_level_end(struct simulate_bytes *out, const struct simulate_level *level)
{
    simulate_put_text(out, ",");
    put_date(out, "tcbDate", level->date);
    if (level->status != NULL)
        simulate_put_text(out, ",\"tcbStatus\":\"%s\"", level->status);
    if (level->advisory != NULL)
        simulate_put_text(out, ",\"advisoryIDs\":[\"%s\"]", level->advisory);
    simulate_put_text(out, "}");
}

static void put_svn_levels(struct simulate_bytes *out, const struct simulate_level *levels,
                           size_t count)
{
    simulate_need(count <= SIMULATE_LEVELS_MAX);
    simulate_put_text(out, "\"tcbLevels\":[");
    for (size_t i = 0; i < count; ++i) {
        simulate_put_text(out, "%s{\"tcb\":{\"isvsvn\":%u}", i == 0 ? "" : ",", levels[i].svn);
        put_level_end(out, &levels[i]);
    }
    simulate_put_text(out, "]");
}

static void put_components(struct simulate_bytes *out, const char *name, const uint8_t svns[16],
                           const struct component_label labels[16])
{
    simulate_put_text(out, "\"%s\":[", name);
    for (size_t i = 0; i < 16; ++i) {
        simulate_put_text(out, "%s{\"svn\":%u", i == 0 ? "" : ",", svns[i]);
        if (labels[i].category != NULL)
            simulate_put_text(out, ",\"category\":\"%s\"", labels[i].category);
        if (labels[i].type != NULL)
            simulate_put_text(out, ",\"type\":\"%s\"", labels[i].type);
        simulate_put_text(out, "}");
    }
    simulate_put_text(out, "]");
}

static void put_platform_levels(struct simulate_bytes *out,
                                const struct simulate_collateral_options *options)
{
    simulate_need(options->platform_count <= SIMULATE_LEVELS_MAX);
    simulate_put_text(out, "\"tcbLevels\":[");
    for (size_t i = 0; i < options->platform_count; ++i) {
        const struct simulate_level *level = &options->platform[i];
        simulate_put_text(out, "%s{\"tcb\":{", i == 0 ? "" : ",");
        put_components(out, "sgxtcbcomponents", level->sgx, sgx_labels);
        simulate_put_text(out, ",\"pcesvn\":%u", level->svn);
        if (options->tee == ATTEST_TEE_TDX) {
            simulate_put_text(out, ",");
            put_components(out, "tdxtcbcomponents", level->tdx, tdx_labels);
        }
        simulate_put_text(out, "}");
        put_level_end(out, level);
    }
    simulate_put_text(out, "]");
}

/* The module is Intel's own (signer zero, attributes zero), as in all real TDX documents. */
static void put_module(struct simulate_bytes *out)
{
    static const uint8_t zeros[48], ones[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    put_hex_member(out, "mrsigner", zeros, 48);
    simulate_put_text(out, ",");
    put_hex_member(out, "attributes", zeros, 8);
    simulate_put_text(out, ",");
    put_hex_member(out, "attributesMask", ones, 8);
}

static void put_validity(struct simulate_bytes *out,
                         const struct simulate_collateral_options *options)
{
    put_date(out, "issueDate", options->issued);
    simulate_put_text(out, ",");
    put_date(out, "nextUpdate", options->next_update);
    simulate_put_text(out, ",");
}

/* TCB info version 3, compact, members in the order in which Intel serves them. */
static struct simulate_bytes tcb_info(const struct simulate_collateral_options *options)
{
    struct simulate_bytes out = {0};
    bool tdx = options->tee == ATTEST_TEE_TDX;
    if (options->tcb_info != NULL) {
        simulate_put_text(&out, "%s", options->tcb_info);
        return out;
    }
    simulate_put_text(&out, "{\"id\":\"%s\",\"version\":3,", tdx ? "TDX" : "SGX");
    put_validity(&out, options);
    put_hex_member(&out, "fmspc", options->fmspc, sizeof options->fmspc);
    simulate_put_text(&out, ",");
    put_hex_member(&out, "pceId", options->pceid, sizeof options->pceid);
    simulate_put_text(&out, ",\"tcbType\":0,\"tcbEvaluationDataNumber\":%u,",
                      options->evaluation_number);
    if (tdx) {
        simulate_put_text(&out, "\"tdxModule\":{");
        put_module(&out);
        simulate_put_text(&out, "},\"tdxModuleIdentities\":[{\"id\":\"TDX_01\",");
        put_module(&out);
        simulate_put_text(&out, ",");
        put_svn_levels(&out, options->module, options->module_count);
        simulate_put_text(&out, "}],");
    }
    put_platform_levels(&out, options);
    simulate_put_text(&out, "}");
    return out;
}

/* QE identity version 2, with the masks Intel uses. */
static struct simulate_bytes qe_identity(const struct simulate_collateral_options *options)
{
    struct simulate_bytes out = {0};
    bool tdx = options->tee == ATTEST_TEE_TDX;
    if (options->qe_identity != NULL) {
        simulate_put_text(&out, "%s", options->qe_identity);
        return out;
    }
    simulate_put_text(&out, "{\"id\":\"%s\",\"version\":2,", tdx ? "TD_QE" : "QE");
    put_validity(&out, options);
    simulate_put_text(&out,
                      "\"tcbEvaluationDataNumber\":%u,\"miscselect\":\"00000000\","
                      "\"miscselectMask\":\"FFFFFFFF\","
                      "\"attributes\":\"11000000000000000000000000000000\","
                      "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",",
                      options->qe_evaluation_number);
    put_hex_member(&out, "mrsigner", options->qe_mrsigner, sizeof options->qe_mrsigner);
    simulate_put_text(&out, ",\"isvprodid\":%u,", options->qe_isvprodid);
    put_svn_levels(&out, options->qe, options->qe_count);
    simulate_put_text(&out, "}");
    return out;
}

/* --- the document --- */

static void add_text(cJSON *document, const char *name, const struct simulate_bytes *text)
{
    char *string = strndup((const char *)text->ptr, text->len);
    simulate_need(string != NULL && cJSON_AddStringToObject(document, name, string) != NULL);
    free(string);
}

static void add_hex(cJSON *document, const char *name, const uint8_t *from, size_t len)
{
    struct simulate_bytes hex = {0};
    simulate_put_hex(&hex, from, len);
    add_text(document, name, &hex);
    simulate_bytes_fini(&hex);
}

static void add_crl(cJSON *document, const char *name, X509_CRL *crl)
{
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    simulate_need(len > 0);
    add_hex(document, name, der, (size_t)len);
    OPENSSL_free(der);
    X509_CRL_free(crl);
}

static void add_chain(cJSON *document, const char *name, const struct simulate_vendor *vendor,
                      const struct simulate_identity *first)
{
    struct simulate_bytes chain = {0};
    simulate_put_pem(&chain, first->cert);
    simulate_put_pem(&chain, vendor->root.cert);
    add_text(document, name, &chain);
    simulate_bytes_fini(&chain);
}

static void add_signed(cJSON *document, const char *name, const char *signature_name,
                       const struct simulate_vendor *vendor, struct simulate_bytes *text)
{
    uint8_t signature[64];
    simulate_sign(vendor->signer.key, text->ptr, text->len, signature);
    add_text(document, name, text);
    add_hex(document, signature_name, signature, sizeof signature);
    simulate_bytes_fini(text);
}

static X509_CRL *root_crl(const struct simulate_vendor *vendor,
                          const struct simulate_collateral_options *options)
{
    STACK_OF(ASN1_INTEGER) *serials = sk_ASN1_INTEGER_new_null();
    simulate_need(serials != NULL);
    if (options->ca_revoked)
        sk_ASN1_INTEGER_push(serials, X509_get_serialNumber(vendor->ca.cert));
    if (options->signer_revoked)
        sk_ASN1_INTEGER_push(serials, X509_get_serialNumber(vendor->signer.cert));
    X509_CRL *crl = simulate_crl(&vendor->root, serials, options->issued, options->next_update);
    sk_ASN1_INTEGER_free(serials); /* the serials are the certificates' */
    return crl;
}

struct simulate_bytes simulate_collateral(const struct simulate_vendor *vendor,
                                          const struct simulate_collateral_options *options)
{
    struct simulate_bytes info = tcb_info(options), identity = qe_identity(options), out = {0};
    cJSON *document = cJSON_CreateObject();
    simulate_need(document != NULL);
    add_chain(document, "pck_crl_issuer_chain", vendor, &vendor->ca);
    add_crl(document, "root_ca_crl", root_crl(vendor, options));
    add_crl(document, "pck_crl",
            simulate_crl(&vendor->ca, options->revoked, options->issued, options->next_update));
    add_chain(document, "tcb_info_issuer_chain", vendor, &vendor->signer);
    add_signed(document, "tcb_info", "tcb_info_signature", vendor, &info);
    add_chain(document, "qe_identity_issuer_chain", vendor, &vendor->signer);
    add_signed(document, "qe_identity", "qe_identity_signature", vendor, &identity);
    char *text = cJSON_Print(document);
    simulate_need(text != NULL);
    simulate_put_text(&out, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(document);
    return out;
}

struct simulate_bytes simulate_policy(void)
{
    struct simulate_bytes out = {0};
    struct simulate_quote_options good = simulate_quote_default(ATTEST_TEE_TDX);
    struct simulate_report_options report =
        simulate_report_default(&(struct simulate_chip){.product = SIMULATE_MILAN});
    simulate_put_text(&out, "{\n  \"accept\": [\n    {\"tee\": \"tdx\", \"mrtd\": [\"");
    simulate_put_hex(&out, good.tdx.mrtd, sizeof good.tdx.mrtd);
    simulate_put_text(&out, "\"]},\n    {\"tee\": \"sgx\", \"mrenclave\": [\"");
    simulate_put_hex(&out, good.sgx.mrenclave, sizeof good.sgx.mrenclave);
    simulate_put_text(&out, "\"]},\n    {\"tee\": \"snp\", \"measurement\": [\"");
    simulate_put_hex(&out, report.measurement, sizeof report.measurement);
    simulate_put_text(&out, "\"]}\n  ],\n  \"tcb\": {\"accepted_status\": [\"UpToDate\"]}\n}\n");
    return out;
}
