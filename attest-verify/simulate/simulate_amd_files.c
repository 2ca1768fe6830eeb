/* `attest-verify simulate DIR --tee snp`: AMD's side of the folder, a vendor for each product. */
#include "simulate/simulate_amd_files.h"

#include "simulate/simulate_pki.h"

#include <stdio.h>
#include <string.h>

enum { PATH_LEN = 128, DAY_S = 86400, BACKDATE_S = 3600 };
/* AMD's keys are of 4096 bits; these are made in a third of the time. */
enum { RSA_BITS = 3072 };
enum { SNP_FIRMWARE_OLD = 20, POLICY_DEBUG = 1 << 19 };

static const char *const product_words[SIMULATE_PRODUCTS] = {"milan", "genoa", "turin"};

bool simulate_set_product(struct order *order, const char *word)
{
    for (int i = 0; i < SIMULATE_PRODUCTS; ++i)
        if (strcmp(word, product_words[i]) == 0) {
            order->product = i;
            return true;
        }
    return simulate_complain("--product: found \"%s\"; allowed are milan, genoa and turin", word);
}

const char *simulate_product_word(enum simulate_product product)
{
    return product_words[product];
}

/* --- the product's keys --- */

struct part {
    struct simulate_identity *identity;
    const char *name;
};

/* The ARK's certificate is last: it stands for "this product is whole". */
static void name_parts(struct simulate_amd *amd, struct part parts[3])
{
    parts[0] = (struct part){&amd->ask, "ask"};
    parts[1] = (struct part){&amd->asvk, "asvk"};
    parts[2] = (struct part){&amd->ark, "ark"};
}

static void name_key(enum simulate_product product, const char *part, char path[PATH_LEN])
{
    snprintf(path, PATH_LEN, "pki/%s-%s.key.pem", part, product_words[product]);
}

static void name_cert(enum simulate_product product, const char *part, char path[PATH_LEN])
{
    bool is_root = strcmp(part, "ark") == 0;
    snprintf(path, PATH_LEN, is_root ? "roots/%s-%s.pem" : "pki/%s-%s.crt.pem", part,
             product_words[product]);
}

static bool has_product(const struct simulate_folder *folder, enum simulate_product product)
{
    char path[PATH_LEN];
    name_cert(product, "ark", path);
    return simulate_folder_has(folder, path);
}

static bool load(const struct simulate_folder *folder, enum simulate_product product,
                 struct simulate_amd *amd)
{
    struct part parts[3];
    *amd = (struct simulate_amd){.product = product};
    name_parts(amd, parts);
    for (size_t i = 0; i < 3; ++i) {
        char key[PATH_LEN], cert[PATH_LEN];
        name_key(product, parts[i].name, key);
        name_cert(product, parts[i].name, cert);
        if (!simulate_folder_load(folder, key, cert, parts[i].identity)) {
            simulate_amd_fini(amd);
            return false;
        }
    }
    return true;
}

static bool make(const struct simulate_folder *folder, const struct order *order,
                 struct simulate_amd *amd)
{
    struct part parts[3];
    simulate_amd_init(amd,
                      &(struct simulate_amd_options){.product = order->product, .now = order->now});
    name_parts(amd, parts);
    for (size_t i = 0; i < 3; ++i) {
        char key[PATH_LEN], cert[PATH_LEN];
        name_key(order->product, parts[i].name, key);
        name_cert(order->product, parts[i].name, cert);
        if (!simulate_folder_write_key(folder, key, parts[i].identity->key) ||
            !simulate_folder_write_cert(folder, cert, parts[i].identity->cert)) {
            simulate_amd_fini(amd);
            return false;
        }
    }
    return true;
}

/* --- the lists --- */

/* A kind that was revoked stays so: AMD can revoke what issues leaves, and no leaf. */
static void name_revoked(enum simulate_product product, bool vlek, char path[PATH_LEN])
{
    snprintf(path, PATH_LEN, "pki/%s-%s.revoked", vlek ? "asvk" : "ask", product_words[product]);
}

static bool is_revoked(const struct simulate_folder *folder, enum simulate_product product,
                       bool vlek)
{
    char path[PATH_LEN];
    name_revoked(product, vlek, path);
    return simulate_folder_has(folder, path);
}

static bool revoke(const struct simulate_folder *folder, const struct order *order)
{
    char path[PATH_LEN];
    struct simulate_bytes none = {0};
    name_revoked(order->product, order->vlek, path);
    return simulate_folder_write(folder, path, &none, true);
}

static X509_CRL *make_list(const struct simulate_folder *folder, const struct order *order,
                           const struct simulate_amd *amd)
{
    struct simulate_list_options list = {.this_update = order->now - BACKDATE_S,
                                         .next_update = order->now + order->collateral_days * DAY_S,
                                         .ask_revoked = is_revoked(folder, amd->product, false),
                                         .asvk_revoked = is_revoked(folder, amd->product, true)};
    if (order->collateral_days < 0)
        list.this_update = list.next_update - 30 * DAY_S;
    return simulate_amd_crl(amd, &list);
}

static bool write_document(const struct simulate_folder *folder, const char *name,
                           const struct simulate_amd *amd, bool vlek, X509 *leaf, X509_CRL *crl)
{
    struct simulate_bytes document = simulate_amd_document(amd, vlek, leaf, crl);
    bool ok = simulate_folder_write(folder, name, &document, false);
    simulate_bytes_fini(&document);
    return ok;
}

/* --- a worker --- */

static void name_leaf(const char *worker, const char *suffix, char path[PATH_LEN])
{
    snprintf(path, PATH_LEN, "pki/%s.snp.%s", worker, suffix);
}

static struct simulate_chip chip_of(const struct order *order, const char *name)
{
    struct simulate_chip chip = simulate_chip_default(order->product, name, order->now);
    chip.vlek = order->vlek;
    if (order->variant->outdated)
        chip.tcb.snp = SNP_FIRMWARE_OLD;
    return chip;
}

static struct simulate_report_options report_of(const struct order *order,
                                                const struct simulate_chip *chip)
{
    struct simulate_report_options report = simulate_report_default(chip);
    report.bad_signature = order->variant->damage == SIMULATE_BAD_QUOTE_SIGNATURE;
    if (order->variant->debug)
        report.policy |= POLICY_DEBUG;
    if (order->variant->unlisted)
        simulate_report_set_unlisted(&report);
    return report;
}

static bool write_der(const struct simulate_folder *folder, const char *name, const char *file,
                      const uint8_t *der, size_t len)
{
    char path[PATH_LEN];
    struct simulate_bytes bytes = {0};
    snprintf(path, sizeof path, "snp/%s/%s", name, file);
    simulate_put(&bytes, der, len);
    bool ok = simulate_folder_write(folder, path, &bytes, false);
    simulate_bytes_fini(&bytes);
    return ok;
}

static bool write_der_cert(const struct simulate_folder *folder, const char *name, const char *file,
                           X509 *cert)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    simulate_need(len > 0);
    bool ok = write_der(folder, name, file, der, (size_t)len);
    OPENSSL_free(der);
    return ok;
}

/* What `attest-verify snp` takes: the bare report, and its certificates and list in DER. */
static bool write_bare(const struct simulate_folder *folder, const char *name,
                       const struct simulate_bytes *report,
                       const struct simulate_report_evidence *evidence, X509_CRL *crl)
{
    char path[PATH_LEN];
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    simulate_need(len > 0);
    snprintf(path, sizeof path, "snp/%s", name);
    bool ok = simulate_folder_make_dir(folder, "snp") && simulate_folder_make_dir(folder, path) &&
              write_der(folder, name, "report.bin", report->ptr, report->len) &&
              write_der_cert(folder, name, "leaf.der", evidence->leaf) &&
              write_der_cert(folder, name, "ica.der", evidence->ica) &&
              write_der_cert(folder, name, "ark.der", evidence->ark) &&
              write_der(folder, name, "crl.der", der, (size_t)len);
    OPENSSL_free(der);
    return ok;
}

static bool write_worker(const struct order *order, struct simulate_folder *folder,
                         const char *name, const struct simulate_amd *amd,
                         const struct simulate_identity *leaf, EVP_PKEY *key, X509 **cert)
{
    struct simulate_chip chip = chip_of(order, name);
    struct simulate_report_options options = report_of(order, &chip);
    struct simulate_bytes claims = {0};
    EVP_PKEY *other = order->variant->other_key ? simulate_key_new() : NULL;
    simulate_bind_report(order->convention->convention, other != NULL ? other : key, &options,
                         &claims);
    struct simulate_bytes report = simulate_report(leaf, &options);
    struct simulate_report_evidence evidence = {.certs = SIMULATE_CERTS_DER,
                                                .leaf = leaf->cert,
                                                .ica = order->vlek ? amd->asvk.cert : amd->ask.cert,
                                                .ark = amd->ark.cert};
    X509_CRL *crl = make_list(folder, order, amd);
    char path[PATH_LEN];
    snprintf(path, sizeof path, "collateral/snp-%s.json", name);
    bool ok = write_document(folder, path, amd, order->vlek, leaf->cert, crl) &&
              write_bare(folder, name, &report, &evidence, crl);
    *cert = simulate_order_certificate(order, name, key, &report, &claims, &evidence);
    X509_CRL_free(crl);
    EVP_PKEY_free(other);
    simulate_bytes_fini(&report);
    simulate_bytes_fini(&claims);
    return ok;
}

bool simulate_amd_worker(const struct order *order, struct simulate_folder *folder,
                         const char *name, EVP_PKEY *key, X509 **cert)
{
    struct simulate_amd amd;
    char key_path[PATH_LEN], cert_path[PATH_LEN];
    *cert = NULL;
    if (order->variant->revoked && !revoke(folder, order))
        return false;
    if (has_product(folder, order->product) ? !load(folder, order->product, &amd)
                                            : !make(folder, order, &amd))
        return false;
    struct simulate_chip chip = chip_of(order, name);
    struct simulate_identity leaf = simulate_chip_key(&amd, &chip);
    name_leaf(name, "key.pem", key_path);
    name_leaf(name, "crt.pem", cert_path);
    bool ok = simulate_folder_write_key(folder, key_path, leaf.key) &&
              simulate_folder_write_cert(folder, cert_path, leaf.cert) &&
              write_worker(order, folder, name, &amd, &leaf, key, cert);
    simulate_identity_fini(&leaf);
    simulate_amd_fini(&amd);
    return ok;
}

/* One document without a leaf for each kind of key, so that lists are fresh for all workers. */
static bool write_product(const struct order *order, struct simulate_folder *folder,
                          enum simulate_product product)
{
    struct simulate_amd amd;
    bool ok = load(folder, product, &amd);
    if (!ok)
        return false;
    X509_CRL *crl = make_list(folder, order, &amd);
    for (int vlek = 0; ok && vlek < 2; ++vlek) {
        char path[PATH_LEN];
        snprintf(path, sizeof path, "collateral/amd-%s-%s.json", product_words[product],
                 vlek == 1 ? "vlek" : "vcek");
        ok = write_document(folder, path, &amd, vlek == 1, NULL, crl);
    }
    X509_CRL_free(crl);
    simulate_amd_fini(&amd);
    return ok;
}

bool simulate_amd_collateral(const struct order *order, struct simulate_folder *folder)
{
    for (int i = 0; i < SIMULATE_PRODUCTS; ++i)
        if (has_product(folder, i) && !write_product(order, folder, i))
            return false;
    return true;
}

bool simulate_amd_on_demand(const struct order *order, struct simulate_folder *folder,
                            const uint8_t report_data[64], struct simulate_bytes *report)
{
    struct simulate_identity leaf = {0};
    struct simulate_bytes claims = {0};
    char key_path[PATH_LEN], cert_path[PATH_LEN];
    name_leaf(order->workers[0], "key.pem", key_path);
    name_leaf(order->workers[0], "crt.pem", cert_path);
    if (!simulate_folder_load(folder, key_path, cert_path, &leaf))
        return false;
    struct simulate_chip chip = chip_of(order, order->workers[0]);
    struct simulate_report_options options = report_of(order, &chip);
    EVP_PKEY *any = simulate_key_new();
    simulate_bind_report(order->convention->convention, any, &options, &claims);
    memcpy(options.report_data, report_data, sizeof options.report_data);
    *report = simulate_report(&leaf, &options);
    EVP_PKEY_free(any);
    simulate_bytes_fini(&claims);
    simulate_identity_fini(&leaf);
    return true;
}
