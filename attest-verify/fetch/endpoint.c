#include "fetch/endpoint.h"

#include "bytes/hex.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define INTEL_PCS "https://api.trustedservices.intel.com"
#define AMD_KDS   "https://kdsintf.amd.com"
#define API_PATH  "/sgx/certification/v4"

#define INTEL_TEES (1u << ATTEST_TEE_SGX | 1u << ATTEST_TEE_TDX)
#define AMD_TEES   (1u << ATTEST_TEE_SNP)

/* The documented services of vendors: Intel's Provisioning Certification Service, version 4, and
 * AMD's Key Distribution Service, version 1. PCS has no list of its root; the root certificate's
 * distribution point names the place. */
static const struct {
    const char *base, *root_crl;
    unsigned tees;
} vendors[ENDPOINT_DEFAULTS] = {
    {INTEL_PCS, "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der", INTEL_TEES},
    {AMD_KDS, NULL, AMD_TEES},
};
const char *const endpoint_defaults[ENDPOINT_DEFAULTS] = {INTEL_PCS, AMD_KDS};

static bool is_loopback(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    char bare[64];
    if (strcmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &four) == 1)
        return (ntohl(four.s_addr) >> 24) == 127;
    size_t len = strlen(host);
    if (len < 3 || len > sizeof bare || host[0] != '[' || host[len - 1] != ']')
        return false;
    snprintf(bare, sizeof bare, "%.*s", (int)len - 2, host + 1);
    return inet_pton(AF_INET6, bare, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return has;
}

static const char *check_scheme(CURLU *url)
{
    char *scheme = NULL, *host = NULL;
    const char *wrong = "it has no scheme and host";
    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK)
        wrong = strcmp(scheme, "https") == 0 || (strcmp(scheme, "http") == 0 && is_loopback(host))
                    ? NULL
                    : "allowed is https, and http to a loopback address only";
    curl_free(scheme);
    curl_free(host);
    return wrong;
}

static const char *check_url(const char *text)
{
    CURLU *url = curl_url();
    const char *wrong = "it is not a URL";
    if (url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK)
        wrong = has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD) ||
                        has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT)
                    ? "a base has no user, query or fragment"
                    : check_scheme(url);
    curl_url_cleanup(url);
    return wrong;
}

static void trim(char *base)
{
    static const char *const paths[] = {API_PATH, "/vcek/v1", "/vlek/v1"};
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/')
        base[--len] = '\0';
    for (size_t i = 0; i < sizeof paths / sizeof *paths; ++i) {
        size_t path = strlen(paths[i]);
        if (len > path && strcmp(base + len - path, paths[i]) == 0) {
            base[len - path] = '\0';
            return;
        }
    }
}

bool endpoint_parse(const char *url, struct endpoint *endpoint, char *error, size_t error_size)
{
    *endpoint = (struct endpoint){0};
    const char *wrong = strlen(url) < sizeof endpoint->base ? check_url(url) : "it is too long";
    if (wrong != NULL) {
        snprintf(error, error_size, "endpoint \"%.200s\": %s", url, wrong);
        return false;
    }
    memcpy(endpoint->base, url, strlen(url) + 1);
    trim(endpoint->base);
    endpoint->tees = INTEL_TEES | AMD_TEES;
    for (size_t i = 0; i < ENDPOINT_DEFAULTS; ++i)
        if (strcmp(vendors[i].base, endpoint->base) == 0) {
            endpoint->root_crl = vendors[i].root_crl;
            endpoint->tees = vendors[i].tees;
        }
    return true;
}

/* The lists and the signed texts of both TEEs, as PCS and PCCS serve them. The lists are Intel's
 * SGX ones for TDX too. */
void endpoint_url(const struct endpoint *endpoint, const struct attest_platform *platform,
                  enum fetch_part part, char url[ENDPOINT_URL_BYTES])
{
    char fmspc[2 * sizeof platform->fmspc + 1];
    const char *tee = attest_tee_word(platform->tee);
    av_hex_encode(platform->fmspc, sizeof platform->fmspc, fmspc);
    if (part == PART_TCB)
        snprintf(url, ENDPOINT_URL_BYTES, "%s/%s/certification/v4/tcb?fmspc=%s", endpoint->base,
                 tee, fmspc);
    else if (part == PART_QE)
        snprintf(url, ENDPOINT_URL_BYTES, "%s/%s/certification/v4/qe/identity", endpoint->base,
                 tee);
    else if (part == PART_PCK_CRL)
        snprintf(url, ENDPOINT_URL_BYTES, "%s" API_PATH "/pckcrl?ca=%s&encoding=der",
                 endpoint->base, platform->processor_ca ? "processor" : "platform");
    else if (endpoint->root_crl != NULL)
        snprintf(url, ENDPOINT_URL_BYTES, "%s", endpoint->root_crl);
    else
        snprintf(url, ENDPOINT_URL_BYTES, "%s" API_PATH "/rootcacrl", endpoint->base);
}
