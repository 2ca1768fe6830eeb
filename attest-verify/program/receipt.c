#include "program/receipt.h"

#include "attest_receipt.h"
#include "collateral/chain.h"
#include "program/call.h"
#include "program/print.h"
#include "program/usage.h"

#include <errno.h>
#include <getopt.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct receipt_call {
    const char *receipt, *keys, *evidence, *request, *response;
};

struct outcome {
    enum attest_receipt_reason reason;
    char detail[256];
    struct attest_receipt receipt;
    const char *checked[6];
    size_t checked_count;
};

/* --- arguments -----------------------------------------------------------------------------------
 */

static bool take_option(struct receipt_call *call, int option, char *error, size_t size)
{
    const char **to = option == 'k'   ? &call->keys
                      : option == 'e' ? &call->evidence
                      : option == 'q' ? &call->request
                      : option == 'r' ? &call->response
                                      : NULL;
    snprintf(error, size, "%s",
             to == NULL ? "unknown option, or an option without its value"
                        : "an option is given twice");
    if (to == NULL || *to != NULL)
        return false;
    *to = optarg;
    return true;
}

static bool take_arguments(struct receipt_call *call, int argc, char **argv, char *error,
                           size_t size)
{
    static const struct option options[] = {{"keys", required_argument, NULL, 'k'},
                                            {"evidence", required_argument, NULL, 'e'},
                                            {"request-body", required_argument, NULL, 'q'},
                                            {"response-body", required_argument, NULL, 'r'},
                                            {NULL, 0, NULL, 0}};
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!take_option(call, option, error, size))
            return false;
    snprintf(error, size, "receipt takes exactly one file");
    if (optind + 1 != argc)
        return false;
    call->receipt = argv[optind];
    snprintf(error, size, "--keys is missing: whose signature should it be?");
    return call->keys != NULL;
}

/* --- files ---------------------------------------------------------------------------------------
 */

static bool digest_file(const char *path, uint8_t out[32], char *error, size_t size)
{
    uint8_t piece[16384];
    FILE *file = fopen(path, "rb");
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool good = file != NULL && md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
    size_t len = good ? 1 : 0;
    while (good && len > 0) {
        len = fread(piece, 1, sizeof piece, file);
        good = EVP_DigestUpdate(md, piece, len) == 1;
    }
    good = good && ferror(file) == 0 && EVP_DigestFinal_ex(md, out, NULL) == 1;
    if (!good)
        snprintf(error, size, "%s: %s", path, strerror(errno));
    if (file != NULL)
        fclose(file);
    EVP_MD_CTX_free(md);
    return good;
}

/* PEM begins with a dash, a DER certificate with a SEQUENCE; a quote or report with its version. */
static bool is_of(const struct attest_receipt *receipt, struct attest_bytes file)
{
    struct cursor cursor = av_cursor_over(file);
    unsigned char *der = NULL;
    if (file.len > 2 && file.ptr[1] == 0)
        return attest_receipt_is_of_evidence(receipt, file);
    X509 *certificate = av_pem_take_certificate(&cursor, NULL);
    int len = certificate != NULL ? i2d_X509(certificate, &der) : 0;
    if (len > 0)
        file = (struct attest_bytes){.ptr = der, .len = (size_t)len};
    bool good = attest_receipt_is_of_certificate(receipt, file);
    X509_free(certificate);
    OPENSSL_free(der);
    return good;
}

/* --- the checks ----------------------------------------------------------------------------------
 */

static void note_checked(struct outcome *outcome, const char *what)
{
    outcome->checked[outcome->checked_count++] = what;
}

static void refuse(struct outcome *outcome, enum attest_receipt_reason reason, const char *sentence)
{
    outcome->reason = reason;
    snprintf(outcome->detail, sizeof outcome->detail, "%s", sentence);
}

static bool check_receipt(const struct receipt_call *call, struct outcome *outcome, char *error,
                          size_t size)
{
    struct inputs keys_file = {0}, file = {0};
    struct attest_receipt_keys *keys = NULL;
    char wrong[256];
    bool good = av_inputs_read_evidence(&keys_file, call->keys, error, size) &&
                av_inputs_read_evidence(&file, call->receipt, error, size);
    if (good) {
        struct attest_bytes json = {.ptr = keys_file.evidence, .len = keys_file.evidence_len};
        struct attest_bytes text = {.ptr = file.evidence, .len = file.evidence_len};
        keys = attest_receipt_keys_parse(json, wrong, sizeof wrong);
        good = keys != NULL;
        if (good)
            outcome->reason = attest_receipt_verify(keys, text, &outcome->receipt, outcome->detail,
                                                    sizeof outcome->detail);
        else
            snprintf(error, size, "%s: %s", call->keys, wrong);
    }
    attest_receipt_keys_free(keys);
    av_inputs_fini(&keys_file);
    av_inputs_fini(&file);
    if (good && outcome->reason == ATTEST_RECEIPT_GENUINE) {
        note_checked(outcome, "signature");
        note_checked(outcome, "path");
    }
    return good;
}

static bool check_evidence(const struct receipt_call *call, struct outcome *outcome, char *error,
                           size_t size)
{
    struct inputs file = {0};
    if (call->evidence == NULL)
        return true;
    if (!av_inputs_read_evidence(&file, call->evidence, error, size))
        return false;
    struct attest_bytes bytes = {.ptr = file.evidence, .len = file.evidence_len};
    if (outcome->reason == ATTEST_RECEIPT_GENUINE && is_of(&outcome->receipt, bytes))
        note_checked(outcome, "evidence");
    else if (outcome->reason == ATTEST_RECEIPT_GENUINE)
        refuse(outcome, ATTEST_RECEIPT_EVIDENCE,
               "the evidence given is not that of the worker in the receipt");
    av_inputs_fini(&file);
    return true;
}

static bool check_body(const char *path, const struct attest_receipt_body *body, const char *what,
                       enum attest_receipt_reason reason, struct outcome *outcome, char *error,
                       size_t size)
{
    uint8_t digest[32];
    if (path == NULL)
        return true;
    if (!digest_file(path, digest, error, size))
        return false;
    if (outcome->reason != ATTEST_RECEIPT_GENUINE)
        return true;
    if (!body->digested)
        refuse(outcome, reason, "the receipt has no digest of this body");
    else if (memcmp(digest, body->sha256, sizeof digest) != 0)
        refuse(outcome, reason, "the body given is not the one that passed");
    else
        note_checked(outcome, what);
    return true;
}

/* --- the answer ----------------------------------------------------------------------------------
 */

static cJSON *record_of(const struct attest_receipt *receipt)
{
    return cJSON_ParseWithLength((const char *)receipt->record, receipt->record_len);
}

static bool add_facts(cJSON *json, const struct outcome *outcome)
{
    const struct attest_receipt *receipt = &outcome->receipt;
    cJSON *record = record_of(receipt);
    if (!cJSON_AddItemToObject(json, "record", record)) {
        cJSON_Delete(record);
        return false;
    }
    return cJSON_AddStringToObject(json, "kid", receipt->kid) != NULL &&
           cJSON_AddNumberToObject(json, "signed_at", (double)receipt->signed_at) != NULL &&
           cJSON_AddNumberToObject(json, "size", (double)receipt->size) != NULL &&
           cJSON_AddNumberToObject(json, "index", receipt->index) != NULL;
}

/* What a receipt says is shown only when it was signed for. */
static cJSON *to_json(const struct outcome *outcome)
{
    bool genuine = outcome->reason == ATTEST_RECEIPT_GENUINE;
    bool is_signed = outcome->checked_count > 0;
    cJSON *json = cJSON_CreateObject();
    bool good = json != NULL &&
                cJSON_AddStringToObject(json, "verdict", genuine ? "trusted" : "refused") != NULL &&
                cJSON_AddStringToObject(json, "reason",
                                        attest_receipt_reason_word(outcome->reason)) != NULL &&
                cJSON_AddStringToObject(json, "detail", outcome->detail) != NULL &&
                (!is_signed || add_facts(json, outcome));
    cJSON *checked = good ? cJSON_AddArrayToObject(json, "checked") : NULL;
    good = checked != NULL;
    for (size_t i = 0; good && i < outcome->checked_count; ++i)
        good = cJSON_AddItemToArray(checked, cJSON_CreateString(outcome->checked[i]));
    if (good)
        return json;
    cJSON_Delete(json);
    return NULL;
}

int av_receipt_main(int argc, char **argv)
{
    struct receipt_call call = {NULL, NULL, NULL, NULL, NULL};
    struct outcome outcome = {.reason = ATTEST_RECEIPT_INTERNAL};
    char error[1024];
    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return av_usage_print(argv[0]) ? EXIT_TRUSTED : EXIT_WRONG_CALL;
    bool good = take_arguments(&call, argc, argv, error, sizeof error) &&
                check_receipt(&call, &outcome, error, sizeof error) &&
                check_evidence(&call, &outcome, error, sizeof error) &&
                check_body(call.request, &outcome.receipt.request, "request-body",
                           ATTEST_RECEIPT_REQUEST, &outcome, error, sizeof error) &&
                check_body(call.response, &outcome.receipt.response, "response-body",
                           ATTEST_RECEIPT_RESPONSE, &outcome, error, sizeof error);
    if (!good)
        return call_is_wrong(argv[0], error);
    int status = av_print_json(argv[0], to_json(&outcome));
    return status != 0                                ? status
           : outcome.reason == ATTEST_RECEIPT_GENUINE ? EXIT_TRUSTED
                                                      : EXIT_REFUSED;
}
