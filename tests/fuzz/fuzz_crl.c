/* Any bytes as a revocation list over a chain whose leaf is revoked: the list of its own CA, which
 * the corpus has, says so, and no other may vouch for it. */
#include "bytes/hex.h"
#include "collateral/collateral.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made by `attest-verify simulate --time 1750000000`: PCK certificate, Platform CA and root; and
 * the root's own list, which revokes nobody. */
enum { NOW = 1750000000 };
static const char chain_pem[] = "-----BEGIN CERTIFICATE-----\n"
                                "MIIEeTCCBB+gAwIBAgIUaUKtvpuBEndYR4qucTtmaZJnakQwCgYIKoZIzj0EAwIw\n"
                                "UTEiMCAGA1UEAwwZSW50ZWwgU0dYIFBDSyBQbGF0Zm9ybSBDQTErMCkGA1UECgwi\n"
                                "U2ltdWxhdGVkIFRFRSAtIG5vdCBmb3IgcHJvZHVjdGlvbjAeFw0yNDA2MTUxNTA2\n"
                                "NDBaFw0zMjA2MTMxNTA2NDBaMFExIjAgBgNVBAMMGUludGVsIFNHWCBQQ0sgQ2Vy\n"
                                "dGlmaWNhdGUxKzApBgNVBAoMIlNpbXVsYXRlZCBURUUgLSBub3QgZm9yIHByb2R1\n"
                                "Y3Rpb24wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASfEZqikvoHpi97gRANy6zP\n"
                                "hFxqjyZ616mrIGayQ5fLi9n+IaYKrPBbqasdjtpFMBeunblrid0ofCN4g0vP/1kI\n"
                                "o4IC0zCCAs8wHQYDVR0OBBYEFIIx8cpDz3bbE+25boFO9pCVtRhJMB8GA1UdIwQY\n"
                                "MBaAFDXaHo1g9bBW9lF/TmfKx9ex2U69MDIGA1UdHwQrMCkwJ6AloCOGIWh0dHBz\n"
                                "Oi8vc2ltdWxhdGVkLXRlZS5pbnZhbGlkL2NybDAOBgNVHQ8BAf8EBAMCBsAwDAYD\n"
                                "VR0TAQH/BAIwADCCAjkGCSqGSIb4TQENAQSCAiowggImMB4GCiqGSIb4TQENAQEE\n"
                                "EKMi1m1S4SXheVg61doqERQwggFjBgoqhkiG+E0BDQECMIIBUzAQBgsqhkiG+E0B\n"
                                "DQECAQIBBDAQBgsqhkiG+E0BDQECAgIBBDAQBgsqhkiG+E0BDQECAwIBAjAQBgsq\n"
                                "hkiG+E0BDQECBAIBAjAQBgsqhkiG+E0BDQECBQIBBDAQBgsqhkiG+E0BDQECBgIB\n"
                                "ATAQBgsqhkiG+E0BDQECBwIBADAQBgsqhkiG+E0BDQECCAIBBTAQBgsqhkiG+E0B\n"
                                "DQECCQIBADAQBgsqhkiG+E0BDQECCgIBADAQBgsqhkiG+E0BDQECCwIBADAQBgsq\n"
                                "hkiG+E0BDQECDAIBADAQBgsqhkiG+E0BDQECDQIBADAQBgsqhkiG+E0BDQECDgIB\n"
                                "ADAQBgsqhkiG+E0BDQECDwIBADAQBgsqhkiG+E0BDQECEAIBADAQBgsqhkiG+E0B\n"
                                "DQECEQIBCzAfBgsqhkiG+E0BDQECEgQQBAQCAgQBAAUAAAAAAAAAADAQBgoqhkiG\n"
                                "+E0BDQEDBAIAADAUBgoqhkiG+E0BDQEEBAbw8PDwAAAwDwYKKoZIhvhNAQ0BBQoB\n"
                                "ATAeBgoqhkiG+E0BDQEGBBAc/xMWxDV38QjKCxslYB6PMEQGCiqGSIb4TQENAQcw\n"
                                "NjAQBgsqhkiG+E0BDQEHAQEBADAQBgsqhkiG+E0BDQEHAgEB/zAQBgsqhkiG+E0B\n"
                                "DQEHAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA/5vpVTqozDtpyBBeDjAVq8wiwS8j\n"
                                "kGpLiDeeeJJPuWMCICz48hom1G/pSTejd4lq8YtzgGZipjgG8BxIG/luG9PE\n"
                                "-----END CERTIFICATE-----\n"
                                "-----BEGIN CERTIFICATE-----\n"
                                "MIICOTCCAd6gAwIBAgIUaSAI90SYgLMPtU3UvEns7+gxQbswCgYIKoZIzj0EAwIw\n"
                                "STEaMBgGA1UEAwwRSW50ZWwgU0dYIFJvb3QgQ0ExKzApBgNVBAoMIlNpbXVsYXRl\n"
                                "ZCBURUUgLSBub3QgZm9yIHByb2R1Y3Rpb24wHhcNMjQwNjE1MTUwNjQwWhcNNDUw\n"
                                "NjEwMTUwNjQwWjBRMSIwIAYDVQQDDBlJbnRlbCBTR1ggUENLIFBsYXRmb3JtIENB\n"
                                "MSswKQYDVQQKDCJTaW11bGF0ZWQgVEVFIC0gbm90IGZvciBwcm9kdWN0aW9uMFkw\n"
                                "EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExsHN4thzuvyGMzmxGvV9wAcov2j8uGUQ\n"
                                "L7Ni9Cn1x2DfOfA3qbbLeJXAu/oCHadSmEiA4SfQgNxG53edJCkuk6OBmzCBmDAd\n"
                                "BgNVHQ4EFgQUNdoejWD1sFb2UX9OZ8rH17HZTr0wHwYDVR0jBBgwFoAUrTD+h8YF\n"
                                "9nFHJzOq234QRc6snEcwMgYDVR0fBCswKTAnoCWgI4YhaHR0cHM6Ly9zaW11bGF0\n"
                                "ZWQtdGVlLmludmFsaWQvY3JsMA4GA1UdDwEB/wQEAwIBBjASBgNVHRMBAf8ECDAG\n"
                                "AQH/AgEAMAoGCCqGSM49BAMCA0kAMEYCIQCIRWcdzD6oto6I0Y4dFDh/c+gy+wV2\n"
                                "2Vhomc3XnzzudwIhAMxV8gS+dp5GlMA8/LbKHDuLDihYtk7ZQxOuWzpST/Rb\n"
                                "-----END CERTIFICATE-----\n"
                                "-----BEGIN CERTIFICATE-----\n"
                                "MIICLzCCAdagAwIBAgIUeVa29udw6Kg4dS51oYB+G2OaRXMwCgYIKoZIzj0EAwIw\n"
                                "STEaMBgGA1UEAwwRSW50ZWwgU0dYIFJvb3QgQ0ExKzApBgNVBAoMIlNpbXVsYXRl\n"
                                "ZCBURUUgLSBub3QgZm9yIHByb2R1Y3Rpb24wHhcNMjQwNjE1MTUwNjQwWhcNNDUw\n"
                                "NjEwMTUwNjQwWjBJMRowGAYDVQQDDBFJbnRlbCBTR1ggUm9vdCBDQTErMCkGA1UE\n"
                                "CgwiU2ltdWxhdGVkIFRFRSAtIG5vdCBmb3IgcHJvZHVjdGlvbjBZMBMGByqGSM49\n"
                                "AgEGCCqGSM49AwEHA0IABEPi4XyyveUYjttlNBHkAYuvQtqw6iQAu9p6DyA90rQ0\n"
                                "3qfg5R1x/I9qkMuRHHjMrPURDhkqjYdUavNCh6nOSFWjgZswgZgwHQYDVR0OBBYE\n"
                                "FK0w/ofGBfZxRyczqtt+EEXOrJxHMB8GA1UdIwQYMBaAFK0w/ofGBfZxRyczqtt+\n"
                                "EEXOrJxHMDIGA1UdHwQrMCkwJ6AloCOGIWh0dHBzOi8vc2ltdWxhdGVkLXRlZS5p\n"
                                "bnZhbGlkL2NybDAOBgNVHQ8BAf8EBAMCAQYwEgYDVR0TAQH/BAgwBgEB/wIBATAK\n"
                                "BggqhkjOPQQDAgNHADBEAiBPRKXSB4X5IXYvjvNXtqfefq/y9Yr1udDedGVOQJme\n"
                                "9wIgJEW8FUn30S9E4eYZz4z5wWCsBKHD01zhOXpLinirVG8=\n"
                                "-----END CERTIFICATE-----\n";
static const char root_crl_hex[] =
    "308201053081AC020101300A06082A8648CE3D0403023049311A301806035504030C11496E74656C20534758"
    "20526F6F74204341312B3029060355040A0C2253696D756C6174656420544545202D206E6F7420666F722070"
    "726F64756374696F6E170D3235303631353134303634305A170D3235303731353135303634305AA032303030"
    "0D0603551D1404060204684ED370301F0603551D23041830168014AD30FE87C605F671472733AADB7E1045CE"
    "AC9C47300A06082A8648CE3D040302034800304502200794CE31C00A54223C0101181EC5480E1E16490209EF"
    "074775AF2DBFD6393436022100A6FBA15A7D6DC80E93BEACF522F79A6383F484F24C694F82E3ECF7CF85DBCD"
    "51";

static X509_CRL *root_list(void)
{
    uint8_t der[sizeof root_crl_hex / 2];
    if (!av_hex_decode(root_crl_hex, strlen(root_crl_hex), der, sizeof der))
        abort();
    const unsigned char *at = der;
    return d2i_X509_CRL(NULL, &at, sizeof der);
}

/* As a document's list is judged: by itself, for proving it, and over the chain. */
static void judge(X509_CRL *list)
{
    struct attest_bytes pem = {.ptr = (const uint8_t *)chain_pem, .len = strlen(chain_pem)};
    char error[128];
    struct attest_roots *roots = attest_roots_from_pem(pem, error, sizeof error);
    struct chain chain;
    struct proven proven = {.crl_count = 0};
    struct attest_verdict verdict;
    X509_CRL *root_crl = root_list();
    if (roots == NULL || root_crl == NULL || !av_chain_parse(pem, CHAIN_PCK, NULL, NULL, 0, &chain))
        abort();
    struct moment at = {.now = NOW};
    bool is_sound = av_crl_check(list, chain.certificates[1], "PCK", at, &verdict);
    bool is_signed = av_proven_add_crl(&proven, list, chain.certificates[1]);
    if (is_signed != (proven.crl_count == 1))
        abort();
    for (int remembers = 0; remembers < 2; ++remembers) {
        struct chain_trust trust = {.roots = roots,
                                    .crls = {root_crl, list},
                                    .crl_count = 2,
                                    .now = NOW,
                                    .proven = remembers ? &proven : NULL};
        av_verdict_init(&verdict);
        if (av_chain_verify(&chain, CHAIN_PCK, &trust, &verdict))
            abort();
        if (is_sound && is_signed && verdict.reason != ATTEST_REVOKED)
            abort();
    }
    X509_CRL_free(root_crl);
    av_chain_fini(&chain);
    attest_roots_free(roots);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned char *at = data;
    X509_CRL *list = size <= CRL_BYTES_MAX ? d2i_X509_CRL(NULL, &at, (long)size) : NULL;
    if (list != NULL)
        judge(list);
    X509_CRL_free(list);
    return 0;
}
